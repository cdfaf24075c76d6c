/* What the admin side asks of controlplane about upstreams, and does to them. */
#include "api_wait.h"
#include "must.h"
#include "names.h"
#include <string.h>

#define STATE_STALE_MS 5000
#define CANCEL_LOOK_MS 20
#define CANCEL_WAIT_S 3

void
api_answer(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	if (answer == NULL)
		api_fail_away(call);
	else if (strcmp(answer->type, MSG_ERROR) == 0)
		api_fail_asked(call, answer->body);
	else
		api_finish_told(call, answer->body);
}

void
api_ask(struct call *call, const char *type, json_t *body)
{
	bool stats = strcmp(names_socket_of(type), NAMES_STATS) == 0;
	struct adminlink *link = stats ? call->api->stats : call->api->link;
	if (!adminlink_ask(link, type, body, api_answer, call))
		api_fail_away(call);
}

void
api_take_query(struct call *call, json_t *body, const char *const *keys)
{
	struct view query = httpd_query(call->req);
	for (; *keys != NULL; keys++) {
		char value[API_WORD_BYTES];
		if (api_query_get(query, *keys, value, sizeof(value)))
			MUST(json_object_set_new(body, *keys, json_string(value)) == 0);
	}
}

/* ---- looking ---- */

const json_t *
api_state(struct call *call)
{
	uint64_t age_ms;
	const json_t *state = adminlink_state(call->api->link, &age_ms);
	if (state == NULL)
		api_fail_away(call);
	return state;
}

json_t *
api_state_shown(const json_t *state, uint64_t age_ms)
{
	json_t *body = json_copy((json_t *)(uintptr_t)state);
	MUST(body != NULL &&
	     json_object_set_new(body, "age_ms", json_integer((json_int_t)age_ms)) == 0);
	(void)json_object_del(body, "users");
	return body;
}

void
api_show_state(struct call *call)
{
	uint64_t age_ms;
	const json_t *state = adminlink_state(call->api->link, &age_ms);
	if (state != NULL && age_ms <= STATE_STALE_MS) {
		api_finish(call, 200, api_state_shown(state, age_ms));
		return;
	}
	json_t *age = state != NULL ? json_integer((json_int_t)age_ms) : json_null();
	api_finish(call, 503,
	    json_pack("{s:b, s:s, s:s, s:o}", "success", 0, "kind", "timeout", "message",
		"the control plane does not answer", "age_ms", age));
}

void
api_show_lessons(struct call *call)
{
	const json_t *state = api_state(call);
	if (state != NULL)
		api_finish(call, 200,
		    json_pack(
			"{s:b, s:O}", "success", 1, "lessons", json_object_get(state, "lessons")));
}

void
api_show_explanation(struct call *call)
{
	static const char *const keys[] = {"at", "path", "model", "session", "group", NULL};
	json_t *body = json_object();
	api_take_query(call, body, keys);
	if (json_object_get(body, "path") == NULL && json_object_get(body, "group") == NULL)
		MUST(json_object_set_new(body, "path", json_string("/v1/messages")) == 0);
	api_ask(call, MSG_EXPLAIN, body);
}

/* ---- doing ---- */

void
api_clear(struct call *call)
{
	api_ask(call, MSG_CLEAR_COOLDOWN, json_pack("{s:s}", "id", call->word));
}

void
api_clear_all(struct call *call)
{
	static const char *const keys[] = {"group", NULL};
	json_t *body = json_object();
	api_take_query(call, body, keys);
	api_ask(call, MSG_CLEAR_COOLDOWN, body);
}

void
api_probe(struct call *call)
{
	api_ask(call, MSG_PROBE_NOW, json_pack("{s:s}", "id", call->word));
}

static void
on_cancelled(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	const json_t *told = answer != NULL ? json_object_get(answer->body, "cancel") : NULL;
	if (told == NULL)
		api_answer(answer, call);
	else if (!json_is_true(json_object_get(told, "ended")))
		api_fail(call, 404, "no data plane has such a request under way");
	else
		api_finish(call, 200, json_pack("{s:b, s:s}", "success", 1, "id", call->word));
}

static void
on_cancel_ordered(const struct envelope *answer, void *ctx)
{
	static const struct api_wait_kind kind = {
	    MSG_GET_CANCEL, "cancel", CANCEL_LOOK_MS, on_cancelled};
	api_wait(ctx, &kind, answer);
}

/* Which data plane has it they know alone: so it takes the time of a report. */
void
api_cancel_request(struct call *call)
{
	json_t *body = api_change(call, NULL, NULL);
	MUST(json_object_set_new(body, "id", json_string(call->word)) == 0);
	call->index = CANCEL_WAIT_S;
	if (!adminlink_ask(call->api->link, MSG_CANCEL_REQUEST, body, on_cancel_ordered, call))
		api_fail_away(call);
}

void
api_forget_lessons(struct call *call)
{
	static const char *const keys[] = {"upstream", "model", "kind", "name", NULL};
	json_t *body = json_object();
	api_take_query(call, body, keys);
	api_ask(call, MSG_FORGET_LESSON, body);
}
