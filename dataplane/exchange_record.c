/* The record of an exchange: from its commit on in the journal, and at its end. */
#include "clock.h"
#include "exchange_private.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include "record.h"
#include <stdio.h>
#include <string.h>

#define RENEW_MS 100        /* between two texts of an open record */
#define SHORT_NAME_BYTES 32 /* of one, where names are long */

const char *
exchange_result_name(enum exchange_result result)
{
	static const char *const names[] = {
	    [RESULT_FAILED] = "failed",
	    [RESULT_COMPLETED] = "completed",
	    [RESULT_PASSED] = "passed",
	    [RESULT_REFUSED] = "refused",
	    [RESULT_CLIENT_GONE] = "client_gone",
	    [RESULT_CANCELLED] = "cancelled",
	};
	return names[result];
}

/* ---- calls ---- */

uint32_t
exchange_ttfb_ms(const struct attempt *attempt)
{
	uint64_t ms = attempt->head_ms != 0 ? attempt->head_ms - attempt->started_ms : 0;
	return attempt->head_ms == 0 ? 0 : ms > 0 ? (uint32_t)ms : 1;
}

static int64_t
bounded(int64_t count)
{
	return count < 0 ? -1 : count < RECORD_TOKENS_MAX ? count : RECORD_TOKENS_MAX;
}

/* A write that names no lifetime is one of five minutes, which is what its vendors mean by it. */
static void
set_tokens(struct record_attempt *entry, const struct attempt *attempt)
{
	struct tap_usage found;
	struct record_tokens *tokens = &entry->tokens;
	entry->usage = attempt_usage(attempt, &found);
	int64_t hour = bounded(found.usage.cache_write_1h);
	int64_t all = bounded(found.usage.cache_write);
	int64_t minutes = bounded(found.usage.cache_write_5m);
	if (all >= 0) {
		int64_t rest = all - (hour > 0 ? hour : 0);
		entry->odd = rest < 0 || (minutes >= 0 && minutes != rest);
		minutes = rest > 0 ? rest : 0;
	}
	entry->odd = entry->odd || found.odd;
	*tokens = (struct record_tokens){.input = bounded(found.usage.input_new),
	    .cache_write_5m = minutes,
	    .cache_write_1h = hour,
	    .cache_read = bounded(found.usage.cache_read),
	    .output = bounded(found.usage.output),
	    .reasoning = bounded(found.usage.reasoning),
	    .web_searches = bounded(found.usage.web_searches)};
	entry->served = mem_dup_str(found.model);
}

/* By the table that the exchange began with. */
static void
set_cost(struct record_attempt *entry, const struct exchange *exchange,
    const struct upstream_entry *upstream)
{
	const struct table *table = exchange->table;
	const struct price_call call = {.served = view_of(entry->served),
	    .model = view_of(entry->model),
	    .upstream = view_of(upstream->id),
	    .at_ms = clock_wall_ms(),
	    .factor_ppm = upstream->price_ppm,
	    .tokens = &entry->tokens};
	entry->cost_nano_usd = -1;
	if (entry->usage == RECORD_USAGE_MISSING)
		return;
	entry->cost_nano_usd = price_call_nano(table->prices, table->price_count, &call);
	entry->cache_saved_nano_usd =
	    price_call_saved_nano(table->prices, table->price_count, &call);
}

/* A name may hold any bytes; a record is JSON. */
static char *
plain_copy(const char *text)
{
	char *copy = mem_dup_str(text);
	for (char *at = copy; *at != '\0'; at++) {
		if (*at < ' ' || *at > '~')
			*at = '?';
	}
	return copy;
}

static void
make_try(const struct exchange *exchange, const struct leg *leg, const struct outcome *outcome,
    struct record_attempt *entry)
{
	const struct attempt *attempt = &leg->attempt;
	*entry = (struct record_attempt){
	    .upstream = mem_dup_str(attempt->entry->id),
	    .model = mem_dup_str(attempt_model(attempt)),
	    .protocol = (unsigned)attempt->entry->protocol,
	    .blame = (unsigned)outcome->blame,
	    .status = attempt->status > 0 ? (uint32_t)attempt->status : 0,
	    .hedge = leg->hedge,
	    .began_ms = (uint32_t)(attempt->started_ms - exchange->started_ms),
	    .ttfb_ms = exchange_ttfb_ms(attempt),
	    .ms = (uint32_t)(loop_now_ms(exchange->env->loop) - attempt->started_ms),
	};
	set_tokens(entry, attempt);
	set_cost(entry, exchange, attempt->entry);
	(void)snprintf(entry->reason, sizeof(entry->reason), "%s", outcome->reason);
}

