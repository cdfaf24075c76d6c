/* A damaged file of the statistics: what can be read is kept, and it goes on. */
#include "fileio.h"
#include "stats_rig.h"

#define FILL_RECORDS 100 /* of one batch */

static void
fill(struct place *place, unsigned count)
{
	struct record records[FILL_RECORDS];
	struct err err;
	uint64_t stored;
	for (unsigned at = 0; at < count; at += FILL_RECORDS) {
		for (unsigned i = 0; i < FILL_RECORDS; i++) {
			records[i] = make(at + i, "claude:a");
			records[i].at_ms += (int64_t)(at + i) * HOUR;
		}
		struct stats_batch batch = {
		    .journal = 7, .first = at + 1, .records = records, .count = FILL_RECORDS};
		ck_assert(stats_store_batch(place->store, place->settings, &batch, &stored, &err));
		for (unsigned i = 0; i < FILL_RECORDS; i++)
			record_fini(&records[i]);
	}
	place->next = count + 1;
	stats_store_close(place->store);
	place->store = NULL;
}

static void
read_file(const struct place *place, struct bytes *out)
{
	char path[128];
	struct err err;
	(void)snprintf(path, sizeof(path), "%s/stats.db", place->folder);
	bytes_init(out, (size_t)1 << 24);
	ck_assert(fileio_read(path, out, &err));
}

static void
write_file(const struct place *place, struct view data)
{
	char path[128];
	struct err err;
	(void)snprintf(path, sizeof(path), "%s/stats.db", place->folder);
	drop_file(place, "stats.db-wal");
	drop_file(place, "stats.db-shm");
	ck_assert(fileio_write(path, data, 0600, &err));
}

/* Whatever was damaged: it opens, takes new records and answers; what is told is never more than
 * was stored. */
static void
check_survives(struct place *place, int64_t stored)
{
	open_place(place);
	json_t *answer = ask(place, "{'epochs':'all'}", stats_query_sums);
	int64_t count = number(json_object_get(answer, "totals"), "requests");
	ck_assert_int_le(count, stored);
	json_decref(answer);
	struct record record = make(100000, "claude:new");
	place->next = 100000;
	store(place, &record);
	answer = ask(place, "{'id':'req_0000000000000000000186a0'}", stats_query_requests);
	ck_assert_uint_eq(json_array_size(json_object_get(answer, "records")), 1);
	json_decref(answer);
	stats_store_close(place->store);
	place->store = NULL;
}

START_TEST(a_damaged_file_is_mended_or_begun_anew)
{
	struct place place;
	struct bytes good;
	setup(&place);
	fill(&place, 200);
	read_file(&place, &good);
	unsigned seed = 12345;
	for (unsigned round = 0; round < 40; round++) {
		char *bad = mem_alloc(good.len);
		memcpy(bad, good.data, good.len);
		unsigned count = 1 + round * 8;
		for (unsigned i = 0; i < count; i++) {
			seed = seed * 1103515245 + 12345;
			bad[(seed >> 4) % good.len] ^= (char)(1 + (seed >> 24) % 255);
		}
		write_file(&place, view_make(bad, good.len));
		mem_free(bad);
		check_survives(&place, 200);
	}
	write_file(&place, VIEW("this is no database, though it is long enough to look like one"));
	check_survives(&place, 0);
	write_file(&place, view_make(good.data, good.len / 2));
	check_survives(&place, 200);
	write_file(&place, VIEW(""));
	check_survives(&place, 0);
	bytes_fini(&good);
	teardown(&place);
}
END_TEST

/* Who was killed before his first write leaves one. */
START_TEST(a_file_without_a_byte_is_a_new_one)
{
	struct place place;
	char aside[128];
	setup(&place);
	stats_store_close(place.store);
	place.store = NULL;
	(void)snprintf(aside, sizeof(aside), "%s/stats.db.damaged", place.folder);
	write_file(&place, VIEW(""));
	check_survives(&place, 0);
	ck_assert_int_ne(access(aside, F_OK), 0);
	teardown(&place);
}
END_TEST

START_TEST(one_damaged_page_costs_no_more_than_what_was_on_it)
{
	struct place place;
	struct bytes good;
	setup(&place);
	fill(&place, 400);
	read_file(&place, &good);
	/* A page of requests: found by its text. */
	ptrdiff_t at = view_find(bytes_view(&good), "/v1/messages");
	ck_assert_int_gt(at, 0);
	size_t page = (size_t)at / 4096 * 4096;
	memset(good.data + page, 0x5a, 4096);
	write_file(&place, bytes_view(&good));
	bytes_fini(&good);
	open_place(&place);
	ck_assert_int_eq(total(&place, "{}", "requests"), 400);
	json_t *answer = ask(&place, "{'limit':1000}", stats_query_requests);
	ck_assert_uint_gt(json_array_size(json_object_get(answer, "records")), 370);
	json_decref(answer);
	/* What was stored is known to be stored. */
	struct err err;
	uint64_t stored;
	struct stats_batch batch = {.journal = 7, .first = 1};
	ck_assert(stats_store_batch(place.store, place.settings, &batch, &stored, &err));
	ck_assert_uint_eq(stored, 400);
	teardown(&place);
}
END_TEST

