/* serve_private: what serve.c (life, publishing, time) and serve_questions.c (answers) share. */
#ifndef PM_SERVE_PRIVATE_H
#define PM_SERVE_PRIVATE_H

#include "access.h"
#include "activation.h"
#include "audit.h"
#include "bus.h"
#include "cancels.h"
#include "dataplanes.h"
#include "health.h"
#include "lessons_kept.h"
#include "reload.h"
#include "serve.h"
#include "serve_alerts.h"
#include "stats.h"
#include "table.h"
#include "trials.h"
#include "watch.h"

struct serve {
	struct loop *loop;
	struct serve_options options;
	struct reload reload;
	struct audit audit;
	struct access_codes codes;
	unsigned refused_logins; /* not in the audit yet */
	uint64_t refused_noted_ms;
	struct table *table; /* as published */
	uint64_t epoch;
	int64_t started_ms;
	int64_t offset_ms; /* wall clock = loop_now_ms + that, until the wall clock is set */
	struct health health;
	uint64_t saved_revision; /* of health, as on disk */
	struct lessons_kept lessons;
	uint64_t saved_lessons; /* their revision, as on disk */
	struct stats *stats;
	int64_t calendar_ms; /* when the statistics were told the calendar */
	struct activation activation;
	uint64_t saved_activation; /* its revision, as on disk */
	struct serve_alerts *alerts;
	struct dataplanes dataplanes;
	struct trials trials;
	struct cancels cancels;
	struct bus_pub *table_pub, *events_pub;
	struct bus_rep *data_rep, *admin_rep;
	struct watch *watch; /* of the file; NULL = it is only polled */
	struct loop_timer beat, poll;
	struct loop_timer due;  /* the next change of a schedule, a rest or an activation */
	struct loop_timer tell; /* the state soon */
};

/* ---- serve.c ---- */
/* Makes the table anew and publishes it when it says something new. */
void serve_refresh(struct serve *serve);
/* The configuration or the health has changed: publishes table and state. */
void serve_config_changed(struct serve *serve);
void serve_health_changed(struct serve *serve);
/* Writes down what has changed of the activations. */
void serve_save_activation(struct serve *serve);
/* Publishes the state now. */
void serve_tell(struct serve *serve);
/* To all that listen there. Takes `body`. */
void serve_publish(struct bus_pub *pub, const char *type, json_t *body);
/* The body of MSG_STATE. */
json_t *serve_state(const struct serve *serve);
/* The body of MSG_METRICS. */
json_t *serve_metrics(const struct serve *serve);
/* Reads the file again and publishes what came of it. */
enum reload_result serve_read_again(struct serve *serve);

/* ---- serve_questions.c ---- */
struct answer {
	const char *type;
	json_t *body; /* NULL = {} */
};
/* An MSG_ERROR. */
struct answer serve_refuse(const struct err *err);
void serve_on_data_question(struct view message, struct bytes *reply, void *ctx);
void serve_on_admin_question(struct view message, struct bytes *reply, void *ctx);

/* ---- serve_edit.c: answers to MSG_EDIT and its like ---- */
struct answer serve_edit(struct serve *serve, const json_t *body);
struct answer serve_get_config(struct serve *serve, const json_t *body);
struct answer serve_get_settings(struct serve *serve, const json_t *body);
struct answer serve_check_config(struct serve *serve, const json_t *body);
struct answer serve_get_history(struct serve *serve, const json_t *body);
struct answer serve_get_revision(struct serve *serve, const json_t *body);
struct answer serve_get_diff(struct serve *serve, const json_t *body);
struct answer serve_restore(struct serve *serve, const json_t *body);
struct answer serve_import(struct serve *serve, const json_t *body);
struct answer serve_get_audit(struct serve *serve, const json_t *body);
/* Another token of the admin section, by the name of its hash and that in hex. */
struct answer serve_set_token_hash(
    struct serve *serve, const json_t *body, const char *word, const char *hex);
/* Who asks, as the question says; pointsman(1) says nothing. */
struct history_who serve_who(const json_t *body);

/* ---- serve_trial.c: one small request to see what comes ---- */
struct answer serve_test_upstream(struct serve *serve, const json_t *body);
struct answer serve_get_test(struct serve *serve, const json_t *body);

/* ---- serve_cancel.c: the end of a running request ---- */
struct answer serve_cancel_request(struct serve *serve, const json_t *body);
struct answer serve_get_cancel(struct serve *serve, const json_t *body);
/* What a data plane has ended. */
void serve_cancel_note(struct serve *serve, const struct report *report);
/* Tells the data planes again what is to end and has not. */
void serve_cancel_again(struct serve *serve);

/* ---- serve_access.c: tokens and users ---- */
struct answer serve_check_token(struct serve *serve, const json_t *body);
struct answer serve_set_token(struct serve *serve, const json_t *body);
struct answer serve_mint_login(struct serve *serve, const json_t *body);

#endif
