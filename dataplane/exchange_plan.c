/* ADMIT and PLAN: what is asked, and who may be asked for it. */
#include "choose.h"
#include "clock.h"
#include "crypto.h"
#include "exchange_private.h"
#include "inflate.h"
#include "must.h"
#include "refuse.h"
#include <stdio.h>

#define RETRY_AFTER_S_MAX 60 /* Claude Code gives up at once on more */
#define PROBED_WAIT_MS 2000  /* a probe may end its rest at any moment */

/* ---- refusals ---- */

enum exchange_step
exchange_refuse(
    struct exchange *exchange, const struct relay_refusal *refusal, struct outcome outcome)
{
	char seconds[16];
	struct relay_refusal whole = *refusal;
	bool busy = whole.status == 429 || whole.status == 503 || whole.status == 529;
	whole.protocol = exchange->route.protocol;
	whole.id = exchange->id;
	/* Codex gives up for good on a 429 that names no time. */
	if (whole.retry_after == NULL && busy) {
		(void)snprintf(seconds, sizeof(seconds), "%u", exchange_retry_after_s(exchange));
		whole.retry_after = seconds;
	}
	exchange->outcome = outcome;
	relay_refuse(&exchange->relay, &whole);
	return STEP_REAP;
}

static enum exchange_step
refuse_request(struct exchange *exchange, int status, const char *reason, const char *message)
{
	struct relay_refusal refusal = {.status = status, .message = message};
	exchange->result = RESULT_REFUSED;
	return exchange_refuse(
	    exchange, &refusal, (struct outcome){.blame = BLAME_REQUEST, .reason = reason});
}

static enum exchange_step
refuse_no_room(struct exchange *exchange)
{
	struct relay_refusal refusal = {
	    .status = 503, .message = BODIES_NO_ROOM, .retry_after = "1"};
	exchange->result = RESULT_REFUSED;
	return exchange_refuse(
	    exchange, &refusal, (struct outcome){.blame = BLAME_US, .reason = "no_room"});
}

/* ---- ADMIT ---- */

/* Replaces the body by its inflated form; false and a status when that cannot be: 503 when it needs
 * more memory than there is. */
static bool
decode_body(struct exchange *exchange, int *status, struct err *err)
{
	struct bytes plain;
	enum coding coding = coding_parse(httpd_header(exchange->relay.req, "content-encoding"));
	if (coding == CODING_IDENTITY)
		return true;
	struct bodies *bodies = &exchange->env->bodies;
	uint64_t room_bytes = bodies_room(bodies), max_bytes = exchange->table->body_bytes_max;
	bool little = room_bytes < max_bytes;
	bytes_init(&plain, (size_t)(little ? room_bytes : max_bytes));
	bool ok = inflate_body(coding, bytes_view(&exchange->body), &plain, err);
	bool over = !ok && err->kind == ERR_LIMIT;
	*status = !over ? 400 : little ? 503 : 413;
	bodies_took(bodies, plain.len);
	if (over && little)
		(void)bodies_fit(bodies, max_bytes, max_bytes); /* which says so */
	bytes_fini(&exchange->body);
	exchange->body = plain;
	return ok;
}

/* ---- what the client key may ---- */

static bool
may_ask_for(const struct client_key *key, const char *model)
{
	for (size_t i = 0; i < key->model_count; i++) {
		if (choose_fits(key->models[i].pattern, view_of(model)))
			return true;
	}
	return key->model_count == 0;
}

/* Only a change of the configuration mends that. */
static enum exchange_step
refuse_forbidden(struct exchange *exchange, const char *reason, const char *message)
{
	struct relay_refusal refusal = {
	    .status = exchange->route.protocol == PROTOCOL_RESPONSES ? 400 : 403,
	    .message = message,
	    .extra_name = "x-should-retry",
	    .extra_value = "false"};
	exchange->result = RESULT_REFUSED;
	return exchange_refuse(
	    exchange, &refusal, (struct outcome){.blame = BLAME_REQUEST, .reason = reason});
}

static enum exchange_step
refuse_limited(struct exchange *exchange, const struct allowance_refusal *why)
{
	char seconds[24];
	(void)snprintf(seconds, sizeof(seconds), "%llu",
	    (unsigned long long)((why->retry_after_ms + 999) / 1000));
	struct relay_refusal refusal = {
	    .status = 429, .message = why->message, .retry_after = seconds};
	/* A budget is not there again because a client asks again soon. */
	if (why->budget) {
		refusal.extra_name = "x-should-retry";
		refusal.extra_value = "false";
	}
	exchange->result = RESULT_REFUSED;
	return exchange_refuse(
	    exchange, &refusal, (struct outcome){.blame = BLAME_REQUEST, .reason = why->reason});
}

