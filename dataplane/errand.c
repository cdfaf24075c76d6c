#include "errand.h"
#include "errand_text.h"
#include "inflate.h"
#include "mem.h"
#include "tap.h"
#include "url.h"
#include "wall.h"
#include <stdio.h>
#include <string.h>

#define LOOK_MS 100 /* how often the list is looked at while something may be due */
#define PROBE_MS 5000
#define ACTIVATE_MS 120000
#define TRY_MS 60000
#define HEADERS_BYTES_MAX ((size_t)64 * 1024)
#define URL_BYTES_MAX 4096
#define BODY_BYTES_MAX ((size_t)64 * 1024)
#define PROBE_BYTES_MAX ((size_t)64 * 1024) /* of an answer that nobody reads */
/* So little is inflated at once that even a bomb stays within the bound behind it. */
#define SLICE_BYTES 128
#define INFLATED_BYTES_MAX ((size_t)256 * 1024)

/* An upstream as seen from here. */
struct stop {
	char *id;
	uint64_t probed, activated; /* the orders carried out */
	uint64_t next_ms;           /* the next probe */
	bool busy;
	bool seen; /* in the present table */
};

/* One call under way. */
struct errand {
	struct errands *errands;
	struct table *table;
	const struct upstream_entry *entry; /* of that table */
	enum errand_kind kind;
	uint64_t order, began_ms, head_ms;
	size_t got_bytes;
	int status;
	bool ended;
	bool broken; /* its coding is none of ours, or not what it says */
	enum transport transport;
	struct transfer *transfer;
	struct inflate *inflate; /* some upstreams compress unasked; NULL where not */
	struct wall wall;
	struct bytes body;
	/* Of a trial only. */
	const struct trial_order *trial; /* of that table */
	struct upstream_entry own;       /* `entry` is this, made of the order's members */
	char own_id[32];
	struct tap tap;
	struct bytes said; /* an error's body, as much of it as is told */
	struct loop_timer timer;
	struct loop_task task;
};

struct errands {
	struct loop *loop;
	struct upstreams *upstreams;
	uint64_t boot_id;
	errand_fn *on_end;
	errand_trial_fn *on_tried;
	void *ctx;
	uint64_t tried; /* the order that was carried out last */
	struct table *table;
	struct stop *stops;
	size_t stop_count;
	struct errand *running[ERRANDS_RUNNING_MAX];
	struct loop_timer look;
};

/* ---- the end of one ---- */

static struct stop *
find_stop(struct errands *errands, const char *id)
{
	for (size_t i = 0; i < errands->stop_count; i++) {
		if (strcmp(errands->stops[i].id, id) == 0)
			return &errands->stops[i];
	}
	return NULL;
}

static void
errand_free(struct errand *errand)
{
	struct errands *errands = errand->errands;
	for (size_t i = 0; i < ERRANDS_RUNNING_MAX; i++) {
		if (errands->running[i] == errand)
			errands->running[i] = NULL;
	}
	struct stop *stop = find_stop(errands, errand->entry->id);
	if (stop != NULL)
		stop->busy = false;
	loop_timer_fini(&errand->timer);
	loop_defer_cancel(&errand->task);
	transfer_free(errand->transfer);
	inflate_free(errand->inflate);
	wall_fini(&errand->wall);
	tap_fini(&errand->tap);
	bytes_fini(&errand->said);
	bytes_fini(&errand->body);
	table_unref(errand->table);
	mem_free(errand);
}

static struct outcome_facts
facts_of(const struct errand *errand)
{
	return (struct outcome_facts){
	    .transport = errand->transport,
	    .status = errand->status,
	    .fault = errand->wall.fault,
	    .error_type = errand->wall.error_type,
	    .terminal = errand->wall.terminal,
	};
}

