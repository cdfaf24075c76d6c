/* The answers to data planes and to the admin side. */
#include "assemble.h"
#include "clock.h"
#include "crypto.h"
#include "envelope.h"
#include "explain.h"
#include "jget.h"
#include "log.h"
#include "must.h"
#include "names.h"
#include "schema.h"
#include "serve_private.h"
#include <string.h>

#define COSTLY_LESSON_S 600
#define LATE_MS_MAX 60000
#define YEAR_MS (366ll * 86400 * 1000)

struct answer
serve_refuse(const struct err *err)
{
	return (struct answer){MSG_ERROR, envelope_error_body(err)};
}

/* ---- data planes ---- */

static struct answer
answer_get_table(struct serve *serve, const json_t *body)
{
	int64_t epoch = 0, version = 0;
	struct err err;
	if (!jget_int(body, "", "epoch", INT64_MIN, INT64_MAX, &epoch, &err) ||
	    !jget_int(body, "", "version", 0, INT64_MAX, &version, &err))
		return serve_refuse(&err);
	if ((uint64_t)epoch == serve->table->epoch && (uint64_t)version == serve->table->version)
		return (struct answer){MSG_SAME, NULL};
	return (struct answer){MSG_TABLE, table_encode(serve->table)};
}

/* The library sends a question again to the next controlplane when this one dies: its ages are
 * older by so much. A clock that was set meanwhile makes them a minute wrong at the most. */
static uint64_t
lateness_ms(const struct report *report)
{
	int64_t late = clock_wall_ms() - report->sent_ms;
	if (report->sent_ms == 0 || late < 0)
		return 0;
	return late < LATE_MS_MAX ? (uint64_t)late : LATE_MS_MAX;
}

static void
note_outcomes(struct serve *serve, const struct report *report)
{
	uint64_t before = serve->health.revision, now = loop_now_ms(serve->loop);
	health_tick(&serve->health, now);
	bool activated = false;
	uint64_t late_ms = lateness_ms(report);
	for (size_t i = 0; i < report->outcome_count; i++) {
		struct report_outcome outcome = report->outcomes[i];
		outcome.age_ms += late_ms;
		health_note(&serve->health, &outcome, now);
		activated = activation_note(
				&serve->activation, &outcome, (int64_t)now + serve->offset_ms) ||
			    activated;
	}
	serve_save_activation(serve);
	if (serve->health.revision != before || activated)
		serve_health_changed(serve);
}

static void
note_lessons(struct serve *serve, const struct report *report)
{
	const json_t *words =
	    serve->reload.config != NULL
		? schema_section_get(serve->reload.config->root, SCHEMA_OPTIMIZATION)
		: NULL;
	double ttl_s = schema_number(words, SCHEMA_OPTIMIZATION, "learn_seconds");
	for (size_t i = 0; i < report->lesson_count; i++) {
		const struct lesson_of *lesson = &report->lessons[i];
		struct log_line line;
		/* What leaves out thinking leaves out that of the upstream itself too. */
		bool costs = lesson->lesson.kind == LESSON_THINKING ||
			     lesson->lesson.kind == LESSON_ENCRYPTED;
		double own_s = costs && ttl_s > COSTLY_LESSON_S ? COSTLY_LESSON_S : ttl_s;
		lessons_kept_add(&serve->lessons, lesson, (int64_t)(own_s * 1000),
		    (int64_t)loop_now_ms(serve->loop) + serve->offset_ms);
		log_begin(&line, LOG_INFO, "lesson");
		log_str(&line, "upstream", lesson->upstream);
		log_str(&line, "model", lesson->model);
		log_str(&line, "kind", lesson_kind_words[lesson->lesson.kind]);
		log_str(&line, "name", lesson->lesson.name);
		log_end(&line);
	}
	serve_health_changed(serve);
}

