#include "fields.h"
#include "crypto.h"
#include "mem.h"
#include "must.h"
#include "secret.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const void *
member_at(const void *obj, const struct field *field)
{
	return (const char *)obj + field->offset;
}

static json_t *
text_json(struct view text)
{
	/* A string that is not UTF-8 has no JSON form: it must not have come this far. */
	json_t *json = json_stringn(text.data != NULL ? text.data : "", text.len);
	MUST(json != NULL);
	return json;
}

static json_t *
number_json(uint64_t number)
{
	return json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number);
}

static json_t *
sha256_json(const uint8_t *sha256)
{
	char hex[2 * CRYPTO_SHA256_BYTES + 1];
	crypto_hex(sha256, CRYPTO_SHA256_BYTES, hex);
	return json_string(hex);
}

static json_t *
encode_one(const struct field *field, const void *at)
{
	const char *const *str = at;
	switch (field->kind) {
	case FIELD_BOOL:
		return json_boolean(*(const bool *)at);
	case FIELD_U32:
		return number_json(*(const uint32_t *)at);
	case FIELD_U64:
		return number_json(*(const uint64_t *)at);
	case FIELD_BITS64:
	case FIELD_I64:
		return json_integer(*(const int64_t *)at);
	case FIELD_STR:
		return text_json(view_of(*str));
	case FIELD_OPT_STR:
		return *str != NULL ? text_json(view_of(*str)) : json_null();
	case FIELD_TEXT:
		return text_json(view_of(at));
	case FIELD_SECRET:
		return text_json(secret_reveal(at));
	case FIELD_SHA256:
		return sha256_json(at);
	case FIELD_WORD:
		return json_string(field->words[*(const unsigned *)at]);
	}
	MUST(false);
}

json_t *
fields_encode(const struct field *fields, size_t count, const void *obj)
{
	json_t *json = json_object();
	for (size_t i = 0; i < count; i++) {
		json_t *value = encode_one(&fields[i], member_at(obj, &fields[i]));
		MUST(json_object_set_new(json, fields[i].key, value) == 0);
	}
	return json;
}

static bool
write_number(struct bytes *out, uint64_t number, bool negative)
{
	char digits[24];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	if (negative)
		digits[--at] = '-';
	return bytes_append(out, digits + at, sizeof(digits) - at);
}

static bool
write_signed(struct bytes *out, int64_t number)
{
	return write_number(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, number < 0);
}

static bool
write_string(struct bytes *out, struct view text)
{
	return bytes_append_char(out, '"') && bytes_append_json(out, text) &&
	       bytes_append_char(out, '"');
}

static bool
write_one(const struct field *field, const void *at, struct bytes *out)
{
	char hex[2 * CRYPTO_SHA256_BYTES + 1];
	const char *const *str = at;
	switch (field->kind) {
	case FIELD_BOOL:
		return bytes_append_str(out, *(const bool *)at ? "true" : "false");
	case FIELD_U32:
		return write_number(out, *(const uint32_t *)at, false);
	case FIELD_U64: {
		uint64_t number = *(const uint64_t *)at;
		return write_number(out, number > INT64_MAX ? INT64_MAX : number, false);
	}
	case FIELD_BITS64:
	case FIELD_I64:
		return write_signed(out, *(const int64_t *)at);
	case FIELD_STR:
		return write_string(out, view_of(*str));
	case FIELD_OPT_STR:
		return *str != NULL ? write_string(out, view_of(*str))
				    : bytes_append_str(out, "null");
	case FIELD_TEXT:
		return write_string(out, view_of(at));
	case FIELD_SECRET:
		return write_string(out, secret_reveal(at));
	case FIELD_SHA256:
		crypto_hex(at, CRYPTO_SHA256_BYTES, hex);
		return write_string(out, view_of(hex));
	case FIELD_WORD:
		return write_string(out, view_of(field->words[*(const unsigned *)at]));
	}
	MUST(false);
}

bool
fields_write(const struct field *fields, size_t count, const void *obj, struct bytes *out)
{
	for (size_t i = 0; i < count; i++) {
		if ((i > 0 && !bytes_append_char(out, ',')) || !bytes_append_char(out, '"') ||
		    !bytes_append_str(out, fields[i].key) || !bytes_append_str(out, "\":") ||
		    !write_one(&fields[i], member_at(obj, &fields[i]), out))
			return false;
	}
	return true;
}

bool
fields_refuse(const char *path, const char *key, struct err *err, const char *fmt, ...)
{
	char at[sizeof(err->at)], msg[sizeof(err->msg)];
	va_list args;
	va_start(args, fmt);
	vsnprintf(msg, sizeof(msg), fmt, args);
	va_end(args);
	snprintf(at, sizeof(at), "%s%s%s", path, *path != '\0' && *key != '\0' ? "." : "", key);
	return err_set(err, ERR_PEER, at, "%s", msg);
}

