#include "health_file.h"
#include "fields.h"
#include "mem.h"
#include "must.h"
#include "state_file.h"
#include "table_words.h"
#include <stdio.h>
#include <string.h>

#define FILE_NAME "health.json"
#define UNITS_MAX ((size_t)GROUP_COUNT * TABLE_UPSTREAMS_MAX * (HEALTH_MODELS_MAX + 2))
#define FORMAT 1
#define TIME_MAX (1ll << 53)

/* A unit as it stands in the file. Times are wall clock. */
struct saved {
	unsigned group;
	char *upstream; /* id of an entry, or a base URL */
	bool address;
	char *model; /* "" = none */
	uint64_t fingerprint;
	unsigned state, blame;
	char reason[REPORT_REASON_BYTES];
	uint32_t status, errors, trips, ramp;
	int64_t since_ms, error_ms, until_ms, hold_ms;
};

#define FIELD(member, kind, low, high) FIELD_OF(saved, member, kind, low, high)
#define WORD(member, list) FIELD_WORD_OF(saved, member, list)
static const struct field saved_fields[] = {
    WORD(group, table_group_words),
    FIELD(upstream, FIELD_STR, 1, TABLE_URL_BYTES_MAX),
    FIELD(address, FIELD_BOOL, 0, 0),
    FIELD(model, FIELD_STR, 0, TABLE_NAME_BYTES_MAX),
    FIELD(fingerprint, FIELD_BITS64, 0, 0),
    WORD(state, health_state_words),
    WORD(blame, blame_words),
    FIELD(reason, FIELD_TEXT, 0, REPORT_REASON_BYTES - 1),
    FIELD(status, FIELD_U32, 0, 999),
    FIELD(errors, FIELD_U32, 0, 1000000),
    FIELD(trips, FIELD_U32, 0, 16),
    FIELD(ramp, FIELD_U32, 0, 1000),
    FIELD(since_ms, FIELD_I64, -TIME_MAX, TIME_MAX),
    FIELD(error_ms, FIELD_I64, -TIME_MAX, TIME_MAX),
    FIELD(until_ms, FIELD_I64, -TIME_MAX, TIME_MAX),
    FIELD(hold_ms, FIELD_I64, -TIME_MAX, TIME_MAX),
};
#define FIELDS (sizeof(saved_fields) / sizeof(saved_fields[0]))

struct head {
	uint32_t v;
	int64_t saved_ms;
};
static const struct field head_fields[] = {
    {.key = "v",
	.kind = FIELD_U32,
	.offset = offsetof(struct head, v),
	.min = FORMAT,
	.max = FORMAT},
    {.key = "saved_ms",
	.kind = FIELD_I64,
	.offset = offsetof(struct head, saved_ms),
	.min = -TIME_MAX,
	.max = TIME_MAX},
};

/* ---- writing ---- */

static void
save(json_t *list, struct saved saved, const struct health_unit *unit, int64_t offset_ms)
{
	if (unit->state == HEALTH_UP && unit->trips == 0)
		return;
	saved.state = unit->state;
	saved.blame = unit->blame;
	memcpy(saved.reason, unit->reason, sizeof(saved.reason));
	saved.status = unit->status;
	saved.errors = unit->errors;
	saved.trips = unit->trips;
	saved.ramp = unit->ramp;
	saved.since_ms = (int64_t)unit->since_ms + offset_ms;
	saved.error_ms = (int64_t)unit->error_ms + offset_ms;
	saved.until_ms = (int64_t)unit->until_ms + offset_ms;
	saved.hold_ms = (int64_t)unit->hold_ms + offset_ms;
	MUST(json_array_append_new(list, fields_encode(saved_fields, FIELDS, &saved)) == 0);
}

static json_t *
encode(const struct health *health, uint64_t now_ms, int64_t offset_ms)
{
	static char none[] = "";
	json_t *list = json_array();
	for (size_t i = 0; i < health->address_count; i++) {
		const struct health_address *from = &health->addresses[i];
		struct saved saved = {
		    .group = from->group, .upstream = from->url, .address = true, .model = none};
		save(list, saved, &from->unit, offset_ms);
	}
	for (size_t i = 0; i < health->entry_count; i++) {
		const struct health_entry *from = &health->entries[i];
		struct saved saved = {.group = from->group,
		    .upstream = from->id,
		    .model = none,
		    .fingerprint = from->fingerprint};
		save(list, saved, &from->unit, offset_ms);
		for (size_t k = 0; k < from->model_count; k++) {
			saved.model = from->models[k].name;
			save(list, saved, &from->models[k].unit, offset_ms);
		}
	}
	struct head head = {FORMAT, (int64_t)now_ms + offset_ms};
	json_t *json = fields_encode(head_fields, 2, &head);
	MUST(json_object_set_new(json, "units", list) == 0);
	return json;
}

