/* OpenAI Responses. */
#include "render.h"
#include <string.h>

static bool
is_incomplete(const struct plan *plan)
{
	return plan->stop == PLAN_STOP_LENGTH || plan->stop == PLAN_STOP_REFUSAL ||
	       plan->stop == PLAN_STOP_CONTEXT;
}

void
render_responses_usage(const struct plan *plan, struct writer *out)
{
	const struct plan_usage *usage = &plan->usage;
	uint64_t input = usage->input + usage->cache_read + usage->cache_write;
	writer_put(out, "{");
	render_number(plan, "input_tokens", input, out);
	writer_put(out, ",'input_tokens_details':{");
	render_number(plan, "cached_tokens", usage->cache_read, out);
	writer_put(out, ",");
	render_number(plan, "cache_write_tokens", usage->cache_write, out);
	writer_put(out, "},");
	render_number(plan, "output_tokens", usage->output, out);
	writer_put(out, ",'output_tokens_details':{");
	render_number(plan, "reasoning_tokens", usage->reasoning, out);
	writer_put(out, "},");
	render_number(plan, "total_tokens", input + usage->output, out);
	writer_put(out, "}");
}

/* An item as it begins (empty, in progress) or as it is when done. */
static void
put_item(const struct plan *plan, const struct plan_item *item, bool done, struct writer *out)
{
	struct view status = done ? VIEW("completed") : VIEW("in_progress");
	switch (item->kind) {
	case PLAN_THINKING:
		writer_put(out, "{'id':$s,'type':'reasoning','summary':[", item->id);
		if (done && item->text.len > 0)
			writer_put(out, "{'type':'summary_text','text':$s}", item->text);
		writer_put(out, "]");
		if (plan->ask->sealed)
			writer_put(out, ",'encrypted_content':$s", done ? item->seal : VIEW(""));
		writer_put(out, "}");
		break;
	case PLAN_COMPACTION:
		writer_put(out, "{'id':$s,'type':'compaction','encrypted_content':$s}", item->id,
		    item->text);
		break;
	case PLAN_TEXT:
		writer_put(out,
		    "{'id':$s,'type':'message','status':$s,'role':'assistant','content':[",
		    item->id, status);
		if (done)
			writer_put(out,
			    "{'type':'output_text','annotations':[],'logprobs':[],'text':$s}",
			    item->text);
		writer_put(out, "]}");
		break;
	case PLAN_CALL:
		writer_put(out, "{'id':$s,'type':'function_call','status':$s,'arguments':$s,",
		    item->id, status, done ? item->text : VIEW(""));
		writer_put(out, "'call_id':$s,'name':$s", item->call_id, item->name);
		if (item->space.len > 0)
			writer_put(out, ",'namespace':$s", item->space);
		writer_put(out, "}");
		break;
	case PLAN_CUSTOM:
		writer_put(out, "{'id':$s,'type':'custom_tool_call','status':$s,'call_id':$s,",
		    item->id, status, item->call_id);
		writer_put(out, "'input':$s,'name':$s", done ? item->text : VIEW(""), item->name);
		if (item->space.len > 0)
			writer_put(out, ",'namespace':$s", item->space);
		writer_put(out, "}");
		break;
	}
}

static void
put_output(const struct plan *plan, struct writer *out)
{
	writer_put(out, "[");
	for (unsigned i = 0; i < plan->count; i++) {
		writer_put(out, i > 0 ? "," : "");
		put_item(plan, &plan->items[i], true, out);
	}
	writer_put(out, "]");
}

