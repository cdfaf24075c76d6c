#include "state.h"
#include "blame.h"
#include "fields.h"
#include "mem.h"
#include "must.h"
#include "table.h"
#include "table_words.h"
#include <stdio.h>

const char *const blame_words[] = {
    "nobody", "request", "key", "model", "upstream", "network", "us", "client", NULL};

#define OTHER(member, field_kind, low, high) FIELD_OF(report, member, field_kind, low, high)
#define NUMBER(member) FIELD_OF(report, member, FIELD_U64, 0, INT64_MAX)
#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

static const struct field report_fields[] = {
    OTHER(instance, FIELD_TEXT, 1, sizeof(((struct report *)NULL)->instance) - 1),
    OTHER(boot_id, FIELD_BITS64, 0, 0),
    OTHER(pid, FIELD_I64, 1, INT32_MAX),
    OTHER(started_ms, FIELD_I64, 0, INT64_MAX),
    OTHER(sent_ms, FIELD_I64, 0, INT64_MAX),
    OTHER(table_epoch, FIELD_BITS64, 0, 0),
    NUMBER(table_version),
    NUMBER(requests),
    NUMBER(completed),
    NUMBER(failed),
    NUMBER(errors),
    NUMBER(client_gone),
    NUMBER(attempts),
    NUMBER(bytes_in),
    NUMBER(bytes_out),
    NUMBER(in_flight),
    NUMBER(connections),
    NUMBER(rss_bytes),
    NUMBER(cpu_ms),
    NUMBER(open_fds),
    NUMBER(fds_max),
    NUMBER(loop_stall_ms),
    NUMBER(journal_waiting),
    NUMBER(journal_open),
    NUMBER(journal_used_bytes),
    NUMBER(journal_lost),
    NUMBER(journal_interrupted),
    NUMBER(alert_seq),
    OTHER(alert_success, FIELD_BOOL, 0, 0),
    OTHER(alert_status, FIELD_U32, 0, 999),
    OTHER(alert_reason, FIELD_TEXT, 0, REPORT_REASON_BYTES - 1),
    NUMBER(spans_sent),
    NUMBER(spans_dropped),
    NUMBER(outcomes_seq),
    {.key = "cancel_seq",
	.kind = FIELD_U64,
	.offset = offsetof(struct report, cancel_seq),
	.max = INT64_MAX,
	.newcomer = true},
};

