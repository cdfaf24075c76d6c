/* The configuration as a whole: what old files look like, what is kept, what is refused and told.
 */
#include "config.h"
#include "jget.h"
#include "mem.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHA "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""
#define MODEL "\"source_model\": \"a\", \"target_model\": \"b\""
#define UP "\"base_url\": \"https://a.test\", \"key\": \"sk-secretcanary\""

static struct faults faults;
static struct config *config;
static struct bytes printed;

static void
setup(void)
{
	memset(&faults, 0, sizeof(faults));
	config = NULL;
	bytes_init(&printed, CONFIG_BYTES_MAX);
}

static void
teardown(void)
{
	faults_fini(&faults);
	config_free(config);
	bytes_fini(&printed);
}

static bool
parse(const char *text)
{
	faults_fini(&faults);
	config_free(config);
	return config_parse(view_of(text), &config, &faults);
}

/* The error number `index` of the last parse is at `path` and says `msg`. */
static void
expect_error(size_t index, const char *path, const char *msg)
{
	size_t seen = 0;
	for (size_t i = 0; i < faults.count; i++) {
		if (faults.items[i].warning || seen++ != index)
			continue;
		ck_assert_str_eq(faults.items[i].path, path);
		ck_assert_msg(strstr(faults.items[i].msg, msg) != NULL, "%s: \"%s\", not \"%s\"",
		    path, faults.items[i].msg, msg);
		return;
	}
	ck_abort_msg("no error %zu (%s)", index, path);
}

static bool
warned(const char *path)
{
	for (size_t i = 0; i < faults.count; i++) {
		if (faults.items[i].warning && strcmp(faults.items[i].path, path) == 0)
			return true;
	}
	return false;
}

static const char *
print(void)
{
	bytes_clear(&printed);
	ck_assert(config_print(config->root, &printed));
	return bytes_str(&printed);
}

/* ---- what old files look like ---- */

START_TEST(any_subset_of_sections_is_a_configuration)
{
	ck_assert(parse("{}"));
	ck_assert_uint_eq(faults.count, 0);
	ck_assert(parse("{\"api_configs\": null, \"timeout_settings\": null, \"server\": null}"));
	ck_assert_uint_eq(faults.count, 0);
	ck_assert(parse("{\"retry_configs\": []}"));
}
END_TEST

START_TEST(missing_words_of_an_entry_have_defaults)
{
	ck_assert(parse("{\"api_configs\": [{" UP "}, {" UP ", \"enabled\": null, \"type\": null,"
			"\"time_enabled\": null, \"name\": null, \"id\": null}]}"));
	ck_assert_uint_eq(faults.count, 0);
	const struct config_upstreams *list = &config->upstreams[GROUP_CLAUDE];
	ck_assert_uint_eq(list->count, 2);
	for (size_t i = 0; i < 2; i++) {
		ck_assert(list->items[i].enabled);
		ck_assert_uint_eq(list->items[i].schedule.days, 0x7f);
		ck_assert_int_eq(list->items[i].tier, TIER_PRIMARY);
	}
	ck_assert_str_eq(list->items[0].name, "API-1");
	ck_assert_str_eq(list->items[1].name, "API-2");
}
END_TEST

START_TEST(days_are_read_as_before)
{
	static const struct {
		const char *list;
		unsigned days;
	} cases[] = {
	    {"[]", 0x7f},
	    {"[1,1,1,1,1,1,1]", 0x7f},
	    {"[0,0,0,0,0,0,0]", 0x00},
	    {"[true,false,true,false,true,false,true]", 0x55},
	    {"[0]", 0x7e},
	    {"[0,1,0.0,1.0]", 0x7a},
	    {"[1,null,1]", 0x7d},
	    {"[0,0,0,0,0,1,1,0,0]", 0x60},
	};
	char text[512];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text),
		    "{\"codex_configs\": [{" UP ", \"time_enabled\": %s}]}", cases[i].list);
		ck_assert_msg(parse(text), "%s", text);
		ck_assert_uint_eq(
		    config->upstreams[GROUP_CODEX].items[0].schedule.days, cases[i].days);
	}
	ck_assert(warned("codex_configs[0].time_enabled")); /* nine days */
}
END_TEST

