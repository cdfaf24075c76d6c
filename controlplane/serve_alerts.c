#include "serve_alerts.h"
#include "alert_command.h"
#include "alert_outbox.h"
#include "alert_rules.h"
#include "alert_signs.h"
#include "alert_text.h"
#include "alert_words.h"
#include "crypto.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include "serve_private.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SHOWN_MAX 20 /* of the latest notices, in the state */

struct serve_alerts {
	struct serve *serve;
	struct alert_words words;
	struct alert_rules rules;
	struct alert_outbox outbox;
	struct alert_rate rate;
	char host[256];
	struct alert_command *command; /* NULL = none runs */
	uint64_t command_seq;
	uint64_t saved; /* revision on disk */
	uint64_t given_up;
};

static int64_t
wall_ms(const struct serve_alerts *alerts)
{
	return (int64_t)loop_now_ms(alerts->serve->loop) + alerts->serve->offset_ms;
}

static uint64_t
revision(const struct serve_alerts *alerts)
{
	return alerts->rules.revision + alerts->outbox.revision;
}

/* ---- what is told ---- */

static void
log_notice(const struct alert_notice *notice)
{
	struct log_line line;
	const struct alert_cause *cause = &notice->cause;
	bool test = cause->kind == ALERT_TEST;
	log_begin(&line, notice->event == ALERT_RESOLVED || test ? LOG_INFO : LOG_WARN, "alert");
	log_str(&line, "what", test ? "test" : alert_event_words[notice->event]);
	log_str(&line, "kind", alert_kind_words[cause->kind]);
	log_str(&line, "subject", cause->subject);
	log_str(&line, "name", cause->name);
	log_str(&line, "detail", cause->detail);
	log_int(&line, "incident", (int64_t)cause->incident);
	log_int(&line, "times", cause->times);
	log_end(&line);
}

static const struct alert_notice *
add_notice(struct serve_alerts *alerts, enum alert_event event, const struct alert_cause *cause)
{
	const bool wanted[ALERT_WAYS] = {
	    [ALERT_WEBHOOK] = alerts->words.webhook, [ALERT_COMMAND] = alerts->words.command};
	const struct alert_notice *notice = alert_outbox_add(
	    &alerts->outbox, event, cause, wanted, crypto_random_u64(), wall_ms(alerts));
	if (alerts->words.log)
		log_notice(notice);
	return notice;
}

static void
on_event(enum alert_event event, const struct alert_cause *cause, void *ctx)
{
	(void)add_notice(ctx, event, cause);
}

static void
look(struct serve_alerts *alerts)
{
	struct serve *serve = alerts->serve;
	alert_rate_note(
	    &alerts->rate, serve->dataplanes.ended, serve->dataplanes.errors, wall_ms(alerts));
	const struct alert_watched watched = {.words = &alerts->words,
	    .table = serve->table,
	    .health = &serve->health,
	    .rate = &alerts->rate,
	    .stats = serve->stats,
	    .state_dir = serve->options.state_dir,
	    .mono_ms = loop_now_ms(serve->loop),
	    .now_ms = wall_ms(alerts)};
	alert_signs_round(&watched, &alerts->rules);
}

/* ---- sending ---- */

/* A disk that takes nothing is a reason for an alert and keeps none back: it may be sent again
 * after a restart. */
static void
save(struct serve_alerts *alerts)
{
	struct err err;
	if (revision(alerts) == alerts->saved)
		return;
	alerts->saved = revision(alerts);
	if (!alert_file_write(
		&alerts->rules, &alerts->outbox, alerts->serve->options.state_dir, &err))
		log_err(LOG_WARN, "alerts_not_saved", &err);
}

static struct alert_sender
sender_of(const struct serve_alerts *alerts, enum alert_template template)
{
	return (struct alert_sender){
	    .host = alerts->host, .template = template, .chat = alerts->words.chat};
}

static void on_command_end(bool success, uint32_t status, const char *reason, void *ctx);

static void
start_command(struct serve_alerts *alerts, const struct alert_notice *notice)
{
	const struct alert_sender sender = sender_of(alerts, ALERT_JSON);
	struct bytes body;
	struct err err;
	alerts->command_seq = notice->ways[ALERT_COMMAND].seq;
	bytes_init(&body, OUTSIDE_BODY_BYTES_MAX);
	MUST(alert_text_body(notice, &sender, &body));
	alerts->command = alert_command_start(alerts->serve->loop, alerts->serve->options.state_dir,
	    bytes_view(&body), on_command_end, alerts, &err);
	bytes_fini(&body);
	if (alerts->command != NULL)
		return;
	log_err(LOG_WARN, "alert_command", &err);
	(void)alert_outbox_end(&alerts->outbox, ALERT_COMMAND, alerts->command_seq, false, 0,
	    "not_started", wall_ms(alerts));
}

