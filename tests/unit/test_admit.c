/* Who may come in, by the head of the request alone. */
#include "admit.h"
#include "crypto.h"
#include "mem.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define GOOD "pm-0123456789abcdef"

static const struct {
	const char *name;
	const char *headers[6]; /* name, value, ... */
	int status;             /* 0 = let in */
	const char *key;        /* id of the key found */
} rows[] = {
    {"bearer", {"Authorization", "Bearer " GOOD}, 0, "first"},
    {"bearer in any case", {"authorization", "bEARER " GOOD}, 0, "first"},
    {"x-api-key", {"X-Api-Key", GOOD}, 0, "first"},
    {"the second key", {"x-api-key", "pm-second"}, 0, "second"},
    {"the same key twice", {"x-api-key", GOOD, "Authorization", "Bearer " GOOD}, 0, "first"},
    {"no key", {"Accept", "*/*"}, 401, NULL},
    {"an empty key", {"x-api-key", ""}, 401, NULL},
    {"another scheme", {"Authorization", "Basic " GOOD}, 401, NULL},
    {"an unknown key", {"x-api-key", GOOD "0"}, 401, NULL},
    {"the beginning of a key", {"x-api-key", "pm-0123456789abcde"}, 401, NULL},
    {"two keys", {"x-api-key", "pm-second", "Authorization", "Bearer " GOOD}, 401, NULL},
    {"a body at the limit", {"x-api-key", GOOD, "Content-Length", "1000"}, 0, "first"},
    {"a body above it", {"x-api-key", GOOD, "Content-Length", "1001"}, 413, NULL},
    {"a length beyond all", {"x-api-key", GOOD, "Content-Length", "99999999999999999999"}, 413,
	NULL},
    {"gzip", {"x-api-key", GOOD, "Content-Encoding", "gzip"}, 0, "first"},
    {"brotli", {"x-api-key", GOOD, "Content-Encoding", "br"}, 415, NULL},
    {"two codings", {"x-api-key", GOOD, "Content-Encoding", "gzip, zstd"}, 415, NULL},
    {"the key comes first", {"x-api-key", "no", "Content-Encoding", "br"}, 401, NULL},
};

static struct table *
make_table(void)
{
	static const char *const keys[][2] = {{"first", GOOD}, {"second", "pm-second"}};
	struct table *table = table_new();
	for (int i = 0; i < COUNT(keys); i++) {
		struct client_key *key = table_add_client_key(table);
		key->id = mem_dup_str(keys[i][0]);
		key->name = mem_dup_str("");
		crypto_sha256(view_of(keys[i][1]), key->sha256);
	}
	table->body_bytes_max = 1000;
	return table;
}

START_TEST(it_judges)
{
	struct table *table = make_table();
	struct http_header headers[3];
	struct admit_refusal refusal = {0};
	const struct client_key *key = NULL;
	size_t count = 0;
	for (; count < 3 && rows[_i].headers[2 * count] != NULL; count++) {
		headers[count].name = view_of(rows[_i].headers[2 * count]);
		headers[count].value = view_of(rows[_i].headers[2 * count + 1]);
	}
	bool in = admit_check(table, headers, count, &key, &refusal);
	ck_assert_msg(in == (rows[_i].status == 0), "%s: %d", rows[_i].name, refusal.status);
	if (in) {
		ck_assert_str_eq(key->id, rows[_i].key);
	} else {
		ck_assert_msg(
		    refusal.status == rows[_i].status, "%s: %d", rows[_i].name, refusal.status);
		ck_assert_ptr_nonnull(refusal.reason);
		ck_assert_ptr_null(strstr(refusal.message, "pm-"));
	}
	table_unref(table);
}
END_TEST

START_TEST(without_keys_nobody_comes_in)
{
	struct table *table = table_new();
	struct http_header header = {VIEW("x-api-key"), VIEW(GOOD)};
	struct admit_refusal refusal;
	const struct client_key *key;
	ck_assert(!admit_check(table, &header, 1, &key, &refusal));
	ck_assert_int_eq(refusal.status, 401);
	table_unref(table);
}
END_TEST

/* The admin side's own calls have no key; they may go as somebody who has one. */
START_TEST(the_inner_door_needs_no_key)
{
	const struct {
		struct http_header header;
		int status;
		const char *key;
	} inner[] = {
	    {{VIEW("accept"), VIEW("*/*")}, 0, "playground"},
	    {{VIEW("authorization"), VIEW("Bearer nobody's")}, 0, "playground"},
	    {{VIEW("X-Pointsman-Client-Key-Id"), VIEW("second")}, 0, "second"},
	    {{VIEW(ADMIT_AS), VIEW("third")}, 401, NULL},
	    {{VIEW(ADMIT_AS), VIEW("")}, 401, NULL},
	    {{VIEW("content-length"), VIEW("1001")}, 413, NULL},
	    {{VIEW("content-encoding"), VIEW("br")}, 415, NULL},
	};
	struct table *table = make_table();
	for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++) {
		struct admit_refusal refusal = {0};
		const struct client_key *key = NULL;
		bool in = admit_check_inner(table, &inner[i].header, 1, &key, &refusal);
		ck_assert_msg(in == (inner[i].status == 0), "%zu", i);
		if (in)
			ck_assert_str_eq(key->id, inner[i].key);
		else
			ck_assert_int_eq(refusal.status, inner[i].status);
	}
	/* Nobody goes as another by the door of clients. */
	const struct http_header as = {VIEW(ADMIT_AS), VIEW("second")};
	const struct client_key *key = NULL;
	struct admit_refusal refusal;
	ck_assert(!admit_check(table, &as, 1, &key, &refusal));
	ck_assert_int_eq(refusal.status, 401);
	table_unref(table);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("admit");
	TCase *tests = tcase_create("admit");
	tcase_add_loop_test(tests, it_judges, 0, COUNT(rows));
	tcase_add_test(tests, without_keys_nobody_comes_in);
	tcase_add_test(tests, the_inner_door_needs_no_key);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