/* Of the version before it too, whose sums have fewer columns. */
START_TEST(a_damaged_older_file_keeps_its_sums)
{
	struct place place;
	struct bytes file;
	struct err err;
	setup(&place);
	fill(&place, 100);
	open_place(&place);
	struct sql *sql = stats_store_sql(place.store);
	/* These are known by the sums alone. */
	ck_assert(sql_exec(sql, "DELETE FROM requests WHERE seq<=60", &err));
	ck_assert_msg(sql_exec(sql, make_older(_i), &err), "%s", err.msg);
	stats_store_close(place.store);
	read_file(&place, &file);
	for (size_t page = 1; page < file.len / 4096; page++) {
		struct view text = view_sub(bytes_view(&file), page * 4096, 4096);
		bool sums = view_find(text, "claude:a") >= 0 && view_find(text, "/v1/messages") < 0;
		if (!sums)
			continue;
		memset(file.data + page * 4096, 0x5a, 4096);
		break;
	}
	write_file(&place, bytes_view(&file));
	bytes_fini(&file);
	open_place(&place);
	ck_assert_int_ge(total(&place, "{}", "requests"), 60);
	ck_assert_int_eq(total(&place, "{}", "cancelled"), 0);
	teardown(&place);
}
END_TEST

/* Requests of all sorts, so that each column of the sums has something to lose. */
static void
fill_mixed(struct place *place, unsigned count)
{
	static const char *const results[] = {
	    "completed", "failed", "passed", "refused", "client_gone", "cancelled", "interrupted"};
	for (unsigned i = 0; i < count; i++) {
		struct record record = make(i, i % 3 == 0 ? "claude:a" : "codex:b");
		struct record_attempt *call = record.attempts;
		record.at_ms += (int64_t)i * HOUR;
		record.generate = i % 11 != 0;
		record.protocol = i % 3;
		record.calls = 1 + i % 4;
		(void)snprintf(record.result, sizeof(record.result), "%s", results[i % 7]);
		call->blame = i % 5 == 0 ? BLAME_UPSTREAM : BLAME_NOBODY;
		call->usage = i % 3;
		call->cost_nano_usd = i % 2 == 0 ? -1 : (int64_t)i * 1000;
		call->cache_saved_nano_usd = i % 2 == 0 ? 0 : 500 - (int64_t)i * 10;
		if (i % 6 == 0) {
			record.attempt_count = 2;
			record.attempts[1] = record.attempts[0];
			record.attempts[1].upstream = mem_dup_str("chat:c");
			record.attempts[1].model = mem_dup_str("m-3");
			record.attempts[1].served = mem_dup_str("");
		} else if (i % 13 == 0) {
			mem_free(call->upstream);
			mem_free(call->model);
			mem_free(call->served);
			record.attempt_count = 0;
		}
		store(place, &record);
	}
	stats_store_close(place->store);
	place->store = NULL;
}

static const char *const questions[] = {"{'by':'day,upstream','epochs':'all'}",
    "{'by':'hour,model','epochs':'all'}", "{'by':'client_key,protocol'}", "{'by':'day'}"};
#define QUESTIONS (sizeof(questions) / sizeof(questions[0]))

static size_t
count_requests(const struct place *place)
{
	json_t *answer = ask(place, "{'limit':1000}", stats_query_requests);
	size_t count = json_array_size(json_object_get(answer, "records"));
	json_decref(answer);
	return count;
}

