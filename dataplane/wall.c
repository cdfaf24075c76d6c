#include "wall.h"
#include "jsonspan.h"
#include "must.h"
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* An event may lie in the reader twice (line and data). */
#define EVENT_BYTES_MAX (WALL_HOLD_BYTES / 2)

const char *
wall_fault_name(enum wall_fault fault)
{
	static const char *const names[] = {
	    [WALL_FINE] = "fine",
	    [WALL_ERROR_EVENT] = "error_event",
	    [WALL_EMPTY] = "empty",
	    [WALL_NOT_SSE] = "not_sse",
	    [WALL_NOT_JSON] = "not_json",
	    [WALL_ENDED_EARLY] = "ended_early",
	};
	MUST((size_t)fault < COUNT(names));
	return names[fault];
}

/* What one event says. */
enum meaning {
	NOTHING, /* ping and the like, and what is not known */
	OPENS,   /* the answer has begun, but holds nothing yet */
	USEFUL,
	ENDS,
	FAILS,
};

enum { WANT_TYPE, WANT_ERROR, WANT_BODY, WANT_NUMBER, WANT_COUNT };

/* The members that matter of an event, or of a whole answer. */
struct message {
	struct view type; /* data's "type", else the event's name */
	struct jsonspan_want wants[WANT_COUNT];
	struct jsonspan_value root;
};

static void
fail(struct wall *wall, enum wall_fault fault)
{
	wall->fault = fault;
	wall->verdict = WALL_FAILED;
}

static bool
is_filled(struct jsonspan_value value)
{
	bool container = value.kind == JSONSPAN_ARRAY || value.kind == JSONSPAN_OBJECT;
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	jsonspan_iter_init(&iter, value);
	return container ? jsonspan_next(&iter, &member)
			 : value.kind == JSONSPAN_STRING && value.raw.len > 2;
}

/* A string's text for logs and people: valid UTF-8 on one line, cut to the room there is. */
static void
copy_text(struct jsonspan_value string, char *out, size_t room)
{
	struct bytes text;
	bytes_init(&text, string.raw.len); /* unescaping never makes it longer */
	MUST(jsonspan_unescape(string, &text));
	struct view rest = bytes_view(&text);
	size_t len = 0;
	while (rest.len > 0) {
		size_t step = view_utf8_step(rest);
		bool odd = step == 0 || (unsigned char)rest.data[0] < 0x20;
		step = step ? step : 1;
		if (len + step >= room)
			break;
		if (odd) {
			out[len] = ' ';
		} else {
			memcpy(out + len, rest.data, step);
		}
		len += step;
		rest = view_from(rest, step);
	}
	out[len] = '\0';
	bytes_fini(&text);
}

/* "error" beside the type, inside a failed response, or (some gateways) the event itself. */
static void
note_error(struct wall *wall, const struct message *message)
{
	struct jsonspan_value error = message->wants[WANT_ERROR].value;
	if (!is_filled(error))
		error = jsonspan_get(message->wants[WANT_BODY].value, "error");
	if (!is_filled(error))
		error = message->root;
	struct jsonspan_value type = {0};
	if (wall->protocol != PROTOCOL_ANTHROPIC)
		type = jsonspan_get(error, "code");
	if (!is_filled(type) || type.kind != JSONSPAN_STRING)
		type = jsonspan_get(error, "type");
	copy_text(type, wall->error_type, sizeof(wall->error_type));
	struct jsonspan_value text =
	    error.kind == JSONSPAN_STRING ? error : jsonspan_get(error, "message");
	copy_text(text, wall->error_message, sizeof(wall->error_message));
}

/* The type of an event that is too long to be read: only where it is the first member. */
static struct view
leading_type(struct view data)
{
	static const char lead[] = "{\"type\":\"";
	if (!view_starts(data, lead))
		return (struct view){NULL, 0};
	struct view rest = view_from(data, strlen(lead));
	ptrdiff_t quote = view_find_char(rest, '"');
	return view_sub(rest, 0, quote < 0 ? 0 : (size_t)quote);
}