START_TEST(spaces_and_slashes_do_not_matter)
{
	ck_assert(parse("{\"api_configs\": [{\"base_url\": \"  https://a.test/v1/ \\n\","
			"\"key\": \" 12345\\t\\n\"}]}"));
	const struct config_upstream *upstream = &config->upstreams[GROUP_CLAUDE].items[0];
	ck_assert_str_eq(upstream->base_url, "https://a.test/v1/");
	ck_assert(view_eq_str(secret_reveal(&upstream->key), "12345"));
	/* ... and stay in the file as they were. */
	ck_assert_ptr_nonnull(strstr(print(), "\"  https://a.test/v1/ \\n\""));
}
END_TEST

START_TEST(a_byte_order_mark_is_skipped)
{
	ck_assert(parse("\xef\xbb\xbf{\"api_configs\": [{" UP "}]}"));
	ck_assert_uint_eq(config->upstreams[GROUP_CLAUDE].count, 1);
}
END_TEST

START_TEST(the_old_single_object_is_a_list_of_one)
{
	ck_assert(parse("{\"a\": 1, \"openai_to_claude_config\": {" UP ", \"x\": 2}, \"b\": 3}"));
	ck_assert_uint_eq(config->upstreams[GROUP_CHAT_VIA_CLAUDE].count, 1);
	ck_assert(config->upstreams[GROUP_CHAT_VIA_CLAUDE].items[0].enabled);
	const char *text = print();
	ck_assert_ptr_null(strstr(text, "openai_to_claude_config\""));
	ck_assert_ptr_nonnull(strstr(text, "\"x\": 2"));
	ck_assert(strstr(text, "\"a\"") < strstr(text, "openai_to_claude_configs"));
	ck_assert(strstr(text, "\"b\"") > strstr(text, "openai_to_claude_configs"));
}
END_TEST

START_TEST(faults_of_the_old_single_object_have_its_name)
{
	ck_assert(!parse("{\"openai_to_claude_config\": {\"base_url\": \"a\"}}"));
	expect_error(0, "openai_to_claude_config.base_url", "must start with http://");
	expect_error(1, "openai_to_claude_config.key", "is missing");
	ck_assert(!parse("{\"openai_to_claude_config\": 7}"));
	expect_error(0, "openai_to_claude_config", "must be an object");
	ck_assert(parse("{\"openai_to_claude_config\": null}"));
	/* The list wins when both are there. */
	ck_assert(parse("{\"openai_to_claude_config\": {}, \"openai_to_claude_configs\": []}"));
	ck_assert(warned("openai_to_claude_config"));
}
END_TEST

START_TEST(another_type_is_a_warning_and_a_primary)
{
	ck_assert(parse("{\"api_configs\": [{" UP ", \"type\": \"spare\"}]}"));
	ck_assert(warned("api_configs[0].type"));
	ck_assert_int_eq(config->upstreams[GROUP_CLAUDE].items[0].tier, TIER_PRIMARY);
	ck_assert(
	    parse("{\"openai_to_claude_configs\": [{" UP ", \"type\": \"openai_to_claude\"}]}"));
	ck_assert_uint_eq(faults.count, 0);
}
END_TEST

/* ---- what is kept ---- */

START_TEST(unknown_words_keep_their_place_and_order)
{
	static const char text[] = "{\n"
				   "  \"zeta\": [1, {\"deep\": null}],\n"
				   "  \"api_configs\": [\n"
				   "    {\n"
				   "      \"note\": \"\xe6\xb3\xa8\",\n"
				   "      \"key\": \" k \",\n"
				   "      \"base_url\": \"https://a.test/\",\n"
				   "      \"ratio\": 0.1,\n"
				   "      \"time_enabled\": [1, 0],\n"
				   "      \"id\": \"x\"\n"
				   "    }\n"
				   "  ],\n"
				   "  \"alpha\": {},\n"
				   "  \"timeout_settings\": {\n"
				   "    \"unknown\": true,\n"
				   "    \"connect_timeout\": 1.5\n"
				   "  }\n"
				   "}\n";
	ck_assert(parse(text));
	ck_assert(warned("zeta") && warned("alpha") && warned("api_configs[0].note") &&
		  warned("timeout_settings.unknown"));
	json_t *before = json_loads(text, 0, NULL), *after = json_loads(print(), 0, NULL);
	char *one = jget_dump(before, NULL), *other = jget_dump(after, NULL); /* order kept */
	ck_assert_str_eq(one, other);
	ck_assert_ptr_nonnull(strstr(print(), "\"ratio\": 0.1,"));
	ck_assert_ptr_nonnull(strstr(print(), "\xe6\xb3\xa8"));
	mem_free(one);
	mem_free(other);
	json_decref(before);
	json_decref(after);
}
END_TEST

