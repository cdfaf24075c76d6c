/* Anthropic Messages. */
#include "render.h"

static const char *
stop_reason(const struct plan *plan)
{
	static const char *const reasons[] = {"end_turn", "tool_use", "max_tokens", "refusal",
	    "stop_sequence", "pause_turn", "model_context_window_exceeded"};
	return reasons[plan->stop];
}

static void
put_stop(const struct plan *plan, struct writer *out)
{
	bool sequence = plan->stop == PLAN_STOP_SEQUENCE;
	writer_put(out, "'stop_reason':$s,'stop_sequence':$r,", view_of(stop_reason(plan)),
	    sequence ? VIEW("\"STOP\"") : VIEW("null"));
	if (plan->stop == PLAN_STOP_REFUSAL)
		writer_put(out, "'stop_details':{'type':'refusal','category':null,"
				"'explanation':'The demo was told to refuse.'}");
	else
		writer_put(out, "'stop_details':null");
}

/* The first usage is a forecast: everything about the input, one token of output. */
void
render_messages_usage(const struct plan *plan, bool last, struct writer *out)
{
	const struct plan_usage *usage = &plan->usage;
	writer_put(out, "{");
	render_number(plan, "input_tokens", usage->input, out);
	writer_put(out, ",");
	render_number(plan, "cache_creation_input_tokens", usage->cache_write, out);
	writer_put(out, ",");
	render_number(plan, "cache_read_input_tokens", usage->cache_read, out);
	writer_put(out, ",'cache_creation':{");
	render_number(plan, "ephemeral_5m_input_tokens", usage->cache_write, out);
	writer_put(out, ",'ephemeral_1h_input_tokens':0},");
	render_number(plan, "output_tokens", last ? usage->output : 1, out);
	if (last) {
		writer_put(out, ",'output_tokens_details':{");
		render_number(plan, "thinking_tokens", usage->reasoning, out);
		writer_put(out, "}");
	}
	writer_put(out, ",'server_tool_use':null,'service_tier':'standard'}");
}

static void
put_usage(const struct plan *plan, bool last, struct writer *out)
{
	if (render_usage_begins(plan, out))
		render_messages_usage(plan, last, out);
}

static void
put_head(const struct plan *plan, struct writer *out)
{
	writer_put(out, "'id':$s,'type':'message','role':'assistant','model':$s,", plan->id,
	    plan->ask->model);
}

static void
put_block(const struct plan_item *item, struct writer *out)
{
	switch (item->kind) {
	case PLAN_THINKING:
		writer_put(out, "{'type':'thinking','thinking':$s,'signature':$s}", item->text,
		    item->seal);
		break;
	case PLAN_COMPACTION: /* of Responses alone */
	case PLAN_TEXT:
		writer_put(out, "{'type':'text','text':$s}", item->text);
		break;
	case PLAN_CALL:
	case PLAN_CUSTOM:
		writer_put(out, "{'type':'tool_use','id':$s,'name':$s,'input':$r}", item->call_id,
		    item->name, item->text);
		break;
	}
}

void
render_messages_json(const struct plan *plan, struct writer *out)
{
	writer_put(out, "{");
	put_head(plan, out);
	writer_put(out, "'content':[");
	for (unsigned i = 0; i < plan->count; i++) {
		writer_put(out, i > 0 ? "," : "");
		put_block(&plan->items[i], out);
	}
	writer_put(out, "],");
	put_stop(plan, out);
	writer_put(out, ",'container':null");
	put_usage(plan, true, out);
	writer_put(out, "}");
}

static void
stream_ping(struct tape *tape)
{
	tape_open(tape, "ping");
	writer_put(&tape->out, "{'type':'ping'}");
	tape_close(tape);
}

static void
stream_start(const struct plan *plan, struct tape *tape)
{
	tape_mark(tape, TAPE_USAGE_FIRST);
	tape_open(tape, "message_start");
	writer_put(&tape->out, "{'type':'message_start','message':{");
	put_head(plan, &tape->out);
	writer_put(&tape->out, "'content':[],'stop_reason':null,'stop_sequence':null,"
			       "'stop_details':null,'container':null");
	put_usage(plan, false, &tape->out);
	writer_put(&tape->out, "}}");
	tape_close(tape);
}

static void
stream_block_start(const struct plan_item *item, uint64_t index, struct tape *tape)
{
	tape_open(tape, "content_block_start");
	writer_put(&tape->out, "{'type':'content_block_start','index':$u,'content_block':", index);
	if (item->kind == PLAN_THINKING)
		writer_put(&tape->out, "{'type':'thinking','thinking':'','signature':''}}");
	else if (item->kind == PLAN_TEXT)
		writer_put(&tape->out, "{'type':'text','text':''}}");
	else
		writer_put(&tape->out, "{'type':'tool_use','id':$s,'name':$s,'input':{}}}",
		    item->call_id, item->name);
	tape_close(tape);
}

static void
stream_delta(const struct plan_item *item, uint64_t index, struct view piece, struct tape *tape)
{
	static const char *const deltas[] = {
	    [PLAN_THINKING] = "'type':'thinking_delta','thinking'",
	    [PLAN_TEXT] = "'type':'text_delta','text'",
	    [PLAN_CALL] = "'type':'input_json_delta','partial_json'",
	    [PLAN_CUSTOM] = "'type':'input_json_delta','partial_json'",
	};
	tape_open(tape, "content_block_delta");
	writer_put(&tape->out, "{'type':'content_block_delta','index':$u,'delta':{", index);
	writer_put(&tape->out, deltas[item->kind]);
	writer_put(&tape->out, ":$s}}", piece);
	tape_close(tape);
}

static void
stream_block(const struct plan *plan, unsigned index, struct tape *tape)
{
	const struct plan_item *item = &plan->items[index];
	bool call = item->kind == PLAN_CALL || item->kind == PLAN_CUSTOM;
	stream_block_start(item, index, tape);
	if (index == 0)
		stream_ping(tape);
	if (call)
		stream_delta(item, index, VIEW(""), tape);
	if (item->repeat > 0) {
		tape_loop(tape, item->repeat);
		stream_delta(item, index, item->chunk, tape);
	}
	for (size_t at = 0; item->repeat == 0 && at < item->text.len;)
		stream_delta(item, index, plan_piece(plan, item->text, &at), tape);
	if (item->kind == PLAN_THINKING) {
		tape_open(tape, "content_block_delta");
		writer_put(&tape->out,
		    "{'type':'content_block_delta','index':$u,'delta':"
		    "{'type':'signature_delta','signature':$s}}",
		    (uint64_t)index, item->seal);
		tape_close(tape);
	}
	tape_open(tape, "content_block_stop");
	writer_put(&tape->out, "{'type':'content_block_stop','index':$u}", (uint64_t)index);
	tape_close(tape);
}

void
render_messages_stream(const struct plan *plan, struct tape *tape)
{
	stream_start(plan, tape);
	for (unsigned i = 0; i < plan->count; i++)
		stream_block(plan, i, tape);
	tape_mark(tape, TAPE_TERMINAL);
	tape_mark(tape, TAPE_USAGE_LAST);
	tape_open(tape, "message_delta");
	writer_put(&tape->out, "{'type':'message_delta','delta':{");
	put_stop(plan, &tape->out);
	writer_put(&tape->out, ",'container':null}");
	put_usage(plan, true, &tape->out);
	writer_put(&tape->out, "}");
	tape_close(tape);
	tape_open(tape, "message_stop");
	writer_put(&tape->out, "{'type':'message_stop'}");
	tape_close(tape);
}
