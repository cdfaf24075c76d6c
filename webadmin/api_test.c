/* A small real request to an upstream: ordered, and waited for as long as the client wants. */
#include "api_test.h"
#include "api_wait.h"
#include "jget.h"
#include "must.h"
#include "names.h"

#define WAIT_S_DEFAULT 25
#define WAIT_S_MAX 60
#define LOOK_MS 100

static const struct api_wait_kind kind = {MSG_GET_TEST, "test", LOOK_MS, api_answer};

static void
on_ordered(const struct envelope *answer, void *ctx)
{
	api_wait(ctx, &kind, answer);
}

/* Takes `question`; `words` (borrowed) are those of the test. */
static void
ask(struct call *call, json_t *question, const json_t *words)
{
	static const char *const kept[] = {"model", "prompt", "max_tokens"};
	struct err err;
	call->index = WAIT_S_DEFAULT;
	if (!jget_int(words, "test", "wait_seconds", 0, WAIT_S_MAX, &call->index, &err)) {
		json_decref(question);
		api_fail(call, 400, err.msg);
		return;
	}
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		json_t *value = json_object_get(words, kept[i]);
		if (value != NULL)
			MUST(json_object_set(question, kept[i], value) == 0);
	}
	if (!adminlink_ask(call->api->link, MSG_TEST_UPSTREAM, question, on_ordered, call))
		api_fail_away(call);
}

void
api_test(struct call *call)
{
	json_t *words;
	if (!api_take_body(call, &words))
		return;
	ask(call, json_pack("{s:s}", "id", call->word), words);
	json_decref(words);
}

void
api_test_entry(struct call *call)
{
	json_t *entry;
	if (!api_take_body(call, &entry))
		return;
	json_t *words = json_incref(json_object_get(entry, "test"));
	json_t *group = json_incref(json_object_get(entry, "group"));
	(void)json_object_del(entry, "test");
	(void)json_object_del(entry, "group");
	json_t *question = json_pack("{s:o}", "entry", entry);
	if (group != NULL)
		MUST(json_object_set_new(question, "group", group) == 0);
	ask(call, question, json_is_object(words) ? words : NULL);
	json_decref(words);
}

void
api_show_test(struct call *call)
{
	uint64_t seq;
	if (!view_to_u64(view_of(call->word), &seq) || seq > INT64_MAX)
		api_fail(call, 404, "there is no such test");
	else
		api_ask(call, MSG_GET_TEST, json_pack("{s:I}", "seq", (json_int_t)seq));
}