START_TEST(printing_is_stable)
{
	ck_assert(parse("{\"api_configs\": [{" UP "}], \"x\": 1e3}"));
	char *once = mem_dup_str(print());
	ck_assert(parse(once));
	ck_assert_str_eq(print(), once);
	mem_free(once);
}
END_TEST

START_TEST(comments_are_no_news)
{
	ck_assert(parse("{\"_comment\": \"mine\", \"api_configs\": [{" UP ", \"_why\": 1}]}"));
	ck_assert_uint_eq(faults.count, 0);
}
END_TEST

/* ---- ids ---- */

START_TEST(ids_are_the_same_in_every_run_and_do_not_show_the_key)
{
	static const char one[] = "{\"api_configs\": [{\"name\": \"n\", \"base_url\": \"http://a\","
				  "\"key\": \"first\"}]}";
	static const char two[] = "{\"api_configs\": [{\"name\": \"n\", \"base_url\": \"http://a\","
				  "\"key\": \"second\"}]}";
	ck_assert(parse(one));
	char *id = mem_dup_str(config->upstreams[GROUP_CLAUDE].items[0].id);
	ck_assert_uint_eq(strlen(id), 8);
	ck_assert(parse(two));
	ck_assert_str_eq(config->upstreams[GROUP_CLAUDE].items[0].id, id);
	ck_assert_ptr_nonnull(strstr(print(), id));
	mem_free(id);
}
END_TEST

START_TEST(twins_get_ids_of_their_own)
{
	ck_assert(parse("{\"api_configs\": [{\"name\": \"n\", " UP "}, {\"name\": \"n\", " UP "},"
			"{\"name\": \"n\", " UP "}]}"));
	const struct config_upstream *items = config->upstreams[GROUP_CLAUDE].items;
	ck_assert_str_ne(items[0].id, items[1].id);
	ck_assert_str_ne(items[1].id, items[2].id);
	ck_assert_str_ne(items[0].id, items[2].id);
}
END_TEST

START_TEST(a_written_id_stays_when_all_else_changes)
{
	ck_assert(parse("{\"api_configs\": [{" UP ", \"id\": \"mine\", \"name\": \"other\"}]}"));
	ck_assert_str_eq(config->upstreams[GROUP_CLAUDE].items[0].id, "mine");
}
END_TEST

START_TEST(an_id_stands_once)
{
	ck_assert(
	    !parse("{\"api_configs\": [{" UP ", \"id\": \"a\"}, {" UP "}, {" UP ", \"id\": \"A\"}],"
		   "\"codex_configs\": [{" UP ", \"id\": \"a\"}]}"));
	ck_assert_uint_eq(faults.errors, 1);
	expect_error(0, "api_configs[2].id", "same as that of api_configs[0]");
	ck_assert(!parse("{\"client_keys\": [{\"sha256\": " SHA "}, {\"sha256\": " SHA "}]}"));
	expect_error(0, "client_keys[1].sha256", "same as that of client_keys[0]");
}
END_TEST

/* ---- what is refused ---- */

START_TEST(every_fault_is_told)
{
	ck_assert(
	    !parse("{\"api_configs\": [{" UP "}, {\"key\": 3}, 7],"
		   "\"codex_configs\": {},"
		   "\"server\": {\"attempts_max\": \"many\", \"tls\": {\"cert_file\": \"/c\"}},"
		   "\"timeout_settings\": {\"connect_timeout\": -1}}"));
	ck_assert_uint_eq(faults.errors, 7);
	expect_error(0, "api_configs[1].base_url", "is missing");
	expect_error(1, "api_configs[1].key", "must be a text");
	expect_error(2, "api_configs[2]", "must be an object");
	expect_error(3, "codex_configs", "must be a list");
	expect_error(4, "server.attempts_max", "from 1 to 256");
	expect_error(5, "timeout_settings.connect_timeout", "from 0.001 to 86400 s");
	expect_error(6, "server.tls", "needs both");
	ck_assert_ptr_null(config);
}
END_TEST

