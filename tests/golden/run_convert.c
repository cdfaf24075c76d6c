/* Runs every folder of tests/golden/convert: run_convert FOLDER [NAME...]. With PM_GOLDEN=write in
 * the environment it writes the results instead of comparing them: read the difference before you
 * keep it. */
#include "golden_case.h"
#include "golden_compare.h"
#include "golden_tap.h"
#include "golden_tell.h"
#include "must.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUT_BYTES_MAX (64u << 20)

struct run {
	const struct golden_case *test;
	bool update;
	struct bytes why; /* of the first failure */
};

static bool
fail(struct run *run, const char *what, const struct err *err)
{
	MUST(bytes_printf(&run->why, "    %s", what));
	if (err != NULL)
		MUST(bytes_printf(&run->why, " (%s: %s)", err->at, err->msg));
	MUST(bytes_append_char(&run->why, '\n'));
	return false;
}

/* Compares with the file, or writes it. */
static bool
check_out(struct run *run, const char *name, struct view got)
{
	struct bytes expected;
	bool sse = strstr(name, ".sse") != NULL;
	if (run->update)
		return golden_case_write(run->test, name, got);
	bool there = golden_case_file(run->test, name, &expected);
	bool ok = there && (sse ? golden_same_sse(bytes_view(&expected), got, &run->why)
				: golden_same_json(bytes_view(&expected), got, &run->why));
	bytes_fini(&expected);
	return ok || fail(run, there ? name : "no such file", NULL);
}

static bool
check_loss(struct run *run, const struct convert *convert)
{
	struct bytes header;
	if (!run->test->has_loss && !run->update)
		return true;
	bytes_init(&header, 4096);
	MUST(ledger_header(convert_ledger(convert), &header));
	if (run->update)
		printf("%s loss=%s\n", run->test->folder, bytes_str(&header));
	bool ok = view_eq_str(bytes_view(&header), run->test->loss) || !run->test->has_loss;
	if (!ok)
		MUST(bytes_printf(&run->why, "    loss expected %s\n         got      %.*s\n",
		    run->test->loss, VIEW_ARGS(bytes_view(&header))));
	bytes_fini(&header);
	return ok;
}

/* What a client is told when its request cannot be carried: which field, and which protocol. */
static bool
names_both(const struct run *run, const struct err *err)
{
	const char *protocol = wire_name(run->test->options.upstream);
	return err->kind != ERR_PEER || (err->at[0] != '\0' && strstr(err->msg, protocol) != NULL);
}

static bool
run_request(struct run *run)
{
	struct bytes in;
	struct bytes out;
	struct err err = {.kind = ERR_NONE};
	struct convert *convert = convert_new(&run->test->options);
	bytes_init(&out, OUT_BYTES_MAX);
	bool there = golden_case_file(run->test, "in.json", &in);
	bool done = there && convert_request(convert, bytes_view(&in), &out, &err);
	const char *wanted = run->test->expect_error;
	bool ok = true;
	if (wanted[0] != '\0') {
		ok = !done && strcmp(err.at, wanted) == 0;
		if (!ok)
			fail(run, done ? "was not refused" : "was refused elsewhere", &err);
		if (ok && !names_both(run, &err))
			ok = fail(run, "does not name the field or the protocol", &err);
	} else {
		ok = done || fail(run, "was refused", &err);
		ok = ok && check_out(run, "out.json", bytes_view(&out)) && check_loss(run, convert);
	}
	convert_free(convert);
	bytes_fini(&in);
	bytes_fini(&out);
	return ok;
}

/* ---- answers ---- */

/* How an answer is cut: sizes of the pieces. */
struct cuts {
	enum { CUT_NOT, CUT_BYTES, CUT_EVENTS, CUT_RANDOM } how;
	unsigned seed;
};

