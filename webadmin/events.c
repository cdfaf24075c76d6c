#include "events.h"
#include "api_private.h"
#include "events_change.h"
#include "jget.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include "names.h"
#include "reply.h"
#include <stdio.h>
#include <string.h>

#define RECORDS_MAX 100
#define SILENT_MS 5000

enum topic { TOPIC_STATE = 1, TOPIC_REQUESTS = 2 };

/* One client that listens; it lives as long as its call. */
struct api_stream {
	struct call *call;
	char session_id[AUTH_ID_BYTES]; /* "" = by a token */
	unsigned topics;
	int64_t behind; /* Last-Event-ID that is still to be gone on from, -1 = none */
};

struct events {
	struct loop *loop;
	struct api *api;
	struct loop_timer tick;
	struct api_stream *streams[EVENTS_STREAMS_MAX];
	unsigned count;
	json_t *shown; /* the state that all streams have been told; NULL = none yet */
	bool silent;   /* they know that the control plane is */
	uint64_t beat_ms;
	int64_t last_seq; /* of the requests that were told, -1 = not known yet */
	bool asking;      /* for requests */
};

/* ---- one event ---- */

static void
leave(struct events *events, struct api_stream *stream)
{
	for (unsigned i = 0; i < events->count; i++) {
		if (events->streams[i] != stream)
			continue;
		events->streams[i] = events->streams[--events->count];
		break;
	}
	struct call *call = stream->call;
	mem_free(stream);
	call->stream = NULL;
	api_drop(call);
}

/* False: it does not read, and has been cut off. */
static bool
write_event(struct events *events, struct api_stream *stream, struct view text)
{
	struct http_req *req = stream->call->req;
	if (httpd_queued(req) <= EVENTS_UNREAD_BYTES_MAX) {
		(void)httpd_write(req, text);
		return true;
	}
	log_msg(LOG_INFO, "slow_listener", "a stream of events is not read and is cut off");
	httpd_ctx_set(req, NULL);
	leave(events, stream);
	httpd_abort(req, HTTPD_RST);
	return false;
}

/* Takes `data`; `id` < 0 = none. */
static void
format_event(struct bytes *out, const char *name, int64_t id, json_t *data)
{
	size_t len;
	char *text = jget_dump(data, &len);
	json_decref(data);
	bytes_init(out, 2 * NAMES_MESSAGE_BYTES_MAX);
	bool ok = bytes_printf(out, "event: %s\n", name) &&
		  (id < 0 || bytes_printf(out, "id: %lld\n", (long long)id)) &&
		  bytes_append_str(out, "data: ") && bytes_append(out, text, len) &&
		  bytes_append_str(out, "\n\n");
	MUST(ok);
	mem_free(text);
}

/* To all that listen to the topic. */
static void
tell_all(struct events *events, unsigned topics, struct view text)
{
	for (unsigned i = events->count; i > 0; i--) {
		struct api_stream *stream = events->streams[i - 1];
		if ((stream->topics & topics) != 0 && stream->behind < 0)
			(void)write_event(events, stream, text);
	}
}

static void
tell_event(struct events *events, unsigned topics, const char *name, int64_t id, json_t *data)
{
	struct bytes text;
	format_event(&text, name, id, data);
	tell_all(events, topics, bytes_view(&text));
	bytes_fini(&text);
}

static void
end_stream(struct events *events, struct api_stream *stream, const char *reason)
{
	struct bytes text;
	struct http_req *req = stream->call->req;
	format_event(&text, "end", -1, json_pack("{s:s}", "reason", reason));
	if (write_event(events, stream, bytes_view(&text))) {
		httpd_ctx_set(req, NULL);
		leave(events, stream);
		httpd_end(req);
	}
	bytes_fini(&text);
}

/* ---- the state ---- */

static void
tell_state(struct events *events, const json_t *state)
{
	json_t *change = events->shown != NULL ? events_change(events->shown, state) : NULL;
	if (change == NULL)
		tell_event(events, TOPIC_STATE, "state", -1, api_state_shown(state, 0));
	else if (json_object_size(change) > 0)
		tell_event(events, TOPIC_STATE, "change", -1, change);
	else
		json_decref(change);
	json_decref(events->shown);
	events->shown = json_incref((json_t *)(uintptr_t)state);
}

static json_t *
control_event(bool silent, uint64_t age_ms)
{
	return json_pack("{s:b, s:I}", "answering", (int)!silent, "age_ms", (json_int_t)age_ms);
}

