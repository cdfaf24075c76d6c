/* convert_pipe: the conversion library behind a pipe, for tests in another language.
 *
 * One command is a line of words and then the bytes that it counts; one answer likewise:
 *   request CLIENT UPSTREAM FLAGS STRICT BYTES          -> "ok BYTES LOSS" or "no 0 KIND PATH"
 *   answer CLIENT UPSTREAM SSE SPLITS REQUEST ANSWER    -> "ok BYTES COMPLETE USAGE.."
 *   deaths CLIENT UPSTREAM REQUEST ANSWER               -> "ok BYTES": the client's bytes of each
 *                                                          death, a NUL behind each
 * FLAGS are the bits of struct upstream_flags in their order, REQUEST and ANSWER counts of bytes.
 * "answer" cuts the answer in SPLITS ways and dies when one of them gives other bytes. */
#include "convert.h"
#include "event.h"
#include "must.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX (64u << 20)
#define MEMORY_BYTES_MAX (64u << 20)
#define LINE_BYTES_MAX 256

static struct bytes out, loss, text[2];
static char *words; /* of the command that are not read yet */

static unsigned long
next_number(void)
{
	char *end = NULL;
	unsigned long number = strtoul(words, &end, 10);
	MUST(end != words);
	words = end;
	return number;
}

static enum wire
next_wire(void)
{
	unsigned long number = next_number();
	MUST(number < WIRE_COUNT);
	return (enum wire)number;
}

static void
read_text(struct bytes *into, size_t count)
{
	bytes_clear(into);
	MUST(bytes_reserve(into, count));
	MUST(count == 0 || fread(into->data, 1, count, stdin) == count);
	into->len = count;
}

static void
answer(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	MUST(out.len == 0 || fwrite(out.data, 1, out.len, stdout) == out.len);
	fflush(stdout);
}

static struct convert *
open_convert(enum wire client, enum wire upstream, unsigned long flags, bool strict)
{
	const struct convert_options options = {
	    .client = client,
	    .upstream = upstream,
	    .strict = strict,
	    .flags = {.max_tokens_old_name = (flags & 1) != 0,
		.top_k = (flags & 2) != 0,
		.cache_breakpoints = (flags & 4) != 0,
		.reasoning_content = (flags & 8) != 0,
		.inline_think = (flags & 16) != 0,
		.instructions = (flags & 32) != 0,
		.developer_role = (flags & 64) != 0,
		.custom_tools = (flags & 128) != 0,
		.stop_over_four = (flags & 256) != 0,
		.stops_here = (flags & 512) != 0},
	    .upstream_plain = VIEW("up1"),
	    .request_id_plain = VIEW("req1"),
	    .created_s = 1700000000,
	    .memory_max = MEMORY_BYTES_MAX,
	};
	return convert_new(&options);
}

static void
do_request(void)
{
	enum wire client = next_wire();
	enum wire upstream = next_wire();
	unsigned long flags = next_number();
	bool strict = next_number() == 1;
	struct err err = {.kind = ERR_NONE};
	read_text(&text[0], next_number());
	struct convert *convert = open_convert(client, upstream, flags, strict);
	bool ok = convert_request(convert, bytes_view(&text[0]), &out, &err);
	const struct ledger *ledger = convert_ledger(convert);
	for (size_t i = 0; i < ledger->count; i++)
		MUST(bytes_printf(&loss, " %s", ledger->entries[i].path));
	MUST(bytes_printf(&loss, " +%zu", ledger->more));
	if (!ok)
		bytes_clear(&out);
	if (ok)
		answer("ok %zu%s\n", out.len, bytes_str(&loss));
	else
		answer("no 0 %d %s\n", (int)err.kind, err.at);
	convert_free(convert);
}

/* ---- answers ---- */

/* The nth way to cut an answer: whole, byte by byte, then at places that chance names. */
static size_t
next_cut(unsigned way, uint64_t *state)
{
	if (way < 2)
		return way == 0 ? SIZE_MAX : 1;
	*state += 0x9e3779b97f4a7c15u;
	uint64_t mixed = (*state ^ (*state >> 30)) * 0xbf58476d1ce4e5b9u;
	return 1 + (size_t)((mixed ^ (mixed >> 27)) % 61);
}

static struct convert *
open_answer(enum wire client, enum wire upstream)
{
	struct bytes sent;
	struct err err = {.kind = ERR_NONE};
	struct convert *convert = open_convert(client, upstream, 128, false);
	bytes_init(&sent, TEXT_BYTES_MAX);
	MUST(convert_request(convert, bytes_view(&text[0]), &sent, &err));
	bytes_fini(&sent);
	return convert;
}

