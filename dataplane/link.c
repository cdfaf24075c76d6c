#include "link.h"
#include "bus.h"
#include "envelope.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include "names.h"
#include <inttypes.h>
#include <stdio.h>

#define ANSWER_MS 2000
#define QUESTION_BYTES_MAX NAMES_MESSAGE_BYTES_MAX
#define REPORT_MS 1000
#define HURRY_MS 20

struct link {
	struct loop *loop;
	struct link_events events;
	struct bus_sub *sub;
	struct bus_req *req;
	struct loop_timer tick, hurry;
	struct table *table;
	uint64_t message_id;
	bool table_wanted, report_due;
	bool reporting; /* the question under way is `report` */
	bool accepted;  /* the answer was "ok" */
	struct report report;
	bool unanswered;     /* said so in the log */
	uint64_t cancel_seq; /* of the last MSG_CANCEL, 0 = none */
};

static void pump(struct link *link);

static uint64_t
held_epoch(const struct link *link)
{
	return link->table != NULL ? link->table->epoch : 0;
}

static uint64_t
held_version(const struct link *link)
{
	return link->table != NULL ? link->table->version : 0;
}

static bool
is_newer(const struct link *link, uint64_t epoch, uint64_t version)
{
	return link->table == NULL || epoch != link->table->epoch || version > link->table->version;
}

/* ---- what comes ---- */

static void
apply(struct link *link, const json_t *body)
{
	struct table *table = NULL;
	struct err err;
	struct log_line line;
	size_t upstreams = 0;
	if (!table_decode(body, &table, &err)) {
		log_err(LOG_ERROR, "table_refused", &err);
		return;
	}
	if (!is_newer(link, table->epoch, table->version)) {
		table_unref(table);
		return;
	}
	table_unref(link->table);
	link->table = table;
	for (size_t i = 0; i < GROUP_COUNT; i++)
		upstreams += table->groups[i].count;
	log_begin(&line, LOG_INFO, "table");
	log_int(&line, "epoch", (int64_t)table->epoch);
	log_int(&line, "version", (int64_t)table->version);
	log_int(&line, "upstreams", (int64_t)upstreams);
	log_int(&line, "client_keys", (int64_t)table->client_key_count);
	log_end(&line);
	link->events.on_table(table, link->events.ctx);
}

static void
on_heartbeat(struct link *link, const json_t *body)
{
	const json_t *epoch = json_object_get(body, "epoch");
	const json_t *version = json_object_get(body, "version");
	if (!json_is_integer(epoch) || !json_is_integer(version))
		return;
	if (is_newer(
		link, (uint64_t)json_integer_value(epoch), (uint64_t)json_integer_value(version))) {
		link->table_wanted = true;
		pump(link);
	}
}

static void
on_cancel(struct link *link, const json_t *body)
{
	const json_t *ids = json_object_get(body, "ids");
	json_int_t seq = json_integer_value(json_object_get(body, "seq"));
	for (size_t i = 0; i < json_array_size(ids); i++) {
		const json_t *id = json_array_get(ids, i);
		struct view text = view_make(json_string_value(id), json_string_length(id));
		if (json_is_string(id))
			link->events.on_cancel(text, link->events.cancel_ctx);
	}
	/* Somebody waits for the answer. */
	if (seq > 0 && (uint64_t)seq != link->cancel_seq) {
		link->cancel_seq = (uint64_t)seq;
		link_hurry(link);
	}
}

static void
on_message(struct view message, void *ctx)
{
	struct link *link = ctx;
	struct envelope envelope;
	struct err err;
	if (!envelope_decode(message, &envelope, &err)) {
		log_err(LOG_WARN, "message_refused", &err);
		return;
	}
	struct view type = view_of(envelope.type);
	if (view_eq_str(type, MSG_TABLE)) {
		apply(link, envelope.body);
	} else if (view_eq_str(type, MSG_HEARTBEAT)) {
		on_heartbeat(link, envelope.body);
	} else if (view_eq_str(type, MSG_CANCEL)) {
		on_cancel(link, envelope.body);
	} else if (view_eq_str(type, MSG_OK)) {
		link->accepted = true;
	} else if (view_eq_str(type, MSG_ERROR)) {
		log_msg(LOG_WARN, "question_refused", "controlplane answered with an error");
	}
	envelope_fini(&envelope);
}

