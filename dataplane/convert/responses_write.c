/* Responses requests, written: the top level. Holds what this protocol refuses. */
#include "responses.h"

#include "crypto.h"
#include "effort.h"
#include "openai.h"
#include "read_json.h"
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define USER_BYTES_MAX 128
#define OUTPUT_TOKENS_MIN 16

/* ---- reasoning ---- */

/* The next member of one of our groups, from `left` on; NULL when there is no more. */
static const struct leftover *
next_of_group(const struct responses_write *write, const struct leftover *left, const char *group)
{
	if (write->request->from != WIRE_RESPONSES)
		return NULL;
	while (left != NULL && strncmp(left->name, group, strlen(group)) != 0)
		left = left->next;
	return left;
}

static bool
has_group_rest(const struct responses_write *write, const char *group)
{
	return next_of_group(write, write->request->leftovers, group) != NULL;
}

/* Members of one of our groups that the model has no field for ("reasoning.mode"). */
static void
write_group_rest(struct responses_write *write, const char *group)
{
	const struct leftover *left = next_of_group(write, write->request->leftovers, group);
	for (; left != NULL; left = next_of_group(write, left->next, group))
		write_json_key_raw(&write->json, left->name + strlen(group), left->json);
}

static bool
lose_effort(struct responses_write *write)
{
	return ledger_lose(write->options->ledger, write->err, "%s", write->request->paths.effort);
}

static bool
write_reasoning(struct responses_write *write)
{
	const struct request *request = write->request;
	const struct caps *caps = write->options->caps;
	enum effort effort = effort_wanted(request, caps);
	bool thinks =
	    request->thinking == THINKING_BUDGET || request->thinking == THINKING_ADAPTIVE;
	bool shown =
	    request->thinking_shown == TRI_YES || (thinks && request->thinking_shown == TRI_ABSENT);
	if (effort == EFFORT_ABSENT && !shown && !has_group_rest(write, "reasoning."))
		return true;
	if (caps->thinking == CAPS_THINKING_NONE)
		return effort == EFFORT_NONE || effort == EFFORT_ABSENT || lose_effort(write);
	if (effort == EFFORT_NONE && caps->thinking_always)
		return lose_effort(write);
	write_json_key_object(&write->json, "reasoning");
	if (effort != EFFORT_ABSENT)
		write_json_key_str(&write->json, "effort", effort_word(effort));
	if (shown)
		write_json_key_str(&write->json, "summary", "auto");
	write_group_rest(write, "reasoning.");
	write_json_object_end(&write->json);
	return true;
}

/* ---- text ---- */

static bool
write_format(struct responses_write *write)
{
	const struct request *request = write->request;
	struct write_json *json = &write->json;
	bool named = request->schema_name_text.len > 0;
	write_json_key_object(json, "format");
	if (request->output == OUTPUT_JSON_OBJECT) {
		write_json_key_str(json, "type", "json_object");
		write_json_object_end(json);
		return true;
	}
	write_json_key_str(json, "type", "json_schema");
	write_json_key_text(json, "name", named ? request->schema_name_text : VIEW("response"));
	if (request->schema_description_text.len > 0)
		write_json_key_text(json, "description", request->schema_description_text);
	write_json_key_raw(json, "schema", request->schema_json);
	/* A schema without a name comes from where schemas always bind. */
	bool binds = request->schema_strict == TRI_ABSENT && !named;
	bool strict = !binds || openai_schema_is_strict(request->schema_json);
	if (request->schema_strict != TRI_ABSENT || binds)
		write_json_key_bool(json, "strict", request->schema_strict != TRI_NO && strict);
	write_json_object_end(json);
	return strict ||
	       ledger_lose(write->options->ledger, write->err, "%s", request->paths.format);
}

static bool
write_text(struct responses_write *write)
{
	const struct request *request = write->request;
	if (request->output == OUTPUT_TEXT && request->verbosity_text.len == 0 &&
	    !has_group_rest(write, "text."))
		return true;
	write_json_key_object(&write->json, "text");
	if (request->output != OUTPUT_TEXT && !write_format(write))
		return false;
	if (request->verbosity_text.len > 0)
		write_json_key_text(&write->json, "verbosity", request->verbosity_text);
	write_group_rest(write, "text.");
	write_json_object_end(&write->json);
	return true;
}

/* ---- limits and sampling ---- */

static bool
write_max_tokens(struct responses_write *write)
{
	const struct caps *caps = write->options->caps;
	int64_t wanted = write->request->max_tokens;
	int64_t tokens = wanted;
	if (wanted < 0)
		return true;
	if (wanted == 0)
		return ledger_refuse(write->err, write->request->paths.max_tokens,
		    "the responses protocol has no request without an answer (max_tokens 0)");
	if (tokens < OUTPUT_TOKENS_MIN)
		tokens = OUTPUT_TOKENS_MIN;
	if (!caps->output_guessed && caps->max_output_tokens > 0 &&
	    tokens > caps->max_output_tokens)
		tokens = caps->max_output_tokens;
	write_json_key_int(&write->json, "max_output_tokens", tokens);
	return tokens == wanted || ledger_lose(write->options->ledger, write->err, "%s",
				       write->request->paths.max_tokens);
}

