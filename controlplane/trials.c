#include "trials.h"
#include "jget.h"
#include "mem.h"
#include "must.h"
#include <stdio.h>
#include <string.h>

static void
order_fini(struct trial_order *order)
{
	mem_free(order->base_url);
	mem_free(order->model);
	mem_free(order->prompt);
	secret_fini(&order->key);
	*order = (struct trial_order){.seq = order->seq};
}

static void
drop_oldest(struct trials *trials)
{
	order_fini(&trials->items[0].order);
	json_decref(trials->items[0].result);
	trials->count--;
	memmove(&trials->items[0], &trials->items[1], trials->count * sizeof(trials->items[0]));
}

void
trials_fini(struct trials *trials)
{
	while (trials->count > 0)
		drop_oldest(trials);
}

uint64_t
trials_order(struct trials *trials, const struct trial_wish *wish, uint64_t now_ms, int64_t wall_ms)
{
	size_t running = 0;
	for (size_t i = 0; i < trials->count; i++)
		running += !trials->items[i].done;
	if (running == TRIALS_MAX)
		return 0;
	if (trials->count == TRIALS_KEPT_MAX)
		drop_oldest(trials);
	struct trial *trial = &trials->items[trials->count++];
	uint64_t wall = wall_ms > 0 ? (uint64_t)wall_ms : 1;
	trials->last_seq = trials->last_seq >= wall ? trials->last_seq + 1 : wall;
	*trial = (struct trial){.ordered_ms = now_ms};
	trial->order = (struct trial_order){
	    .seq = trials->last_seq,
	    .by = wish->by,
	    .protocol = wish->protocol,
	    .base_url = mem_dup_str(wish->upstream->base_url),
	    .any_address = true, /* it was checked */
	    .model = mem_dup(wish->model),
	    .prompt = mem_dup(wish->prompt),
	    .max_tokens = wish->max_tokens,
	};
	MUST(secret_set(&trial->order.key, secret_reveal(&wish->upstream->key)));
	return trial->order.seq;
}

void
trials_assemble(const struct trials *trials, struct table *table)
{
	for (size_t i = 0; i < trials->count; i++) {
		const struct trial_order *from = &trials->items[i].order;
		if (trials->items[i].done)
			continue;
		struct trial_order *to = table_add_trial(table);
		*to = *from;
		to->base_url = mem_dup_str(from->base_url);
		to->model = mem_dup_str(from->model);
		to->prompt = mem_dup_str(from->prompt);
		to->key = (struct secret){0};
		MUST(secret_set(&to->key, secret_reveal(&from->key)));
	}
}

/* ---- results ---- */

/* The sentence in it, where it is an error as the protocols write them; else the text. */
static json_t *
sentence_of(const char *said)
{
	json_t *body = NULL;
	struct err err;
	if (!jget_parse(view_of(said), &body, &err)) {
		json_t *text = json_string(said);
		return text != NULL ? text : json_string("");
	}
	const json_t *error = json_object_get(body, "error");
	const json_t *message = json_object_get(json_is_object(error) ? error : body, "message");
	if (!json_is_string(message) && json_is_string(error))
		message = error;
	json_t *text = json_string(json_is_string(message) ? json_string_value(message) : said);
	json_decref(body);
	return text != NULL ? text : json_string("");
}

static json_t *
tokens(int64_t count)
{
	return count >= 0 ? json_integer(count) : json_null();
}

static json_t *
encode_result(const struct trial_result *result)
{
	json_t *json =
	    json_pack("{s:b, s:i, s:s, s:o, s:s, s:I, s:I, s:{s:o, s:o, s:o, s:o, s:o, s:o}}", "ok",
		(int)result->ok, "status", (int)result->status, "reason", result->reason, "error",
		sentence_of(result->error), "served", result->served, "ttfb_ms",
		(json_int_t)result->ttfb_ms, "ms", (json_int_t)result->ms, "usage", "input",
		tokens(result->input), "cache_read", tokens(result->cache_read), "cache_write_5m",
		tokens(result->cache_write_5m), "cache_write_1h", tokens(result->cache_write_1h),
		"output", tokens(result->output), "reasoning", tokens(result->reasoning));
	MUST(json != NULL);
	return json;
}

static void
end_trial(struct trial *trial, json_t *result)
{
	json_t *model = json_string(trial->order.model);
	MUST(json_object_set_new(result, "model", model != NULL ? model : json_string("")) == 0);
	trial->result = result;
	trial->done = true;
	order_fini(&trial->order);
}

bool
trials_note(struct trials *trials, const struct trial_result *result)
{
	for (size_t i = 0; i < trials->count; i++) {
		struct trial *trial = &trials->items[i];
		if (trial->order.seq != result->seq || trial->done)
			continue;
		end_trial(trial, encode_result(result));
		return true;
	}
	return false;
}

bool
trials_expire(struct trials *trials, uint64_t now_ms)
{
	bool any = false;
	for (size_t i = 0; i < trials->count; i++) {
		struct trial *trial = &trials->items[i];
		if (trial->done || now_ms - trial->ordered_ms < TRIALS_LOST_MS)
			continue;
		const struct trial_result lost = {.reason = "no_answer",
		    .error =
			(char *)(uintptr_t) "the data plane that was to ask it has told nothing",
		    .input = -1,
		    .cache_read = -1,
		    .cache_write_5m = -1,
		    .cache_write_1h = -1,
		    .output = -1,
		    .reasoning = -1};
		end_trial(trial, encode_result(&lost));
		any = true;
	}
	return any;
}

json_t *
trials_encode(const struct trials *trials, uint64_t seq)
{
	for (size_t i = 0; i < trials->count; i++) {
		const struct trial *trial = &trials->items[i];
		if (trial->order.seq != seq)
			continue;
		json_t *json = trial->done ? json_copy(trial->result) : json_object();
		MUST(json_object_set_new(json, "seq", json_integer((json_int_t)seq)) == 0 &&
		     json_object_set_new(json, "done", json_boolean(trial->done)) == 0);
		return json;
	}
	return NULL;
}