/* PLAN, or the end. */
static enum exchange_step
check_key(struct exchange *exchange)
{
	const struct client_key *key = exchange->key;
	struct allowance *allowance = exchange->env->allowance;
	struct allowance_refusal why;
	if (key->groups != 0 && (key->groups & 1u << exchange->route.group) == 0)
		return refuse_forbidden(exchange, "group_not_allowed",
		    "This client key may not use this protocol's upstreams here.");
	if (exchange->facts.has_model && !may_ask_for(key, exchange->facts.model))
		return refuse_forbidden(exchange, "model_not_allowed",
		    "This client key may not ask for this model here.");
	if (allowance == NULL || exchange->route.endpoint != ENDPOINT_GENERATE)
		return STEP_PLAN;
	if (!allowance_take(allowance, exchange->table, key, clock_wall_ms(), &why))
		return refuse_limited(exchange, &why);
	exchange->allowed = true;
	return STEP_PLAN;
}

enum exchange_step
exchange_step_admit(struct exchange *exchange)
{
	char message[512];
	struct err err = {0};
	int status = 400;
	enum endpoint endpoint = exchange->route.endpoint;
	bool json = endpoint == ENDPOINT_GENERATE || endpoint == ENDPOINT_COUNT_TOKENS;
	bool decoded = decode_body(exchange, &status, &err);
	if (status == 503)
		return refuse_no_room(exchange);
	if (!decoded) {
		(void)snprintf(
		    message, sizeof(message), "The request body cannot be decoded: %s", err.msg);
		return refuse_request(exchange, status, "body_coding", message);
	}
	if (json && !request_facts_read(bytes_view(&exchange->body), &exchange->facts, &err)) {
		(void)snprintf(message, sizeof(message),
		    "The request body is not what it must be, at %s: %s", err.at, err.msg);
		return refuse_request(exchange, 400, "body_json", message);
	}
	return check_key(exchange);
}

/* ---- nobody ---- */

static const char *
protocol_label(enum protocol protocol)
{
	static const char *const labels[] = {
	    [PROTOCOL_ANTHROPIC] = "the Anthropic Messages protocol",
	    [PROTOCOL_CHAT] = "the OpenAI Chat Completions protocol",
	    [PROTOCOL_RESPONSES] = "the OpenAI Responses protocol",
	};
	return labels[protocol];
}

/* Only a change of the configuration mends that, so the status must be one that clients do not try
 * again: Claude Code takes 403 as final, but varies and repeats a 400 six times; Codex takes only
 * 400 as final and sends anything else 6 to 30 times. */
static enum exchange_step
refuse_for_good(struct exchange *exchange, int status, const char *reason, const char *message)
{
	struct relay_refusal refusal = {
	    .status = exchange->route.protocol == PROTOCOL_RESPONSES ? 400 : status,
	    .message = message,
	    .extra_name = "x-should-retry",
	    .extra_value = "false",
	};
	exchange->result = RESULT_REFUSED;
	return exchange_refuse(
	    exchange, &refusal, (struct outcome){.blame = BLAME_US, .reason = reason});
}

static enum exchange_step
refuse_protocol(struct exchange *exchange, bool needs_conversion)
{
	char message[256];
	enum protocol protocol = exchange->route.protocol;
	(void)snprintf(message, sizeof(message), "No upstream of this gateway speaks %s%s.",
	    protocol_label(protocol),
	    needs_conversion
		? ", and conversion to what the configured ones speak is off or cannot "
		  "serve this path"
		: ": none is configured and switched on");
	return refuse_for_good(
	    exchange, protocol == PROTOCOL_ANTHROPIC ? 403 : 400, "no_upstream", message);
}

static enum exchange_step
refuse_model(struct exchange *exchange)
{
	char message[384];
	(void)snprintf(message, sizeof(message),
	    "No upstream of this gateway serves the model \"%.200s\".", exchange->facts.model);
	return refuse_for_good(exchange, 404, "no_model", message);
}

/* How many upstreams there are, and why some may not serve. */
struct head_count {
	size_t all, unfit, asleep;
};

static enum exchange_step
refuse_resting(struct exchange *exchange, bool asleep)
{
	struct relay_refusal refusal = {.status = 503,
	    .message = asleep ? "No upstream for this request serves at this hour."
			      : "Every upstream for this request is switched off or resting after "
				"failures; try again shortly."};
	/* The next hour may be far, or none is known. */
	if (asleep)
		exchange->named_wait_ms = RETRY_AFTER_S_MAX * 1000;
	return exchange_refuse(exchange, &refusal,
	    (struct outcome){.blame = BLAME_UPSTREAM, .reason = "none_available"});
}

/* How long until one of a group may serve the model again; 0 = none of it rests, or is off at this
 * hour. */