/* What the upstream has said against it, as text that JSON can hold. */
static const char *
said_of(struct errand *errand)
{
	if (errand->said.len == 0 && errand->wall.error_message[0] != '\0')
		(void)!bytes_append_str(&errand->said, errand->wall.error_message);
	errand_text_mask(errand->entry, &errand->said);
	struct view rest = bytes_view(&errand->said);
	size_t step;
	while ((step = view_utf8_step(rest)) > 0 && rest.data[0] != '\0')
		rest = view_from(rest, step);
	errand->said.len -= rest.len;
	return bytes_str(&errand->said);
}

static void
tell_trial(struct errand *errand)
{
	struct outcome_facts facts = facts_of(errand);
	struct outcome outcome = outcome_classify(&facts, NULL);
	struct tap_usage used;
	uint64_t now_ms = loop_now_ms(errand->errands->loop);
	tap_tell(&errand->tap, &used);
	const char *said = outcome.success ? "" : said_of(errand);
	struct trial_result result = {
	    .seq = errand->order,
	    .ok = outcome.success,
	    .status = outcome.status > 0 ? (uint32_t)outcome.status : (uint32_t)errand->status,
	    .error = (char *)(uintptr_t)said,
	    .ms = (uint32_t)(now_ms - errand->began_ms),
	    .input = used.usage.input_new,
	    .cache_read = used.usage.cache_read,
	    .cache_write_5m = used.usage.cache_write_5m,
	    .cache_write_1h = used.usage.cache_write_1h,
	    .output = used.usage.output,
	    .reasoning = used.usage.reasoning,
	};
	(void)snprintf(result.reason, sizeof(result.reason), "%s", outcome.reason);
	(void)snprintf(result.served, sizeof(result.served), "%s", used.model);
	if (errand->head_ms != 0)
		result.ttfb_ms = (uint32_t)(errand->head_ms - errand->began_ms) + 1;
	errand->errands->on_tried(&result, errand->errands->ctx);
}

static void
tell(const struct errand *errand)
{
	const struct outcome_facts facts = facts_of(errand);
	bool probe = errand->kind == ERRAND_PROBE;
	struct outcome outcome = probe ? errand_text_judge(&facts) : outcome_classify(&facts, NULL);
	const char *model =
	    probe ? "" : errand_text_model(&errand->table->activation, errand->entry);
	struct report_outcome report = {
	    .upstream = errand->entry->id,
	    .model = (char *)(uintptr_t)model,
	    .blame = (unsigned)outcome.blame,
	    .status = outcome.status > 0 ? (uint32_t)outcome.status : (uint32_t)errand->status,
	    .success = outcome.success,
	    .generate = !probe,
	    .probe = probe,
	    .activation = !probe,
	    .probe_seq = errand->order,
	    .count = 1,
	};
	(void)snprintf(report.reason, sizeof(report.reason), "%s", outcome.reason);
	if (errand->head_ms != 0)
		report.ttfb_ms = (uint32_t)(errand->head_ms - errand->began_ms) + 1;
	errand->errands->on_end(&report, errand->began_ms, errand->errands->ctx);
}

/* Outside libcurl. */
static void
finish(struct errand *errand)
{
	if (errand->kind != ERRAND_PROBE && errand->transport == TRANSPORT_OK &&
	    errand->status >= 200 && errand->status <= 299)
		(void)wall_end(&errand->wall);
	if (errand->kind == ERRAND_TRY)
		tell_trial(errand);
	else
		tell(errand);
	errand_free(errand);
}

static void
on_task(struct loop_task *task, void *ctx)
{
	(void)task;
	finish(ctx);
}

/* ---- events of the call ---- */

/* Nobody reads what a probe brings. Anything else comes in the form that its head tells, whatever
 * was asked for. */
static bool
on_head(struct answer *answer, void *ctx)
{
	struct errand *errand = ctx;
	enum coding coding = coding_parse(answer_header(answer, "content-encoding"));
	bool whole = view_starts_nocase(answer_header(answer, "content-type"), "application/json");
	errand->status = answer->status;
	errand->head_ms = loop_now_ms(errand->errands->loop);
	if (errand->kind == ERRAND_PROBE)
		return true;
	wall_fini(&errand->wall);
	wall_init(&errand->wall, errand->entry->protocol, whole ? WALL_WHOLE : WALL_STREAM);
	tap_begin(&errand->tap, !whole);
	errand->broken = coding == CODING_UNKNOWN;
	if (coding != CODING_IDENTITY && !errand->broken)
		errand->inflate = inflate_new(coding);
	return !errand->broken;
}

