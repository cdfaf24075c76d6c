/* Members that a release adds: an older sender does not have them yet. */
#include "fields.h"
#include "mem.h"
#include "secret.h"
#include <check.h>
#include <stdlib.h>

static const char *const words[] = {"usual", "other", NULL};
enum word { USUAL, OTHER };

struct thing {
	bool flag;
	uint32_t small;
	uint64_t big;
	int64_t offset_ms;
	char *name, *note;
	char id[9];
	enum word word;
	struct secret token;
};

#define NEW(row_key, row_kind, member, ...)                                                        \
	{                                                                                          \
		.key = row_key, .kind = row_kind, .offset = offsetof(struct thing, member),        \
		.newcomer = true, __VA_ARGS__                                                      \
	}

static const struct field fields[] = {
    NEW("flag", FIELD_BOOL, flag, .max = 1),
    NEW("small", FIELD_U32, small, .min = 3, .max = 9),
    NEW("big", FIELD_U64, big, .max = INT64_MAX),
    NEW("offset_ms", FIELD_I64, offset_ms, .min = -5, .max = 5),
    NEW("name", FIELD_STR, name, .max = 20),
    NEW("note", FIELD_OPT_STR, note, .max = 20),
    NEW("id", FIELD_TEXT, id, .max = 8),
    NEW("word", FIELD_WORD, word, .words = words),
    NEW("token", FIELD_SECRET, token, .max = 100),
};
#define COUNT (sizeof(fields) / sizeof(fields[0]))

static void
free_thing(struct thing *thing)
{
	mem_free(thing->name);
	mem_free(thing->note);
	secret_fini(&thing->token);
}

START_TEST(a_newcomer_may_be_missing)
{
	struct thing thing = {0};
	struct err err;
	json_t *json = json_object();
	ck_assert(fields_decode(fields, COUNT, json, "", &thing, &err));
	ck_assert(!thing.flag && thing.small == 3 && thing.big == 0 && thing.offset_ms == 0);
	ck_assert_str_eq(thing.name, "");
	ck_assert_ptr_null(thing.note);
	ck_assert_str_eq(thing.id, "");
	ck_assert(thing.word == USUAL);
	json_decref(json);
	free_thing(&thing);
}
END_TEST

START_TEST(a_newcomer_that_is_there_is_checked)
{
	struct thing thing = {0};
	struct err err;
	json_t *json = json_pack("{s:i, s:s}", "small", 9, "word", "other");
	ck_assert(fields_decode(fields, COUNT, json, "x", &thing, &err));
	ck_assert(thing.small == 9 && thing.word == OTHER);
	free_thing(&thing);
	json_object_set_new(json, "small", json_integer(10));
	thing = (struct thing){0};
	ck_assert(!fields_decode(fields, COUNT, json, "x", &thing, &err));
	ck_assert_str_eq(err.at, "x.small");
	json_decref(json);
	free_thing(&thing);
}
END_TEST

START_TEST(others_may_not)
{
	static const struct field needed[] = {
	    {.key = "big", .kind = FIELD_U64, .offset = offsetof(struct thing, big), .max = 9}};
	struct thing thing = {0};
	struct err err;
	json_t *json = json_pack("{s:i}", "bigger", 1);
	ck_assert(!fields_decode(needed, 1, json, "", &thing, &err));
	ck_assert_str_eq(err.at, "big");
	json_object_set_new(json, "big", json_integer(4));
	ck_assert(fields_decode(needed, 1, json, "", &thing, &err));
	ck_assert(thing.big == 4);
	json_decref(json);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("fields");
	TCase *tests = tcase_create("fields");
	tcase_add_test(tests, a_newcomer_may_be_missing);
	tcase_add_test(tests, a_newcomer_that_is_there_is_checked);
	tcase_add_test(tests, others_may_not);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