static uint64_t
soonest_rest_ms(const struct upstream_list *list, const struct choose_asked *asked)
{
	uint64_t soonest = 0;
	for (size_t i = 0; i < list->count; i++) {
		const struct upstream_entry *entry = &list->entries[i];
		int64_t resumes_ms = choose_resumes_ms(entry, asked);
		if (resumes_ms == 0)
			continue;
		int64_t left = resumes_ms - asked->wall_ms;
		uint64_t rest = left > 1 ? (uint64_t)left : 1;
		if (!entry->available && entry->probe_every_ms != 0 && rest > PROBED_WAIT_MS)
			rest = PROBED_WAIT_MS;
		if (soonest == 0 || rest < soonest)
			soonest = rest;
	}
	return soonest;
}

/* What an upstream has named just now counts as a rest of it. */
unsigned
exchange_retry_after_s(const struct exchange *exchange)
{
	uint64_t soonest = exchange->named_wait_ms;
	struct choose_group groups[GROUP_COUNT];
	char model[TABLE_NAME_BYTES_MAX + 1];
	size_t count = route_groups(&exchange->route, exchange->table, groups, NULL);
	rewrite_rules(exchange->table, exchange->facts.model, model);
	struct choose_asked asked = {.model = view_of(model),
	    .said = view_of(exchange->facts.model),
	    .wall_ms = clock_wall_ms()};
	for (size_t i = 0; i < count; i++) {
		uint64_t rest = soonest_rest_ms(&exchange->table->groups[groups[i].group], &asked);
		if (rest != 0 && (soonest == 0 || rest < soonest))
			soonest = rest;
	}
	uint64_t seconds = soonest != 0 ? (soonest + 999) / 1000 : 2;
	return seconds < RETRY_AFTER_S_MAX ? (unsigned)seconds : RETRY_AFTER_S_MAX;
}

/* ---- PLAN ---- */

const struct upstream_entry *
exchange_entry(const struct exchange *exchange, size_t place)
{
	const struct retry_place *at = &exchange->places[place];
	return &exchange->table->groups[at->group].entries[at->entry];
}

const struct group_policy *
exchange_policy(const struct exchange *exchange)
{
	return &exchange->table->policies[exchange->places[0].group];
}

/* Can this entry serve the request, perhaps through conversion? */
static bool
can_serve(const struct exchange *exchange, const struct upstream_entry *entry)
{
	return entry->protocol == exchange->route.protocol ||
	       exchange->route.endpoint != ENDPOINT_OTHER;
}

/* The upstream whose answer is continued, else the one to which its session has moved; -1 = none.
 */
static int
find_stay(struct exchange *exchange, enum group group)
{
	struct exchange_env *env = exchange->env;
	const struct table *table = exchange->table;
	struct session *session = &exchange->session;
	uint64_t now_ms = loop_now_ms(env->loop);
	int stay = exchange->previous != 0
		       ? stays_find(env->answers, table, group, exchange->previous, now_ms)
		       : -1;
	if (stay < 0)
		return session->key != 0
			   ? stays_find(env->stays, table, group, session->key, now_ms)
			   : -1;
	/* What only continues an answer has no beginning to know its session by. */
	if (session->source == SESSION_NONE || session->source == SESSION_PREFIX)
		*session = (struct session){exchange->previous, SESSION_RESPONSE};
	return stay;
}

static const char *
first_reason(const struct exchange *exchange, const struct choose_asked *asked, size_t first)
{
	const struct group_policy *policy = &exchange->table->policies[asked->group];
	if (asked->stay >= 0 && (size_t)asked->stay == first)
		return exchange->session.source == SESSION_RESPONSE ? "response" : "stay";
	if (policy->pick != PICK_ORDER && asked->session != 0 && policy->affinity_ttl_ms > 0)
		return "session";
	return policy_pick_words[policy->pick];
}

/* Adds those of the group that may serve; the others are counted. */
static void
add_group(struct exchange *exchange, enum group group, const char *model, struct head_count *heads)
{
	struct exchange_env *env = exchange->env;
	const struct table *table = exchange->table;
	const struct upstream_list *list = &table->groups[group];
	struct choose_load loads[TABLE_UPSTREAMS_MAX];
	struct choose_place order[TABLE_UPSTREAMS_MAX];
	loads_fill(env->loads, list, loop_now_ms(env->loop), loads);
	int stay = find_stay(exchange, group);
	struct choose_asked asked = {.group = group,
	    .model = view_of(model),
	    .said = view_of(exchange->facts.model),
	    .session = exchange->session.key,
	    .random = exchange_chance(env),
	    .stay = stay,
	    .wall_ms = clock_wall_ms(),
	    .loads = loads};
	size_t may = choose_order(table, &asked, order);
	for (size_t i = 0; i < list->count; i++) {
		const struct upstream_entry *entry = &list->entries[order[i].entry];
		heads->all++;
		heads->unfit += order[i].why == CHOOSE_MODEL_REFUSED;
		heads->asleep += order[i].why == CHOOSE_OFF && entry->off == OFF_SCHEDULE;
		if (i >= may || !can_serve(exchange, entry) ||
		    exchange->retry.count == EXCHANGE_PLACES_MAX)
			continue;
		if (exchange->retry.count == 0)
			exchange->why = first_reason(exchange, &asked, order[i].entry);
		exchange->request.mixed =
		    exchange->request.mixed || entry->protocol != exchange->route.protocol;
		exchange->places[exchange->retry.count++] =
		    (struct retry_place){.group = (uint8_t)group,
			.entry = order[i].entry,
			.good = loads_are_good(env->loads, entry->id)};
	}
}

