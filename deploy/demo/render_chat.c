/* OpenAI Chat Completions. */
#include "render.h"

static const char *
finish_reason(const struct plan *plan)
{
	static const char *const reasons[] = {
	    "stop", "tool_calls", "length", "content_filter", "stop", "stop", "length"};
	return reasons[plan->stop];
}

void
render_chat_usage(const struct plan *plan, struct writer *out)
{
	const struct plan_usage *usage = &plan->usage;
	uint64_t input = usage->input + usage->cache_read + usage->cache_write;
	writer_put(out, "{");
	render_number(plan, "prompt_tokens", input, out);
	writer_put(out, ",");
	render_number(plan, "completion_tokens", usage->output, out);
	writer_put(out, ",");
	render_number(plan, "total_tokens", input + usage->output, out);
	writer_put(out, ",'prompt_tokens_details':{");
	render_number(plan, "cached_tokens", usage->cache_read, out);
	writer_put(out, ",");
	render_number(plan, "cache_write_tokens", usage->cache_write, out);
	writer_put(out, ",'audio_tokens':0},'completion_tokens_details':{");
	render_number(plan, "reasoning_tokens", usage->reasoning, out);
	writer_put(out, ",'audio_tokens':0,'accepted_prediction_tokens':0,"
			"'rejected_prediction_tokens':0}}");
}

static void
put_call(const struct plan_item *item, struct view text, struct writer *out)
{
	if (item->kind == PLAN_CUSTOM)
		writer_put(out, "'id':$s,'type':'custom','custom':{'name':$s,'input':$s}}",
		    item->call_id, item->name, text);
	else
		writer_put(out, "'id':$s,'type':'function','function':{'name':$s,'arguments':$s}}",
		    item->call_id, item->name, text);
}

static bool
is_call(const struct plan_item *item)
{
	return item->kind == PLAN_CALL || item->kind == PLAN_CUSTOM;
}

static const struct plan_item *
find_item(const struct plan *plan, enum plan_kind kind)
{
	for (unsigned i = 0; i < plan->count; i++) {
		if (plan->items[i].kind == kind)
			return &plan->items[i];
	}
	return NULL;
}

static void
put_message(const struct plan *plan, struct writer *out)
{
	const struct plan_item *text = find_item(plan, PLAN_TEXT);
	const struct plan_item *thinking = find_item(plan, PLAN_THINKING);
	const char *sep = ",'tool_calls':[{";
	writer_put(out, "{'role':'assistant','content':");
	if (text != NULL)
		writer_put(out, "$s", text->text);
	else
		writer_put(out, "null");
	writer_put(out, ",'refusal':null,'annotations':[]");
	if (thinking != NULL)
		writer_put(out, ",'reasoning_content':$s", thinking->text);
	for (unsigned i = 0; i < plan->count; i++) {
		if (!is_call(&plan->items[i]))
			continue;
		writer_put(out, sep);
		put_call(&plan->items[i], plan->items[i].text, out);
		sep = ",{";
	}
	writer_put(out, sep[1] == '{' ? "]}" : "}");
}

void
render_chat_json(const struct plan *plan, struct writer *out)
{
	writer_put(out,
	    "{'id':$s,'object':'chat.completion','created':$i,'model':$s,'choices':[{"
	    "'index':0,'message':",
	    plan->id, plan->created_s, plan->ask->model);
	put_message(plan, out);
	writer_put(out, ",'logprobs':null,'finish_reason':$s}]", view_of(finish_reason(plan)));
	if (render_usage_begins(plan, out))
		render_chat_usage(plan, out);
	writer_put(out, ",'service_tier':'default','system_fingerprint':'fp_demo'}");
}

/* A chunk up to its choices. */
static void
chunk_open(const struct plan *plan, struct tape *tape)
{
	tape_open(tape, NULL);
	writer_put(&tape->out,
	    "{'id':$s,'object':'chat.completion.chunk','created':$i,'model':$s,"
	    "'service_tier':'default','system_fingerprint':'fp_demo','choices':[",
	    plan->id, plan->created_s, plan->ask->model);
}

static void
delta_open(const struct plan *plan, struct tape *tape)
{
	chunk_open(plan, tape);
	writer_put(&tape->out, "{'index':0,'delta':{");
}

static void
delta_close(const struct plan *plan, const char *finish, struct tape *tape)
{
	writer_put(&tape->out, "},'logprobs':null,'finish_reason':");
	writer_put(&tape->out, finish != NULL ? "$s}]" : "null}]", view_of(finish));
	writer_put(&tape->out, plan->ask->include_usage ? ",'usage':null}" : "}");
	tape_close(tape);
}

static void
stream_piece(const struct plan *plan, const char *key, struct view piece, struct tape *tape)
{
	delta_open(plan, tape);
	writer_put(&tape->out, key);
	writer_put(&tape->out, ":$s", piece);
	delta_close(plan, NULL, tape);
}

static void
stream_text(const struct plan *plan, const struct plan_item *item, struct tape *tape)
{
	const char *key = item->kind == PLAN_THINKING ? "'reasoning_content'" : "'content'";
	if (item->repeat > 0) {
		tape_loop(tape, item->repeat);
		stream_piece(plan, key, item->chunk, tape);
	}
	for (size_t at = 0; item->repeat == 0 && at < item->text.len;)
		stream_piece(plan, key, plan_piece(plan, item->text, &at), tape);
}

static void
stream_call(
    const struct plan *plan, const struct plan_item *item, uint64_t index, struct tape *tape)
{
	delta_open(plan, tape);
	writer_put(&tape->out, "'tool_calls':[{'index':$u,", index);
	put_call(item, VIEW(""), &tape->out);
	writer_put(&tape->out, "]");
	delta_close(plan, NULL, tape);
	for (size_t at = 0; at < item->text.len;) {
		delta_open(plan, tape);
		writer_put(&tape->out, "'tool_calls':[{'index':$u,", index);
		writer_put(&tape->out,
		    item->kind == PLAN_CUSTOM ? "'custom':{'input'" : "'function':{'arguments'");
		writer_put(&tape->out, ":$s}}]", plan_piece(plan, item->text, &at));
		delta_close(plan, NULL, tape);
	}
}

void
render_chat_stream(const struct plan *plan, struct tape *tape)
{
	uint64_t calls = 0;
	delta_open(plan, tape);
	writer_put(&tape->out, "'role':'assistant','content':'','refusal':null");
	delta_close(plan, NULL, tape);
	for (unsigned i = 0; i < plan->count; i++) {
		if (is_call(&plan->items[i]))
			stream_call(plan, &plan->items[i], calls++, tape);
		else
			stream_text(plan, &plan->items[i], tape);
	}
	tape_mark(tape, TAPE_TERMINAL);
	delta_open(plan, tape);
	delta_close(plan, finish_reason(plan), tape);
	if (plan->ask->include_usage) {
		tape_mark(tape, TAPE_USAGE_LAST);
		chunk_open(plan, tape);
		writer_put(&tape->out, "]");
		if (render_usage_begins(plan, &tape->out))
			render_chat_usage(plan, &tape->out);
		writer_put(&tape->out, "}");
		tape_close(tape);
	}
	tape_open(tape, NULL);
	writer_put(&tape->out, "[DONE]");
	tape_close(tape);
}