/* True when the client holds a whole answer. What goes wrong ends as the data plane would end it.
 */
static bool
pass(struct convert *convert, bool sse, unsigned way, struct bytes *into)
{
	struct view rest = bytes_view(&text[1]);
	struct err err = {.kind = ERR_NONE};
	uint64_t state = way;
	bool complete = false;
	bool ok = true;
	while (ok && rest.len > 0) {
		size_t step = next_cut(way, &state);
		struct view piece = view_sub(rest, 0, step < rest.len ? step : rest.len);
		rest = view_from(rest, piece.len);
		ok = convert_feed(convert, sse, piece, into, &err);
	}
	ok = ok && convert_end(convert, true, into, &complete, &err);
	MUST(ok || strcmp(err.at, "event") != 0);
	if (!ok)
		MUST(convert_fail(convert, 502, "broken", into));
	return ok && complete;
}

static void
do_answer(void)
{
	enum wire client = next_wire();
	enum wire upstream = next_wire();
	bool sse = next_number() == 1;
	unsigned long ways = next_number();
	size_t counts[2] = {next_number()};
	counts[1] = next_number();
	read_text(&text[0], counts[0]);
	read_text(&text[1], counts[1]);
	struct convert *convert = open_answer(client, upstream);
	bool complete = pass(convert, sse, 0, &out);
	const struct usage *u = convert_usage(convert);
	char usage[256];
	snprintf(usage, sizeof(usage), "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
	    u->input_new, u->cache_read, u->cache_write, u->output, u->reasoning);
	convert_free(convert);
	for (unsigned way = 1; way < ways; way++) {
		struct bytes other;
		bytes_init(&other, TEXT_BYTES_MAX);
		convert = open_answer(client, upstream);
		MUST(pass(convert, sse, way, &other) == complete);
		MUST(view_eq(bytes_view(&out), bytes_view(&other)));
		convert_free(convert);
		bytes_fini(&other);
	}
	answer("ok %zu %d %s\n", out.len, complete, usage);
}

/* The upstream dies before each of its events and behind the last, in both ways. Deaths behind the
 * end of the answer are left out. */
static void
do_deaths(void)
{
	enum wire client = next_wire();
	enum wire upstream = next_wire();
	size_t counts[2] = {next_number()};
	counts[1] = next_number();
	read_text(&text[0], counts[0]);
	read_text(&text[1], counts[1]);
	struct view all = bytes_view(&text[1]);
	for (size_t at = 0; at <= all.len;) {
		for (int cut = 0; cut < 2; cut++) {
			struct convert *convert = open_answer(client, upstream);
			struct err err = {.kind = ERR_NONE};
			bool complete = false;
			size_t start = out.len;
			MUST(convert_feed(convert, true, view_sub(all, 0, at), &out, &err));
			size_t fed = out.len;
			MUST(cut ? convert_end(convert, false, &out, &complete, &err)
				 : convert_fail(convert, 502, "died", &out));
			MUST(!complete || out.len == fed);
			if (out.len == fed && fed > start)
				out.len = start;
			else
				MUST(bytes_append_char(&out, '\0'));
			convert_free(convert);
		}
		ptrdiff_t blank = view_find(view_from(all, at), "\n\n");
		at = blank < 0 ? (at == all.len ? at + 1 : all.len) : at + (size_t)blank + 2;
	}
	answer("ok %zu\n", out.len);
}

int
main(void)
{
	static const struct {
		const char *word;
		void (*run)(void);
	} commands[] = {{"request", do_request}, {"answer", do_answer}, {"deaths", do_deaths}};
	struct bytes *const buffers[] = {&out, &loss, &text[0], &text[1]};
	char line[LINE_BYTES_MAX];
	for (size_t i = 0; i < 4; i++)
		bytes_init(buffers[i], TEXT_BYTES_MAX);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		size_t i = 0;
		bytes_clear(&out);
		bytes_clear(&loss);
		words = strchr(line, ' ');
		MUST(words != NULL);
		*words++ = '\0';
		while (i < 3 && strcmp(line, commands[i].word) != 0)
			i++;
		MUST(i < 3);
		commands[i].run();
	}
	for (size_t i = 0; i < 4; i++)
		bytes_fini(buffers[i]);
	return 0;
}
