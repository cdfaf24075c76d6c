#include "api_wait.h"
#include "mem.h"
#include "must.h"
#include "names.h"
#include <string.h>

struct api_wait {
	const struct api_wait_kind *kind;
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
	const struct api_wait_kind *kind = wait->kind;
	bool good = answer != NULL && strcmp(answer->type, MSG_OK) == 0;
	const json_t *told = good ? json_object_get(answer->body, kind->member) : NULL;
	bool done = json_is_true(json_object_get(told, "done"));
	if (good && !done && call->req != NULL && api_now_ms(call) < wait->until_ms) {
		loop_timer_arm(&wait->timer, kind->look_ms);
		return;
	}
	end_wait(wait);
	kind->end(answer, call);
}

static void
look(struct api_wait *wait)
{
	struct call *call = wait->call;
	json_t *body = json_pack("{s:I}", "seq", wait->seq);
	if (!adminlink_ask(call->api->link, wait->kind->type, body, on_looked, wait)) {
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

void
api_wait(struct call *call, const struct api_wait_kind *kind, const struct envelope *answer)
{
	if (answer == NULL || strcmp(answer->type, MSG_ERROR) == 0 || call->req == NULL) {
		if (answer != NULL && strcmp(answer->type, MSG_ERROR) == 0)
			api_fail_told(call, answer->body);
		else
			api_fail_away(call);
		return;
	}
	struct api_wait *wait = MEM_NEW(struct api_wait);
	const json_t *told = json_object_get(answer->body, kind->member);
	wait->kind = kind;
	wait->call = call;
	wait->seq = json_integer_value(json_object_get(told, "seq"));
	wait->until_ms = api_now_ms(call) + (uint64_t)call->index * 1000;
	loop_timer_init(&wait->timer, httpd_loop(call->req), on_timer, wait);
	call->wait = wait;
	look(wait);
}
