/* Answers, read: a stream of events, or one whole message told as the same events. */
#include "anthropic.h"
#include "read_json.h"

#include <string.h>

struct decoder {
	struct arena *arena;
	event_fn *emit;
	void *ctx;
	bool started, ended;
	bool open;           /* a part is open */
	bool muted;          /* its deltas are nobody's business */
	bool input_seen;     /* CALL: a piece of input came as a delta */
	enum part_kind kind; /* of the open part */
	int64_t index;       /* its block's; -1: not told */
	/* The first block that another one followed before its stop: -1, there is none. */
	int64_t overtaken;
	bool has_parts;
	struct bytes input;   /* CALL: the input of its start; SEARCH: what came so far */
	struct view id_plain; /* of the message */
	struct view search_id, call_id_plain;
	bool has_stop;
	enum stop_reason stop;
	struct bytes stop_text;
};

struct decoder *
anthropic_decoder_new(
    struct arena *arena, const struct upstream_flags *flags, event_fn *emit, void *ctx)
{
	(void)flags;
	struct decoder *decoder = arena_alloc(arena, sizeof(*decoder));
	if (decoder == NULL)
		return NULL;
	decoder->arena = arena;
	decoder->emit = emit;
	decoder->ctx = ctx;
	decoder->index = decoder->overtaken = -1;
	bytes_init(&decoder->input, arena->max_bytes);
	bytes_init(&decoder->stop_text, arena->max_bytes);
	return decoder;
}

void
anthropic_decoder_free(struct decoder *decoder)
{
	bytes_fini(&decoder->input);
	bytes_fini(&decoder->stop_text);
}

static bool
emit(struct decoder *decoder, const struct event *event, struct err *err)
{
	return decoder->emit(event, decoder->ctx, err);
}

static bool
emit_delta(struct decoder *decoder, enum delta_kind delta, struct view text, struct err *err)
{
	const struct event event = {.kind = EVENT_PART_DELTA, .delta = delta, .text = text};
	return text.len == 0 || emit(decoder, &event, err);
}

static bool
emit_error(struct decoder *decoder, int status, const char *message, struct err *err)
{
	const struct event event = {.kind = EVENT_ERROR,
	    .status = status,
	    .error_type_plain = VIEW("api_error"),
	    .error_message_text = view_of(message)};
	decoder->ended = true;
	return emit(decoder, &event, err);
}

/* ---- parts ---- */

static bool
begin_part(struct decoder *decoder, const struct part *part, struct err *err)
{
	const struct event event = {.kind = EVENT_PART_BEGIN, .part = part};
	decoder->open = decoder->has_parts = true;
	decoder->muted = decoder->input_seen = false;
	decoder->kind = part->kind;
	return emit(decoder, &event, err);
}

/* A search is told when its query is known. */
static bool
emit_search(struct decoder *decoder, struct err *err)
{
	struct jsonspan_value root = {JSONSPAN_NONE, {NULL, 0}};
	struct view input = bytes_view(&decoder->input);
	const struct event finish = {.kind = EVENT_PART_FINISH};
	if (!jsonspan_scan(input, NULL, 0, &root, NULL))
		root.kind = JSONSPAN_NONE;
	const struct part search = {.kind = PART_SEARCH,
	    .id_plain = decoder->search_id,
	    .text = read_json_inside(jsonspan_get(root, "query"))};
	return begin_part(decoder, &search, err) && emit(decoder, &finish, err);
}

static bool
finish_part(struct decoder *decoder, struct err *err)
{
	const struct event finish = {.kind = EVENT_PART_FINISH};
	bool call = decoder->kind == PART_CALL && !decoder->input_seen;
	if (!decoder->open)
		return true;
	if (decoder->kind == PART_SEARCH) {
		bool ok = emit_search(decoder, err);
		decoder->open = false;
		return ok;
	}
	decoder->open = false;
	if (call && !emit_delta(decoder, DELTA_INPUT, bytes_view(&decoder->input), err))
		return false;
	return emit(decoder, &finish, err);
}