static enum transfer_go
look_at_bytes(struct errand *errand, struct view bytes)
{
	if (errand->kind != ERRAND_PROBE && errand->status >= 200 && errand->status <= 299) {
		(void)wall_feed(&errand->wall, bytes);
		if (errand->kind == ERRAND_TRY)
			tap_feed(&errand->tap, bytes);
		return TRANSFER_GO;
	}
	if (errand->kind == ERRAND_TRY)
		(void)!bytes_append_view(
		    &errand->said, view_sub(bytes, 0, TRIAL_ERROR_BYTES - errand->said.len));
	/* Its head has said enough. */
	return errand->got_bytes <= PROBE_BYTES_MAX ? TRANSFER_GO : TRANSFER_STOP;
}

static enum transfer_go
on_bytes(struct view bytes, void *ctx)
{
	struct errand *errand = ctx;
	enum transfer_go go = TRANSFER_GO;
	struct bytes plain;
	errand->got_bytes += bytes.len;
	if (errand->inflate == NULL)
		return look_at_bytes(errand, bytes);
	bytes_init(&plain, INFLATED_BYTES_MAX);
	while (go == TRANSFER_GO && bytes.len > 0 && !errand->broken) {
		struct view slice = view_sub(bytes, 0, SLICE_BYTES);
		bytes = view_from(bytes, slice.len);
		bytes_clear(&plain);
		errand->broken = !inflate_feed(errand->inflate, slice, &plain, NULL);
		go = look_at_bytes(errand, bytes_view(&plain));
	}
	bytes_fini(&plain);
	return errand->broken ? TRANSFER_STOP : go;
}

static void
on_done(enum transport transport, const char *detail, void *ctx)
{
	struct errand *errand = ctx;
	(void)detail;
	bool enough = transport == TRANSPORT_CANCELLED && errand->got_bytes > PROBE_BYTES_MAX;
	bool cut =
	    transport == TRANSPORT_OK && errand->inflate != NULL && !inflate_done(errand->inflate);
	errand->transport = enough ? TRANSPORT_OK : transport;
	if (errand->broken || cut)
		errand->transport = TRANSPORT_BAD_ANSWER;
	errand->ended = true;
	loop_defer(errand->errands->loop, &errand->task);
}

static size_t
on_read(uint64_t at, char *out, size_t len, void *ctx)
{
	const struct errand *errand = ctx;
	struct view piece = view_sub(bytes_view(&errand->body), (size_t)at, len);
	if (piece.len > 0)
		memcpy(out, piece.data, piece.len);
	return piece.len;
}

static void
on_time(struct loop_timer *timer, void *ctx)
{
	struct errand *errand = ctx;
	(void)timer;
	if (errand->ended)
		return;
	transfer_free(errand->transfer);
	errand->transfer = NULL;
	errand->transport = TRANSPORT_TIMEOUT_TOTAL;
	errand->ended = true;
	finish(errand);
}

/* ---- the begin of one ---- */

