/* The thread: its loop, its socket, its mailbox. */
#include "stats.h"
#include "bus.h"
#include "clock.h"
#include "envelope.h"
#include "jget.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "must.h"
#include "names.h"
#include "stats_budgets.h"
#include "stats_reprice.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define REOPEN_MS 5000
#define TRIM_MS 60000
#define TRIM_SOON_MS 50
#define BUDGETS_MS 2000 /* so often it is looked what is spent of budgets */

struct stats {
	/* The thread's own. */
	struct loop *loop;
	struct bus_rep *rep;
	struct stats_store *store; /* NULL while it cannot be opened */
	struct stats_settings *settings;
	struct loop_io wake;
	struct loop_timer reopen, trim, next_piece, budgets;
	bool thorough; /* the file was found damaged: all of it is checked when it is opened */
	bool looking;  /* ... else its requests are, up to looked_at so far */
	int64_t looked_at;
	struct stats_reprice reprice;
	bool news; /* something was stored since budgets were looked at */
	char *folder;

	/* Shared, under the lock. */
	pthread_mutex_t lock;
	struct stats_settings *next; /* not taken yet */
	bool stop;
	char trouble[sizeof(((struct err *)NULL)->at) + sizeof(((struct err *)NULL)->msg) + 2];

	struct stats_spending spent; /* when the file was opened */
	struct stats_spending now;   /* some seconds ago at most */
	struct tally tally;

	/* The main thread's. */
	struct stats_options options;
	struct loop_io ready;
	int ready_fd;
	pthread_t thread;
	int wake_fd;
};

/* ---- trouble ---- */

static void
set_trouble(struct stats *stats, const struct err *err)
{
	char text[sizeof(stats->trouble)] = "";
	if (err != NULL)
		(void)snprintf(text, sizeof(text), "%s: %s", err->at, err->msg);
	(void)pthread_mutex_lock(&stats->lock);
	bool news = strcmp(stats->trouble, text) != 0;
	memcpy(stats->trouble, text, sizeof(text));
	(void)pthread_mutex_unlock(&stats->lock);
	/* Said once, not each time that it is tried. */
	if (news && err != NULL)
		log_err(LOG_ERROR, "statistics_away", err);
	else if (news)
		log_msg(LOG_INFO, "statistics", "they are stored again");
}

void
stats_trouble(struct stats *stats, char *out, size_t out_len)
{
	(void)pthread_mutex_lock(&stats->lock);
	(void)snprintf(out, out_len, "%s", stats->trouble);
	(void)pthread_mutex_unlock(&stats->lock);
}

void
stats_tally(struct stats *stats, struct tally *out)
{
	(void)pthread_mutex_lock(&stats->lock);
	*out = stats->tally;
	(void)pthread_mutex_unlock(&stats->lock);
}

/* ---- the file ---- */

/* Once: from then on data planes know better. */
static void
tell_spent(struct stats *stats)
{
	struct stats_spending spending;
	uint64_t one = 1;
	if (stats->spent.list != NULL ||
	    !stats_spending_read(&spending, stats->store, stats->settings))
		return;
	(void)pthread_mutex_lock(&stats->lock);
	stats->spent = spending;
	(void)pthread_mutex_unlock(&stats->lock);
	(void)!write(stats->ready_fd, &one, sizeof(one));
}

bool
stats_fill_spent(struct stats *stats, struct table *table)
{
	(void)pthread_mutex_lock(&stats->lock);
	bool known = stats->spent.list != NULL;
	for (size_t i = 0; known && i < table->client_key_count; i++)
		stats_spending_fill(&stats->spent, &table->client_keys[i]);
	(void)pthread_mutex_unlock(&stats->lock);
	return known;
}

