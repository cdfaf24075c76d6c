/* What the admin side asks of controlplane about upstreams, and does to them. */
#include "api_private.h"
#include "must.h"
#include "names.h"
#include <string.h>

/* ---- answers ---- */

/* What the other side says against a question is the asker's fault, by its kind. */
static int
status_of(const json_t *error)
{
	const char *kind = json_string_value(json_object_get(error, "kind"));
	const char *message = json_string_value(json_object_get(error, "message"));
	if (kind == NULL)
		return 502;
	if (message != NULL && strstr(message, "no such upstream") != NULL)
		return 404;
	if (strcmp(kind, err_kind_name(ERR_IO)) == 0)
		return 409; /* the file was edited meanwhile, or cannot be written */
	return 400;
}

void
api_answer(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	if (answer == NULL) {
		api_fail(call, 503, "the control plane does not answer");
		return;
	}
	bool error = strcmp(answer->type, MSG_ERROR) == 0;
	json_t *body = json_deep_copy(answer->body);
	MUST(body != NULL);
	MUST(json_object_set_new(body, "success", json_boolean(!error)) == 0);
	api_finish(call, error ? status_of(body) : 200, body);
}

void
api_ask(struct call *call, const char *type, json_t *body)
{
	bool stats = strcmp(names_socket_of(type), NAMES_STATS) == 0;
	struct adminlink *link = stats ? call->api->stats : call->api->link;
	if (!adminlink_ask(link, type, body, api_answer, call))
		api_fail(call, 503, "the control plane does not answer");
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

static const json_t *
state_of(struct call *call)
{
	uint64_t age_ms;
	const json_t *state = adminlink_state(call->api->link, &age_ms);
	if (state == NULL)
		api_fail(call, 503, "the control plane does not answer");
	return state;
}

void
api_show_upstreams(struct call *call)
{
	const json_t *state = state_of(call);
	if (state != NULL)
		api_finish(call, 200,
		    json_pack(
			"{s:b, s:O}", "success", 1, "groups", json_object_get(state, "groups")));
}

void
api_show_lessons(struct call *call)
{
	const json_t *state = state_of(call);
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
set_enabled(struct call *call, bool enabled)
{
	api_ask(
	    call, MSG_SET_ENABLED, json_pack("{s:s, s:b}", "id", call->word, "enabled", enabled));
}

void
api_enable(struct call *call)
{
	set_enabled(call, true);
}

void
api_disable(struct call *call)
{
	set_enabled(call, false);
}

void
api_forget_lessons(struct call *call)
{
	static const char *const keys[] = {"upstream", "model", "kind", "name", NULL};
	json_t *body = json_object();
	api_take_query(call, body, keys);
	api_ask(call, MSG_FORGET_LESSON, body);
}
