/* The fault grammar of the demo upstream. */
#include "fault.h"
#include <check.h>

static struct fault
parsed(const char *spec)
{
	struct fault fault;
	struct err err;
	ck_assert_msg(fault_parse(view_of(spec), &fault, &err), "%s", spec);
	return fault;
}

START_TEST(test_status)
{
	struct fault fault = parsed("status:429;ra=2");
	ck_assert_uint_eq(fault.clauses, FAULT_STATUS);
	ck_assert_uint_eq(fault.status, 429);
	ck_assert_uint_eq(fault.retry_after_s, 2);
	ck_assert(fault.retry_after_ms == FAULT_UNSET && fault.retry_date_s == FAULT_UNSET);
	fault = parsed("429:ra-ms=1500");
	ck_assert_uint_eq(fault.status, 429);
	ck_assert_uint_eq(fault.retry_after_ms, 1500);
	fault = parsed("status:502;body=html;ra-date=8");
	ck_assert_uint_eq(fault.body, FAULT_BODY_HTML);
	ck_assert_uint_eq(fault.retry_date_s, 8);
	fault = parsed("status:400;type=a_b;code=too_long;msg=prompt is too long");
	ck_assert_str_eq(fault.type, "a_b");
	ck_assert_str_eq(fault.code, "too_long");
	ck_assert_str_eq(fault.msg, "prompt is too long");
}
END_TEST

START_TEST(test_shapes)
{
	struct fault fault = parsed("stall:after=3;ms=500");
	ck_assert_uint_eq(fault.stall, FAULT_STALL_AFTER);
	ck_assert_uint_eq(fault.stall_after, 3);
	ck_assert_uint_eq(fault.stall_ms, 500);
	fault = parsed("stall:first");
	ck_assert_uint_eq(fault.stall, FAULT_STALL_FIRST);
	ck_assert(fault.stall_ms == FAULT_UNSET);
	fault = parsed("cut:after=4;how=clean");
	ck_assert_uint_eq(fault.cut_after, 4);
	ck_assert_uint_eq(fault.cut, FAULT_CUT_CLEAN);
	fault = parsed("cut:bytes=7");
	ck_assert_uint_eq(fault.cut_bytes, 7);
	ck_assert(fault.cut_after == FAULT_UNSET);
	ck_assert_uint_eq(parsed("cut").cut_after, 0);
	ck_assert_uint_eq(parsed("error-first").error_after, 0);
	ck_assert_uint_eq(parsed("error-after=5;type=x").error_after, 5);
	fault = parsed("events=1000;ms=1;bytes=20");
	ck_assert_uint_eq(fault.events, 1000);
	ck_assert_uint_eq(fault.events_ms, 1);
	ck_assert_uint_eq(fault.events_bytes, 20);
	ck_assert_uint_eq(parsed("big:bytes=1048576").events, 1);
	ck_assert_uint_eq(parsed("bytes1").drip_bytes, 1);
	ck_assert_uint_eq(parsed("drip:bytes=0").drip_bytes, 1);
	ck_assert_uint_eq(parsed("usage:huge").usage, FAULT_USAGE_HUGE);
	ck_assert_uint_eq(parsed("usage:in=0;out=18446744073709551614").usage_in, 0);
}
END_TEST

START_TEST(test_several)
{
	struct fault fault = parsed("events=50;ms=1+cut:after=10;how=fin+crlf");
	ck_assert_uint_eq(fault.clauses, FAULT_EVENTS | FAULT_CUT | FAULT_CRLF);
	ck_assert_uint_eq(fault.cut, FAULT_CUT_FIN);
	ck_assert_uint_eq(parsed("").clauses, 0);
}
END_TEST

START_TEST(test_bad)
{
	static const char *const bad[] = {"nonsense", "status", "status:700", "status:99",
	    "429:no=1", "stall:later", "cut:how=up", "events=x", "events=-1",
	    "drip:bytes=999999999999", "crlf=1", "status:429+nonsense", "cut:after", "usage:lots"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fault fault;
		struct err err;
		ck_assert_msg(!fault_parse(view_of(bad[i]), &fault, &err), "%s", bad[i]);
		ck_assert_int_eq(err.kind, ERR_PARSE);
		ck_assert_uint_eq(fault.clauses, 0);
	}
}
END_TEST

START_TEST(test_places)
{
	ck_assert(view_eq_str(fault_in_model(view_of("demo-fault:429:ra=2")), "429:ra=2"));
	ck_assert(view_eq_str(fault_in_model(view_of("claude-x-fault=html")), "html"));
	ck_assert_uint_eq(fault_in_model(view_of("claude-opus")).len, 0);
	ck_assert(view_eq_str(
	    fault_in_path(view_of("/u/A/fault=cut:after=1/v1/messages")), "cut:after=1"));
	ck_assert_uint_eq(fault_in_path(view_of("/v1/messages")).len, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("demo_fault");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, test_status);
	tcase_add_test(tcase, test_shapes);
	tcase_add_test(tcase, test_several);
	tcase_add_test(tcase, test_bad);
	tcase_add_test(tcase, test_places);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