static const struct field outcome_fields[] = {
    FIELD_OF(report_outcome, upstream, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
    FIELD_OF(report_outcome, model, FIELD_STR, 0, TABLE_NAME_BYTES_MAX),
    {.key = "blame",
	.kind = FIELD_WORD,
	.offset = offsetof(struct report_outcome, blame),
	.words = blame_words},
    FIELD_OF(report_outcome, reason, FIELD_TEXT, 0, REPORT_REASON_BYTES - 1),
    FIELD_OF(report_outcome, status, FIELD_U32, 0, 999),
    FIELD_OF(report_outcome, success, FIELD_BOOL, 0, 0),
    FIELD_OF(report_outcome, begun, FIELD_BOOL, 0, 0),
    FIELD_OF(report_outcome, generate, FIELD_BOOL, 0, 0),
    FIELD_OF(report_outcome, ttfb_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(report_outcome, retry_after_ms, FIELD_U64, 0, INT64_MAX),
    FIELD_OF(report_outcome, probe, FIELD_BOOL, 0, 0),
    FIELD_OF(report_outcome, activation, FIELD_BOOL, 0, 0),
    FIELD_OF(report_outcome, probe_seq, FIELD_U64, 0, INT64_MAX),
    FIELD_OF(report_outcome, age_ms, FIELD_U64, 0, INT64_MAX),
    FIELD_OF(report_outcome, count, FIELD_U32, 1, UINT32_MAX),
};

static const struct field lesson_fields[] = {
    FIELD_OF(lesson_of, upstream, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
    FIELD_OF(lesson_of, model, FIELD_STR, 0, TABLE_NAME_BYTES_MAX),
    {.key = "kind",
	.kind = FIELD_WORD,
	.offset = offsetof(struct lesson_of, lesson.kind),
	.words = lesson_kind_words},
    {.key = "name",
	.kind = FIELD_TEXT,
	.offset = offsetof(struct lesson_of, lesson.name),
	.max = LESSON_NAME_BYTES - 1},
};

static const struct field trial_fields[] = {
    FIELD_OF(trial_result, seq, FIELD_U64, 1, INT64_MAX),
    FIELD_OF(trial_result, ok, FIELD_BOOL, 0, 0),
    FIELD_OF(trial_result, status, FIELD_U32, 0, 999),
    FIELD_OF(trial_result, reason, FIELD_TEXT, 0, TRIAL_WORD_BYTES - 1),
    FIELD_OF(trial_result, error, FIELD_STR, 0, TRIAL_ERROR_BYTES),
    FIELD_OF(trial_result, served, FIELD_TEXT, 0, TRIAL_MODEL_BYTES - 1),
    FIELD_OF(trial_result, ttfb_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(trial_result, ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(trial_result, input, FIELD_I64, -1, INT64_MAX),
    FIELD_OF(trial_result, cache_read, FIELD_I64, -1, INT64_MAX),
    FIELD_OF(trial_result, cache_write_5m, FIELD_I64, -1, INT64_MAX),
    FIELD_OF(trial_result, cache_write_1h, FIELD_I64, -1, INT64_MAX),
    FIELD_OF(trial_result, output, FIELD_I64, -1, INT64_MAX),
    FIELD_OF(trial_result, reasoning, FIELD_I64, -1, INT64_MAX),
};

static const struct field running_fields[] = {
    FIELD_OF(report_running, id, FIELD_TEXT, 1, REPORT_ID_BYTES - 1),
    FIELD_OF(report_running, at_ms, FIELD_I64, 0, INT64_MAX),
    FIELD_OF(report_running, client_key, FIELD_STR, 0, TABLE_NAME_BYTES_MAX),
    FIELD_OF(report_running, model, FIELD_STR, 0, TABLE_NAME_BYTES_MAX),
    FIELD_OF(report_running, upstream, FIELD_STR, 0, TABLE_NAME_BYTES_MAX),
    {.key = "protocol",
	.kind = FIELD_WORD,
	.offset = offsetof(struct report_running, protocol),
	.words = table_protocol_words},
    FIELD_OF(report_running, calls, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(report_running, stream, FIELD_BOOL, 0, 0),
    FIELD_OF(report_running, begun, FIELD_BOOL, 0, 0),
};

static const struct field cancelled_fields[] = {
    FIELD_OF(report_cancelled, id, FIELD_TEXT, 1, REPORT_ID_BYTES - 1),
};

static const struct field load_fields[] = {
    FIELD_OF(report_load, upstream, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
    FIELD_OF(report_load, in_flight, FIELD_U32, 1, UINT32_MAX),
};

static void
put_list(json_t *json, const char *key, json_t *list)
{
	MUST(json_object_set_new(json, key, list) == 0);
}

static json_t *
encode_lessons(const struct report *report)
{
	json_t *list = json_array();
	MUST(report->lesson_count <= REPORT_LESSONS_MAX);
	for (size_t i = 0; i < report->lesson_count; i++) {
		json_t *one =
		    fields_encode(lesson_fields, COUNT(lesson_fields), &report->lessons[i]);
		MUST(json_array_append_new(list, one) == 0);
	}
	return list;
}

static json_t *
encode_trials(const struct report *report)
{
	json_t *list = json_array();
	MUST(report->trial_count <= TRIALS_MAX);
	for (size_t i = 0; i < report->trial_count; i++) {
		json_t *one = fields_encode(trial_fields, COUNT(trial_fields), &report->trials[i]);
		MUST(json_array_append_new(list, one) == 0);
	}
	return list;
}

json_t *
report_encode_running(const struct report *report)
{
	json_t *list = json_array();
	MUST(report->running_count <= REPORT_RUNNING_MAX);
	for (size_t i = 0; i < report->running_count; i++) {
		json_t *one =
		    fields_encode(running_fields, COUNT(running_fields), &report->running[i]);
		MUST(json_array_append_new(list, one) == 0);
	}
	return list;
}

json_t *
report_encode_loads(const struct report *report)
{
	json_t *list = json_array();
	MUST(report->load_count <= REPORT_LOADS_MAX);
	for (size_t i = 0; i < report->load_count; i++) {
		json_t *one = fields_encode(load_fields, COUNT(load_fields), &report->loads[i]);
		MUST(json_array_append_new(list, one) == 0);
	}
	return list;
}

static json_t *
encode_cancelled(const struct report *report)
{
	json_t *list = json_array();
	MUST(report->cancelled_count <= REPORT_CANCELLED_MAX);
	for (size_t i = 0; i < report->cancelled_count; i++) {
		json_t *one =
		    fields_encode(cancelled_fields, COUNT(cancelled_fields), &report->cancelled[i]);
		MUST(json_array_append_new(list, one) == 0);
	}
	return list;
}

json_t *
report_encode(const struct report *report)
{
	json_t *json = fields_encode(report_fields, COUNT(report_fields), report);
	json_t *list = json_array();
	MUST(report->outcome_count <= REPORT_OUTCOMES_MAX);
	for (size_t i = 0; i < report->outcome_count; i++) {
		MUST(
		    json_array_append_new(list, fields_encode(outcome_fields, COUNT(outcome_fields),
						    &report->outcomes[i])) == 0);
	}
	put_list(json, "outcomes", list);
	put_list(json, "lessons", encode_lessons(report));
	put_list(json, "trials", encode_trials(report));
	put_list(json, "running", report_encode_running(report));
	put_list(json, "loads", report_encode_loads(report));
	put_list(json, "cancelled", encode_cancelled(report));
	return json;
}

static bool
decode_outcomes(const json_t *body, struct report *out, struct err *err)
{
	const json_t *list = fields_member(body, "", "outcomes", JSON_ARRAY, err);
	size_t count = json_array_size(list);
	if (list == NULL)
		return false;
	if (count > REPORT_OUTCOMES_MAX)
		return fields_refuse(
		    "", "outcomes", err, "has %zu entries, at most %d", count, REPORT_OUTCOMES_MAX);
	if (count > 0)
		out->outcomes = mem_calloc(count, sizeof(*out->outcomes));
	for (size_t i = 0; i < count; i++) {
		char at[32];
		snprintf(at, sizeof(at), "outcomes[%zu]", i);
		out->outcome_count = i + 1;
		if (!fields_decode(outcome_fields, COUNT(outcome_fields), json_array_get(list, i),
			at, &out->outcomes[i], err))
			return false;
	}
	return true;
}

/* The list `key`, of at most `max`; NULL and err when it is none. */
static const json_t *
find_list(const json_t *body, const char *key, size_t max, struct err *err)
{
	const json_t *list = fields_member(body, "", key, JSON_ARRAY, err);
	if (json_array_size(list) <= max)
		return list;
	(void)fields_refuse(
	    "", key, err, "has %zu entries, at most %zu", json_array_size(list), max);
	return NULL;
}

static bool
decode_lessons(const json_t *body, struct report *out, struct err *err)
{
	const json_t *list = find_list(body, "lessons", REPORT_LESSONS_MAX, err);
	size_t count = json_array_size(list);
	if (count > 0)
		out->lessons = mem_calloc(count, sizeof(*out->lessons));
	for (size_t i = 0; i < count; i++) {
		char at[32];
		snprintf(at, sizeof(at), "lessons[%zu]", i);
		out->lesson_count = i + 1;
		if (!fields_decode(lesson_fields, COUNT(lesson_fields), json_array_get(list, i), at,
			&out->lessons[i], err))
			return false;
	}
	return list != NULL;
}

static bool
decode_trials(const json_t *body, struct report *out, struct err *err)
{
	const json_t *list = find_list(body, "trials", TRIALS_MAX, err);
	size_t count = json_array_size(list);
	if (count > 0)
		out->trials = mem_calloc(count, sizeof(*out->trials));
	for (size_t i = 0; i < count; i++) {
		char at[32];
		snprintf(at, sizeof(at), "trials[%zu]", i);
		out->trial_count = i + 1;
		if (!fields_decode(trial_fields, COUNT(trial_fields), json_array_get(list, i), at,
			&out->trials[i], err))
			return false;
	}
	return list != NULL;
}

static bool
decode_running(const json_t *body, struct report *out, struct err *err)
{
	if (json_object_get(body, "running") == NULL)
		return true; /* a data plane of the release before */
	const json_t *list = find_list(body, "running", REPORT_RUNNING_MAX, err);
	size_t count = json_array_size(list);
	if (count > 0)
		out->running = mem_calloc(count, sizeof(*out->running));
	for (size_t i = 0; i < count; i++) {
		char at[32];
		snprintf(at, sizeof(at), "running[%zu]", i);
		out->running_count = i + 1;
		if (!fields_decode(running_fields, COUNT(running_fields), json_array_get(list, i),
			at, &out->running[i], err))
			return false;
	}
	return list != NULL;
}

static bool
decode_loads(const json_t *body, struct report *out, struct err *err)
{
	if (json_object_get(body, "loads") == NULL)
		return true; /* the same */
	const json_t *list = find_list(body, "loads", REPORT_LOADS_MAX, err);
	size_t count = json_array_size(list);
	if (count > 0)
		out->loads = mem_calloc(count, sizeof(*out->loads));
	for (size_t i = 0; i < count; i++) {
		char at[32];
		snprintf(at, sizeof(at), "loads[%zu]", i);
		out->load_count = i + 1;
		if (!fields_decode(load_fields, COUNT(load_fields), json_array_get(list, i), at,
			&out->loads[i], err))
			return false;
	}
	return list != NULL;
}

static bool
decode_cancelled(const json_t *body, struct report *out, struct err *err)
{
	if (json_object_get(body, "cancelled") == NULL)
		return true; /* the same */
	const json_t *list = find_list(body, "cancelled", REPORT_CANCELLED_MAX, err);
	size_t count = json_array_size(list);
	if (count > 0)
		out->cancelled = mem_calloc(count, sizeof(*out->cancelled));
	for (size_t i = 0; i < count; i++) {
		char at[32];
		snprintf(at, sizeof(at), "cancelled[%zu]", i);
		out->cancelled_count = i + 1;
		if (!fields_decode(cancelled_fields, COUNT(cancelled_fields),
			json_array_get(list, i), at, &out->cancelled[i], err))
			return false;
	}
	return list != NULL;
}

bool
report_decode(const json_t *body, struct report *out, struct err *err)
{
	*out = (struct report){0};
	if (fields_decode(report_fields, COUNT(report_fields), body, "", out, err) &&
	    decode_outcomes(body, out, err) && decode_lessons(body, out, err) &&
	    decode_trials(body, out, err) && decode_running(body, out, err) &&
	    decode_loads(body, out, err) && decode_cancelled(body, out, err))
		return true;
	report_fini(out);
	return false;
}

void
report_fini(struct report *report)
{
	for (size_t i = 0; i < report->outcome_count; i++) {
		mem_free(report->outcomes[i].upstream);
		mem_free(report->outcomes[i].model);
	}
	mem_free(report->outcomes);
	for (size_t i = 0; i < report->lesson_count; i++) {
		mem_free(report->lessons[i].upstream);
		mem_free(report->lessons[i].model);
	}
	mem_free(report->lessons);
	for (size_t i = 0; i < report->trial_count; i++)
		mem_free(report->trials[i].error);
	mem_free(report->trials);
	for (size_t i = 0; i < report->running_count; i++) {
		mem_free(report->running[i].client_key);
		mem_free(report->running[i].model);
		mem_free(report->running[i].upstream);
	}
	mem_free(report->running);
	for (size_t i = 0; i < report->load_count; i++)
		mem_free(report->loads[i].upstream);
	mem_free(report->loads);
	mem_free(report->cancelled);
	report->cancelled = NULL;
	report->cancelled_count = 0;
	report->running = NULL;
	report->loads = NULL;
	report->running_count = report->load_count = 0;
	report->trials = NULL;
	report->trial_count = 0;
	report->outcomes = NULL;
	report->lessons = NULL;
	report->outcome_count = report->lesson_count = 0;
}
