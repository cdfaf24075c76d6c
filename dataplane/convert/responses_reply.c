#include "responses_reply.h"

#include "read_json.h"
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *
responses_reply_code(const struct event *error)
{
	static const char *const kept[] = {"context_length_exceeded", "insufficient_quota"};
	for (size_t i = 0; i < COUNT(kept); i++) {
		if (view_eq_str(error->error_code_plain, kept[i]))
			return kept[i];
	}
	switch (error->status) {
	case 402:
		return "insufficient_quota";
	case 429:
		return "rate_limit_exceeded";
	case 503:
	case 529:
		return "slow_down"; /* "server_is_overloaded" ends a whole session at some clients
				     */
	default:
		break;
	}
	return error->status >= 400 && error->status < 500 && error->status != 408
		   ? "invalid_prompt"
		   : "server_error";
}

static void
write_error(struct write_json *json, const struct event *error)
{
	if (error == NULL) {
		write_json_key_null(json, "error");
		return;
	}
	write_json_key_object(json, "error");
	write_json_key_str(json, "code", responses_reply_code(error));
	write_json_key_text(json, "message", error->error_message_text);
	write_json_object_end(json);
}

/* What is said back of the request, with what stands for a member that it left out. */
static void
write_echo(struct write_json *json, const struct request *request)
{
	static const struct {
		const char *key, *absent;
	} rows[] = {
	    {"instructions", "null"},
	    {"max_output_tokens", "null"},
	    {"max_tool_calls", "null"},
	    {"metadata", "{}"},
	    {"parallel_tool_calls", "true"},
	    {"prompt_cache_key", "null"},
	    {"reasoning", "{\"effort\":null,\"summary\":null}"},
	    {"safety_identifier", "null"},
	    {"service_tier", "\"default\""},
	    {"store", "false"},
	    {"temperature", "1"},
	    {"text", "{\"format\":{\"type\":\"text\"}}"},
	    {"tool_choice", "\"auto\""},
	    {"tools", "[]"},
	    {"top_logprobs", "0"},
	    {"top_p", "1"},
	    {"truncation", "\"disabled\""},
	    {"user", "null"},
	};
	struct jsonspan_want m[COUNT(rows)] = {0};
	struct jsonspan_value body = {0};
	for (size_t i = 0; i < COUNT(rows); i++)
		m[i].key = rows[i].key;
	if (request != NULL && request->from == WIRE_RESPONSES && request->body_json.len > 0)
		body = jsonspan_root(request->body_json);
	read_json_members(body, m, COUNT(rows));
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool told = m[i].value.kind != JSONSPAN_NONE;
		write_json_key_raw(
		    json, rows[i].key, told ? m[i].value.raw : view_of(rows[i].absent));
	}
}

static int64_t
at_least_zero(int64_t count)
{
	return count > 0 ? count : 0;
}

static void
write_usage(struct write_json *json, const struct usage *usage)
{
	int64_t read = at_least_zero(usage->cache_read);
	int64_t written = at_least_zero(usage->cache_write);
	int64_t input = at_least_zero(usage->input_new) + read + written;
	int64_t output = at_least_zero(usage->output);
	write_json_key_object(json, "usage");
	write_json_key_int(json, "input_tokens", input);
	write_json_key_object(json, "input_tokens_details");
	write_json_key_int(json, "cached_tokens", read);
	write_json_key_int(json, "cache_write_tokens", written);
	write_json_object_end(json);
	write_json_key_int(json, "output_tokens", output);
	write_json_key_object(json, "output_tokens_details");
	write_json_key_int(json, "reasoning_tokens", at_least_zero(usage->reasoning));
	write_json_object_end(json);
	write_json_key_int(json, "total_tokens", input + output);
	write_json_object_end(json);
}

void
responses_reply_write(struct write_json *json, const struct responses_reply *reply)
{
	const struct answer_options *options = reply->options;
	write_json_object(json);
	write_json_key(json, "id");
	write_json_open(json);
	if (reply->id_text.len > 0) {
		write_json_piece_text(json, reply->id_text);
	} else {
		write_json_piece_plain(json, VIEW("resp_"));
		write_json_piece_plain(json, options->request_id_plain);
	}
	write_json_close(json);
	write_json_key_str(json, "object", "response");
	write_json_key_int(json, "created_at", options->created_s);
	write_json_key_str(json, "status", reply->status);
	write_json_key_bool(json, "background", false);
	if (strcmp(reply->status, "completed") == 0)
		write_json_key_int(json, "completed_at", options->created_s);
	else
		write_json_key_null(json, "completed_at");
	write_error(json, reply->error);
	if (reply->incomplete_reason != NULL) {
		write_json_key_object(json, "incomplete_details");
		write_json_key_str(json, "reason", reply->incomplete_reason);
		write_json_object_end(json);
	} else {
		write_json_key_null(json, "incomplete_details");
	}
	write_json_key_text(json, "model", options->model_text);
	write_json_key_array(json, "output");
	if (reply->output.len > 0)
		write_json_raw(json, reply->output);
	write_json_array_end(json);
	write_json_key_null(json, "previous_response_id");
	write_echo(json, options->request);
	if (reply->usage != NULL)
		write_usage(json, reply->usage);
	else
		write_json_key_null(json, "usage");
	write_json_object_end(json);
}
