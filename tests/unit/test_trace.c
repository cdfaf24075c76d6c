/* Requests as spans: parents that count, shares, OTLP's JSON. */
#include "blame.h"
#include "mem.h"
#include "suite.h"
#include "trace.h"
#include <stdio.h>
#include <string.h>

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

START_TEST(parents_that_count)
{
	static const struct {
		const char *text;
		bool good, sampled;
	} rows[] = {
	    {"00-" ID "-" SPAN "-01", true, true},
	    {"  00-" ID "-" SPAN "-00 ", true, false},
	    {"00-" ID "-" SPAN "-03", true, true},
	    {"cc-" ID "-" SPAN "-01", true, true},
	    {"cc-" ID "-" SPAN "-01-what-the-future-brings", true, true},
	    {"cc-" ID "-" SPAN "-01.what", false, false},
	    {"00-" ID "-" SPAN "-01-more", false, false},
	    {"ff-" ID "-" SPAN "-01", false, false},
	    {"00-00000000000000000000000000000000-" SPAN "-01", false, false},
	    {"00-" ID "-0000000000000000-01", false, false},
	    {"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", false, false},
	    {"00-" ID "-" SPAN "-0g", false, false},
	    {"00-" ID "-" SPAN "-1", false, false},
	    {"00_" ID "-" SPAN "-01", false, false},
	    {"0x-" ID "-" SPAN "-01", false, false},
	    {"00-" ID SPAN "-01", false, false},
	    {"", false, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct trace trace = {0};
		bool sampled = false;
		bool good = trace_parse_parent(view_of(rows[i].text), &trace, &sampled);
		ck_assert_msg(good == rows[i].good, "%s", rows[i].text);
		ck_assert_msg(sampled == rows[i].sampled, "%s", rows[i].text);
		ck_assert_int_eq(trace.has_parent, good);
		if (!good)
			continue;
		ck_assert_uint_eq(trace.id[0], 0x4b);
		ck_assert_uint_eq(trace.id[15], 0x36);
		ck_assert_uint_eq(trace.parent[7], 0xb7);
	}
	/* Cut at every length. */
	static const char whole[] = "00-" ID "-" SPAN "-01";
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		struct trace trace = {0};
		bool sampled;
		ck_assert(!trace_parse_parent(view_make(whole, len), &trace, &sampled));
	}
}
END_TEST

START_TEST(shares)
{
	unsigned some = 0;
	uint8_t id[TRACE_ID_BYTES] = {0};
	uint64_t state = 1;
	for (int i = 0; i < 10000; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		memcpy(id + 8, &state, sizeof(state));
		ck_assert(trace_is_sampled(id, OUTSIDE_SAMPLE_ALL));
		ck_assert(!trace_is_sampled(id, 0));
		some += trace_is_sampled(id, 250000);
	}
	ck_assert_uint_gt(some, 2300);
	ck_assert_uint_lt(some, 2700);
}
END_TEST

/* ---- spans ---- */

static struct record_attempt calls[2];
static struct record record;
static const struct trace trace = {
    .on = true, .has_parent = true, .method = "POST", .id = {1, 2}, .parent = {3}};
static const uint8_t ids[3][TRACE_SPAN_BYTES] = {{0xa}, {0xb}, {0xc}};

static char text_1[] = "claude:gone";
static char text_2[] = "m\"\n\xed\xa0\x80";
static char text_3[] = "";
static char text_4[] = "claude:b";
static char text_5[] = "claude-x";
static char text_6[] = "claude-x-1";
static char text_7[] = "k";
static char text_8[] = "/v1/messages";
static char text_9[] = "m";
static char text_10[] = "";