/* A session costs a look at the request: only where it decides anything. */
static void
find_session(struct exchange *exchange, const struct choose_group *groups, size_t count)
{
	const struct http_header *headers;
	bool matters = false;
	if (exchange->route.endpoint == ENDPOINT_GENERATE)
		exchange->previous = session_previous(exchange->route.protocol, &exchange->facts);
	for (size_t i = 0; i < count; i++) {
		enum group group = groups[i].group;
		matters = matters || (exchange->table->groups[group].count > 1 &&
					 exchange->table->policies[group].affinity_ttl_ms > 0);
	}
	if (!matters || exchange->route.endpoint == ENDPOINT_MODELS)
		return;
	size_t header_count = httpd_headers(exchange->relay.req, &headers);
	exchange->session =
	    session_find(exchange->route.protocol, headers, header_count, &exchange->facts);
}

static void
fill_request(struct exchange *exchange)
{
	struct http_req *req = exchange->relay.req;
	struct attempt_request *request = &exchange->request;
	*request = (struct attempt_request){
	    .upstreams = exchange->env->upstreams,
	    .loop = exchange->env->loop,
	    .table = exchange->table,
	    .lessons = exchange->env->lessons,
	    .id = exchange->id,
	    .strict = exchange->table->policies[exchange->route.group].loss == LOSS_STRICT,
	    .mixed = request->mixed,
	    .route = &exchange->route,
	    .method = httpd_method(req),
	    .query = httpd_query(req),
	    .accept_encoding = httpd_header(req, "accept-encoding"),
	    .body = bytes_view(&exchange->body),
	    .facts = &exchange->facts,
	    .relay = &exchange->relay,
	    .events = &exchange_attempt_events,
	};
	request->header_count = httpd_headers(req, &request->headers);
}

static uint64_t
later(uint64_t from_ms, uint32_t wait_ms)
{
	return wait_ms != 0 ? from_ms + wait_ms : DEADLINE_NONE;
}

static void
set_bounds(struct exchange *exchange)
{
	const struct group_policy *policy = exchange_policy(exchange);
	const struct table_timeouts *times = &exchange->table->timeouts[exchange->places[0].group];
	struct retry_state *retry = &exchange->retry;
	bool streams = exchange->facts.stream && exchange->route.endpoint == ENDPOINT_GENERATE;
	retry->places = exchange->places;
	retry->calls_max = policy->attempts_max;
	retry->same_max = policy->same_upstream_retries;
	retry->deadline_ms =
	    policy->retry_deadline_ms != 0 ? exchange->started_ms + policy->retry_deadline_ms : 0;
	exchange->total_ms = later(exchange->started_ms, times->request_ms);
	exchange->alive_ms =
	    streams ? later(exchange->started_ms, policy->keepalive_ms) : DEADLINE_NONE;
	budget_earn(
	    &exchange->env->retries[exchange->places[0].group], policy->retry_budget_percent);
	budget_earn(
	    &exchange->env->hedges[exchange->places[0].group], policy->hedge_budget_percent);
}

enum exchange_step
exchange_step_plan(struct exchange *exchange)
{
	struct choose_group groups[GROUP_COUNT];
	char model[TABLE_NAME_BYTES_MAX + 1];
	struct head_count heads = {0};
	bool needs_conversion;
	size_t count = route_groups(&exchange->route, exchange->table, groups, &needs_conversion);
	if (count == 0)
		return refuse_protocol(exchange, needs_conversion);
	rewrite_rules(exchange->table, exchange->facts.model, model);
	find_session(exchange, groups, count);
	for (size_t i = 0; i < count; i++)
		add_group(exchange, groups[i].group, model, &heads);
	if (exchange->retry.count == 0)
		return heads.unfit == heads.all
			   ? refuse_model(exchange)
			   : refuse_resting(exchange, heads.unfit + heads.asleep == heads.all);
	set_bounds(exchange);
	fill_request(exchange);
	return STEP_ATTEMPT;
}
