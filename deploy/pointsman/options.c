#include "options.h"
#include "log.h"
#include "must.h"
#include "view.h"
#include <string.h>

static const struct {
	const char *name, *help;
	const char *word; /* NULL = it takes none; in brackets = it may be left out */
} commands[] = {
    [COMMAND_RUN] = {"run", "start the gateway and stay in the foreground", NULL},
    [COMMAND_STATUS] = {"status", "show what a running gateway does", NULL},
    [COMMAND_UPSTREAMS] = {"upstreams", "show the health of every upstream, and why", NULL},
    [COMMAND_EXPLAIN] = {"explain", "say which upstream would serve, and why not the others", NULL},
    [COMMAND_DECISIONS] = {"decisions", "show the last requests and what was tried for them", NULL},
    [COMMAND_CLEAR] = {"clear", "end the rest of an upstream, of a group, or of all", "[UPSTREAM]"},
    [COMMAND_PROBE] = {"probe", "probe an upstream now", "UPSTREAM"},
    [COMMAND_ENABLE] = {"enable", "switch an upstream on", "UPSTREAM"},
    [COMMAND_DISABLE] = {"disable", "switch an upstream off", "UPSTREAM"},
    [COMMAND_FORGET] = {"forget", "forget what was learned of an upstream, or of all",
	"[UPSTREAM]"},
    [COMMAND_ALERTS] = {"alerts", "show what is wrong now, and the last alerts", NULL},
    [COMMAND_TEST_ALERT] = {"test-alert", "send an alert that says it is a test", NULL},
    [COMMAND_RELOAD] = {"reload", "read the configuration file again", NULL},
    [COMMAND_CHECK] = {"check", "say what is wrong with a configuration file", "FILE"},
    [COMMAND_LOGIN] = {"login", "print an address that opens the admin pages, once", NULL},
    [COMMAND_UPGRADE] = {"upgrade", "put this version in place of the one that runs", NULL},
    [COMMAND_VERSION] = {"version", "print the version", NULL},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))
#define HELP_COLUMN 24 /* behind the longest option */
#define IN(command) (1u << (command))
#define IN_ALL (~0u)
#define IN_SHOWING                                                                                 \
	(IN(COMMAND_STATUS) | IN(COMMAND_UPSTREAMS) | IN(COMMAND_EXPLAIN) |                        \
	    IN(COMMAND_DECISIONS) | IN(COMMAND_ALERTS))
#define IN_ACTING                                                                                  \
	(IN(COMMAND_CLEAR) | IN(COMMAND_PROBE) | IN(COMMAND_ENABLE) | IN(COMMAND_DISABLE) |        \
	    IN(COMMAND_FORGET) | IN(COMMAND_TEST_ALERT))
#define TEXT(name, value, help, in, member)                                                        \
	{                                                                                          \
		name, value, help, in, KIND_TEXT, offsetof(struct options, member), 0, 0           \
	}

enum kind { KIND_FLAG, KIND_TEXT, KIND_LEVEL, KIND_NUMBER };