static size_t
next_cut(struct cuts *cuts, struct view rest)
{
	ptrdiff_t blank = -1;
	switch (cuts->how) {
	case CUT_NOT:
		return rest.len;
	case CUT_BYTES:
		return 1;
	case CUT_EVENTS:
		blank = view_find(rest, "\n\n");
		return blank < 0 ? rest.len : (size_t)blank + 2;
	case CUT_RANDOM:
		cuts->seed = cuts->seed * 1103515245u + 12345u;
		return 1 + (cuts->seed >> 16) % 97;
	}
	return rest.len;
}

static struct view
default_request(enum wire client, bool stream)
{
	static const char *const texts[WIRE_COUNT][2] = {
	    [WIRE_ANTHROPIC] =
		{"{\"model\":\"m\",\"max_tokens\":1000,\"stream\":false,\"messages\":"
		 "[{\"role\":\"user\",\"content\":\"hi\"}]}",
		    "{\"model\":\"m\",\"max_tokens\":1000,\"stream\":true,\"messages\":"
		    "[{\"role\":\"user\",\"content\":\"hi\"}]}"},
	    [WIRE_CHAT] = {"{\"model\":\"m\",\"stream\":false,\"messages\":"
			   "[{\"role\":\"user\",\"content\":\"hi\"}]}",
		"{\"model\":\"m\",\"stream\":true,\"messages\":"
		"[{\"role\":\"user\",\"content\":\"hi\"}]}"},
	    [WIRE_RESPONSES] = {"{\"model\":\"m\",\"stream\":false,\"input\":\"hi\"}",
		"{\"model\":\"m\",\"stream\":true,\"input\":\"hi\"}"},
	};
	return view_of(texts[client][stream]);
}

/* request.json with its "stream":true or false turned to what is wanted, or the usual one. */
static void
get_request(struct run *run, bool stream, struct bytes *out)
{
	if (!golden_case_file(run->test, "request.json", out)) {
		bytes_fini(out);
		bytes_init(out, OUT_BYTES_MAX);
		MUST(bytes_append_view(out, default_request(run->test->options.client, stream)));
		return;
	}
	ptrdiff_t at = view_find(bytes_view(out), stream ? "\"stream\":false" : "\"stream\":true");
	if (at < 0)
		return;
	struct bytes changed;
	size_t old = stream ? 14 : 13;
	bytes_init(&changed, OUT_BYTES_MAX);
	MUST(bytes_append_view(&changed, view_sub(bytes_view(out), 0, (size_t)at)) &&
	     bytes_append_str(&changed, stream ? "\"stream\":true" : "\"stream\":false") &&
	     bytes_append_view(&changed, view_from(bytes_view(out), (size_t)at + old)));
	bytes_fini(out);
	*out = changed;
}

/* One answer through: `in` cut into pieces, the client's bytes to `out`. The tap must hear the same
 * usage. */
static bool
pass(struct run *run, struct view in, bool sse, bool stream, struct cuts cuts, struct bytes *out,
    bool check)
{
	struct convert *convert = convert_new(&run->test->options);
	struct bytes request;
	struct bytes sent;
	struct err err = {.kind = ERR_NONE};
	struct tap tap;
	bool complete = false;
	tap_init(&tap, (enum protocol)run->test->options.upstream, sse);
	bytes_init(&sent, OUT_BYTES_MAX);
	get_request(run, stream, &request);
	bool ok = convert_request(convert, bytes_view(&request), &sent, &err) ||
		  fail(run, "the request was refused", &err);
	while (ok && in.len > 0) {
		struct view piece = view_sub(in, 0, next_cut(&cuts, in));
		in = view_from(in, piece.len);
		tap_feed(&tap, piece);
		ok = convert_feed(convert, sse, piece, out, &err) || fail(run, "feed", &err);
	}
	ok = ok && (convert_end(convert, true, out, &complete, &err) || fail(run, "end", &err));
	ok = ok && (!check || check_loss(run, convert));
	ok = ok &&
	     (golden_tap_agrees(&tap, convert, complete, &run->why) || fail(run, "usage", NULL));
	tap_fini(&tap);
	convert_free(convert);
	bytes_fini(&request);
	bytes_fini(&sent);
	return ok;
}