static void
look_at_state(struct events *events)
{
	uint64_t age_ms;
	const json_t *state = adminlink_state(events->api->link, &age_ms);
	bool silent = state == NULL || age_ms > SILENT_MS;
	if (silent != events->silent)
		tell_event(events, TOPIC_STATE, "control", -1, control_event(silent, age_ms));
	events->silent = silent;
	if (state != NULL && state != events->shown)
		tell_state(events, state);
}

/* ---- requests ---- */

static struct api_stream *
find_behind(struct events *events)
{
	for (unsigned i = 0; i < events->count; i++) {
		if (events->streams[i]->behind >= 0)
			return events->streams[i];
	}
	return NULL;
}

static bool
anyone_wants_requests(const struct events *events)
{
	for (unsigned i = 0; i < events->count; i++) {
		if ((events->streams[i]->topics & TOPIC_REQUESTS) != 0)
			return true;
	}
	return false;
}

/* Oldest first; *newest is the last one's number. */
static json_t *
turn_round(const json_t *records, int64_t *newest)
{
	json_t *out = json_array();
	for (size_t i = json_array_size(records); i > 0; i--) {
		json_t *record = json_array_get(records, i - 1);
		json_int_t seq = json_integer_value(json_object_get(record, "seq"));
		*newest = seq > *newest ? seq : *newest;
		MUST(json_array_append(out, record) == 0);
	}
	return out;
}

/* For one that was here before: what it has missed, up to what the others know. */
static void
catch_up(struct events *events, struct api_stream *stream, const json_t *records)
{
	struct bytes text;
	int64_t newest = stream->behind;
	json_t *list = turn_round(records, &newest);
	stream->behind = -1;
	if (json_array_size(list) == 0) {
		json_decref(list);
		return;
	}
	format_event(&text, "requests", newest, json_pack("{s:o}", "records", list));
	(void)write_event(events, stream, bytes_view(&text));
	bytes_fini(&text);
}

static void
on_records(const struct envelope *answer, void *ctx)
{
	struct events *events = ctx;
	events->asking = false;
	if (answer == NULL || strcmp(answer->type, MSG_REQUESTS) != 0)
		return;
	const json_t *records = json_object_get(answer->body, "records");
	int64_t newest = events->last_seq;
	bool first = newest < 0;
	struct api_stream *behind = find_behind(events);
	json_t *list = turn_round(records, &newest);
	events->last_seq = newest < 0 ? 0 : newest;
	if (!first && behind == NULL && json_array_size(list) > 0)
		tell_event(events, TOPIC_REQUESTS, "requests", newest,
		    json_pack("{s:O}", "records", list));
	json_decref(list);
}

static void
on_missed(const struct envelope *answer, void *ctx)
{
	struct events *events = ctx;
	struct api_stream *behind = find_behind(events);
	events->asking = false;
	if (behind == NULL)
		return;
	if (answer != NULL && strcmp(answer->type, MSG_REQUESTS) == 0)
		catch_up(events, behind, json_object_get(answer->body, "records"));
	else
		behind->behind = -1;
}

static void
look_for_requests(struct events *events)
{
	struct api_stream *behind = find_behind(events);
	if (events->asking || !anyone_wants_requests(events))
		return;
	json_t *body = json_pack("{s:i}", "limit", events->last_seq < 0 ? 1 : RECORDS_MAX);
	if (events->last_seq >= 0 && behind != NULL) {
		json_t *before = json_integer(events->last_seq + 1);
		json_t *after = json_integer(behind->behind);
		MUST(json_object_set_new(body, "before", before) == 0 &&
		     json_object_set_new(body, "after", after) == 0);
	} else if (events->last_seq >= 0) {
		MUST(json_object_set_new(body, "after", json_integer(events->last_seq)) == 0);
	}
	bool missed = events->last_seq >= 0 && behind != NULL;
	events->asking = adminlink_ask(
	    events->api->stats, MSG_GET_REQUESTS, body, missed ? on_missed : on_records, events);
}

/* ---- the clock ---- */

/* Looking is no use of the session. */
static bool
may_listen(const struct events *events, const struct api_stream *stream)
{
	struct api *api = events->api;
	if (!api_user_holds(api, &stream->call->user))
		return false;
	return stream->session_id[0] == '\0' || auth_look(&api->auth, view_of(stream->session_id),
						    loop_now_ms(events->loop)) != NULL;
}