static int64_t
told(int64_t count)
{
	return count > 0 ? count : 0;
}

static void
add(int64_t *into, int64_t count)
{
	if (count >= 0)
		*into = bounded(told(*into) + count);
}

/* Whoever reads the record sees what both have used, as used by the second. */
static void
fold_into(struct record_attempt *into, const struct record_attempt *from)
{
	const struct record_tokens *tokens = &from->tokens;
	add(&into->tokens.input, tokens->input);
	add(&into->tokens.cache_write_5m, tokens->cache_write_5m);
	add(&into->tokens.cache_write_1h, tokens->cache_write_1h);
	add(&into->tokens.cache_read, tokens->cache_read);
	add(&into->tokens.output, tokens->output);
	add(&into->tokens.reasoning, tokens->reasoning);
	add(&into->tokens.web_searches, tokens->web_searches);
	if (from->cost_nano_usd >= 0)
		into->cost_nano_usd = told(into->cost_nano_usd) + from->cost_nano_usd;
	into->usage = from->usage < into->usage ? from->usage : into->usage;
	into->odd = into->odd || from->odd;
}

/* One place less; the last call keeps its own, and so does what all have used. */
static void
drop_try(struct record_attempt *tries, size_t *count)
{
	size_t at = 0;
	while (at + 1 < *count && tries[at].usage != RECORD_USAGE_MISSING)
		at++;
	if (at + 1 == *count) {
		at = 0;
		fold_into(&tries[1], &tries[0]);
	}
	mem_free(tries[at].upstream);
	mem_free(tries[at].model);
	mem_free(tries[at].served);
	--*count;
	memmove(&tries[at], &tries[at + 1], (*count - at) * sizeof(*tries));
}

void
exchange_tell_try(struct exchange *exchange, const struct leg *leg, const struct outcome *outcome,
    uint64_t named_wait_ms)
{
	if (exchange->tries == NULL)
		exchange->tries = mem_calloc(RECORD_ATTEMPTS_MAX, sizeof(*exchange->tries));
	if (exchange->try_count == RECORD_ATTEMPTS_MAX)
		drop_try(exchange->tries, &exchange->try_count);
	struct record_attempt *entry = &exchange->tries[exchange->try_count++];
	make_try(exchange, leg, outcome, entry);
	entry->retry_after_ms = named_wait_ms;
}

/* ---- what the client key has used ---- */

static void
add_used(const struct record_attempt *attempt, int64_t *tokens, int64_t *nano)
{
	const struct record_tokens *used = &attempt->tokens;
	*tokens += told(used->input) + told(used->cache_write_5m) + told(used->cache_write_1h) +
		   told(used->cache_read) + told(used->output);
	*nano += told(attempt->cost_nano_usd);
}

static int64_t
more(int64_t now, int64_t before)
{
	return now > before ? now - before : 0;
}

/* Its owner wants to know that a budget of money does not hold what is asked for. */
static void
log_unpriced(const struct exchange *exchange)
{
	const struct client_key *key = exchange->key;
	struct log_line line;
	if (key->nano_usd_per[PERIOD_DAY] == 0 && key->nano_usd_per[PERIOD_WEEK] == 0 &&
	    key->nano_usd_per[PERIOD_MONTH] == 0)
		return;
	for (size_t i = 0; i < exchange->try_count; i++) {
		const struct record_attempt *attempt = &exchange->tries[i];
		if (attempt->usage == RECORD_USAGE_MISSING || attempt->cost_nano_usd >= 0)
			continue;
		log_begin(&line, LOG_WARN, "unpriced");
		log_str(&line, "id", exchange->id);
		log_str(&line, "client_key", key->id);
		log_str(&line, "upstream", attempt->upstream);
		log_str(&line, "model", attempt->model);
		log_end(&line);
		return;
	}
}

