#include "log.h"
#include "clock.h"
#include "must.h"
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VALUE_BYTES_MAX 512
#define LINES_PER_SECOND_MAX 2000
#define TAIL_BYTES 40 /* " dropped=<u64>" and the line end always fit */

static struct {
	char proc[64];
	enum log_level lowest;
	int fd;
	/* Two threads may write (the statistics have one): a count may be one off, no more. */
	_Atomic uint64_t second; /* lines are counted within it */
	_Atomic unsigned lines;
	_Atomic uint64_t dropped;
} state = {.proc = "", .lowest = LOG_INFO, .fd = 2};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void
log_init(const char *proc, enum log_level lowest)
{
	snprintf(state.proc, sizeof(state.proc), "%s", proc);
	state.lowest = lowest;
}

bool
log_level_parse(struct view name, enum log_level *out)
{
	for (unsigned i = 0; i <= LOG_ERROR; i++) {
		if (view_eq_str(name, level_names[i])) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void
log_set_fd(int fd)
{
	state.fd = fd < 0 ? 2 : fd;
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* What stands in a value without quotes. */
static bool
is_plain(char c)
{
	return is_alnum(c) || c == '.' || c == '_' || c == ':' || c == '/' || c == '@' ||
	       c == '+' || c == '-';
}

static size_t
plain_len(struct view v)
{
	size_t len = 0;
	while (len < v.len && is_plain(v.data[len]))
		len++;
	return len;
}

/* How many bytes at the start of `v` are letters, digits or of `more`. */
static size_t
token_len(struct view v, const char *more)
{
	size_t len = 0;
	while (len < v.len && (is_alnum(v.data[len]) || is_one_of(v.data[len], more)))
		len++;
	return len;
}

/* A credential that shows itself: "sk-...". In the middle of a word ("risk-free") only what is too
 * long for a word counts. */
static size_t
prefixed_len(struct view v, size_t at)
{
	static const char *const prefixes[] = {"sk-", "pm-", "pma-", "AIza", "eyJ"};
	enum { LONG_BYTES = 16 };
	struct view rest = view_from(v, at);
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (!view_starts(rest, prefixes[i]))
			continue;
		size_t prefix = strlen(prefixes[i]);
		size_t tail = token_len(view_from(rest, prefix), "-_.~+/=");
		bool word_start = at == 0 || !is_alnum(v.data[at - 1]);
		if (tail >= (word_start ? 1 : LONG_BYTES))
			return prefix + tail;
	}
	return 0;
}

/* A credential behind its name, as in `"x-api-key\": \"...`. *keep gets the length of the part that
 * stays readable. */
static size_t
named_len(struct view v, size_t at, size_t *keep)
{
	static const struct {
		const char *name;
		const char *needs; /* one of these has to stand between name and value */
		const char *stops; /* the value ends before one of these */
	} rules[] = {
	    {"bearer", " \t:=\"", " \t\r\n\"'\\,;"}, {"api-key", ":=", " \t\r\n\"'\\,;"},
	    {"api_key", ":=", " \t\r\n\"'\\,;"},
	    {"authorization", ":=", "\r\n\"'\\,"}, /* scheme and value: two words */
	};
	struct view rest = view_from(v, at);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (!view_starts_nocase(rest, rules[i].name))
			continue;
		size_t start = strlen(rules[i].name);
		bool named = false;
		for (; start < rest.len && is_one_of(rest.data[start], " \t:=\"'\\"); start++)
			named |= is_one_of(rest.data[start], rules[i].needs);
		size_t end = start;
		while (end < rest.len && !is_one_of(rest.data[end], rules[i].stops))
			end++;
		if (named && end > start) {
			*keep = start;
			return end;
		}
	}
	return 0;
}

/* Whether one of the rules may begin with these three bytes: few values have such a place, and
 * every exchange logs two dozen. */
static bool
may_begin(const char *at)
{
	char second = (char)(at[1] | 0x20);
	char third = (char)(at[2] | 0x20);
	switch (at[0]) {
	case 's':
		return second == 'k' && third == '-';
	case 'p':
		return second == 'm' && (third == '-' || third == 'a');
	case 'e':
		return second == 'y' && third == 'j';
	case 'b':
	case 'B':
		return second == 'e' && third == 'a';
	case 'a':
	case 'A':
		return (second == 'i' && third == 'z') || (second == 'p' && third == 'i') ||
		       (second == 'u' && third == 't');
	default:
		return false;
	}
}

/* Where the next credential may begin, at or behind `at`; in.len when nowhere. */
static size_t
next_candidate(struct view in, size_t at)
{
	for (; at + 2 < in.len; at++) {
		if (may_begin(in.data + at))
			return at;
	}
	return in.len;
}

static size_t
put_part(struct view part, char *out, size_t put, size_t room)
{
	part = view_sub(part, 0, room - put);
	if (part.len > 0)
		memcpy(out + put, part.data, part.len);
	return put + part.len;
}

/* Returns the length; not terminated. */
static size_t
redact(struct view in, char *out, size_t room)
{
	size_t put = 0;
	for (size_t i = 0; i < in.len && put < room;) {
		size_t next = next_candidate(in, i);
		put = put_part(view_sub(in, i, next - i), out, put, room);
		i = next;
		if (i == in.len)
			break;
		size_t keep = 0;
		size_t len = prefixed_len(in, i);
		if (len == 0)
			len = named_len(in, i, &keep);
		put = put_part(view_sub(in, i, len > 0 ? keep : 1), out, put, room);
		if (len > 0)
			put = put_part(VIEW("***"), out, put, room);
		i += len > 0 ? len : 1;
	}
	return put;
}

size_t
log_redact(struct view in, char *out, size_t out_len)
{
	MUST(out_len > 0);
	size_t len = redact(in, out, out_len - 1);
	out[len] = '\0';
	return len;
}

/* A pair that does not fit is left out whole. */
static void
put_raw(struct log_line *line, const char *key, const char *value, size_t len)
{
	size_t room = sizeof(line->text) - TAIL_BYTES - line->len;
	size_t key_len = strlen(key);
	if (room < len || room - len < key_len + 2)
		return;
	if (line->len > 0)
		line->text[line->len++] = ' ';
	memcpy(line->text + line->len, key, key_len);
	line->text[line->len + key_len] = '=';
	memcpy(line->text + line->len + key_len + 1, value, len);
	line->len += key_len + 1 + len;
}

/* Writes one character (or one bad byte) of `v` as it stands between quotes; returns how many bytes
 * of `v` that was. C1 controls are escaped too: terminals obey them. */
static size_t
put_quoted(struct view v, char **out)
{
	size_t step = view_utf8_step(v);
	unsigned char c = (unsigned char)v.data[0];
	bool c1 = step == 2 && c == 0xc2 && (unsigned char)v.data[1] < 0xa0;
	if (step == 0 || c < 0x20 || c == 0x7f || c1) {
		*out += snprintf(*out, 5, "\\x%02x", c);
		return 1;
	}
	if (c == '"' || c == '\\')
		*(*out)++ = '\\';
	memcpy(*out, v.data, step);
	*out += step;
	return step;
}

static void
put_with_quotes(struct log_line *line, const char *key, struct view v)
{
	char quoted[4 * VALUE_BYTES_MAX + 3];
	char *end = quoted;
	*end++ = '"';
	while (v.len > 0)
		v = view_from(v, put_quoted(v, &end));
	*end++ = '"';
	put_raw(line, key, quoted, (size_t)(end - quoted));
}

static void
put_clean(struct log_line *line, const char *key, struct view v)
{
	if (v.len > 0 && plain_len(v) == v.len)
		put_raw(line, key, v.data, v.len);
	else
		put_with_quotes(line, key, v);
}

static void
put_redacted(struct log_line *line, const char *key, struct view value)
{
	char clean[VALUE_BYTES_MAX];
	put_clean(line, key, view_make(clean, redact(value, clean, sizeof(clean))));
}

static bool
is_secret_key(const char *key)
{
	static const char *const names[] = {
	    "authorization", "x-api-key", "key", "token", "secret", "password", "cookie"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (view_eq_nocase(view_of(key), names[i]))
			return true;
	}
	return false;
}

void
log_view(struct log_line *line, const char *key, struct view value)
{
	if (line->off)
		return;
	if (value.len > 0 && is_secret_key(key)) {
		put_raw(line, key, "***", 3);
		return;
	}
	if (next_candidate(value, 0) == value.len)
		put_clean(line, key, view_sub(value, 0, VALUE_BYTES_MAX));
	else
		put_redacted(line, key, value);
}

void
log_str(struct log_line *line, const char *key, const char *value)
{
	log_view(line, key, view_of(value));
}

void
log_int(struct log_line *line, const char *key, int64_t value)
{
	char text[20]; /* as many bytes as the longest has */
	char *at = text + sizeof(text);
	uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	if (line->off)
		return;
	do
		*--at = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (value < 0)
		*--at = '-';
	put_raw(line, key, at, (size_t)(text + sizeof(text) - at));
}

/* An event that repeats without end costs lines, never time: beyond the limit nothing is formatted.
 */
static bool
is_over_limit(void)
{
	uint64_t second = clock_mono_ms() / 1000;
	if (second != state.second)
		state.lines = 0;
	state.second = second;
	return state.lines >= LINES_PER_SECOND_MAX;
}

void
log_begin(struct log_line *line, enum log_level level, const char *event)
{
	line->len = 0;
	line->off = level < state.lowest;
	if (line->off)
		return;
	if (is_over_limit()) {
		line->off = true;
		state.dropped++;
		return;
	}
	char ts[25];
	clock_format_utc(clock_wall_ms(), ts);
	put_raw(line, "ts", ts, strlen(ts));
	log_str(line, "level", level_names[level]);
	log_str(line, "proc", state.proc);
	log_str(line, "event", event);
}

/* A reader that hangs or has gone costs lines, never time or a SIGPIPE. poll, since the descriptor
 * is shared and not ours to make non-blocking. */
static bool
may_write(void)
{
	struct pollfd pollfd = {.fd = state.fd, .events = POLLOUT};
	return poll(&pollfd, 1, 0) == 1 && pollfd.revents == POLLOUT;
}

void
log_end(struct log_line *line)
{
	if (line->off)
		return;
	size_t room = sizeof(line->text) - line->len;
	int tail = 0;
	uint64_t dropped = state.dropped;
	if (dropped > 0)
		tail = snprintf(line->text + line->len, room, " dropped=%" PRIu64, dropped);
	line->len += (size_t)tail;
	line->text[line->len++] = '\n';
	if (!may_write() || write(state.fd, line->text, line->len) < 0) {
		state.dropped++;
		return;
	}
	state.lines++;
	state.dropped = 0;
}

void
log_msg(enum log_level level, const char *event, const char *fmt, ...)
{
	struct log_line line;
	log_begin(&line, level, event);
	if (line.off)
		return;
	char msg[1024];
	va_list args;
	va_start(args, fmt);
	vsnprintf(msg, sizeof(msg), fmt, args);
	va_end(args);
	log_str(&line, "msg", msg);
	log_end(&line);
}

void
log_err(enum log_level level, const char *event, const struct err *err)
{
	struct log_line line;
	log_begin(&line, level, event);
	log_str(&line, "kind", err_kind_name(err->kind));
	log_str(&line, "at", err->at);
	log_str(&line, "msg", err->msg);
	log_end(&line);
}
