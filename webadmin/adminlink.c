#include "adminlink.h"
#include "bus.h"
#include "crypto.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include "names.h"
#include <string.h>

struct question {
	const char *type; /* a MSG_ word */
	json_t *body;
	adminlink_answer_fn *fn;
	void *ctx;
	struct question *next;
};

struct adminlink {
	struct loop *loop;
	struct bus_sub *sub;
	struct bus_req *req;
	struct loop_timer poll;
	struct question *asked; /* under way */
	struct question *first, **last;
	unsigned waiting;
	uint64_t message_id;
	bool polling;    /* a get_state of our own is under way or waits */
	bool unanswered; /* said so in the log */
	json_t *state;
	uint64_t state_ms;
	void (*on_state)(void *ctx);
	void *on_state_ctx;
};

/* ---- the state ---- */

static void
take_state(struct adminlink *link, const struct envelope *envelope)
{
	json_decref(link->state);
	link->state = json_incref(envelope->body);
	link->state_ms = loop_now_ms(link->loop);
	if (link->on_state != NULL)
		link->on_state(link->on_state_ctx);
}

static void
on_event(struct view message, void *ctx)
{
	struct adminlink *link = ctx;
	struct envelope envelope;
	struct err err;
	if (!envelope_decode(message, &envelope, &err)) {
		log_err(LOG_WARN, "message_refused", &err);
		return;
	}
	if (strcmp(envelope.type, MSG_STATE) == 0)
		take_state(link, &envelope);
	envelope_fini(&envelope);
}

static void
on_state(const struct envelope *answer, void *ctx)
{
	struct adminlink *link = ctx;
	link->polling = false;
	if (answer != NULL && strcmp(answer->type, MSG_STATE) == 0)
		take_state(link, answer);
}

static void
on_poll(struct loop_timer *timer, void *ctx)
{
	struct adminlink *link = ctx;
	loop_timer_arm(timer, ADMINLINK_POLL_MS);
	if (!link->polling)
		link->polling = adminlink_ask(link, MSG_GET_STATE, NULL, on_state, link);
}

const json_t *
adminlink_state(const struct adminlink *link, uint64_t *age_ms)
{
	*age_ms = link->state != NULL ? loop_now_ms(link->loop) - link->state_ms : 0;
	return link->state;
}

const json_t *
adminlink_state_at(const struct adminlink *link, uint64_t *at_ms)
{
	*at_ms = link->state_ms;
	return link->state;
}

void
adminlink_on_state(struct adminlink *link, void (*fn)(void *ctx), void *ctx)
{
	link->on_state = fn;
	link->on_state_ctx = ctx;
}

bool
adminlink_is_silent(const struct adminlink *link)
{
	return link->unanswered;
}

/* ---- questions ---- */

static void pump(struct adminlink *link);

static void
end_question(struct question *question, const struct envelope *answer)
{
	question->fn(answer, question->ctx);
	json_decref(question->body);
	mem_free(question);
}

/* Nobody is there: who waits behind the question need not find out one by one. */
static void
give_up(struct adminlink *link)
{
	struct question *question = link->first;
	link->first = NULL;
	link->last = &link->first;
	link->waiting = 0;
	while (question != NULL) {
		struct question *next = question->next;
		end_question(question, NULL);
		question = next;
	}
}

static bool
decode_answer(const struct adminlink *link, struct view message, struct envelope *out)
{
	struct err err;
	*out = (struct envelope){0};
	bool ok = envelope_decode(message, out, &err) &&
		  (out->id == link->message_id ||
		      err_set(&err, ERR_PEER, "id", "the answer belongs to another question"));
	if (!ok)
		log_err(LOG_WARN, "answer_refused", &err);
	return ok;
}

static void
note_silence(struct adminlink *link, bool silent)
{
	if (silent && !link->unanswered)
		log_msg(LOG_WARN, "controlplane_away", "no answer within %d ms; serving on",
		    ADMINLINK_ANSWER_MS);
	if (!silent && link->unanswered)
		log_msg(LOG_INFO, "controlplane_back", "answers again");
	link->unanswered = silent;
}

static void
on_answer(struct view message, void *ctx)
{
	struct adminlink *link = ctx;
	struct question *question = link->asked;
	struct envelope envelope;
	bool silent = message.len == 0;
	link->asked = NULL;
	note_silence(link, silent);
	if (silent) {
		end_question(question, NULL);
		give_up(link);
	} else {
		bool ok = decode_answer(link, message, &envelope);
		end_question(question, ok ? &envelope : NULL);
		envelope_fini(&envelope);
	}
	pump(link);
}

static void
pump(struct adminlink *link)
{
	struct question *question = link->first;
	struct bytes message;
	if (link->asked != NULL || question == NULL)
		return;
	link->first = question->next;
	if (link->first == NULL)
		link->last = &link->first;
	link->waiting--;
	link->asked = question;
	bytes_init(&message, NAMES_MESSAGE_BYTES_MAX);
	MUST(envelope_encode(question->type, ++link->message_id, question->body, &message));
	question->body = NULL;
	MUST(bus_req_ask(link->req, bytes_view(&message), ADMINLINK_ANSWER_MS, on_answer, link));
	bytes_fini(&message);
}

bool
adminlink_ask(
    struct adminlink *link, const char *type, json_t *body, adminlink_answer_fn *fn, void *ctx)
{
	if (link->waiting == ADMINLINK_WAITING_MAX) {
		json_decref(body);
		return false;
	}
	struct question *question = MEM_NEW(struct question);
	*question = (struct question){.type = type, .body = body, .fn = fn, .ctx = ctx};
	*link->last = question;
	link->last = &question->next;
	link->waiting++;
	pump(link);
	return true;
}

/* ---- life ---- */

struct adminlink *
adminlink_new(struct loop *loop, const char *run_dir, const char *socket, struct err *err)
{
	char events[108], path[108];
	struct adminlink *link = MEM_NEW(struct adminlink);
	link->loop = loop;
	link->last = &link->first;
	/* An answer to a question of the process before this one must not fit. */
	link->message_id = crypto_random_u64() >> 2;
	loop_timer_init(&link->poll, loop, on_poll, link);
	bool state = strcmp(socket, NAMES_ADMIN) == 0; /* the state comes from there */
	if (names_path(run_dir, NAMES_EVENTS, events, sizeof(events), err) &&
	    names_path(run_dir, socket, path, sizeof(path), err) &&
	    (!state || (link->sub = bus_sub_connect(loop, events, on_event, link, err)) != NULL) &&
	    (link->req = bus_req_connect(loop, path, err)) != NULL) {
		if (state)
			on_poll(&link->poll, link);
		return link;
	}
	adminlink_free(link);
	return NULL;
}

void
adminlink_free(struct adminlink *link)
{
	if (link == NULL)
		return;
	loop_timer_fini(&link->poll);
	if (link->asked != NULL)
		end_question(link->asked, NULL);
	give_up(link);
	if (link->sub != NULL)
		bus_sub_free(link->sub);
	bus_req_free(link->req);
	json_decref(link->state);
	mem_free(link);
}