static struct answer
answer_report(struct serve *serve, const json_t *body)
{
	struct report report;
	struct err err;
	if (!report_decode(body, &report, &err))
		return serve_refuse(&err);
	bool repeated = dataplanes_has_batch(&serve->dataplanes, &report);
	if (dataplanes_note(&serve->dataplanes, &report, loop_now_ms(serve->loop))) {
		log_msg(LOG_INFO, "dataplane", "%s has joined", report.instance);
		if (dataplanes_choose_prober(&serve->dataplanes, loop_now_ms(serve->loop)))
			serve_refresh(serve);
		serve_tell(serve);
	}
	if (!repeated)
		note_outcomes(serve, &report);
	serve_alerts_note(serve->alerts, &report);
	serve_cancel_note(serve, &report);
	if (report.lesson_count > 0)
		note_lessons(serve, &report);
	bool tried = false;
	for (size_t i = 0; i < report.trial_count; i++)
		tried = trials_note(&serve->trials, &report.trials[i]) || tried;
	if (tried)
		serve_refresh(serve);
	report_fini(&report);
	return (struct answer){MSG_OK, NULL};
}

/* ---- the admin side ---- */

static struct answer
answer_get_state(struct serve *serve, const json_t *body)
{
	(void)body;
	return (struct answer){MSG_STATE, serve_state(serve)};
}

/* The first words of the paths that differ. */
static json_t *
sections_of(const json_t *before, const json_t *after)
{
	json_t *out = json_array(), *value;
	const char *name;
	for (unsigned side = 0; side < 2; side++) {
		const json_t *one = side == 0 ? after : before, *other = side == 0 ? before : after;
		json_object_foreach((json_t *)(uintptr_t)one, name, value)
		{
			const json_t *old = json_object_get(other, name);
			if ((side == 0 || old == NULL) && (old == NULL || !json_equal(value, old)))
				MUST(json_array_append_new(out, json_string(name)) == 0);
		}
	}
	return out;
}

static struct answer
answer_get_metrics(struct serve *serve, const json_t *body)
{
	(void)body;
	return (struct answer){MSG_METRICS, serve_metrics(serve)};
}

static struct answer
answer_reload(struct serve *serve, const json_t *body)
{
	(void)body;
	json_t *before =
	    serve->reload.config != NULL ? json_incref(serve->reload.config->root) : json_object();
	enum reload_result result = serve_read_again(serve);
	struct answer answer = {MSG_ERROR, NULL};
	if (result == RELOAD_REFUSED) {
		answer.body = reload_error_body(&serve->reload);
	} else {
		answer.type = MSG_OK;
		answer.body = json_pack("{s:I, s:b, s:o}", "revision",
		    (json_int_t)serve->reload.revision, "changed", result == RELOAD_CHANGED,
		    "sections", sections_of(before, serve->reload.config->root));
	}
	json_decref(before);
	return answer;
}

/* The text of a member into `out`; "" when absent. */
static bool
get_text(const json_t *body, const char *key, char out[TABLE_NAME_BYTES_MAX + 1], struct err *err)
{
	struct view text = {0};
	if (!jget_str(body, "", key, &text, err))
		return false;
	if (text.len > TABLE_NAME_BYTES_MAX || view_find_char(text, '\0') >= 0)
		return err_set(err, ERR_CONFIG, key, "is too long, or no text");
	if (text.len > 0)
		memcpy(out, text.data, text.len);
	out[text.len] = '\0';
	return true;
}

/* A group by name, GROUP_COUNT when absent. */
static bool
get_group(const json_t *body, unsigned *out, struct err *err)
{
	struct view name = {0};
	enum group group;
	*out = GROUP_COUNT;
	if (!jget_str(body, "", "group", &name, err))
		return false;
	if (name.data == NULL)
		return true;
	if (!group_parse(name, &group))
		return err_set(err, ERR_CONFIG, "group", "there is no such group");
	*out = group;
	return true;
}

static struct answer
unknown_id(void)
{
	struct err err;
	err_set(&err, ERR_ABSENT, "id", "there is no such upstream, or it is disabled");
	return serve_refuse(&err);
}

