#include "alert_signs.h"
#include "tls.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#define DAY_MS INT64_C(86400000)
#define MIB UINT64_C(1048576)

struct round {
	const struct alert_watched *watched;
	struct alert_rules *rules;
};

static void
see(const struct round *round, enum alert_kind kind, const char *subject, const char *name,
    enum alert_sign sign, const char *detail)
{
	const struct alert_seen seen = {kind, subject, name, detail, sign};
	if (round->watched->words->on[kind])
		alert_rules_see(
		    round->rules, &round->watched->words->limits, &seen, round->watched->now_ms);
}

/* ---- upstreams and groups ---- */

/* Whose rest has ended by time alone has shown nothing yet. */
static enum alert_sign
sign_of_health(const struct health_entry *entry, const struct health_view *view,
    char detail[ALERT_DETAIL_BYTES])
{
	const struct health_unit *unit = view->unit;
	(void)snprintf(detail, ALERT_DETAIL_BYTES, "%s%s", unit->reason,
	    view->of_address ? " at its whole address" : "");
	if (view->state == HEALTH_COOLING)
		return ALERT_BAD;
	/* A probe that has ended the rest came in that moment. */
	const struct health_probe *probe = &entry->probe;
	bool answered = probe->at_ms > 0 && (probe->at_ms == unit->since_ms ||
						(probe->at_ms > unit->since_ms && probe->success));
	return view->state != HEALTH_HALF_OPEN || answered ? ALERT_GOOD : ALERT_UNCLEAR;
}

static void
see_upstream(const struct round *round, const struct upstream_entry *entry)
{
	const struct alert_watched *watched = round->watched;
	const struct health_entry *known = health_find(watched->health, entry->id);
	char detail[ALERT_DETAIL_BYTES] = "";
	enum alert_sign sign = ALERT_UNCLEAR;
	if (known != NULL && entry->off != OFF_SCHEDULE) {
		struct health_view view = health_view(watched->health, known, watched->mono_ms);
		sign = sign_of_health(known, &view, detail);
	}
	see(round, ALERT_UPSTREAM_DOWN, entry->id, entry->name, sign, detail);
}

/* One that its owner has switched off for now is no failure. */
static void
see_group(const struct round *round, enum group group)
{
	const struct upstream_list *list = &round->watched->table->groups[group];
	size_t ready = 0, resting = 0;
	char detail[ALERT_DETAIL_BYTES];
	for (size_t i = 0; i < list->count; i++) {
		ready += list->entries[i].available;
		resting += list->entries[i].off == OFF_COOLING;
		see_upstream(round, &list->entries[i]);
	}
	if (list->count == 0)
		return;
	(void)snprintf(
	    detail, sizeof(detail), resting == 1 ? "its one rests" : "all %zu rest", resting);
	enum alert_sign sign = ready > 0 ? ALERT_GOOD : resting > 0 ? ALERT_BAD : ALERT_UNCLEAR;
	see(round, ALERT_GROUP_DOWN, group_name(group), "", sign, detail);
}

/* ---- budgets ---- */

struct budget {
	const struct client_key *key;
	const char *limit;
	bool known;
	uint64_t most, used;
	bool money;
};

static void
see_budget(const struct round *round, const struct budget *budget)
{
	char subject[ALERT_SUBJECT_BYTES], detail[ALERT_DETAIL_BYTES];
	double share = (double)budget->used / (double)budget->most * 100;
	bool near = share >= budget->key->warn_percent, spent = budget->used >= budget->most;
	(void)snprintf(subject, sizeof(subject), "%s %s", budget->key->id, budget->limit);
	if (budget->money)
		(void)snprintf(detail, sizeof(detail), "%.2f of %.2f USD, %.0f %%",
		    (double)budget->used / 1e9, (double)budget->most / 1e9, share);
	else
		(void)snprintf(detail, sizeof(detail), "%" PRIu64 " of %" PRIu64 " tokens, %.0f %%",
		    budget->used, budget->most, share);
	enum alert_sign unknown = ALERT_UNCLEAR;
	see(round, ALERT_BUDGET, subject, budget->key->name,
	    !budget->known ? unknown
	    : near         ? ALERT_BAD
			   : ALERT_GOOD,
	    detail);
	see(round, ALERT_BUDGET_SPENT, subject, budget->key->name,
	    !budget->known ? unknown
	    : spent        ? ALERT_BAD
			   : ALERT_GOOD,
	    detail);
}

static uint64_t
not_below_zero(int64_t number)
{
	return number > 0 ? (uint64_t)number : 0;
}

static void
see_key(const struct round *round, const struct client_key *key)
{
	static const char *const tokens[PERIODS] = {
	    "tokens_per_day", "tokens_per_week", "tokens_per_month"};
	static const char *const usd[PERIODS] = {"usd_per_day", "usd_per_week", "usd_per_month"};
	const struct alert_watched *watched = round->watched;
	const struct table_periods *present = &watched->table->periods;
	struct stats_spent spent;
	struct table_periods of = {0};
	bool limited = false;
	for (size_t i = 0; i < PERIODS; i++)
		limited = limited || key->tokens_per[i] > 0 || key->nano_usd_per[i] > 0;
	bool known =
	    limited && watched->stats != NULL && stats_budget(watched->stats, key->id, &spent, &of);
	for (size_t i = 0; limited && i < PERIODS; i++) {
		/* What was spent in the period before says nothing. */
		struct budget budget = {.key = key,
		    .limit = tokens[i],
		    .known = known && of.start_ms[i] == present->start_ms[i],
		    .most = key->tokens_per[i],
		    .used = known ? not_below_zero(spent.tokens[i]) : 0};
		if (budget.most > 0)
			see_budget(round, &budget);
		budget.limit = usd[i];
		budget.most = key->nano_usd_per[i];
		budget.used = known ? not_below_zero(spent.nano[i]) : 0;
		budget.money = true;
		if (budget.most > 0)
			see_budget(round, &budget);
	}
}

