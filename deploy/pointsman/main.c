/* pointsman: run, status, reload, version. */
#include "clock.h"
#include "grid.h"
#include "jget.h"
#include "launcher.h"
#include "log.h"
#include "mem.h"
#include "names.h"
#include "options.h"
#include "query.h"
#include "status.h"
#include <stdio.h>
#include <stdlib.h>

#define EXIT_USAGE 2
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

/* Asks `type` and hands an answer of type `expected` to `show`. */
static int
show_answer(const struct options *options, const char *type, const char *expected,
    void (*show)(const json_t *body, const struct places *places, const struct options *options))
{
	struct places places;
	struct envelope answer;
	struct err err = {0};
	if (!places_find(options->state, &places, &err))
		return fail(&err);
	if (!query_ask(&places, type, &answer, &err)) {
		if (err.kind == ERR_TIMEOUT)
			err_set(
			    &err, ERR_TIMEOUT, "", "no Pointsman is running on %s", places.state);
		return fail(&err);
	}
	int status = EXIT_SUCCESS;
	if (view_eq_str(view_of(answer.type), expected)) {
		show(answer.body, &places, options);
	} else if (view_eq_str(view_of(answer.type), MSG_ERROR)) {
		status = print_refusal(answer.body);
	} else {
		err_set(&err, ERR_PEER, "", "an answer of another kind: %s", answer.type);
		status = fail(&err);
	}
	envelope_fini(&answer);
	return status;
}

static void
show_state(const json_t *body, const struct places *places, const struct options *options)
{
	struct bytes out;
	bytes_init(&out, OUTPUT_BYTES_MAX);
	if (options->json) {
		char *text = jget_dump(body, NULL);
		(void)!bytes_printf(&out, "%s\n", text);
		mem_free(text);
	} else {
		status_print(body, places, clock_wall_ms(), &out);
	}
	print(&out, stdout);
}

static void
show_reloaded(const json_t *body, const struct places *places, const struct options *options)
{
	(void)body, (void)options;
	printf("The configuration of %s was read again.\n", places->state);
}

static int
run(const struct options *options)
{
	enum log_level level = LOG_INFO;
	if (options->log_level != NULL)
		(void)!log_level_parse(view_of(options->log_level), &level);
	log_init("pointsman", level);
	const struct launcher_wish wish = {
	    .state = options->state,
	    .log_level = options->log_level,
	    .port = (uint16_t)options->port,
	    .admin_port = (uint16_t)options->admin_port,
	    .dataplanes = options->dataplanes,
	    .demo = !options->no_demo,
	};
	return launcher_run(&wish);
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
		return run(&options);
	case COMMAND_STATUS:
		return show_answer(&options, MSG_GET_STATE, MSG_STATE, show_state);
	case COMMAND_RELOAD:
		return show_answer(&options, MSG_RELOAD, MSG_OK, show_reloaded);
	case COMMAND_VERSION:
		printf("pointsman %s\n", PM_VERSION);
		return EXIT_SUCCESS;
	case COMMAND_NONE:
		break;
	}
	return help(COMMAND_NONE, stderr);
}
