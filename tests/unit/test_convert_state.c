/* What the conversion keeps: opaque state in envelopes, tool names and ids, freeform inputs, the
 * loss ledger, and what models can. */
#include "base64url.h"
#include "caps.h"
#include "envelope_state.h"
#include "freeform.h"
#include "ledger.h"
#include "mem.h"
#include "tool_names.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;
static struct bytes out;

static void
setup(void)
{
	arena_init(&arena, 256, 64u << 20);
	bytes_init(&out, 1u << 20);
}

static void
teardown(void)
{
	bytes_fini(&out);
	arena_fini(&arena);
}

/* ---- base64url ---- */

START_TEST(base64url_goes_back)
{
	char data[64];
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 37 + 200);
	for (size_t len = 0; len <= sizeof(data); len++) {
		struct bytes back;
		bytes_init(&back, 64);
		bytes_clear(&out);
		ck_assert(base64url_encode(view_make(data, len), &out));
		ck_assert(base64url_decode(bytes_view(&out), &back));
		ck_assert(view_eq(bytes_view(&back), view_make(data, len)));
		bytes_fini(&back);
	}
}
END_TEST

static const char *const not_base64url[] = {"A", "AAAAA", "A=", "AA==", "A+", "A/", "AB", "A A"};

START_TEST(base64url_is_strict)
{
	ck_assert(!base64url_decode(view_of(not_base64url[_i]), &out));
}
END_TEST

/* ---- envelopes ---- */

static struct view
wrap(const struct part *part)
{
	bytes_clear(&out);
	ck_assert(envelope_state_wrap(WIRE_ANTHROPIC, VIEW("up"), part, &out));
	return bytes_view(&out);
}

START_TEST(state_comes_back_to_its_minter)
{
	const struct part part = {.kind = PART_THINKING,
	    .text = VIEW("a \\\"b\\\" \\ud83d \xc3\xbc"),
	    .signature_text = VIEW("EqAB+/=="),
	    .item_id_plain = VIEW("rs_1")};
	struct part back = {.kind = PART_TEXT};
	struct view text = wrap(&part);
	ck_assert_int_eq(envelope_state_unwrap(text, WIRE_ANTHROPIC, VIEW("up"), &arena, &back),
	    ENVELOPE_STATE_OURS);
	ck_assert_int_eq(back.kind, PART_THINKING);
	ck_assert(view_eq(back.text, part.text));
	ck_assert(view_eq(back.signature_text, part.signature_text));
	ck_assert(view_eq(back.item_id_plain, part.item_id_plain));
}
END_TEST

START_TEST(state_goes_to_nobody_else)
{
	const struct part part = {.kind = PART_REDACTED, .signature_text = VIEW("x")};
	struct part back = {.kind = PART_TEXT};
	struct view text = wrap(&part);
	ck_assert_int_eq(envelope_state_unwrap(text, WIRE_ANTHROPIC, VIEW("other"), &arena, &back),
	    ENVELOPE_STATE_FOREIGN);
	ck_assert_int_eq(envelope_state_unwrap(text, WIRE_RESPONSES, VIEW("up"), &arena, &back),
	    ENVELOPE_STATE_FOREIGN);
	ck_assert_int_eq(
	    envelope_state_unwrap(VIEW("gAAAA"), WIRE_RESPONSES, VIEW("up"), &arena, &back),
	    ENVELOPE_STATE_NONE);
	ck_assert_int_eq(back.kind, PART_TEXT);
}
END_TEST

/* Cut anywhere, or with any byte changed: never taken for whole, never a crash. */
START_TEST(damaged_state_is_seen)
{
	const struct part part = {
	    .kind = PART_THINKING, .text = VIEW("thought"), .signature_text = VIEW("sig")};
	struct part back;
	struct view text = wrap(&part);
	for (size_t len = 0; len < text.len; len++)
		ck_assert_int_ne(envelope_state_unwrap(view_sub(text, 0, len), WIRE_ANTHROPIC,
				     VIEW("up"), &arena, &back),
		    ENVELOPE_STATE_OURS);
	char *copy = mem_dup(text);
	for (size_t i = 0; i < text.len; i++) {
		copy[i] = '%';
		ck_assert_int_ne(envelope_state_unwrap(view_make(copy, text.len), WIRE_ANTHROPIC,
				     VIEW("up"), &arena, &back),
		    ENVELOPE_STATE_OURS);
		copy[i] = text.data[i];
	}
	mem_free(copy);
}
END_TEST

