#include "limiter.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct limiter limiter;
static uint64_t wait_ms;

static void
setup(void)
{
	limiter = (struct limiter){0};
}

static bool
take(const char *peer, uint64_t now_ms)
{
	return limiter_take(&limiter, view_of(peer), now_ms, &wait_ms);
}

START_TEST(five_at_once_then_one_in_two_seconds)
{
	for (int i = 0; i < 5; i++)
		ck_assert(take("a", 10000));
	ck_assert(!take("a", 10000));
	ck_assert_uint_eq(wait_ms, 2000);
	ck_assert(!take("a", 11500));
	ck_assert_uint_eq(wait_ms, 500);
	ck_assert(take("a", 12000));
	ck_assert(!take("a", 12000));
	for (int i = 0; i < 5; i++)
		ck_assert(take("a", 100000));
	ck_assert(!take("a", 100000));
}
END_TEST

START_TEST(right_after_the_start_of_the_clock)
{
	for (int i = 0; i < 5; i++)
		ck_assert(take("a", 0));
	ck_assert(!take("a", 0));
}
END_TEST

START_TEST(peers_do_not_cost_each_other)
{
	for (int i = 0; i < 5; i++)
		ck_assert(take("a", 10000));
	ck_assert(!take("a", 10000));
	ck_assert(take("b", 10000));
	ck_assert(take("", 10000));
}
END_TEST

START_TEST(all_together_have_a_limit_too)
{
	char peer[32];
	for (int i = 0; i < 20; i++) {
		(void)snprintf(peer, sizeof(peer), "127.0.0.%d", i);
		ck_assert(take(peer, 10000));
	}
	ck_assert(!take("new", 10000));
	ck_assert_uint_eq(wait_ms, 500);
	ck_assert(take("new", 10500));
}
END_TEST

START_TEST(a_refused_try_costs_nothing)
{
	for (int i = 0; i < 5; i++)
		ck_assert(take("a", 10000));
	for (int i = 0; i < 100; i++)
		ck_assert(!take("a", 11000));
	ck_assert(take("a", 12000));
	ck_assert(take("b", 12000));
}
END_TEST

START_TEST(a_good_token_gives_its_try_back)
{
	for (int i = 0; i < 50; i++) {
		ck_assert(take("a", 10000));
		limiter_give_back(&limiter, VIEW("a"));
	}
	limiter_give_back(&limiter, VIEW("nobody"));
}
END_TEST

START_TEST(the_busy_keep_their_place)
{
	char peer[32];
	for (int i = 0; i < 5; i++)
		ck_assert(take("busy", 10000));
	for (int i = 0; i < 3 * LIMITER_PEERS_MAX; i++) {
		(void)snprintf(peer, sizeof(peer), "other %d", i);
		(void)take(peer, 10000);
	}
	ck_assert(!take("busy", 10000));
	ck_assert_uint_eq(wait_ms, 2000);
}
END_TEST

START_TEST(long_names_are_cut)
{
	char peer[200];
	for (size_t i = 0; i < sizeof(peer) - 1; i++)
		peer[i] = 'x';
	peer[sizeof(peer) - 1] = '\0';
	for (int i = 0; i < 5; i++)
		ck_assert(take(peer, 10000));
	ck_assert(!take(peer, 10000));
}
END_TEST

START_TEST(it_is_not_calm_while_many_are_refused)
{
	for (int i = 0; i < 5; i++)
		ck_assert(take("a", 10000));
	for (unsigned i = 0; i < LIMITER_REFUSED_BURST; i++) {
		ck_assert(limiter_is_calm(&limiter, 10000));
		ck_assert(!take("a", 10000));
	}
	ck_assert(!limiter_is_calm(&limiter, 10000));
	/* However many more there are, it is calm again soon after, for one. */
	for (unsigned i = 0; i < 1000; i++)
		ck_assert(!take("a", 10000 + i % 100));
	ck_assert(!limiter_is_calm(&limiter, 10000 + LIMITER_REFUSED_MS - 1));
	ck_assert(limiter_is_calm(&limiter, 10000 + LIMITER_REFUSED_MS));
	ck_assert(!take("a", 10000 + LIMITER_REFUSED_MS));
	ck_assert(!limiter_is_calm(&limiter, 10000 + LIMITER_REFUSED_MS));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("limiter");
	TCase *tcase = tcase_create("limiter");
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, five_at_once_then_one_in_two_seconds);
	tcase_add_test(tcase, it_is_not_calm_while_many_are_refused);
	tcase_add_test(tcase, right_after_the_start_of_the_clock);
	tcase_add_test(tcase, peers_do_not_cost_each_other);
	tcase_add_test(tcase, all_together_have_a_limit_too);
	tcase_add_test(tcase, a_refused_try_costs_nothing);
	tcase_add_test(tcase, a_good_token_gives_its_try_back);
	tcase_add_test(tcase, the_busy_keep_their_place);
	tcase_add_test(tcase, long_names_are_cut);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
