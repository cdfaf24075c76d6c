/* The configuration as a whole: shown, replaced, checked, its history. */
#include "api_private.h"
#include "must.h"
#include "names.h"
#include "reply.h"
#include <string.h>

static void
put(json_t *body, const char *key, json_t *value)
{
	MUST(value != NULL && json_object_set_new(body, key, value) == 0);
}

void
api_show_config(struct call *call)
{
	api_ask(call, MSG_GET_CONFIG, NULL);
}

void
api_replace_config(struct call *call)
{
	json_t *document;
	if (!api_needs_match(call) || !api_take_body(call, &document))
		return;
	json_t *body = api_change(call, "document", NULL);
	put(body, "value", document);
	api_ask_change(call, MSG_EDIT, body);
}

void
api_check_config(struct call *call)
{
	json_t *document;
	if (api_take_body(call, &document))
		api_ask(call, MSG_CHECK_CONFIG, json_pack("{s:o}", "value", document));
}

/* ---- as a file ---- */

static void
on_export(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	if (answer == NULL || strcmp(answer->type, MSG_ERROR) == 0) {
		api_fail_away(call);
		return;
	}
	struct http_header name = {
	    VIEW("Content-Disposition"), VIEW("attachment; filename=\"all_configs.json\"")};
	json_t *document = json_object_get(answer->body, "document");
	if (call->req != NULL)
		reply_json(call->req, 200, json_incref(document), &name);
	api_drop(call);
}

void
api_export_config(struct call *call)
{
	json_t *body = json_pack("{s:b}", "export", 1);
	if (!adminlink_ask(call->api->link, MSG_GET_CONFIG, body, on_export, call))
		api_fail_away(call);
}

/* ---- history ---- */

void
api_show_revisions(struct call *call)
{
	api_ask(call, MSG_GET_HISTORY, NULL);
}

/* The number in the path; false: it is none, and the call has ended. */
static bool
take_revision(struct call *call, json_t *body)
{
	uint64_t revision;
	if (view_to_u64(view_of(call->word), &revision) && revision > 0 && revision < INT64_MAX) {
		put(body, "revision", json_integer((json_int_t)revision));
		return true;
	}
	json_decref(body);
	api_fail(call, 404, "there is no such revision");
	return false;
}

void
api_show_revision(struct call *call)
{
	json_t *body = json_object();
	if (take_revision(call, body))
		api_ask(call, MSG_GET_REVISION, body);
}

void
api_show_diff(struct call *call)
{
	json_t *body = json_object();
	if (!api_take_number(call, body, "from", 1, INT64_MAX) ||
	    !api_take_number(call, body, "to", 1, INT64_MAX))
		return;
	if (json_object_get(body, "from") == NULL) {
		json_decref(body);
		api_fail(call, 400, "from: must name a revision");
		return;
	}
	api_ask(call, MSG_GET_DIFF, body);
}

void
api_restore(struct call *call)
{
	json_t *body = api_change(call, NULL, NULL);
	if (take_revision(call, body))
		api_ask_change(call, MSG_RESTORE, body);
}

void
api_import(struct call *call)
{
	json_t *asked, *value;
	if (!api_take_body(call, &asked))
		return;
	static const char *const keys[] = {"text", "format", "apply"};
	json_t *body = api_change(call, NULL, NULL);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		value = json_object_get(asked, keys[i]);
		if (value != NULL)
			MUST(json_object_set(body, keys[i], value) == 0);
	}
	json_decref(asked);
	api_ask_change(call, MSG_IMPORT, body);
}

void
api_show_audit(struct call *call)
{
	static const char *const keys[] = {"who", "action", NULL};
	json_t *body = json_object();
	api_take_query(call, body, keys);
	if (api_take_number(call, body, "limit", 1, 1000) &&
	    api_take_number(call, body, "before", 1, INT64_MAX))
		api_ask(call, MSG_GET_AUDIT, body);
}