/* ---- names and ids ---- */

START_TEST(legal_names_stay)
{
	struct names names;
	names_init(&names, &arena);
	struct view wire = names_to_wire(&names, VIEW("get_Weather-1"), VIEW(""), CALL_FUNCTION);
	ck_assert(view_eq_str(wire, "get_Weather-1"));
	wire = names_to_wire(&names, VIEW("t"), VIEW("ns"), CALL_CUSTOM);
	ck_assert(view_eq_str(wire, "ns__t"));
	const struct name_pair *pair = names_from_wire(&names, VIEW("ns__t"));
	ck_assert_ptr_nonnull(pair);
	ck_assert(view_eq_str(pair->name_plain, "t") && view_eq_str(pair->space_plain, "ns"));
	ck_assert_int_eq(pair->form, CALL_CUSTOM);
	ck_assert_ptr_null(names_from_wire(&names, VIEW("never")));
}
END_TEST

START_TEST(long_names_stay_apart_and_go_back)
{
	struct names names;
	char one[101];
	char two[101];
	names_init(&names, &arena);
	memset(one, 'x', 100);
	memset(two, 'x', 100);
	one[100] = two[100] = '\0';
	two[50] = 'y'; /* the tails that are kept are the same */
	struct view a = names_to_wire(&names, view_of(one), VIEW(""), CALL_FUNCTION);
	struct view b = names_to_wire(&names, view_of(two), VIEW(""), CALL_FUNCTION);
	ck_assert(a.len <= 64 && b.len <= 64 && !view_eq(a, b));
	ck_assert(view_eq_str(names_from_wire(&names, a)->name_plain, one));
	ck_assert(view_eq_str(names_from_wire(&names, b)->name_plain, two));
	ck_assert(view_eq(a, names_to_wire(&names, view_of(one), VIEW(""), CALL_FUNCTION)));
}
END_TEST

START_TEST(a_direct_tool_wins_its_name)
{
	struct request *request = request_new(&arena, WIRE_RESPONSES);
	struct names names;
	names_init(&names, &arena);
	struct tool *spaced = request_add_tool(request, TOOL_FUNCTION);
	spaced->name_plain = VIEW("t");
	spaced->space_plain = VIEW("ns");
	struct tool *direct = request_add_tool(request, TOOL_FUNCTION);
	direct->name_plain = VIEW("ns__t");
	ck_assert(names_declare(&names, request));
	ck_assert(
	    view_eq_str(names_to_wire(&names, VIEW("ns__t"), VIEW(""), CALL_FUNCTION), "ns__t"));
	struct view other = names_to_wire(&names, VIEW("t"), VIEW("ns"), CALL_FUNCTION);
	ck_assert(!view_eq_str(other, "ns__t"));
	ck_assert(view_eq_str(names_from_wire(&names, other)->name_plain, "t"));
}
END_TEST

START_TEST(names_have_a_limit)
{
	struct names names;
	char name[16];
	bool refused = false;
	names_init(&names, &arena);
	for (int i = 0; i < 5000 && !refused; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		refused = names_to_wire(&names, view_of(name), VIEW(""), CALL_FUNCTION).len == 0;
	}
	ck_assert(refused);
	ck_assert_uint_eq(names.count, 4096);
}
END_TEST

START_TEST(ids_are_kept_or_hashed)
{
	struct view id = names_id(&arena, VIEW("call_1-A"), 40, 0);
	ck_assert(view_eq_str(id, "call_1-A"));
	struct view bad = names_id(&arena, VIEW("call:1"), 40, 0);
	ck_assert(view_starts(bad, "tu_") && bad.len == 27);
	ck_assert(view_eq(bad, names_id(&arena, VIEW("call:1"), 40, 5)));
	struct view empty = names_id(&arena, VIEW(""), 40, 1);
	ck_assert(empty.len == 27 && !view_eq(empty, names_id(&arena, VIEW(""), 40, 2)));
}
END_TEST

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, 28);
}

START_TEST(ids_do_not_collide)
{
	enum { COUNT = 100000 };
	char(*ids)[28] = mem_calloc(COUNT, sizeof(*ids));
	for (int i = 0; i < COUNT; i++) {
		char text[32];
		snprintf(text, sizeof(text), "call:%d", i);
		struct view id = names_id(&arena, view_of(text), 40, 0);
		ck_assert_uint_eq(id.len, 27);
		memcpy(ids[i], id.data, id.len);
	}
	qsort(ids, COUNT, sizeof(*ids), compare);
	for (int i = 1; i < COUNT; i++)
		ck_assert(memcmp(ids[i - 1], ids[i], 28) != 0);
	mem_free(ids);
}
END_TEST

