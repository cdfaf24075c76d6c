#include "outcome.h"
#include "must.h"
#include "view.h"
#include <stddef.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *
blame_name(enum blame blame)
{
	static const char *const names[] = {
	    [BLAME_NOBODY] = "nobody",
	    [BLAME_REQUEST] = "request",
	    [BLAME_KEY] = "key",
	    [BLAME_MODEL] = "model",
	    [BLAME_UPSTREAM] = "upstream",
	    [BLAME_NETWORK] = "network",
	    [BLAME_US] = "us",
	    [BLAME_CLIENT] = "client",
	};
	MUST((size_t)blame < COUNT(names));
	return names[blame];
}

/* The tables: who is to blame, whether another upstream may do better, the word for the log. */
struct row {
	const char *reason;
	enum blame blame;
	bool next;
};

static const struct row transport_rows[] = {
    [TRANSPORT_OK] = {"ok", BLAME_NOBODY, false},
    [TRANSPORT_RESOLVE] = {"resolve", BLAME_NETWORK, true},
    [TRANSPORT_CONNECT] = {"connect", BLAME_NETWORK, true},
    [TRANSPORT_TLS] = {"tls", BLAME_UPSTREAM, true},
    [TRANSPORT_SEND] = {"send", BLAME_NETWORK, true},
    [TRANSPORT_STALE] = {"stale", BLAME_NOBODY, true},
    [TRANSPORT_RECEIVE] = {"receive", BLAME_NETWORK, true},
    [TRANSPORT_HEAD_TOO_BIG] = {"head_too_big", BLAME_UPSTREAM, true},
    [TRANSPORT_BAD_ANSWER] = {"bad_answer", BLAME_UPSTREAM, true},
    [TRANSPORT_CANCELLED] = {"cancelled", BLAME_NOBODY, false},
    [TRANSPORT_DENIED] = {"denied", BLAME_UPSTREAM, true},
    [TRANSPORT_TIMEOUT_CONNECT] = {"timeout_connect", BLAME_NETWORK, true},
    [TRANSPORT_TIMEOUT_FIRST_BYTE] = {"timeout_first_byte", BLAME_UPSTREAM, true},
    [TRANSPORT_TIMEOUT_IDLE] = {"timeout_idle", BLAME_UPSTREAM, true},
    [TRANSPORT_TIMEOUT_TOTAL] = {"timeout_total", BLAME_UPSTREAM, true},
    [TRANSPORT_INTERNAL] = {"internal", BLAME_US, true},
};

static const struct {
	int first, last;
	struct row row;
} status_rows[] = {
    {300, 399, {"status_3xx", BLAME_UPSTREAM, true}}, /* redirects are not followed */
    {400, 400, {"status_400", BLAME_REQUEST, false}},
    {401, 401, {"status_401", BLAME_KEY, true}},
    {402, 402, {"status_402", BLAME_KEY, true}},
    {403, 403, {"status_403", BLAME_KEY, true}},
    {404, 404, {"status_404", BLAME_MODEL, false}},
    {405, 405, {"status_405", BLAME_REQUEST, false}},
    {408, 408, {"status_408", BLAME_UPSTREAM, true}},
    {413, 413, {"status_413", BLAME_REQUEST, false}},
    {415, 415, {"status_415", BLAME_REQUEST, false}},
    {422, 422, {"status_422", BLAME_REQUEST, false}},
    {429, 429, {"status_429", BLAME_KEY, true}},
    {400, 499, {"status_4xx", BLAME_REQUEST, false}},
    {500, 500, {"status_500", BLAME_UPSTREAM, true}},
    {502, 502, {"status_502", BLAME_UPSTREAM, true}},
    {503, 503, {"status_503", BLAME_UPSTREAM, true}},
    {504, 504, {"status_504", BLAME_UPSTREAM, true}},
    {520, 520, {"status_520", BLAME_UPSTREAM, true}},
    {521, 521, {"status_521", BLAME_UPSTREAM, true}},
    {522, 522, {"status_522", BLAME_UPSTREAM, true}},
    {523, 523, {"status_523", BLAME_UPSTREAM, true}},
    {524, 524, {"status_524", BLAME_UPSTREAM, true}},
    {529, 529, {"status_529", BLAME_UPSTREAM, true}},
    {500, 599, {"status_5xx", BLAME_UPSTREAM, true}},
};
static const struct row odd_status_row = {"status_odd", BLAME_UPSTREAM, true};

