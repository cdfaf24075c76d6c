/* webadmin: the admin pages and their API. */
#include "adminlink.h"
#include "api.h"
#include "events.h"
#include "log.h"
#include "loop.h"
#include "metrics_text.h"
#include "names.h"
#include "netaddr.h"
#include "secret.h"
#include "web.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DRAIN_MS 3000
#define API_PORT_DEFAULT 5101

struct options {
	const char *run_dir, *state_dir;
	enum log_level level;
	unsigned api_port;
};

struct webadmin {
	struct options options;
	struct loop *loop;
	struct adminlink *link, *stats;
	struct api api;
	struct httpd *httpd;
	struct loop_timer drain_timer;
	char ready_path[256];
	unsigned listening;
	bool draining, failed;
};

/* ---- start ---- */

static void
on_listen_fd(int fd, const char *name, void *ctx)
{
	struct webadmin *web = ctx;
	struct err err;
	bool passed = strcmp(name, "web") == 0;
	if (!passed && strcmp(name, "admin") != 0) {
		log_msg(LOG_WARN, "fd_ignored", "descriptor \"%s\" is not for this program", name);
	} else if (httpd_listen(
		       web->httpd, fd, NULL, passed ? WEB_TAG_PASSED : WEB_TAG_TCP, &err)) {
		web->listening++;
	} else {
		log_err(LOG_ERROR, "listen", &err);
		web->failed = true;
	}
}

static bool
write_ready(struct webadmin *web, struct err *err)
{
	int fd = open(web->ready_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, web->ready_path, "cannot tell that it is ready");
	close(fd);
	log_msg(LOG_INFO, "ready", "accepting on %u sockets", web->listening);
	return true;
}

/* ---- the end ---- */

static void
on_drained(void *ctx)
{
	struct webadmin *web = ctx;
	loop_stop(web->loop);
}

static void
on_drain_timer(struct loop_timer *timer, void *ctx)
{
	struct webadmin *web = ctx;
	(void)timer;
	log_msg(LOG_WARN, "drain_limit", "what is not answered yet is cut off");
	loop_stop(web->loop);
}

static void
on_stop(int signo, void *ctx)
{
	struct webadmin *web = ctx;
	if (web->draining) /* told by the launcher and by the manager of both; there is a limit */
		return;
	web->draining = true;
	log_msg(LOG_INFO, "drain", "signal %d", signo);
	(void)unlink(web->ready_path);
	httpd_drain(web->httpd, 0, on_drained, web);
	events_drain(web->api.events);
	loop_timer_arm(&web->drain_timer, DRAIN_MS);
}

/* ---- life ---- */

static bool
start(struct webadmin *web, struct err *err)
{
	const struct options *options = &web->options;
	int len = snprintf(
	    web->ready_path, sizeof(web->ready_path), "%s/webadmin.ready", options->run_dir);
	if (len < 0 || (size_t)len >= sizeof(web->ready_path))
		return err_set(err, ERR_CONFIG, "--run-dir", "the path is too long");
	(void)unlink(web->ready_path);
	web->loop = loop_new(err);
	if (web->loop == NULL)
		return false;
	loop_timer_init(&web->drain_timer, web->loop, on_drain_timer, web);
	web->link = adminlink_new(web->loop, options->run_dir, NAMES_ADMIN, err);
	if (web->link != NULL)
		web->stats = adminlink_new(web->loop, options->run_dir, NAMES_STATS, err);
	if (web->stats == NULL || !loop_signal(web->loop, SIGTERM, on_stop, web, err) ||
	    !loop_signal(web->loop, SIGINT, on_stop, web, err))
		return false;
	api_init(
	    &web->api, web->loop, web->link, web->stats, options->state_dir, options->api_port);
	web->api.run_dir = options->run_dir;
	web->api.events = events_new(web->loop, &web->api);
	web->httpd = web_new(web->loop, &web->api);
	(void)netaddr_take_listen_fds(on_listen_fd, web);
	if (web->failed || web->listening == 0)
		return err_set(err, ERR_CONFIG, "LISTEN_FDS",
		    "no socket named \"admin\" or \"web\" could be taken");
	return write_ready(web, err);
}

/* Connections first: what they wait for is told to nobody then. */
static void
finish(struct webadmin *web)
{
	/* A signal now would look like a death. */
	sigset_t all;
	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	if (web->httpd != NULL)
		httpd_free(web->httpd);
	adminlink_free(web->link);
	adminlink_free(web->stats);
	events_free(web->api.events);
	if (web->loop != NULL) {
		loop_timer_fini(&web->drain_timer);
		loop_free(web->loop);
	}
}

static bool
parse_port(const char *text, unsigned *out)
{
	uint64_t number;
	if (!view_to_u64(view_of(text), &number) || number == 0 || number > 65535)
		return false;
	*out = (unsigned)number;
	return true;
}

/* METRICS.md from its first table on. */
static int
print_metrics(void)
{
	struct bytes text;
	bytes_init(&text, METRICS_TEXT_BYTES_MAX);
	bool ok = metrics_text_manual(&text) && fwrite(text.data, 1, text.len, stdout) == text.len;
	bytes_fini(&text);
	return ok ? 0 : 1;
}

static bool
parse_options(int argc, char **argv, struct options *out)
{
	static const struct option longs[] = {
	    {"run-dir", required_argument, NULL, 'r'},
	    {"state", required_argument, NULL, 's'},
	    {"api-port", required_argument, NULL, 'p'},
	    {"log-level", required_argument, NULL, 'l'},
	    {NULL, 0, NULL, 0},
	};
	int option;
	bool ok = true;
	*out = (struct options){.level = LOG_INFO, .api_port = API_PORT_DEFAULT};
	while (ok && (option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option == 'r')
			out->run_dir = optarg;
		else if (option == 's')
			out->state_dir = optarg;
		else if (option == 'p')
			ok = parse_port(optarg, &out->api_port);
		else if (option == 'l')
			ok = log_level_parse(view_of(optarg), &out->level);
		else
			ok = false;
	}
	return ok && out->run_dir != NULL && out->state_dir != NULL && optind == argc;
}

int
main(int argc, char **argv)
{
	static struct webadmin web;
	struct err err = {0};
	if (argc == 2 && strcmp(argv[1], "--metrics") == 0)
		return print_metrics();
	if (!parse_options(argc, argv, &web.options)) {
		(void)fputs("usage: webadmin --run-dir DIR --state DIR [--api-port N] "
			    "[--log-level debug|info|warn|error]\n"
			    "       webadmin --metrics    what /metrics tells, in Markdown\n",
		    stderr);
		return 2;
	}
	secret_guard_process();
	umask(077);
	log_init("webadmin", web.options.level);
	(void)signal(SIGPIPE, SIG_IGN);
	bool ok = start(&web, &err);
	if (ok)
		loop_run(web.loop);
	else
		log_err(LOG_ERROR, "start", &err);
	finish(&web);
	return ok ? 0 : 1;
}