START_TEST(what_is_no_json_is_told_with_line_and_column)
{
	ck_assert(!parse("{\n  \"api_configs\": [}\n"));
	ck_assert(faults.syntax);
	expect_error(0, "line 2 column 19", "not valid JSON");
	ck_assert(!parse(""));
	expect_error(0, "line 1 column 0", "");
	ck_assert(!parse("{\"a\": 1, \"a\": 2}"));
	expect_error(0, "line 1 column 12", "same key twice");
	ck_assert(!parse("[]"));
	ck_assert(!faults.syntax);
	expect_error(0, "", "one JSON object");
	ck_assert(!parse("{} x"));
	ck_assert(!parse("{\"a\": 99999999999999999999}"));
}
END_TEST

START_TEST(urls_that_cannot_be_are_refused)
{
	static const struct {
		const char *url, *msg;
	} cases[] = {
	    {"", "1 to 2048 bytes"},
	    {" ", "must start with"},
	    {"a.test", "must start with http:// or https://"},
	    {"file:///etc/passwd", "must start with http:// or https://"},
	    {"https://", "host"},
	    {"https://user:secretcanary@a.test", "user and password"},
	    {"https://a.test/?key=secretcanary", "no query"},
	    {"https://a.test:99999", "port"},
	    {"https://a.test\\r\\nx: y", "byte"},
	    {"http://169.254.169.254/latest", "must not be"},
	    {"http://2852039166/", "must not be"},
	    {"http://[fe80::1]", "must not be"},
	    {"http://0.0.0.0:80", "must not be"},
	    {"http://224.0.0.1", "must not be"},
	};
	char text[512];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text),
		    "{\"retry_configs\": [{\"base_url\": \"%s\", \"key\": \"k\"}]}", cases[i].url);
		ck_assert_msg(!parse(text), "taken: %s", text);
		ck_assert_uint_eq(faults.errors, 1);
		expect_error(0, "retry_configs[0].base_url", cases[i].msg);
	}
}
END_TEST

START_TEST(denied_addresses_can_be_allowed)
{
	static const char *const good[] = {
	    "{\"api_configs\": [{\"base_url\": \"http://169.254.1.2:8080\", \"key\": \"k\"}],"
	    "\"server\": {\"allow_addresses\": [\"169.254.1.2\"]}}",
	    "{\"api_configs\": [{\"base_url\": \"http://[fe80::0:1]\", \"key\": \"k\"}],"
	    "\"server\": {\"allow_addresses\": [\"fe80::1\"]}}",
	    "{\"api_configs\": [{\"base_url\": \"http://127.0.0.1\", \"key\": \"k\"}]}",
	    "{\"api_configs\": [{\"base_url\": \"http://[::1]:1\", \"key\": \"k\"}]}",
	    "{\"api_configs\": [{\"base_url\": \"http://192.168.1.2\", \"key\": \"k\"}]}",
	};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(parse(good[i]), "%s", good[i]);
	ck_assert(
	    !parse("{\"api_configs\": [{\"base_url\": \"http://169.254.1.3\", \"key\": \"k\"}],"
		   "\"server\": {\"allow_addresses\": [\"169.254.1.2\"]}}"));
}
END_TEST

START_TEST(plain_http_to_elsewhere_is_a_warning)
{
	ck_assert(parse("{\"api_configs\": [{\"base_url\": \"http://a.test\", \"key\": \"k\"},"
			"{\"base_url\": \"http://localhost:1\", \"key\": \"k\"}]}"));
	ck_assert(warned("api_configs[0].base_url"));
	ck_assert(!warned("api_configs[1].base_url"));
}
END_TEST

START_TEST(a_sample_key_is_no_client_key)
{
	/* SHA-256 of "123" */
	ck_assert(
	    !parse("{\"client_keys\": [{\"sha256\": "
		   "\"a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3\"}]}"));
	expect_error(0, "client_keys[0].sha256", "sample key");
}
END_TEST