static bool
emit_citation(struct decoder *decoder, struct jsonspan_value citation, struct err *err)
{
	enum { C_URL, C_TITLE, C_QUOTE, C_COUNT };
	struct jsonspan_want c[C_COUNT] = {
	    [C_URL] = {.key = "url"},
	    [C_TITLE] = {.key = "title"},
	    [C_QUOTE] = {.key = "cited_text"},
	};
	read_json_members(citation, c, C_COUNT);
	const struct event event = {.kind = EVENT_PART_DELTA,
	    .delta = DELTA_CITATION,
	    .citation = {.url_text = read_json_inside(c[C_URL].value),
		.title_text = read_json_inside(c[C_TITLE].value),
		.quote_text = read_json_inside(c[C_QUOTE].value),
		.start = -1,
		.end = -1,
		.json = citation.raw}};
	return citation.kind != JSONSPAN_OBJECT || emit(decoder, &event, err);
}

/* ---- the start of a block, whole or empty ---- */

enum {
	B_TYPE,
	B_TEXT,
	B_CITATIONS,
	B_THINKING,
	B_SIGNATURE,
	B_DATA,
	B_ID,
	B_NAME,
	B_INPUT,
	B_COUNT
};

static bool
start_text(struct decoder *decoder, const struct jsonspan_want *b, struct err *err)
{
	const struct part part = {.kind = PART_TEXT};
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (!begin_part(decoder, &part, err) ||
	    !emit_delta(decoder, DELTA_TEXT, read_json_inside(b[B_TEXT].value), err))
		return false;
	if (b[B_CITATIONS].value.kind != JSONSPAN_ARRAY)
		return true;
	jsonspan_iter_init(&iter, b[B_CITATIONS].value);
	while (jsonspan_next(&iter, &item)) {
		if (!emit_citation(decoder, item.value, err))
			return false;
	}
	return true;
}

static bool
start_thinking(struct decoder *decoder, const struct jsonspan_want *b, struct err *err)
{
	const struct part part = {.kind = PART_THINKING};
	struct view signature = read_json_inside(b[B_SIGNATURE].value);
	return begin_part(decoder, &part, err) &&
	       emit_delta(decoder, DELTA_TEXT, read_json_inside(b[B_THINKING].value), err) &&
	       emit_delta(decoder, DELTA_SIGNATURE, signature, err);
}

/* An input that came whole in the start waits for deltas, which count more. Some upstreams put it
 * into a string, as the others of its protocols have it. */
static bool
keep_input(struct decoder *decoder, struct jsonspan_value input, struct err *err)
{
	bytes_clear(&decoder->input);
	if (read_json_is_default(input))
		return true;
	return (input.kind == JSONSPAN_STRING ? jsonspan_unescape(input, &decoder->input)
					      : bytes_append_view(&decoder->input, input.raw)) ||
	       err_set(err, ERR_LIMIT, "", "the upstream's answer is too big to convert");
}

static bool
start_call(struct decoder *decoder, const struct jsonspan_want *b, struct err *err)
{
	struct part part = {.kind = PART_CALL,
	    .form = CALL_FUNCTION,
	    .id_plain = read_json_unescape(decoder->arena, b[B_ID].value),
	    .name_plain = read_json_unescape(decoder->arena, b[B_NAME].value)};
	decoder->call_id_plain = arena_copy(decoder->arena, part.id_plain);
	return begin_part(decoder, &part, err) && keep_input(decoder, b[B_INPUT].value, err);
}

static bool
start_search(struct decoder *decoder, const struct jsonspan_want *b, struct err *err)
{
	struct view id = read_json_unescape(decoder->arena, b[B_ID].value);
	decoder->search_id = arena_copy(decoder->arena, id);
	decoder->open = decoder->has_parts = true;
	decoder->muted = false;
	decoder->kind = PART_SEARCH;
	return keep_input(decoder, b[B_INPUT].value, err);
}

static bool
start_other(struct decoder *decoder, struct jsonspan_value block, const struct jsonspan_want *b,
    struct err *err)
{
	struct part part = {.kind = PART_HOSTED, .raw_json = block.raw};
	if (jsonspan_str_is(b[B_TYPE].value, "redacted_thinking")) {
		part.kind = PART_REDACTED;
		part.signature_text = read_json_inside(b[B_DATA].value);
	}
	if (!begin_part(decoder, &part, err))
		return false;
	decoder->muted = true;
	return true;
}