static void
tell_given_up(struct serve_alerts *alerts)
{
	if (alerts->outbox.given_up == alerts->given_up)
		return;
	log_msg(LOG_ERROR, "alert_not_sent", "%" PRIu64 " were given up; the state says why",
	    alerts->outbox.given_up - alerts->given_up);
	alerts->given_up = alerts->outbox.given_up;
}

/* What is due goes on its way: written down first, then published or started. */
static void
go_on(struct serve_alerts *alerts)
{
	const struct alert_notice *commanded = NULL;
	struct serve *serve = alerts->serve;
	int64_t now_ms = wall_ms(alerts);
	uint64_t by = serve->dataplanes.prober, before = alerts->saved;
	alert_outbox_tick(&alerts->outbox, now_ms);
	if (alerts->words.webhook && by != 0)
		(void)alert_outbox_begin(&alerts->outbox, ALERT_WEBHOOK, by, now_ms);
	if (alerts->words.command && alerts->command == NULL)
		commanded = alert_outbox_begin(&alerts->outbox, ALERT_COMMAND, 0, now_ms);
	save(alerts);
	if (commanded != NULL)
		start_command(alerts, commanded);
	tell_given_up(alerts);
	if (alerts->saved != before)
		serve_health_changed(serve); /* table and state */
}

static void
on_command_end(bool success, uint32_t status, const char *reason, void *ctx)
{
	struct serve_alerts *alerts = ctx;
	alerts->command = NULL;
	(void)alert_outbox_end(&alerts->outbox, ALERT_COMMAND, alerts->command_seq, success, status,
	    reason, wall_ms(alerts));
	go_on(alerts);
}

void
serve_alerts_beat(struct serve_alerts *alerts)
{
	look(alerts);
	go_on(alerts);
}

void
serve_alerts_note(struct serve_alerts *alerts, const struct report *report)
{
	if (report->alert_seq != 0 &&
	    alert_outbox_end(&alerts->outbox, ALERT_WEBHOOK, report->alert_seq,
		report->alert_success, report->alert_status, report->alert_reason, wall_ms(alerts)))
		go_on(alerts);
}

void
serve_alerts_fill(const struct serve_alerts *alerts, struct table *table)
{
	if (alerts == NULL || !alerts->words.webhook)
		return;
	const struct alert_words *words = &alerts->words;
	const struct alert_notice *notice =
	    alert_outbox_running((struct alert_outbox *)(uintptr_t)&alerts->outbox, ALERT_WEBHOOK);
	if (notice == NULL)
		return;
	const struct alert_sender sender = sender_of(alerts, words->template);
	const char *zero = alert_text_zero(words->template);
	struct bytes body;
	bytes_init(&body, OUTSIDE_BODY_BYTES_MAX);
	MUST(alert_text_body(notice, &sender, &body));
	table->alert = (struct table_alert){.seq = notice->ways[ALERT_WEBHOOK].seq,
	    .by = notice->ways[ALERT_WEBHOOK].by,
	    .any_address = words->any_address,
	    .body = mem_dup_str(bytes_str(&body)),
	    .zero = zero != NULL ? mem_dup_str(zero) : NULL};
	MUST(secret_set(&table->alert.url, secret_reveal(&words->url)) &&
	     secret_set(&table->alert.authorization, secret_reveal(&words->authorization)));
	bytes_fini(&body);
}

json_t *
serve_alerts_test(struct serve_alerts *alerts, struct err *err)
{
	char id[ALERT_ID_BYTES];
	struct alert_cause cause = {.kind = ALERT_TEST, .bad_ms = wall_ms(alerts)};
	json_t *ways = json_array();
	if (alert_outbox_waits(&alerts->outbox, ALERT_TEST)) {
		json_decref(ways);
		err_set(err, ERR_CONFIG, "",
		    "a test is under way already; the state shows how far "
		    "it has got");
		return NULL;
	}
	const struct alert_notice *notice = add_notice(alerts, ALERT_RAISED, &cause);
	alert_text_id(notice->id, id);
	for (size_t way = 0; way < ALERT_WAYS; way++) {
		if (notice->ways[way].state == ALERT_WAITING)
			MUST(json_array_append_new(ways, json_string(alert_way_words[way])) == 0);
	}
	if (alerts->words.log)
		MUST(json_array_append_new(ways, json_string("log")) == 0);
	go_on(alerts);
	return json_pack("{s:s, s:o}", "id", id, "ways", ways);
}

/* ---- what is shown ---- */

static void
put(json_t *json, const char *key, json_t *value)
{
	MUST(value != NULL && json_object_set_new(json, key, value) == 0);
}

static json_t *
encode_cause(const struct alert_cause *cause)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:i}", "kind",
	    alert_kind_words[cause->kind], "subject", cause->subject, "name", cause->name, "detail",
	    cause->detail, "incident", (json_int_t)cause->incident, "since_ms",
	    (json_int_t)cause->bad_ms, "times", (int)cause->times);
}

