/* The scanner: what it accepts, what it finds, and that it agrees with a parser that builds trees.
 */
#include "jsonspan.h"
#include "mem.h"
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct err err;
static struct bytes buf;

/* Checks an exact copy, so that the sanitizer sees a read behind the end. */
static bool
accepts(struct view text)
{
	char *copy = text.len > 0 ? mem_alloc(text.len) : NULL;
	if (copy != NULL)
		memcpy(copy, text.data, text.len);
	bool ok = jsonspan_scan(view_make(copy, text.len), NULL, 0, NULL, &err);
	mem_free(copy);
	return ok;
}

/* The value of a text that must be right. */
static struct jsonspan_value
value_of(const char *text)
{
	struct jsonspan_value root;
	ck_assert_msg(jsonspan_scan(view_of(text), NULL, 0, &root, &err), "%s: %s at %s", text,
	    err.msg, err.at);
	return root;
}

static const char *
unescaped(const char *text)
{
	bytes_fini(&buf);
	bytes_init(&buf, 1000);
	ck_assert(jsonspan_unescape(value_of(text), &buf));
	return bytes_str(&buf);
}

static const char *const accepted[] = {"0", "-0", "1", "-1", "10", "1.5", "-1.50", "0.0", "1e5",
    "1E5", "1e+5", "1e-05", "0e0", "0.1e1", "123456789012345678901234567890", "1e400", "-1E-400",
    "true", "false", "null", "\"\"", "\"a\"", "\" \"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\\u0000\"", "\"\\uABCD\\uabcd\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\ude00\"",
    "\"\\ude00\\ud83d\"", "\"\\ud83d\\n\"", "\"\x7f\"", "\"é\"", "\"漢字\"", "\"😀\"",
    "\"\xef\xbf\xbf\"", "\"\xf4\x8f\xbf\xbf\"", "\"\xed\x9f\xbf\"", "\"\xee\x80\x80\"", "[]", "[ ]",
    "{}", "{ }", "[1]", "[1,2]", "[[],[]]", "[{}]", "{\"a\":1}", "{\"a\":{}}", "{\"a\":[]}",
    "{\"\":0}", "{\"a\":1,\"b\":2}", "{\"a\":1,\"a\":2}", "{\"\\u0000\":1}",
    " \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n", "{ \"a\" : 1 , \"b\" : [ true , null ] }",
    "\"exactly sixteen\"", "\"0123456789abcdef0123456789abcdef\"", "\"0123456789abcdé0123\""};

static const char *const refused[] = {"", " ", "-", "+1", "01", "-01", "00", ".5", "1.", "1.e5",
    "1e", "1e+", "1.5e", "0x1", "1a", "1 2", "--1", "1_000", "Infinity", "NaN", "-Infinity", "tru",
    "truee", "True", "fals", "nul", "nulll", "none", "undefined", "'a'", "a", "\"", "\"a", "\"\\\"",
    "\"\\", "\"\\x41\"", "\"\\'\"", "\"\\0\"", "\"\\u\"", "\"\\u12\"", "\"\\u123\"", "\"\\u123g\"",
    "\"\\u 123\"", "\"\\U0041\"", "\"\\u12\"34\"", "\"\n\"", "\"\t\"", "\"\x01\"", "\"\x1f\"",
    "\"0123456789abcde\x1f\"", "\"\x80\"", "\"\xff\"", "\"\xc0\x80\"", "\"\xc3\"", "\"\xc3(\"",
    "\"\xe2\x82\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe0\x80\x80\"",
    "\"\xf0\x80\x80\x80\"", "\"é\xff\"", "\"é", "\xef\xbb\xbf{}", "\xff", "[", "]", "[1", "[1,",
    "[,", "[,1]", "[1,]", "[1,,2]", "[1 2]", "[1;2]", "[1}", "[}", "[]]", "[] []", "{", "}", "{]",
    "{1:2}", "{a:1}", "{'a':1}", "{\"a\"}", "{\"a\":}", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}",
    "{,}", "{,\"a\":1}", "{\"a\" 1}", "{\"a\",1}", "{\"a\"::1}", "{\"a\":1 \"b\":2}", "{\"a\":1]",
    "{\"a\":1}}", "{\"a\":1}x", "{\"a\":1}{}", "{\"a\":1},", "{null:1}", "{\"a\":1,\"b\"}",
    "{\"\\x\":1}", "{\"a\nb\":1}", "// c\n1", "/* c */1", "1 // c", "[1,\f2]", "\v1", "\"a\"b",
    "{\"a\":tru}", "[1,2", "[[1,2]", "\xc2\xa0 1"};