/* ---- freeform inputs ---- */

static const struct {
	const char *json, *text;
} inputs[] = {
    {"{\"input\":\"*** Begin\\n\\\"q\\\" \\\\ \xc3\xbc\"}", "*** Begin\\n\\\"q\\\" \\\\ \xc3\xbc"},
    {" { \"input\" : \"a\" , \"x\":1}", "a"},
    {"{\"x\":1,\"input\":\"b\"}", "b"},
    {"{\"input\":\"\\ud83d\\ude00\\u00fc\"}", "\\ud83d\\ude00\\u00fc"},
    {"{\"input\":\"\\ud83d\"}", "\\ud83d"},
    {"{\"input\":\"\\ud83d\\n\"}", "\\ud83d\\n"},
    {"{\"patch\":\"a\"}", "{\\\"patch\\\":\\\"a\\\"}"},
    {"{\"input\":5}", "{\\\"input\\\":5}"},
    {"[1]", "[1]"},
    {"{\"input\":\"cut \\u00", "cut "},
    {"", ""},
};

START_TEST(freeform_input_is_the_text_at_any_cut)
{
	struct view json = view_of(inputs[_i].json);
	ck_assert(freeform_text(json, &out));
	ck_assert_str_eq(bytes_str(&out), inputs[_i].text);
	for (size_t step = 1; step <= json.len; step++) {
		struct freeform freeform;
		freeform_init(&freeform, 4096);
		bytes_clear(&out);
		for (size_t at = 0; at < json.len; at += step)
			ck_assert(freeform_feed(&freeform, view_sub(json, at, step), &out));
		ck_assert(freeform_end(&freeform, &out));
		ck_assert_str_eq(bytes_str(&out), inputs[_i].text);
		freeform_fini(&freeform);
	}
}
END_TEST

/* No piece that is given out ends within an escape or between the halves of a character. */
START_TEST(freeform_pieces_are_whole)
{
	static const char json[] = "{\"input\":\"\\ud83d\\ude00\\\\\"}";
	struct freeform freeform;
	freeform_init(&freeform, 4096);
	for (size_t i = 0; i + 1 < sizeof(json); i++) {
		bytes_clear(&out);
		ck_assert(freeform_feed(&freeform, view_make(json + i, 1), &out));
		ck_assert(out.len == 0 || out.len == 12 || out.len == 2);
	}
	freeform_fini(&freeform);
}
END_TEST

START_TEST(freeform_tools_tell_their_grammar)
{
	ck_assert(freeform_description(VIEW("Edits."),
	    VIEW("{\"type\":\"grammar\",\"syntax\":\"lark\",\"definition\":\"start: \\\"a\\\"\"}"),
	    &out));
	ck_assert_str_eq(
	    bytes_str(&out), "Edits.\\n\\nThe input follows this grammar:\\nstart: \\\"a\\\"");
	bytes_clear(&out);
	ck_assert(freeform_description(VIEW("Edits."), VIEW("{\"type\":\"text\"}"), &out));
	ck_assert_str_eq(bytes_str(&out), "Edits.");
}
END_TEST

/* ---- the ledger ---- */

START_TEST(losses_are_listed_once)
{
	struct ledger ledger;
	struct err err;
	ledger_init(&ledger, false, "chat");
	ck_assert(ledger_lose(&ledger, &err, "tools[%d]", 1));
	ck_assert(ledger_lose(&ledger, &err, "tools[1]"));
	ck_assert(ledger_lose(&ledger, &err, "a,b\nc"));
	ck_assert(ledger_header(&ledger, &out));
	ck_assert_str_eq(bytes_str(&out), "tools[1], a?b?c");
}
END_TEST

START_TEST(many_losses_fit_a_header)
{
	struct ledger ledger;
	struct err err;
	ledger_init(&ledger, false, "chat");
	for (int i = 0; i < 200; i++)
		ck_assert(ledger_lose(&ledger, &err, "messages[%d].content[%d].something", i, i));
	ck_assert(ledger_header(&ledger, &out));
	ck_assert_uint_le(out.len, 1100);
	ck_assert_ptr_nonnull(strstr(bytes_str(&out), ", +"));
}
END_TEST