const json_t *
fields_member(
    const json_t *json, const char *path, const char *key, json_type type, struct err *err)
{
	static const char *const names[] = {
	    [JSON_OBJECT] = "an object",
	    [JSON_ARRAY] = "an array",
	    [JSON_STRING] = "a string",
	    [JSON_INTEGER] = "an integer",
	    [JSON_REAL] = "a real",
	    [JSON_TRUE] = "true or false",
	    [JSON_FALSE] = "true or false",
	    [JSON_NULL] = "null",
	};
	const json_t *value = json_object_get(json, key);
	if (value == NULL) {
		fields_refuse(path, key, err, "is missing");
		return NULL;
	}
	if (json_typeof(value) != type && !(type == JSON_TRUE && json_is_false(value))) {
		fields_refuse(path, key, err, "must be %s", names[type]);
		return NULL;
	}
	return value;
}

static json_type
type_of(const struct field *field)
{
	switch (field->kind) {
	case FIELD_BOOL:
		return JSON_TRUE;
	case FIELD_U32:
	case FIELD_U64:
	case FIELD_BITS64:
	case FIELD_I64:
		return JSON_INTEGER;
	case FIELD_STR:
	case FIELD_OPT_STR:
	case FIELD_TEXT:
	case FIELD_SECRET:
	case FIELD_SHA256:
	case FIELD_WORD:
		return JSON_STRING;
	}
	MUST(false);
}

static bool
decode_number(
    const struct field *field, int64_t number, void *at, const char *path, struct err *err)
{
	int64_t min = field->kind == FIELD_BITS64 ? INT64_MIN : field->min;
	int64_t max = field->kind == FIELD_BITS64 ? INT64_MAX : field->max;
	if (number < min || number > max)
		return fields_refuse(
		    path, field->key, err, "must be from %" PRId64 " to %" PRId64, min, max);
	if (field->kind == FIELD_U32)
		*(uint32_t *)at = (uint32_t)number;
	else
		*(int64_t *)at = number;
	return true;
}

static bool
decode_word(
    const struct field *field, struct view text, void *at, const char *path, struct err *err)
{
	for (unsigned i = 0; field->words[i] != NULL; i++) {
		if (view_eq_str(text, field->words[i])) {
			*(unsigned *)at = i;
			return true;
		}
	}
	return fields_refuse(path, field->key, err, "is an unknown word");
}

static bool
decode_text(
    const struct field *field, struct view text, void *at, const char *path, struct err *err)
{
	if (field->kind == FIELD_WORD)
		return decode_word(field, text, at, path, err);
	if (field->kind == FIELD_SHA256)
		return crypto_unhex(text, at, CRYPTO_SHA256_BYTES) ||
		       fields_refuse(path, field->key, err, "must be 64 hex digits");
	if (text.len < (size_t)field->min || text.len > (size_t)field->max)
		return fields_refuse(path, field->key, err,
		    "must have from %" PRId64 " to %" PRId64 " bytes", field->min, field->max);
	if (field->kind == FIELD_SECRET)
		return secret_set(at, text) || fields_refuse(path, field->key, err, "is too long");
	if (view_find_char(text, '\0') >= 0)
		return fields_refuse(path, field->key, err, "must not hold a NUL");
	if (field->kind == FIELD_TEXT) {
		memcpy(at, text.data, text.len);
		((char *)at)[text.len] = '\0';
	} else {
		*(char **)at = mem_dup(text);
	}
	return true;
}

/* Of a sender that is a release older. `obj` is zeroed, which is right for most. */
static void
leave_out(const struct field *field, void *at)
{
	if (field->kind == FIELD_STR)
		*(char **)at = mem_dup(VIEW(""));
	else if (field->kind == FIELD_U32)
		*(uint32_t *)at = (uint32_t)field->min;
	else if (field->kind == FIELD_U64 || field->kind == FIELD_I64)
		*(int64_t *)at = field->min > 0 ? field->min : 0;
}

static bool
decode_one(
    const struct field *field, const json_t *json, const char *path, void *obj, struct err *err)
{
	void *at = (char *)obj + field->offset;
	if (field->newcomer && json_object_get(json, field->key) == NULL) {
		leave_out(field, at);
		return true;
	}
	if (field->kind == FIELD_OPT_STR && json_is_null(json_object_get(json, field->key)))
		return true;
	const json_t *value = fields_member(json, path, field->key, type_of(field), err);
	if (value == NULL)
		return false;
	if (json_is_integer(value))
		return decode_number(field, json_integer_value(value), at, path, err);
	if (json_is_string(value)) {
		struct view text = view_make(json_string_value(value), json_string_length(value));
		return decode_text(field, text, at, path, err);
	}
	*(bool *)at = json_is_true(value);
	return true;
}

bool
fields_decode(const struct field *fields, size_t count, const json_t *json, const char *path,
    void *obj, struct err *err)
{
	if (!json_is_object(json))
		return fields_refuse(path, "", err, "must be an object");
	for (size_t i = 0; i < count; i++) {
		if (!decode_one(&fields[i], json, path, obj, err))
			return false;
	}
	return true;
}