static void
end_report(struct link *link, bool taken)
{
	if (!link->reporting)
		return;
	link->reporting = false;
	link->events.on_reported(&link->report, taken, link->events.ctx);
}

static void
on_answer(struct view message, void *ctx)
{
	struct link *link = ctx;
	link->accepted = false;
	if (message.len > 0) {
		link->unanswered = false;
		on_message(message, link);
		end_report(link, link->accepted);
		pump(link);
		return;
	}
	end_report(link, false);
	/* The tick asks again. */
	if (!link->unanswered) {
		log_msg(
		    LOG_WARN, "controlplane_away", "no answer within %d ms; serving on", ANSWER_MS);
	}
	link->unanswered = true;
}

/* ---- what goes ---- */

static void
ask(struct link *link, const char *type, json_t *body)
{
	struct bytes message;
	bytes_init(&message, QUESTION_BYTES_MAX);
	MUST(envelope_encode(type, ++link->message_id, body, &message));
	MUST(bus_req_ask(link->req, bytes_view(&message), ANSWER_MS, on_answer, link));
	bytes_fini(&message);
}

static void
ask_table(struct link *link)
{
	json_t *body = json_pack("{s:I,s:I}", "epoch", (json_int_t)held_epoch(link), "version",
	    (json_int_t)held_version(link));
	MUST(body != NULL);
	ask(link, MSG_GET_TABLE, body);
}

static void
send_report(struct link *link)
{
	link->report = (struct report){
	    .table_epoch = held_epoch(link),
	    .table_version = held_version(link),
	    .cancel_seq = link->cancel_seq,
	};
	link->events.on_report(&link->report, link->events.ctx);
	link->reporting = true;
	ask(link, MSG_REPORT, report_encode(&link->report));
}

static void
pump(struct link *link)
{
	if (bus_req_busy(link->req))
		return;
	if (link->table_wanted) {
		link->table_wanted = false;
		ask_table(link);
	} else if (link->report_due) {
		link->report_due = false;
		send_report(link);
	}
}

static void
on_tick(struct loop_timer *timer, void *ctx)
{
	struct link *link = ctx;
	loop_timer_arm(timer, REPORT_MS);
	link->table_wanted = link->table_wanted || link->table == NULL;
	link->report_due = true;
	pump(link);
}

static void
on_hurry(struct loop_timer *timer, void *ctx)
{
	struct link *link = ctx;
	(void)timer;
	link->report_due = true;
	pump(link);
}

void
link_hurry(struct link *link)
{
	if (!link->hurry.armed)
		loop_timer_arm(&link->hurry, HURRY_MS);
}

/* ---- life ---- */

struct link *
link_new(struct loop *loop, const char *run_dir, const struct link_events *events, struct err *err)
{
	char table_path[108], data_path[108];
	struct link *link = MEM_NEW(struct link);
	link->loop = loop;
	link->events = *events;
	loop_timer_init(&link->tick, loop, on_tick, link);
	loop_timer_init(&link->hurry, loop, on_hurry, link);
	if (!names_path(run_dir, NAMES_TABLE, table_path, sizeof(table_path), err) ||
	    !names_path(run_dir, NAMES_DATA, data_path, sizeof(data_path), err))
		goto out;
	link->sub = bus_sub_connect(loop, table_path, on_message, link, err);
	if (link->sub == NULL)
		goto out;
	link->req = bus_req_connect(loop, data_path, err);
	if (link->req == NULL)
		goto out;
	link->table_wanted = true;
	pump(link);
	loop_timer_arm(&link->tick, REPORT_MS);
	return link;
out:
	link_free(link);
	return NULL;
}

void
link_free(struct link *link)
{
	if (link == NULL)
		return;
	loop_timer_fini(&link->tick);
	loop_timer_fini(&link->hurry);
	if (link->sub != NULL)
		bus_sub_free(link->sub);
	if (link->req != NULL)
		bus_req_free(link->req);
	table_unref(link->table);
	mem_free(link);
}

struct table *
link_table(const struct link *link)
{
	return link->table;
}
