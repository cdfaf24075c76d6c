#include "outcome.h"
#include "must.h"
#include "view.h"
#include <stddef.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The tables: who is to blame, the word for the log, and which rule of the owner's strategies says
 * how to go on. */
struct row {
	const char *reason;
	enum blame blame;
	enum network_error network;
};

static const struct row transport_rows[] = {
    [TRANSPORT_OK] = {"ok", BLAME_NOBODY, NETWORK_PROTOCOL_ERROR},
    [TRANSPORT_RESOLVE] = {"resolve", BLAME_NETWORK, NETWORK_CONNECT_ERROR},
    [TRANSPORT_CONNECT] = {"connect", BLAME_NETWORK, NETWORK_CONNECT_ERROR},
    [TRANSPORT_TLS] = {"tls", BLAME_UPSTREAM, NETWORK_CONNECT_ERROR},
    [TRANSPORT_SEND] = {"send", BLAME_NETWORK, NETWORK_WRITE_ERROR},
    [TRANSPORT_STALE] = {"stale", BLAME_NOBODY, NETWORK_READ_ERROR},
    [TRANSPORT_RECEIVE] = {"receive", BLAME_NETWORK, NETWORK_READ_ERROR},
    [TRANSPORT_HEAD_TOO_BIG] = {"head_too_big", BLAME_UPSTREAM, NETWORK_PROTOCOL_ERROR},
    [TRANSPORT_BAD_ANSWER] = {"bad_answer", BLAME_UPSTREAM, NETWORK_PROTOCOL_ERROR},
    [TRANSPORT_CANCELLED] = {"cancelled", BLAME_NOBODY, NETWORK_READ_ERROR},
    [TRANSPORT_DENIED] = {"denied", BLAME_UPSTREAM, NETWORK_CONNECT_ERROR},
    [TRANSPORT_TIMEOUT_CONNECT] = {"timeout_connect", BLAME_NETWORK, NETWORK_CONNECT_TIMEOUT},
    [TRANSPORT_TIMEOUT_WRITE] = {"timeout_write", BLAME_NETWORK, NETWORK_WRITE_ERROR},
    [TRANSPORT_TIMEOUT_FIRST_BYTE] = {"timeout_first_byte", BLAME_UPSTREAM, NETWORK_READ_TIMEOUT},
    [TRANSPORT_TIMEOUT_IDLE] = {"timeout_idle", BLAME_UPSTREAM, NETWORK_READ_TIMEOUT},
    [TRANSPORT_TIMEOUT_TOTAL] = {"timeout_total", BLAME_UPSTREAM, NETWORK_READ_TIMEOUT},
    [TRANSPORT_INTERNAL] = {"internal", BLAME_US, NETWORK_CONNECT_ERROR},
};

static const struct {
	int first, last;
	const char *reason;
	enum blame blame;
} status_rows[] = {
    {300, 399, "status_3xx", BLAME_UPSTREAM}, /* redirects are not followed */
    {400, 400, "status_400", BLAME_REQUEST},
    {401, 401, "status_401", BLAME_KEY},
    {402, 402, "status_402", BLAME_KEY},
    {403, 403, "status_403", BLAME_KEY},
    {404, 404, "status_404", BLAME_MODEL},
    {405, 405, "status_405", BLAME_REQUEST},
    {408, 408, "status_408", BLAME_UPSTREAM},
    {413, 413, "status_413", BLAME_REQUEST},
    {415, 415, "status_415", BLAME_REQUEST},
    {422, 422, "status_422", BLAME_REQUEST},
    {429, 429, "status_429", BLAME_KEY},
    {400, 499, "status_4xx", BLAME_REQUEST},
    {500, 500, "status_500", BLAME_UPSTREAM},
    {502, 502, "status_502", BLAME_UPSTREAM},
    {503, 503, "status_503", BLAME_UPSTREAM},
    {504, 504, "status_504", BLAME_UPSTREAM},
    {520, 520, "status_520", BLAME_UPSTREAM},
    {521, 521, "status_521", BLAME_UPSTREAM},
    {522, 522, "status_522", BLAME_UPSTREAM},
    {523, 523, "status_523", BLAME_UPSTREAM},
    {524, 524, "status_524", BLAME_UPSTREAM},
    {529, 529, "status_529", BLAME_UPSTREAM},
    {500, 599, "status_5xx", BLAME_UPSTREAM},
    {0, 999, "status_odd", BLAME_UPSTREAM},
};

