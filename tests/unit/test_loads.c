/* What a data plane knows of each upstream. */
#include "loads.h"
#include "mem.h"
#include "suite.h"
#include <stdio.h>

START_TEST(those_in_flight_are_counted)
{
	struct loads *loads = loads_new();
	struct table *table = table_new();
	struct choose_load figures[3];
	static const char *const ids[] = {"a", "b", "c"};
	for (int i = 0; i < 3; i++)
		table_add_upstream(table, GROUP_CHAT)->id = mem_dup_str(ids[i]);
	struct load *a = loads_enter(loads, "a", 1000), *again = loads_enter(loads, "a", 1200);
	struct load *c = loads_enter(loads, "c", 1300);
	ck_assert_ptr_eq(a, again);
	load_answered(c, 800);
	load_answered(c, 0);
	loads_fill(loads, &table->groups[GROUP_CHAT], 1500, figures);
	ck_assert_uint_eq(figures[0].in_flight, 2);
	ck_assert_uint_eq(figures[0].quiet_ms, 300);
	ck_assert_uint_eq(figures[0].latency_ms, 0);
	ck_assert_uint_eq(figures[1].in_flight, 0);
	ck_assert_uint_eq(figures[2].latency_ms, 700); /* an eighth of the way */
	ck_assert(!loads_are_good(loads, "a") && !loads_are_good(loads, "x"));
	a->good = true;
	loads_leave(loads, a);
	loads_leave(loads, a);
	loads_leave(loads, c);
	loads_fill(loads, &table->groups[GROUP_CHAT], 1500, figures);
	ck_assert_uint_eq(figures[0].in_flight, 0);
	ck_assert(loads_are_good(loads, "a"));
	table_unref(table);
	loads_free(loads);
}
END_TEST

static int
compare(const void *a, const void *b)
{
	return (int)*(const uint32_t *)a - (int)*(const uint32_t *)b;
}

START_TEST(p95_is_that_of_the_last_samples)
{
	struct loads *loads = loads_new();
	struct load *load = loads_enter(loads, "a", 0);
	uint32_t sorted[LOAD_SAMPLES], values[1000];
	for (unsigned i = 0; i < 1000; i++) {
		values[i] = 1 + (i * 7919u) % 1009u;
		load_answered(load, values[i]);
		size_t count = i + 1 < LOAD_SAMPLES ? i + 1 : LOAD_SAMPLES;
		if (count < LOAD_SAMPLES_MIN) {
			ck_assert_uint_eq(load_p95_ms(load), 0);
			continue;
		}
		for (size_t k = 0; k < count; k++)
			sorted[k] = values[i - k];
		qsort(sorted, count, sizeof(sorted[0]), compare);
		size_t below = 0;
		while (below < count && sorted[below] <= load_p95_ms(load))
			below++;
		ck_assert_uint_ge(below * 100, count * 95);
		ck_assert_uint_lt((below - 1) * 100, count * 95);
	}
	loads_leave(loads, load);
	loads_free(loads);
}
END_TEST

START_TEST(there_are_never_too_many)
{
	struct loads *loads = loads_new();
	struct load *kept = loads_enter(loads, "kept", 0);
	for (unsigned i = 0; i < 3 * LOADS_MAX; i++) {
		char id[32];
		snprintf(id, sizeof(id), "id-%u", i);
		loads_leave(loads, loads_enter(loads, id, 0));
	}
	struct load *again = loads_enter(loads, "kept", 0);
	ck_assert_ptr_eq(kept, again);
	loads_leave(loads, again);
	loads_leave(loads, kept);
	loads_free(loads);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("loads");
	TCase *tests = tcase_create("loads");
	tcase_add_test(tests, those_in_flight_are_counted);
	tcase_add_test(tests, p95_is_that_of_the_last_samples);
	tcase_add_test(tests, there_are_never_too_many);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
