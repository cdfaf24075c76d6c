/* A statistics file of its own, records for it, and what it answers. */
#ifndef PM_TEST_STATS_RIG_H
#define PM_TEST_STATS_RIG_H

#include "mem.h"
#include "stats_query.h"
#include "stats_settings.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NOON INT64_C(1795694400000) /* 2026-11-26 12:00 UTC */
#define HOUR INT64_C(3600000)

static inline struct record
make(unsigned number, const char *upstream)
{
	struct record record = {.at_ms = NOON + number,
	    .client_key = mem_dup_str("k"),
	    .path = mem_dup_str("/v1/messages"),
	    .model = mem_dup_str("m"),
	    .generate = true,
	    .status = 200,
	    .result = "completed",
	    .calls = 1,
	    .ms = 5,
	    .bytes_in = 10,
	    .bytes_out = 20,
	    .loss = mem_dup_str("")};
	(void)snprintf(record.id, sizeof(record.id), "req_%024x", number);
	record.attempts = mem_calloc(2, sizeof(*record.attempts));
	record.attempt_count = 1;
	record.attempts[0] = (struct record_attempt){.upstream = mem_dup_str(upstream),
	    .model = mem_dup_str("m-2"),
	    .served = mem_dup_str("m-2\"\\\n"),
	    .reason = "ok",
	    .status = 200,
	    .hedge = true,
	    .usage = RECORD_USAGE_REPORTED,
	    .tokens = {100, 10, 1, 1000, 50, 20, -1}};
	return record;
}

static inline void
set_str(char **at, const char *text)
{
	mem_free(*at);
	*at = mem_dup_str(text);
}

struct place {
	char folder[32];
	struct stats_settings *settings;
	struct stats_store *store;
	uint64_t next;
};

static inline void
open_place(struct place *place)
{
	struct err err;
	place->store = stats_store_open(place->folder, true, &err);
	ck_assert_msg(place->store != NULL, "%s %s", err.at, err.msg);
}

static inline void
setup(struct place *place)
{
	*place = (struct place){.folder = "/tmp/statsXXXXXX", .next = 1};
	ck_assert_ptr_nonnull(mkdtemp(place->folder));
	ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
	place->settings = stats_settings_new(NULL, NOON);
	open_place(place);
}

static inline void
drop_file(const struct place *place, const char *name)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/%s", place->folder, name);
	(void)unlink(path);
}

static inline void
teardown(struct place *place)
{
	static const char *const names[] = {"stats.db", "stats.db-wal", "stats.db-shm",
	    "stats.db.damaged", "stats.db.damaged-wal", "stats.db.damaged-shm"};
	stats_store_close(place->store);
	stats_settings_unref(place->settings);
	for (size_t i = 0; i < 6; i++)
		drop_file(place, names[i]);
	ck_assert_int_eq(rmdir(place->folder), 0);
}

/* Stores it under the next number and frees it. */
static inline void
store(struct place *place, struct record *record)
{
	struct err err;
	uint64_t stored;
	struct stats_batch batch = {
	    .journal = 7, .first = place->next, .records = record, .count = 1};
	ck_assert_msg(stats_store_batch(place->store, place->settings, &batch, &stored, &err),
	    "%s: %s", err.at, err.msg);
	ck_assert_uint_eq(stored, place->next);
	place->next++;
	record_fini(record);
}

/* A question's answer; the question is JSON with ' for ". */
static inline json_t *
ask(const struct place *place, const char *question,
    json_t *(*fn)(struct stats_store *, const json_t *, struct err *))
{
	char text[512];
	struct err err = {0};
	(void)snprintf(text, sizeof(text), "%s", question);
	for (char *at = text; *at != '\0'; at++)
		*at = *at == '\'' ? '"' : *at;
	json_t *body = json_loads(text, 0, NULL);
	ck_assert_msg(body != NULL, "%s", text);
	json_t *answer = fn(place->store, body, &err);
	ck_assert_msg(answer != NULL, "%s: %s", err.at, err.msg);
	json_decref(body);
	return answer;
}

static inline int64_t
number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	ck_assert_msg(json_is_integer(value), "%s", key);
	return json_integer_value(value);
}

static inline int64_t
total(const struct place *place, const char *question, const char *key)
{
	json_t *answer = ask(place, question, stats_query_sums);
	int64_t value = number(json_object_get(answer, "totals"), key);
	int64_t sum = 0;
	const json_t *rows = json_object_get(answer, "rows");
	for (size_t i = 0; i < json_array_size(rows); i++)
		sum += number(json_array_get(rows, i), key);
	if (strstr(question, "'by'") != NULL)
		ck_assert_int_eq(sum, value);
	json_decref(answer);
	return value;
}

/* What makes a file of the first version (`step` 0), which had no sums by one thing, or of the
 * second of one of the third: until then none told what was saved or cancelled. */
static inline const char *
make_older(int step)
{
#define LESS_SUMS(table)                                                                           \
	"ALTER TABLE " table " DROP COLUMN cancelled;"                                             \
	"ALTER TABLE " table " DROP COLUMN cache_saved_nano_usd;"
	return step == 0 ? LESS_SUMS("hours")
			       LESS_SUMS("days") "DROP TABLE rolls; PRAGMA user_version=1"
			 : LESS_SUMS("hours") LESS_SUMS("days")
			       LESS_SUMS("rolls") "PRAGMA user_version=2";
}

#endif