START_TEST(strategies_have_sound_words)
{
	static const char *const bad[] = {
	    "abc", "99", "600", "4000", "0404", "6xx", "4x", "-404", " 404"};
	char text[256], path[256];
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text),
		    "{\"error_handling_strategies\": {\"http_status_codes\": {\"%s\": "
		    "\"switch_api\"}}}",
		    bad[i]);
		snprintf(
		    path, sizeof(path), "error_handling_strategies.http_status_codes.%s", bad[i]);
		ck_assert_msg(!parse(text), "taken: %s", text);
		expect_error(0, path, "status from 100 to 599");
	}
	ck_assert(parse("{\"error_handling_strategies\": {\"network_errors\": "
			"{\"PoolTimeout\": \"switch_api\"}}}"));
	ck_assert(warned("error_handling_strategies.network_errors.PoolTimeout"));
}
END_TEST

START_TEST(lists_have_an_end)
{
	struct bytes text;
	bytes_init(&text, CONFIG_BYTES_MAX);
	for (size_t n = 256; n <= 257; n++) {
		bytes_clear(&text);
		ck_assert(bytes_append_str(&text, "{\"chat_configs\": ["));
		for (size_t i = 0; i < n; i++)
			ck_assert(bytes_printf(&text, "%s{" UP "}", i > 0 ? "," : ""));
		ck_assert(bytes_append_str(&text, "]}"));
		ck_assert_int_eq(parse(bytes_str(&text)), n == 256);
	}
	expect_error(0, "chat_configs", "257 entries, at most 256");
	bytes_fini(&text);
}
END_TEST

START_TEST(faults_have_an_end_but_are_counted)
{
	struct bytes text;
	bytes_init(&text, CONFIG_BYTES_MAX);
	ck_assert(bytes_append_str(&text, "{\"chat_configs\": [{}"));
	for (size_t i = 0; i < 200; i++)
		ck_assert(bytes_append_str(&text, ",{}"));
	ck_assert(bytes_append_str(&text, "]}"));
	ck_assert(!parse(bytes_str(&text)));
	ck_assert_uint_eq(faults.errors, 402);
	ck_assert_uint_eq(faults.count, FAULTS_KEPT_MAX);
	bytes_fini(&text);
}
END_TEST

START_TEST(a_path_is_cut_between_characters)
{
	struct bytes text;
	bytes_init(&text, 4096);
	ck_assert(bytes_append_str(
	    &text, "{\"error_handling_strategies\": {\"http_status_codes\": {\"x"));
	for (size_t i = 0; i < 100; i++)
		ck_assert(bytes_append_str(&text, "\xe6\xb3\xa8"));
	ck_assert(bytes_append_str(&text, "\": 1}}}"));
	ck_assert(!parse(bytes_str(&text)));
	json_t *list = faults_encode(&faults);
	ck_assert_uint_eq(json_array_size(list), 2);
	json_decref(list);
	bytes_fini(&text);
}
END_TEST

START_TEST(no_fault_shows_a_key)
{
	static const char *const texts[] = {
	    "{\"api_configs\": [{\"base_url\": \"x\", \"key\": \"sk-secretcanary\\u0001\"}]}",
	    "{\"api_configs\": [{\"base_url\": \"https://u:secretcanary@h\", \"key\": \"\"}]}",
	    "{\"api_configs\": [{\"base_url\": \"https://h\", \"key\": [\"secretcanary\"]}]}",
	    "{\"api_configs\": [{\"base_url\": \"https://h\", \"key\": \"secretcanary\", }]}",
	    ("{\"client_keys\": [{\"sha256\": \"secretcanary\"}], \"admin\": {\"token_sha256\": "
	     "\"secretcanary\"}}"),
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ck_assert(!parse(texts[i]));
		for (size_t k = 0; k < faults.count; k++) {
			ck_assert_ptr_null(strstr(faults.items[k].path, "canary"));
			ck_assert_ptr_null(strstr(faults.items[k].msg, "canary"));
		}
	}
}
END_TEST

/* ---- whatever the bytes ---- */

static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