static bool
send_off(struct errand *errand)
{
	static const struct transfer_events events = {on_head, on_bytes, on_done, on_read};
	struct bytes headers, url_text;
	struct url url;
	bool activate = errand->kind != ERRAND_PROBE;
	struct table_activation words = errand->table->activation;
	if (errand->trial != NULL) {
		words.models[errand->entry->protocol] = errand->trial->model;
		words.prompt = errand->trial->prompt;
		words.max_tokens = errand->trial->max_tokens;
	}
	bytes_init(&headers, HEADERS_BYTES_MAX);
	bytes_init(&url_text, URL_BYTES_MAX);
	bytes_init(&errand->body, BODY_BYTES_MAX);
	bool ok =
	    errand_text_url(errand->entry, errand->kind, &url_text) &&
	    errand_text_headers(errand->entry, errand->kind, &headers) &&
	    (!activate || errand_text_body(&words, errand->entry,
			      errand->trial != NULL && errand->table->ask_usage, &errand->body));
	if (ok) {
		struct transfer_call call = {
		    .url = bytes_str(&url_text),
		    .method = activate ? "POST" : "GET",
		    .headers = &headers,
		    .body_bytes = errand->body.len,
		    .any_address = url_parse_base(view_of(errand->entry->base_url), &url, NULL) &&
				   url_host_is_denied(url.host),
		    .fresh = true, /* it shall tell whether the upstream can be reached */
		    .events = &events,
		    .ctx = errand,
		};
		errand->transfer = transfer_start(errand->errands->upstreams, &call);
	}
	bytes_fini(&headers);
	bytes_fini(&url_text);
	return ok;
}

/* What an errand needs to know of an upstream, out of an order; borrowed from the errand's table.
 */
static void
make_own_entry(struct errand *errand, const struct trial_order *trial)
{
	errand->trial = trial;
	(void)snprintf(
	    errand->own_id, sizeof(errand->own_id), "trial:%llu", (unsigned long long)trial->seq);
	errand->own = (struct upstream_entry){
	    .id = errand->own_id,
	    .base_url = trial->base_url,
	    .key = trial->key,
	    .protocol = (enum protocol)trial->protocol,
	};
	errand->entry = &errand->own;
}

/* `entry` or `trial`, of the present table. */
static bool
start(struct errands *errands, const struct upstream_entry *entry, const struct trial_order *trial,
    enum errand_kind kind, uint64_t order)
{
	static const uint32_t limits_ms[] = {
	    [ERRAND_PROBE] = PROBE_MS, [ERRAND_ACTIVATE] = ACTIVATE_MS, [ERRAND_TRY] = TRY_MS};
	size_t free_place = 0;
	while (free_place < ERRANDS_RUNNING_MAX && errands->running[free_place] != NULL)
		free_place++;
	if (free_place == ERRANDS_RUNNING_MAX)
		return false;
	struct errand *errand = MEM_NEW(struct errand);
	errand->errands = errands;
	errand->table = table_ref(errands->table);
	errand->entry = entry;
	if (trial != NULL)
		make_own_entry(errand, trial);
	errand->kind = kind;
	errand->order = order;
	errand->began_ms = loop_now_ms(errands->loop);
	errand->task = (struct loop_task){.fn = on_task, .ctx = errand};
	loop_timer_init(&errand->timer, errands->loop, on_time, errand);
	wall_init(&errand->wall, errand->entry->protocol, WALL_STREAM);
	tap_init(&errand->tap, errand->entry->protocol, true);
	bytes_init(&errand->said, TRIAL_ERROR_BYTES);
	errands->running[free_place] = errand;
	if (send_off(errand)) {
		loop_timer_arm(&errand->timer, limits_ms[kind]);
	} else {
		errand->transport = TRANSPORT_INTERNAL;
		errand->ended = true;
		loop_defer(errands->loop, &errand->task);
	}
	return true;
}

/* ---- what is due ---- */

/* Not all at the same moment. */
static uint64_t
next_probe_ms(uint64_t now_ms, const struct upstream_entry *entry)
{
	return now_ms + entry->probe_every_ms - entry->probe_every_ms / 10;
}

static bool
look_at(struct errands *errands, const struct upstream_entry *entry)
{
	struct stop *stop = find_stop(errands, entry->id);
	uint64_t now_ms = loop_now_ms(errands->loop);
	bool due = entry->probe_every_ms != 0 && now_ms >= stop->next_ms;
	bool waits = entry->probe_every_ms != 0;
	if (stop->busy)
		return true;
	if (entry->activate_seq > stop->activated && entry->activate_by == errands->boot_id) {
		stop->busy = start(errands, entry, NULL, ERRAND_ACTIVATE, entry->activate_seq);
		stop->activated = stop->busy ? entry->activate_seq : stop->activated;
		return true;
	}
	if (entry->probe_seq > stop->probed || due) {
		stop->busy = start(errands, entry, NULL, ERRAND_PROBE, entry->probe_seq);
		stop->probed = stop->busy ? entry->probe_seq : stop->probed;
		stop->next_ms = next_probe_ms(now_ms, entry);
		return true;
	}
	return waits;
}

