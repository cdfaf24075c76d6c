/* anthropic: what the files of the Anthropic Messages codec share. */
#ifndef PM_ANTHROPIC_H
#define PM_ANTHROPIC_H

#include "codec.h"
#include "jsonspan.h"
#include "write_json.h"
#include <stdbool.h>

#define ANTHROPIC_ID_MAX 64 /* of a call */

/* anthropic_request.c, anthropic_params.c, anthropic_blocks.c: requests, read. */
MUST_CHECK bool anthropic_request_decode(struct view body, struct request *out, struct err *err);
/* All members of the top object but system, messages and tools. */
MUST_CHECK bool anthropic_params_decode(
    struct jsonspan_value root, struct request *out, struct err *err);
enum effort anthropic_effort_decode(struct jsonspan_value effort); /* ABSENT: no level known */
/* "content" (a string or an array of blocks) into a turn. */
MUST_CHECK bool anthropic_content_decode(struct request *request, struct turn *turn,
    struct jsonspan_value content, const char *path, struct err *err);
/* The mark that a block's or tool's cache_control makes. */
enum cache_mark anthropic_cache_decode(struct jsonspan_value cache_control);
/* False with ERR_LIMIT: the arena is full. */
bool anthropic_full(struct err *err);

/* Requests, written. */
struct anthropic_write {
	struct write_json json;
	const struct request *request;
	const struct encode_options *options;
	struct err *err;
	struct turn *messages; /* made by anthropic_turns; without the leading system turns */
	bool instruct_json;    /* output form asked for in words */
	bool has_tools;        /* at least one is written */
	bool thinking;         /* is on in what is written */
	bool by_budget;        /* thinking has a budget, not a level */
	int64_t max_tokens;
	unsigned marks_head; /* cache marks that tools and system may still have */
	unsigned marks_skip; /* first marks of the messages that must go */
};
MUST_CHECK bool anthropic_request_encode(const struct request *request,
    const struct encode_options *options, struct bytes *out, struct err *err);
/* anthropic_turns.c: turns as this protocol wants them, in the request's arena: results right
 * behind their calls and first, roles merged, nothing empty, ids legal and unique. */
MUST_CHECK bool anthropic_turns(struct anthropic_write *write);
/* anthropic_write.c: blocks of one turn, or children of a result. */
MUST_CHECK bool anthropic_blocks_write(struct anthropic_write *write, const struct part *first);
void anthropic_cache_write(struct write_json *json, enum cache_mark mark);
/* anthropic_write_params.c, anthropic_write_tools.c */
MUST_CHECK bool anthropic_params_write(struct anthropic_write *write);
MUST_CHECK bool anthropic_tools_write(struct anthropic_write *write);
/* Whether the request asks for thinking that this model can do: sets thinking, by_budget and
 * max_tokens. Needs `messages`. */
MUST_CHECK bool anthropic_thinking_plan(struct anthropic_write *write);
/* anthropic_schema.c: a tool's parameters as this protocol takes them: an object at the root, no
 * union there (*merged tells that one was). False when `schema` is no object or out is full. */
MUST_CHECK bool anthropic_schema_input(struct view schema, struct bytes *out, bool *merged);
/* The schema of a structured output: what the API refuses moves into descriptions. */
MUST_CHECK bool anthropic_schema_output(struct view schema, struct bytes *out);
/* anthropic_text.c: bytes of the space (raw or escaped) at the start of a _text; 0 when there is
 * none. */
size_t anthropic_space_len(struct view text);
bool anthropic_is_blank(struct view text);
struct view anthropic_trim_end(struct view text);

/* anthropic_decode.c, anthropic_usage.c: answers, read. */
struct decoder *anthropic_decoder_new(
    struct arena *arena, const struct upstream_flags *flags, event_fn *emit, void *ctx);
bool anthropic_decoder_event(
    struct decoder *decoder, const struct sse_event *event, struct err *err);
bool anthropic_decoder_whole(struct decoder *decoder, struct view body, struct err *err);
bool anthropic_decoder_end(struct decoder *decoder, struct err *err);
void anthropic_decoder_free(struct decoder *decoder);
void anthropic_usage_decode(struct jsonspan_value usage, struct usage *out);
/* All that is paid: the counts beside `iterations` leave out what compactions and advisers used,
 * and some what later turns of a search read again. */
void anthropic_usage_decode_paid(struct jsonspan_value usage, struct usage *out);
/* All members, null where nothing is known; input unknown: `estimate`. */
void anthropic_usage_encode(struct write_json *json, const struct usage *usage, int64_t estimate);
enum stop_reason anthropic_stop_decode(struct jsonspan_value reason);
const char *anthropic_stop_name(enum stop_reason stop);

/* anthropic_pause.c: see struct pause_ops. */
struct said *anthropic_said_new(struct arena *arena);
void anthropic_said_free(struct said *said);
bool anthropic_said_event(struct said *said, const struct sse_event *event);
bool anthropic_said_whole(struct said *said, struct view body);
bool anthropic_said_may_go_on(const struct said *said);
bool anthropic_said_append(const struct said *said, struct view body, struct bytes *out);

/* anthropic_answer.c: answers, written. */
struct encoder *anthropic_encoder_new(
    struct arena *arena, const struct answer_options *options, bool stream);
bool anthropic_encoder_event(
    struct encoder *encoder, const struct event *event, struct bytes *out, struct err *err);
void anthropic_encoder_free(struct encoder *encoder);
bool anthropic_encoder_ping(struct encoder *encoder, struct bytes *out);

/* anthropic_error.c */
void anthropic_error_decode(int status, struct view body, struct event *out);
/* The error object itself; `status` 0: from its type. */
void anthropic_error_from(int status, struct jsonspan_value error, struct event *out);
bool anthropic_error_encode(
    const struct event *error, struct view request_id_plain, struct bytes *out, int *status);

#endif
