/* What pointsman(1) reads from its command line and shows to a person. */
#include "banner.h"
#include "fileio.h"
#include "grid.h"
#include "jget.h"
#include "options.h"
#include "status.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGS_MAX 24
#define HELP_COLUMN 24 /* where the words begin */

static struct options options;
static struct err err;

/* Parses "pointsman <line>", split at the spaces. */
static bool
parse(const char *line)
{
	static char copy[256], program[] = "pointsman";
	char *argv[ARGS_MAX] = {program}, *save = NULL;
	int argc = 1;
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok_r(copy, " ", &save); word != NULL && argc < ARGS_MAX;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	memset(&err, 0, sizeof(err));
	return options_parse(argc, argv, &options, &err);
}

START_TEST(run_has_defaults)
{
	ck_assert(parse("run"));
	ck_assert_int_eq(options.command, COMMAND_RUN);
	ck_assert_ptr_null(options.state);
	ck_assert_uint_eq(options.port, 5101);
	ck_assert_uint_eq(options.admin_port, 5102);
	ck_assert_uint_eq(options.dataplanes, 0);
	ck_assert(!options.no_demo && !options.help);
	ck_assert_ptr_null(options.log_level);
}
END_TEST

START_TEST(run_takes_all_its_options)
{
	ck_assert(parse("run --state /s --port=1 --admin-port 65535 --dataplanes 64 --no-demo "
			"--log-level debug --listen ::1 --admin-listen=::1 --only webadmin "
			"--run-dir /r --quiet --drain 3600"));
	ck_assert_str_eq(options.state, "/s");
	ck_assert_uint_eq(options.port, 1);
	ck_assert_uint_eq(options.admin_port, 65535);
	ck_assert_uint_eq(options.dataplanes, 64);
	ck_assert(options.no_demo);
	ck_assert_str_eq(options.log_level, "debug");
	ck_assert_str_eq(options.listen, "::1");
	ck_assert_str_eq(options.admin_listen, "::1");
	ck_assert_str_eq(options.only, "webadmin");
	ck_assert_str_eq(options.run_dir, "/r");
	ck_assert(options.quiet);
	ck_assert_uint_eq(options.drain_s, 3600);
}
END_TEST

START_TEST(other_commands_take_theirs)
{
	ck_assert(parse("status --json --state=x"));
	ck_assert_int_eq(options.command, COMMAND_STATUS);
	ck_assert(options.json);
	ck_assert_str_eq(options.state, "x");
	ck_assert(parse("check f.json"));
	ck_assert_int_eq(options.command, COMMAND_CHECK);
	ck_assert_str_eq(options.word, "f.json");
	ck_assert(parse("upgrade --state s --drain 60"));
	ck_assert_int_eq(options.command, COMMAND_UPGRADE);
	ck_assert_uint_eq(options.drain_s, 60);
	ck_assert(parse("reload --help"));
	ck_assert(options.help);
	ck_assert(parse("-h"));
	ck_assert(options.help);
	ck_assert_int_eq(options.command, COMMAND_NONE);
	ck_assert(parse("--version"));
	ck_assert_int_eq(options.command, COMMAND_VERSION);
}
END_TEST

static const struct {
	const char *line, *at;
} refused[] = {
    {"", ""},
    {"start", "start"},
    {"--port 5", "--port"},
    {"run more", "more"},
    {"run --unknown", "--unknown"},
    {"run --json", "--json"},
    {"status --port 5", "--port"},
    {"check", ""},
    {"check a b", "b"},
    {"run --port", "--port"},
    {"run --port=", "--port"},
    {"run --port 0", "--port"},
    {"run --port 65536", "--port"},
    {"run --port 5x", "--port"},
    {"run --dataplanes 65", "--dataplanes"},
    {"run --no-demo=1", "--no-demo"},
    {"run --log-level loud", "--log-level"},
    {"run --state=", "--state"},
    {"run --admin-port 5101", "--admin-port"},
    {"--version more", "--version"},
};

START_TEST(anything_else_is_refused)
{
	ck_assert_msg(!parse(refused[_i].line), "%s", refused[_i].line);
	ck_assert_str_eq(err.at, refused[_i].at);
	ck_assert_str_ne(err.msg, "");
}
END_TEST

/* As a manual page has to write it. */
static void
escape(struct view name, char *out, size_t out_len)
{
	size_t len = 0;
	for (size_t i = 0; i < name.len && len < out_len - 3; i++) {
		if (name.data[i] == '-')
			out[len++] = '\\';
		out[len++] = name.data[i];
	}
	out[len] = '\0';
}

