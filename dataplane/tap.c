#include "tap.h"
#include "anthropic.h"
#include "chat.h"
#include "jsonspan.h"
#include "responses.h"
#include <string.h>

#define TOKENS_MAX INT64_C(1000000000) /* no call uses more */

void
tap_init(struct tap *tap, enum protocol protocol, bool stream)
{
	*tap = (struct tap){.protocol = protocol, .stream = stream};
	usage_init(&tap->found.usage);
	json_watch_init(&tap->watch);
	tap->watching = !stream;
}

void
tap_fini(struct tap *tap)
{
	json_watch_fini(&tap->watch);
}

/* ---- what was found ---- */

/* A count that is told and is none. */
static bool
count_is_odd(struct jsonspan_value value)
{
	int64_t number;
	if (value.kind == JSONSPAN_NULL)
		return false;
	return !jsonspan_i64(value, &number) || number < 0 || number > TOKENS_MAX;
}

static bool
counts_are_odd(struct jsonspan_value usage)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	jsonspan_iter_init(&iter, usage);
	while (jsonspan_next(&iter, &member)) {
		if (view_ends(member.key, "_tokens") && count_is_odd(member.value))
			return true;
		if (member.value.kind == JSONSPAN_OBJECT && counts_are_odd(member.value))
			return true;
	}
	return false;
}

/* The parts of a prompt are more than the whole. */
static bool
parts_are_odd(enum protocol protocol, struct jsonspan_value usage, const struct usage *told)
{
	int64_t prompt = -1;
	const char *key = protocol == PROTOCOL_CHAT ? "prompt_tokens" : "input_tokens";
	int64_t cached = (told->cache_read > 0 ? told->cache_read : 0) +
			 (told->cache_write > 0 ? told->cache_write : 0);
	if (protocol != PROTOCOL_ANTHROPIC && jsonspan_i64(jsonspan_get(usage, key), &prompt) &&
	    prompt >= 0 && cached > prompt)
		return true;
	return told->reasoning >= 0 && told->output >= 0 && told->reasoning > told->output;
}

static void
cap(int64_t *count)
{
	if (*count > TOKENS_MAX)
		*count = TOKENS_MAX;
}

static void
cap_all(struct usage *usage)
{
	int64_t *const counts[] = {&usage->input_new, &usage->cache_read, &usage->cache_write,
	    &usage->cache_write_5m, &usage->cache_write_1h, &usage->output, &usage->reasoning,
	    &usage->web_searches};
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		cap(counts[i]);
}

static void
take_usage(struct tap *tap)
{
	void (*const decoders[])(struct jsonspan_value, struct usage *) = {
	    [PROTOCOL_ANTHROPIC] = anthropic_usage_decode,
	    [PROTOCOL_CHAT] = chat_usage_decode,
	    [PROTOCOL_RESPONSES] = responses_usage_decode,
	};
	struct tap_usage *found = &tap->found;
	struct jsonspan_value root;
	struct usage told;
	if (!jsonspan_scan(bytes_view(&tap->watch.captured), NULL, 0, &root, NULL)) {
		found->odd = true;
		return;
	}
	decoders[tap->protocol](root, &told);
	cap_all(&told);
	found->odd = found->odd || counts_are_odd(root) ||
		     parts_are_odd(tap->protocol, root, &told) ||
		     (told.output >= 0 && told.output < found->usage.output);
	usage_merge(&found->usage, &told);
	found->told = true;
	found->last_word =
	    found->last_word || tap->protocol != PROTOCOL_ANTHROPIC || !tap->watch.usage_inner;
}

void
tap_set_model(struct tap_usage *found, const char *name)
{
	size_t len = strlen(name);
	if (len >= sizeof(found->model))
		return;
	for (size_t i = 0; i <= len; i++)
		found->model[i] =
		    name[i] == '\0' || (name[i] > ' ' && name[i] <= '~') ? name[i] : '?';
}

static bool
is_told(const struct json_watch *watch, const struct json_watch_text *text)
{
	return text->bytes[0] != '\0' && watch->into != text;
}

static void
watch(struct tap *tap, struct view bytes)
{
	while (bytes.len > 0) {
		bytes = view_from(bytes, json_watch_feed(&tap->watch, bytes));
		if (tap->watch.has_usage)
			take_usage(tap);
	}
	const struct json_watch_text *id = &tap->watch.id;
	if (tap->found.model[0] == '\0' && is_told(&tap->watch, &tap->watch.model))
		tap_set_model(&tap->found, tap->watch.model.bytes);
	if (tap->found.id[0] == '\0' && is_told(&tap->watch, id) && id->len < sizeof(tap->found.id))
		memcpy(tap->found.id, id->bytes, id->len + 1u);
}