START_TEST(a_thousand_mutations_do_no_harm)
{
	static const char text[] =
	    "{\"api_configs\": [{\"name\": \"n\", " UP ", \"type\": \"backup\", \"enabled\": true,"
	    "\"time_enabled\": [1,1,0,1,1,0,1], \"activation_time\": \"08:00\", \"id\": \"a\"}],"
	    "\"openai_to_claude_config\": {" UP "}, \"model_conversions\": [{" MODEL "}],"
	    "\"client_keys\": [{\"sha256\": " SHA "}], \"admin\": {\"token_sha256\": " SHA "},"
	    "\"server\": {\"attempts_max\": 3, \"tls\": {\"cert_file\": \"/c\", \"key_file\": "
	    "\"/k\"}},"
	    "\"timeout_settings\": {\"connect_timeout\": 1.5, \"max_retries\": 2},"
	    "\"error_handling_strategies\": {\"http_status_codes\": {\"404\": \"switch_api\"}}}";
	uint32_t state = 20261122;
	unsigned taken = 0;
	for (unsigned round = 0; round < 1000; round++) {
		char mutant[sizeof(text)];
		memcpy(mutant, text, sizeof(text));
		for (unsigned n = next_random(&state) % 3 + 1; n > 0; n--)
			mutant[next_random(&state) % (sizeof(text) - 1)] =
			    (char)(next_random(&state) % 255 + 1);
		if (parse(mutant)) {
			taken++;
			ck_assert(json_is_object(config->root));
			print();
		} else {
			ck_assert_uint_gt(faults.errors, 0);
		}
	}
	ck_assert_uint_gt(taken, 10);  /* changes inside names do no harm ... */
	ck_assert_uint_lt(taken, 900); /* ... most others do */
}
END_TEST

START_TEST(a_cut_file_is_never_taken)
{
	static const char text[] = "{\"api_configs\": [{" UP "}], \"admin\": {}}";
	char cut[sizeof(text)];
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		memcpy(cut, text, len);
		cut[len] = '\0';
		ck_assert(!parse(cut));
		ck_assert(faults.syntax);
	}
	ck_assert(parse(text));
}
END_TEST

static void
add_tests(TCase *tcase)
{
	tcase_add_test(tcase, any_subset_of_sections_is_a_configuration);
	tcase_add_test(tcase, missing_words_of_an_entry_have_defaults);
	tcase_add_test(tcase, days_are_read_as_before);
	tcase_add_test(tcase, spaces_and_slashes_do_not_matter);
	tcase_add_test(tcase, a_byte_order_mark_is_skipped);
	tcase_add_test(tcase, the_old_single_object_is_a_list_of_one);
	tcase_add_test(tcase, faults_of_the_old_single_object_have_its_name);
	tcase_add_test(tcase, another_type_is_a_warning_and_a_primary);
	tcase_add_test(tcase, unknown_words_keep_their_place_and_order);
	tcase_add_test(tcase, printing_is_stable);
	tcase_add_test(tcase, comments_are_no_news);
	tcase_add_test(tcase, ids_are_the_same_in_every_run_and_do_not_show_the_key);
	tcase_add_test(tcase, twins_get_ids_of_their_own);
	tcase_add_test(tcase, a_written_id_stays_when_all_else_changes);
	tcase_add_test(tcase, an_id_stands_once);
	tcase_add_test(tcase, every_fault_is_told);
	tcase_add_test(tcase, what_is_no_json_is_told_with_line_and_column);
	tcase_add_test(tcase, urls_that_cannot_be_are_refused);
	tcase_add_test(tcase, denied_addresses_can_be_allowed);
	tcase_add_test(tcase, plain_http_to_elsewhere_is_a_warning);
	tcase_add_test(tcase, a_sample_key_is_no_client_key);
	tcase_add_test(tcase, strategies_have_sound_words);
	tcase_add_test(tcase, lists_have_an_end);
	tcase_add_test(tcase, faults_have_an_end_but_are_counted);
	tcase_add_test(tcase, a_path_is_cut_between_characters);
	tcase_add_test(tcase, no_fault_shows_a_key);
	tcase_add_test(tcase, a_thousand_mutations_do_no_harm);
	tcase_add_test(tcase, a_cut_file_is_never_taken);
}

int
main(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("config");
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	add_tests(tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
