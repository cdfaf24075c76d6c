#include "convert.h"
#include "call_ids.h"
#include "codec.h"
#include "jsonspan.h"
#include "log.h"
#include "mem.h"
#include "pause.h"
#include "settle.h"
#include "sse.h"
#include "stops.h"
#include "write_json.h"
#include <stdio.h>
#include <string.h>

#define ARENA_BLOCK_BYTES 4096
#define ERROR_BYTES_MAX 65536
#define EVENT_BYTES_MAX (64u << 20)

struct convert {
	struct convert_options options;
	struct arena arena;
	struct ledger ledger;
	struct names names;
	struct request *request; /* NULL until convert_request */
	size_t request_bytes;
	struct view request_id, upstream, upstream_model; /* arena copies */
	/* the answer */
	struct decoder *decoder;
	struct encoder *encoder;
	struct sse_reader sse;
	bool sse_open;
	struct bytes whole; /* a JSON answer, until its end */
	struct pause pause;
	struct call_ids call_ids;
	struct settle settle;
	struct stops stops;
	struct event_check check;
	struct usage usage;
	char model[CONVERT_MODEL_BYTES];
	bool has_content, ended, failed;
	struct bytes *out; /* where the encoder writes during one call */
	struct err err;    /* first failure inside a callback */
	bool broken;
};

/* A _text of plain bytes, in the arena. */
static struct view
escaped(struct arena *arena, struct view plain)
{
	struct bytes text;
	struct view copy = {NULL, 0};
	bytes_init(&text, plain.len * 6);
	if (write_json_escape(&text, plain))
		copy = arena_copy(arena, bytes_view(&text));
	bytes_fini(&text);
	return copy;
}

struct convert *
convert_new(const struct convert_options *options)
{
	struct convert *convert = MEM_NEW(struct convert);
	convert->options = *options;
	if (convert->options.caps_rows == NULL)
		convert->options.caps_rows = caps_defaults(&convert->options.caps_count);
	arena_init(&convert->arena, ARENA_BLOCK_BYTES, options->memory_max);
	convert->request_id = arena_copy(&convert->arena, options->request_id_plain);
	convert->upstream = arena_copy(&convert->arena, options->upstream_plain);
	convert->upstream_model = escaped(&convert->arena, options->upstream_model_plain);
	ledger_init(&convert->ledger, options->strict, wire_name(options->upstream));
	names_init(&convert->names, &convert->arena);
	bytes_init(&convert->whole, options->memory_max);
	settle_init(&convert->settle, options->memory_max);
	event_check_init(&convert->check);
	usage_init(&convert->usage);
	return convert;
}

void
convert_free(struct convert *convert)
{
	if (convert == NULL)
		return;
	if (convert->decoder != NULL)
		codec_get(convert->options.upstream)->decoder_free(convert->decoder);
	if (convert->encoder != NULL)
		codec_get(convert->options.client)->encoder_free(convert->encoder);
	if (convert->sse_open)
		sse_fini(&convert->sse);
	bytes_fini(&convert->whole);
	pause_fini(&convert->pause);
	settle_fini(&convert->settle);
	stops_fini(&convert->stops);
	arena_fini(&convert->arena);
	mem_free(convert);
}

bool
convert_read(struct convert *convert, struct view body, struct err *err)
{
	struct jsonspan_value root;
	if (!jsonspan_scan(body, NULL, 0, &root, err))
		return false;
	if (root.kind != JSONSPAN_OBJECT)
		return err_set(err, ERR_PARSE, "", "the body must be a JSON object");
	convert->request = request_new(&convert->arena, convert->options.client);
	if (convert->request == NULL)
		return err_set(err, ERR_LIMIT, "", "the request is too big to convert");
	convert->request_bytes = body.len;
	if (!codec_get(convert->options.client)->request_decode(root.raw, convert->request, err))
		return false;
	return names_declare(&convert->names, convert->request) ||
	       err_set(err, ERR_LIMIT, "", "the request is too big to convert");
}

bool
convert_can_fold(const struct convert *convert)
{
	const struct request *request = convert->request;
	for (const struct leftover *it = request->leftovers; it != NULL; it = it->next) {
		if (it->vital)
			return false;
	}
	for (const struct tool *tool = request->tools; tool != NULL; tool = tool->next) {
		if (tool->kind == TOOL_HOSTED)
			return false;
	}
	return true;
}