START_TEST(strict_refuses_by_name)
{
	struct ledger ledger;
	struct err err;
	ledger_init(&ledger, true, "chat");
	ck_assert(!ledger_lose(&ledger, &err, "top_k"));
	ck_assert_int_eq(err.kind, ERR_PEER);
	ck_assert_str_eq(err.at, "top_k");
	ck_assert_ptr_nonnull(strstr(err.msg, "chat"));
}
END_TEST

START_TEST(vital_leftovers_are_refused)
{
	struct ledger ledger;
	struct err err;
	struct request *request = request_new(&arena, WIRE_ANTHROPIC);
	struct leftover vital = {.name = "thread", .vital = true};
	struct leftover plain = {.name = "diagnostics", .next = &vital};
	ledger_init(&ledger, false, "chat");
	request->leftovers = &plain;
	ck_assert(!ledger_leftovers(&ledger, request, &err));
	ck_assert_str_eq(err.at, "thread");
	vital.vital = false;
	ck_assert(ledger_leftovers(&ledger, request, &err));
	ck_assert_uint_eq(ledger.count, 2);
}
END_TEST

/* ---- models ---- */

static const struct {
	const char *model;
	enum caps_thinking thinking;
	int64_t max_output;
} models[] = {
    {"claude-3-5-haiku-20241022", CAPS_THINKING_NONE, 8192},
    {"claude-3-haiku-20240307", CAPS_THINKING_NONE, 4096},
    {"claude-sonnet-4-5-20250929", CAPS_THINKING_BUDGET, 64000},
    {"claude-opus-4-1", CAPS_THINKING_BUDGET, 32000},
    {"claude-opus-4-20250514", CAPS_THINKING_BUDGET, 32000},
    {"claude-sonnet-4-6", CAPS_THINKING_BOTH, 64000},
    {"claude-opus-5", CAPS_THINKING_ADAPTIVE, 128000},
    {"glm-4.6", CAPS_THINKING_BOTH, 64000},
    {"", CAPS_THINKING_BOTH, 64000},
};

START_TEST(models_have_their_row)
{
	size_t count = 0;
	const struct caps *rows = caps_defaults(&count);
	const struct caps *row = caps_find(rows, count, view_of(models[_i].model));
	ck_assert_int_eq(row->thinking, models[_i].thinking);
	ck_assert_int_eq(row->max_output_tokens, models[_i].max_output);
}
END_TEST

START_TEST(patterns_open_at_both_ends)
{
	static const struct caps rows[] = {
	    {.pattern = "*-mini"}, {.pattern = "*big*"}, {.pattern = "x"}};
	ck_assert_ptr_eq(caps_find(rows, 3, VIEW("a-mini")), &rows[0]);
	ck_assert_ptr_eq(caps_find(rows, 3, VIEW("abigb")), &rows[1]);
	ck_assert_ptr_eq(caps_find(rows, 3, VIEW("x")), &rows[2]);
	ck_assert_str_eq(caps_find(rows, 3, VIEW("xy"))->pattern, "*");
}
END_TEST

static void
add_tests(TCase *tcase)
{
	tcase_add_test(tcase, base64url_goes_back);
	tcase_add_loop_test(tcase, base64url_is_strict, 0, 8);
	tcase_add_test(tcase, state_comes_back_to_its_minter);
	tcase_add_test(tcase, state_goes_to_nobody_else);
	tcase_add_test(tcase, damaged_state_is_seen);
	tcase_add_test(tcase, legal_names_stay);
	tcase_add_test(tcase, long_names_stay_apart_and_go_back);
	tcase_add_test(tcase, a_direct_tool_wins_its_name);
	tcase_add_test(tcase, names_have_a_limit);
	tcase_add_test(tcase, ids_are_kept_or_hashed);
	tcase_add_test(tcase, ids_do_not_collide);
	tcase_add_loop_test(tcase, freeform_input_is_the_text_at_any_cut, 0, 11);
	tcase_add_test(tcase, freeform_pieces_are_whole);
	tcase_add_test(tcase, freeform_tools_tell_their_grammar);
	tcase_add_test(tcase, losses_are_listed_once);
	tcase_add_test(tcase, many_losses_fit_a_header);
	tcase_add_test(tcase, strict_refuses_by_name);
	tcase_add_test(tcase, vital_leftovers_are_refused);
	tcase_add_loop_test(tcase, models_have_their_row, 0, 9);
	tcase_add_test(tcase, patterns_open_at_both_ends);
}

int
main(void)
{
	TCase *tcase = tcase_create("state");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 30);
	add_tests(tcase);
	Suite *suite = suite_create("convert_state");
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