static bool
start_block(struct decoder *decoder, struct jsonspan_value block, struct err *err)
{
	struct jsonspan_want b[B_COUNT] = {
	    [B_TYPE] = {.key = "type"},
	    [B_TEXT] = {.key = "text"},
	    [B_CITATIONS] = {.key = "citations"},
	    [B_THINKING] = {.key = "thinking"},
	    [B_SIGNATURE] = {.key = "signature"},
	    [B_DATA] = {.key = "data"},
	    [B_ID] = {.key = "id"},
	    [B_NAME] = {.key = "name"},
	    [B_INPUT] = {.key = "input"},
	};
	read_json_members(block, b, B_COUNT);
	struct jsonspan_value type = b[B_TYPE].value;
	if (!finish_part(decoder, err)) /* one whose stop never came */
		return false;
	if (type.kind != JSONSPAN_STRING)
		return true; /* what it was to be, its deltas tell */
	if (jsonspan_str_is(type, "text"))
		return start_text(decoder, b, err);
	if (jsonspan_str_is(type, "thinking"))
		return start_thinking(decoder, b, err);
	if (jsonspan_str_is(type, "tool_use"))
		return start_call(decoder, b, err);
	if (jsonspan_str_is(type, "server_tool_use") &&
	    jsonspan_str_is(b[B_NAME].value, "web_search"))
		return start_search(decoder, b, err);
	return start_other(decoder, block, b, err);
}

/* ---- deltas ---- */

static bool
take_input(struct decoder *decoder, struct jsonspan_value piece, struct err *err)
{
	struct bytes plain;
	bool ok = true;
	bool object = piece.kind == JSONSPAN_OBJECT; /* as some relays have it */
	if ((!object && piece.kind != JSONSPAN_STRING) || piece.raw.len == 2)
		return true;
	if (!decoder->open)
		return err_set(err, ERR_PEER, "", "the upstream gave an input without its call");
	bytes_init(&plain, piece.raw.len);
	ok = object ? bytes_append_view(&plain, piece.raw) : jsonspan_unescape(piece, &plain);
	if (ok && decoder->kind == PART_CALL) {
		decoder->input_seen = true;
		ok = emit_delta(decoder, DELTA_INPUT, bytes_view(&plain), err);
	} else if (ok && decoder->kind == PART_SEARCH) {
		ok = bytes_append_view(&decoder->input, bytes_view(&plain)) ||
		     err_set(err, ERR_LIMIT, "", "the upstream's answer is too big to convert");
	}
	bytes_fini(&plain);
	return ok;
}

/* A delta of `kind`; when no part is open for it, its start was lost and is made up for. */
static bool
take_text(struct decoder *decoder, enum part_kind kind, enum delta_kind delta,
    struct jsonspan_value text, struct err *err)
{
	const struct part part = {.kind = kind};
	if (!decoder->open && !begin_part(decoder, &part, err))
		return false;
	return decoder->kind != kind || decoder->muted ||
	       emit_delta(decoder, delta, read_json_inside(text), err);
}

static bool
take_delta(struct decoder *decoder, struct jsonspan_value delta, struct err *err)
{
	enum { D_TYPE, D_TEXT, D_THINKING, D_SIGNATURE, D_JSON, D_CITATION, D_COUNT };
	struct jsonspan_want d[D_COUNT] = {
	    [D_TYPE] = {.key = "type"},
	    [D_TEXT] = {.key = "text"},
	    [D_THINKING] = {.key = "thinking"},
	    [D_SIGNATURE] = {.key = "signature"},
	    [D_JSON] = {.key = "partial_json"},
	    [D_CITATION] = {.key = "citation"},
	};
	read_json_members(delta, d, D_COUNT);
	struct jsonspan_value type = d[D_TYPE].value;
	if (jsonspan_str_is(type, "text_delta"))
		return take_text(decoder, PART_TEXT, DELTA_TEXT, d[D_TEXT].value, err);
	if (jsonspan_str_is(type, "thinking_delta"))
		return take_text(decoder, PART_THINKING, DELTA_TEXT, d[D_THINKING].value, err);
	if (jsonspan_str_is(type, "signature_delta"))
		return take_text(
		    decoder, PART_THINKING, DELTA_SIGNATURE, d[D_SIGNATURE].value, err);
	if (jsonspan_str_is(type, "input_json_delta"))
		return take_input(decoder, d[D_JSON].value, err);
	if (jsonspan_str_is(type, "citations_delta") && decoder->open && decoder->kind == PART_TEXT)
		return emit_citation(decoder, d[D_CITATION].value, err);
	return true;
}

/* ---- the message around them ---- */

static bool
take_usage(struct decoder *decoder, struct jsonspan_value usage, struct err *err)
{
	struct event event = {.kind = EVENT_USAGE};
	anthropic_usage_decode(usage, &event.usage);
	return usage.kind != JSONSPAN_OBJECT || emit(decoder, &event, err);
}