static void
on_budgets(struct loop_timer *timer, void *ctx)
{
	struct stats *stats = ctx;
	struct stats_spending spending;
	loop_timer_arm(timer, BUDGETS_MS);
	if (!stats->news || stats->store == NULL || !stats->settings->budgets)
		return;
	stats->news = false;
	if (!stats_spending_read(&spending, stats->store, stats->settings))
		return;
	(void)pthread_mutex_lock(&stats->lock);
	struct stats_spending old = stats->now;
	stats->now = spending;
	(void)pthread_mutex_unlock(&stats->lock);
	stats_spending_fini(&old);
}

bool
stats_budget(
    struct stats *stats, const char *key, struct stats_spent *out, struct table_periods *of)
{
	(void)pthread_mutex_lock(&stats->lock);
	bool known = stats->now.list != NULL;
	*of = stats->now.periods;
	*out = stats_spending_of(&stats->now, key);
	(void)pthread_mutex_unlock(&stats->lock);
	return known;
}

static void
open_store(struct stats *stats)
{
	struct err err;
	stats->store = stats_store_open(stats->folder, stats->thorough, &err);
	if (stats->store == NULL) {
		set_trouble(stats, &err);
		loop_timer_arm(&stats->reopen, REOPEN_MS);
		return;
	}
	set_trouble(stats, NULL);
	stats->looking = !stats->thorough;
	stats->looked_at = 0;
	stats->thorough = false;
	tell_spent(stats);
	stats->news = true;
	loop_timer_arm(&stats->trim, TRIM_SOON_MS);
	loop_timer_arm(&stats->budgets, 0);
}

static void
on_reopen(struct loop_timer *timer, void *ctx)
{
	(void)timer;
	open_store(ctx);
}

/* What the file said. A damaged one is opened anew, which mends it as far as that can be. */
static void
on_failure(struct stats *stats, const struct err *err)
{
	set_trouble(stats, err);
	if (err->kind != ERR_PARSE)
		return;
	stats_store_close(stats->store);
	stats->store = NULL;
	stats->thorough = true;
	loop_timer_arm(&stats->reopen, 0);
}

static void
on_trim(struct loop_timer *timer, void *ctx)
{
	struct stats *stats = ctx;
	struct err err;
	bool more = false;
	if (stats->store == NULL)
		return;
	if ((stats->looking &&
		!stats_store_look(stats->store, &stats->looked_at, &stats->looking, &err)) ||
	    !stats_store_trim(stats->store, stats->settings, clock_wall_ms(), &more, &err))
		on_failure(stats, &err);
	loop_timer_arm(timer, more || stats->looking ? TRIM_SOON_MS : TRIM_MS);
}

/* A piece of the costs anew; questions come between. */
static void
on_next_piece(struct loop_timer *timer, void *ctx)
{
	struct stats *stats = ctx;
	struct stats_reprice *reprice = &stats->reprice;
	struct err err;
	if (stats->store == NULL) {
		reprice->running = false;
		return;
	}
	if (!stats_reprice_step(stats->store, stats->settings, reprice, &err)) {
		reprice->running = false;
		on_failure(stats, &err);
	} else if (reprice->running) {
		loop_timer_arm(timer, 0);
	} else {
		log_msg(LOG_INFO, "repriced", "%lld of %lld requests cost something else now",
		    (long long)reprice->changed, (long long)reprice->looked);
	}
}

/* ---- answers ---- */

struct answer {
	const char *type;
	json_t *body;
};

static struct answer
refuse(const struct err *err)
{
	return (struct answer){MSG_ERROR, envelope_error_body(err)};
}

/* One that cannot be read must not stop those behind it: it is left out, and the log says so. */
static size_t
decode_records(const json_t *list, struct record *records)
{
	size_t count = json_array_size(list);
	for (size_t i = 0; i < count; i++) {
		char path[32];
		struct err err;
		(void)snprintf(path, sizeof(path), "records[%zu]", i);
		if (record_decode(json_array_get(list, i), path, &records[i], &err))
			continue;
		log_err(LOG_WARN, "record_refused", &err);
		records[i] = (struct record){0};
	}
	return count;
}

