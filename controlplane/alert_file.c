/* The alerts over a restart, in <state>/alerts.json. */
#include "alert_outbox.h"
#include "fields.h"
#include "mem.h"
#include "must.h"
#include "state_file.h"

#define FILE_NAME "alerts.json"
#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

static const struct field cause_fields[] = {
    FIELD_WORD_OF(alert_cause, kind, alert_kind_words),
    FIELD_OF(alert_cause, subject, FIELD_TEXT, 0, ALERT_SUBJECT_BYTES - 1),
    FIELD_OF(alert_cause, name, FIELD_TEXT, 0, ALERT_NAME_BYTES - 1),
    FIELD_OF(alert_cause, detail, FIELD_TEXT, 0, ALERT_DETAIL_BYTES - 1),
    FIELD_OF(alert_cause, bad, FIELD_BOOL, 0, 0),
    FIELD_OF(alert_cause, raised, FIELD_BOOL, 0, 0),
    FIELD_OF(alert_cause, incident, FIELD_U64, 0, INT64_MAX),
    FIELD_OF(alert_cause, times, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(alert_cause, bad_ms, FIELD_I64, 0, INT64_MAX),
    FIELD_OF(alert_cause, good_ms, FIELD_I64, 0, INT64_MAX),
    FIELD_OF(alert_cause, told_ms, FIELD_I64, 0, INT64_MAX),
    FIELD_OF(alert_cause, ended_ms, FIELD_I64, 0, INT64_MAX),
};
static const struct field rules_fields[] = {
    FIELD_OF(alert_rules, incidents, FIELD_U64, 0, INT64_MAX),
};
static const struct field delivery_fields[] = {
    FIELD_WORD_OF(alert_delivery, state, alert_state_words),
    FIELD_OF(alert_delivery, tries, FIELD_U32, 0, ALERT_TRIES_MAX),
    FIELD_OF(alert_delivery, seq, FIELD_U64, 0, INT64_MAX),
    FIELD_OF(alert_delivery, by, FIELD_BITS64, 0, 0),
    FIELD_OF(alert_delivery, asked_ms, FIELD_I64, 0, INT64_MAX),
    FIELD_OF(alert_delivery, at_ms, FIELD_I64, 0, INT64_MAX),
    FIELD_OF(alert_delivery, status, FIELD_U32, 0, 999),
    FIELD_OF(alert_delivery, reason, FIELD_TEXT, 0, ALERT_REASON_BYTES - 1),
};
static const struct field notice_fields[] = {
    FIELD_OF(alert_notice, id, FIELD_BITS64, 0, 0),
    FIELD_WORD_OF(alert_notice, event, alert_event_words),
    FIELD_OF(alert_notice, at_ms, FIELD_I64, 0, INT64_MAX),
};
#define WAY(way, name)                                                                             \
	{                                                                                          \
		.key = name, .kind = FIELD_U64,                                                    \
		.offset = offsetof(struct alert_outbox, last_seq[way]), .max = INT64_MAX           \
	}
#define PAUSE(way, name)                                                                           \
	{                                                                                          \
		.key = name, .kind = FIELD_I64,                                                    \
		.offset = offsetof(struct alert_outbox, next_ms[way]), .max = INT64_MAX            \
	}
static const struct field outbox_fields[] = {
    WAY(ALERT_WEBHOOK, "webhook_seq"),
    WAY(ALERT_COMMAND, "command_seq"),
    PAUSE(ALERT_WEBHOOK, "webhook_next_ms"),
    PAUSE(ALERT_COMMAND, "command_next_ms"),
    FIELD_OF(alert_outbox, dropped, FIELD_U64, 0, INT64_MAX),
    FIELD_OF(alert_outbox, given_up, FIELD_U64, 0, INT64_MAX),
};

static void
put(json_t *json, const char *key, json_t *value)
{
	MUST(json_object_set_new(json, key, value) == 0);
}

static json_t *
encode_notice(const struct alert_notice *notice)
{
	json_t *json = fields_encode(notice_fields, COUNT(notice_fields), notice);
	put(json, "cause", fields_encode(cause_fields, COUNT(cause_fields), &notice->cause));
	for (size_t way = 0; way < ALERT_WAYS; way++) {
		put(json, alert_way_words[way],
		    fields_encode(delivery_fields, COUNT(delivery_fields), &notice->ways[way]));
	}
	return json;
}

bool
alert_file_write(const struct alert_rules *rules, const struct alert_outbox *outbox,
    const char *state_dir, struct err *err)
{
	json_t *json = json_object(), *causes = json_array(), *notices = json_array();
	for (size_t i = 0; i < rules->count; i++) {
		MUST(json_array_append_new(causes,
			 fields_encode(cause_fields, COUNT(cause_fields), &rules->causes[i])) == 0);
	}
	for (size_t i = 0; i < outbox->count; i++)
		MUST(json_array_append_new(notices, encode_notice(&outbox->items[i])) == 0);
	put(json, "rules", fields_encode(rules_fields, COUNT(rules_fields), rules));
	put(json, "outbox", fields_encode(outbox_fields, COUNT(outbox_fields), outbox));
	put(json, "causes", causes);
	put(json, "notices", notices);
	return state_file_write(state_dir, FILE_NAME, json, err);
}

/* ---- reading ---- */

static bool
decode_object(const json_t *json, const char *path, const char *key, const struct field *fields,
    size_t count, void *obj, struct err *err)
{
	const json_t *one = fields_member(json, path, key, JSON_OBJECT, err);
	return one != NULL && fields_decode(fields, count, one, key, obj, err);
}

static const json_t *
find_list(const json_t *json, const char *key, size_t max, struct err *err)
{
	const json_t *list = fields_member(json, "", key, JSON_ARRAY, err);
	if (json_array_size(list) <= max)
		return list;
	(void)fields_refuse("", key, err, "has too many entries");
	return NULL;
}

static bool
decode_causes(struct alert_rules *rules, const json_t *json, struct err *err)
{
	const json_t *list = find_list(json, "causes", ALERT_CAUSES_MAX, err);
	size_t count = json_array_size(list);
	if (count > 0)
		rules->causes = mem_calloc(count, sizeof(*rules->causes));
	for (size_t i = 0; i < count; i++) {
		rules->count = i + 1;
		if (!fields_decode(cause_fields, COUNT(cause_fields), json_array_get(list, i),
			"causes", &rules->causes[i], err))
			return false;
	}
	return list != NULL;
}

static bool
decode_notice(const json_t *json, struct alert_notice *notice, struct err *err)
{
	if (!fields_decode(notice_fields, COUNT(notice_fields), json, "notices", notice, err) ||
	    !decode_object(
		json, "notices", "cause", cause_fields, COUNT(cause_fields), &notice->cause, err))
		return false;
	for (size_t way = 0; way < ALERT_WAYS; way++) {
		if (!decode_object(json, "notices", alert_way_words[way], delivery_fields,
			COUNT(delivery_fields), &notice->ways[way], err))
			return false;
	}
	return true;
}

static bool
decode(struct alert_rules *rules, struct alert_outbox *outbox, const json_t *json, struct err *err)
{
	const json_t *notices = find_list(json, "notices", ALERT_NOTICES_MAX, err);
	if (notices == NULL ||
	    !decode_object(json, "", "rules", rules_fields, COUNT(rules_fields), rules, err) ||
	    !decode_object(json, "", "outbox", outbox_fields, COUNT(outbox_fields), outbox, err) ||
	    !decode_causes(rules, json, err))
		return false;
	for (size_t i = 0; i < json_array_size(notices); i++) {
		if (!decode_notice(json_array_get(notices, i), &outbox->items[i], err))
			return false;
		outbox->count = i + 1;
	}
	return true;
}

bool
alert_file_read(
    struct alert_rules *rules, struct alert_outbox *outbox, const char *state_dir, struct err *err)
{
	json_t *json;
	if (!state_file_read(state_dir, FILE_NAME, &json, err))
		return false;
	bool ok = json == NULL || decode(rules, outbox, json, err);
	if (!ok) {
		alert_rules_fini(rules);
		*outbox = (struct alert_outbox){0};
	}
	json_decref(json);
	return ok;
}
