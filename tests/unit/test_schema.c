/* The table of settings: sound in itself, and the manual is made from it. */
#include "config.h"
#include "fileio.h"
#include "jget.h"
#include "mem.h"
#include "schema.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(every_row_is_found_and_its_default_is_good)
{
	size_t count;
	const struct schema_row *rows = schema_rows(&count);
	ck_assert_uint_gt(count, 50);
	for (size_t i = 0; i < count; i++) {
		const struct schema_row *row = &rows[i];
		char path[128];
		schema_row_path(row, path, sizeof(path));
		ck_assert_msg(schema_find(row->part, row->key) == row, "%s stands twice", path);
		ck_assert_msg(strlen(row->doc) > 4, "%s has no text", path);
		if (row->fallback == NULL)
			continue;
		struct faults faults = {0};
		json_t *value = json_loads(row->fallback, JSON_DECODE_ANY, NULL);
		ck_assert_msg(value != NULL, "%s: the default is no JSON", path);
		schema_check(row, value, path, &faults);
		ck_assert_msg(faults.count == 0, "%s: the default is refused", path);
		json_decref(value);
		faults_fini(&faults);
	}
}
END_TEST

START_TEST(every_section_has_rows)
{
	size_t section_count, row_count;
	const struct schema_section *sections = schema_sections(&section_count);
	const struct schema_row *rows = schema_rows(&row_count);
	for (size_t i = 0; i < section_count; i++) {
		size_t k = 0;
		while (k < row_count && strcmp(rows[k].part, sections[i].part) != 0)
			k++;
		ck_assert_msg(k < row_count, "%s has no rows", sections[i].name);
	}
}
END_TEST

START_TEST(absent_words_have_their_default)
{
	json_t *empty = json_object();
	ck_assert_double_eq(schema_number(NULL, SCHEMA_TIMEOUTS, "connect_timeout"), 10);
	ck_assert_double_eq(schema_number(empty, SCHEMA_SERVER, "attempts_max"), 8);
	ck_assert(schema_flag(empty, SCHEMA_UPSTREAMS, "enabled"));
	ck_assert(!schema_flag(NULL, SCHEMA_SERVER, "admin_remote"));
	ck_assert_ptr_null(schema_text(empty, SCHEMA_UPSTREAMS, "name"));
	ck_assert_uint_eq(schema_choice(empty, SCHEMA_UPSTREAMS, "type"), 0);
	json_decref(empty);
}
END_TEST

START_TEST(present_words_are_read)
{
	json_t *obj = json_loads("{\"connect_timeout\": 2.5, \"enabled\": 0, \"type\": \"backup\","
				 "\"name\": \"n\", \"write_timeout\": null, \"attempts_max\": 3}",
	    0, NULL);
	ck_assert_double_eq(schema_number(obj, SCHEMA_TIMEOUTS, "connect_timeout"), 2.5);
	ck_assert_double_eq(schema_number(obj, SCHEMA_TIMEOUTS, "write_timeout"), 60);
	ck_assert_double_eq(schema_number(obj, SCHEMA_SERVER, "attempts_max"), 3);
	ck_assert(!schema_flag(obj, SCHEMA_UPSTREAMS, "enabled"));
	ck_assert_str_eq(schema_text(obj, SCHEMA_UPSTREAMS, "name"), "n");
	ck_assert_uint_eq(schema_choice(obj, SCHEMA_UPSTREAMS, "type"), 1);
	json_decref(obj);
}
END_TEST

START_TEST(the_first_document_is_a_good_configuration)
{
	json_t *root = schema_first_document();
	struct faults faults = {0};
	struct config *config;
	char *text = jget_dump(root, NULL);
	ck_assert(config_parse(view_of(text), &config, &faults));
	ck_assert_uint_eq(faults.count, 0);
	ck_assert(config_has_no_upstream(config));
	ck_assert_uint_eq(json_array_size(json_object_get(root, "chat_configs")), 0);
	config_free(config);
	mem_free(text);
	json_decref(root);
}
END_TEST

static void
read_doc(const char *name, struct bytes *out)
{
	char path[1024];
	struct err err;
	snprintf(path, sizeof(path), CONTROLPLANE_DIR "/%s", name);
	bytes_init(out, 1 << 20);
	ck_assert_msg(fileio_read(path, out, &err), "%s: %s", path, err.msg);
}

START_TEST(the_manual_is_the_table)
{
	struct bytes doc, table;
	read_doc("CONFIG.md", &doc);
	bytes_init(&table, 1 << 20);
	schema_print_manual(&table);
	ck_assert_msg(view_find(bytes_view(&doc), bytes_str(&table)) >= 0,
	    "CONFIG.md is not what `controlplane --manual` prints");
	bytes_fini(&doc);
	bytes_fini(&table);
}
END_TEST

START_TEST(the_manual_names_every_row_and_the_readme_every_section)
{
	struct bytes manual, readme;
	size_t count;
	char word[160];
	read_doc("CONFIG.md", &manual);
	read_doc("README.md", &readme);
	const struct schema_row *rows = schema_rows(&count);
	for (size_t i = 0; i < count; i++) {
		char path[128];
		schema_row_path(&rows[i], path, sizeof(path));
		snprintf(word, sizeof(word), "`%s`", path);
		ck_assert_msg(view_find(bytes_view(&manual), word) >= 0, "no %s", word);
	}
	const struct schema_section *sections = schema_sections(&count);
	for (size_t i = 0; i < count; i++) {
		snprintf(word, sizeof(word), "`%s`", sections[i].name);
		ck_assert_msg(view_find(bytes_view(&readme), word) >= 0, "no %s", word);
	}
	bytes_fini(&manual);
	bytes_fini(&readme);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("schema");
	TCase *tcase = tcase_create("schema");
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, every_row_is_found_and_its_default_is_good);
	tcase_add_test(tcase, every_section_has_rows);
	tcase_add_test(tcase, absent_words_have_their_default);
	tcase_add_test(tcase, present_words_are_read);
	tcase_add_test(tcase, the_first_document_is_a_good_configuration);
	tcase_add_test(tcase, the_manual_is_the_table);
	tcase_add_test(tcase, the_manual_names_every_row_and_the_readme_every_section);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