/* One that lasts: "good_since_ms" while it looks over and is not yet told to be. */
static json_t *
encode_active(const struct alert_cause *cause)
{
	json_t *json = encode_cause(cause);
	put(json, "good_since_ms", cause->good_ms > 0 ? json_integer(cause->good_ms) : json_null());
	return json;
}

static json_t *
encode_delivery(const struct alert_delivery *delivery)
{
	if (delivery->state == ALERT_UNWANTED)
		return json_null();
	json_t *at = delivery->at_ms > 0 ? json_integer(delivery->at_ms) : json_null();
	return json_pack("{s:s, s:i, s:i, s:s, s:o}", "state", alert_state_words[delivery->state],
	    "tries", (int)delivery->tries, "status", (int)delivery->status, "reason",
	    delivery->reason, "at_ms", at);
}

static json_t *
encode_notice(const struct serve_alerts *alerts, const struct alert_notice *notice)
{
	char id[ALERT_ID_BYTES], text[ALERT_TEXT_BYTES];
	alert_text_id(notice->id, id);
	alert_text(notice, alerts->host, text);
	json_t *json = encode_cause(&notice->cause);
	put(json, "id", json_string(id));
	put(json, "event",
	    json_string(
		notice->cause.kind == ALERT_TEST ? "test" : alert_event_words[notice->event]));
	put(json, "at_ms", json_integer(notice->at_ms));
	put(json, "text", json_string(text));
	for (size_t way = 0; way < ALERT_WAYS; way++)
		put(json, alert_way_words[way], encode_delivery(&notice->ways[way]));
	return json;
}

json_t *
serve_alerts_encode(const struct serve_alerts *alerts)
{
	const struct alert_words *words = &alerts->words;
	const struct alert_outbox *outbox = &alerts->outbox;
	json_t *json = json_object(), *active = json_array(), *recent = json_array();
	for (size_t i = 0; i < alerts->rules.count; i++) {
		if (alerts->rules.causes[i].raised)
			MUST(json_array_append_new(
				 active, encode_active(&alerts->rules.causes[i])) == 0);
	}
	for (size_t i = 0; i < outbox->count && i < SHOWN_MAX; i++) {
		const struct alert_notice *notice = &outbox->items[outbox->count - 1 - i];
		MUST(json_array_append_new(recent, encode_notice(alerts, notice)) == 0);
	}
	/* The address is a secret: only where it leads to is told. */
	put(json, "webhook", words->webhook ? json_string(words->host) : json_null());
	put(json, "template",
	    words->webhook ? json_string(alert_template_words[words->template]) : json_null());
	put(json, "command", json_boolean(words->command));
	put(json, "log", json_boolean(words->log));
	put(json, "active", active);
	put(json, "recent", recent);
	put(json, "dropped", json_integer((json_int_t)outbox->dropped));
	put(json, "given_up", json_integer((json_int_t)outbox->given_up));
	return json;
}

/* ---- life ---- */

void
serve_alerts_configure(struct serve_alerts *alerts)
{
	alert_words_read(alerts->serve->reload.config, &alerts->words);
	if (!alerts->words.webhook)
		alert_outbox_close(&alerts->outbox, ALERT_WEBHOOK, wall_ms(alerts));
	if (!alerts->words.command)
		alert_outbox_close(&alerts->outbox, ALERT_COMMAND, wall_ms(alerts));
}

struct serve_alerts *
serve_alerts_new(struct serve *serve)
{
	struct err err;
	struct serve_alerts *alerts = MEM_NEW(struct serve_alerts);
	alerts->serve = serve;
	if (gethostname(alerts->host, sizeof(alerts->host) - 1) != 0)
		alerts->host[0] = '\0';
	if (!alert_file_read(&alerts->rules, &alerts->outbox, serve->options.state_dir, &err)) {
		log_err(LOG_WARN, "alerts_not_read", &err);
		/* Data planes carry out no order below the last that they had. */
		alerts->outbox.last_seq[ALERT_WEBHOOK] = (uint64_t)wall_ms(alerts);
	}
	alerts->rules.on_event = on_event;
	alerts->rules.ctx = alerts;
	alerts->given_up = alerts->outbox.given_up;
	alerts->saved = revision(alerts);
	serve_alerts_configure(alerts);
	/* The command of our predecessor is gone or lost. */
	struct alert_notice *notice = alert_outbox_running(&alerts->outbox, ALERT_COMMAND);
	if (notice != NULL)
		(void)alert_outbox_end(&alerts->outbox, ALERT_COMMAND,
		    notice->ways[ALERT_COMMAND].seq, false, 0, "interrupted", wall_ms(alerts));
	return alerts;
}

void
serve_alerts_free(struct serve_alerts *alerts)
{
	if (alerts == NULL)
		return;
	save(alerts);
	alert_command_free(alerts->command);
	alert_rules_fini(&alerts->rules);
	alert_words_fini(&alerts->words);
	mem_free(alerts);
}