static const struct option_row {
	const char *name, *value, *help;
	unsigned in; /* the commands that know it */
	enum kind kind;
	size_t offset;
	uint32_t min, max;
} rows[] = {
    {"--state", "DIR",
	"folder of the configuration, keys and statistics\n"
	"(default $XDG_STATE_HOME/pointsman, else ~/.local/state/pointsman)",
	IN(COMMAND_RUN) | IN(COMMAND_RELOAD) | IN(COMMAND_UPGRADE) | IN(COMMAND_LOGIN) |
	    IN_SHOWING | IN_ACTING,
	KIND_TEXT, offsetof(struct options, state), 0, 0},
    TEXT("--run-dir", "DIR",
	"folder of the sockets between the programs (default DIR/run of --state)",
	IN(COMMAND_RUN) | IN(COMMAND_RELOAD) | IN(COMMAND_UPGRADE) | IN(COMMAND_LOGIN) |
	    IN_SHOWING | IN_ACTING,
	run_dir),
    TEXT("--at", "WHEN",
	"the moment, like \"Tue 03:00\", \"03:00\", \"2026-12-24 03:00\" (default now)",
	IN(COMMAND_EXPLAIN), at),
    TEXT("--path", "PATH", "the path of the request (default /v1/messages)", IN(COMMAND_EXPLAIN),
	path),
    TEXT("--model", "MODEL", "the model that is asked for",
	IN(COMMAND_EXPLAIN) | IN(COMMAND_FORGET), model),
    TEXT("--session", "KEY", "the session's own name", IN(COMMAND_EXPLAIN), session),
    TEXT("--group", "GROUP", "claude, codex, chat, chat_via_claude or retry",
	IN(COMMAND_EXPLAIN) | IN(COMMAND_CLEAR), group),
    TEXT("--id", "REQ", "only requests whose id begins like this", IN(COMMAND_DECISIONS), id),
    TEXT("--upstream", "UPSTREAM", "only requests for which this one was asked",
	IN(COMMAND_DECISIONS), upstream),
    {"--limit", "N", "so many at the most (default 20, at most 100)", IN(COMMAND_DECISIONS),
	KIND_NUMBER, offsetof(struct options, limit), 1, 100},
    TEXT("--kind", "KIND", "beta, field, thinking or encrypted", IN(COMMAND_FORGET), kind),
    TEXT("--name", "NAME", "what was left out", IN(COMMAND_FORGET), name),
    {"--all", NULL, "all of them", IN(COMMAND_CLEAR) | IN(COMMAND_FORGET), KIND_FLAG,
	offsetof(struct options, all), 0, 0},
    {"--port", "N", "port for clients (default 5101)", IN(COMMAND_RUN), KIND_NUMBER,
	offsetof(struct options, port), 1, 65535},
    TEXT("--listen", "ADDRS", "addresses for clients, comma between them (default 127.0.0.1,::1)",
	IN(COMMAND_RUN), listen),
    {"--admin-port", "N", "port of the admin pages (default 5102)",
	IN(COMMAND_RUN) | IN(COMMAND_LOGIN), KIND_NUMBER, offsetof(struct options, admin_port), 1,
	65535},
    TEXT("--admin-listen", "ADDRS", "addresses of the admin pages (default 127.0.0.1,::1)",
	IN(COMMAND_RUN), admin_listen),
    TEXT("--only", "PART",
	"start (upgrade) controlplane, webadmin or dataplane alone;\nthe others run elsewhere on "
	"the same --run-dir",
	IN(COMMAND_RUN) | IN(COMMAND_UPGRADE), only),
    {"--dataplanes", "N", "forwarding processes (default one for each core, at least 2)",
	IN(COMMAND_RUN), KIND_NUMBER, offsetof(struct options, dataplanes), 1, 64},
    {"--drain", "SECONDS", "what streams in work are given (run: 10, upgrade: 1800)",
	IN(COMMAND_RUN) | IN(COMMAND_UPGRADE), KIND_NUMBER, offsetof(struct options, drain_s), 1,
	86400},
    {"--no-demo", NULL, "without the built-in demo upstream", IN(COMMAND_RUN), KIND_FLAG,
	offsetof(struct options, no_demo), 0, 0},
    {"--quiet", NULL, "print no banner; the keys are in their files", IN(COMMAND_RUN), KIND_FLAG,
	offsetof(struct options, quiet), 0, 0},
    {"--log-level", "LEVEL", "debug, info, warn or error (default info)", IN(COMMAND_RUN),
	KIND_LEVEL, offsetof(struct options, log_level), 0, 0},
    {"--json", NULL, "print the answer as it came, as JSON", IN_SHOWING, KIND_FLAG,
	offsetof(struct options, json), 0, 0},
    {"--help", NULL, "print this help", IN_ALL, KIND_FLAG, offsetof(struct options, help), 0, 0},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static bool
set_value(const struct option_row *row, const char *text, struct options *options, struct err *err)
{
	void *at = (char *)options + row->offset;
	enum log_level level;
	uint64_t number;
	if (row->kind == KIND_FLAG) {
		*(bool *)at = true;
		return true;
	}
	MUST(text != NULL);
	switch (row->kind) {
	case KIND_FLAG:
		break;
	case KIND_TEXT:
		*(const char **)at = text;
		return *text != '\0' || err_set(err, ERR_CONFIG, row->name, "needs a value");
	case KIND_LEVEL:
		*(const char **)at = text;
		return log_level_parse(view_of(text), &level) ||
		       err_set(err, ERR_CONFIG, row->name, "must be debug, info, warn or error");
	case KIND_NUMBER:
		if (!view_to_u64(view_of(text), &number) || number < row->min || number > row->max)
			return err_set(err, ERR_CONFIG, row->name, "must be a number from %u to %u",
			    row->min, row->max);
		*(uint32_t *)at = (uint32_t)number;
		return true;
	}
	MUST(false);
}

/* The row for "--name" or "--name=value" that the command knows; *value behind the '='. */
static const struct option_row *
find_row(enum command command, const char *arg, const char **value)
{
	size_t len = strcspn(arg, "=");
	*value = arg[len] == '=' ? arg + len + 1 : NULL;
	for (size_t i = 0; i < ROWS; i++) {
		const struct option_row *row = &rows[i];
		if (strlen(row->name) == len && strncmp(arg, row->name, len) == 0 &&
		    (row->in & IN(command)) != 0)
			return row;
	}
	return NULL;
}

/* *at is the option's place in argv and then that of its last word. */
static bool
parse_option(int argc, char *const *argv, int *at, struct options *out, struct err *err)
{
	const char *arg = strcmp(argv[*at], "-h") == 0 ? "--help" : argv[*at], *value;
	const struct option_row *row = find_row(out->command, arg, &value);
	bool wants_word = out->command != COMMAND_NONE && commands[out->command].word != NULL;
	if (wants_word && arg[0] != '-' && arg[0] != '\0' && out->word == NULL) {
		out->word = arg;
		return true;
	}
	if (row == NULL)
		return err_set(err, ERR_CONFIG, arg, "%s",
		    arg[0] == '-' ? "is no option here" : "is a word too many");
	if (row->value == NULL && value != NULL)
		return err_set(err, ERR_CONFIG, row->name, "takes no value");
	if (row->value != NULL && value == NULL) {
		if (*at + 1 >= argc)
			return err_set(err, ERR_CONFIG, row->name, "needs a value");
		value = argv[++*at];
	}
	return set_value(row, value, out, err);
}

/* One upstream, one group or --all: what is not named is not touched. */
static bool
check_word(const struct options *options, struct err *err)
{
	if (options->command == COMMAND_NONE || commands[options->command].word == NULL)
		return true;
	bool needed = commands[options->command].word[0] != '[';
	bool other = options->all || options->group != NULL || options->model != NULL ||
		     options->kind != NULL || options->name != NULL;
	if (options->word == NULL && options->command == COMMAND_CHECK)
		return err_set(err, ERR_CONFIG, "", "a file is needed");
	if (options->word == NULL && needed)
		return err_set(err, ERR_CONFIG, "", "an upstream is needed: its id or its name");
	if (options->word == NULL && !other)
		return err_set(err, ERR_CONFIG, "", "say which: an upstream, or --all");
	return true;
}

bool
options_parse(int argc, char *const *argv, struct options *out, struct err *err)
{
	*out = (struct options){.command = COMMAND_NONE, .port = 5101, .admin_port = 5102};
	int at = 1;
	if (argc > 1 && argv[1][0] != '-') {
		for (size_t i = 0; i < COMMANDS; i++)
			if (strcmp(argv[1], commands[i].name) == 0)
				out->command = (enum command)i;
		if (out->command == COMMAND_NONE)
			return err_set(err, ERR_CONFIG, argv[1], "is no command");
		at = 2;
	} else if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		out->command = COMMAND_VERSION;
		return true;
	}
	for (; at < argc; at++)
		if (!parse_option(argc, argv, &at, out, err))
			return false;
	if (out->command == COMMAND_NONE && !out->help)
		return err_set(err, ERR_CONFIG, "", "a command is needed");
	if (!out->help && !check_word(out, err))
		return false;
	if (out->command == COMMAND_RUN && !out->help && out->port == out->admin_port)
		return err_set(err, ERR_CONFIG, "--admin-port", "must differ from --port");
	return true;
}