static void
think(struct request *request, const struct caps *caps)
{
	if (request->thinking != THINKING_ABSENT || request->effort != EFFORT_ABSENT ||
	    caps->thinking == CAPS_THINKING_NONE)
		return;
	request->thinking =
	    caps->thinking == CAPS_THINKING_ADAPTIVE ? THINKING_ADAPTIVE : THINKING_BUDGET;
	request->thinking_budget = CAPS_BUDGET_USUAL;
}

static bool
request_encode(struct convert *convert, struct bytes *out, struct err *err)
{
	struct view model = convert->request->model_text;
	if (convert->upstream_model.len > 0)
		model = convert->upstream_model;
	struct encode_options encode = {
	    .caps = caps_find(convert->options.caps_rows, convert->options.caps_count, model),
	    .flags = &convert->options.flags,
	    .model_text = model,
	    .upstream_plain = convert->upstream,
	    .names = &convert->names,
	    .ledger = &convert->ledger,
	    .stream = convert->request->stream || convert->options.stream_upstream,
	};
	if (convert->options.thinks)
		think(convert->request, encode.caps);
	return codec_get(convert->options.upstream)
	    ->request_encode(convert->request, &encode, out, err);
}

bool
convert_request(struct convert *convert, struct view body, struct bytes *out, struct err *err)
{
	if (!convert_read(convert, body, err))
		return false;
	if (convert->options.client == convert->options.upstream)
		convert->request->compaction = NULL; /* it has its own way */
	else if (convert->request->compaction != NULL)
		request_summarise(convert->request);
	return request_encode(convert, out, err);
}

bool
convert_wants_stream(const struct convert *convert)
{
	return convert->request != NULL && convert->request->stream;
}

/* ---- the answer ---- */

/* The text without anything like a key, in the arena. Masked where it is plain: in the source the
 * mask could take one half of an escape. */
static bool
redact_text(struct arena *arena, struct view *text)
{
	struct bytes source, plain;
	bytes_init(&source, arena->max_bytes);
	bytes_init(&plain, arena->max_bytes);
	bool ok = bytes_append_char(&source, '"') && bytes_append_view(&source, *text) &&
		  bytes_append_char(&source, '"');
	const struct jsonspan_value string = {JSONSPAN_STRING, bytes_view(&source)};
	size_t room = text->len * 2 + 64; /* a mask may be longer than what it hides */
	char *clean = ok && jsonspan_unescape(string, &plain) ? arena_alloc(arena, room) : NULL;
	ok = clean != NULL;
	if (ok) {
		struct view told = view_make(clean, log_redact(bytes_view(&plain), clean, room));
		bytes_clear(&source);
		ok = view_eq(told, bytes_view(&plain)) || write_json_escape(&source, told);
		if (ok && source.len > 0)
			*text = arena_copy(arena, bytes_view(&source));
		ok = ok && text->data != NULL;
	}
	bytes_fini(&source);
	bytes_fini(&plain);
	return ok;
}

/* An upstream may quote the key that it was called with. */
static void
scrub_error(struct convert *convert, struct event *error)
{
	if (!redact_text(&convert->arena, &error->error_message_text))
		error->error_message_text = VIEW("The upstream's message is too long.");
}

static void
note_event(struct convert *convert, const struct event *event)
{
	if (event->kind == EVENT_USAGE)
		usage_merge(&convert->usage, &event->usage);
	if (event->kind == EVENT_START) {
		(void)snprintf(
		    convert->model, sizeof(convert->model), "%.*s", VIEW_ARGS(event->model_text));
	}
	if (event->kind == EVENT_PART_BEGIN)
		convert->has_content = true;
	if (event->kind == EVENT_ERROR)
		convert->failed = true;
	if (event->kind == EVENT_ERROR || event->kind == EVENT_END)
		convert->ended = true;
}

static bool
on_settled(const struct event *event, void *ctx, struct err *err)
{
	struct convert *convert = ctx;
	struct event copy = *event;
	if (!event_check_feed(&convert->check, event, err))
		return false;
	note_event(convert, event);
	if (event->kind == EVENT_ERROR)
		scrub_error(convert, &copy);
	return codec_get(convert->options.client)
	    ->encoder_event(convert->encoder, &copy, convert->out, err);
}

