#include "render.h"
#include <string.h>

void
render_number(const struct plan *plan, const char *key, uint64_t number, struct writer *out)
{
	writer_put(out, "'$r':", view_of(key));
	switch (plan->usage_kind) {
	case FAULT_USAGE_STRING:
		writer_put(out, "'$u'", number);
		break;
	case FAULT_USAGE_NEGATIVE:
		writer_put(out, "-$u", number);
		break;
	case FAULT_USAGE_HUGE:
		writer_put(out, "9223372036854775808");
		break;
	case FAULT_USAGE_FLOAT:
		writer_put(out, "$u.5", number);
		break;
	case FAULT_USAGE_NORMAL:
	case FAULT_USAGE_NONE:
	case FAULT_USAGE_NULL:
		writer_put(out, "$u", number);
		break;
	}
}

bool
render_usage_begins(const struct plan *plan, struct writer *out)
{
	if (plan->usage_kind == FAULT_USAGE_NONE)
		return false;
	writer_put(out, ",'usage':");
	if (plan->usage_kind == FAULT_USAGE_NULL)
		writer_put(out, "null");
	return plan->usage_kind != FAULT_USAGE_NULL;
}

void
render_json(const struct plan *plan, struct writer *out)
{
	static void (*const renders[])(const struct plan *, struct writer *) = {
	    render_messages_json, render_chat_json, render_responses_json};
	renders[plan->ask->protocol](plan, out);
}

void
render_stream(const struct plan *plan, struct tape *tape)
{
	static void (*const renders[])(const struct plan *, struct tape *) = {
	    render_messages_stream, render_chat_stream, render_responses_stream};
	renders[plan->ask->protocol](plan, tape);
}

void
render_usage(const struct plan *plan, struct writer *out)
{
	if (plan->usage_kind == FAULT_USAGE_NONE || plan->usage_kind == FAULT_USAGE_NULL)
		writer_put(out, "null");
	else if (plan->ask->protocol == PROTOCOL_MESSAGES)
		render_messages_usage(plan, true, out);
	else if (plan->ask->protocol == PROTOCOL_CHAT)
		render_chat_usage(plan, out);
	else
		render_responses_usage(plan, out);
}

/* ---- errors ---- */

static const struct {
	int status;
	const char *anthropic, *openai, *code, *msg;
} usual[] = {
    {400, "invalid_request_error", "invalid_request_error", NULL, "The request is not valid."},
    {401, "authentication_error", "invalid_request_error", "invalid_api_key",
	"Incorrect API key provided."},
    {402, "billing_error", "insufficient_quota", "insufficient_quota", "There is no credit left."},
    {403, "permission_error", "invalid_request_error", NULL, "The key may not do that."},
    {404, "not_found_error", "invalid_request_error", "model_not_found", "There is no such thing."},
    {408, "timeout_error", "server_error", NULL, "The request took too long."},
    {409, "conflict_error", "invalid_request_error", NULL, "Another request is in the way."},
    {413, "request_too_large", "invalid_request_error", NULL, "The request is too large."},
    {422, "invalid_request_error", "invalid_request_error", NULL,
	"The request cannot be processed."},
    {429, "rate_limit_error", "rate_limit_error", "rate_limit_exceeded",
	"Rate limit reached. Please try again later."},
    {503, "overloaded_error", "server_error", "server_is_overloaded", "The service is overloaded."},
    {504, "timeout_error", "server_error", NULL, "The service took too long."},
    {529, "overloaded_error", "server_error", "server_is_overloaded", "Overloaded"},
    {500, "api_error", "server_error", "server_error", "The server had an error."}, /* and others */
};

/* Fills in what was left empty. */
static struct render_error
complete(enum protocol protocol, const struct render_error *error)
{
	struct render_error full = *error;
	size_t i = 0, last = sizeof(usual) / sizeof(usual[0]) - 1;
	while (i < last && usual[i].status != error->status)
		i++;
	if (full.type.len == 0)
		full.type =
		    view_of(protocol == PROTOCOL_MESSAGES ? usual[i].anthropic : usual[i].openai);
	if (full.code.len == 0)
		full.code = view_of(usual[i].code);
	if (full.msg.len == 0)
		full.msg = view_of(usual[i].msg);
	return full;
}

static void
put_text_or_null(struct view text, struct writer *out)
{
	writer_put(out, text.len > 0 ? "$s" : "null", text);
}

static void
put_error(enum protocol protocol, const struct render_error *error, struct writer *out)
{
	if (protocol == PROTOCOL_MESSAGES) {
		writer_put(out, "{'type':'error','error':{'type':$s,'message':$s}", error->type,
		    error->msg);
		if (error->request_id.len > 0)
			writer_put(out, ",'request_id':$s", error->request_id);
		writer_put(out, "}");
		return;
	}
	writer_put(out, "{'error':{'message':$s,'type':$s,'param':", error->msg, error->type);
	put_text_or_null(error->param, out);
	writer_put(out, ",'code':");
	put_text_or_null(error->code, out);
	writer_put(out, "}}");
}

void
render_error_json(enum protocol protocol, const struct render_error *error, struct writer *out)
{
	struct render_error full = complete(protocol, error);
	put_error(protocol, &full, out);
}

void
render_error_event(enum protocol protocol, const struct plan *plan,
    const struct render_error *error, struct tape *tape)
{
	struct render_error full = complete(protocol, error);
	if (protocol == PROTOCOL_RESPONSES) {
		if (full.code.len == 0)
			full.code = VIEW("server_error");
		render_responses_failed(plan, &full, tape);
		return;
	}
	tape_open(tape, protocol == PROTOCOL_MESSAGES ? "error" : NULL);
	put_error(protocol, &full, &tape->out);
	tape_close(tape);
}