static const struct row fault_rows[] = {
    [WALL_FINE] = {"ended_early", BLAME_UPSTREAM, true}, /* only asked without a terminal event */
    [WALL_ERROR_EVENT] = {"error_event", BLAME_UPSTREAM, true},
    [WALL_EMPTY] = {"empty", BLAME_UPSTREAM, true},
    [WALL_NOT_SSE] = {"not_sse", BLAME_UPSTREAM, true},
    [WALL_NOT_JSON] = {"not_json", BLAME_UPSTREAM, true},
    [WALL_ENDED_EARLY] = {"ended_early", BLAME_UPSTREAM, true},
};

/* Error events whose type blames somebody else than the upstream. */
static const struct {
	const char *type;
	struct row row;
} type_rows[] = {
    {"invalid_request_error", {"error_event_request", BLAME_REQUEST, false}},
    {"request_too_large", {"error_event_request", BLAME_REQUEST, false}},
    {"context_length_exceeded", {"error_event_request", BLAME_REQUEST, false}},
    {"invalid_prompt", {"error_event_request", BLAME_REQUEST, false}},
    {"cyber_policy", {"error_event_request", BLAME_REQUEST, false}},
    {"not_found_error", {"error_event_model", BLAME_MODEL, false}},
    {"model_not_found", {"error_event_model", BLAME_MODEL, false}},
    {"authentication_error", {"error_event_key", BLAME_KEY, true}},
    {"invalid_api_key", {"error_event_key", BLAME_KEY, true}},
    {"permission_error", {"error_event_key", BLAME_KEY, true}},
    {"billing_error", {"error_event_key", BLAME_KEY, true}},
    {"insufficient_quota", {"error_event_key", BLAME_KEY, true}},
    {"usage_limit_reached", {"error_event_key", BLAME_KEY, true}},
    {"usage_not_included", {"error_event_key", BLAME_KEY, true}},
    {"rate_limit_error", {"error_event_key", BLAME_KEY, true}},
    {"rate_limit_exceeded", {"error_event_key", BLAME_KEY, true}},
};

const char *
transport_name(enum transport transport)
{
	MUST((size_t)transport < COUNT(transport_rows));
	return transport_rows[transport].reason;
}

static struct row
find_status(int status)
{
	for (size_t i = 0; i < COUNT(status_rows); i++) {
		if (status >= status_rows[i].first && status <= status_rows[i].last)
			return status_rows[i].row;
	}
	return odd_status_row;
}

static struct row
find_error(const char *type)
{
	for (size_t i = 0; i < COUNT(type_rows); i++) {
		if (view_eq_str(view_of(type), type_rows[i].type))
			return type_rows[i].row;
	}
	return fault_rows[WALL_ERROR_EVENT];
}

static bool
is_2xx(int status)
{
	return status >= 200 && status <= 299;
}

static struct row
find_row(const struct outcome_facts *facts)
{
	bool cut_short = facts->fault == WALL_FINE || facts->fault == WALL_EMPTY ||
			 facts->fault == WALL_ENDED_EARLY;
	if (facts->client_gone)
		return (struct row){"client_gone", BLAME_CLIENT, false};
	if (facts->status != 0 && !is_2xx(facts->status))
		return find_status(facts->status);
	/* A body that says what is wrong tells more than how its connection ended. */
	if (facts->transport != TRANSPORT_OK && (facts->status == 0 || cut_short))
		return transport_rows[facts->transport];
	if (facts->status == 0)
		return transport_rows[TRANSPORT_BAD_ANSWER];
	if (facts->fault == WALL_ERROR_EVENT)
		return find_error(facts->error_type);
	return fault_rows[facts->fault];
}

struct outcome
outcome_classify(const struct outcome_facts *facts)
{
	MUST((size_t)facts->transport < COUNT(transport_rows));
	MUST((size_t)facts->fault < COUNT(fault_rows));
	if (is_2xx(facts->status) && facts->terminal && facts->fault == WALL_FINE)
		return (struct outcome){.success = true, .blame = BLAME_NOBODY, .reason = "ok"};
	struct row row = find_row(facts);
	return (struct outcome){
	    .blame = row.blame, .try_next = row.next && !facts->committed, .reason = row.reason};
}
