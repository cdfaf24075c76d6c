/* Any bytes: the scanner and jansson agree on what JSON is (but for the widenings that jsonspan.h
 * names), and all that is read from an accepted text agrees with the scanner itself. */
#include "jsonspan.h"
#include "must.h"
#include <jansson.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define UNESCAPED_BYTES_MAX (1u << 21)

/* Unescaped and escaped again, a string means the same; lone surrogates have no such way back. */
static void
check_string(struct jsonspan_value value)
{
	struct bytes plain, again;
	bytes_init(&plain, UNESCAPED_BYTES_MAX);
	bytes_init(&again, 6 * UNESCAPED_BYTES_MAX + 2);
	MUST(jsonspan_unescape(value, &plain));
	MUST(bytes_append_char(&again, '"') && bytes_append_json(&again, bytes_view(&plain)) &&
	     bytes_append_char(&again, '"'));
	struct jsonspan_value second;
	if (jsonspan_scan(bytes_view(&again), NULL, 0, &second, NULL)) {
		bool has_nul = view_find_char(bytes_view(&plain), '\0') >= 0;
		MUST(jsonspan_str_is(value, bytes_str(&plain)) == !has_nul);
		size_t len = plain.len;
		MUST(jsonspan_unescape(second, &plain)); /* behind the first */
		struct view both = bytes_view(&plain);
		MUST(view_eq(view_sub(both, 0, len), view_from(both, len)));
	} else {
		MUST(view_find(value.raw, "\\u") >= 0);
	}
	struct view inside;
	if (jsonspan_str_plain(value, &inside))
		MUST(view_eq(inside, view_sub(bytes_view(&plain), 0, inside.len)));
	bytes_fini(&again);
	bytes_fini(&plain);
}

/* The walk, which trusts, finds the spans that the scanner, which checks, finds. */
static void
check_value(struct jsonspan_value value)
{
	struct jsonspan_value root;
	MUST(jsonspan_scan(value.raw, NULL, 0, &root, NULL));
	MUST(root.kind == value.kind && view_eq(root.raw, value.raw));
	int64_t number;
	bool yes;
	MUST(jsonspan_bool(value, &yes) == (value.kind == JSONSPAN_BOOL));
	MUST(!jsonspan_i64(value, &number) || value.kind == JSONSPAN_NUMBER);
	if (value.kind == JSONSPAN_STRING)
		check_string(value);
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	jsonspan_iter_init(&iter, value);
	while (jsonspan_next(&iter, &member)) {
		MUST(member.whole.data >= value.raw.data);
		MUST(member.whole.data + member.whole.len < value.raw.data + value.raw.len);
		check_value(member.value);
	}
}

static bool
is_widening(const json_error_t *error)
{
	enum json_error_code code = json_error_code(error);
	return code == json_error_numeric_overflow || code == json_error_null_byte_in_key ||
	       strstr(error->text, "nvalid Unicode") != NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = view_make((const char *)data, size);
	struct jsonspan_want wants[] = {{.key = "model"}, {.key = "a"}, {.key = ""}};
	struct jsonspan_value root;
	struct err err = {0};
	json_error_t error;
	bool ok = jsonspan_scan(text, wants, 3, &root, &err);
	json_t *tree =
	    json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	/* jansson lets a NUL pass behind a number or a word, and goes deeper. */
	bool narrower =
	    view_find_char(text, '\0') >= 0 || strcmp(err.msg, "nested too deeply") == 0;
	MUST(tree == NULL ? !ok || is_widening(&error) : ok || narrower);
	json_decref(tree);
	if (!ok) {
		uint64_t offset;
		MUST(view_to_u64(view_from(view_of(err.at), strlen("offset ")), &offset) &&
		     offset <= size);
		return 0;
	}
	check_value(root);
	struct jsonspan_value again = jsonspan_root(text);
	MUST(again.kind == root.kind && view_eq(again.raw, root.raw));
	for (size_t i = 0; i < 3; i++) {
		struct jsonspan_value got = jsonspan_get(root, wants[i].key);
		MUST(got.kind == wants[i].value.kind && view_eq(got.raw, wants[i].value.raw));
		MUST((wants[i].count > 0) == (got.kind != JSONSPAN_NONE));
	}
	return 0;
}
