/* dataplane: forwards the calls of clients to upstreams. One of several alike. */
#include "args.h"
#include "clock.h"
#include "courier.h"
#include "crypto.h"
#include "errand.h"
#include "figures.h"
#include "front.h"
#include "heap.h"
#include "herald.h"
#include "inner.h"
#include "link.h"
#include "log.h"
#include "loop.h"
#include "must.h"
#include "names.h"
#include "netaddr.h"
#include "secret.h"
#include "tls.h"
#include "tried.h"
#include "upstream.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FDS_MAX 16
#define HEAP_CHECK_MS 5000
/* Clients that come before the first table wait so long in the listen queue, then get a 503. */
#define TABLE_WAIT_MS 1000
#define FLUSH_MS 500
#define FIGURES_MS 900
#define TRACED_MS 1000 /* for the last spans, when all else is done */
#define LAST_MS 1000   /* for the last records; with FLUSH_MS less than the launcher's patience */
#define LAST_LOOK_MS 20
#define AGAIN_MS 1000 /* a second signal before that is the same stop, told by somebody else */
#define RETIRE_IDLE_MS 10000 /* kept connections of a retired one */
#define ORPHAN_IDLE_PART 2   /* of the drain's time */
#define SUCCEEDED_MS 1800000 /* as an upgrade gives */
#define TLS_CHECK_MS 10000

struct dataplane {
	struct args options;
	struct loop *loop;
	struct upstreams *upstreams;
	struct front front;
	struct inner inner;
	struct journal *journal; /* NULL: it could not be opened */
	struct courier *courier;
	uint64_t epoch; /* of the controlplane whose table is held */
	struct link *link;
	struct errands *errands;
	struct herald *herald;
	struct tried tried;
	struct report identity; /* what does not change */
	pid_t parent;
	char web_socket[108], ready_path[256];
	int plain_fds[FDS_MAX], tls_fds[FDS_MAX];
	unsigned plain_count, tls_count;
	struct tls_context *tls;
	bool accepting, ready, retiring, draining, traced, failed;
	struct loop_timer accept_timer, drain_timer, last_timer, tls_timer, heap_timer;
	uint64_t drain_ms, last_ms;
	struct figures figures; /* as they were at figures_ms */
	uint64_t figures_ms;
	struct heap heap;
	struct loop_task last_task;
};

/* ---- listening ---- */

static void
on_listen_fd(int fd, const char *name, void *ctx)
{
	struct dataplane *dp = ctx;
	if (strcmp(name, "api") == 0 && dp->plain_count < FDS_MAX) {
		dp->plain_fds[dp->plain_count++] = fd;
	} else if (strcmp(name, "api-tls") == 0 && dp->tls_count < FDS_MAX) {
		dp->tls_fds[dp->tls_count++] = fd;
	} else {
		log_msg(LOG_WARN, "fd_ignored", "descriptor \"%s\" is not for this program", name);
	}
}

/* Without its sockets this process is of no use: the launcher shall see that. */
static void
listen_all(struct dataplane *dp, const int *fds, unsigned count, struct tls_context *tls)
{
	struct err err;
	for (unsigned i = 0; i < count; i++) {
		if (httpd_listen(dp->front.httpd, fds[i], tls, (int)i, &err))
			continue;
		log_err(LOG_ERROR, "listen", &err);
		dp->failed = true;
		loop_stop(dp->loop);
	}
}

static void
write_ready(struct dataplane *dp)
{
	int fd = open(dp->ready_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		log_msg(LOG_ERROR, "ready_file", "%s: %s", dp->ready_path, strerror(errno));
	} else {
		close(fd);
	}
	dp->ready = true;
	log_msg(LOG_INFO, "ready", "accepting on %u plain and %u TLS sockets", dp->plain_count,
	    dp->tls != NULL ? dp->tls_count : 0);
}

static void
accept_now(struct dataplane *dp)
{
	if (dp->accepting || dp->draining || dp->retiring)
		return;
	dp->accepting = true;
	loop_timer_disarm(&dp->accept_timer);
	listen_all(dp, dp->plain_fds, dp->plain_count, NULL);
	inner_open(&dp->inner, dp->front.httpd, dp->options.run_dir, dp->identity.instance);
}

static void
on_accept_timer(struct loop_timer *timer, void *ctx)
{
	(void)timer;
	accept_now(ctx);
}

