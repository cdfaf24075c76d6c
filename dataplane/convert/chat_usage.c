/* Token counts of Chat Completions and its vendors. */
#include "chat.h"
#include "read_json.h"

static int64_t
number(struct jsonspan_value object, const char *key)
{
	return read_json_count(jsonspan_get(object, key));
}

static int64_t
first_told(int64_t a, int64_t b)
{
	return a >= 0 ? a : b;
}

static int64_t
told(int64_t value)
{
	return value > 0 ? value : 0;
}

void
chat_usage_decode(struct jsonspan_value usage, struct usage *out)
{
	struct jsonspan_value in = jsonspan_get(usage, "prompt_tokens_details");
	struct jsonspan_value details = jsonspan_get(usage, "completion_tokens_details");
	int64_t prompt = number(usage, "prompt_tokens");
	usage_init(out);
	out->cache_read = first_told(number(in, "cached_tokens"),
	    first_told(number(usage, "prompt_cache_hit_tokens"), number(usage, "cached_tokens")));
	out->cache_write = number(in, "cache_write_tokens");
	out->output = number(usage, "completion_tokens");
	out->reasoning =
	    first_told(number(details, "reasoning_tokens"), number(usage, "reasoning_tokens"));
	/* Some count reasoning beside the completion: then only all three make the total. */
	if (prompt >= 0 && out->output >= 0 && out->reasoning > 0 &&
	    number(usage, "total_tokens") == prompt + out->output + out->reasoning)
		out->output += out->reasoning;
	/* The prompt includes what the cache had. */
	if (prompt >= 0)
		out->input_new = told(prompt - told(out->cache_read) - told(out->cache_write));
}

void
chat_usage_encode(struct write_json *json, const struct usage *usage)
{
	int64_t prompt =
	    told(usage->input_new) + told(usage->cache_read) + told(usage->cache_write);
	write_json_object(json);
	write_json_key_int(json, "prompt_tokens", prompt);
	write_json_key_int(json, "completion_tokens", told(usage->output));
	write_json_key_int(json, "total_tokens", prompt + told(usage->output));
	write_json_key_object(json, "prompt_tokens_details");
	write_json_key_int(json, "cached_tokens", told(usage->cache_read));
	write_json_key_int(json, "cache_write_tokens", told(usage->cache_write));
	write_json_object_end(json);
	write_json_key_object(json, "completion_tokens_details");
	write_json_key_int(json, "reasoning_tokens", told(usage->reasoning));
	write_json_object_end(json);
	write_json_object_end(json);
}