static struct answer
store_records(struct stats *stats, const struct stats_batch *batch)
{
	struct err err;
	uint64_t stored;
	if (!stats_store_batch(stats->store, stats->settings, batch, &stored, &err)) {
		on_failure(stats, &err);
		return refuse(&err);
	}
	set_trouble(stats, NULL);
	(void)pthread_mutex_lock(&stats->lock);
	tally_add_batch(&stats->tally, batch->records, batch->count, batch->counted->fresh);
	stats->tally.missing += batch->counted->missing;
	stats->tally.refused += batch->counted->strange;
	(void)pthread_mutex_unlock(&stats->lock);
	stats->news = true;
	return (struct answer){MSG_STORED, json_pack("{s:I}", "seq", (json_int_t)stored)};
}

static struct answer
answer_records(struct stats *stats, const json_t *body)
{
	int64_t journal = 0, first = 0;
	const json_t *list = NULL;
	struct err err;
	if (!jget_int(body, "", "journal", INT64_MIN, INT64_MAX, &journal, &err) ||
	    !jget_int(body, "", "first", 1, INT64_MAX - STATS_BATCH_MAX, &first, &err) ||
	    !jget_array(body, "", "records", &list, &err))
		return refuse(&err);
	if (json_array_size(list) > STATS_BATCH_MAX) {
		err_set(&err, ERR_LIMIT, "records", "has more than %d entries", STATS_BATCH_MAX);
		return refuse(&err);
	}
	struct record *records = mem_calloc(json_array_size(list) + 1, sizeof(*records));
	size_t len = decode_records(list, records);
	struct stats_counted counted;
	struct answer answer =
	    store_records(stats, &(struct stats_batch){.journal = (uint64_t)journal,
				     .first = (uint64_t)first,
				     .records = records,
				     .count = len,
				     .counted = &counted});
	for (size_t i = 0; i < len; i++)
		record_fini(&records[i]);
	mem_free(records);
	return answer;
}

static struct answer
ask(struct stats *stats, const json_t *body, const char *type,
    json_t *(*fn)(struct stats_store *, const json_t *, struct err *))
{
	struct err err;
	json_t *answer = fn(stats->store, body, &err);
	if (answer != NULL)
		return (struct answer){type, answer};
	if (err.kind == ERR_PARSE)
		on_failure(stats, &err);
	return refuse(&err);
}

static struct answer
answer_get_spent(struct stats *stats, const json_t *body)
{
	struct err err;
	(void)body;
	json_t *answer = stats_query_usage(stats->store, stats->settings, &err);
	if (answer == NULL)
		on_failure(stats, &err);
	return answer != NULL ? (struct answer){MSG_OK, answer} : refuse(&err);
}

static struct answer
answer_reset_stats(struct stats *stats, const json_t *body)
{
	struct err err;
	(void)body;
	if (!stats_store_reset(stats->store, clock_wall_ms(), &err)) {
		on_failure(stats, &err);
		return refuse(&err);
	}
	log_msg(LOG_INFO, "statistics_reset", "epoch %lld begins",
	    (long long)stats_store_epoch(stats->store));
	return (struct answer){
	    MSG_OK, json_pack("{s:I}", "epoch", (json_int_t)stats_store_epoch(stats->store))};
}

static struct answer
answer_reprice(struct stats *stats, const json_t *body)
{
	struct err err;
	struct stats_reprice reprice = {.to_ms = INT64_MAX, .running = true};
	if (!jget_int(body, "", "from_ms", 0, INT64_MAX, &reprice.from_ms, &err) ||
	    !jget_int(body, "", "to_ms", 0, INT64_MAX, &reprice.to_ms, &err))
		return refuse(&err);
	if (stats->reprice.running) {
		err_set(&err, ERR_LIMIT, "", "costs are being made anew already");
		return refuse(&err);
	}
	stats->reprice = reprice;
	loop_timer_arm(&stats->next_piece, 0);
	return (struct answer){MSG_OK, json_object()};
}

