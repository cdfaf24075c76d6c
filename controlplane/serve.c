#include "assemble.h"
#include "clock.h"
#include "crypto.h"
#include "diff.h"
#include "envelope.h"
#include "fileio.h"
#include "health_file.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include "names.h"
#include "overview.h"
#include "ready.h"
#include "rules.h"
#include "scrape.h"
#include "serve_private.h"

#define POLL_MS 250         /* how often the file is looked at, where the kernel tells nothing */
#define TELL_MS 100         /* changes of health are told together */
#define CLOCK_MS 200        /* a wall clock that is off by more was set */
#define CALENDAR_MS 3600000 /* how old the calendar of the statistics gets */
#define DUE_MS 3600000      /* schedules are looked at that often at least: zone files change too */

/* ---- time ---- */

static int64_t
wall_ms(const struct serve *serve)
{
	return (int64_t)loop_now_ms(serve->loop) + serve->offset_ms;
}

/* True when the wall clock was set. */
static bool
watch_clock(struct serve *serve)
{
	int64_t offset = clock_wall_ms() - (int64_t)loop_now_ms(serve->loop);
	int64_t drift = offset - serve->offset_ms;
	if (drift <= CLOCK_MS && drift >= -CLOCK_MS)
		return false;
	serve->offset_ms = offset;
	return true;
}

/* ---- publishing ---- */

void
serve_publish(struct bus_pub *pub, const char *type, json_t *body)
{
	struct bytes message;
	bytes_init(&message, NAMES_MESSAGE_BYTES_MAX);
	if (envelope_encode(type, 0, body, &message)) {
		bus_pub_send(pub, bytes_view(&message));
	} else {
		log_msg(LOG_ERROR, "message_too_big", "a %s does not fit into a message", type);
	}
	if (message.data != NULL)
		crypto_wipe(message.data, message.len);
	bytes_fini(&message);
}

static struct overview
make_overview(const struct serve *serve)
{
	return (struct overview){.reload = &serve->reload,
	    .table = serve->table,
	    .dataplanes = &serve->dataplanes,
	    .health = &serve->health,
	    .lessons = &serve->lessons,
	    .activation = &serve->activation,
	    .alerts = serve->alerts,
	    .started_ms = serve->started_ms,
	    .now_ms = loop_now_ms(serve->loop),
	    .offset_ms = serve->offset_ms};
}

json_t *
serve_state(const struct serve *serve)
{
	struct overview overview = make_overview(serve);
	return overview_encode(&overview);
}

json_t *
serve_metrics(const struct serve *serve)
{
	struct tally tally;
	char trouble[8];
	stats_tally(serve->stats, &tally);
	stats_trouble(serve->stats, trouble, sizeof(trouble));
	struct scrape scrape = {.overview = make_overview(serve),
	    .tally = &tally,
	    .statistics_away = trouble[0] != '\0',
	    .loop_stall_ms = loop_stall_ms(serve->loop)};
	return scrape_encode(&scrape);
}

void
serve_tell(struct serve *serve)
{
	loop_timer_disarm(&serve->tell);
	serve_publish(serve->events_pub, MSG_STATE, serve_state(serve));
}

static void
on_tell(struct loop_timer *timer, void *ctx)
{
	(void)timer;
	serve_tell(ctx);
}

static void
log_table(const struct table *table)
{
	struct log_line line;
	log_begin(&line, LOG_INFO, "table");
	log_int(&line, "version", (int64_t)table->version);
	for (unsigned i = 0; i < GROUP_COUNT; i++)
		log_int(&line, group_name((enum group)i), (int64_t)table->groups[i].count);
	log_int(&line, "client_keys", (int64_t)table->client_key_count);
	log_end(&line);
}

/* When time alone changes the table next. */
static void
arm_due(struct serve *serve)
{
	uint64_t now = loop_now_ms(serve->loop);
	uint64_t health = health_next_ms(&serve->health, now) - now, delay = DUE_MS;
	const struct config *config = serve->reload.config;
	int64_t wall = wall_ms(serve);
	for (size_t i = 0; config != NULL && i < GROUP_COUNT; i++) {
		const struct config_upstreams *list = &config->upstreams[i];
		for (size_t k = 0; k < list->count; k++) {
			int64_t next = schedule_at(&list->items[k].schedule, wall).next_ms;
			if (next != 0 && (uint64_t)(next - wall) < delay)
				delay = (uint64_t)(next - wall);
		}
	}
	for (size_t i = 0; i < PERIODS && serve->table != NULL; i++) {
		int64_t left = serve->table->periods.end_ms[i] - wall;
		if (left > 0 && (uint64_t)left < delay)
			delay = (uint64_t)left;
	}
	int64_t activation = activation_next_ms(&serve->activation, wall);
	if (activation != 0 && (uint64_t)(activation - wall) < delay)
		delay = (uint64_t)(activation - wall);
	loop_timer_arm(&serve->due, health < delay ? health : delay);
}