/* All that its calls have used, whether or not their answers were whole; `running` is the one that
 * is not at its end yet, or NULL. */
static void
charge(struct exchange *exchange, const struct record_attempt *running)
{
	int64_t tokens = 0, nano = 0;
	struct log_line line;
	if (!exchange->allowed)
		return;
	for (size_t i = 0; i < exchange->try_count; i++)
		add_used(&exchange->tries[i], &tokens, &nano);
	if (running != NULL)
		add_used(running, &tokens, &nano);
	tokens = more(tokens, exchange->charged_tokens);
	nano = more(nano, exchange->charged_nano);
	exchange->charged_tokens += tokens;
	exchange->charged_nano += nano;
	const char *passed =
	    (running != NULL ? allowance_use : allowance_give)(exchange->env->allowance,
		exchange->table, exchange->key, clock_wall_ms(), tokens, nano);
	exchange->allowed = running != NULL;
	if (!exchange->allowed)
		log_unpriced(exchange);
	if (passed == NULL)
		return;
	log_begin(&line, LOG_WARN, "budget");
	log_str(&line, "client_key", exchange->key->id);
	log_str(&line, "limit", passed);
	log_int(&line, "percent", exchange->key->warn_percent);
	log_end(&line);
}

/* ---- the whole ---- */

/* 0 is for nothing. */
static uint32_t
committed_ms(const struct exchange *exchange)
{
	uint64_t ms = exchange->committed ? exchange->commit_ms - exchange->started_ms : 0;
	return exchange->committed && ms == 0 ? 1 : (uint32_t)ms;
}

/* Without its list of calls. */
static void
make_record(const struct exchange *exchange, struct record *record)
{
	uint64_t now_ms = loop_now_ms(exchange->env->loop);
	uint64_t spent_ms = now_ms - exchange->started_ms;
	*record = (struct record){
	    .at_ms = clock_wall_ms() - (int64_t)spent_ms,
	    .client_key = mem_dup_str(exchange->key->id),
	    .path = plain_copy(exchange->path),
	    .model = mem_dup_str(exchange->facts.model),
	    .protocol = (unsigned)exchange->route.protocol,
	    .group = exchange->retry.count > 0 ? exchange->places[0].group
					       : (unsigned)exchange->route.group,
	    .generate = exchange->route.endpoint == ENDPOINT_GENERATE,
	    .stream = exchange->facts.stream,
	    .status = (uint32_t)exchange->relay.status,
	    .blame = (unsigned)exchange->outcome.blame,
	    .ttfb_ms = committed_ms(exchange),
	    .ms = (uint32_t)spent_ms,
	    .bytes_in = exchange->bytes_in,
	    .bytes_out = exchange->relay.bytes_out,
	    .calls = exchange->attempts,
	    .loss = mem_dup_str(exchange->loss),
	};
	(void)snprintf(record->id, sizeof(record->id), "%s", exchange->id);
	if (exchange->session.key != 0) {
		(void)snprintf(record->session, sizeof(record->session), "%016llx",
		    (unsigned long long)exchange->session.key);
	}
	(void)snprintf(record->session_source, sizeof(record->session_source), "%s",
	    session_source_name(exchange->session.source));
	(void)snprintf(
	    record->why, sizeof(record->why), "%s", exchange->why != NULL ? exchange->why : "");
	(void)snprintf(
	    record->result, sizeof(record->result), "%s", exchange_result_name(exchange->result));
	(void)snprintf(record->reason, sizeof(record->reason), "%s",
	    exchange->outcome.reason != NULL ? exchange->outcome.reason : "");
}

/* So short that it fits a slot of the journal, whatever the names are. */
static void
shorten(char *name)
{
	size_t len = strnlen(name, SHORT_NAME_BYTES);
	if (name[len] != '\0')
		(void)snprintf(name + len - 3, 4, "...");
	for (; *name != '\0'; name++) {
		if (*name < ' ' || *name > '~' || *name == '"' || *name == '\\')
			*name = '?';
	}
}

