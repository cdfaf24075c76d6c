#include "serve.h"
#include "assemble.h"
#include "bus.h"
#include "clock.h"
#include "crypto.h"
#include "dataplanes.h"
#include "envelope.h"
#include "fileio.h"
#include "jget.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include "names.h"
#include "overview.h"
#include "ready.h"
#include "reload.h"
#include "schedule.h"
#include <string.h>

#define POLL_MS 250 /* how often the file is looked at */

struct serve {
	struct loop *loop;
	struct serve_options options;
	struct reload reload;
	struct table *table; /* as published */
	uint64_t epoch;
	unsigned weekday; /* that the table was made for */
	int64_t started_ms;
	struct dataplanes dataplanes;
	struct bus_pub *table_pub, *events_pub;
	struct bus_rep *data_rep, *admin_rep;
	struct loop_timer beat, poll;
};

/* ---- publishing ---- */

static void
publish(struct bus_pub *pub, const char *type, json_t *body)
{
	struct bytes message;
	bytes_init(&message, NAMES_MESSAGE_BYTES_MAX);
	if (envelope_encode(type, 0, body, &message)) {
		bus_pub_send(pub, bytes_view(&message));
	} else {
		log_msg(LOG_ERROR, "message_too_big", "a %s does not fit into a message", type);
	}
	if (message.data != NULL)
		crypto_wipe(message.data, message.len);
	bytes_fini(&message);
}

static json_t *
state_body(const struct serve *serve)
{
	return overview_encode(&serve->reload, serve->table, &serve->dataplanes, serve->started_ms,
	    loop_now_ms(serve->loop));
}

static void
publish_state(struct serve *serve)
{
	publish(serve->events_pub, MSG_STATE, state_body(serve));
}

static void
log_table(const struct table *table)
{
	struct log_line line;
	log_begin(&line, LOG_INFO, "table");
	log_int(&line, "version", (int64_t)table->version);
	for (unsigned i = 0; i < GROUP_COUNT; i++)
		log_int(&line, group_name((enum group)i), (int64_t)table->groups[i].count);
	log_int(&line, "client_keys", (int64_t)table->client_key_count);
	log_end(&line);
}

/* Makes the table anew and publishes it when it says something new. */
static void
refresh_table(struct serve *serve)
{
	serve->weekday = schedule_weekday(clock_wall_ms());
	struct table *table =
	    assemble_table(serve->reload.config, serve->weekday, serve->options.demo_url);
	if (serve->table != NULL && assemble_equal(table, serve->table)) {
		table_unref(table);
		return;
	}
	table->epoch = serve->epoch;
	table->version = serve->table != NULL ? serve->table->version + 1 : 1;
	table_unref(serve->table);
	serve->table = table;
	log_table(table);
	publish(serve->table_pub, MSG_TABLE, table_encode(table));
}

static void
on_beat(struct loop_timer *timer, void *ctx)
{
	struct serve *serve = ctx;
	loop_timer_arm(timer, NAMES_HEARTBEAT_MS);
	bool news = dataplanes_expire(&serve->dataplanes, loop_now_ms(serve->loop));
	if (schedule_weekday(clock_wall_ms()) != serve->weekday) {
		refresh_table(serve);
		news = true;
	}
	publish(serve->table_pub, MSG_HEARTBEAT,
	    json_pack("{s:I, s:I}", "epoch", (json_int_t)serve->table->epoch, "version",
		(json_int_t)serve->table->version));
	if (news)
		publish_state(serve);
}

/* ---- the configuration ---- */

static enum reload_result
read_again(struct serve *serve)
{
	enum reload_result result = reload_again(&serve->reload);
	if (result == RELOAD_CHANGED) {
		log_msg(LOG_INFO, "config_taken", "the configuration was read again");
		refresh_table(serve);
	}
	if (result == RELOAD_SAME) {
		log_msg(LOG_INFO, "config_same", "the configuration has not changed");
	} else {
		publish_state(serve);
	}
	return result;
}

void
serve_reload(struct serve *serve)
{
	(void)read_again(serve);
}

static void
on_poll(struct loop_timer *timer, void *ctx)
{
	struct serve *serve = ctx;
	loop_timer_arm(timer, POLL_MS);
	if (store_poll(&serve->reload.store))
		(void)read_again(serve);
}

/* ---- questions ---- */

struct answer {
	const char *type;
	json_t *body; /* NULL = {} */
};

static struct answer
refuse(const struct err *err)
{
	return (struct answer){MSG_ERROR, envelope_error_body(err)};
}

static struct answer
answer_get_table(struct serve *serve, const json_t *body)
{
	int64_t epoch = 0, version = 0;
	struct err err;
	if (!jget_int(body, "", "epoch", INT64_MIN, INT64_MAX, &epoch, &err) ||
	    !jget_int(body, "", "version", 0, INT64_MAX, &version, &err))
		return refuse(&err);
	if ((uint64_t)epoch == serve->table->epoch && (uint64_t)version == serve->table->version)
		return (struct answer){MSG_SAME, NULL};
	return (struct answer){MSG_TABLE, table_encode(serve->table)};
}

static struct answer
answer_report(struct serve *serve, const json_t *body)
{
	struct report report;
	struct err err;
	if (!report_decode(body, &report, &err))
		return refuse(&err);
	if (dataplanes_note(&serve->dataplanes, &report, loop_now_ms(serve->loop))) {
		log_msg(LOG_INFO, "dataplane", "%s has joined", report.instance);
		publish_state(serve);
	}
	return (struct answer){MSG_OK, NULL};
}