/* The TLS sockets open with the first table that names a certificate. */
static void
start_tls(struct dataplane *dp, const struct table *table)
{
	struct err err;
	if (dp->tls != NULL || dp->tls_count == 0 || table->tls_cert_path == NULL ||
	    table->tls_key_path == NULL || dp->draining || dp->retiring)
		return;
	dp->tls = tls_context_new(table->tls_cert_path, table->tls_key_path, &err);
	if (dp->tls == NULL) {
		log_err(LOG_ERROR, "tls", &err);
		return;
	}
	listen_all(dp, dp->tls_fds, dp->tls_count, dp->tls);
	loop_timer_arm(&dp->tls_timer, TLS_CHECK_MS);
}

static void
on_tls_timer(struct loop_timer *timer, void *ctx)
{
	struct dataplane *dp = ctx;
	struct err err;
	bool changed = false;
	loop_timer_arm(timer, TLS_CHECK_MS);
	if (!tls_context_check(dp->tls, &changed, &err)) {
		log_err(LOG_ERROR, "tls_reload", &err);
	} else if (changed) {
		log_msg(LOG_INFO, "tls_reload", "new connections get the new certificate");
	}
}

/* ---- controlplane ---- */

static void
on_table(struct table *table, void *ctx)
{
	struct dataplane *dp = ctx;
	accept_now(dp);
	start_tls(dp, table);
	if (!dp->draining)
		errands_table(dp->errands, table);
	if (!dp->draining)
		herald_table(dp->herald, table);
	tracer_table(dp->front.env.tracer, table);
	if (dp->courier != NULL && table->epoch != dp->epoch)
		courier_renew(dp->courier);
	dp->epoch = table->epoch;
	if (!dp->ready && !dp->draining && !dp->retiring && !dp->failed)
		write_ready(dp);
}

/* Also of one that retired after an upgrade and was killed: it has no successor of its name. */
static void
adopt_journals(struct dataplane *dp)
{
	if (dp->courier != NULL && !dp->draining && !dp->retiring &&
	    journal_adopt(dp->journal, dp->options.run_dir) > 0)
		courier_note(dp->courier);
}

static void
on_heap_timer(struct loop_timer *timer, void *ctx)
{
	struct dataplane *dp = ctx;
	adopt_journals(dp);
	heap_check(&dp->heap);
	loop_timer_arm(timer, HEAP_CHECK_MS);
}

/* What happened since the last report. */
static void
add_news(const struct exchange_env *env, struct report *report)
{
	const struct lesson_of *lessons;
	notes_batch(env->notes, report, loop_now_ms(env->loop));
	report->lesson_count = lessons_news(env->lessons, &lessons);
	report->lessons = (struct lesson_of *)(uintptr_t)lessons;
}

/* The kernel is asked once a second, however often is reported. */
static void
add_figures(struct dataplane *dp, struct report *report)
{
	uint64_t now_ms = loop_now_ms(dp->loop);
	if (dp->figures_ms == 0 || now_ms - dp->figures_ms >= FIGURES_MS) {
		dp->figures = figures_take();
		dp->figures_ms = now_ms;
	}
	report->rss_bytes = dp->figures.rss_bytes;
	report->cpu_ms = dp->figures.cpu_ms;
	report->open_fds = dp->figures.open_fds;
	report->fds_max = dp->figures.fds_max;
	report->loop_stall_ms = loop_stall_ms(dp->loop);
	if (dp->journal == NULL)
		return;
	struct journal_counts counts = journal_counts(dp->journal);
	report->journal_waiting = counts.pending;
	report->journal_open = counts.open;
	report->journal_used_bytes = counts.used_bytes;
	report->journal_lost = counts.dropped + counts.damaged;
	report->journal_interrupted = counts.interrupted;
}

static void
on_report(struct report *report, void *ctx)
{
	struct dataplane *dp = ctx;
	const struct exchange_counts *counts = &dp->front.env.counts;
	struct report whole = dp->identity;
	struct httpd_counts connections;
	httpd_counts_get(dp->front.httpd, &connections);
	whole.table_epoch = report->table_epoch;
	whole.table_version = report->table_version;
	whole.cancel_seq = report->cancel_seq;
	whole.requests = counts->requests;
	whole.completed = counts->completed;
	whole.failed = counts->failed;
	whole.errors = counts->errors;
	whole.client_gone = counts->client_gone;
	whole.attempts = counts->attempts;
	whole.bytes_in = counts->bytes_in;
	whole.bytes_out = counts->bytes_out;
	exchange_report(&dp->front.env, &whole);
	whole.connections = connections.connections;
	add_figures(dp, &whole);
	whole.sent_ms = clock_wall_ms();
	herald_report(dp->herald, &whole);
	tracer_report(dp->front.env.tracer, &whole);
	*report = whole;
	add_news(&dp->front.env, report);
	tried_report(&dp->tried, report);
}