/* The members to look for; `body` holds what is useful, `number` is a count. */
static struct message
want(const char *body, const char *number)
{
	struct message message = {0};
	message.wants[WANT_TYPE].key = "type";
	message.wants[WANT_ERROR].key = "error";
	message.wants[WANT_BODY].key = body;
	message.wants[WANT_NUMBER].key = number;
	return message;
}

static struct message
read_event(const struct wall *wall, const struct sse_event *event)
{
	static const char *const bodies[] = {
	    [PROTOCOL_ANTHROPIC] = "delta",
	    [PROTOCOL_CHAT] = "choices",
	    [PROTOCOL_RESPONSES] = "response",
	};
	struct message message = want(bodies[wall->protocol], "sequence_number");
	if (event->cut) {
		message.type = leading_type(event->data);
	} else if (jsonspan_scan(event->data, message.wants, WANT_COUNT, &message.root, NULL)) {
		(void)jsonspan_str_plain(message.wants[WANT_TYPE].value, &message.type);
	}
	if (message.type.len == 0)
		message.type = event->name;
	return message;
}

struct type_row {
	const char *type;
	enum meaning meaning;
};

static enum meaning
look_up(const struct type_row *rows, size_t count, struct view type, enum meaning other)
{
	for (size_t i = 0; i < count; i++) {
		if (view_eq_str(type, rows[i].type))
			return rows[i].meaning;
	}
	return other;
}

static enum meaning
read_anthropic(const struct message *message)
{
	static const struct type_row rows[] = {
	    {"content_block_delta", USEFUL},
	    {"content_block_start", USEFUL},
	    {"content_block_stop", USEFUL},
	    {"message_start", OPENS},
	    {"message_delta", USEFUL},
	    {"message_stop", ENDS},
	    {"error", FAILS},
	};
	enum meaning meaning = look_up(rows, COUNT(rows), message->type, NOTHING);
	if (!view_eq(message->type, VIEW("message_delta")))
		return meaning;
	struct jsonspan_value reason = jsonspan_get(message->wants[WANT_BODY].value, "stop_reason");
	return reason.kind == JSONSPAN_STRING ? ENDS : meaning;
}

static enum meaning
read_responses(const struct message *message)
{
	static const struct type_row rows[] = {
	    {"response.created", OPENS},
	    {"response.in_progress", NOTHING},
	    {"response.queued", NOTHING},
	    {"response.completed", ENDS},
	    {"response.incomplete", ENDS},
	    {"response.done", ENDS}, /* some upstreams' word for completed */
	    {"response.failed", FAILS},
	    {"response.error", FAILS}, /* of some gateways */
	    {"error", FAILS},
	};
	enum meaning other = view_starts(message->type, "response.") ? USEFUL : NOTHING;
	return look_up(rows, COUNT(rows), message->type, other);
}

/* Anything but a role in the delta is content: text, reasoning in its many spellings, refusal,
 * calls, audio. */
static bool
delta_is_useful(struct jsonspan_value delta)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	jsonspan_iter_init(&iter, delta);
	while (jsonspan_next(&iter, &member)) {
		if (!jsonspan_key_is(&member, "role") && is_filled(member.value))
			return true;
	}
	return false;
}

static enum meaning
read_chat(const struct message *message)
{
	struct jsonspan_iter iter;
	struct jsonspan_member choice;
	enum meaning meaning = NOTHING;
	if (view_eq(message->type, VIEW("error")))
		return FAILS;
	jsonspan_iter_init(&iter, message->wants[WANT_BODY].value);
	while (jsonspan_next(&iter, &choice)) {
		if (is_filled(jsonspan_get(choice.value, "finish_reason")))
			return ENDS;
		if (delta_is_useful(jsonspan_get(choice.value, "delta")))
			meaning = USEFUL;
	}
	return meaning;
}

static enum meaning
read_meaning(const struct wall *wall, const struct message *message)
{
	enum meaning (*const readers[])(const struct message *) = {
	    [PROTOCOL_ANTHROPIC] = read_anthropic,
	    [PROTOCOL_CHAT] = read_chat,
	    [PROTOCOL_RESPONSES] = read_responses,
	};
	enum meaning meaning = readers[wall->protocol](message);
	/* A chat chunk may hold an error and a finish_reason "error". */
	bool asked = meaning == NOTHING || wall->protocol == PROTOCOL_CHAT;
	return asked && is_filled(message->wants[WANT_ERROR].value) ? FAILS : meaning;
}