static struct answer
answer_get_reprice(struct stats *stats, const json_t *body)
{
	const struct stats_reprice *reprice = &stats->reprice;
	(void)body;
	return (struct answer){MSG_REPRICED,
	    json_pack("{s:b, s:I, s:I, s:I, s:I}", "running", reprice->running, "looked",
		(json_int_t)reprice->looked, "changed", (json_int_t)reprice->changed, "from_ms",
		(json_int_t)reprice->from_ms, "to_ms", (json_int_t)reprice->to_ms)};
}

static struct answer
answer_question(struct stats *stats, const struct envelope *question)
{
	static const struct {
		const char *type;
		struct answer (*fn)(struct stats *stats, const json_t *body);
	} questions[] = {
	    {MSG_RECORDS, answer_records},
	    {MSG_RESET_STATS, answer_reset_stats},
	    {MSG_REPRICE, answer_reprice},
	    {MSG_GET_REPRICE, answer_get_reprice},
	    {MSG_GET_SPENT, answer_get_spent},
	};
	static const struct {
		const char *type, *answer;
		json_t *(*fn)(struct stats_store *store, const json_t *body, struct err *err);
	} queries[] = {
	    {MSG_GET_STATS, MSG_STATS, stats_query_sums},
	    {MSG_GET_REQUESTS, MSG_REQUESTS, stats_query_requests},
	    {MSG_GET_TOKEN_STATS, MSG_TOKEN_STATS, stats_query_token_stats},
	};
	struct err err;
	if (stats->store == NULL) {
		char why[sizeof(stats->trouble)];
		stats_trouble(stats, why, sizeof(why));
		err_set(&err, ERR_IO, STATS_FILE, "the statistics cannot be opened: %s", why);
		return refuse(&err);
	}
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		if (strcmp(question->type, questions[i].type) == 0)
			return questions[i].fn(stats, question->body);
	}
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		if (strcmp(question->type, queries[i].type) == 0)
			return ask(stats, question->body, queries[i].answer, queries[i].fn);
	}
	err_set(&err, ERR_PEER, "type", "nothing to answer to");
	return refuse(&err);
}

/* False: it is to end. */
static bool
take_mail(struct stats *stats)
{
	(void)pthread_mutex_lock(&stats->lock);
	struct stats_settings *next = stats->next;
	bool stop = stats->stop;
	stats->next = NULL;
	(void)pthread_mutex_unlock(&stats->lock);
	if (next != NULL) {
		stats_settings_unref(stats->settings);
		stats->settings = next;
		stats->news = true;
	}
	return !stop;
}

static void
on_question(struct view message, struct bytes *reply, void *ctx)
{
	struct stats *stats = ctx;
	struct envelope question = {0};
	struct err err;
	struct answer answer;
	(void)take_mail(stats); /* who asks may know of settings that were told before */
	if (envelope_decode(message, &question, &err))
		answer = answer_question(stats, &question);
	else
		answer = refuse(&err);
	if (!envelope_encode(answer.type, question.id, answer.body, reply)) {
		err_set(&err, ERR_LIMIT, "", "the answer does not fit into a message");
		MUST(envelope_encode(MSG_ERROR, question.id, envelope_error_body(&err), reply));
	}
	envelope_fini(&question);
}

/* ---- the thread ---- */

static void
on_wake(struct loop_io *io, unsigned events, void *ctx)
{
	struct stats *stats = ctx;
	uint64_t count;
	(void)events;
	(void)!read(io->fd, &count, sizeof(count));
	if (!take_mail(stats))
		loop_stop(stats->loop);
}

static void
on_ready(struct loop_io *io, unsigned events, void *ctx)
{
	struct stats *stats = ctx;
	uint64_t count;
	(void)events;
	(void)!read(io->fd, &count, sizeof(count));
	stats->options.on_ready(stats->options.ctx);
}

static void *
run(void *ctx)
{
	struct stats *stats = ctx;
	open_store(stats);
	loop_run(stats->loop);
	stats_store_close(stats->store);
	stats->store = NULL;
	return NULL;
}