bool
health_file_write(const struct health *health, const char *state_dir, uint64_t now_ms,
    int64_t offset_ms, struct err *err)
{
	return state_file_write(state_dir, FILE_NAME, encode(health, now_ms, offset_ms), err);
}

/* ---- reading ---- */

/* A moment of the file on our own clock; 0 for what lies before its start. */
static uint64_t
to_mono(int64_t wall_ms, int64_t offset_ms)
{
	int64_t mono = wall_ms - offset_ms;
	return mono > 0 ? (uint64_t)mono : 0;
}

/* How much of a time that was ahead when the file was written is still left. */
static uint64_t
left_of(int64_t until_ms, int64_t saved_ms, int64_t wall_ms)
{
	int64_t left = until_ms - wall_ms, most = until_ms - saved_ms;
	left = left < most ? left : most;
	return left > 0 ? (uint64_t)left : 0;
}

/* What of the file is about time. */
struct moment {
	int64_t saved_ms, offset_ms;
	uint64_t now_ms;
};

static void
restore(struct health_unit *unit, const struct saved *saved, const struct moment *moment,
    const struct health_limits *limits)
{
	int64_t wall_ms = (int64_t)moment->now_ms + moment->offset_ms;
	uint64_t rest = left_of(saved->until_ms, moment->saved_ms, wall_ms);
	uint64_t hold = left_of(saved->hold_ms, moment->saved_ms, wall_ms);
	uint64_t since = to_mono(saved->since_ms, moment->offset_ms);
	uint64_t error = to_mono(saved->error_ms, moment->offset_ms);
	*unit = (struct health_unit){
	    .state = (enum health_state)saved->state,
	    .blame = (enum blame)saved->blame,
	    .status = saved->status,
	    .errors = saved->errors,
	    .trips = saved->trips,
	    .ramp = saved->ramp,
	    .since_ms = since < moment->now_ms ? since : moment->now_ms,
	    .error_ms = error < moment->now_ms ? error : moment->now_ms,
	    .mark_ms = moment->now_ms,
	};
	memcpy(unit->reason, saved->reason, sizeof(unit->reason));
	if (unit->state != HEALTH_COOLING)
		return;
	rest = rest < limits->max_ms ? rest : limits->max_ms;
	unit->until_ms = moment->now_ms + rest;
	unit->hold_ms = moment->now_ms + (hold < rest ? hold : rest);
}

/* Sane in itself? A rest needs a reason, a ramp its figure. */
static bool
is_sound(const struct saved *saved)
{
	if (saved->state == HEALTH_COOLING)
		return saved->reason[0] != '\0' && saved->trips > 0;
	return saved->state != HEALTH_RAMPING || saved->ramp > 0;
}

static void
take(struct health *health, const struct saved *saved, const struct moment *moment)
{
	struct health_unit *unit = health_unit_of(health, (enum group)saved->group, saved->upstream,
	    saved->address, saved->fingerprint, saved->model);
	if (unit != NULL && is_sound(saved))
		restore(unit, saved, moment, &health->limits[saved->group]);
}

static bool
take_all(
    struct health *health, const json_t *json, uint64_t now_ms, int64_t offset_ms, struct err *err)
{
	struct head head = {0};
	if (!fields_decode(head_fields, 2, json, "", &head, err))
		return false;
	struct moment moment = {head.saved_ms, offset_ms, now_ms};
	const json_t *units = fields_member(json, "", "units", JSON_ARRAY, err);
	if (units == NULL)
		return false;
	if (json_array_size(units) > UNITS_MAX)
		return fields_refuse("", "units", err, "has too many entries");
	bool ok = true;
	for (size_t i = 0; ok && i < json_array_size(units); i++) {
		struct saved saved = {0};
		char at[32];
		snprintf(at, sizeof(at), "units[%zu]", i);
		ok = fields_decode(saved_fields, FIELDS, json_array_get(units, i), at, &saved, err);
		if (ok)
			take(health, &saved, &moment);
		mem_free(saved.upstream);
		mem_free(saved.model);
	}
	return ok;
}

bool
health_file_read(struct health *health, const char *state_dir, uint64_t now_ms, int64_t offset_ms,
    struct err *err)
{
	json_t *json;
	if (!state_file_read(state_dir, FILE_NAME, &json, err))
		return false;
	bool ok = json == NULL || take_all(health, json, now_ms, offset_ms, err);
	if (!ok)
		(void)health_clear(health, GROUP_COUNT, NULL, now_ms);
	json_decref(json);
	return ok;
}