static struct table *
make_table(struct serve *serve)
{
	struct table *table =
	    assemble_table(serve->reload.config, wall_ms(serve), serve->options.demo_url);
	health_sync(&serve->health, table);
	assemble_health(table, &serve->health, loop_now_ms(serve->loop), serve->offset_ms);
	lessons_kept_assemble(&serve->lessons, table);
	activation_assemble(&serve->activation, table);
	serve_alerts_fill(serve->alerts, table);
	trials_assemble(&serve->trials, table);
	table->prober = serve->dataplanes.prober;
	if (serve->stats != NULL)
		(void)stats_fill_spent(serve->stats, table);
	return table;
}

void
serve_save_activation(struct serve *serve)
{
	struct err err;
	if (serve->activation.revision == serve->saved_activation)
		return;
	serve->saved_activation = serve->activation.revision;
	if (!activation_write(&serve->activation, serve->options.state_dir, &err))
		log_err(LOG_WARN, "activation_not_saved", &err);
}

void
serve_refresh(struct serve *serve)
{
	/* An order is on disk before anybody can carry it out. */
	if (activation_tick(
		&serve->activation, serve->reload.config, serve->dataplanes.prober, wall_ms(serve)))
		serve_save_activation(serve);
	struct table *table = make_table(serve);
	arm_due(serve);
	if (serve->table != NULL && assemble_equal(table, serve->table)) {
		table_unref(table);
		return;
	}
	table->epoch = serve->epoch;
	table->version = serve->table != NULL ? serve->table->version + 1 : 1;
	table_unref(serve->table);
	serve->table = table;
	log_table(table);
	serve_publish(serve->table_pub, MSG_TABLE, table_encode(table));
}

static void
on_due(struct loop_timer *timer, void *ctx)
{
	struct serve *serve = ctx;
	(void)timer;
	health_tick(&serve->health, loop_now_ms(serve->loop));
	serve_health_changed(serve);
}

/* ---- health ---- */

void
serve_health_changed(struct serve *serve)
{
	serve_refresh(serve);
	if (!serve->tell.armed)
		loop_timer_arm(&serve->tell, TELL_MS);
}

static void
on_move(const struct health_move *move, void *ctx)
{
	struct log_line line;
	const struct health_unit *unit = move->unit;
	(void)ctx;
	/* Single failures are told by the data planes. */
	bool small = unit->state <= HEALTH_SUSPECT && move->from <= HEALTH_SUSPECT;
	log_begin(&line, small ? LOG_DEBUG : LOG_INFO, "health");
	log_str(&line, "upstream", move->id);
	if (move->model != NULL)
		log_str(&line, "model", move->model);
	log_str(&line, "from", health_state_words[move->from]);
	log_str(&line, "to", health_state_words[unit->state]);
	if (unit->state == HEALTH_COOLING) {
		log_str(&line, "reason", unit->reason);
		log_str(&line, "blame", blame_words[unit->blame]);
		log_int(&line, "rest_ms", (int64_t)(unit->until_ms - move->now_ms));
	}
	log_end(&line);
}

static void
set_limits(struct serve *serve)
{
	for (unsigned i = 0; serve->reload.config != NULL && i < GROUP_COUNT; i++) {
		struct health_limits limits = rules_limits(serve->reload.config, (enum group)i);
		health_set_limits(&serve->health, (enum group)i, &limits, loop_now_ms(serve->loop));
	}
}

static void
save_health(struct serve *serve)
{
	struct err err;
	if (serve->health.revision == serve->saved_revision)
		return;
	/* Tried once for each change: a full disk need not be told each second. */
	serve->saved_revision = serve->health.revision;
	if (!health_file_write(&serve->health, serve->options.state_dir, loop_now_ms(serve->loop),
		serve->offset_ms, &err))
		log_err(LOG_WARN, "health_not_saved", &err);
}

static void
save_lessons(struct serve *serve)
{
	struct err err;
	if (serve->lessons.revision == serve->saved_lessons)
		return;
	serve->saved_lessons = serve->lessons.revision;
	if (!lessons_kept_write(&serve->lessons, serve->options.state_dir, &err))
		log_err(LOG_WARN, "lessons_not_saved", &err);
}

static void
load_lessons(struct serve *serve)
{
	struct err err;
	if (!lessons_kept_read(&serve->lessons, serve->options.state_dir, &err))
		log_err(LOG_WARN, "lessons_not_read", &err);
	(void)lessons_kept_expire(&serve->lessons, wall_ms(serve));
	serve->saved_lessons = serve->lessons.revision;
}