START_TEST(grammar)
{
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		ck_assert_msg(
		    accepts(view_of(accepted[i])), "%s: %s at %s", accepted[i], err.msg, err.at);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		ck_assert_msg(!accepts(view_of(refused[i])), "accepted: %s", refused[i]);
		ck_assert_int_eq(err.kind, ERR_PARSE);
	}
	ck_assert(!accepts(VIEW("1\0")));
	ck_assert(!accepts(VIEW("\0")));
	ck_assert(!accepts(VIEW("\"a\0b\"")));
	ck_assert(!accepts(VIEW("[1,\0 2]")));
	ck_assert(!jsonspan_scan(view_make(NULL, 0), NULL, 0, NULL, NULL));
}
END_TEST

START_TEST(the_offset_is_where_it_is_wrong)
{
	static const struct {
		const char *text;
		const char *at;
	} cases[] = {{"", "offset 0"}, {"[1,x]", "offset 3"}, {"\"ab\ncd\"", "offset 3"},
	    {"\"ab\\x\"", "offset 3"}, {"\"aé\xff\"", "offset 4"}, {"{\"a\" 1}", "offset 5"},
	    {"01", "offset 1"}, {"{} x", "offset 3"}, {"[1", "offset 2"}, {"\"ab", "offset 3"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert(!accepts(view_of(cases[i].text)));
		ck_assert_str_eq(err.at, cases[i].at);
	}
}
END_TEST

START_TEST(depth_is_limited)
{
	for (unsigned depth = JSONSPAN_DEPTH_MAX; depth <= JSONSPAN_DEPTH_MAX + 1; depth++) {
		bytes_init(&buf, 10000);
		for (unsigned i = 0; i < depth; i++)
			ck_assert(bytes_append_str(&buf, i % 2 ? "{\"a\":" : "["));
		ck_assert(bytes_append_char(&buf, '1'));
		for (unsigned i = depth; i-- > 0;)
			ck_assert(bytes_append_char(&buf, i % 2 ? '}' : ']'));
		ck_assert(accepts(bytes_view(&buf)) == (depth <= JSONSPAN_DEPTH_MAX));
		bytes_fini(&buf);
	}
	static char brackets[1000000];
	memset(brackets, '[', sizeof(brackets));
	ck_assert(!accepts(view_make(brackets, sizeof(brackets))));
	ck_assert_str_eq(err.msg, "nested too deeply");
}
END_TEST

static const char whole[] =
    "{\"model\":\"claude\",\"a\":[1,-2.5e3,true,false,null,{}],\"s\":\"x\\n\\u00e9\\ud83d\\ude00 é "
    "漢 and more than sixteen bytes\",\"o\":{\"k\":[[]],\"\":\"\"}}";

START_TEST(no_prefix_of_a_text_is_a_text)
{
	for (size_t len = 0; len < sizeof(whole) - 1; len++)
		ck_assert_msg(!accepts(view_make(whole, len)), "%zu", len);
	ck_assert(accepts(VIEW(whole)));
	for (size_t from = 1; from < sizeof(whole) - 1; from++)
		ck_assert_msg(!accepts(view_from(VIEW(whole), from)), "%zu", from);
}
END_TEST

/* Strings of every length around the vector's, with a special byte at every place. */
START_TEST(every_alignment)
{
	static const char *const specials[] = {"\\n", "\\\"", "é", "漢", "😀", "\\u00e9"};
	for (size_t len = 0; len < 70; len++) {
		for (size_t at = 0; at <= len; at++) {
			const char *special = specials[(len + at) % 6];
			char text[200];
			snprintf(text, sizeof(text), "[\"%.*s%s%.*s\"]", (int)at,
			    "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwx"
			    "yz",
			    special, (int)(len - at),
			    "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwx"
			    "yz");
			if (!accepts(view_of(text)))
				ck_abort_msg("%s", text);
			text[2 + at] = '\x1f';
			if (accepts(view_of(text)))
				ck_abort_msg("%s", text);
		}
	}
}
END_TEST

START_TEST(wants)
{
	struct jsonspan_want w[] = {{.key = "model"}, {.key = "stream"}, {.key = "n"},
	    {.key = "gone"}, {.key = "deep"}, {.key = "obj"}, {.key = ""}};
	struct jsonspan_value root;
	const char *text =
	    " { \"model\" : \"a\\\"b\" ,\"stream\":true,\"n\": -1.5e3 ,\"x\":{\"deep\":1,"
	    "\"model\":2},\"y\":[{\"deep\":1}],\"mod\\u0065l\":\"c\",\"obj\":{ },"
	    "\"\":null} ";
	for (int twice = 0; twice < 2; twice++) /* what an earlier scan left is overwritten */
		ck_assert(jsonspan_scan(view_of(text), w, 7, &root, &err));
	ck_assert(view_eq_str(w[0].value.raw, "\"c\""));
	ck_assert_uint_eq(w[0].count, 2);
	ck_assert(view_eq_str(w[1].value.raw, "true") && w[1].value.kind == JSONSPAN_BOOL);
	ck_assert(view_eq_str(w[2].value.raw, "-1.5e3") && w[2].value.kind == JSONSPAN_NUMBER);
	ck_assert(w[3].value.kind == JSONSPAN_NONE && w[3].count == 0);
	ck_assert(w[4].value.kind == JSONSPAN_NONE && w[4].count == 0);
	ck_assert(view_eq_str(w[5].value.raw, "{ }") && w[5].value.kind == JSONSPAN_OBJECT);
	ck_assert(view_eq_str(w[6].value.raw, "null") && w[6].value.kind == JSONSPAN_NULL);
	ck_assert_int_eq(root.kind, JSONSPAN_OBJECT);
	ck_assert(view_eq(root.raw, view_trim(view_of(text))));
	ck_assert(view_eq(jsonspan_root(view_of(text)).raw, root.raw));
	ck_assert(jsonspan_scan(VIEW("[{\"model\":1}]"), w, 7, &root, &err));
	ck_assert(w[0].value.kind == JSONSPAN_NONE && w[0].count == 0);
	ck_assert_int_eq(root.kind, JSONSPAN_ARRAY);
}
END_TEST

START_TEST(iterates)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	const char *const raws[] = {
	    "1", "\"]\\\\\\\"[\"", "[[{\"a\":\"}\"}]]", "{\"x\":[]}", "null"};
	jsonspan_iter_init(
	    &iter, value_of(" [ 1 ,\"]\\\\\\\"[\", [[{\"a\":\"}\"}]] , {\"x\":[]},null ] "));
	for (size_t i = 0; i < 5; i++) {
		ck_assert(jsonspan_next(&iter, &member));
		ck_assert(view_eq_str(member.value.raw, raws[i]));
		ck_assert(view_eq(member.whole, member.value.raw));
		ck_assert_uint_eq(member.key.len, 0);
	}
	ck_assert(!jsonspan_next(&iter, &member));
	ck_assert(!jsonspan_next(&iter, &member));
	jsonspan_iter_init(&iter, value_of("{ \"a\\n\" : [1 , 2] , \"b\":\"\"}"));
	ck_assert(jsonspan_next(&iter, &member));
	ck_assert(member.key_escaped && view_eq_str(member.key, "a\\n"));
	ck_assert(jsonspan_key_is(&member, "a\n") && !jsonspan_key_is(&member, "a\\n"));
	ck_assert(view_eq_str(member.whole, "\"a\\n\" : [1 , 2]"));
	ck_assert(jsonspan_next(&iter, &member));
	ck_assert(!member.key_escaped && jsonspan_key_is(&member, "b"));
	ck_assert(view_eq_str(member.whole, "\"b\":\"\""));
	ck_assert(!jsonspan_next(&iter, &member));
	static const char *const empty[] = {"[]", "{ }", "1", "\"[1]\"", "null"};
	for (size_t i = 0; i < 5; i++) {
		jsonspan_iter_init(&iter, value_of(empty[i]));
		ck_assert(!jsonspan_next(&iter, &member));
	}
	jsonspan_iter_init(&iter, (struct jsonspan_value){0});
	ck_assert(!jsonspan_next(&iter, &member));
}
END_TEST