static struct table *
setup_record(void)
{
	struct table *table = table_new();
	struct upstream_entry *entry = table_add_upstream(table, GROUP_CLAUDE);
	entry->id = mem_dup_str("claude:b");
	entry->name = mem_dup_str("");
	entry->base_url = mem_dup_str("https://api.b.test:8443/base");
	calls[0] = (struct record_attempt){.upstream = text_1,
	    .model = text_2,
	    .served = text_3,
	    .blame = BLAME_UPSTREAM,
	    .reason = "status_529",
	    .status = 529,
	    .ms = 20,
	    .retry_after_ms = 1000,
	    .tokens = {-1, -1, -1, -1, -1, -1, -1},
	    .cost_nano_usd = -1};
	calls[1] = (struct record_attempt){.upstream = text_4,
	    .model = text_5,
	    .served = text_6,
	    .blame = BLAME_NOBODY,
	    .reason = "ok",
	    .status = 200,
	    .began_ms = 25,
	    .ttfb_ms = 5,
	    .ms = 100,
	    .usage = RECORD_USAGE_REPORTED,
	    .tokens = {100, 10, 1, 1000, 50, 20, -1},
	    .cost_nano_usd = 123456};
	record = (struct record){.id = "req_1",
	    .at_ms = 1795694400123,
	    .client_key = text_7,
	    .path = text_8,
	    .model = text_9,
	    .protocol = PROTOCOL_ANTHROPIC,
	    .group = GROUP_CLAUDE,
	    .session = "00000000000000ff",
	    .generate = true,
	    .stream = true,
	    .status = 200,
	    .result = "completed",
	    .reason = "ok",
	    .ms = 130,
	    .calls = 2,
	    .loss = text_10,
	    .attempts = calls,
	    .attempt_count = 2};
	return table;
}

/* The list of spans; new reference. */
static json_t *
write_spans(const struct table *table)
{
	struct bytes out;
	const struct trace_resource resource = {"gw", "dataplane.0", "box", 7};
	struct bytes spans;
	bytes_init(&out, 65536);
	bytes_init(&spans, 65536);
	ck_assert(trace_write(&trace, &record, table, ids, &spans));
	ck_assert(trace_write(&trace, &record, table, ids, &spans));
	ck_assert(trace_write_head(&resource, &out));
	ck_assert(bytes_append_view(&out, bytes_view(&spans)));
	ck_assert(trace_write_tail(&out));
	json_error_t error;
	json_t *json = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(json != NULL, "%s: %.*s", error.text, VIEW_ARGS(bytes_view(&out)));
	json_t *scope = json_array_get(
	    json_object_get(
		json_array_get(json_object_get(json, "resourceSpans"), 0), "scopeSpans"),
	    0);
	json_t *list = json_incref(json_object_get(scope, "spans"));
	ck_assert_uint_eq(json_array_size(list), 6);
	json_decref(json);
	bytes_fini(&out);
	bytes_fini(&spans);
	return list;
}

static const char *
text_of(const json_t *span, const char *key)
{
	return json_string_value(json_object_get(span, key));
}

/* The value of an attribute as text; NULL = there is none. */
static const char *
attribute(const json_t *span, const char *key)
{
	size_t index;
	json_t *one;
	json_array_foreach(json_object_get(span, "attributes"), index, one)
	{
		json_t *value = json_object_get(one, "value");
		if (strcmp(text_of(one, "key"), key) != 0)
			continue;
		const char *text = text_of(value, "stringValue");
		return text != NULL ? text : text_of(value, "intValue");
	}
	return NULL;
}

START_TEST(a_request_and_its_calls)
{
	struct table *table = setup_record();
	json_t *list = write_spans(table);
	const json_t *whole = json_array_get(list, 0), *first = json_array_get(list, 1),
		     *second = json_array_get(list, 2);
	ck_assert_str_eq(text_of(whole, "traceId"), "01020000000000000000000000000000");
	ck_assert_str_eq(text_of(whole, "spanId"), "0a00000000000000");
	ck_assert_str_eq(text_of(whole, "parentSpanId"), "0300000000000000");
	ck_assert_str_eq(text_of(whole, "name"), "POST /v1/messages");
	ck_assert_str_eq(text_of(whole, "startTimeUnixNano"), "1795694400123000000");
	ck_assert_str_eq(text_of(whole, "endTimeUnixNano"), "1795694400253000000");
	ck_assert_int_eq(json_integer_value(json_object_get(whole, "kind")), 2);
	ck_assert_ptr_null(json_object_get(whole, "status"));
	ck_assert_str_eq(attribute(whole, "http.response.status_code"), "200");
	ck_assert_ptr_null(attribute(whole, "error.type"));
	ck_assert_ptr_null(attribute(whole, "gen_ai.usage.input_tokens"));
	ck_assert_str_eq(attribute(whole, "gen_ai.conversation.id"), "00000000000000ff");
	ck_assert_str_eq(text_of(first, "parentSpanId"), "0a00000000000000");
	ck_assert_str_eq(text_of(second, "parentSpanId"), "0a00000000000000");
	ck_assert_str_eq(text_of(first, "spanId"), "0b00000000000000");
	ck_assert_str_eq(text_of(first, "name"), "chat m\"\n???");
	ck_assert_int_eq(
	    json_integer_value(json_object_get(json_object_get(first, "status"), "code")), 2);
	ck_assert_str_eq(attribute(first, "error.type"), "status_529");
	ck_assert_ptr_null(attribute(first, "server.address"));
	ck_assert_ptr_null(attribute(first, "gen_ai.usage.output_tokens"));
	ck_assert_str_eq(text_of(second, "startTimeUnixNano"), "1795694400148000000");
	ck_assert_str_eq(text_of(second, "endTimeUnixNano"), "1795694400248000000");
	ck_assert_ptr_null(json_object_get(second, "status"));
	ck_assert_str_eq(attribute(second, "server.address"), "api.b.test");
	ck_assert_str_eq(attribute(second, "server.port"), "8443");
	ck_assert_str_eq(attribute(second, "gen_ai.provider.name"), "anthropic");
	ck_assert_str_eq(attribute(second, "gen_ai.response.model"), "claude-x-1");
	ck_assert_str_eq(attribute(second, "gen_ai.usage.input_tokens"), "1111");
	ck_assert_str_eq(attribute(second, "gen_ai.usage.output_tokens"), "50");
	ck_assert_str_eq(attribute(second, "gen_ai.usage.cache_read.input_tokens"), "1000");
	ck_assert_str_eq(attribute(second, "gen_ai.usage.cache_creation.input_tokens"), "11");
	ck_assert_str_eq(attribute(second, "gen_ai.usage.reasoning.output_tokens"), "20");
	ck_assert_str_eq(attribute(second, "http.request.resend_count"), "1");
	json_decref(list);
	table_unref(table);
}
END_TEST