/* Whichever page is lost, the sums are those of before unless it is one of the requests. */
START_TEST(sums_come_back_from_requests)
{
	struct place place;
	struct bytes good;
	struct err err;
	json_t *wanted[QUESTIONS];
	size_t whole = 0;
	setup(&place);
	for (unsigned i = 0; i < 2; i++)
		ck_assert(stats_store_reset(place.store, NOON, &err));
	fill_mixed(&place, 120);
	read_file(&place, &good);
	open_place(&place);
	for (size_t i = 0; i < QUESTIONS; i++)
		wanted[i] = ask(&place, questions[i], stats_query_sums);
	for (size_t page = 1; page < good.len / 4096; page++) {
		struct bytes bad;
		/* Other tests lose requests. */
		if (view_find(view_sub(bytes_view(&good), page * 4096, 4096), "/v1/messages") >= 0)
			continue;
		stats_store_close(place.store);
		bytes_init(&bad, good.len);
		ck_assert(bytes_append_view(&bad, bytes_view(&good)));
		memset(bad.data + page * 4096, 0x5a, 4096);
		write_file(&place, bytes_view(&bad));
		bytes_fini(&bad);
		open_place(&place);
		ck_assert_int_eq(stats_store_epoch(place.store), 3);
		bool all = count_requests(&place) == 120;
		whole += all;
		for (size_t i = 0; i < QUESTIONS; i++) {
			json_t *answer = ask(&place, questions[i], stats_query_sums);
			ck_assert_int_eq(json_object_del(answer, "epoch_began_ms"), 0);
			(void)json_object_del(wanted[i], "epoch_began_ms");
			ck_assert_msg(!all || json_equal(answer, wanted[i]), "page %zu: %s", page,
			    questions[i]);
			json_decref(answer);
		}
	}
	ck_assert_uint_gt(whole, 10);
	for (size_t i = 0; i < QUESTIONS; i++)
		json_decref(wanted[i]);
	bytes_fini(&good);
	teardown(&place);
}
END_TEST

/* The first page says where everything is and holds nothing else: whatever becomes of it, all is
 * found. */
START_TEST(a_damaged_first_page_costs_nothing)
{
	struct place place;
	struct bytes good;
	struct err err;
	setup(&place);
	fill(&place, 100);
	read_file(&place, &good);
	for (size_t at = 0; at < 4096 + 67; at += at < 100 ? 3 : 67) {
		struct bytes bad;
		bytes_init(&bad, good.len);
		ck_assert(bytes_append_view(&bad, bytes_view(&good)));
		if (at >= 4096)
			memset(bad.data, 0, 4096);
		else
			bad.data[at] ^= (char)(1u << at % 8);
		write_file(&place, bytes_view(&bad));
		bytes_fini(&bad);
		place.store = stats_store_open(place.folder, at % 2 != 0, &err);
		ck_assert_msg(place.store != NULL, "byte %zu: %s", at, err.msg);
		ck_assert_msg(total(&place, "{}", "requests") == 100, "byte %zu: sums", at);
		json_t *answer = ask(&place, "{'limit':1000}", stats_query_requests);
		ck_assert_msg(json_array_size(json_object_get(answer, "records")) == 100,
		    "byte %zu: %zu requests", at,
		    json_array_size(json_object_get(answer, "records")));
		json_decref(answer);
		stats_store_close(place.store);
		place.store = NULL;
	}
	bytes_fini(&good);
	teardown(&place);
}
END_TEST

/* A quick opening leaves single requests to be looked at later. */
START_TEST(damaged_requests_are_found_piece_by_piece)
{
	struct place place;
	struct bytes good;
	struct err err;
	int64_t after = 0;
	bool more = true, ok = true;
	setup(&place);
	fill(&place, 2500);
	place.store = stats_store_open(place.folder, false, &err);
	for (; ok && more;)
		ok = stats_store_look(place.store, &after, &more, &err);
	ck_assert(ok);
	ck_assert_int_eq(after, 2500);
	stats_store_close(place.store);
	read_file(&place, &good);
	ptrdiff_t at = view_find(bytes_view(&good), "/v1/messages");
	memset(good.data + (size_t)at / 4096 * 4096, 0x5a, 4096);
	write_file(&place, bytes_view(&good));
	bytes_fini(&good);
	place.store = stats_store_open(place.folder, false, &err);
	ck_assert_ptr_nonnull(place.store);
	after = 0;
	for (more = true; ok && more;)
		ok = stats_store_look(place.store, &after, &more, &err);
	ck_assert(!ok);
	ck_assert_int_eq(err.kind, ERR_PARSE);
	stats_store_close(place.store);
	check_survives(&place, 2500);
	teardown(&place);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("stats_damage");
	TCase *tests = tcase_create("stats_damage");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, a_damaged_file_is_mended_or_begun_anew);
	tcase_add_test(tests, a_file_without_a_byte_is_a_new_one);
	tcase_add_test(tests, one_damaged_page_costs_no_more_than_what_was_on_it);
	tcase_add_loop_test(tests, a_damaged_older_file_keeps_its_sums, 0, 2);
	tcase_add_test(tests, sums_come_back_from_requests);
	tcase_add_test(tests, a_damaged_first_page_costs_nothing);
	tcase_add_test(tests, damaged_requests_are_found_piece_by_piece);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