static void
count_sequence(struct wall *wall, const struct message *message)
{
	int64_t number;
	bool given = jsonspan_i64(message->wants[WANT_NUMBER].value, &number) && number >= 0;
	wall->sequence_next = given ? (uint64_t)number + 1 : wall->sequence_next + 1;
}

static void
on_failing_event(struct wall *wall, const struct message *message)
{
	bool told =
	    wall->protocol != PROTOCOL_RESPONSES || view_eq(message->type, VIEW("response.failed"));
	note_error(wall, message);
	if (wall->verdict == WALL_WAIT)
		fail(wall, WALL_ERROR_EVENT);
	wall->fault = WALL_ERROR_EVENT;
	wall->terminal = wall->verdict == WALL_COMMIT && told;
}

static void
on_done(struct wall *wall)
{
	if (wall->verdict == WALL_WAIT) {
		fail(wall, WALL_EMPTY);
	} else {
		wall->terminal = true;
	}
}

/* An end, and nothing useful or a reason to stop was before it: is it one of an answer? */
static enum meaning
read_first_end(struct wall *wall, const struct message *message)
{
	struct jsonspan_value body = message->wants[WANT_BODY].value;
	if (wall->protocol == PROTOCOL_ANTHROPIC && view_eq(message->type, VIEW("message_stop"))) {
		fail(wall, WALL_EMPTY);
		return NOTHING;
	}
	bool failed = wall->protocol == PROTOCOL_RESPONSES &&
		      jsonspan_str_is(jsonspan_get(body, "status"), "failed");
	return failed ? FAILS : ENDS;
}

/* A chat chunk that neither ends nor fails: each "finish_reason" in it is null and there is no
 * "error". A closing quote without a backslash shows that it is a whole string, so that text of the
 * model can't look like the key. */
static bool
is_plain_chunk(struct view data)
{
	static const char key[] = "\"finish_reason\"";
	struct view whole = data;
	unsigned count = 0;
	for (ptrdiff_t at; (at = view_find(data, key)) >= 0; count++) {
		data = view_from(data, (size_t)at + strlen(key));
		if (!view_starts(data, ":null"))
			return false;
	}
	return count > 0 && view_find(whole, "\"error\"") < 0;
}

static struct view
type_of(const struct sse_event *event)
{
	return event->name.len > 0 ? event->name : leading_type(event->data);
}

/* After COMMIT nearly all events are pieces of content. Telling so without reading the JSON: by the
 * name of the event, or its data's first member where there is no name. */
static bool
is_plain_piece(const struct wall *wall, const struct sse_event *event)
{
	struct view type = type_of(event);
	if (wall->protocol == PROTOCOL_ANTHROPIC)
		return view_starts(type, "content_block_");
	if (wall->protocol == PROTOCOL_RESPONSES)
		return view_starts(type, "response.") && view_ends(type, ".delta");
	return is_plain_chunk(event->data);
}

/* Of an event that ends the answer, or comes behind one that does: nothing more can follow. */
static bool
is_last(const struct wall *wall, const struct sse_event *event)
{
	if (wall->protocol == PROTOCOL_ANTHROPIC)
		return view_eq(type_of(event), VIEW("message_stop"));
	return wall->protocol == PROTOCOL_RESPONSES ||
	       view_eq(view_trim(event->data), VIEW("[DONE]"));
}

/* Of an event that nothing but the end of the body has ended: it may have lost its own end. */
static bool
is_all_there(const struct sse_event *event)
{
	struct jsonspan_value root;
	return view_eq(view_trim(event->data), VIEW("[DONE]")) ||
	       (jsonspan_scan(event->data, NULL, 0, &root, NULL) && root.kind == JSONSPAN_OBJECT);
}

