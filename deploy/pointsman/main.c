/* pointsman: the launcher and all questions to a running gateway. */
#include "grid.h"
#include "jget.h"
#include "launcher.h"
#include "log.h"
#include "mem.h"
#include "names.h"
#include "operate.h"
#include "options.h"
#include "programs.h"
#include "query.h"
#include "renew.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define RUN_DRAIN_S 10
#define UPGRADE_DRAIN_S 1800
#define OUTPUT_BYTES_MAX (32u * 1024 * 1024)

static void
print(struct bytes *out, FILE *to)
{
	fwrite(bytes_str(out), 1, out->len, to);
	fflush(to);
	bytes_fini(out);
}

static int
fail(const struct err *err)
{
	struct bytes out;
	bytes_init(&out, 4096);
	(void)!bytes_printf(
	    &out, "pointsman: %s%s%s\n", err->at, err->at[0] != '\0' ? ": " : "", err->msg);
	print(&out, stderr);
	return EXIT_FAILURE;
}

/* An MSG_ERROR for a person: the message, then each fault with its path. */
static int
print_refusal(const json_t *body)
{
	struct bytes out;
	struct grid grid;
	const char *message = json_string_value(json_object_get(body, "message"));
	const json_t *faults = json_object_get(body, "faults");
	bytes_init(&out, OUTPUT_BYTES_MAX);
	grid_init(&grid, 2);
	for (size_t i = 0; i < json_array_size(faults); i++) {
		const json_t *fault = json_array_get(faults, i);
		const char *path = json_string_value(json_object_get(fault, "path"));
		const char *text = json_string_value(json_object_get(fault, "message"));
		grid_add(&grid, "%s", path != NULL ? path : "");
		grid_add(&grid, "%s", text != NULL ? text : "");
	}
	(void)!bytes_append_str(&out, "pointsman: ");
	grid_clean(&out, message != NULL ? view_of(message) : VIEW("refused without a reason"));
	(void)!bytes_append_char(&out, '\n');
	grid_print(&grid, 2, &out);
	grid_fini(&grid);
	print(&out, stderr);
	return EXIT_FAILURE;
}

/* Asks and hands an answer of type `expected` to `show`. Takes `body`. */
static int
show_answer(const struct ask *ask, const struct options *options)
{
	struct places places;
	struct envelope answer;
	struct err err = {0};
	if (!places_find(options->state, options->run_dir, &places, &err)) {
		json_decref(ask->body);
		return fail(&err);
	}
	if (!query_ask(&places, ask->type, ask->body, &answer, &err)) {
		if (err.kind == ERR_TIMEOUT)
			err_set(
			    &err, ERR_TIMEOUT, "", "no Pointsman is running on %s", places.state);
		return fail(&err);
	}
	int status = EXIT_SUCCESS;
	struct bytes out;
	bytes_init(&out, OUTPUT_BYTES_MAX);
	if (view_eq_str(view_of(answer.type), MSG_ERROR)) {
		status = print_refusal(answer.body);
	} else if (!view_eq_str(view_of(answer.type), ask->expected)) {
		err_set(&err, ERR_PEER, "", "an answer of another kind: %s", answer.type);
		status = fail(&err);
	} else if (options->json) {
		char *text = jget_dump(answer.body, NULL);
		(void)!bytes_printf(&out, "%s\n", text);
		mem_free(text);
	} else {
		ask->show(answer.body, &places, options, &out);
	}
	print(&out, stdout);
	envelope_fini(&answer);
	return status;
}

/* The command line's upstream as an id: asked from the state, since people know names. */
static bool
find_upstream(
    const struct options *options, const char *word, char id[OPERATE_ID_BYTES], struct err *err)
{
	struct places places;
	struct envelope answer;
	if (!places_find(options->state, options->run_dir, &places, err) ||
	    !query_ask(&places, MSG_GET_STATE, NULL, &answer, err))
		return false;
	bool ok = operate_find(answer.body, word, id, err);
	envelope_fini(&answer);
	return ok;
}