/* The option's line; a text of more lines goes on below its first. */
static void
help_row(const struct option_row *row, struct bytes *out)
{
	struct view rest = view_of(row->help), line;
	size_t start = out->len;
	MUST(bytes_printf(out, "  %s%s%s", row->name, row->value != NULL ? " " : "",
	    row->value != NULL ? row->value : ""));
	while (view_split(&rest, '\n', &line)) {
		MUST(bytes_printf(out, "%*s%.*s\n", (int)(HELP_COLUMN - (out->len - start)), "",
		    VIEW_ARGS(line)));
		start = out->len;
	}
}

void
options_help(enum command command, struct bytes *out)
{
	bool whole = command == COMMAND_NONE;
	const char *word = whole ? NULL : commands[command].word;
	MUST(bytes_printf(out, "Usage: pointsman %s%s%s [OPTION]...\n",
	    whole ? "COMMAND" : commands[command].name, word != NULL ? " " : "",
	    word != NULL ? word : ""));
	if (whole) {
		MUST(bytes_append_str(out, "A gateway for coding agents.\n\nCommands:\n"));
		for (size_t i = 0; i < COMMANDS; i++)
			MUST(bytes_printf(out, "  %-20s%s\n", commands[i].name, commands[i].help));
		MUST(bytes_append_str(
		    out, "\n\"pointsman COMMAND --help\" tells a command's options.\n"));
		return;
	}
	MUST(bytes_printf(out, "Pointsman: %s.\n\nOptions:\n", commands[command].help));
	for (size_t i = 0; i < ROWS; i++)
		if ((rows[i].in & IN(command)) != 0)
			help_row(&rows[i], out);
}

const char *
options_name(unsigned index)
{
	return index < ROWS ? rows[index].name : NULL;
}
