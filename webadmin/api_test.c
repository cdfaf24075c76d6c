/* A small real request to an upstream: ordered, and waited for as long as the client wants. */
#include "api_test.h"
#include "api_private.h"
#include "jget.h"
#include "mem.h"
#include "must.h"
#include "names.h"
#include <string.h>

#define WAIT_S_DEFAULT 25
#define WAIT_S_MAX 60
#define LOOK_MS 100

/* A call that waits for the end of its test. */
struct api_wait {
	struct call *call;
	struct loop_timer timer;
	json_int_t seq;
	uint64_t until_ms;
};

static void look(struct api_wait *wait);

static void
on_timer(struct loop_timer *timer, void *ctx)
{
	(void)timer;
	look(ctx);
}

static void
end_wait(struct api_wait *wait)
{
	wait->call->wait = NULL;
	loop_timer_fini(&wait->timer);
	mem_free(wait);
}

static void
on_looked(const struct envelope *answer, void *ctx)
{
	struct api_wait *wait = ctx;
	struct call *call = wait->call;
	bool good = answer != NULL && strcmp(answer->type, MSG_OK) == 0;
	const json_t *test = good ? json_object_get(answer->body, "test") : NULL;
	bool done = json_is_true(json_object_get(test, "done"));
	if (good && !done && call->req != NULL && api_now_ms(call) < wait->until_ms) {
		loop_timer_arm(&wait->timer, LOOK_MS);
		return;
	}
	end_wait(wait);
	api_answer(answer, call);
}

static void
look(struct api_wait *wait)
{
	struct call *call = wait->call;
	json_t *body = json_pack("{s:I}", "seq", wait->seq);
	if (!adminlink_ask(call->api->link, MSG_GET_TEST, body, on_looked, wait)) {
		end_wait(wait);
		api_fail_away(call);
	}
}

void
api_unwait(struct call *call)
{
	bool between = call->wait->timer.armed;
	call->req = NULL;
	/* Else the answer to its question ends it. */
	if (!between)
		return;
	end_wait(call->wait);
	api_drop(call);
}

static void
on_ordered(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	if (answer == NULL || strcmp(answer->type, MSG_ERROR) == 0 || call->req == NULL) {
		if (answer != NULL && strcmp(answer->type, MSG_ERROR) == 0)
			api_fail_told(call, answer->body);
		else
			api_fail_away(call);
		return;
	}
	struct api_wait *wait = MEM_NEW(struct api_wait);
	wait->call = call;
	wait->seq =
	    json_integer_value(json_object_get(json_object_get(answer->body, "test"), "seq"));
	wait->until_ms = api_now_ms(call) + (uint64_t)call->index * 1000;
	loop_timer_init(&wait->timer, httpd_loop(call->req), on_timer, wait);
	call->wait = wait;
	look(wait);
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
