/* controlplane: owns the configuration and the routing table. Usage: print_usage(). */
#include "config.h"
#include "fileio.h"
#include "log.h"
#include "schema.h"
#include "secret.h"
#include "serve.h"
#include "store.h"
#include "url.h"
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int
print_usage(FILE *to)
{
	fputs("usage: controlplane --state DIR --run-dir DIR [--demo-url URL] [--log-level L]\n"
	      "       controlplane --check FILE    exit 0 when FILE is a good configuration\n"
	      "       controlplane --manual        every word of the configuration, in Markdown\n",
	    to);
	return to == stdout ? 0 : 2;
}

/* Prints "path: message" for each fault. */
static int
check_file(const char *path)
{
	struct bytes text;
	struct err err;
	struct faults faults = {0};
	struct config *config = NULL;
	bytes_init(&text, CONFIG_BYTES_MAX);
	if (fileio_read(path, &text, &err)) {
		(void)!config_parse(bytes_view(&text), &config, &faults);
	} else {
		faults_error(&faults, path, "%s", err.msg);
	}
	for (size_t i = 0; i < faults.count; i++) {
		const struct fault *fault = &faults.items[i];
		printf("%s%s%s%s\n", fault->warning ? "warning: " : "", fault->path,
		    fault->path[0] != '\0' ? ": " : "", fault->msg);
	}
	int code = faults.errors > 0 ? 1 : 0;
	config_free(config);
	faults_fini(&faults);
	store_wipe(&text);
	return code;
}

static int
print_manual(void)
{
	struct bytes text;
	bytes_init(&text, CONFIG_BYTES_MAX);
	schema_print_manual(&text);
	fwrite(text.data, 1, text.len, stdout);
	bytes_fini(&text);
	return 0;
}

static void
on_stop(int signo, void *ctx)
{
	log_msg(LOG_INFO, "stop", "signal %d", signo);
	loop_stop(ctx);
}

static void
on_hangup(int signo, void *ctx)
{
	(void)signo;
	serve_reload(ctx);
}

static int
run(const struct serve_options *options)
{
	struct err err;
	struct serve *serve = NULL;
	(void)signal(SIGHUP, SIG_IGN); /* until there is something to reload */
	struct loop *loop = loop_new(&err);
	bool ok = loop != NULL && loop_signal(loop, SIGTERM, on_stop, loop, &err) &&
		  loop_signal(loop, SIGINT, on_stop, loop, &err) &&
		  (serve = serve_new(loop, options, &err)) != NULL &&
		  loop_signal(loop, SIGHUP, on_hangup, serve, &err);
	if (ok) {
		log_msg(LOG_INFO, "start", "version %s", PM_VERSION);
		loop_run(loop);
	} else {
		log_err(LOG_ERROR, "start_failed", &err);
	}
	/* A signal now would look like a death. */
	sigset_t all;
	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	serve_free(serve);
	if (loop != NULL)
		loop_free(loop);
	return ok ? 0 : 1;
}

static bool
check_demo_url(const char *text)
{
	struct url url;
	struct err err;
	if (text == NULL || url_parse_base(view_of(text), &url, &err))
		return true;
	fprintf(stderr, "controlplane: --demo-url: %s\n", err.msg);
	return false;
}

int
main(int argc, char **argv)
{
	static const struct option names[] = {
	    {"state", required_argument, NULL, 's'},
	    {"run-dir", required_argument, NULL, 'r'},
	    {"demo-url", required_argument, NULL, 'd'},
	    {"log-level", required_argument, NULL, 'l'},
	    {"check", required_argument, NULL, 'c'},
	    {"manual", no_argument, NULL, 'm'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'v'},
	    {NULL, 0, NULL, 0},
	};
	struct serve_options options = {0};
	enum log_level level = LOG_INFO;
	int option;
	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (option == 's') {
			options.state_dir = optarg;
		} else if (option == 'r') {
			options.run_dir = optarg;
		} else if (option == 'd') {
			options.demo_url = optarg;
		} else if (option == 'c') {
			return check_file(optarg);
		} else if (option == 'm') {
			return print_manual();
		} else if (option == 'h') {
			return print_usage(stdout);
		} else if (option == 'v') {
			return printf("controlplane %s\n", PM_VERSION) > 0 ? 0 : 1;
		} else if (option != 'l' || !log_level_parse(view_of(optarg), &level)) {
			return print_usage(stderr);
		}
	}
	if (optind < argc || options.state_dir == NULL || options.run_dir == NULL ||
	    !check_demo_url(options.demo_url))
		return print_usage(stderr);
	secret_guard_process();
	umask(077);
	log_init("controlplane", level);
	return run(&options);
}