/* `usual` says nothing when it is not accepted. */
static bool
write_number(
    struct responses_write *write, const char *key, struct view number, bool accepted, double usual)
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
write_sampling(struct responses_write *write)
{
	const struct request *request = write->request;
	bool sampling = write->options->caps->sampling;
	return write_max_tokens(write) &&
	       write_number(write, "temperature", request->temperature_json, sampling, 1) &&
	       write_number(write, "top_p", request->top_p_json, sampling, 1) &&
	       write_number(write, "top_k", request->top_k_json, write->options->flags->top_k, 0) &&
	       (request->stops == NULL || write->options->flags->stops_here ||
		   ledger_lose(write->options->ledger, write->err, "%s", request->paths.stops));
}

/* ---- who asks ---- */

static struct view
hex_of(struct view text, char hex[2 * CRYPTO_SHA256_BYTES + 1])
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	crypto_sha256(text, digest);
	crypto_hex(digest, sizeof(digest), hex);
	return view_make(hex, 2 * CRYPTO_SHA256_BYTES);
}

/* An id too long to be told stands for a whole session at some clients: it also says which prompts
 * share a cache. */
static void
write_user(struct responses_write *write)
{
	struct view user = write->request->user_text;
	struct view key = write->request->cache_key_text;
	char hex[2 * CRYPTO_SHA256_BYTES + 1];
	if (user.len > USER_BYTES_MAX) {
		user = hex_of(user, hex);
		key = key.len > 0 ? key : user;
	}
	if (user.len > 0)
		write_json_key_text(&write->json, "safety_identifier", user);
	if (key.len > 0)
		write_json_key_text(&write->json, "prompt_cache_key", key);
}

/* ---- the rest ---- */

/* The same name and sense in both protocols of the vendor. */
static bool
is_shared(const char *name)
{
	static const char *const shared[] = {
	    "moderation", "prompt_cache_options", "prompt_cache_retention"};
	for (size_t i = 0; i < COUNT(shared); i++) {
		if (strcmp(name, shared[i]) == 0)
			return true;
	}
	return false;
}

/* Those of a group, of an item and these two are written where they belong. */
static bool
is_elsewhere(const char *name)
{
	return strpbrk(name, ".[") != NULL || strcmp(name, "include") == 0 ||
	       strcmp(name, "tool_choice") == 0;
}

static bool
write_leftovers(struct responses_write *write)
{
	bool ours = write->request->from == WIRE_RESPONSES;
	const struct leftover *left = write->request->leftovers;
	for (; left != NULL; left = left->next) {
		if (is_shared(left->name) || (ours && !is_elsewhere(left->name)))
			write_json_key_raw(&write->json, left->name, left->json);
		else if (!ours && left->vital)
			return ledger_refuse(write->err, left->name,
			    "the responses protocol has no place for %.96s", left->name);
		else if (!ours &&
			 !ledger_lose(write->options->ledger, write->err, "%s", left->name))
			return false;
	}
	return true;
}

static void
write_include(struct responses_write *write)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	const struct leftover *left = write->request->leftovers;
	write_json_key_array(&write->json, "include");
	write_json_plain(&write->json, VIEW("reasoning.encrypted_content"));
	if (write->request->logprobs)
		write_json_plain(&write->json, VIEW(RESPONSES_LOGPROBS));
	for (; left != NULL && write->request->from == WIRE_RESPONSES; left = left->next) {
		if (strcmp(left->name, "include") != 0)
			continue;
		jsonspan_iter_init(&iter, jsonspan_root(left->json));
		while (jsonspan_next(&iter, &item)) {
			if (!jsonspan_str_is(item.value, "reasoning.encrypted_content") &&
			    !jsonspan_str_is(item.value, RESPONSES_LOGPROBS))
				write_json_raw(&write->json, item.value.raw);
		}
	}
	write_json_array_end(&write->json);
}

static bool
write_top_logprobs(struct responses_write *write)
{
	const struct request *request = write->request;
	if (request->top_logprobs_json.len == 0)
		return true;
	if (!request->logprobs && request->from != WIRE_RESPONSES)
		return ledger_lose(write->options->ledger, write->err, "top_logprobs");
	write_json_key_raw(&write->json, "top_logprobs", request->top_logprobs_json);
	return true;
}

static bool
write_rest(struct responses_write *write)
{
	const struct request *request = write->request;
	struct write_json *json = &write->json;
	if (!write_text(write))
		return false;
	write_user(write);
	if (request->metadata_json.len > 0)
		write_json_key_raw(json, "metadata", request->metadata_json);
	if (request->tier_text.len > 0)
		write_json_key_text(json, "service_tier", request->tier_text);
	write_json_key_bool(json, "store", request->store == TRI_YES);
	write_include(write);
	if (!write_top_logprobs(write) || !write_leftovers(write))
		return false;
	if (write->options->stream)
		write_json_key_bool(json, "stream", true);
	return true;
}

bool
responses_wire_name(struct responses_write *write, struct view name, struct view space,
    enum call_form form, struct view *out)
{
	*out = names_to_wire(write->options->names, name, space, (int)form);
	return out->data != NULL || responses_full(write->err);
}

bool
responses_request_encode(const struct request *request, const struct encode_options *options,
    struct bytes *out, struct err *err)
{
	struct responses_write write = {.request = request, .options = options, .err = err};
	write_json_init(&write.json, out);
	write_json_object(&write.json);
	write_json_key_text(&write.json, "model", options->model_text);
	if (!responses_items_encode(&write) || !responses_tools_encode(&write) ||
	    !write_sampling(&write) || !write_reasoning(&write) || !write_rest(&write))
		return false;
	write_json_object_end(&write.json);
	return write_json_ok(&write.json) || responses_full(err);
}
