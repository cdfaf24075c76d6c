/* The statistics: single requests, sums, and their old shape. */
#include "api_private.h"
#include "must.h"
#include "names.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SHOWN_MAX 1000

bool
api_take_number(struct call *call, json_t *body, const char *key, uint64_t min, uint64_t max)
{
	char text[API_WORD_BYTES], message[API_WORD_BYTES];
	uint64_t number;
	if (!api_query_get(httpd_query(call->req), key, text, sizeof(text)))
		return true;
	if (!view_to_u64(view_of(text), &number) || number < min || number > max) {
		json_decref(body);
		(void)snprintf(message, sizeof(message), "%s must be a number from %llu to %llu",
		    key, (unsigned long long)min, (unsigned long long)max);
		api_fail(call, 400, message);
		return false;
	}
	MUST(json_object_set_new(body, key, json_integer((json_int_t)number)) == 0);
	return true;
}

void
api_show_decisions(struct call *call)
{
	static const char *const keys[] = {
	    "id", "upstream", "model", "client_key", "session", "result", NULL};
	json_t *body = json_object();
	api_take_query(call, body, keys);
	if (api_take_number(call, body, "limit", 1, SHOWN_MAX) &&
	    api_take_number(call, body, "before", 1, INT64_MAX) &&
	    api_take_number(call, body, "from_ms", 0, INT64_MAX) &&
	    api_take_number(call, body, "to_ms", 0, INT64_MAX) &&
	    api_take_number(call, body, "after", 0, INT64_MAX))
		api_ask(call, MSG_GET_REQUESTS, body);
}

/* ---- sums ---- */

json_t *
api_stats_question(struct call *call)
{
	static const char *const keys[] = {
	    "by", "from", "to", "epochs", "model", "upstream", "client_key", "protocol", NULL};
	json_t *body = json_object();
	api_take_query(call, body, keys);
	return api_take_number(call, body, "from_ms", 0, INT64_MAX) &&
		       api_take_number(call, body, "to_ms", 0, INT64_MAX)
		   ? body
		   : NULL;
}

void
api_show_stats(struct call *call)
{
	json_t *question = api_stats_question(call);
	if (question != NULL)
		api_ask(call, MSG_GET_STATS, question);
}

void
api_show_usage(struct call *call)
{
	api_ask(call, MSG_GET_SPENT, NULL);
}

/* ---- as earlier versions had it ---- */

/* The moment as the old page shows it. The control plane cannot write it: its statistics have a
 * thread of their own, and the calendar is the process's. */
static json_t *
in_old_words(json_t *body)
{
	char text[32] = "";
	struct tm local;
	time_t seconds = (time_t)(json_integer_value(json_object_get(body, "generated_ms")) / 1000);
	json_t *told = json_copy(body);
	if (localtime_r(&seconds, &local) != NULL)
		(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
	MUST(told != NULL && json_object_del(told, "generated_ms") == 0);
	MUST(json_object_set_new(told, "generated_at", json_string(text)) == 0);
	return told;
}

static void
on_token_stats(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	if (answer == NULL) {
		api_fail(call, 503, "the control plane does not answer");
	} else if (strcmp(answer->type, MSG_TOKEN_STATS) == 0) {
		api_finish(call, 200, in_old_words(answer->body));
	} else {
		const char *why = json_string_value(json_object_get(answer->body, "message"));
		/* The old page looks for this member, with a 200. */
		api_finish(call, 200, json_pack("{s:s?}", "error", why));
	}
}

void
api_show_token_stats(struct call *call)
{
	if (!adminlink_ask(call->api->stats, MSG_GET_TOKEN_STATS, NULL, on_token_stats, call))
		api_fail(call, 503, "the control plane does not answer");
}

static void
on_reset(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	if (answer == NULL) {
		api_fail(call, 503, "the control plane does not answer");
	} else if (strcmp(answer->type, MSG_OK) == 0) {
		api_finish(
		    call, 200, json_pack("{s:b, s:s}", "success", 1, "message", "统计数据已清空"));
	} else {
		const char *why = json_string_value(json_object_get(answer->body, "message"));
		api_fail(call, 409, why != NULL ? why : "");
	}
}

void
api_reset_stats(struct call *call)
{
	if (!adminlink_ask(call->api->stats, MSG_RESET_STATS, NULL, on_reset, call))
		api_fail(call, 503, "the control plane does not answer");
}

/* Every call is counted as it ends: there is nothing to do. */
void
api_generate_stats(struct call *call)
{
	api_finish(call, 200,
	    json_pack("{s:b, s:s, s:s}", "success", 1, "message",
		"统计功能已改为实时记录模式，数据自动更新", "note",
		"每次API调用都会自动记录，无需手动刷新"));
}

/* ---- costs anew ---- */

void
api_reprice(struct call *call)
{
	json_t *body = json_object();
	if (api_take_number(call, body, "from_ms", 0, INT64_MAX) &&
	    api_take_number(call, body, "to_ms", 0, INT64_MAX))
		api_ask(call, MSG_REPRICE, body);
}

void
api_show_reprice(struct call *call)
{
	api_ask(call, MSG_GET_REPRICE, NULL);
}