/* ---- a stream's lines ---- */

/* A type of an event that brings a piece of content and nothing else. */
static bool
is_piece(enum protocol protocol, struct view type)
{
	if (protocol == PROTOCOL_ANTHROPIC)
		return view_starts(type, "content_block_") || view_starts(type, "ping");
	return protocol == PROTOCOL_RESPONSES && view_starts(type, "response.") &&
	       view_ends(type, ".delta");
}

/* The type where it is the data's first member; `whole`: it has come to its end. */
static struct view
leading_type(struct view data, bool *whole)
{
	static const char lead[] = "{\"type\":\"";
	data = view_starts(data, " ") ? view_from(data, 1) : data;
	*whole = false;
	if (!view_starts(data, lead))
		return (struct view){0};
	struct view rest = view_from(data, strlen(lead));
	ptrdiff_t quote = view_find_char(rest, '"');
	*whole = quote >= 0;
	return view_sub(rest, 0, quote < 0 ? rest.len : (size_t)quote);
}

/* What a line's beginning tells: whether it is to be watched. `end`: the line ends here. */
static void
decide(struct tap *tap, struct view head, struct view rest, bool end)
{
	bool whole;
	if (view_starts(head, "event:")) {
		struct view name = view_trim(view_from(head, 6));
		tap->plain = is_piece(tap->protocol, name);
		tap->decided = true;
		return;
	}
	tap->decided = true;
	if (!view_starts(head, "data:"))
		return;
	struct view type = leading_type(view_from(head, 5), &whole);
	if (tap->plain || (whole && is_piece(tap->protocol, type)))
		return;
	/* A whole chunk without the word need not be read; text of a model cannot hold it, because
	 * its quotes have backslashes. */
	if (tap->protocol == PROTOCOL_CHAT && end && tap->found.model[0] != '\0' &&
	    view_find(rest, "\"usage\"") < 0 && view_find(head, "\"usage\"") < 0)
		return;
	tap->watching = true;
	watch(tap, view_from(head, 5));
}

static void
end_line(struct tap *tap, bool blank)
{
	if (blank) {
		json_watch_reset(&tap->watch);
		tap->plain = false;
	}
	tap->head_len = 0;
	tap->decided = tap->watching = false;
}

/* A piece of a line, without its end; `end`: that is all of it. */
static void
feed_line(struct tap *tap, struct view piece, bool end)
{
	if (!tap->decided) {
		size_t room = sizeof(tap->head) - tap->head_len;
		struct view more = view_sub(piece, 0, room);
		if (more.len > 0)
			memcpy(tap->head + tap->head_len, more.data, more.len);
		tap->head_len = (uint8_t)(tap->head_len + more.len);
		piece = view_from(piece, more.len);
		if (tap->head_len < sizeof(tap->head) && !end)
			return;
		decide(tap, view_make(tap->head, tap->head_len), piece, end);
	}
	if (tap->watching)
		watch(tap, piece);
}

static void
feed_stream(struct tap *tap, struct view in)
{
	if (tap->after_cr && in.len > 0) {
		tap->after_cr = false;
		if (in.data[0] == '\n')
			in = view_from(in, 1);
	}
	while (in.len > 0) {
		ptrdiff_t lf = view_find_char(in, '\n');
		struct view line = view_sub(in, 0, lf < 0 ? in.len : (size_t)lf);
		ptrdiff_t cr = view_find_char(line, '\r');
		if (cr >= 0)
			line = view_sub(line, 0, (size_t)cr);
		bool end = cr >= 0 || lf >= 0;
		bool blank = end && line.len == 0 && tap->head_len == 0 && !tap->decided;
		feed_line(tap, line, end);
		in = view_from(in, line.len);
		if (!end)
			break;
		end_line(tap, blank);
		bool crlf = in.len > 1 && in.data[0] == '\r' && in.data[1] == '\n';
		tap->after_cr = in.len == 1 && in.data[0] == '\r';
		in = view_from(in, crlf ? 2 : 1);
	}
}

void
tap_feed(struct tap *tap, struct view bytes)
{
	if (tap->stream)
		feed_stream(tap, bytes);
	else
		watch(tap, bytes);
}