static void
on_event(const struct sse_event *event, void *ctx)
{
	struct wall *wall = ctx;
	wall->sealed = wall->sealed || wall->protocol != PROTOCOL_ANTHROPIC ||
		       view_eq(type_of(event), VIEW("message_stop"));
	if (wall->verdict == WALL_FAILED || (wall->ended && !is_all_there(event)))
		return;
	if (wall->terminal) {
		wall->closed = wall->closed || is_last(wall, event);
		return;
	}
	wall->events++;
	if (wall->protocol == PROTOCOL_CHAT && is_last(wall, event)) {
		on_done(wall);
		wall->closed = wall->terminal;
		return;
	}
	if (wall->verdict == WALL_COMMIT && is_plain_piece(wall, event)) {
		wall->sequence_next++;
		return;
	}
	struct message message = read_event(wall, event);
	count_sequence(wall, &message);
	enum meaning meaning = read_meaning(wall, &message);
	if (meaning == NOTHING && event->cut)
		meaning = USEFUL; /* nothing but content is that long */
	if (meaning == ENDS && wall->verdict == WALL_WAIT)
		meaning = read_first_end(wall, &message);
	if (meaning == OPENS)
		wall->opened = true;
	if (meaning == USEFUL || meaning == ENDS)
		wall->verdict = WALL_COMMIT;
	if (meaning == ENDS)
		wall->terminal = true;
	if (meaning == FAILS)
		on_failing_event(wall, &message);
	wall->closed = wall->terminal && is_last(wall, event);
}

void
wall_init(struct wall *wall, enum protocol protocol, enum wall_shape shape)
{
	*wall = (struct wall){.protocol = protocol, .shape = shape};
	sse_init(&wall->sse, EVENT_BYTES_MAX, on_event, wall);
	bytes_init(&wall->whole, WALL_HOLD_BYTES);
}

void
wall_fini(struct wall *wall)
{
	sse_fini(&wall->sse);
	bytes_fini(&wall->whole);
}

static size_t
skip_bytes(struct view in, const char *skipped)
{
	size_t len = 0;
	while (len < in.len && in.data[len] != '\0' && strchr(skipped, in.data[len]) != NULL)
		len++;
	return len;
}

static void
feed_document(struct wall *wall, struct view in)
{
	if (wall->verdict == WALL_WAIT)
		MUST(bytes_append_view(&wall->whole, in));
}

/* Some answers say they are an event stream and are HTML or a JSON error: no line of an event
 * stream begins like that. */
static void
feed_stream(struct wall *wall, struct view in)
{
	if (!wall->decided) {
		size_t blank = skip_bytes(in, " \t\r\n\xef\xbb\xbf");
		wall->decided = blank < in.len;
		wall->document = wall->decided && skip_bytes(view_sub(in, blank, 1), "<{[") == 1;
		if (wall->document && in.data[blank] == '<')
			fail(wall, WALL_NOT_SSE);
		if (wall->document)
			in = view_from(in, blank);
	}
	if (wall->document) {
		feed_document(wall, in);
	} else {
		sse_feed(&wall->sse, in);
	}
}

static void
feed_whole(struct wall *wall, struct view in)
{
	size_t len = in.len;
	while (len > 0 && skip_bytes(view_sub(in, len - 1, 1), " \t\r\n") == 1)
		len--;
	if (len > 0)
		wall->last = in.data[len - 1];
	feed_document(wall, in);
}

static void
feed(struct wall *wall, struct view in)
{
	if (in.len == 0 || wall->verdict == WALL_FAILED)
		return;
	if (wall->shape == WALL_STREAM) {
		feed_stream(wall, in);
	} else if (wall->shape == WALL_WHOLE) {
		feed_whole(wall, in);
	} else {
		wall->verdict = WALL_COMMIT;
	}
}

/* As much as may be held has come, and it is not known what it is. */
static void
on_full(struct wall *wall)
{
	bool events = wall->sse.recognised || view_starts(bytes_view(&wall->sse.line), "data:");
	struct view text = bytes_view(&wall->whole);
	text = view_from(text, skip_bytes(text, " \t\r\n"));
	if (wall->shape == WALL_STREAM && (wall->document || !events)) {
		fail(wall, WALL_NOT_SSE);
	} else if (wall->shape == WALL_WHOLE && !view_starts(text, "{")) {
		fail(wall, WALL_NOT_JSON);
	} else {
		wall->verdict = WALL_COMMIT;
	}
}

