#include "jget.h"
#include "bytes.h"
#include "mem.h"
#include "must.h"
#include <inttypes.h>
#include <stdio.h>

/* Before main: jansson takes a heap that gives nothing for a text that is no JSON, and would have
 * us refuse a good file. Ours aborts. */
__attribute__((constructor)) static void
use_our_heap(void)
{
	json_set_alloc_funcs(mem_alloc, mem_free);
}

/* What json_error_t's own text says, without the piece of the input that it quotes: that may be a
 * secret. */
static const char *
error_text(enum json_error_code code)
{
	static const char *const texts[] = {
	    [json_error_stack_overflow] = "nested too deeply",
	    [json_error_invalid_utf8] = "not valid UTF-8",
	    [json_error_premature_end_of_input] = "the text ends too early",
	    [json_error_end_of_input_expected] = "text behind the end of the value",
	    [json_error_null_character] = "\\u0000 in a string",
	    [json_error_null_byte_in_key] = "NUL in a key",
	    [json_error_duplicate_key] = "the same key twice in one object",
	    [json_error_numeric_overflow] = "number too big",
	};
	size_t index = (size_t)code;
	if (index >= sizeof(texts) / sizeof(texts[0]) || texts[index] == NULL)
		return "not valid JSON";
	return texts[index];
}

static bool
refuse(const char *path, const char *key, struct err *err, const char *expected)
{
	char at[sizeof(err->at)];
	const char *dot = *path != '\0' && *key != '\0' ? "." : "";
	snprintf(at, sizeof(at), "%s%s%s", path, dot, key);
	return err_set(err, ERR_CONFIG, at, "must be %s", expected);
}

#define ONE_OF(type) (1u << (type))

/* Puts the member into *out when it is there with one of `types`, a set of ONE_OF bits. */
static bool
find(const json_t *obj, const char *path, const char *key, unsigned types, const char *expected,
    const json_t **out, struct err *err)
{
	if (obj != NULL && !json_is_object(obj))
		return refuse(path, "", err, "an object");
	const json_t *value = json_object_get(obj, key);
	if (value == NULL || json_is_null(value))
		return true;
	if ((ONE_OF(json_typeof(value)) & types) == 0)
		return refuse(path, key, err, expected);
	*out = value;
	return true;
}

bool
jget_str(const json_t *obj, const char *path, const char *key, struct view *out, struct err *err)
{
	const json_t *value = NULL;
	if (!find(obj, path, key, ONE_OF(JSON_STRING), "a string", &value, err))
		return false;
	if (value != NULL)
		*out = view_make(json_string_value(value), json_string_length(value));
	return true;
}

bool
jget_int(const json_t *obj, const char *path, const char *key, int64_t min, int64_t max,
    int64_t *out, struct err *err)
{
	char expected[96];
	snprintf(expected, sizeof(expected), "an integer from %" PRId64 " to %" PRId64, min, max);
	const json_t *value = NULL;
	if (!find(obj, path, key, ONE_OF(JSON_INTEGER), expected, &value, err))
		return false;
	int64_t number = json_integer_value(value);
	if (value != NULL && (number < min || number > max))
		return refuse(path, key, err, expected);
	if (value != NULL)
		*out = number;
	return true;
}

bool
jget_num(const json_t *obj, const char *path, const char *key, double min, double max, double *out,
    struct err *err)
{
	char expected[96];
	snprintf(expected, sizeof(expected), "a number from %g to %g", min, max);
	const json_t *value = NULL;
	if (!find(obj, path, key, ONE_OF(JSON_INTEGER) | ONE_OF(JSON_REAL), expected, &value, err))
		return false;
	double number = json_number_value(value);
	if (value != NULL && (number < min || number > max))
		return refuse(path, key, err, expected);
	if (value != NULL)
		*out = number;
	return true;
}

bool
jget_bool(const json_t *obj, const char *path, const char *key, bool *out, struct err *err)
{
	const json_t *value = NULL;
	if (!find(obj, path, key, ONE_OF(JSON_TRUE) | ONE_OF(JSON_FALSE), "true or false", &value,
		err))
		return false;
	if (value != NULL)
		*out = json_is_true(value);
	return true;
}

bool
jget_array(
    const json_t *obj, const char *path, const char *key, const json_t **out, struct err *err)
{
	return find(obj, path, key, ONE_OF(JSON_ARRAY), "an array", out, err);
}

bool
jget_object(
    const json_t *obj, const char *path, const char *key, const json_t **out, struct err *err)
{
	return find(obj, path, key, ONE_OF(JSON_OBJECT), "an object", out, err);
}

/* jansson lets a NUL pass behind a number or a word. No JSON text has one: refused here. */
static bool
find_nul(struct view text, struct err *err)
{
	ptrdiff_t nul = view_find_char(text, '\0');
	if (nul < 0)
		return false;
	size_t line = 1;
	size_t column = 1;
	for (ptrdiff_t i = 0; i < nul; i++) {
		bool end = text.data[i] == '\n';
		line += end;
		column = end ? 1 : column + 1;
	}
	char at[64];
	snprintf(at, sizeof(at), "line %zu column %zu", line, column);
	err_set(err, ERR_PARSE, at, "NUL byte");
	return true;
}

bool
jget_parse(struct view text, json_t **out, struct err *err)
{
	*out = NULL;
	if (find_nul(text, err))
		return false;
	json_error_t error;
	const char *data = text.data != NULL ? text.data : "";
	*out = json_loadb(data, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (*out != NULL)
		return true;
	char at[64];
	snprintf(at, sizeof(at), "line %d column %d", error.line, error.column);
	return err_set(err, ERR_PARSE, at, "%s", error_text(json_error_code(&error)));
}

static int
on_dump(const char *data, size_t len, void *ctx)
{
	return bytes_append(ctx, data, len) ? 0 : -1;
}

char *
jget_dump(const json_t *value, size_t *len)
{
	/* 15 digits: what a person wrote, like 0.1, comes back as it was written. */
	const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);
	struct bytes out;
	bytes_init(&out, SIZE_MAX - 1);
	MUST(json_dump_callback(value, on_dump, &out, flags) == 0);
	bytes_str(&out);
	if (len != NULL)
		*len = out.len;
	return out.data;
}