static void
load_activation(struct serve *serve)
{
	struct err err;
	if (!activation_read(&serve->activation, serve->options.state_dir, &err)) {
		log_err(LOG_WARN, "activation_not_read", &err);
		/* Data planes carry out no order below the last that they had. */
		serve->activation.last_seq = (uint64_t)wall_ms(serve);
	}
	serve->saved_activation = serve->activation.revision;
}

static void
load_health(struct serve *serve)
{
	struct err err;
	serve->health.on_move = on_move;
	set_limits(serve);
	table_unref(make_table(serve)); /* so that it knows the upstreams */
	if (!health_file_read(&serve->health, serve->options.state_dir, loop_now_ms(serve->loop),
		serve->offset_ms, &err))
		log_err(LOG_WARN, "health_not_read", &err);
	health_tick(&serve->health, loop_now_ms(serve->loop));
	serve->saved_revision = serve->health.revision;
}

/* ---- statistics ---- */

static struct stats_settings *
statistics_settings(struct serve *serve)
{
	serve->calendar_ms = wall_ms(serve);
	return stats_settings_new(serve->reload.config, serve->calendar_ms);
}

/* What is spent of budgets is known now. */
static void
on_statistics(void *ctx)
{
	serve_refresh(ctx);
}

static void
tell_statistics(struct serve *serve)
{
	stats_configure(serve->stats, statistics_settings(serve));
}

/* ---- the beat ---- */

static void
on_beat(struct loop_timer *timer, void *ctx)
{
	struct serve *serve = ctx;
	uint64_t now = loop_now_ms(serve->loop);
	loop_timer_arm(timer, NAMES_HEARTBEAT_MS);
	bool news = dataplanes_expire(&serve->dataplanes, now);
	bool prober = dataplanes_choose_prober(&serve->dataplanes, now);
	bool forgot = lessons_kept_expire(&serve->lessons, wall_ms(serve));
	bool lost = trials_expire(&serve->trials, now);
	if (watch_clock(serve) || prober || forgot || lost) {
		serve_refresh(serve);
		news = true;
	}
	serve_publish(serve->table_pub, MSG_HEARTBEAT,
	    json_pack("{s:I, s:I}", "epoch", (json_int_t)serve->table->epoch, "version",
		(json_int_t)serve->table->version));
	if (news)
		serve_tell(serve);
	/* Zone files change, and so does the clock. */
	int64_t calendar_age_ms = wall_ms(serve) - serve->calendar_ms;
	if (calendar_age_ms < 0 || calendar_age_ms > CALENDAR_MS)
		tell_statistics(serve);
	save_health(serve);
	save_lessons(serve);
	serve_save_activation(serve);
	serve_cancel_again(serve);
	serve_alerts_beat(serve->alerts);
}

/* ---- the configuration ---- */

void
serve_config_changed(struct serve *serve)
{
	set_limits(serve);
	serve_alerts_configure(serve->alerts);
	tell_statistics(serve);
	serve_refresh(serve);
	serve_tell(serve);
}

/* Somebody has edited the file. */
static void
note_hand_edit(struct serve *serve, const json_t *before)
{
	const struct history_who who = {
	    .who = "file", .via = "file", .what = "the file was edited"};
	json_t *changes = diff_changes(before, serve->reload.config->root, AUDIT_CHANGES_MAX);
	audit_add(&serve->audit, &who, "file", serve->reload.revision, changes);
	json_decref(changes);
}

enum reload_result
serve_read_again(struct serve *serve)
{
	json_t *before =
	    serve->reload.config != NULL ? json_incref(serve->reload.config->root) : json_object();
	enum reload_result result = reload_again(&serve->reload);
	if (result == RELOAD_CHANGED) {
		log_msg(LOG_INFO, "config_taken", "the configuration was read again");
		note_hand_edit(serve, before);
		serve_config_changed(serve);
	} else if (result == RELOAD_SAME) {
		log_msg(LOG_INFO, "config_same", "the configuration has not changed");
	} else {
		serve_tell(serve);
	}
	json_decref(before);
	return result;
}

void
serve_reload(struct serve *serve)
{
	(void)serve_read_again(serve);
}

static void
on_poll(struct loop_timer *timer, void *ctx)
{
	struct serve *serve = ctx;
	loop_timer_arm(timer, POLL_MS);
	if (store_poll(&serve->reload.store))
		(void)serve_read_again(serve);
}

static void
on_file(void *ctx)
{
	struct serve *serve = ctx;
	if (store_differs(&serve->reload.store)) /* else it was our own save */
		(void)serve_read_again(serve);
}