/* Signals are the main thread's. */
static bool
start_thread(struct stats *stats, struct err *err)
{
	sigset_t all, before;
	(void)sigfillset(&all);
	MUST(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	int failed = pthread_create(&stats->thread, NULL, run, stats);
	MUST(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	errno = failed;
	return failed == 0 || err_errno(err, "", "the statistics' thread cannot be started");
}

static void
wake(struct stats *stats)
{
	uint64_t one = 1;
	(void)!write(stats->wake_fd, &one, sizeof(one));
}

static void
free_all(struct stats *stats)
{
	loop_timer_fini(&stats->reopen);
	loop_timer_fini(&stats->trim);
	loop_timer_fini(&stats->next_piece);
	loop_timer_fini(&stats->budgets);
	if (stats->wake_fd >= 0) {
		loop_io_fini(&stats->wake);
		(void)close(stats->wake_fd);
	}
	if (stats->ready_fd >= 0) {
		loop_io_fini(&stats->ready);
		(void)close(stats->ready_fd);
	}
	stats_spending_fini(&stats->spent);
	stats_spending_fini(&stats->now);
	if (stats->rep != NULL)
		bus_rep_free(stats->rep);
	loop_free(stats->loop);
	stats_settings_unref(stats->settings);
	stats_settings_unref(stats->next);
	(void)pthread_mutex_destroy(&stats->lock);
	mem_free(stats->folder);
	mem_free(stats);
}

static bool
make_signals(struct stats *stats, struct err *err)
{
	stats->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stats->wake_fd >= 0)
		loop_io_init(&stats->wake, stats->loop, stats->wake_fd, on_wake, stats);
	stats->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stats->ready_fd >= 0) {
		loop_io_init(&stats->ready, stats->options.loop, stats->ready_fd, on_ready, stats);
	}
	if (stats->wake_fd < 0 || stats->ready_fd < 0)
		return err_errno(err, "", "no event descriptor for the statistics' thread");
	loop_io_watch(&stats->wake, LOOP_READ);
	loop_io_watch(&stats->ready, LOOP_READ);
	return true;
}

struct stats *
stats_start(const struct stats_options *options, struct stats_settings *settings, struct err *err)
{
	char path[128];
	struct stats *stats = MEM_NEW(struct stats);
	stats->settings = settings;
	stats->options = *options;
	stats->folder = mem_dup_str(options->state_dir);
	stats->wake_fd = stats->ready_fd = -1;
	MUST(pthread_mutex_init(&stats->lock, NULL) == 0);
	stats->loop = loop_new(err);
	MUST(stats->loop != NULL);
	loop_timer_init(&stats->reopen, stats->loop, on_reopen, stats);
	loop_timer_init(&stats->trim, stats->loop, on_trim, stats);
	loop_timer_init(&stats->next_piece, stats->loop, on_next_piece, stats);
	loop_timer_init(&stats->budgets, stats->loop, on_budgets, stats);
	if (!make_signals(stats, err) ||
	    !names_path(options->run_dir, NAMES_STATS, path, sizeof(path), err) ||
	    (stats->rep = bus_rep_bind(stats->loop, path, on_question, stats, err)) == NULL ||
	    !start_thread(stats, err))
		goto fail;
	return stats;
fail:
	free_all(stats);
	return NULL;
}

void
stats_configure(struct stats *stats, struct stats_settings *settings)
{
	(void)pthread_mutex_lock(&stats->lock);
	struct stats_settings *old = stats->next;
	stats->next = settings;
	(void)pthread_mutex_unlock(&stats->lock);
	stats_settings_unref(old);
	wake(stats);
}

void
stats_stop(struct stats *stats)
{
	if (stats == NULL)
		return;
	(void)pthread_mutex_lock(&stats->lock);
	stats->stop = true;
	(void)pthread_mutex_unlock(&stats->lock);
	wake(stats);
	MUST(pthread_join(stats->thread, NULL) == 0);
	free_all(stats);
}