START_TEST(help_is_a_table_and_the_synopsis_of_run_is_complete)
{
	struct bytes help, manual;
	struct view rest, line;
	char escaped[64];
	bytes_init(&help, 1 << 16);
	bytes_init(&manual, 1 << 16);
	ck_assert_msg(fileio_read(MANUAL, &manual, &err), "%s", err.msg);
	const ptrdiff_t begin = view_find(bytes_view(&manual), ".B pointsman run\n");
	ck_assert_int_ge(begin, 0);
	struct view synopsis = view_from(bytes_view(&manual), (size_t)begin);
	synopsis = view_sub(synopsis, 0, (size_t)view_find(synopsis, ".br\n"));
	options_help(COMMAND_RUN, &help);
	rest = bytes_view(&help);
	while (view_split(&rest, '\n', &line)) {
		if (!view_starts(line, "  "))
			continue;
		ck_assert_uint_gt(line.len, HELP_COLUMN);
		ck_assert(line.data[HELP_COLUMN - 1] == ' ' && line.data[HELP_COLUMN] != ' ');
		if (!view_starts(line, "  --") || view_starts(line, "  --help"))
			continue;
		struct view name = view_from(line, 2);
		escape(view_sub(name, 0, (size_t)view_find(name, " ")), escaped, sizeof(escaped));
		ck_assert_msg(view_find(synopsis, escaped) >= 0, "synopsis: %s", escaped);
	}
	bytes_fini(&help);
	bytes_fini(&manual);
}
END_TEST

START_TEST(help_and_manual_name_every_option)
{
	struct bytes help, manual;
	bytes_init(&help, 1 << 16);
	bytes_init(&manual, 1 << 16);
	options_help(COMMAND_RUN, &help);
	for (int command = COMMAND_STATUS; command < COMMAND_NONE; command++)
		options_help((enum command)command, &help);
	options_help(COMMAND_NONE, &help);
	ck_assert_msg(fileio_read(MANUAL, &manual, &err), "%s", err.msg);
	const char *name;
	for (unsigned i = 0; (name = options_name(i)) != NULL; i++) {
		char escaped[64];
		escape(view_of(name), escaped, sizeof(escaped));
		ck_assert_msg(view_find(bytes_view(&help), name) >= 0, "help: %s", name);
		ck_assert_msg(view_find(bytes_view(&manual), escaped) >= 0, "manual: %s", name);
	}
	ck_assert_int_ge(view_find(bytes_view(&help), "reload"), 0);
	bytes_fini(&help);
	bytes_fini(&manual);
}
END_TEST

START_TEST(a_grid_is_aligned_and_clean)
{
	struct grid grid;
	struct bytes out;
	bytes_init(&out, 4096);
	grid_init(&grid, 2);
	grid_print(&grid, 2, &out);
	ck_assert_uint_eq(out.len, 0);
	grid_add(&grid, "%s", "\xc3\xa4");
	grid_add(&grid, "%s", "one");
	grid_add(&grid, "%s", "long");
	grid_add(&grid, "%s",
	    "a\x1b[31m\x7f\n\xc2\x9b"
	    "b");
	grid_print(&grid, 2, &out);
	ck_assert_str_eq(bytes_str(&out), "  \xc3\xa4     one\n  long  a?[31m???b\n");
	grid_fini(&grid);
	bytes_fini(&out);
}
END_TEST

static json_t *
ready(bool minted)
{
	json_t *json;
	const char *text =
	    "{\"client_key_file\":\"/nonexistent/client-key\","
	    "\"admin_token_file\":\"/nonexistent/admin-token\","
	    "\"routes\":[{\"path\":\"/v1/messages\",\"group\":\"claude\"}],"
	    "\"upstreams\":[{\"group\":\"claude\",\"rank\":3,\"name\":\"mine\","
	    "\"tier\":\"primary\",\"base_url\":\"https://u.example\",\"demo\":true}]}";
	ck_assert(jget_parse(view_of(text), &json, &err));
	json_object_set_new(json, "minted", json_boolean(minted));
	return json;
}

static bool
has(struct bytes *out, const char *text)
{
	return view_find(bytes_view(out), text) >= 0;
}

START_TEST(the_banner_names_files_once_keys_were_shown)
{
	struct bytes out;
	bytes_init(&out, 1 << 16);
	json_t *json = ready(false);
	ck_assert_msg(banner_print(json, 7001, 7002, &out, &err), "%s", err.msg);
	ck_assert(has(&out, "/v1/messages  claude"));
	ck_assert(has(&out, "claude  3  primary  mine  https://u.example (built-in demo)"));
	ck_assert(has(&out, "ANTHROPIC_BASE_URL=http://localhost:7001 ANTHROPIC_AUTH_TOKEN="));
	ck_assert(has(&out, "base_url = \"http://localhost:7001/openai\""));
	ck_assert(has(&out, "OPENAI_BASE_URL=http://localhost:7001/v1"));
	ck_assert(has(&out, "http://localhost:7002/\n"));
	ck_assert(has(&out, "Client key   /nonexistent/client-key\n"));
	json_decref(json);
	bytes_fini(&out);
}
END_TEST