static struct answer
answer_clear_cooldown(struct serve *serve, const json_t *body)
{
	char id[TABLE_NAME_BYTES_MAX + 1] = "";
	unsigned group;
	struct err err;
	if (!get_group(body, &group, &err) || !get_text(body, "id", id, &err))
		return serve_refuse(&err);
	if (id[0] != '\0' && health_find(&serve->health, id) == NULL)
		return unknown_id();
	size_t count = health_clear(
	    &serve->health, group, id[0] != '\0' ? id : NULL, loop_now_ms(serve->loop));
	if (count > 0)
		serve_health_changed(serve);
	return (struct answer){MSG_OK, json_pack("{s:I}", "cleared", (json_int_t)count)};
}

static struct answer
answer_probe_now(struct serve *serve, const json_t *body)
{
	char id[TABLE_NAME_BYTES_MAX + 1];
	struct err err;
	if (!get_text(body, "id", id, &err))
		return serve_refuse(&err);
	if (!health_probe_now(&serve->health, id))
		return unknown_id();
	serve_health_changed(serve);
	const struct health_entry *entry = health_find(&serve->health, id);
	return (struct answer){
	    MSG_OK, json_pack("{s:I}", "probe_seq", (json_int_t)entry->probe_seq)};
}

static struct answer
answer_set_enabled(struct serve *serve, const json_t *body)
{
	char id[TABLE_NAME_BYTES_MAX + 1];
	const json_t *enabled = json_object_get(body, "enabled");
	struct view rest, word;
	enum group group;
	struct err err;
	if (!get_text(body, "id", id, &err))
		return serve_refuse(&err);
	if (!json_is_boolean(enabled)) {
		err_set(&err, ERR_CONFIG, "enabled", "must be true or false");
		return serve_refuse(&err);
	}
	rest = view_of(id);
	if (!view_split(&rest, ':', &word) || !group_parse(word, &group))
		return unknown_id();
	json_t *edit = json_copy((json_t *)(uintptr_t)body);
	MUST(edit != NULL && json_object_del(edit, "enabled") == 0);
	json_t *more = json_pack("{s:s, s:s, s:s%, s:{s:O}}", "op", "merge", "section",
	    config_list(group)->name, "id", rest.data, rest.len, "value", "enabled", enabled);
	MUST(more != NULL && json_object_update(edit, more) == 0);
	json_decref(more);
	struct answer answer = serve_edit(serve, edit);
	json_decref(edit);
	return answer;
}

/* `at`: wall clock ms, or a moment as people write it; absent = now. */
static bool
get_moment(const json_t *body, int64_t now_ms, int64_t *out_ms, struct err *err)
{
	struct view text;
	const json_t *at = json_object_get(body, "at");
	*out_ms = now_ms;
	if (at == NULL || json_is_null(at))
		return true;
	if (json_is_integer(at))
		return jget_int(body, "", "at", now_ms - YEAR_MS, now_ms + YEAR_MS, out_ms, err);
	text = view_make(json_string_value(at), json_string_length(at));
	return (json_is_string(at) && schedule_parse_moment(text, now_ms, out_ms)) ||
	       err_set(err, ERR_CONFIG, "at",
		   "must be like \"Tue 03:00\", \"03:00\", \"2026-12-24 03:00\" or \"now\"");
}

static json_t *
explain(struct serve *serve, const struct explain_asked *asked, struct err *err)
{
	const struct config *config = serve->reload.config;
	struct table *table = assemble_table(config, asked->wall_ms, serve->options.demo_url);
	assemble_health(table, &serve->health, asked->now_ms, serve->offset_ms);
	json_t *body = explain_encode(table, config, &serve->health, asked, err);
	table_unref(table);
	return body;
}

static struct answer
answer_explain(struct serve *serve, const json_t *body)
{
	struct explain_asked asked = {0};
	struct err err;
	uint64_t now = loop_now_ms(serve->loop);
	int64_t wall = (int64_t)now + serve->offset_ms;
	if (!jget_str(body, "", "path", &asked.path, &err) ||
	    !jget_str(body, "", "model", &asked.model, &err) ||
	    !jget_str(body, "", "session", &asked.session, &err) ||
	    !get_group(body, &asked.group, &err) || !get_moment(body, wall, &asked.wall_ms, &err))
		return serve_refuse(&err);
	int64_t ahead = asked.wall_ms - wall;
	asked.now_ms = ahead > 0 ? now + (uint64_t)ahead : now;
	json_t *answer = explain(serve, &asked, &err);
	return answer != NULL ? (struct answer){MSG_EXPLANATION, answer} : serve_refuse(&err);
}

