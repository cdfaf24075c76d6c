/* What is sent on an errand, and what its answer says. */
#include "errand_text.h"
#include "jsonspan.h"
#include "mem.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const struct {
	enum protocol protocol;
	const char *base, *probe, *activate;
} urls[] = {
    {PROTOCOL_ANTHROPIC, "https://a.test", "https://a.test/v1/models",
	"https://a.test/v1/messages"},
    {PROTOCOL_CHAT, "https://a.test/v1", "https://a.test/v1/models",
	"https://a.test/v1/chat/completions"},
    {PROTOCOL_RESPONSES, "https://a.test/openai", "https://a.test/openai/models",
	"https://a.test/openai/responses"},
    {PROTOCOL_RESPONSES, "https://a.test", "https://a.test/v1/models",
	"https://a.test/v1/responses"},
};

static void
expect(struct bytes *out, const char *text)
{
	ck_assert_str_eq(bytes_str(out), text);
	bytes_fini(out);
	bytes_init(out, 4096);
}

START_TEST(it_goes_to_the_right_place)
{
	char base[128];
	struct upstream_entry entry = {.protocol = urls[_i].protocol, .base_url = base};
	struct bytes out;
	snprintf(base, sizeof(base), "%s", urls[_i].base);
	bytes_init(&out, 4096);
	ck_assert(errand_text_url(&entry, ERRAND_PROBE, &out));
	expect(&out, urls[_i].probe);
	ck_assert(errand_text_url(&entry, ERRAND_ACTIVATE, &out));
	expect(&out, urls[_i].activate);
	bytes_fini(&out);
}
END_TEST

/* Each line, with its key last and only there. */
START_TEST(the_key_goes_in_its_protocols_header)
{
	static const char *const last[] = {"x-api-key: sk-ant-api-1",
	    "Authorization: Bearer sk-ant-api-1", "Authorization: Bearer sk-ant-api-1"};
	for (int p = 0; p < PROTOCOL_COUNT; p++) {
		struct upstream_entry entry = {.protocol = (enum protocol)p};
		struct bytes out;
		ck_assert(secret_set(&entry.key, VIEW("sk-ant-api-1")));
		bytes_init(&out, 4096);
		ck_assert(errand_text_headers(&entry, ERRAND_ACTIVATE, &out));
		size_t len = strlen(last[p]) + 1;
		ck_assert_uint_gt(out.len, len);
		ck_assert_int_eq(strcasecmp(out.data + out.len - len, last[p]), 0);
		bool version = memmem(out.data, out.len, "anthropic-version: ", 19) != NULL;
		ck_assert_int_eq(version, p == PROTOCOL_ANTHROPIC);
		bytes_fini(&out);
		secret_fini(&entry.key);
	}
}
END_TEST

START_TEST(the_request_is_the_owners_in_the_upstreams_protocol)
{
	struct table *table = table_new();
	static const char *const turns[] = {"messages", "messages", "input"};
	for (int p = 0; p < PROTOCOL_COUNT; p++) {
		struct upstream_entry entry = {.protocol = (enum protocol)p};
		struct jsonspan_want wants[] = {
		    {.key = "model"}, {.key = turns[p]}, {.key = "stream"}};
		struct bytes out;
		bool stream = false;
		mem_free(table->activation.models[p]);
		table->activation.models[p] = mem_dup_str("m\"x");
		mem_free(table->activation.prompt);
		table->activation.prompt = mem_dup_str("say \"hi\"\n");
		bytes_init(&out, 4096);
		ck_assert(errand_text_body(&table->activation, &entry, true, &out));
		ck_assert(jsonspan_scan(bytes_view(&out), wants, 3, NULL, NULL));
		ck_assert(jsonspan_str_is(wants[0].value, "m\"x"));
		ck_assert(jsonspan_bool(wants[2].value, &stream) && stream);
		ck_assert(view_find(wants[1].value.raw, "say \\\"hi\\\"\\n") > 0);
		bytes_fini(&out);
	}
	table_unref(table);
}
END_TEST

static const struct {
	struct outcome_facts facts;
	bool good;
	enum blame blame;
} signs[] = {
    {{.status = 200}, true, BLAME_NOBODY},
    {{.status = 404}, true, BLAME_NOBODY},
    {{.status = 405}, true, BLAME_NOBODY},
    {{.status = 400}, true, BLAME_NOBODY},
    {{.status = 401}, false, BLAME_KEY},
    {{.status = 403}, false, BLAME_KEY},
    {{.status = 429}, false, BLAME_KEY},
    {{.status = 500}, false, BLAME_UPSTREAM},
    {{.status = 529}, false, BLAME_UPSTREAM},
    {{.transport = TRANSPORT_CONNECT}, false, BLAME_NETWORK},
    {{.transport = TRANSPORT_TIMEOUT_TOTAL}, false, BLAME_UPSTREAM},
    {{.transport = TRANSPORT_RECEIVE, .status = 200}, false, BLAME_NETWORK},
};

START_TEST(a_probes_sign_is_judged)
{
	struct outcome outcome = errand_text_judge(&signs[_i].facts);
	ck_assert_int_eq(outcome.success, signs[_i].good);
	ck_assert_int_eq(outcome.blame, signs[_i].blame);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("errand_text");
	TCase *tests = tcase_create("errand_text");
	tcase_add_loop_test(tests, it_goes_to_the_right_place, 0, COUNT(urls));
	tcase_add_test(tests, the_key_goes_in_its_protocols_header);
	tcase_add_test(tests, the_request_is_the_owners_in_the_upstreams_protocol);
	tcase_add_loop_test(tests, a_probes_sign_is_judged, 0, COUNT(signs));
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