START_TEST(the_banner_shows_minted_keys)
{
	struct bytes out;
	char path[] = "/tmp/pm-banner-XXXXXX";
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "pm-secret\n", 10), 10);
	close(fd);
	bytes_init(&out, 1 << 16);
	json_t *json = ready(true);
	ck_assert(!banner_print(json, 7001, 7002, &out, &err));
	bytes_clear(&out);
	json_object_set_new(json, "client_key_file", json_string(path));
	json_object_set_new(json, "admin_token_file", json_string(path));
	ck_assert_msg(banner_print(json, 7001, 7002, &out, &err), "%s", err.msg);
	ck_assert(has(&out, "Client key   pm-secret  (shown this once; kept in /tmp/pm-banner-"));
	json_decref(json);
	bytes_fini(&out);
	unlink(path);
}
END_TEST

START_TEST(a_ready_file_of_another_shape_is_refused)
{
	struct bytes out;
	bytes_init(&out, 1 << 16);
	json_t *json = json_pack("{s:s}", "minted", "yes");
	ck_assert(!banner_print(json, 1, 2, &out, &err));
	ck_assert_str_eq(err.at, "minted");
	json_object_set_new(json, "minted", json_false());
	ck_assert(!banner_print(json, 1, 2, &out, &err));
	json_decref(json);
	json = ready(false);
	json_object_set_new(json, "routes", json_pack("[i]", 1));
	ck_assert(!banner_print(json, 1, 2, &out, &err));
	json_decref(json);
	bytes_fini(&out);
}
END_TEST

START_TEST(the_status_shows_what_is_there)
{
	const char *text =
	    "{\"version\":7,\"epoch\":1,\"started_ms\":1000,\"revision\":12,"
	    "\"config_path\":\"/s/json_data/all_configs.json\",\"demo\":true,"
	    "\"config_error\":{\"kind\":\"config\",\"message\":\"wrong\","
	    "\"faults\":[{\"path\":\"api_configs[0].base_url\",\"message\":\"is no URL\"}]},"
	    "\"groups\":[{\"group\":\"claude\",\"protocol\":\"anthropic\",\"upstreams\":["
	    "{\"id\":\"claude:1\",\"name\":\"mine\",\"tier\":\"primary\",\"rank\":1,"
	    "\"base_url\":\"https://u\",\"enabled\":true,\"available\":false,"
	    "\"reason\":\"cooling 30 s\",\"key\":\"sk-...wxyz\",\"demo\":false}]}],"
	    "\"dataplanes\":[{\"instance\":\"dataplane.0\",\"pid\":44,\"table_version\":7,"
	    "\"requests\":9,\"in_flight\":2,\"rss_bytes\":3145728,\"age_ms\":400}],"
	    "\"client_keys\":[]}";
	struct places places = {.state = "/nonexistent"};
	struct bytes out;
	json_t *json;
	bytes_init(&out, 1 << 16);
	ck_assert(jget_parse(view_of(text), &json, &err));
	status_print(json, &places, 91000 + 3600000, &out);
	ck_assert(has(&out, "Table version 7, up 1 h 1 min, configuration /s/json_data/"));
	ck_assert(has(&out, "wrong\n  api_configs[0].base_url  is no URL\n"));
	ck_assert(has(&out, "dataplane.0  44   7      2          9 "));
	ck_assert(has(&out, " 3    0.4 s ago\n"));
	ck_assert(
	    has(&out, "claude  1     primary  no: cooling 30 s  mine      https://u  sk-...wxyz"));
	json_decref(json);
	bytes_clear(&out);
	/* Nothing that an answer may hold or lack stops the rest. */
	json = json_pack("{s:i, s:[i], s:s}", "config_error", 1, "groups", 1, "dataplanes", "x");
	status_print(json, &places, 0, &out);
	ck_assert(has(&out, "Table version 0"));
	json_decref(json);
	bytes_fini(&out);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("launcher_text");
	TCase *tests = tcase_create("launcher_text");
	tcase_add_test(tests, run_has_defaults);
	tcase_add_test(tests, run_takes_all_its_options);
	tcase_add_test(tests, other_commands_take_theirs);
	tcase_add_loop_test(
	    tests, anything_else_is_refused, 0, (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_test(tests, help_is_a_table_and_the_synopsis_of_run_is_complete);
	tcase_add_test(tests, help_and_manual_name_every_option);
	tcase_add_test(tests, a_grid_is_aligned_and_clean);
	tcase_add_test(tests, the_banner_names_files_once_keys_were_shown);
	tcase_add_test(tests, the_banner_shows_minted_keys);
	tcase_add_test(tests, a_ready_file_of_another_shape_is_refused);
	tcase_add_test(tests, the_status_shows_what_is_there);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
