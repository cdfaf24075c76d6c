/* Chat Completions requests, written: the top level. Holds what this protocol refuses. */
#include "chat.h"
#include "crypto.h"
#include "effort.h"
#include "read_json.h"
#include <string.h>

#define STOPS_MAX 4
#define USER_BYTES_MAX 128

/* ---- thinking and effort ---- */

static bool
write_effort(struct chat_write *write)
{
	const struct caps *caps = write->options->caps;
	enum effort effort = effort_wanted(write->request, caps);
	if (effort == EFFORT_ABSENT ||
	    (effort == EFFORT_NONE && caps->thinking == CAPS_THINKING_NONE))
		return true;
	if (caps->thinking == CAPS_THINKING_NONE ||
	    (effort == EFFORT_NONE && caps->thinking_always))
		return ledger_lose(
		    write->options->ledger, write->err, "%s", write->request->paths.effort);
	write_json_key_str(&write->json, "reasoning_effort", effort_word(effort));
	return true;
}

/* ---- limits and sampling ---- */

static bool
write_max_tokens(struct chat_write *write)
{
	const struct caps *caps = write->options->caps;
	int64_t tokens = write->request->max_tokens;
	if (tokens < 0)
		return true;
	if (tokens == 0)
		return ledger_refuse(write->err, write->request->paths.max_tokens,
		    "the chat protocol has no request without an answer (max_tokens 0)");
	if (!caps->output_guessed && caps->max_output_tokens > 0 &&
	    tokens > caps->max_output_tokens) {
		tokens = caps->max_output_tokens;
		if (!ledger_lose(
			write->options->ledger, write->err, "%s", write->request->paths.max_tokens))
			return false;
	}
	write_json_key_int(&write->json,
	    write->options->flags->max_tokens_old_name ? "max_tokens" : "max_completion_tokens",
	    tokens);
	return true;
}

/* `usual` says nothing when it is not accepted. */
static bool
write_number(
    struct chat_write *write, const char *key, struct view number, bool accepted, double usual)
{
	if (number.len == 0)
		return true;
	if (!accepted)
		return read_json_double(number) == usual ||
		       ledger_lose(write->options->ledger, write->err, "%s", key);
	write_json_key_raw(&write->json, key, number);
	return true;
}

static bool
write_stops(struct chat_write *write)
{
	unsigned count = 0;
	const struct text_list *stop = write->request->stops;
	if (stop == NULL)
		return true;
	write_json_key_array(&write->json, "stop");
	for (; stop != NULL; stop = stop->next, count++)
		write_json_text(&write->json, stop->text);
	write_json_array_end(&write->json);
	return count <= STOPS_MAX || write->options->flags->stop_over_four ||
	       ledger_refuse(write->err, write->request->paths.stops,
		   "the chat protocol takes at most four stop sequences");
}

static bool
write_sampling(struct chat_write *write)
{
	const struct request *request = write->request;
	bool sampling = write->options->caps->sampling;
	return write_max_tokens(write) &&
	       write_number(write, "temperature", request->temperature_json, sampling, 1) &&
	       write_number(write, "top_p", request->top_p_json, sampling, 1) &&
	       write_number(write, "top_k", request->top_k_json, write->options->flags->top_k, 0) &&
	       write_stops(write) && write_effort(write);
}

/* ---- the rest ---- */

static bool
write_output(struct chat_write *write)
{
	const struct request *request = write->request;
	struct write_json *json = &write->json;
	bool named = request->schema_name_text.len > 0;
	if (request->output == OUTPUT_TEXT)
		return true;
	write_json_key_object(json, "response_format");
	if (request->output == OUTPUT_JSON_OBJECT) {
		write_json_key_str(json, "type", "json_object");
		write_json_object_end(json);
		return true;
	}
	write_json_key_str(json, "type", "json_schema");
	write_json_key_object(json, "json_schema");
	write_json_key_text(json, "name", named ? request->schema_name_text : VIEW("response"));
	if (request->schema_description_text.len > 0)
		write_json_key_text(json, "description", request->schema_description_text);
	write_json_key_raw(json, "schema", request->schema_json);
	/* A schema without a name comes from where schemas always bind. */
	bool binds = request->schema_strict == TRI_ABSENT && !named;
	bool strict = !binds || openai_schema_is_strict(request->schema_json);
	if (request->schema_strict == TRI_YES || (binds && strict))
		write_json_key_bool(json, "strict", true);
	write_json_object_end(json);
	write_json_object_end(json);
	return strict ||
	       ledger_lose(write->options->ledger, write->err, "%s", request->paths.format);
}