START_TEST(gets)
{
	struct jsonspan_value object = value_of("{\"a\":1,\"b\":{\"a\":2},\"\\u0061\":3,\"c\":4}");
	ck_assert(view_eq_str(jsonspan_get(object, "a").raw, "3"));
	ck_assert(view_eq_str(jsonspan_get(jsonspan_get(object, "b"), "a").raw, "2"));
	ck_assert_int_eq(jsonspan_get(object, "d").kind, JSONSPAN_NONE);
	ck_assert_int_eq(jsonspan_get(value_of("[\"a\",1]"), "a").kind, JSONSPAN_NONE);
	ck_assert_int_eq(jsonspan_get((struct jsonspan_value){0}, "a").kind, JSONSPAN_NONE);
	/* A key with a NUL inside is not the part before it. */
	ck_assert_int_eq(jsonspan_get(value_of("{\"a\\u0000\":1}"), "a").kind, JSONSPAN_NONE);
}
END_TEST

START_TEST(strings)
{
	ck_assert_str_eq(unescaped("\"\""), "");
	ck_assert_str_eq(unescaped("\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\""), "a\"\\/\b\f\n\r\tz");
	ck_assert_str_eq(unescaped("\"\\u0041\\u00e9\\u6f22\\ud83d\\uDE00\""), "Aé漢😀");
	/* Lone surrogates keep their three bytes, whatever follows. */
	ck_assert_str_eq(unescaped("\"\\ud83dx\""), "\xed\xa0\xbdx");
	ck_assert_str_eq(unescaped("\"\\ud83d\\n\""), "\xed\xa0\xbd\n");
	ck_assert_str_eq(unescaped("\"\\ud83d\\u0041\""), "\xed\xa0\xbd"
							  "A");
	ck_assert_str_eq(unescaped("\"\\ud83d\\ud83d\\ude00\""), "\xed\xa0\xbd😀");
	ck_assert_str_eq(unescaped("\"\\ude00\\ud83d\""), "\xed\xb8\x80\xed\xa0\xbd");
	ck_assert_str_eq(unescaped("\"\\ude00\\ude00\""), "\xed\xb8\x80\xed\xb8\x80");
	unescaped("\"a\\u0000b\"");
	ck_assert(view_eq(bytes_view(&buf), VIEW("a\0b")));
	bytes_fini(&buf);
	bytes_init(&buf, 4);
	ck_assert(bytes_append_char(&buf, 'x'));
	ck_assert(!jsonspan_unescape(value_of("\"abc\\n\""), &buf));
	ck_assert(view_eq_str(bytes_view(&buf), "x"));
	ck_assert(jsonspan_unescape(value_of("\"ab\\n\""), &buf));
	ck_assert(view_eq_str(bytes_view(&buf), "xab\n"));
	ck_assert(jsonspan_unescape(value_of("12"), &buf)); /* nothing to append */
	bytes_fini(&buf);
}
END_TEST