/* LF becomes CRLF or CR. */
static void
change_ends(struct view in, const char *end, struct bytes *out)
{
	bytes_init(out, OUT_BYTES_MAX);
	for (size_t i = 0; i < in.len; i++) {
		if (in.data[i] == '\n')
			MUST(bytes_append_str(out, end));
		else
			MUST(bytes_append_char(out, in.data[i]));
	}
}

/* Any cut and any line end gives the same bytes. */
static bool
check_cuts(struct run *run, struct view in, struct view whole)
{
	static const char *const ends[] = {"\n", "\r\n", "\r"};
	for (unsigned i = 0; i < 3 * 53; i++) {
		struct bytes text;
		struct bytes out;
		unsigned kind = i % 53;
		struct cuts cuts = {CUT_RANDOM, i};
		if (kind < 3)
			cuts.how = kind == 0 ? CUT_NOT : kind == 1 ? CUT_BYTES : CUT_EVENTS;
		bytes_init(&out, OUT_BYTES_MAX);
		change_ends(in, ends[i / 53], &text);
		bool ok = pass(run, bytes_view(&text), true, true, cuts, &out, false) &&
			  view_eq(bytes_view(&out), whole);
		bytes_fini(&text);
		bytes_fini(&out);
		if (!ok)
			return fail(run, "another cut or line end gives another answer", NULL);
	}
	return true;
}

/* A chat stream tells its usage only when it was asked to. */
static void
drop_untold_usage(struct bytes *stream, struct bytes *folded)
{
	static const char line[] = "    usage -1 -1 -1 -1 -1\n";
	if (!view_ends(bytes_view(stream), line))
		return;
	stream->len -= sizeof(line) - 1;
	ptrdiff_t at = view_find(bytes_view(folded), "\n    usage ");
	if (at >= 0)
		folded->len = (size_t)at + 1;
}

/* The stream and the folded answer tell a client the same. */
static bool
check_told(struct run *run, struct view stream, struct view folded)
{
	struct bytes one;
	struct bytes two;
	enum wire client = run->test->options.client;
	bytes_init(&one, OUT_BYTES_MAX);
	bytes_init(&two, OUT_BYTES_MAX);
	struct err err = {.kind = ERR_NONE};
	bool ok = (golden_tell(client, stream, true, &one, &err) &&
		      golden_tell(client, folded, false, &two, &err)) ||
		  fail(run, "the answer can't be read", &err);
	drop_untold_usage(&one, &two);
	if (ok && !view_eq(bytes_view(&one), bytes_view(&two))) {
		MUST(bytes_printf(&run->why, "    stream and folded differ\n%.*s    ---\n%.*s",
		    VIEW_ARGS(bytes_view(&one)), VIEW_ARGS(bytes_view(&two))));
		ok = false;
	}
	bytes_fini(&one);
	bytes_fini(&two);
	return ok;
}

/* ---- an upstream that dies ---- */

enum death { DEATH_FAIL, DEATH_CUT };

/* Whether the client's stream ends with its protocol's error, and has no sign of success. */
static bool
is_failed_stream(enum wire client, struct view out)
{
	static const char *const signs[WIRE_COUNT][3] = {
	    [WIRE_ANTHROPIC] = {"event: message_stop\n", "event: message_delta\n", "[DONE]"},
	    [WIRE_CHAT] = {"data: [DONE]", "\"finish_reason\":\"", "\"usage\":{"},
	    [WIRE_RESPONSES] = {"event: response.completed\n", "event: response.incomplete\n",
		"[DONE]"},
	};
	static const char *const errors[WIRE_COUNT] = {
	    [WIRE_ANTHROPIC] = "event: error\ndata: {\"type\":\"error\",",
	    [WIRE_CHAT] = "data: {\"error\":{",
	    [WIRE_RESPONSES] = "event: response.failed\ndata: {\"type\":\"response.failed\",",
	};
	for (size_t i = 0; i < 3; i++) {
		if (view_find(out, signs[client][i]) >= 0)
			return false;
	}
	ptrdiff_t at = view_find(out, errors[client]);
	if (at < 0 || !view_ends(out, "\n\n"))
		return false;
	struct view last = view_from(out, (size_t)at);
	return view_find(last, "\n\n") == (ptrdiff_t)last.len - 2;
}