START_TEST(whose_failure_it_is)
{
	static const struct {
		const char *result, *reason;
		uint32_t status;
		bool failed;
	} rows[] = {
	    {"completed", "ok", 200, false},
	    {"failed", "idle_timeout", 200, true},
	    {"failed", "status_529", 503, true},
	    {"passed", "status_400", 400, false},
	    {"passed", "status_500", 500, true},
	    {"refused", "requests_per_minute", 429, false},
	    {"client_gone", "client_gone", 200, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct table *table = setup_record();
		snprintf(record.result, sizeof(record.result), "%s", rows[i].result);
		snprintf(record.reason, sizeof(record.reason), "%s", rows[i].reason);
		record.status = rows[i].status;
		json_t *list = write_spans(table);
		const json_t *whole = json_array_get(list, 0);
		bool failed = json_object_get(whole, "status") != NULL;
		ck_assert_msg(failed == rows[i].failed, "%s %s", rows[i].result, rows[i].reason);
		ck_assert_int_eq(attribute(whole, "error.type") != NULL, i > 0);
		json_decref(list);
		table_unref(table);
	}
}
END_TEST

START_TEST(all_or_nothing)
{
	struct table *table = setup_record();
	struct bytes out;
	bytes_init(&out, 65536);
	ck_assert(trace_write(&trace, &record, table, ids, &out));
	size_t whole = out.len;
	bytes_fini(&out);
	for (size_t max = 0; max < whole; max += 7) {
		bytes_init(&out, max);
		ck_assert(!trace_write(&trace, &record, table, ids, &out));
		ck_assert_uint_eq(out.len, 0);
		bytes_fini(&out);
	}
	table_unref(table);
}
END_TEST

START_TEST(what_a_collector_rejects)
{
	ck_assert_uint_eq(trace_rejected(VIEW("")), 0);
	ck_assert_uint_eq(trace_rejected(VIEW("{}")), 0);
	ck_assert_uint_eq(trace_rejected(VIEW("<html>")), 0);
	ck_assert_uint_eq(trace_rejected(VIEW("{\"partialSuccess\":{}}")), 0);
	ck_assert_uint_eq(
	    trace_rejected(VIEW("{\"partialSuccess\":{\"rejectedSpans\":\"3\"}}")), 3);
	ck_assert_uint_eq(trace_rejected(VIEW("{\"partialSuccess\":{\"rejectedSpans\":4}}")), 4);
	ck_assert_uint_eq(trace_rejected(VIEW("{\"partialSuccess\":{\"rejectedSpans\":-4}}")), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("trace");
	TCase *tc = tcase_create("trace");
	tcase_add_test(tc, parents_that_count);
	tcase_add_test(tc, shares);
	tcase_add_test(tc, a_request_and_its_calls);
	tcase_add_test(tc, whose_failure_it_is);
	tcase_add_test(tc, all_or_nothing);
	tcase_add_test(tc, what_a_collector_rejects);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