enum wall_verdict
wall_feed(struct wall *wall, struct view bytes)
{
	size_t before = wall->seen_bytes;
	wall->seen_bytes += bytes.len;
	if (wall->verdict == WALL_WAIT && wall->seen_bytes > WALL_HOLD_BYTES) {
		/* Exactly there, so that the verdict does not hang on how the bytes were cut. */
		size_t room = WALL_HOLD_BYTES - before;
		feed(wall, view_sub(bytes, 0, room));
		bytes = view_from(bytes, room);
		if (wall->verdict == WALL_WAIT)
			on_full(wall);
	}
	feed(wall, bytes);
	if (wall->verdict != WALL_WAIT && wall->whole.data != NULL)
		bytes_fini(&wall->whole);
	return wall->verdict;
}

/* A whole answer: the members of a success must be there, so that {"code":500,...} with a 200 is
 * none. `input_tokens` is count_tokens' answer. */
static void
judge_whole(struct wall *wall)
{
	static const char *const bodies[] = {
	    [PROTOCOL_ANTHROPIC] = "content",
	    [PROTOCOL_CHAT] = "choices",
	    [PROTOCOL_RESPONSES] = "output",
	};
	struct message message = want(bodies[wall->protocol], "input_tokens");
	struct jsonspan_want *wants = message.wants;
	struct view text = bytes_view(&wall->whole);
	if (skip_bytes(text, " \t\r\n") == text.len) {
		fail(wall, WALL_EMPTY);
		return;
	}
	bool json = jsonspan_scan(text, wants, WANT_COUNT, &message.root, NULL);
	struct jsonspan_value body = wants[WANT_BODY].value;
	bool answer =
	    body.kind == JSONSPAN_ARRAY || (wall->protocol == PROTOCOL_ANTHROPIC &&
					       wants[WANT_NUMBER].value.kind == JSONSPAN_NUMBER);
	bool failed = wall->protocol == PROTOCOL_RESPONSES &&
		      jsonspan_str_is(jsonspan_get(message.root, "status"), "failed");
	if (json && (failed || is_filled(wants[WANT_ERROR].value) ||
			jsonspan_str_is(wants[WANT_TYPE].value, "error"))) {
		note_error(wall, &message);
		fail(wall, WALL_ERROR_EVENT);
	} else if (!json || !answer) {
		fail(wall, WALL_NOT_JSON);
	} else if (wall->protocol == PROTOCOL_CHAT && !is_filled(body)) {
		fail(wall, WALL_EMPTY);
	} else {
		wall->verdict = WALL_COMMIT;
		wall->terminal = true;
	}
}

/* The stream ended and nothing useful had come. */
static void
judge_stream(struct wall *wall)
{
	if (wall->document) {
		judge_whole(wall);
		if (wall->fault != WALL_ERROR_EVENT)
			fail(wall, WALL_NOT_SSE);
		wall->terminal = false;
	} else if (wall->events > 0) {
		fail(wall, WALL_ENDED_EARLY);
	} else {
		fail(wall, wall->decided && !wall->sse.recognised ? WALL_NOT_SSE : WALL_EMPTY);
	}
}

/* The body of a committed answer ended: was that its end? */
static void
end_committed(struct wall *wall)
{
	if (wall->shape == WALL_OPAQUE || (wall->shape == WALL_WHOLE && wall->last == '}'))
		wall->terminal = true;
	if (!wall->terminal && wall->fault == WALL_FINE)
		wall->fault = WALL_ENDED_EARLY;
}

enum wall_verdict
wall_end(struct wall *wall)
{
	/* The last event counts without a blank line behind it, as clients of these have it. */
	wall->ended = true;
	if (wall->shape == WALL_STREAM && wall->protocol != PROTOCOL_ANTHROPIC)
		feed(wall, VIEW("\n\n"));
	if (wall->verdict == WALL_WAIT && wall->shape == WALL_STREAM) {
		judge_stream(wall);
	} else if (wall->verdict == WALL_WAIT && wall->shape == WALL_WHOLE) {
		judge_whole(wall);
	} else if (wall->verdict == WALL_WAIT) {
		wall->verdict = WALL_COMMIT;
	}
	if (wall->verdict == WALL_COMMIT)
		end_committed(wall);
	return wall->verdict;
}