/* The first `count` bytes of the upstream's stream, then its death. *ended tells that the client
 * had its end already. */
static bool
die_after(
    struct run *run, struct view in, size_t count, enum death death, bool *ended, struct bytes *out)
{
	struct convert *convert = convert_new(&run->test->options);
	struct bytes request;
	struct bytes sent;
	struct err err = {.kind = ERR_NONE};
	bool complete = false;
	bytes_init(&sent, OUT_BYTES_MAX);
	get_request(run, true, &request);
	bool ok = convert_request(convert, bytes_view(&request), &sent, &err) &&
		  convert_feed(convert, true, view_sub(in, 0, count), out, &err);
	size_t before = out->len;
	ok = ok && (death == DEATH_FAIL ? convert_fail(convert, 502, "it died", out)
					: convert_end(convert, false, out, &complete, &err));
	*ended = ok && out->len == before;
	convert_free(convert);
	bytes_fini(&request);
	bytes_fini(&sent);
	return ok || fail(run, "the upstream's death is an error", &err);
}

static bool
check_death(struct run *run, struct view in, size_t at, enum death death, bool *ended)
{
	struct bytes out;
	bytes_init(&out, OUT_BYTES_MAX);
	bool ok = die_after(run, in, at, death, ended, &out);
	if (ok && !*ended && !is_failed_stream(run->test->options.client, bytes_view(&out))) {
		MUST(bytes_printf(&run->why, "    death %d after byte %zu gives\n%.*s", (int)death,
		    at, VIEW_ARGS(bytes_view(&out))));
		ok = fail(run, "a dead upstream is no failure to the client", NULL);
	}
	bytes_fini(&out);
	return ok;
}

/* Wherever the upstream dies, the client sees a failure: before each event and behind the last. */
static bool
check_deaths(struct run *run, struct view in)
{
	size_t at = 0;
	bool ended = false;
	while (at <= in.len && !ended) {
		if (!check_death(run, in, at, DEATH_FAIL, &ended) ||
		    !check_death(run, in, at, DEATH_CUT, &ended))
			return false;
		ptrdiff_t blank = view_find(view_from(in, at), "\n\n");
		at = at == in.len ? in.len + 1 : blank < 0 ? in.len : at + (size_t)blank + 2;
	}
	return true;
}

static bool
has_file(struct run *run, const char *name)
{
	struct bytes text;
	bool there = golden_case_file(run->test, name, &text);
	bytes_fini(&text);
	return there;
}

static bool
run_stream(struct run *run)
{
	struct bytes in;
	struct bytes out;
	struct bytes folded;
	const struct cuts not = {CUT_NOT, 0};
	bytes_init(&out, OUT_BYTES_MAX);
	bytes_init(&folded, OUT_BYTES_MAX);
	bool ok = golden_case_file(run->test, "in.sse", &in) || fail(run, "no in.sse", NULL);
	struct view text = bytes_view(&in);
	ok = ok && pass(run, text, true, true, not, &out, true) &&
	     check_out(run, "out.sse", bytes_view(&out)) &&
	     check_cuts(run, text, bytes_view(&out)) && check_deaths(run, text) &&
	     pass(run, text, true, false, not, &folded, false) &&
	     check_told(run, bytes_view(&out), bytes_view(&folded));
	if (ok && has_file(run, "out.json"))
		ok = check_out(run, "out.json", bytes_view(&folded));
	bytes_fini(&in);
	bytes_fini(&out);
	bytes_fini(&folded);
	return ok;
}