static const struct row fault_rows[] = {
    /* FINE is only asked without a terminal event */
    [WALL_FINE] = {"ended_early", BLAME_UPSTREAM, NETWORK_READ_ERROR},
    [WALL_ERROR_EVENT] = {"error_event", BLAME_UPSTREAM, NETWORK_PROTOCOL_ERROR},
    [WALL_EMPTY] = {"empty", BLAME_UPSTREAM, NETWORK_PROTOCOL_ERROR},
    [WALL_NOT_SSE] = {"not_sse", BLAME_UPSTREAM, NETWORK_PROTOCOL_ERROR},
    [WALL_NOT_JSON] = {"not_json", BLAME_UPSTREAM, NETWORK_PROTOCOL_ERROR},
    [WALL_ENDED_EARLY] = {"ended_early", BLAME_UPSTREAM, NETWORK_READ_ERROR},
};

/* Error events by their type, each with the status that says the same; the last row fits all. */
static const struct error_row {
	const char *type;
	const char *reason;
	enum blame blame;
	int status;
} error_rows[] = {
    {"invalid_request_error", "error_event_request", BLAME_REQUEST, 400},
    {"request_too_large", "error_event_request", BLAME_REQUEST, 413},
    {"context_length_exceeded", "error_event_request", BLAME_REQUEST, 400},
    {"invalid_prompt", "error_event_request", BLAME_REQUEST, 400},
    {"cyber_policy", "error_event_request", BLAME_REQUEST, 400},
    {"not_found_error", "error_event_model", BLAME_MODEL, 404},
    {"model_not_found", "error_event_model", BLAME_MODEL, 404},
    {"authentication_error", "error_event_key", BLAME_KEY, 401},
    {"invalid_api_key", "error_event_key", BLAME_KEY, 401},
    {"permission_error", "error_event_key", BLAME_KEY, 403},
    {"billing_error", "error_event_key", BLAME_KEY, 402},
    {"insufficient_quota", "error_event_key", BLAME_KEY, 429},
    {"usage_limit_reached", "error_event_key", BLAME_KEY, 429},
    {"usage_not_included", "error_event_key", BLAME_KEY, 429},
    {"rate_limit_error", "error_event_key", BLAME_KEY, 429},
    {"rate_limit_exceeded", "error_event_key", BLAME_KEY, 429},
    {"overloaded_error", "error_event", BLAME_UPSTREAM, 529},
    {"server_is_overloaded", "error_event", BLAME_UPSTREAM, 529},
    {"slow_down", "error_event", BLAME_UPSTREAM, 529},
    {NULL, "error_event", BLAME_UPSTREAM, 500},
};

const char *
transport_name(enum transport transport)
{
	MUST((size_t)transport < COUNT(transport_rows));
	return transport_rows[transport].reason;
}

static bool
is_2xx(int status)
{
	return status >= 200 && status <= 299;
}

/* ---- who ---- */

static struct outcome
by_status(int status)
{
	size_t i = 0;
	while (status < status_rows[i].first || status > status_rows[i].last)
		i++;
	return (struct outcome){
	    .blame = status_rows[i].blame, .reason = status_rows[i].reason, .status = status};
}

static struct outcome
by_error_event(const char *type)
{
	size_t i = 0;
	while (error_rows[i].type != NULL && !view_eq_str(view_of(type), error_rows[i].type))
		i++;
	return (struct outcome){.blame = error_rows[i].blame,
	    .reason = error_rows[i].reason,
	    .status = error_rows[i].status};
}