static void
on_news(void *ctx)
{
	struct dataplane *dp = ctx;
	if (dp->link != NULL)
		link_hurry(dp->link);
}

static void
on_record(void *ctx)
{
	struct dataplane *dp = ctx;
	if (dp->courier != NULL)
		courier_note(dp->courier);
}

static void
on_errand(const struct report_outcome *outcome, uint64_t began_ms, void *ctx)
{
	struct dataplane *dp = ctx;
	struct log_line line;
	log_begin(&line, LOG_DEBUG, outcome->probe ? "probe" : "activation");
	log_str(&line, "upstream", outcome->upstream);
	log_int(&line, "status", outcome->status);
	log_str(&line, "reason", outcome->reason);
	log_end(&line);
	if (notes_add(dp->front.env.notes, outcome, began_ms))
		on_news(dp);
}

static void
on_tried(const struct trial_result *result, void *ctx)
{
	struct dataplane *dp = ctx;
	tried_add(&dp->tried, result);
	on_news(dp);
}

static void
on_reported(const struct report *report, bool taken, void *ctx)
{
	struct dataplane *dp = ctx;
	struct exchange_env *env = &dp->front.env;
	if (!taken)
		return;
	tried_drop(&dp->tried, report->trial_count);
	exchange_cancelled_taken(env, report->cancelled_count);
	notes_taken(env->notes, report->outcomes_seq);
	lessons_taken(env->lessons, report->lesson_count);
}

/* ---- the end ---- */

static void
on_last_task(struct loop_task *task, void *ctx)
{
	struct dataplane *dp = ctx;
	(void)task;
	loop_stop(dp->loop);
}

/* What was counted last is stored before the end; else it waits in the journal for a successor. */
static void
on_last_timer(struct loop_timer *timer, void *ctx)
{
	struct dataplane *dp = ctx;
	bool waits = dp->courier != NULL && journal_counts(dp->journal).pending > 0 &&
		     loop_now_ms(dp->loop) < dp->last_ms;
	if (waits || !dp->traced)
		loop_timer_arm(timer, LAST_LOOK_MS);
	else
		loop_stop(dp->loop);
}

static void
on_traced(void *ctx)
{
	struct dataplane *dp = ctx;
	dp->traced = true;
}

static void
on_drained(void *ctx)
{
	struct dataplane *dp = ctx;
	log_msg(LOG_INFO, "drained", "all connections are closed");
	loop_timer_disarm(&dp->drain_timer);
	dp->last_ms = loop_now_ms(dp->loop) + LAST_MS;
	loop_timer_arm(&dp->last_timer, 0);
	tracer_drain(dp->front.env.tracer, TRACED_MS, on_traced, dp);
}

/* The time is up: what is left gets an end that clients see as a failure, and time to read. */
static void
on_drain_timer(struct loop_timer *timer, void *ctx)
{
	struct dataplane *dp = ctx;
	if (dp->front.env.first == NULL) {
		loop_stop(dp->loop);
		return;
	}
	log_msg(LOG_WARN, "drain_limit", "%llu requests are cut off",
	    (unsigned long long)dp->front.env.counts.in_flight);
	exchange_stop_all(&dp->front.env);
	loop_timer_arm(timer, FLUSH_MS);
}

/* Where nobody else holds them, new callers are refused now and go elsewhere, instead of waiting
 * for somebody who never accepts. */
static void
close_listening(struct dataplane *dp)
{
	while (dp->plain_count > 0)
		close(dp->plain_fds[--dp->plain_count]);
	while (dp->tls_count > 0)
		close(dp->tls_fds[--dp->tls_count]);
	inner_close(&dp->inner);
}

/* A successor serves on the same sockets: what is here is finished, as long as nobody says more.
 * The table, health and errands go on. */