START_TEST(compares_and_converts)
{
	struct view plain = VIEW("old");
	ck_assert(jsonspan_str_is(value_of("\"a\\nb\""), "a\nb"));
	ck_assert(jsonspan_str_is(value_of("\"\""), ""));
	ck_assert(!jsonspan_str_is(value_of("\"a\""), ""));
	ck_assert(!jsonspan_str_is(value_of("\"\""), "a"));
	ck_assert(!jsonspan_str_is(value_of("\"ab\""), "a"));
	ck_assert(!jsonspan_str_is(value_of("\"a\""), "ab"));
	ck_assert(!jsonspan_str_is(value_of("\"a\\u0000\""), "a"));
	ck_assert(!jsonspan_str_is(value_of("12"), "12"));
	ck_assert(!jsonspan_str_plain(value_of("\"a\\n\""), &plain));
	ck_assert(!jsonspan_str_plain(value_of("1"), &plain));
	ck_assert(view_eq_str(plain, "old"));
	ck_assert(jsonspan_str_plain(value_of(" \"aé\" "), &plain) && view_eq_str(plain, "aé"));
	bool yes = false;
	ck_assert(jsonspan_bool(value_of("true"), &yes) && yes);
	ck_assert(jsonspan_bool(value_of("false"), &yes) && !yes);
	ck_assert(!jsonspan_bool(value_of("null"), &yes));
	static const struct {
		const char *text;
		int64_t number;
	} numbers[] = {{"0", 0}, {"-0", 0}, {"12", 12}, {"-7", -7},
	    {"9223372036854775807", INT64_MAX}, {"-9223372036854775808", INT64_MIN}};
	int64_t n = 0;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		ck_assert(jsonspan_i64(value_of(numbers[i].text), &n));
		ck_assert_int_eq(n, numbers[i].number);
	}
	static const char *const none[] = {"1.0", "1e1", "9223372036854775808",
	    "-9223372036854775809", "99999999999999999999999", "\"1\"", "true", "[]"};
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ck_assert_msg(!jsonspan_i64(value_of(none[i]), &n), "%s", none[i]);
}
END_TEST