/* ---- how to go on ---- */

/* Without words of an owner: what a request itself has done wrong is final. */
static enum strategy
strategy_of_status(int status, const struct strategies *strategies)
{
	if (strategies != NULL && status >= 300 && status <= 599)
		return strategies_of_status(strategies, (unsigned)status);
	enum blame blame = by_status(status).blame;
	bool final = blame == BLAME_REQUEST || blame == BLAME_MODEL;
	return final ? STRATEGY_NORMAL : STRATEGY_SWITCH_API;
}

static struct outcome
with_status_strategy(struct outcome outcome, const struct strategies *strategies)
{
	outcome.strategy = strategy_of_status(outcome.status, strategies);
	outcome.try_next = outcome.strategy != STRATEGY_NORMAL;
	return outcome;
}

static struct outcome
by_network(const struct row *row, const struct strategies *strategies)
{
	return (struct outcome){.blame = row->blame,
	    .reason = row->reason,
	    .try_next = true,
	    .strategy =
		strategies != NULL ? strategies->network[row->network] : STRATEGY_SWITCH_API};
}

static struct outcome
find(const struct outcome_facts *facts, const struct strategies *strategies)
{
	bool cut_short = facts->fault == WALL_FINE ||
			 ((facts->fault == WALL_EMPTY || facts->fault == WALL_ENDED_EARLY) &&
			     facts->transport != TRANSPORT_CANCELLED);
	/* Who leaves on an error that it was told has its reason. */
	bool told = facts->committed && facts->fault == WALL_ERROR_EVENT;
	if (facts->client_gone && !told)
		return (struct outcome){.blame = BLAME_CLIENT, .reason = "client_gone"};
	if (facts->status != 0 && !is_2xx(facts->status))
		return with_status_strategy(by_status(facts->status), strategies);
	/* A body that says what is wrong tells more than how its connection ended; what is known to
	 * be empty is cancelled by ourselves. */
	if (facts->transport != TRANSPORT_OK && (facts->status == 0 || cut_short)) {
		struct outcome outcome = by_network(&transport_rows[facts->transport], strategies);
		outcome.try_next = facts->transport != TRANSPORT_CANCELLED;
		outcome.timed_out = facts->transport >= TRANSPORT_TIMEOUT_CONNECT &&
				    facts->transport <= TRANSPORT_TIMEOUT_TOTAL;
		return outcome;
	}
	if (facts->status == 0)
		return by_network(&transport_rows[TRANSPORT_BAD_ANSWER], strategies);
	if (facts->fault == WALL_ERROR_EVENT)
		return with_status_strategy(by_error_event(facts->error_type), strategies);
	return by_network(&fault_rows[facts->fault], strategies);
}

struct outcome
outcome_classify(const struct outcome_facts *facts, const struct strategies *strategies)
{
	MUST((size_t)facts->transport < COUNT(transport_rows));
	MUST((size_t)facts->fault < COUNT(fault_rows));
	if (is_2xx(facts->status) && facts->terminal && facts->fault == WALL_FINE)
		return (struct outcome){.success = true, .blame = BLAME_NOBODY, .reason = "ok"};
	struct outcome outcome = find(facts, strategies);
	outcome.try_next = outcome.try_next && !facts->committed;
	return outcome;
}

bool
outcome_is_final(int status, const struct strategies *strategies)
{
	return strategy_of_status(status, strategies) == STRATEGY_NORMAL;
}

bool
outcome_blames_request(const struct outcome *one, const struct outcome *other)
{
	static const int statuses[] = {400, 403, 404, 405, 409, 413, 415, 422, 500};
	if (one->status != other->status || one->reason != other->reason)
		return false;
	for (size_t i = 0; i < COUNT(statuses); i++) {
		if (one->status == statuses[i])
			return true;
	}
	return false;
}