static bool
take_stop(struct decoder *decoder, struct jsonspan_value object, struct err *err)
{
	enum { S_REASON, S_SEQUENCE, S_DETAILS, S_COUNT };
	struct jsonspan_want s[S_COUNT] = {
	    [S_REASON] = {.key = "stop_reason"},
	    [S_SEQUENCE] = {.key = "stop_sequence"},
	    [S_DETAILS] = {.key = "stop_details"},
	};
	read_json_members(object, s, S_COUNT);
	if (s[S_REASON].value.kind != JSONSPAN_STRING)
		return true;
	decoder->has_stop = true;
	decoder->stop = anthropic_stop_decode(s[S_REASON].value);
	bytes_clear(&decoder->stop_text);
	struct jsonspan_value text = s[S_SEQUENCE].value;
	if (text.kind == JSONSPAN_NONE)
		text = jsonspan_get(s[S_DETAILS].value, "explanation");
	return bytes_append_view(&decoder->stop_text, read_json_inside(text)) ||
	       err_set(err, ERR_LIMIT, "", "the upstream's answer is too big to convert");
}

static bool
take_message(struct decoder *decoder, struct jsonspan_value message, struct err *err)
{
	enum { M_ID, M_MODEL, M_CONTENT, M_USAGE, M_COUNT };
	struct jsonspan_want m[M_COUNT] = {
	    [M_ID] = {.key = "id"},
	    [M_MODEL] = {.key = "model"},
	    [M_CONTENT] = {.key = "content"},
	    [M_USAGE] = {.key = "usage"},
	};
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	read_json_members(message, m, M_COUNT);
	struct view id = read_json_inside(m[M_ID].value);
	if (decoder->started) {
		/* Flaky upstreams repeat it. Another message behind half of one is no answer. */
		if (!decoder->has_parts || view_eq(id, decoder->id_plain))
			return true;
		return emit_error(decoder, 502, "The upstream began a second message.", err);
	}
	const struct event start = {.kind = EVENT_START,
	    .model_text = read_json_inside(m[M_MODEL].value),
	    .upstream_id_text = id};
	decoder->started = true;
	decoder->id_plain = arena_copy(decoder->arena, id);
	if (!emit(decoder, &start, err) || !take_usage(decoder, m[M_USAGE].value, err))
		return false;
	if (m[M_CONTENT].value.kind == JSONSPAN_ARRAY) {
		jsonspan_iter_init(&iter, m[M_CONTENT].value);
		while (jsonspan_next(&iter, &item)) {
			if (!start_block(decoder, item.value, err) || !finish_part(decoder, err))
				return false;
		}
	}
	return take_stop(decoder, message, err);
}

static bool
end_message(struct decoder *decoder, bool had_terminal, struct err *err)
{
	const struct event stop = {.kind = EVENT_STOP,
	    .stop = decoder->has_stop ? decoder->stop : STOP_UNKNOWN,
	    .stop_text = bytes_view(&decoder->stop_text)};
	const struct event end = {.kind = EVENT_END, .had_terminal = had_terminal};
	decoder->ended = true;
	return finish_part(decoder, err) && emit(decoder, &stop, err) && emit(decoder, &end, err);
}

static bool
take_error(struct decoder *decoder, struct jsonspan_value root, struct err *err)
{
	struct event event;
	anthropic_error_from(0, jsonspan_get(root, "error"), &event);
	decoder->ended = true;
	return emit(decoder, &event, err);
}

static int64_t
index_told(struct jsonspan_value value)
{
	int64_t index = -1;
	return jsonspan_i64(value, &index) && index >= 0 ? index : -1;
}

/* A block is not the open one, but one before it, whose stop had not come when the open one began.
 */
static bool
is_overtaken(const struct decoder *decoder, int64_t index)
{
	return decoder->overtaken >= 0 && index >= decoder->overtaken && index < decoder->index;
}

/* The start of the open call again: flaky upstreams repeat events, and a call must not run twice.
 */
static bool
is_told_again(const struct decoder *decoder, struct jsonspan_value block)
{
	struct view id = read_json_inside(jsonspan_get(block, "id"));
	return decoder->open && decoder->kind == PART_CALL && id.len > 0 &&
	       view_eq(id, decoder->call_id_plain);
}