static bool
on_uncut(const struct event *event, void *ctx, struct err *err)
{
	struct convert *convert = ctx;
	return stops_feed(&convert->stops, event, on_settled, convert, err);
}

static bool
on_joined(const struct event *event, void *ctx, struct err *err)
{
	struct convert *convert = ctx;
	struct event copy = *event;
	struct part part;
	if (event->kind == EVENT_PART_BEGIN && event->part->kind == PART_CALL) {
		part = *event->part;
		part.id_plain = call_ids_next(&convert->call_ids, part.id_plain);
		if (part.id_plain.data == NULL)
			return err_set(err, ERR_LIMIT, "", "no memory left for the answer");
		copy.part = &part;
		event = &copy;
	}
	return settle_feed(&convert->settle, event, on_uncut, convert, err);
}

static bool
on_event(const struct event *event, void *ctx, struct err *err)
{
	struct convert *convert = ctx;
	if (convert->ended)
		return true; /* what an upstream says after its end is nobody's business */
	return pause_feed(&convert->pause, event, on_joined, convert, err);
}

static void
on_sse(const struct sse_event *event, void *ctx)
{
	struct convert *convert = ctx;
	if (convert->broken || convert->ended)
		return;
	if (event->cut) {
		convert->broken = true;
		(void)err_set(&convert->err, ERR_LIMIT, "", "an event of the upstream is too big");
		return;
	}
	convert->broken = !pause_hear(&convert->pause, event, &convert->err) ||
			  !codec_get(convert->options.upstream)
			       ->decoder_event(convert->decoder, event, &convert->err);
}

/* About four bytes a token: what a client is told before the upstream has counted. */
static int64_t
input_estimate(const struct convert *convert)
{
	return (int64_t)(convert->request_bytes / 4);
}

/* Whose answers may have to be continued: those with tools that the upstream runs, of a client that
 * cannot do it itself. */
static const struct pause_ops *
pauses(const struct convert *convert)
{
	const struct tool *tool = convert->request->tools;
	while (tool != NULL && tool->kind != TOOL_WEB_SEARCH)
		tool = tool->next;
	bool foreign = convert->options.client != convert->options.upstream;
	return foreign && tool != NULL ? codec_get(convert->options.upstream)->pause : NULL;
}

/* For one piece of the answer. */
static bool
decoder_open(struct convert *convert, struct err *err)
{
	size_t event_max = convert->options.memory_max;
	convert->decoder =
	    codec_get(convert->options.upstream)
		->decoder_new(&convert->arena, &convert->options.flags, on_event, convert);
	sse_init(&convert->sse, event_max < EVENT_BYTES_MAX ? event_max : EVENT_BYTES_MAX, on_sse,
	    convert);
	convert->sse_open = true;
	return convert->decoder != NULL ||
	       err_set(err, ERR_LIMIT, "", "no memory left for the answer");
}

static bool
answer_open(struct convert *convert, struct err *err)
{
	if (convert->decoder != NULL)
		return true;
	const struct request *request = convert->request;
	struct answer_options options = {
	    .model_text = request->model_text,
	    .request_id_plain = convert->request_id,
	    .created_s = convert->options.created_s,
	    .upstream = convert->options.upstream,
	    .upstream_plain = convert->upstream,
	    .request = request,
	    .names = &convert->names,
	    .include_usage = request->include_usage == TRI_YES,
	    .input_estimate = input_estimate(convert),
	    .ledger = &convert->ledger,
	};
	call_ids_init(&convert->call_ids, &convert->arena, request, convert->request_id);
	convert->encoder = codec_get(convert->options.client)
			       ->encoder_new(&convert->arena, &options, request->stream);
	bool stops_here =
	    convert->options.flags.stops_here && convert->options.upstream == WIRE_RESPONSES;
	if (!stops_init(&convert->stops, &convert->arena, stops_here ? request->stops : NULL,
		convert->options.memory_max) ||
	    convert->encoder == NULL ||
	    !pause_init(&convert->pause, pauses(convert), &convert->arena))
		return err_set(err, ERR_LIMIT, "", "no memory left for the answer");
	return decoder_open(convert, err);
}