/* ---- errors ---- */

void
alert_rate_note(struct alert_rate *rate, uint64_t ended, uint64_t errors, int64_t now_ms)
{
	int64_t second = now_ms / 1000;
	size_t index = (size_t)(second % ALERT_RATE_SECONDS_MAX);
	if (rate->since_ms == 0 || rate->since_ms > now_ms)
		rate->since_ms = now_ms;
	if (rate->pieces[index].second != second) {
		rate->pieces[index].second = second;
		rate->pieces[index].ended = rate->pieces[index].errors = 0;
	}
	rate->pieces[index].ended += ended - rate->ended;
	rate->pieces[index].errors += errors - rate->errors;
	rate->ended = ended;
	rate->errors = errors;
}

void
alert_rate_sum(const struct alert_rate *rate, int64_t window_ms, int64_t now_ms, uint64_t *ended,
    uint64_t *errors)
{
	int64_t last = now_ms / 1000, first = last - window_ms / 1000 + 1;
	*ended = *errors = 0;
	for (size_t i = 0; i < ALERT_RATE_SECONDS_MAX; i++) {
		if (rate->pieces[i].second < first || rate->pieces[i].second > last)
			continue;
		*ended += rate->pieces[i].ended;
		*errors += rate->pieces[i].errors;
	}
}

static void
see_errors(const struct round *round)
{
	const struct alert_watched *watched = round->watched;
	const struct alert_words *words = watched->words;
	uint64_t ended, errors;
	char detail[ALERT_DETAIL_BYTES];
	alert_rate_sum(watched->rate, words->error_window_ms, watched->now_ms, &ended, &errors);
	bool whole = watched->rate->since_ms != 0 &&
		     watched->now_ms - watched->rate->since_ms >= words->error_window_ms;
	enum alert_sign sign = ALERT_GOOD;
	if (ended < words->error_requests || ended == 0)
		sign = whole ? ALERT_GOOD : ALERT_UNCLEAR;
	else if (errors * 100 >= (uint64_t)words->error_percent * ended)
		sign = ALERT_BAD;
	(void)snprintf(detail, sizeof(detail),
	    "%" PRIu64 " of %" PRIu64 " within %" PRId64 " s, %" PRIu64 " %%", errors, ended,
	    words->error_window_ms / 1000, ended > 0 ? errors * 100 / ended : 0);
	see(round, ALERT_ERROR_RATE, "requests", "", sign, detail);
}

/* ---- this machine ---- */

static void
see_certificate(const struct round *round)
{
	const char *path = round->watched->table->tls_cert_path;
	int64_t at_ms = 0, left_ms;
	char detail[ALERT_DETAIL_BYTES];
	struct err err;
	if (path == NULL || !round->watched->words->on[ALERT_CERTIFICATE])
		return;
	if (!tls_chain_expiry(path, &at_ms, &err)) {
		(void)snprintf(detail, sizeof(detail), "it %.120s", err.msg);
		see(round, ALERT_CERTIFICATE, path, "", ALERT_BAD, detail);
		return;
	}
	left_ms = at_ms - round->watched->now_ms;
	if (left_ms <= 0)
		(void)snprintf(detail, sizeof(detail), "it has expired");
	else
		(void)snprintf(detail, sizeof(detail), "it expires in %" PRId64 " %s",
		    left_ms >= DAY_MS ? left_ms / DAY_MS : left_ms / 3600000,
		    left_ms >= DAY_MS ? "days" : "hours");
	bool soon = left_ms < round->watched->words->certificate_ms;
	see(round, ALERT_CERTIFICATE, path, "", soon ? ALERT_BAD : ALERT_GOOD, detail);
}

static void
see_disk(const struct round *round)
{
	const struct alert_watched *watched = round->watched;
	struct statvfs disk;
	char detail[ALERT_DETAIL_BYTES];
	if (!watched->words->on[ALERT_DISK])
		return;
	if (statvfs(watched->state_dir, &disk) != 0) {
		(void)snprintf(detail, sizeof(detail), "it cannot be asked: %s", strerror(errno));
		see(round, ALERT_DISK, watched->state_dir, "", ALERT_UNCLEAR, detail);
		return;
	}
	uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
	(void)snprintf(detail, sizeof(detail), "%" PRIu64 " MiB are left", room / MIB);
	see(round, ALERT_DISK, watched->state_dir, "",
	    room < watched->words->disk_bytes ? ALERT_BAD : ALERT_GOOD, detail);
}

void
alert_signs_round(const struct alert_watched *watched, struct alert_rules *rules)
{
	const struct round round = {watched, rules};
	const struct table *table = watched->table;
	for (unsigned i = 0; i < GROUP_COUNT; i++)
		see_group(&round, (enum group)i);
	for (size_t i = 0; i < table->client_key_count; i++)
		see_key(&round, &table->client_keys[i]);
	see_errors(&round);
	see_certificate(&round);
	see_disk(&round);
	alert_rules_end(rules, watched->now_ms);
}