static bool
begin_block(struct decoder *decoder, int64_t index, struct jsonspan_value block, struct err *err)
{
	if (is_told_again(decoder, block))
		return true;
	if (decoder->open && decoder->overtaken < 0)
		decoder->overtaken = decoder->index;
	decoder->index = index;
	return start_block(decoder, block, err);
}

/* More of a block that has been closed for the client: its beginning may have been a whole call. */
static bool
more_of_block(struct decoder *decoder, int64_t index, struct jsonspan_value delta, struct err *err)
{
	if (is_overtaken(decoder, index))
		return emit_error(
		    decoder, 502, "The upstream mixed the blocks of its answer.", err);
	return take_delta(decoder, delta, err);
}

static bool
take_event(struct decoder *decoder, struct jsonspan_value root, struct jsonspan_value name,
    struct err *err)
{
	enum { E_TYPE, E_MESSAGE, E_BLOCK, E_DELTA, E_USAGE, E_INDEX, E_ERROR, E_COUNT };
	struct jsonspan_want e[E_COUNT] = {
	    [E_TYPE] = {.key = "type"},
	    [E_MESSAGE] = {.key = "message"},
	    [E_BLOCK] = {.key = "content_block"},
	    [E_DELTA] = {.key = "delta"},
	    [E_USAGE] = {.key = "usage"},
	    [E_INDEX] = {.key = "index"},
	    [E_ERROR] = {.key = "error"},
	};
	const struct event ping = {.kind = EVENT_PING};
	read_json_members(root, e, E_COUNT);
	bool typed = e[E_TYPE].value.kind == JSONSPAN_STRING;
	struct jsonspan_value type = typed ? e[E_TYPE].value : name;
	if (jsonspan_str_is(type, "error") || (!typed && !read_json_is_default(e[E_ERROR].value)))
		return take_error(decoder, root, err);
	if (jsonspan_str_is(type, "message_start"))
		return take_message(decoder, e[E_MESSAGE].value, err);
	if (!decoder->started)
		return true; /* a ping before the start, or nonsense */
	int64_t index = index_told(e[E_INDEX].value);
	if (jsonspan_str_is(type, "content_block_start"))
		return begin_block(decoder, index, e[E_BLOCK].value, err);
	if (jsonspan_str_is(type, "content_block_delta"))
		return more_of_block(decoder, index, e[E_DELTA].value, err);
	if (jsonspan_str_is(type, "content_block_stop"))
		return is_overtaken(decoder, index) || finish_part(decoder, err);
	if (jsonspan_str_is(type, "message_delta"))
		return take_stop(decoder, e[E_DELTA].value, err) &&
		       take_usage(decoder, e[E_USAGE].value, err);
	if (jsonspan_str_is(type, "message_stop"))
		return end_message(decoder, true, err);
	return !jsonspan_str_is(type, "ping") || emit(decoder, &ping, err);
}

bool
anthropic_decoder_event(struct decoder *decoder, const struct sse_event *event, struct err *err)
{
	struct jsonspan_value root = {JSONSPAN_NONE, {NULL, 0}};
	char quoted[SSE_NAME_BYTES_MAX + 2];
	if (decoder->ended || event->data.len == 0 || view_eq_str(event->data, "[DONE]"))
		return true;
	if (!jsonspan_scan(event->data, NULL, 0, &root, err)) {
		err->kind = ERR_PEER;
		return false;
	}
	struct jsonspan_value name = {JSONSPAN_STRING, sse_quoted_name(event, quoted)};
	return take_event(decoder, root, name, err);
}

bool
anthropic_decoder_whole(struct decoder *decoder, struct view body, struct err *err)
{
	struct jsonspan_value root = {JSONSPAN_NONE, {NULL, 0}};
	if (!jsonspan_scan(body, NULL, 0, &root, err) || root.kind != JSONSPAN_OBJECT)
		return err_set(err, ERR_PEER, "", "the upstream's answer is no JSON object");
	if (jsonspan_str_is(jsonspan_get(root, "type"), "error"))
		return take_error(decoder, root, err);
	if (jsonspan_get(root, "content").kind != JSONSPAN_ARRAY)
		return emit_error(decoder, 502, "The upstream's answer is no message.", err);
	return take_message(decoder, root, err) &&
	       (decoder->ended || end_message(decoder, true, err));
}

bool
anthropic_decoder_end(struct decoder *decoder, struct err *err)
{
	if (decoder->ended)
		return true;
	if (decoder->started && decoder->has_stop)
		return end_message(decoder, false, err);
	return emit_error(decoder, 502, "The upstream's answer ended early.", err);
}