/* A whole answer of the upstream, for a client that wants it whole, and for one that wants a
 * stream. */
static bool
run_reply(struct run *run)
{
	struct bytes in;
	struct bytes out;
	struct bytes stream;
	const struct cuts not = {CUT_NOT, 0};
	const struct cuts bytes = {CUT_BYTES, 0};
	bytes_init(&out, OUT_BYTES_MAX);
	bytes_init(&stream, OUT_BYTES_MAX);
	bool ok = golden_case_file(run->test, "in.json", &in) || fail(run, "no in.json", NULL);
	ok = ok && pass(run, bytes_view(&in), false, false, bytes, &out, true) &&
	     check_out(run, "out.json", bytes_view(&out)) &&
	     pass(run, bytes_view(&in), false, true, not, &stream, false) &&
	     check_told(run, bytes_view(&stream), bytes_view(&out));
	if (ok && has_file(run, "out.sse"))
		ok = check_out(run, "out.sse", bytes_view(&stream));
	bytes_fini(&in);
	bytes_fini(&out);
	bytes_fini(&stream);
	return ok;
}

static bool
run_error(struct run *run)
{
	struct bytes in;
	struct bytes out;
	int status = run->test->status;
	struct convert *convert = convert_new(&run->test->options);
	bytes_init(&out, OUT_BYTES_MAX);
	bool ok = golden_case_file(run->test, "in.json", &in) || fail(run, "no in.json", NULL);
	ok = ok && (convert_error(convert, bytes_view(&in), &status, &out) ||
		       fail(run, "not converted", NULL));
	if (ok && status != run->test->out_status)
		ok = fail(run, "another status", NULL);
	ok = ok && check_out(run, "out.json", bytes_view(&out));
	convert_free(convert);
	bytes_fini(&in);
	bytes_fini(&out);
	return ok;
}

static bool
is_renewing(void)
{
	const char *word = getenv("PM_GOLDEN");
	return word != NULL && strcmp(word, "write") == 0;
}

static bool
run_case(const char *folder, const char *name)
{
	struct golden_case test;
	struct run run = {.test = &test, .update = is_renewing()};
	bytes_init(&run.why, 1u << 20);
	bool ok = golden_case_read(&test, folder);
	if (ok) {
		switch (test.kind) {
		case CASE_REQUEST:
			ok = run_request(&run);
			break;
		case CASE_REPLY:
			ok = run_reply(&run);
			break;
		case CASE_STREAM:
			ok = run_stream(&run);
			break;
		case CASE_ERROR:
			ok = run_error(&run);
			break;
		}
	}
	if (!ok)
		printf("FAIL %s\n%s", name, bytes_str(&run.why));
	bytes_fini(&run.why);
	return ok;
}

int
main(int argc, char **argv)
{
	struct dirent **entries = NULL;
	int failed = 0;
	int done = 0;
	int count = argc < 2 ? -1 : scandir(argv[1], &entries, NULL, alphasort);
	if (count < 0) {
		fprintf(stderr, "usage: run_convert FOLDER [NAME...]\n");
		return 2;
	}
	for (int i = 0; i < count; i++) {
		char folder[512];
		const char *name = entries[i]->d_name;
		bool wanted = argc == 2;
		for (int j = 2; j < argc; j++)
			wanted = wanted || strncmp(name, argv[j], strlen(argv[j])) == 0;
		snprintf(folder, sizeof(folder), "%.200s/%.255s", argv[1], name);
		if (name[0] == 'T' && wanted) {
			done++;
			failed += !run_case(folder, name);
		}
		free(entries[i]);
	}
	free(entries);
	printf("%d of %d golden conversions failed\n", failed, done);
	return failed > 0 || done == 0;
}
