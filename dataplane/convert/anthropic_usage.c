/* Usage and stop reasons, both ways. */
#include "anthropic.h"
#include "read_json.h"

static void
take(const struct jsonspan_want *want, int64_t *out)
{
	*out = read_json_count(want->value);
}

void
anthropic_usage_decode(struct jsonspan_value usage, struct usage *out)
{
	enum { U_INPUT, U_WRITE, U_READ, U_OUTPUT, U_TTL, U_DETAILS, U_SERVER, U_COUNT };
	struct jsonspan_want u[U_COUNT] = {
	    [U_INPUT] = {.key = "input_tokens"},
	    [U_WRITE] = {.key = "cache_creation_input_tokens"},
	    [U_READ] = {.key = "cache_read_input_tokens"},
	    [U_OUTPUT] = {.key = "output_tokens"},
	    [U_TTL] = {.key = "cache_creation"},
	    [U_DETAILS] = {.key = "output_tokens_details"},
	    [U_SERVER] = {.key = "server_tool_use"},
	};
	struct jsonspan_want ttl[] = {
	    {.key = "ephemeral_5m_input_tokens"}, {.key = "ephemeral_1h_input_tokens"}};
	struct jsonspan_want thinking = {.key = "thinking_tokens"};
	struct jsonspan_want searches = {.key = "web_search_requests"};
	usage_init(out);
	read_json_members(usage, u, U_COUNT);
	read_json_members(u[U_TTL].value, ttl, 2);
	read_json_members(u[U_DETAILS].value, &thinking, 1);
	read_json_members(u[U_SERVER].value, &searches, 1);
	take(&u[U_INPUT], &out->input_new);
	take(&u[U_WRITE], &out->cache_write);
	take(&u[U_READ], &out->cache_read);
	take(&u[U_OUTPUT], &out->output);
	take(&ttl[0], &out->cache_write_5m);
	take(&ttl[1], &out->cache_write_1h);
	take(&thinking, &out->reasoning);
	take(&searches, &out->web_searches);
}

static void
at_least(int64_t *count, int64_t other)
{
	if (other > *count)
		*count = other;
}

void
anthropic_usage_decode_paid(struct jsonspan_value usage, struct usage *out)
{
	struct jsonspan_value list = jsonspan_get(usage, "iterations");
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	struct usage sum;
	anthropic_usage_decode(usage, out);
	usage_init(&sum);
	if (list.kind != JSONSPAN_ARRAY)
		return;
	jsonspan_iter_init(&iter, list);
	while (jsonspan_next(&iter, &member)) {
		struct usage one;
		anthropic_usage_decode(member.value, &one);
		usage_add(&sum, &one);
	}
	if (sum.cache_write > out->cache_write) {
		out->cache_write_5m = sum.cache_write_5m;
		out->cache_write_1h = sum.cache_write_1h;
	}
	at_least(&out->input_new, sum.input_new);
	at_least(&out->cache_write, sum.cache_write);
	at_least(&out->cache_read, sum.cache_read);
	at_least(&out->output, sum.output);
	at_least(&out->reasoning, sum.reasoning);
}

static void
put(struct write_json *json, const char *key, int64_t value)
{
	if (value >= 0)
		write_json_key_int(json, key, value);
	else
		write_json_key_null(json, key);
}

static int64_t
or_zero(int64_t value)
{
	return value < 0 ? 0 : value;
}

void
anthropic_usage_encode(struct write_json *json, const struct usage *usage, int64_t estimate)
{
	write_json_key_object(json, "usage");
	write_json_key_int(
	    json, "input_tokens", usage->input_new < 0 ? estimate : usage->input_new);
	put(json, "cache_creation_input_tokens", usage->cache_write);
	put(json, "cache_read_input_tokens", usage->cache_read);
	if (usage->cache_write_5m >= 0 || usage->cache_write_1h >= 0) {
		write_json_key_object(json, "cache_creation");
		write_json_key_int(
		    json, "ephemeral_5m_input_tokens", or_zero(usage->cache_write_5m));
		write_json_key_int(
		    json, "ephemeral_1h_input_tokens", or_zero(usage->cache_write_1h));
		write_json_object_end(json);
	}
	write_json_key_int(json, "output_tokens", or_zero(usage->output));
	if (usage->reasoning >= 0) {
		write_json_key_object(json, "output_tokens_details");
		write_json_key_int(json, "thinking_tokens", usage->reasoning);
		write_json_object_end(json);
	}
	if (usage->web_searches > 0) {
		write_json_key_object(json, "server_tool_use");
		write_json_key_int(json, "web_search_requests", usage->web_searches);
		write_json_key_int(json, "web_fetch_requests", 0); /* clients miss it */
		write_json_object_end(json);
	}
	write_json_object_end(json);
}

static const char *const stop_names[] = {
    [STOP_END_TURN] = "end_turn",
    [STOP_MAX_TOKENS] = "max_tokens",
    [STOP_SEQUENCE] = "stop_sequence",
    [STOP_TOOL_USE] = "tool_use",
    [STOP_REFUSAL] = "refusal",
    [STOP_PAUSE] = "pause_turn",
    [STOP_CONTEXT_WINDOW] = "model_context_window_exceeded",
};

enum stop_reason
anthropic_stop_decode(struct jsonspan_value reason)
{
	for (int i = STOP_END_TURN; i <= STOP_CONTEXT_WINDOW; i++) {
		if (jsonspan_str_is(reason, stop_names[i]))
			return (enum stop_reason)i;
	}
	return STOP_UNKNOWN;
}

const char *
anthropic_stop_name(enum stop_reason stop)
{
	return stop == STOP_UNKNOWN ? "end_turn" : stop_names[stop];
}
