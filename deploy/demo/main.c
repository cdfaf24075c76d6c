/* demo-upstream: see README.md. */
#include "crypto.h"
#include "figures.h"
#include "log.h"
#include "mem.h"
#include "netaddr.h"
#include "serve.h"
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTEN_DEFAULT "127.0.0.1:5190"
#define LISTEN_MAX 16
#define BODY_BYTES_MAX (128u << 20)

struct options {
	const char *listen[LISTEN_MAX];
	int listen_count;
	const char *ledger;
	bool no_ledger;
	enum log_level level;
	uint64_t idle_close_ms; /* 0: httpd's own figure */
};

struct listeners {
	struct httpd *httpd;
	unsigned count;
	struct err err;
};

static const char usage_text[] =
    "usage: demo-upstream [--listen HOST:PORT] [--ledger FILE | --no-ledger]\n"
    "                     [--log-level debug|info|warn|error] [--idle-close MS]\n"
    "A small stand-in for a model service: Anthropic Messages, OpenAI Chat Completions and\n"
    "OpenAI Responses. Without --listen it takes descriptors named \"demo\" (LISTEN_FDS), else it\n"
    "listens on " LISTEN_DEFAULT ". Port 0 picks one. --listen may be given several times.\n";

static bool
option_take(struct options *options, int letter, const char *value)
{
	switch (letter) {
	case 'l':
		if (options->listen_count == LISTEN_MAX)
			return false;
		options->listen[options->listen_count++] = value;
		return true;
	case 'f':
		options->ledger = value;
		return true;
	case 'n':
		options->no_ledger = true;
		return true;
	case 'v':
		return log_level_parse(view_of(value), &options->level);
	case 'i':
		return view_to_u64(view_of(value), &options->idle_close_ms) &&
		       options->idle_close_ms <= UINT32_MAX;
	default:
		return false;
	}
}

static bool
options_parse(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
	    {"listen", required_argument, NULL, 'l'},
	    {"ledger", required_argument, NULL, 'f'},
	    {"no-ledger", no_argument, NULL, 'n'},
	    {"log-level", required_argument, NULL, 'v'},
	    {"idle-close", required_argument, NULL, 'i'},
	    {NULL, 0, NULL, 0},
	};
	int letter;
	*options = (struct options){.level = LOG_INFO};
	while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (!option_take(options, letter, optarg))
			return false;
	}
	return optind == argc;
}

static void
on_listen_fd(int fd, const char *name, void *ctx)
{
	struct listeners *listeners = ctx;
	if (strcmp(name, "demo") == 0 &&
	    httpd_listen(listeners->httpd, fd, NULL, 0, &listeners->err))
		listeners->count++;
}

/* Announces the address on stdout, so that whoever asked for port 0 learns it. */
static bool
listen_on(struct httpd *httpd, const char *text, struct err *err)
{
	char host[128];
	uint64_t number;
	const char *colon = strrchr(text, ':');
	if (colon == NULL || (size_t)(colon - text) >= sizeof(host) ||
	    !view_to_u64(view_of(colon + 1), &number) || number > UINT16_MAX)
		return err_set(err, ERR_CONFIG, "--listen", "HOST:PORT is needed");
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	uint16_t port = (uint16_t)number;
	int fd = netaddr_listen_tcp(host, &port, false, err);
	if (fd < 0 || !httpd_listen(httpd, fd, NULL, 0, err))
		return false;
	printf("listening on %s:%u\n", host, port);
	return fflush(stdout) == 0;
}

static bool
listen_all(struct httpd *httpd, const struct options *options, struct err *err)
{
	struct listeners listeners = {.httpd = httpd};
	(void)netaddr_take_listen_fds(on_listen_fd, &listeners);
	if (listeners.err.kind != ERR_NONE) {
		*err = listeners.err;
		return false;
	}
	if (options->listen_count == 0 && listeners.count == 0)
		return listen_on(httpd, LISTEN_DEFAULT, err);
	for (int i = 0; i < options->listen_count; i++) {
		if (!listen_on(httpd, options->listen[i], err))
			return false;
	}
	return true;
}

static void
on_stop(int signo, void *ctx)
{
	struct demo *demo = ctx;
	log_msg(LOG_INFO, "stop", "signal %d", signo);
	loop_stop(demo->loop);
}

static void
on_last(struct loop_task *task, void *ctx)
{
	(void)task;
	loop_stop(ctx);
}

/* Ends what is in flight, and lets the loop free it. */
static void
demo_stop(struct demo *demo)
{
	if (demo->httpd != NULL) {
		struct loop_task last = {.fn = on_last, .ctx = demo->loop};
		httpd_free(demo->httpd);
		loop_defer(demo->loop, &last);
		loop_run(demo->loop);
	}
	loop_free(demo->loop);
	ledger_free(demo->ledger);
	if (demo->rules != NULL)
		rules_free(demo->rules);
}

static bool
demo_start(struct demo *demo, const struct options *options, struct err *err)
{
	struct httpd_limits limits;
	httpd_limits_default(&limits);
	limits.body_bytes = BODY_BYTES_MAX;
	limits.connections = 0;
	if (options->idle_close_ms > 0)
		limits.idle_ms = (uint32_t)options->idle_close_ms;
	demo->serial = crypto_random_u64();
	demo->rules = rules_new();
	if (!options->no_ledger && (demo->ledger = ledger_new(options->ledger, err)) == NULL)
		return false;
	if ((demo->loop = loop_new(err)) == NULL)
		return false;
	demo->httpd = httpd_new(demo->loop, &limits, &serve_handler, demo);
	return listen_all(demo->httpd, options, err) &&
	       loop_signal(demo->loop, SIGTERM, on_stop, demo, err) &&
	       loop_signal(demo->loop, SIGINT, on_stop, demo, err);
}

int
main(int argc, char **argv)
{
	struct options options;
	struct demo demo = {0};
	struct err err = {0};
	if (!options_parse(argc, argv, &options)) {
		fputs(usage_text, stderr);
		return 2;
	}
	log_init("demo-upstream", options.level);
	figures_raise_fds_max();
	bool ok = demo_start(&demo, &options, &err);
	if (ok)
		loop_run(demo.loop);
	else
		log_err(LOG_ERROR, "start", &err);
	demo_stop(&demo);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