/* What is said back of the request, with what stands for a member that it left out. */
static void
put_echo(const struct plan *plan, struct writer *out)
{
	static const struct {
		const char *name;
		enum ask_key key;
		const char *absent;
	} echoes[] = {
	    {"instructions", ASK_INSTRUCTIONS, "null"},
	    {"max_output_tokens", ASK_MAX_OUTPUT_TOKENS, "null"},
	    {"metadata", ASK_METADATA, "{}"},
	    {"parallel_tool_calls", ASK_PARALLEL_TOOL_CALLS, "true"},
	    {"previous_response_id", ASK_PREVIOUS_RESPONSE_ID, "null"},
	    {"prompt_cache_key", ASK_PROMPT_CACHE_KEY, "null"},
	    {"reasoning", ASK_REASONING, "{\"effort\":null,\"summary\":null}"},
	    {"safety_identifier", ASK_SAFETY_IDENTIFIER, "null"},
	    {"store", ASK_STORE, "true"},
	    {"temperature", ASK_TEMPERATURE, "1"},
	    {"text", ASK_TEXT, "{\"format\":{\"type\":\"text\"},\"verbosity\":\"medium\"}"},
	    {"tool_choice", ASK_TOOL_CHOICE, "\"auto\""},
	    {"tools", ASK_TOOLS, "[]"},
	    {"top_p", ASK_TOP_P, "1"},
	    {"truncation", ASK_TRUNCATION, "\"disabled\""},
	    {"user", ASK_USER, "null"},
	};
	for (size_t i = 0; i < sizeof(echoes) / sizeof(echoes[0]); i++) {
		struct jsonspan_value value = plan->ask->keys[echoes[i].key];
		writer_put(out, ",'$r':$r", view_of(echoes[i].name),
		    value.kind == JSONSPAN_NONE ? view_of(echoes[i].absent) : value.raw);
	}
}

/* The response object. Its first state has no output and no usage yet. */
static void
put_response(const struct plan *plan, const char *status, struct view error, struct writer *out)
{
	bool failed = error.len > 0; /* a JSON object */
	bool begins = strcmp(status, "in_progress") == 0;
	bool ends_well = strcmp(status, "completed") == 0;
	writer_put(out,
	    "{'id':$s,'object':'response','created_at':$i,'status':$s,'background':false,",
	    plan->id, plan->created_s, view_of(status));
	if (ends_well)
		writer_put(out, "'completed_at':$i,", plan->created_s + 1);
	else
		writer_put(out, "'completed_at':null,");
	writer_put(out, "'error':$r,'incomplete_details':", failed ? error : VIEW("null"));
	if (strcmp(status, "incomplete") == 0)
		writer_put(out, "{'reason':$s}",
		    plan->stop == PLAN_STOP_REFUSAL ? VIEW("content_filter")
						    : VIEW("max_output_tokens"));
	else
		writer_put(out, "null");
	writer_put(out, ",'max_tool_calls':null,'model':$s,'service_tier':$s,'top_logprobs':0",
	    plan->ask->model, begins ? VIEW("auto") : VIEW("default"));
	put_echo(plan, out);
	writer_put(out, ",'output':");
	if (begins || failed)
		writer_put(out, "[],'usage':null");
	else
		put_output(plan, out);
	if (!begins && !failed && render_usage_begins(plan, out))
		render_responses_usage(plan, out);
	writer_put(out, "}");
}

void
render_responses_json(const struct plan *plan, struct writer *out)
{
	put_response(plan, is_incomplete(plan) ? "incomplete" : "completed", VIEW(""), out);
}

/* ---- stream ---- */

/* Events are numbered from 0; a loop takes a number for each time it is played. */
static void
open_event(const char *type, struct tape *tape)
{
	bool loops = tape->loop_at == tape->count;
	uint64_t number = tape_plays(tape);
	tape_open(tape, type);
	writer_put(&tape->out, "{'type':$s,'sequence_number':", view_of(type));
	if (loops)
		tape_number(tape, number);
	else
		writer_put(&tape->out, "$u", number);
}

static void
close_event(struct tape *tape)
{
	writer_put(&tape->out, "}");
	tape_close(tape);
}

static void
stream_response(const struct plan *plan, const char *type, const char *status, struct view error,
    struct tape *tape)
{
	open_event(type, tape);
	writer_put(&tape->out, ",'response':");
	put_response(plan, status, error, &tape->out);
	close_event(tape);
}

static void
stream_item(const struct plan *plan, uint64_t index, bool done, struct tape *tape)
{
	open_event(done ? "response.output_item.done" : "response.output_item.added", tape);
	writer_put(&tape->out, ",'output_index':$u,'item':", index);
	put_item(plan, &plan->items[index], done, &tape->out);
	close_event(tape);
}

/* The words of each kind of item. */
struct shape {
	const char *part_added, *delta, *done, *part_done; /* event types; parts may be NULL */
	const char *text_key;                              /* in `done` */
	const char *where; /* members of each event beside item_id and output_index */
	const char *part;  /* template of a part, takes its text */
};

