#include "record.h"
#include "fields.h"
#include "mem.h"
#include "must.h"
#include "table.h"
#include "table_words.h"
#include <stdio.h>

#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))
#define TEXT(owner, member)                                                                        \
	FIELD_OF(owner, member, FIELD_TEXT, 0, sizeof(((struct owner *)NULL)->member) - 1)
#define TOKENS(member)                                                                             \
	{                                                                                          \
		.key = #member, .kind = FIELD_I64,                                                 \
		.offset = offsetof(struct record_attempt, tokens.member), .min = -1,               \
		.max = RECORD_TOKENS_MAX                                                           \
	}
#define RECORD_NAME_BYTES TABLE_NAME_BYTES_MAX

const char *const record_usage_words[] = {
    [RECORD_USAGE_MISSING] = "missing",
    [RECORD_USAGE_PARTIAL] = "partial",
    [RECORD_USAGE_REPORTED] = "reported",
    NULL,
};

static const struct field record_fields[] = {
    TEXT(record, id),
    FIELD_OF(record, at_ms, FIELD_I64, 0, INT64_MAX),
    FIELD_OF(record, client_key, FIELD_STR, 0, RECORD_NAME_BYTES),
    FIELD_OF(record, path, FIELD_STR, 0, RECORD_NAME_BYTES),
    FIELD_OF(record, model, FIELD_STR, 0, RECORD_NAME_BYTES),
    FIELD_WORD_OF(record, protocol, table_protocol_words),
    FIELD_WORD_OF(record, group, table_group_words),
    TEXT(record, session),
    TEXT(record, session_source),
    TEXT(record, why),
    FIELD_OF(record, generate, FIELD_BOOL, 0, 0),
    FIELD_OF(record, stream, FIELD_BOOL, 0, 0),
    FIELD_OF(record, status, FIELD_U32, 0, 999),
    TEXT(record, result),
    FIELD_WORD_OF(record, blame, blame_words),
    TEXT(record, reason),
    FIELD_OF(record, ttfb_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(record, ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(record, bytes_in, FIELD_U64, 0, INT64_MAX),
    FIELD_OF(record, bytes_out, FIELD_U64, 0, INT64_MAX),
    FIELD_OF(record, calls, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(record, loss, FIELD_STR, 0, RECORD_NAME_BYTES),
};

static const struct field attempt_fields[] = {
    FIELD_OF(record_attempt, upstream, FIELD_STR, 1, RECORD_NAME_BYTES),
    FIELD_OF(record_attempt, model, FIELD_STR, 0, RECORD_NAME_BYTES),
    FIELD_WORD_OF(record_attempt, protocol, table_protocol_words),
    FIELD_WORD_OF(record_attempt, blame, blame_words),
    TEXT(record_attempt, reason),
    FIELD_OF(record_attempt, status, FIELD_U32, 0, 999),
    FIELD_OF(record_attempt, hedge, FIELD_BOOL, 0, 0),
    FIELD_OF(record_attempt, began_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(record_attempt, ttfb_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(record_attempt, ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(record_attempt, retry_after_ms, FIELD_U64, 0, INT64_MAX),
    FIELD_WORD_OF(record_attempt, usage, record_usage_words),
    FIELD_OF(record_attempt, odd, FIELD_BOOL, 0, 0),
    TOKENS(input),
    TOKENS(cache_write_5m),
    TOKENS(cache_write_1h),
    TOKENS(cache_read),
    TOKENS(output),
    TOKENS(reasoning),
    TOKENS(web_searches),
    FIELD_OF(record_attempt, cost_nano_usd, FIELD_I64, -1, INT64_MAX),
    {.key = "cache_saved_nano_usd",
	.kind = FIELD_I64,
	.offset = offsetof(struct record_attempt, cache_saved_nano_usd),
	.min = -INT64_MAX,
	.max = INT64_MAX,
	.newcomer = true},
    FIELD_OF(record_attempt, served, FIELD_STR, 0, RECORD_NAME_BYTES),
};

json_t *
record_encode(const struct record *record)
{
	json_t *json = fields_encode(record_fields, COUNT(record_fields), record);
	json_t *list = json_array();
	for (size_t i = 0; i < record->attempt_count; i++) {
		json_t *one =
		    fields_encode(attempt_fields, COUNT(attempt_fields), &record->attempts[i]);
		MUST(json_array_append_new(list, one) == 0);
	}
	MUST(json_object_set_new(json, "attempts", list) == 0);
	return json;
}

bool
record_write_attempts(const struct record *record, struct bytes *out)
{
	bool ok = bytes_append_char(out, '[');
	for (size_t i = 0; ok && i < record->attempt_count; i++) {
		ok = bytes_append_str(out, i > 0 ? ",{" : "{") &&
		     fields_write(
			 attempt_fields, COUNT(attempt_fields), &record->attempts[i], out) &&
		     bytes_append_char(out, '}');
	}
	return ok && bytes_append_char(out, ']');
}

bool
record_write(const struct record *record, struct bytes *out)
{
	return bytes_append_char(out, '{') &&
	       fields_write(record_fields, COUNT(record_fields), record, out) &&
	       bytes_append_str(out, ",\"attempts\":") && record_write_attempts(record, out) &&
	       bytes_append_char(out, '}');
}

static bool
decode_attempts(const json_t *body, const char *path, struct record *out, struct err *err)
{
	const json_t *list = fields_member(body, path, "attempts", JSON_ARRAY, err);
	size_t count = json_array_size(list);
	if (list == NULL)
		return false;
	if (count > RECORD_ATTEMPTS_MAX)
		return fields_refuse(path, "attempts", err, "has %zu entries, at most %d", count,
		    RECORD_ATTEMPTS_MAX);
	if (count > 0)
		out->attempts = mem_calloc(count, sizeof(*out->attempts));
	for (size_t i = 0; i < count; i++) {
		char at[96];
		(void)snprintf(at, sizeof(at), "%s.attempts[%zu]", path, i);
		out->attempt_count = i + 1;
		if (!fields_decode(attempt_fields, COUNT(attempt_fields), json_array_get(list, i),
			at, &out->attempts[i], err))
			return false;
	}
	return true;
}

bool
record_decode(const json_t *body, const char *path, struct record *out, struct err *err)
{
	*out = (struct record){0};
	if (fields_decode(record_fields, COUNT(record_fields), body, path, out, err) &&
	    decode_attempts(body, path, out, err))
		return true;
	record_fini(out);
	return false;
}

void
record_fini(struct record *record)
{
	for (size_t i = 0; i < record->attempt_count; i++) {
		mem_free(record->attempts[i].upstream);
		mem_free(record->attempts[i].model);
		mem_free(record->attempts[i].served);
	}
	mem_free(record->attempts);
	mem_free(record->client_key);
	mem_free(record->path);
	mem_free(record->model);
	mem_free(record->loss);
	*record = (struct record){0};
}