static bool
same_text(struct jsonspan_value string, const char *text, size_t len)
{
	struct bytes out;
	bytes_init(&out, 100000);
	bool same =
	    jsonspan_unescape(string, &out) && view_eq(bytes_view(&out), view_make(text, len));
	bytes_fini(&out);
	return same;
}

/* Whether walking the spans gives what jansson's tree holds. */
static bool
same(json_t *tree, struct jsonspan_value value)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	size_t index = 0;
	int64_t number;
	const char *key;
	json_t *part;
	switch (json_typeof(tree)) {
	case JSON_NULL:
		return value.kind == JSONSPAN_NULL;
	case JSON_TRUE:
	case JSON_FALSE: {
		bool yes = false;
		return jsonspan_bool(value, &yes) && yes == json_is_true(tree);
	}
	case JSON_INTEGER:
		return jsonspan_i64(value, &number) && number == json_integer_value(tree);
	case JSON_REAL:
		return value.kind == JSONSPAN_NUMBER && !jsonspan_i64(value, &number);
	case JSON_STRING:
		return value.kind == JSONSPAN_STRING &&
		       same_text(value, json_string_value(tree), json_string_length(tree));
	case JSON_ARRAY:
		if (value.kind != JSONSPAN_ARRAY)
			return false;
		for (jsonspan_iter_init(&iter, value); jsonspan_next(&iter, &member); index++) {
			if (index >= json_array_size(tree) ||
			    !same(json_array_get(tree, index), member.value))
				return false;
		}
		return index == json_array_size(tree);
	case JSON_OBJECT:
		if (value.kind != JSONSPAN_OBJECT)
			return false;
		for (void *it = json_object_iter(tree); it != NULL;
		     it = json_object_iter_next(tree, it)) {
			key = json_object_iter_key(it);
			part = json_object_iter_value(it);
			if (!same(part, jsonspan_get(value, key)))
				return false;
		}
		for (jsonspan_iter_init(&iter, value); jsonspan_next(&iter, &member);)
			index++;
		return index >= json_object_size(tree);
	}
	return false;
}

/* jansson refuses what we take on purpose: numbers that fit no C type, lone surrogates (it calls
 * those a syntax error) and NUL in keys. */
static bool
is_widening(const json_error_t *error)
{
	enum json_error_code code = json_error_code(error);
	return code == json_error_numeric_overflow || code == json_error_null_byte_in_key ||
	       strstr(error->text, "nvalid Unicode") != NULL;
}

static uint64_t random_state = 88172645463325252u;

static uint32_t
random_below(size_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 11) % limit);
}

static size_t
mutate(char *text, size_t len, size_t room)
{
	static const char bytes[] =
	    "{}[]:,\"\\ \n\tu0189-+.eEtrufalsn/bdD\x01\x7f\x80\xc3\xa9\xe6\xff";
	for (unsigned times = 1 + random_below(3); times > 0 && len > 2; times--) {
		size_t at = random_below(len);
		char c = bytes[random_below(sizeof(bytes) - 1)];
		switch (random_below(4)) {
		case 0:
			text[at] = c;
			break;
		case 1:
			memmove(text + at, text + at + 1, --len - at);
			break;
		case 2:
			if (len < room) {
				memmove(text + at + 1, text + at, len++ - at);
				text[at] = c;
			}
			break;
		default: {
			size_t other = random_below(len);
			text[at] = text[other];
		}
		}
	}
	return len;
}