static void
retire(struct dataplane *dp)
{
	if (dp->draining || dp->retiring)
		return;
	dp->retiring = true;
	loop_timer_disarm(&dp->accept_timer);
	log_msg(LOG_INFO, "retire", "no new connections; those in work are finished");
	(void)unlink(dp->ready_path);
	httpd_drain(dp->front.httpd, RETIRE_IDLE_MS, on_drained, dp);
	close_listening(dp);
}

static bool
is_orphan(const struct dataplane *dp)
{
	return getppid() != dp->parent;
}

/* A launcher that has died gets a successor: who asks again on a kept connection is told, as long
 * as there is time for an answer. */
static uint32_t
last_idle_ms(const struct dataplane *dp)
{
	uint32_t part_ms = dp->options.drain_s * 1000 / ORPHAN_IDLE_PART;
	if (!is_orphan(dp))
		return 0;
	return part_ms < RETIRE_IDLE_MS ? part_ms : RETIRE_IDLE_MS;
}

/* It was told to end when its launcher died. The next one says that others serve: there is time. */
static void
be_succeeded(struct dataplane *dp)
{
	if (dp->last_ms != 0)
		return; /* nothing is in work any more */
	dp->draining = false;
	dp->retiring = true;
	log_msg(LOG_INFO, "retire", "others serve: those in work have %d s", SUCCEEDED_MS / 1000);
	httpd_drain(dp->front.httpd, RETIRE_IDLE_MS, on_drained, dp);
	loop_timer_arm(&dp->drain_timer, SUCCEEDED_MS);
}

static void
on_signal(int signo, void *ctx)
{
	struct dataplane *dp = ctx;
	if (signo == SIGUSR1) {
		if (dp->draining)
			be_succeeded(dp);
		else
			retire(dp);
		return;
	}
	if (dp->draining) {
		if (loop_now_ms(dp->loop) - dp->drain_ms >= AGAIN_MS)
			on_drain_timer(&dp->drain_timer, dp);
		return;
	}
	dp->draining = true;
	dp->drain_ms = loop_now_ms(dp->loop);
	log_msg(LOG_INFO, "drain", "signal %d: %u s for those in work", signo, dp->options.drain_s);
	(void)unlink(dp->ready_path);
	if (!dp->retiring)
		httpd_accept_waiting(dp->front.httpd, is_orphan(dp));
	close_listening(dp); /* at once: who comes in between is reset */
	httpd_drain(dp->front.httpd, last_idle_ms(dp), on_drained, dp);
	loop_timer_arm(&dp->drain_timer, (uint64_t)dp->options.drain_s * 1000);
}

/* ---- start ---- */

static void
set_identity(struct dataplane *dp)
{
	struct report *identity = &dp->identity;
	(void)snprintf(
	    identity->instance, sizeof(identity->instance), "dataplane.%u", dp->options.instance);
	identity->boot_id = crypto_random_u64();
	identity->pid = getpid();
	identity->started_ms = clock_wall_ms();
	log_init(identity->instance, dp->options.level);
}

/* Without them requests are served all the same; the log says that nobody counts or limits. */
static void
start_journal(struct dataplane *dp)
{
	struct err err;
	dp->journal =
	    journal_open(dp->options.run_dir, dp->identity.instance, &journal_limits_default, &err);
	if (dp->journal != NULL) {
		(void)journal_adopt(dp->journal, dp->options.run_dir);
		dp->courier = courier_new(dp->loop, dp->options.run_dir, dp->journal, &err);
	}
	if (dp->courier == NULL)
		log_err(LOG_ERROR, "journal", &err);
	dp->front.env.journal = dp->journal;
	dp->front.env.allowance = allowance_open(dp->options.run_dir, dp->options.instance, &err);
	if (dp->front.env.allowance == NULL)
		log_err(LOG_ERROR, "allowance", &err);
}