/* A text that need not be there: NULL then. */
static bool
get_optional(const json_t *body, const char *key, char room[TABLE_NAME_BYTES_MAX + 1],
    const char **out, struct err *err)
{
	const json_t *value = json_object_get(body, key);
	*out = NULL;
	if (value == NULL || json_is_null(value))
		return true;
	*out = room;
	return get_text(body, key, room, err);
}

static struct answer
answer_forget_lesson(struct serve *serve, const json_t *body)
{
	char rooms[4][TABLE_NAME_BYTES_MAX + 1];
	const char *upstream, *model, *kind, *name;
	struct err err;
	if (!get_optional(body, "upstream", rooms[0], &upstream, &err) ||
	    !get_optional(body, "model", rooms[1], &model, &err) ||
	    !get_optional(body, "kind", rooms[2], &kind, &err) ||
	    !get_optional(body, "name", rooms[3], &name, &err))
		return serve_refuse(&err);
	size_t count = lessons_kept_forget(&serve->lessons, upstream, model, kind, name);
	if (count > 0)
		serve_health_changed(serve);
	return (struct answer){MSG_OK, json_pack("{s:I}", "forgotten", (json_int_t)count)};
}

static struct answer
answer_test_alert(struct serve *serve, const json_t *body)
{
	struct err err;
	(void)body;
	json_t *answer = serve_alerts_test(serve->alerts, &err);
	return answer != NULL ? (struct answer){MSG_OK, answer} : serve_refuse(&err);
}

/* ---- who asks ---- */

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
    {MSG_GET_METRICS, answer_get_metrics},
    {MSG_RELOAD, answer_reload},
    {MSG_CHECK_TOKEN, serve_check_token},
    {MSG_SET_TOKEN, serve_set_token},
    {MSG_MINT_LOGIN, serve_mint_login},
    {MSG_EDIT, serve_edit},
    {MSG_GET_CONFIG, serve_get_config},
    {MSG_CHECK_CONFIG, serve_check_config},
    {MSG_GET_SETTINGS, serve_get_settings},
    {MSG_GET_HISTORY, serve_get_history},
    {MSG_GET_REVISION, serve_get_revision},
    {MSG_GET_DIFF, serve_get_diff},
    {MSG_RESTORE, serve_restore},
    {MSG_GET_AUDIT, serve_get_audit},
    {MSG_IMPORT, serve_import},
    {MSG_TEST_UPSTREAM, serve_test_upstream},
    {MSG_GET_TEST, serve_get_test},
    {MSG_CANCEL_REQUEST, serve_cancel_request},
    {MSG_GET_CANCEL, serve_get_cancel},
    {MSG_CLEAR_COOLDOWN, answer_clear_cooldown},
    {MSG_PROBE_NOW, answer_probe_now},
    {MSG_SET_ENABLED, answer_set_enabled},
    {MSG_EXPLAIN, answer_explain},
    {MSG_FORGET_LESSON, answer_forget_lesson},
    {MSG_TEST_ALERT, answer_test_alert},
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
		answer = questions->type != NULL ? questions->fn(serve, envelope.body)
						 : serve_refuse(&err);
	} else {
		answer = serve_refuse(&err);
	}
	if (!envelope_encode(answer.type, envelope.id, answer.body, reply)) {
		err_set(&err, ERR_LIMIT, "", "the answer does not fit into a message");
		bytes_clear(reply);
		MUST(envelope_encode(MSG_ERROR, envelope.id, envelope_error_body(&err), reply));
	}
	envelope_fini(&envelope);
}

void
serve_on_data_question(struct view message, struct bytes *reply, void *ctx)
{
	reply_to(ctx, data_questions, message, reply);
}

void
serve_on_admin_question(struct view message, struct bytes *reply, void *ctx)
{
	reply_to(ctx, admin_questions, message, reply);
}