static void
watch_file(struct serve *serve)
{
	struct err err = {0};
	serve->watch = watch_new(serve->loop, serve->reload.store.path, on_file, serve, &err);
	if (serve->watch == NULL)
		log_err(LOG_WARN, "config_polled", &err);
	loop_timer_arm(&serve->poll, POLL_MS);
}

/* ---- life ---- */

static bool
bind_all(struct serve *serve, struct err *err)
{
	char table[128], data[128], events[128], admin[128];
	const char *run_dir = serve->options.run_dir;
	if (!fileio_mkdirs(run_dir, 0700, err) ||
	    !names_path(run_dir, NAMES_TABLE, table, sizeof(table), err) ||
	    !names_path(run_dir, NAMES_DATA, data, sizeof(data), err) ||
	    !names_path(run_dir, NAMES_EVENTS, events, sizeof(events), err) ||
	    !names_path(run_dir, NAMES_ADMIN, admin, sizeof(admin), err))
		return false;
	return (serve->table_pub = bus_pub_bind(serve->loop, table, err)) != NULL &&
	       (serve->events_pub = bus_pub_bind(serve->loop, events, err)) != NULL &&
	       (serve->data_rep = bus_rep_bind(
		    serve->loop, data, serve_on_data_question, serve, err)) != NULL &&
	       (serve->admin_rep = bus_rep_bind(
		    serve->loop, admin, serve_on_admin_question, serve, err)) != NULL;
}

/* For the address that the launcher shows once; it removes the file. */
static void
write_login_code(struct serve *serve)
{
	char path[128], code[ACCESS_CODE_BYTES];
	struct err err;
	access_mint_code(&serve->codes, loop_now_ms(serve->loop), code);
	if (!names_path(serve->options.run_dir, READY_LOGIN_FILE, path, sizeof(path), &err) ||
	    !fileio_write(path, view_of(code), 0600, &err))
		log_err(LOG_WARN, "no_login_code", &err);
	crypto_wipe(code, sizeof(code));
}

struct serve *
serve_new(struct loop *loop, const struct serve_options *options, struct err *err)
{
	struct serve *serve = MEM_NEW(struct serve);
	serve->loop = loop;
	serve->options = *options;
	serve->started_ms = clock_wall_ms();
	serve->offset_ms = serve->started_ms - (int64_t)loop_now_ms(loop);
	serve->epoch = crypto_random_u64();
	loop_timer_init(&serve->beat, loop, on_beat, serve);
	loop_timer_init(&serve->poll, loop, on_poll, serve);
	loop_timer_init(&serve->due, loop, on_due, serve);
	loop_timer_init(&serve->tell, loop, on_tell, serve);
	if (!reload_start(&serve->reload, options->state_dir, err) || !bind_all(serve, err))
		goto fail;
	audit_open(&serve->audit, options->state_dir);
	const struct stats_options statistics = {
	    options->state_dir, options->run_dir, loop, on_statistics, serve};
	serve->stats = stats_start(&statistics, statistics_settings(serve), err);
	if (serve->stats == NULL)
		goto fail;
	load_lessons(serve);
	load_activation(serve);
	load_health(serve);
	serve->alerts = serve_alerts_new(serve);
	cancels_init(&serve->cancels);
	serve_refresh(serve);
	if (serve->reload.minted)
		write_login_code(serve);
	if (!ready_write(
		options->run_dir, options->state_dir, serve->reload.minted, serve->table, err))
		goto fail;
	loop_timer_arm(&serve->beat, NAMES_HEARTBEAT_MS);
	watch_file(serve);
	return serve;
fail:
	serve_free(serve);
	return NULL;
}

void
serve_free(struct serve *serve)
{
	if (serve == NULL)
		return;
	save_health(serve);
	save_lessons(serve);
	serve_save_activation(serve);
	serve_alerts_free(serve->alerts);
	stats_stop(serve->stats);
	watch_free(serve->watch);
	loop_timer_fini(&serve->beat);
	loop_timer_fini(&serve->poll);
	loop_timer_fini(&serve->due);
	loop_timer_fini(&serve->tell);
	bus_pub_free(serve->table_pub);
	bus_pub_free(serve->events_pub);
	bus_rep_free(serve->data_rep);
	bus_rep_free(serve->admin_rep);
	table_unref(serve->table);
	health_fini(&serve->health);
	lessons_kept_fini(&serve->lessons);
	activation_fini(&serve->activation);
	trials_fini(&serve->trials);
	dataplanes_fini(&serve->dataplanes);
	reload_fini(&serve->reload);
	mem_free(serve);
}