static void
write_user(struct chat_write *write)
{
	struct view user = write->request->user_text;
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char hex[2 * CRYPTO_SHA256_BYTES + 1];
	if (user.len == 0)
		return;
	if (user.len > USER_BYTES_MAX) {
		crypto_sha256(user, digest);
		crypto_hex(digest, sizeof(digest), hex);
		user = view_make(hex, sizeof(hex) - 1);
	}
	write_json_key_text(&write->json, "safety_identifier", user);
}

static bool
write_tier(struct chat_write *write)
{
	static const char *const known[] = {"auto", "default", "flex", "scale", "priority", "fast"};
	struct view tier = write->request->tier_text;
	if (tier.len == 0)
		return true;
	if (view_eq_str(tier, "standard_only"))
		tier = VIEW("default");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (view_eq_str(tier, known[i])) {
			write_json_key_text(&write->json, "service_tier", tier);
			return true;
		}
	}
	return ledger_lose(write->options->ledger, write->err, "service_tier");
}

/* Members of our own family go back as they came; some have the same name and sense elsewhere. */
static bool
write_leftovers(struct chat_write *write)
{
	static const char *const shared[] = {
	    "moderation", "prompt_cache_options", "prompt_cache_retention"};
	const struct leftover *left = write->request->leftovers;
	for (; left != NULL; left = left->next) {
		bool ours = write->request->from == WIRE_CHAT;
		for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
			ours = ours || strcmp(left->name, shared[i]) == 0;
		if (ours)
			write_json_key_raw(&write->json, left->name, left->json);
		else if (left->vital)
			return ledger_refuse(write->err, left->name,
			    "the chat protocol has no place for %.96s", left->name);
		else if (!ledger_lose(write->options->ledger, write->err, "%s", left->name))
			return false;
	}
	return true;
}

static bool
write_logprobs(struct chat_write *write)
{
	const struct request *request = write->request;
	if (request->logprobs)
		write_json_key_bool(&write->json, "logprobs", true);
	if (request->top_logprobs_json.len == 0)
		return true;
	if (!request->logprobs && request->from != WIRE_CHAT)
		return ledger_lose(write->options->ledger, write->err, "top_logprobs");
	write_json_key_raw(&write->json, "top_logprobs", request->top_logprobs_json);
	return true;
}

static bool
write_rest(struct chat_write *write)
{
	const struct request *request = write->request;
	struct write_json *json = &write->json;
	if (!write_output(write))
		return false;
	if (request->verbosity_text.len > 0)
		write_json_key_text(json, "verbosity", request->verbosity_text);
	write_user(write);
	if (request->cache_key_text.len > 0)
		write_json_key_text(json, "prompt_cache_key", request->cache_key_text);
	if (request->metadata_json.len > 0)
		write_json_key_raw(json, "metadata", request->metadata_json);
	if (!write_tier(write) || !write_logprobs(write) || !write_leftovers(write))
		return false;
	if (write->options->stream) {
		write_json_key_bool(json, "stream", true);
		write_json_key_object(json, "stream_options");
		write_json_key_bool(json, "include_usage", true);
		write_json_object_end(json);
	}
	return true;
}

bool
chat_wire_name(struct chat_write *write, struct view name, struct view space, enum call_form form,
    struct view *out)
{
	*out = names_to_wire(write->options->names, name, space, (int)form);
	return out->data != NULL || chat_full(write->err);
}

bool
chat_request_encode(const struct request *request, const struct encode_options *options,
    struct bytes *out, struct err *err)
{
	struct chat_write write = {.request = request, .options = options, .err = err};
	write_json_init(&write.json, out);
	write_json_object(&write.json);
	write_json_key_text(&write.json, "model", options->model_text);
	if (!chat_messages_encode(&write) || !chat_tools_encode(&write) ||
	    !write_sampling(&write) || !write_rest(&write))
		return false;
	write_json_object_end(&write.json);
	return write_json_ok(&write.json) || chat_full(err);
}
