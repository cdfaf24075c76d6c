#include "query.h"
#include "bus.h"
#include "loop.h"
#include "names.h"
#include <limits.h>

#define TIMEOUT_MS 2000
#define QUESTION_ID 1

struct question {
	struct loop *loop;
	struct envelope *answer;
	struct err *err;
	bool ok;
};

static void
on_answer(struct view message, void *ctx)
{
	struct question *question = ctx;
	loop_stop(question->loop);
	if (message.len == 0)
		err_set(question->err, ERR_TIMEOUT, "", "nobody answers");
	else
		question->ok = envelope_decode(message, question->answer, question->err);
}

/* Asks and runs the loop until the answer or the deadline. */
static bool
exchange(struct question *question, struct bus_req *req, const char *type, json_t *body)
{
	struct bytes text;
	bytes_init(&text, NAMES_MESSAGE_BYTES_MAX);
	if (envelope_encode(type, QUESTION_ID, body, &text) &&
	    bus_req_ask(req, bytes_view(&text), TIMEOUT_MS, on_answer, question))
		loop_run(question->loop);
	bytes_fini(&text);
	return question->ok;
}

bool
query_ask(const struct places *places, const char *type, json_t *body, struct envelope *answer,
    struct err *err)
{
	struct question question = {.answer = answer, .err = err};
	struct bus_req *req = NULL;
	char path[PATH_MAX];
	bool ok = false;
	*answer = (struct envelope){0};
	if (!names_path(places->run, names_socket_of(type), path, sizeof(path), err)) {
		json_decref(body);
		return false;
	}
	question.loop = loop_new(err);
	if (question.loop != NULL)
		req = bus_req_connect(question.loop, path, err);
	if (req != NULL)
		ok = exchange(&question, req, type, body);
	else
		json_decref(body);
	bus_req_free(req);
	loop_free(question.loop);
	return ok;
}