static void
look(struct errands *errands)
{
	bool more = false;
	const struct table *table = errands->table;
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		for (size_t k = 0; k < table->groups[i].count; k++)
			more = look_at(errands, &table->groups[i].entries[k]) || more;
	}
	if (more && !errands->look.armed)
		loop_timer_arm(&errands->look, LOOK_MS);
}

/* Orders are told once by their number, whatever table they come again in. */
static void
look_at_trials(struct errands *errands)
{
	const struct table *table = errands->table;
	for (size_t i = 0; i < table->trial_count; i++) {
		const struct trial_order *trial = &table->trials[i];
		if (trial->by != errands->boot_id || trial->seq <= errands->tried)
			continue;
		/* Without a place it waits for the next table, or is given up by who asked. */
		if (!start(errands, NULL, trial, ERRAND_TRY, trial->seq))
			return;
		errands->tried = trial->seq;
	}
}

static void
on_look(struct loop_timer *timer, void *ctx)
{
	struct errands *errands = ctx;
	(void)timer;
	if (errands->table != NULL && errands->table->prober == errands->boot_id)
		look(errands);
}

/* ---- the table ---- */

static void
meet(struct errands *errands, const struct upstream_entry *entry)
{
	struct stop *stop = find_stop(errands, entry->id);
	if (stop == NULL) {
		errands->stops = mem_realloc(
		    errands->stops, (errands->stop_count + 1) * sizeof(*errands->stops));
		stop = &errands->stops[errands->stop_count++];
		*stop = (struct stop){.id = mem_dup_str(entry->id)};
	}
	stop->seen = true;
	/* One that begins to rest now is not probed at once. */
	if (entry->probe_every_ms == 0)
		stop->next_ms = loop_now_ms(errands->loop) + LOOK_MS;
}

static void
forget_unseen(struct errands *errands)
{
	size_t kept = 0;
	for (size_t i = 0; i < errands->stop_count; i++) {
		struct stop *stop = &errands->stops[i];
		if (!stop->seen && !stop->busy) {
			mem_free(stop->id);
			continue;
		}
		stop->seen = false;
		errands->stops[kept++] = *stop;
	}
	errands->stop_count = kept;
}

void
errands_table(struct errands *errands, struct table *table)
{
	table_unref(errands->table);
	errands->table = table_ref(table);
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		for (size_t k = 0; k < table->groups[i].count; k++)
			meet(errands, &table->groups[i].entries[k]);
	}
	forget_unseen(errands);
	look_at_trials(errands);
	if (table->prober == errands->boot_id)
		look(errands);
}

/* ---- life ---- */

struct errands *
errands_new(struct loop *loop, struct upstreams *upstreams, uint64_t boot_id, errand_fn *on_end,
    errand_trial_fn *on_tried, void *ctx)
{
	struct errands *errands = MEM_NEW(struct errands);
	errands->loop = loop;
	errands->upstreams = upstreams;
	errands->boot_id = boot_id;
	errands->on_end = on_end;
	errands->on_tried = on_tried;
	errands->ctx = ctx;
	loop_timer_init(&errands->look, loop, on_look, errands);
	return errands;
}

void
errands_free(struct errands *errands)
{
	if (errands == NULL)
		return;
	for (size_t i = 0; i < ERRANDS_RUNNING_MAX; i++) {
		if (errands->running[i] != NULL)
			errand_free(errands->running[i]);
	}
	for (size_t i = 0; i < errands->stop_count; i++)
		mem_free(errands->stops[i].id);
	mem_free(errands->stops);
	loop_timer_fini(&errands->look);
	table_unref(errands->table);
	mem_free(errands);
}
