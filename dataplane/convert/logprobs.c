#include "logprobs.h"
#include "write_json.h"

#define TOKEN_BYTES_MAX 65536

size_t
logprobs_count(struct jsonspan_value list)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	size_t count = 0;
	jsonspan_iter_init(&iter, list);
	while (list.kind == JSONSPAN_ARRAY && jsonspan_next(&iter, &item))
		count++;
	return count;
}

static void
write_bytes(struct write_json *json, struct jsonspan_value bytes, struct jsonspan_value token)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	struct bytes plain;
	write_json_key_array(json, "bytes");
	if (bytes.kind == JSONSPAN_ARRAY) {
		jsonspan_iter_init(&iter, bytes);
		while (jsonspan_next(&iter, &item)) {
			if (item.value.kind == JSONSPAN_NUMBER)
				write_json_raw(json, item.value.raw);
		}
		write_json_array_end(json);
		return;
	}
	bytes_init(&plain, TOKEN_BYTES_MAX);
	json->full = json->full || !jsonspan_unescape(token, &plain);
	for (size_t i = 0; i < plain.len; i++)
		write_json_int(json, (unsigned char)plain.data[i]);
	bytes_fini(&plain);
	write_json_array_end(json);
}

/* The members of one token; false when it is none. */
static bool
write_token(struct write_json *json, struct jsonspan_value entry)
{
	struct jsonspan_value token = jsonspan_get(entry, "token");
	struct jsonspan_value logprob = jsonspan_get(entry, "logprob");
	if (token.kind != JSONSPAN_STRING || logprob.kind != JSONSPAN_NUMBER)
		return false;
	write_json_object(json);
	write_json_key_raw(json, "token", token.raw);
	write_json_key_raw(json, "logprob", logprob.raw);
	write_bytes(json, jsonspan_get(entry, "bytes"), token);
	return true;
}

static void
write_entry(struct write_json *json, struct jsonspan_value entry)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	struct jsonspan_value others = jsonspan_get(entry, "top_logprobs");
	if (!write_token(json, entry))
		return;
	write_json_key_array(json, "top_logprobs");
	jsonspan_iter_init(&iter, others);
	while (others.kind == JSONSPAN_ARRAY && jsonspan_next(&iter, &item)) {
		if (write_token(json, item.value))
			write_json_object_end(json);
	}
	write_json_array_end(json);
	write_json_object_end(json);
}

bool
logprobs_append(struct bytes *out, struct jsonspan_value list, size_t skip)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	struct write_json json;
	if (list.kind != JSONSPAN_ARRAY)
		return true;
	write_json_init(&json, out);
	json.comma = out->len > 0;
	jsonspan_iter_init(&iter, list);
	for (size_t i = 0; jsonspan_next(&iter, &item); i++) {
		if (i >= skip)
			write_entry(&json, item.value);
	}
	return write_json_ok(&json);
}