/* Commands that name an upstream, or none. */
static int
operate(const struct options *options)
{
	char id[OPERATE_ID_BYTES] = "";
	struct err err = {0};
	const char *word =
	    options->command == COMMAND_DECISIONS ? options->upstream : options->word;
	if (word != NULL && !find_upstream(options, word, id, &err)) {
		if (err.kind == ERR_TIMEOUT)
			err_set(&err, ERR_TIMEOUT, "", "no Pointsman is running there");
		return fail(&err);
	}
	struct ask ask = operate_ask(options, word != NULL ? id : NULL);
	return show_answer(&ask, options);
}

static bool
find_part(const struct options *options, enum launcher_part *out)
{
	struct err err = {0};
	unsigned part = LAUNCHER_ALL;
	while (options->only != NULL && part <= LAUNCHER_DATAPLANE &&
	       (part == LAUNCHER_ALL || strcmp(options->only, launcher_part_name(part)) != 0))
		part++;
	*out = (enum launcher_part)part;
	if (part <= LAUNCHER_DATAPLANE)
		return true;
	err_set(&err, ERR_CONFIG, "--only", "must be controlplane, webadmin or dataplane");
	fail(&err);
	return false;
}

static int
run(const struct options *options, char *const *argv)
{
	enum log_level level = LOG_INFO;
	if (options->log_level != NULL)
		(void)!log_level_parse(view_of(options->log_level), &level);
	log_init("pointsman", level);
	enum launcher_part part;
	if (!find_part(options, &part))
		return EXIT_USAGE;
	const struct launcher_wish wish = {
	    .state = options->state,
	    .run_dir = options->run_dir,
	    .only = part,
	    .listen = options->listen,
	    .admin_listen = options->admin_listen,
	    .log_level = options->log_level,
	    .port = (uint16_t)options->port,
	    .admin_port = (uint16_t)options->admin_port,
	    .dataplanes = options->dataplanes,
	    .drain_s = options->drain_s > 0 ? options->drain_s : RUN_DRAIN_S,
	    .demo = !options->no_demo && part == LAUNCHER_ALL,
	    .quiet = options->quiet,
	    .argv = argv,
	};
	return launcher_run(&wish);
}

/* Who owns the configuration says what is wrong with it; nothing need run for that. */
static int
check(const struct options *options)
{
	char folder[PATH_MAX], path[PATH_MAX];
	struct err err = {0};
	if (programs_folder(folder, &err) && programs_find(folder, "controlplane", path, &err)) {
		execl(path, path, "--check", options->word, (char *)NULL);
		err_errno(&err, path, "cannot start");
	}
	return fail(&err);
}

static int
upgrade(const struct options *options)
{
	struct places places;
	struct err err = {0};
	uint32_t drain_s = options->drain_s > 0 ? options->drain_s : UPGRADE_DRAIN_S;
	enum launcher_part part;
	if (!find_part(options, &part))
		return EXIT_USAGE;
	if (!places_find(options->state, options->run_dir, &places, &err) ||
	    !renew_ask(&places, part, drain_s, &err))
		return fail(&err);
	return EXIT_SUCCESS;
}

static int
help(enum command command, FILE *to)
{
	struct bytes out;
	bytes_init(&out, OUTPUT_BYTES_MAX);
	options_help(command, &out);
	print(&out, to);
	return to == stdout ? EXIT_SUCCESS : EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	struct options options;
	struct err err = {0};
	if (!options_parse(argc, argv, &options, &err)) {
		fail(&err);
		return help(options.command, stderr);
	}
	if (options.help)
		return help(options.command, stdout);
	switch (options.command) {
	case COMMAND_RUN:
		return run(&options, argv);
	case COMMAND_STATUS:
	case COMMAND_UPSTREAMS:
	case COMMAND_EXPLAIN:
	case COMMAND_DECISIONS:
	case COMMAND_CLEAR:
	case COMMAND_PROBE:
	case COMMAND_ENABLE:
	case COMMAND_DISABLE:
	case COMMAND_FORGET:
	case COMMAND_ALERTS:
	case COMMAND_TEST_ALERT:
	case COMMAND_RELOAD:
	case COMMAND_LOGIN:
		return operate(&options);
	case COMMAND_CHECK:
		return check(&options);
	case COMMAND_UPGRADE:
		return upgrade(&options);
	case COMMAND_VERSION:
		printf("pointsman %s\n", PM_VERSION);
		return EXIT_SUCCESS;
	case COMMAND_NONE:
		break;
	}
	return help(COMMAND_NONE, stderr);
}