static const struct shape shapes[] = {
    [PLAN_THINKING] = {"response.reasoning_summary_part.added",
	"response.reasoning_summary_text.delta", "response.reasoning_summary_text.done",
	"response.reasoning_summary_part.done", "text", ",'summary_index':0",
	"{'type':'summary_text','text':$s}"},
    [PLAN_TEXT] = {"response.content_part.added", "response.output_text.delta",
	"response.output_text.done", "response.content_part.done", "text", ",'content_index':0",
	"{'type':'output_text','annotations':[],'logprobs':[],'text':$s}"},
    [PLAN_CALL] = {NULL, "response.function_call_arguments.delta",
	"response.function_call_arguments.done", NULL, "arguments", "", ""},
    [PLAN_CUSTOM] = {NULL, "response.custom_tool_call_input.delta",
	"response.custom_tool_call_input.done", NULL, "input", "", ""},
};

static void
open_body(const struct plan *plan, uint64_t index, const char *type, struct tape *tape)
{
	open_event(type, tape);
	writer_put(&tape->out, ",'item_id':$s,'output_index':$u", plan->items[index].id, index);
	writer_put(&tape->out, shapes[plan->items[index].kind].where);
}

static void
stream_part(const struct plan *plan, uint64_t index, bool done, struct tape *tape)
{
	const struct plan_item *item = &plan->items[index];
	const struct shape *shape = &shapes[item->kind];
	const char *type = done ? shape->part_done : shape->part_added;
	if (type == NULL)
		return;
	open_body(plan, index, type, tape);
	writer_put(&tape->out, ",'part':");
	writer_put(&tape->out, shape->part, done ? item->text : VIEW(""));
	close_event(tape);
}

static void
stream_delta(const struct plan *plan, uint64_t index, struct view piece, struct tape *tape)
{
	const struct plan_item *item = &plan->items[index];
	open_body(plan, index, shapes[item->kind].delta, tape);
	writer_put(&tape->out,
	    item->kind == PLAN_TEXT ? ",'logprobs':[],'delta':$s" : ",'delta':$s", piece);
	close_event(tape);
}

static void
stream_body(const struct plan *plan, uint64_t index, struct tape *tape)
{
	const struct plan_item *item = &plan->items[index];
	const struct shape *shape = &shapes[item->kind];
	if (item->kind == PLAN_COMPACTION || (item->kind == PLAN_THINKING && item->text.len == 0))
		return; /* no summary was asked for */
	stream_part(plan, index, false, tape);
	if (item->repeat > 0) {
		tape_loop(tape, item->repeat);
		stream_delta(plan, index, item->chunk, tape);
	}
	for (size_t at = 0; item->repeat == 0 && at < item->text.len;)
		stream_delta(plan, index, plan_piece(plan, item->text, &at), tape);
	open_body(plan, index, shape->done, tape);
	writer_put(&tape->out, item->kind == PLAN_TEXT ? ",'logprobs':[],'$r':$s" : ",'$r':$s",
	    view_of(shape->text_key), item->text);
	close_event(tape);
	stream_part(plan, index, true, tape);
}

void
render_responses_stream(const struct plan *plan, struct tape *tape)
{
	bool incomplete = is_incomplete(plan);
	stream_response(plan, "response.created", "in_progress", VIEW(""), tape);
	stream_response(plan, "response.in_progress", "in_progress", VIEW(""), tape);
	for (unsigned i = 0; i < plan->count; i++) {
		stream_item(plan, i, false, tape);
		stream_body(plan, i, tape);
		stream_item(plan, i, true, tape);
	}
	tape_mark(tape, TAPE_TERMINAL);
	tape_mark(tape, TAPE_USAGE_LAST);
	stream_response(plan, incomplete ? "response.incomplete" : "response.completed",
	    incomplete ? "incomplete" : "completed", VIEW(""), tape);
}

void
render_responses_failed(
    const struct plan *plan, const struct render_error *error, struct tape *tape)
{
	struct writer detail;
	open_event("error", tape);
	writer_put(&tape->out, ",'error':{'type':$s,'code':$s,'message':$s,'param':null}",
	    error->type, error->code, error->msg);
	close_event(tape);
	if (plan == NULL)
		return;
	writer_init(&detail, 4096);
	writer_put(&detail, "{'code':$s,'message':$s}", error->code, error->msg);
	stream_response(plan, "response.failed", "failed", writer_text(&detail), tape);
	writer_fini(&detail);
}