bool
convert_feed(
    struct convert *convert, bool sse, struct view bytes, struct bytes *out, struct err *err)
{
	if (!answer_open(convert, err))
		return false;
	if (!sse) {
		return bytes_append_view(&convert->whole, bytes) ||
		       err_set(err, ERR_LIMIT, "", "the upstream's answer is too big to convert");
	}
	convert->out = out;
	sse_feed(&convert->sse, bytes);
	if (convert->broken)
		*err = convert->err;
	return !convert->broken;
}

static bool
fail_now(struct convert *convert, int status, const char *message, struct err *err)
{
	struct bytes text;
	bytes_init(&text, ERROR_BYTES_MAX);
	bool ok = bytes_append_json(&text, view_of(message));
	const struct event event = {
	    .kind = EVENT_ERROR,
	    .status = status,
	    .error_type_plain = VIEW("api_error"),
	    .error_message_text = ok ? bytes_view(&text) : VIEW("the upstream failed"),
	};
	ok = on_event(&event, convert, err);
	bytes_fini(&text);
	return ok;
}

bool
convert_end(struct convert *convert, bool whole, struct bytes *out, bool *complete, struct err *err)
{
	const struct codec *upstream = codec_get(convert->options.upstream);
	*complete = false;
	if (!answer_open(convert, err))
		return false;
	convert->out = out;
	/* The last event counts even when its blank line never came. */
	if (whole && convert->whole.len == 0)
		sse_feed(&convert->sse, VIEW("\n\n"));
	if (convert->broken) {
		*err = convert->err;
		return false;
	}
	if (whole && convert->whole.len > 0 && !convert->ended &&
	    (!pause_hear_whole(&convert->pause, bytes_view(&convert->whole), err) ||
		!upstream->decoder_whole(convert->decoder, bytes_view(&convert->whole), err)))
		return false;
	if (whole && convert->pause.paused)
		return true;
	bool ok = convert->ended ||
		  (whole ? upstream->decoder_end(convert->decoder, err)
			 : fail_now(convert, 502, "the upstream's answer was cut", err));
	*complete = ok && convert->ended && !convert->failed;
	return ok;
}

bool
convert_is_paused(const struct convert *convert)
{
	return convert->pause.paused;
}

bool
convert_continue(struct convert *convert, struct bytes *out, struct err *err)
{
	struct bytes first;
	bytes_init(&first, convert->options.memory_max);
	bool ok = request_encode(convert, &first, err) &&
		  pause_continue(&convert->pause, bytes_view(&first), out, err);
	bytes_fini(&first);
	if (!ok)
		return false;
	codec_get(convert->options.upstream)->decoder_free(convert->decoder);
	sse_fini(&convert->sse);
	bytes_clear(&convert->whole);
	return decoder_open(convert, err);
}

bool
convert_fail(struct convert *convert, int status, const char *message, struct bytes *out)
{
	struct err err;
	if (!answer_open(convert, &err))
		return false;
	convert->out = out;
	return fail_now(convert, status, message, &err);
}

bool
convert_ping(struct convert *convert, struct bytes *out)
{
	return convert->encoder == NULL || convert->ended ||
	       codec_get(convert->options.client)->encoder_ping(convert->encoder, out);
}

bool
convert_error(struct convert *convert, struct view body, int *status, struct bytes *out)
{
	struct event event = {.kind = EVENT_ERROR, .status = *status};
	codec_get(convert->options.upstream)->error_decode(*status, body, &event);
	scrub_error(convert, &event);
	return codec_get(convert->options.client)
	    ->error_encode(&event, convert->request_id, out, status);
}

const char *
convert_path(enum wire upstream)
{
	static const char *const paths[WIRE_COUNT] = {
	    [WIRE_ANTHROPIC] = "/v1/messages",
	    [WIRE_CHAT] = "/v1/chat/completions",
	    [WIRE_RESPONSES] = "/v1/responses",
	};
	return paths[upstream];
}

const struct ledger *
convert_ledger(const struct convert *convert)
{
	return &convert->ledger;
}

const struct usage *
convert_usage(const struct convert *convert)
{
	return &convert->usage;
}

const char *
convert_model(const struct convert *convert)
{
	return convert->model;
}

bool
convert_has_content(const struct convert *convert)
{
	return convert->has_content;
}