static void
on_tick(struct loop_timer *timer, void *ctx)
{
	struct events *events = ctx;
	uint64_t now = loop_now_ms(events->loop);
	for (unsigned i = events->count; i > 0; i--) {
		if (!may_listen(events, events->streams[i - 1]))
			end_stream(events, events->streams[i - 1], "logged_out");
	}
	if (now - events->beat_ms >= EVENTS_BEAT_MS) {
		tell_all(events, TOPIC_STATE | TOPIC_REQUESTS, VIEW(":\n\n"));
		events->beat_ms = now;
	}
	look_at_state(events);
	look_for_requests(events);
	if (events->count > 0) {
		loop_timer_arm(timer, EVENTS_TICK_MS);
		return;
	}
	/* Nobody is there: whoever comes next begins anew. */
	json_decref(events->shown);
	events->shown = NULL;
	events->last_seq = -1;
}

/* ---- coming and going ---- */

static unsigned
topics_of(struct call *call)
{
	char text[API_WORD_BYTES];
	struct view rest, word;
	unsigned topics = 0;
	if (!api_query_get(httpd_query(call->req), "topics", text, sizeof(text)))
		return TOPIC_STATE | TOPIC_REQUESTS;
	rest = view_of(text);
	while (view_split(&rest, ',', &word)) {
		if (view_eq_str(word, "state"))
			topics |= TOPIC_STATE;
		else if (view_eq_str(word, "requests"))
			topics |= TOPIC_REQUESTS;
		else
			return 0;
	}
	return topics;
}

static void
greet(struct events *events, struct api_stream *stream)
{
	struct bytes text;
	uint64_t age_ms;
	const json_t *state = adminlink_state(events->api->link, &age_ms);
	httpd_write(stream->call->req, VIEW("retry: 2000\n\n"));
	if (events->shown == NULL && state != NULL)
		events->shown = json_incref((json_t *)(uintptr_t)state);
	if ((stream->topics & TOPIC_STATE) == 0)
		return;
	if (events->shown != NULL) {
		format_event(&text, "state", -1, api_state_shown(events->shown, age_ms));
		(void)httpd_write(stream->call->req, bytes_view(&text));
		bytes_fini(&text);
	}
	if (state == NULL || age_ms > SILENT_MS) {
		events->silent = true;
		format_event(&text, "control", -1, control_event(true, age_ms));
		(void)httpd_write(stream->call->req, bytes_view(&text));
		bytes_fini(&text);
	}
}

void
api_listen(struct call *call)
{
	struct events *events = call->api->events;
	unsigned topics = topics_of(call);
	uint64_t seq;
	if (topics == 0) {
		api_fail(call, 400, "topics: must be some of state, requests");
		return;
	}
	if (events == NULL || events->count == EVENTS_STREAMS_MAX) {
		api_fail(call, 503, "there are as many streams as may be");
		return;
	}
	struct api_stream *stream = MEM_NEW(struct api_stream);
	stream->call = call;
	stream->topics = topics;
	stream->behind = -1;
	if (!call->bearer)
		(void)snprintf(stream->session_id, sizeof(stream->session_id), "%.*s",
		    VIEW_ARGS(call->session));
	if (view_to_u64(httpd_header(call->req, "last-event-id"), &seq) && seq < INT64_MAX)
		stream->behind = (int64_t)seq;
	call->stream = stream;
	if (events->count == 0) {
		events->beat_ms = loop_now_ms(events->loop);
		loop_timer_arm(&events->tick, EVENTS_TICK_MS);
	}
	events->streams[events->count++] = stream;
	reply_start(call->req, "text/event-stream", NULL);
	if (httpd_method(call->req) == HTTP_HEAD) {
		struct http_req *req = call->req;
		httpd_ctx_set(req, NULL);
		leave(events, stream);
		httpd_end(req);
		return;
	}
	greet(events, stream);
}

void
api_unlisten(struct call *call)
{
	leave(call->api->events, call->stream);
}

void
events_drain(struct events *events)
{
	while (events != NULL && events->count > 0)
		end_stream(events, events->streams[0], "draining");
}

unsigned
events_count(const struct events *events)
{
	return events->count;
}

struct events *
events_new(struct loop *loop, struct api *api)
{
	struct events *events = MEM_NEW(struct events);
	events->loop = loop;
	events->api = api;
	events->last_seq = -1;
	loop_timer_init(&events->tick, loop, on_tick, events);
	return events;
}

void
events_free(struct events *events)
{
	if (events == NULL)
		return;
	MUST(events->count == 0);
	loop_timer_fini(&events->tick);
	json_decref(events->shown);
	mem_free(events);
}