/* The text of an open record; false when even its short form does not fit a slot. */
static bool
write_short(struct record *record, struct bytes *text)
{
	size_t max = journal_limits_default.open_bytes_max;
	if (record_write(record, text) && text->len <= max)
		return true;
	shorten(record->loss);
	shorten(record->model);
	shorten(record->attempts[0].model);
	shorten(record->attempts[0].served);
	bytes_clear(text);
	return record_write(record, text) && text->len <= max;
}

/* The journal's own room for an open record is small: it names this call alone. */
static void
make_open(const struct exchange *exchange, struct record *record)
{
	static const struct outcome interrupted = {.blame = BLAME_US, .reason = "interrupted"};
	make_record(exchange, record);
	record->status = (uint32_t)exchange->leg->attempt.status;
	record->blame = BLAME_US;
	(void)snprintf(record->result, sizeof(record->result), "interrupted");
	(void)snprintf(record->reason, sizeof(record->reason), "interrupted");
	record->attempts = mem_calloc(1, sizeof(*record->attempts));
	record->attempt_count = 1;
	make_try(exchange, exchange->leg, &interrupted, &record->attempts[0]);
}

static void
write_open(struct exchange *exchange)
{
	struct record record;
	struct bytes text;
	struct journal *journal = exchange->env->journal;
	exchange->slot_news = exchange->leg->attempt.tap.news;
	exchange->slot_ms = loop_now_ms(exchange->env->loop);
	make_open(exchange, &record);
	charge(exchange, &record.attempts[0]);
	for (size_t i = 0; i < exchange->try_count; i++) {
		if (exchange->tries[i].usage != RECORD_USAGE_MISSING)
			fold_into(&record.attempts[0], &exchange->tries[i]);
	}
	bytes_init(&text, JOURNAL_TEXT_BYTES_MAX);
	bool fits = write_short(&record, &text);
	if (fits && exchange->slot == JOURNAL_NO_SLOT)
		exchange->slot = journal_begin(journal, bytes_view(&text));
	else if (fits)
		journal_update(journal, exchange->slot, bytes_view(&text));
	bytes_fini(&text);
	record_fini(&record);
}

void
exchange_record_begin(struct exchange *exchange)
{
	if (exchange->env->journal != NULL && exchange->route.endpoint == ENDPOINT_GENERATE)
		write_open(exchange);
}

void
exchange_record_renew(struct exchange *exchange)
{
	if (exchange->slot != JOURNAL_NO_SLOT &&
	    exchange->leg->attempt.tap.news != exchange->slot_news &&
	    exchange->leg->attempt.last_ms >= exchange->slot_ms + RENEW_MS)
		write_open(exchange);
}

/* While the ring is full, an ended record waits in its slot, which has little room. */
static void
end_in_journal(struct exchange *exchange, struct record *record, struct bytes *text)
{
	struct journal *journal = exchange->env->journal;
	if (exchange->slot != JOURNAL_NO_SLOT && record->attempt_count > 0 &&
	    !journal_has_room(journal, text->len)) {
		while (record->attempt_count > 1)
			drop_try(record->attempts, &record->attempt_count);
		bytes_clear(text);
		(void)!write_short(record, text);
	}
	(void)journal_end(journal, exchange->slot, bytes_view(text));
	exchange->slot = JOURNAL_NO_SLOT;
}

void
exchange_record_end(struct exchange *exchange)
{
	struct exchange_env *env = exchange->env;
	struct record record;
	struct bytes text;
	charge(exchange, NULL);
	make_record(exchange, &record);
	record.attempts = exchange->tries;
	record.attempt_count = exchange->try_count;
	exchange->tries = NULL;
	exchange->try_count = 0;
	bytes_init(&text, JOURNAL_TEXT_BYTES_MAX);
	bool fits = record_write(&record, &text);
	/* Long names leave no room for that many calls. */
	while (!fits && record.attempt_count > 1) {
		drop_try(record.attempts, &record.attempt_count);
		bytes_clear(&text);
		fits = record_write(&record, &text);
	}
	MUST(fits); /* one call is far below the limit */
	tracer_add(env->tracer, &exchange->trace, &record, exchange->table);
	if (env->journal != NULL)
		end_in_journal(exchange, &record, &text);
	bytes_fini(&text);
	record_fini(&record);
	if (env->on_record != NULL)
		env->on_record(env->ctx);
}