static struct answer
answer_get_state(struct serve *serve, const json_t *body)
{
	(void)body;
	return (struct answer){MSG_STATE, state_body(serve)};
}

static struct answer
answer_reload(struct serve *serve, const json_t *body)
{
	(void)body;
	enum reload_result result = read_again(serve);
	if (result == RELOAD_REFUSED)
		return (struct answer){MSG_ERROR, reload_error_body(&serve->reload)};
	return (struct answer){
	    MSG_OK, json_pack("{s:I, s:b}", "revision", (json_int_t)serve->reload.revision,
			"changed", result == RELOAD_CHANGED)};
}

static struct answer
answer_check_token(struct serve *serve, const json_t *body)
{
	struct view hex = {0};
	uint8_t asked[CRYPTO_SHA256_BYTES], known[CRYPTO_SHA256_BYTES];
	struct err err;
	if (!jget_str(body, "", "sha256", &hex, &err))
		return refuse(&err);
	if (serve->reload.config != NULL && config_admin_sha256(serve->reload.config, known) &&
	    crypto_unhex(hex, asked, sizeof(asked)) && crypto_equal(asked, known, sizeof(known)))
		return (struct answer){MSG_OK, NULL};
	err_set(&err, ERR_AUTH, "", "not the admin token");
	return refuse(&err);
}

struct question {
	const char *type;
	struct answer (*fn)(struct serve *serve, const json_t *body);
};
static const struct question data_questions[] = {
    {MSG_GET_TABLE, answer_get_table},
    {MSG_REPORT, answer_report},
    {NULL, NULL},
};
/* What the admin side may ask: nothing here gives a key away. */
static const struct question admin_questions[] = {
    {MSG_GET_STATE, answer_get_state},
    {MSG_RELOAD, answer_reload},
    {MSG_CHECK_TOKEN, answer_check_token},
    {NULL, NULL},
};

static void
reply_to(
    struct serve *serve, const struct question *questions, struct view message, struct bytes *reply)
{
	struct envelope envelope;
	struct answer answer;
	struct err err;
	if (envelope_decode(message, &envelope, &err)) {
		while (questions->type != NULL && strcmp(questions->type, envelope.type) != 0)
			questions++;
		if (questions->type == NULL)
			err_set(&err, ERR_PEER, "type", "this socket does not answer that");
		answer =
		    questions->type != NULL ? questions->fn(serve, envelope.body) : refuse(&err);
	} else {
		answer = refuse(&err);
	}
	if (!envelope_encode(answer.type, envelope.id, answer.body, reply)) {
		err_set(&err, ERR_LIMIT, "", "the answer does not fit into a message");
		bytes_clear(reply);
		MUST(envelope_encode(MSG_ERROR, envelope.id, envelope_error_body(&err), reply));
	}
	envelope_fini(&envelope);
}

static void
on_data_question(struct view message, struct bytes *reply, void *ctx)
{
	reply_to(ctx, data_questions, message, reply);
}

static void
on_admin_question(struct view message, struct bytes *reply, void *ctx)
{
	reply_to(ctx, admin_questions, message, reply);
}

/* ---- life ---- */

static bool
bind_all(struct serve *serve, struct err *err)
{
	char table[128], data[128], events[128], admin[128];
	const char *run_dir = serve->options.run_dir;
	if (!fileio_mkdirs(run_dir, 0700, err) ||
	    !names_path(run_dir, NAMES_TABLE, table, sizeof(table), err) ||
	    !names_path(run_dir, NAMES_DATA, data, sizeof(data), err) ||
	    !names_path(run_dir, NAMES_EVENTS, events, sizeof(events), err) ||
	    !names_path(run_dir, NAMES_ADMIN, admin, sizeof(admin), err))
		return false;
	return (serve->table_pub = bus_pub_bind(serve->loop, table, err)) != NULL &&
	       (serve->events_pub = bus_pub_bind(serve->loop, events, err)) != NULL &&
	       (serve->data_rep = bus_rep_bind(serve->loop, data, on_data_question, serve, err)) !=
		   NULL &&
	       (serve->admin_rep =
		       bus_rep_bind(serve->loop, admin, on_admin_question, serve, err)) != NULL;
}

struct serve *
serve_new(struct loop *loop, const struct serve_options *options, struct err *err)
{
	struct serve *serve = MEM_NEW(struct serve);
	serve->loop = loop;
	serve->options = *options;
	serve->started_ms = clock_wall_ms();
	serve->epoch = crypto_random_u64();
	loop_timer_init(&serve->beat, loop, on_beat, serve);
	loop_timer_init(&serve->poll, loop, on_poll, serve);
	if (!reload_start(&serve->reload, options->state_dir, err) || !bind_all(serve, err))
		goto fail;
	refresh_table(serve);
	if (!ready_write(
		options->run_dir, options->state_dir, serve->reload.minted, serve->table, err))
		goto fail;
	loop_timer_arm(&serve->beat, NAMES_HEARTBEAT_MS);
	loop_timer_arm(&serve->poll, POLL_MS);
	return serve;
fail:
	serve_free(serve);
	return NULL;
}

void
serve_free(struct serve *serve)
{
	if (serve == NULL)
		return;
	loop_timer_fini(&serve->beat);
	loop_timer_fini(&serve->poll);
	bus_pub_free(serve->table_pub);
	bus_pub_free(serve->events_pub);
	bus_rep_free(serve->data_rep);
	bus_rep_free(serve->admin_rep);
	table_unref(serve->table);
	reload_fini(&serve->reload);
	mem_free(serve);
}
