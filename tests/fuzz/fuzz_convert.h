/* fuzz_convert: what the targets of the conversion library share: an answer's way through it. */
#ifndef PM_FUZZ_CONVERT_H
#define PM_FUZZ_CONVERT_H

#include "convert.h"
#include "jsonspan.h"
#include "must.h"
#include "sse.h"
#include <string.h>

#define FUZZ_BYTES_MAX (8u << 20)

/* Whether an input is tried with counterpart `i`. A replay tries all three; while fuzzing the
 * input's bytes choose one, so that three times as many inputs can be tried. */
static inline bool
fuzz_takes(struct view body, unsigned i)
{
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
	unsigned sum = 0;
	for (size_t at = 0; at < body.len; at++)
		sum += (unsigned char)body.data[at];
	return sum % WIRE_COUNT == i;
#else
	(void)body;
	(void)i;
	return true;
#endif
}

/* A request of each protocol, with tools of all kinds that answers may call; the size of the input
 * says whether it asks for a stream, so that a corpus holds both. */
static inline struct view
fuzz_request(enum wire client, size_t size)
{
	static const char *const texts[2][WIRE_COUNT] = {
#define FUZZ_ANTHROPIC(s)                                                                          \
	"{\"model\":\"m\",\"max_tokens\":99,\"stop_sequences\":[\"\\u0065\",\"lo "                 \
	"w\"],\"stream\":" s ",\"messages\":[{\"role\":\"user\","                                  \
	"\"content\":\"hi\"}],\"tools\":[{\"name\":\"f\",\"input_schema\":{}}]}"
#define FUZZ_CHAT(s)                                                                               \
	"{\"model\":\"m\",\"stop\":\"ab\",\"stream\":" s                                           \
	",\"stream_options\":{\"include_usage\":true},"                                            \
	"\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"type\":\"custom\","   \
	"\"custom\":{\"name\":\"p\"}},{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}"
#define FUZZ_RESPONSES(s)                                                                          \
	"{\"model\":\"m\",\"stream\":" s ",\"input\":\"hi\",\"tools\":[{\"type\":\"function\","    \
	"\"name\":\"f\"},{\"type\":\"custom\",\"name\":\"apply_patch\"},{\"type\":\"local_"        \
	"shell\"}"                                                                                 \
	",{\"type\":\"namespace\",\"name\":\"n\",\"tools\":[{\"type\":\"function\",\"name\":"      \
	"\"g\"}]}]}"
	    {FUZZ_ANTHROPIC("true"), FUZZ_CHAT("true"), FUZZ_RESPONSES("true")},
	    {FUZZ_ANTHROPIC("false"), FUZZ_CHAT("false"), FUZZ_RESPONSES("false")},
	};
	return view_of(texts[size % 2][client]);
}

/* Feeds an answer in pieces. Every fifth input is cut by its transport. What the library refuses
 * ends as the data plane would end it. True when the client holds a whole answer. */
static inline bool
fuzz_answer(struct convert *convert, enum wire client, bool sse, struct view body, size_t step,
    struct bytes *out)
{
	struct bytes sent;
	struct err err = {0};
	bool complete = false;
	size_t size = body.len;
	bytes_init(&sent, FUZZ_BYTES_MAX);
	MUST(convert_request(convert, fuzz_request(client, size), &sent, &err));
	bool ok = true;
	while (ok && body.len > 0) {
		ok = convert_feed(convert, sse, view_sub(body, 0, step), out, &err);
		body = view_from(body, step);
	}
	ok = ok && convert_end(convert, size % 5 != 0, out, &complete, &err);
	/* The grammar between decoder and encoder holds for any upstream. */
	MUST(ok || strcmp(err.at, "event") != 0);
	if (!ok)
		MUST(convert_fail(convert, 502, "broken", out));
	bytes_fini(&sent);
	return ok && complete;
}

/* What the client sees of an event is JSON; [DONE] is chat's last word. */
static inline void
fuzz_check_event(const struct sse_event *event, void *ctx)
{
	struct jsonspan_value root;
	(void)ctx;
	MUST(!event->cut);
	MUST(view_eq_str(event->data, "[DONE]") ||
	     (jsonspan_scan(event->data, NULL, 0, &root, NULL) && root.kind == JSONSPAN_OBJECT));
}

/* A whole answer of the client's protocol, as far as any reader of SSE or JSON can tell. */
static inline void
fuzz_check_answer(struct view text, bool stream)
{
	struct sse_reader reader;
	struct jsonspan_value root;
	if (!stream) {
		MUST(jsonspan_scan(text, NULL, 0, &root, NULL) && root.kind == JSONSPAN_OBJECT);
		return;
	}
	sse_init(&reader, FUZZ_BYTES_MAX, fuzz_check_event, NULL);
	sse_feed(&reader, text);
	MUST(text.len == 0 || view_ends(text, "\n\n"));
	sse_fini(&reader);
}

/* An error body in every client's words. */
static inline void
fuzz_error(struct convert *convert, struct view body)
{
	struct bytes out;
	int status = 400 + (int)(body.len % 130);
	bytes_init(&out, FUZZ_BYTES_MAX);
	MUST(convert_error(convert, body, &status, &out));
	MUST(status >= 400 && status <= 599 && out.len > 0 && bytes_view(&out).data[0] == '{');
	bytes_fini(&out);
}

#endif