static const char *const seeds[] = {whole, "[1,-2,3.5,1e5,-0,0.1e-2,123456789012345678]",
    "[\"\\ud83d\\ude00\",\"\\u00e9\\n\",\"\\\\\\\"\",\"é漢😀\"]",
    "{\"a\":{\"b\":{\"c\":[{\"d\":[]},{}]}},\"a\":[true,false,null]}", "\"\\ud83d\\udE00 x\"",
    " [ { \"k\" : \"v\" } , [ ] ] ", "-12.5e+10"};

START_TEST(agrees_with_a_tree_parser)
{
	unsigned both = 0, neither = 0, wider = 0;
	for (unsigned round = 0; round < 150000; round++) {
		char text[256];
		const char *seed = seeds[round % (sizeof(seeds) / sizeof(seeds[0]))];
		size_t len = (size_t)snprintf(text, sizeof(text), "%s", seed);
		len = mutate(text, len, sizeof(text));
		json_error_t error;
		json_t *tree = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
		bool ok = accepts(view_make(text, len));
		if (tree != NULL && !ok)
			ck_abort_msg("refused (%s): %.*s", err.msg, (int)len, text);
		if (tree == NULL && ok && !is_widening(&error))
			ck_abort_msg("accepted (%s): %.*s", error.text, (int)len, text);
		if (tree != NULL && !same(tree, jsonspan_root(view_make(text, len))))
			ck_abort_msg("read differently: %.*s", (int)len, text);
		both += tree != NULL;
		neither += tree == NULL && !ok;
		wider += tree == NULL && ok;
		json_decref(tree);
	}
	/* The mutations reach all three answers, or the property says nothing. */
	ck_assert_uint_gt(both, 10000);
	ck_assert_uint_gt(neither, 10000);
	ck_assert_uint_gt(wider, 100);
}
END_TEST

static void
put(const char *text)
{
	if (!bytes_append_str(&buf, text))
		ck_abort();
}

/* A string of pieces that could be taken for its end, for brackets or for nothing. */
static void
put_string(void)
{
	static const char *const pieces[] = {
	    "\\\\", "\\\"", "{", "]", "_y", "abcdefghij", "\\\\\\\\"};
	put("\"");
	for (uint32_t left = random_below(24); left > 0; left--)
		put(pieces[random_below(7)]);
	put("\"");
}

static void
put_any(unsigned depth)
{
	uint32_t form = random_below(depth < 4 ? 3 : 1);
	if (form == 0) {
		put_string();
		return;
	}
	put(form == 1 ? "[" : "{");
	for (uint32_t left = random_below(4); left > 0; left--) {
		if (form == 2) {
			put_string();
			put(":");
		}
		put_any(depth + 1);
		put(left > 1 ? "," : "");
	}
	put(form == 1 ? "]" : "}");
}

/* The walk goes over a text in blocks: each value ends where it was written to end, whatever lies
 * across the edges of the blocks. */
START_TEST(skips_any_value)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	bytes_init(&buf, 65536);
	for (unsigned round = 0; round < 5000; round++) {
		bytes_clear(&buf);
		put("[");
		put_any(0);
		size_t comma = buf.len;
		put(",");
		put_any(0);
		size_t end = buf.len;
		put("]");
		jsonspan_iter_init(&iter, jsonspan_root(bytes_view(&buf)));
		bool one = jsonspan_next(&iter, &item) && item.value.raw.len == comma - 1;
		bool two = jsonspan_next(&iter, &item) && item.value.raw.len == end - comma - 1;
		if (!one || !two || jsonspan_next(&iter, &item))
			ck_abort_msg("%s", bytes_str(&buf));
	}
	bytes_fini(&buf);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("jsonspan");
	TCase *tcase = tcase_create("jsonspan");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, grammar);
	tcase_add_test(tcase, the_offset_is_where_it_is_wrong);
	tcase_add_test(tcase, depth_is_limited);
	tcase_add_test(tcase, no_prefix_of_a_text_is_a_text);
	tcase_add_test(tcase, every_alignment);
	tcase_add_test(tcase, wants);
	tcase_add_test(tcase, iterates);
	tcase_add_test(tcase, gets);
	tcase_add_test(tcase, strings);
	tcase_add_test(tcase, compares_and_converts);
	tcase_add_test(tcase, agrees_with_a_tree_parser);
	tcase_add_test(tcase, skips_any_value);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
