/* Which upstream is asked next, or none; and what the budget allows. */
#include "budget.h"
#include "retry.h"
#include "table.h"
#include <check.h>
#include <stdlib.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define C GROUP_CLAUDE
#define N GROUP_RETRY
#define SWITCH STRATEGY_SWITCH_API
#define NODE STRATEGY_RETRY_NODE
#define SAME STRATEGY_NORMAL

/* Places: two of the group, a retry node, one more of the group; the first one has failed. */
static const struct {
	const char *name;
	struct retry_state state; /* its places are set by the test */
	const char *asked;        /* which were: "1000" */
	bool try_next;
	enum strategy strategy;
	enum transport transport;
	uint64_t now_ms;
	enum retry_what what;
	size_t at;
} rows[] = {
    {"switch_api: the next", {.calls = 1, .calls_max = 9}, "1000", true, SWITCH, TRANSPORT_CONNECT,
	9, RETRY_NEXT, 1},
    {"switch_api: the group before the nodes", {.calls = 1, .calls_max = 9}, "1100", true, SWITCH,
	TRANSPORT_CONNECT, 9, RETRY_NEXT, 3},
    {"switch_api: at last the nodes", {.calls = 1, .calls_max = 9}, "1101", true, SWITCH,
	TRANSPORT_CONNECT, 9, RETRY_NEXT, 2},
    {"strategy_retry: the nodes first", {.calls = 1, .calls_max = 9}, "1000", true, NODE,
	TRANSPORT_OK, 9, RETRY_NEXT, 2},
    {"strategy_retry: then the group", {.calls = 1, .calls_max = 9}, "1010", true, NODE,
	TRANSPORT_OK, 9, RETRY_NEXT, 1},
    {"normal_retry: the same again", {.calls = 1, .calls_max = 9, .same_max = 1}, "1000", true,
	SAME, TRANSPORT_CONNECT, 9, RETRY_SAME, 0},
    {"normal_retry: then the next", {.calls = 2, .calls_max = 9, .same = 1, .same_max = 1}, "1000",
	true, SAME, TRANSPORT_CONNECT, 9, RETRY_NEXT, 1},
    {"all asked", {.calls = 4, .calls_max = 9}, "1111", true, SWITCH, TRANSPORT_OK, 9,
	RETRY_GIVE_UP, 0},
    {"all calls made", {.calls = 4, .calls_max = 4}, "1000", true, SWITCH, TRANSPORT_OK, 9,
	RETRY_GIVE_UP, 0},
    {"one call left", {.calls = 3, .calls_max = 4}, "1000", true, SWITCH, TRANSPORT_OK, 9,
	RETRY_NEXT, 1},
    {"not to be tried", {.calls = 1, .calls_max = 9}, "1000", false, SWITCH, TRANSPORT_OK, 9,
	RETRY_GIVE_UP, 0},
    {"before the deadline", {.calls = 1, .calls_max = 9, .deadline_ms = 10}, "1000", true, SWITCH,
	TRANSPORT_OK, 9, RETRY_NEXT, 1},
    {"at the deadline", {.calls = 1, .calls_max = 9, .deadline_ms = 9}, "1000", true, SWITCH,
	TRANSPORT_OK, 9, RETRY_GIVE_UP, 0},
    {"stale: at once, though no call is left", {.calls = 1, .calls_max = 1}, "1000", true, SWITCH,
	TRANSPORT_STALE, 9, RETRY_SAME, 0},
    {"stale again", {.calls = 1, .calls_max = 9, .stale_retried = true}, "1000", true, SWITCH,
	TRANSPORT_STALE, 9, RETRY_NEXT, 1},
    {"stale, too late", {.calls = 1, .calls_max = 9, .deadline_ms = 9}, "1000", true, SWITCH,
	TRANSPORT_STALE, 9, RETRY_GIVE_UP, 0},
};

START_TEST(it_decides)
{
	struct retry_place places[4] = {{C, 0, 0, 0}, {C, 1, 0, 1}, {N, 0, 0, 0}, {C, 2, 0, 0}};
	struct retry_state state = rows[_i].state;
	const struct outcome outcome = {.try_next = rows[_i].try_next, .reason = "x"};
	state.places = places;
	state.count = 4;
	for (size_t i = 0; i < 4; i++)
		places[i].asked = rows[_i].asked[i] == '1';
	struct retry_verdict verdict = retry_decide(
	    &state, &outcome, rows[_i].strategy, rows[_i].transport, rows[_i].now_ms, 7);
	ck_assert_msg(verdict.what == rows[_i].what && verdict.at == rows[_i].at, "%s: %d %zu",
	    rows[_i].name, (int)verdict.what, verdict.at);
	bool stale = verdict.what == RETRY_SAME && rows[_i].transport == TRANSPORT_STALE;
	bool good = verdict.what == RETRY_NEXT && places[verdict.at].good;
	ck_assert_int_eq(verdict.costs, verdict.what != RETRY_GIVE_UP && !stale && !good);
}
END_TEST

START_TEST(waits_grow_and_are_spread)
{
	struct retry_place place = {C, 0, true, false};
	struct retry_state state = {.places = &place, .count = 1, .calls_max = 99, .same_max = 99};
	const struct outcome outcome = {.try_next = true, .reason = "x"};
	for (uint32_t same = 0; same < 12; same++) {
		uint32_t base = 200u << (same < 5 ? same : 5), low = UINT32_MAX, high = 0;
		state.same = same;
		for (uint64_t chance = 0; chance < 20000; chance += 7) {
			struct retry_verdict verdict =
			    retry_decide(&state, &outcome, SAME, TRANSPORT_CONNECT, 1, chance);
			low = verdict.wait_ms < low ? verdict.wait_ms : low;
			high = verdict.wait_ms > high ? verdict.wait_ms : high;
		}
		ck_assert_uint_ge(low, base / 2);
		ck_assert_uint_le(high, base + base / 2);
		ck_assert_uint_gt(high - low, base * 9 / 10);
	}
}
END_TEST

/* In an outage of everything, whatever the clients do: never more than the burst and a tenth. */
START_TEST(the_budget_holds)
{
	struct budget budget = {0};
	unsigned extra = 0;
	for (unsigned i = 0; i < 20; i++)
		extra += budget_take(&budget, 20);
	ck_assert_uint_eq(extra, 20);
	ck_assert(!budget_take(&budget, 20));
	extra = 0;
	for (unsigned call = 0; call < 10000; call++) {
		budget_earn(&budget, 10);
		for (unsigned i = 0; i < 8; i++)
			extra += budget_take(&budget, 20);
	}
	ck_assert_uint_eq(extra, 1000);
	for (unsigned call = 0; call < 10000; call++)
		budget_earn(&budget, 10);
	for (extra = 0; budget_take(&budget, 20); extra++) {
	}
	ck_assert_uint_eq(extra, 20);
	ck_assert(!budget_take(&(struct budget){0}, 0));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("retry");
	TCase *tests = tcase_create("retry");
	tcase_add_loop_test(tests, it_decides, 0, COUNT(rows));
	tcase_add_test(tests, waits_grow_and_are_spread);
	tcase_add_test(tests, the_budget_holds);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