static bool
start(struct dataplane *dp, struct err *err)
{
	struct link_events events = {
	    on_table, on_report, on_reported, dp, exchange_cancel, &dp->front.env};
	int len = snprintf(dp->ready_path, sizeof(dp->ready_path), "%s/%s.ready",
	    dp->options.run_dir, dp->identity.instance);
	if (len < 0 || (size_t)len >= sizeof(dp->ready_path))
		return err_set(err, ERR_CONFIG, "--run-dir", "the path is too long");
	(void)unlink(dp->ready_path);
	if (!names_path(
		dp->options.run_dir, NAMES_WEB, dp->web_socket, sizeof(dp->web_socket), err))
		return false;
	dp->inner.fd = -1;
	dp->loop = loop_new(err);
	if (dp->loop == NULL)
		return false;
	dp->upstreams = upstreams_new(dp->loop, err);
	if (dp->upstreams == NULL)
		return false;
	front_init(&dp->front, dp->loop, dp->upstreams, dp->web_socket);
	dp->front.env.on_news = on_news;
	dp->front.env.on_record = on_record;
	dp->front.env.ctx = dp;
	loop_timer_init(&dp->accept_timer, dp->loop, on_accept_timer, dp);
	loop_timer_init(&dp->drain_timer, dp->loop, on_drain_timer, dp);
	loop_timer_init(&dp->last_timer, dp->loop, on_last_timer, dp);
	loop_timer_init(&dp->tls_timer, dp->loop, on_tls_timer, dp);
	loop_timer_init(&dp->heap_timer, dp->loop, on_heap_timer, dp);
	loop_timer_arm(&dp->heap_timer, HEAP_CHECK_MS);
	if (!loop_signal(dp->loop, SIGTERM, on_signal, dp, err) ||
	    !loop_signal(dp->loop, SIGINT, on_signal, dp, err) ||
	    !loop_signal(dp->loop, SIGUSR1, on_signal, dp, err))
		return false;
	(void)netaddr_take_listen_fds(on_listen_fd, dp);
	if (dp->plain_count + dp->tls_count == 0) {
		return err_set(
		    err, ERR_CONFIG, "LISTEN_FDS", "no socket named \"api\" was handed over");
	}
	start_journal(dp);
	dp->errands =
	    errands_new(dp->loop, dp->upstreams, dp->identity.boot_id, on_errand, on_tried, dp);
	dp->front.env.tracer =
	    tracer_new(dp->loop, dp->upstreams, dp->identity.instance, dp->identity.pid);
	dp->herald = herald_new(dp->loop, dp->upstreams, dp->identity.boot_id, on_news, dp);
	dp->link = link_new(dp->loop, dp->options.run_dir, &events, err);
	dp->front.link = dp->link;
	loop_timer_arm(&dp->accept_timer, TABLE_WAIT_MS);
	return dp->link != NULL;
}

static void
finish(struct dataplane *dp)
{
	/* Nothing more can be asked of it, and a signal now would look like a death. */
	sigset_t all;
	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	(void)unlink(dp->ready_path);
	inner_close(&dp->inner);
	/* What comes due in the last turn must not look for connections that are gone then. */
	dp->draining = true;
	link_free(dp->link);
	dp->link = NULL;
	dp->front.link = NULL;
	loop_timer_fini(&dp->accept_timer);
	loop_timer_fini(&dp->drain_timer);
	loop_timer_fini(&dp->last_timer);
	loop_timer_fini(&dp->tls_timer);
	loop_timer_fini(&dp->heap_timer);
	/* Who is cut off now frees itself in the deferred queue: one more turn. */
	httpd_free(dp->front.httpd);
	dp->front.httpd = NULL;
	dp->last_task = (struct loop_task){.fn = on_last_task, .ctx = dp};
	loop_defer(dp->loop, &dp->last_task);
	loop_run(dp->loop);
	courier_free(dp->courier);
	journal_close(dp->journal);
	allowance_close(dp->front.env.allowance);
	errands_free(dp->errands);
	herald_free(dp->herald);
	tried_drop(&dp->tried, dp->tried.count);
	front_fini(&dp->front);
	tracer_free(dp->front.env.tracer);
	tls_context_free(dp->tls);
	upstreams_free(dp->upstreams);
	loop_free(dp->loop);
}

int
main(int argc, char **argv)
{
	static struct dataplane dp;
	struct err err = {0};
	if (!args_parse(argc, argv, &dp.options))
		return 2;
	set_identity(&dp);
	dp.parent = getppid();
	secret_guard_process();
	(void)signal(SIGPIPE, SIG_IGN);
	figures_raise_fds_max();
	heap_set_up();
	if (!start(&dp, &err)) {
		log_err(LOG_ERROR, "start", &err);
		return 1;
	}
	loop_run(dp.loop);
	finish(&dp);
	return dp.failed ? 1 : 0;
}
