/* Which upstream serves: order, tiers, models, ramps, weights, sessions. */
#include "choose.h"
#include "mem.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES 4

static struct table *table;
static struct choose_asked asked;
static struct choose_place places[TABLE_UPSTREAMS_MAX];

static struct upstream_entry *
entry(size_t index)
{
	return &table->groups[GROUP_CLAUDE].entries[index];
}

static void
setup(void)
{
	table = table_new();
	for (unsigned i = 0; i < ENTRIES; i++) {
		char id[32];
		struct upstream_entry *one = table_add_upstream(table, GROUP_CLAUDE);
		snprintf(id, sizeof(id), "claude:%u", i);
		one->id = mem_dup_str(id);
		one->available = true;
	}
	asked = (struct choose_asked){.group = GROUP_CLAUDE, .stay = -1, .wall_ms = 1000};
	table->policies[GROUP_CLAUDE].affinity_ttl_ms = 300000;
}

static void
teardown(void)
{
	table_unref(table);
}

/* "012|3": the order of those that may, then of those that may not. */
static void
check_order(const char *expected)
{
	char text[ENTRIES + 2] = "";
	size_t may = choose_order(table, &asked, places), at = 0;
	for (size_t i = 0; i < ENTRIES; i++) {
		if (i == may)
			text[at++] = '|';
		ck_assert_int_eq(places[i].why == CHOOSE_MAY, i < may);
		text[at++] = (char)('0' + places[i].entry);
	}
	text[at] = '\0';
	ck_assert_str_eq(text, expected);
}

START_TEST(primaries_in_order_then_backups)
{
	check_order("0123");
	entry(0)->tier = entry(2)->tier = TIER_BACKUP;
	check_order("1302");
	entry(1)->available = false;
	check_order("302|1");
	ck_assert_int_eq(places[3].why, CHOOSE_OFF);
	for (size_t i = 0; i < ENTRIES; i++)
		entry(i)->available = false;
	check_order("|0123");
}
END_TEST

START_TEST(an_empty_group_has_nobody)
{
	asked.group = GROUP_CODEX;
	ck_assert_uint_eq(choose_order(table, &asked, places), 0);
}
END_TEST

START_TEST(patterns_fit)
{
	static const struct {
		const char *pattern, *model;
		bool fits;
	} rows[] = {
	    {"claude-opus-4", "claude-opus-4", true},
	    {"claude-opus-4", "claude-opus-4-5", false},
	    {"claude-*", "claude-", true},
	    {"claude-*", "claude", false},
	    {"*", "", true},
	    {"*", "any/thing", true},
	    {"*opus*", "claude-opus-4", true},
	    {"*opus*", "claude-sonnet", false},
	    {"a*b*c", "a-b-b-c", true},
	    {"a*b*c", "a-b-b-", false},
	    {"**", "x", true},
	    {"*-4", "m-4-4", true},
	    {"", "", true},
	    {"", "x", false},
	    {"A", "a", false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(choose_fits(rows[i].pattern, view_of(rows[i].model)) == rows[i].fits,
		    "%s %s", rows[i].pattern, rows[i].model);
}
END_TEST

/* 256 bytes against a pattern of stars must not take long. */
START_TEST(a_nasty_pattern_is_no_trap)
{
	char pattern[TABLE_NAME_BYTES_MAX + 1], model[TABLE_NAME_BYTES_MAX + 1];
	for (size_t i = 0; i < TABLE_NAME_BYTES_MAX; i++)
		pattern[i] = i % 2 == 0 ? '*' : 'a';
	pattern[TABLE_NAME_BYTES_MAX] = '\0';
	memset(model, 'a', sizeof(model));
	model[TABLE_NAME_BYTES_MAX - 1] = 'b';
	for (int i = 0; i < 1000; i++)
		ck_assert(!choose_fits(pattern, view_make(model, TABLE_NAME_BYTES_MAX)));
}
END_TEST

static void
add_rename(struct upstream_entry *to, const char *from_name, const char *to_name)
{
	struct model_rename *rename = table_add_rename(to);
	rename->from = mem_dup_str(from_name);
	rename->to = mem_dup_str(to_name);
}

START_TEST(names_are_changed_for_an_upstream)
{
	static const struct {
		const char *model, *name;
	} rows[] = {
	    {"gpt-4", "claude-opus"},
	    {"gpt-5-mini", "up/5-mini:free"},
	    {"gpt-", "up/:free"},
	    {"o-3", "o3"},
	    {"other", "other"},
	    {"x*", "x*"},
	};
	char out[TABLE_NAME_BYTES_MAX + 1];
	add_rename(entry(0), "gpt-4", "claude-opus");
	add_rename(entry(0), "gpt-*", "up/*:free");
	add_rename(entry(0), "gpt-5*", "never");
	add_rename(entry(0), "o-*", "o3");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct view name = choose_name(entry(0), view_of(rows[i].model), out);
		ck_assert_msg(
		    view_eq_str(name, rows[i].name), "%s: %.*s", rows[i].model, VIEW_ARGS(name));
	}
	char longest[TABLE_NAME_BYTES_MAX + 1];
	memset(longest, 'x', TABLE_NAME_BYTES_MAX);
	memcpy(longest, "gpt-", 4);
	struct view model = view_make(longest, TABLE_NAME_BYTES_MAX);
	ck_assert(view_eq(choose_name(entry(0), model, out), model));
}
END_TEST

START_TEST(models_are_allowed_and_rest_one_by_one)
{
	table_add_pattern(entry(0))->pattern = mem_dup_str("claude-*");
	asked.model = VIEW("gpt-5");
	check_order("123|0");
	ck_assert_int_eq(places[3].why, CHOOSE_MODEL_REFUSED);
	entry(0)->available = false; /* what no time changes is told before that */
	check_order("123|0");
	ck_assert_int_eq(places[3].why, CHOOSE_MODEL_REFUSED);
	entry(0)->available = true;
	asked.model = VIEW("claude-opus");
	check_order("0123");
	add_rename(entry(1), "claude-opus", "big");
	struct cooling_model *cooling = table_add_cooling(entry(1));
	cooling->model = mem_dup_str("big");
	cooling->until_ms = 1001;
	check_order("023|1");
	ck_assert_int_eq(places[3].why, CHOOSE_MODEL_COOLING);
	asked.wall_ms = 1001;
	check_order("0123");
	asked.wall_ms = 1000;
	asked.model = VIEW("claude-sonnet");
	check_order("0123");
	asked.model = (struct view){0}; /* no model, no such question */
	check_order("0123");
}
END_TEST

/* It rests under the name by which it is asked for. */
START_TEST(a_model_that_shall_think_rests_too)
{
	struct cooling_model *cooling = table_add_cooling(entry(0));
	cooling->model = mem_dup_str("claude-opus");
	cooling->until_ms = 1001;
	asked.model = asked.said = VIEW("claude-opus-thinking");
	check_order("123|0");
	ck_assert_int_eq(places[3].why, CHOOSE_MODEL_COOLING);
	ck_assert_int_eq(choose_resumes_ms(entry(0), &asked), 1001);
	asked.said = VIEW("opus"); /* a rule has made it that: the owner means the name */
	check_order("0123");
	asked.said = asked.model;
	entry(0)->protocol = PROTOCOL_CHAT;
	check_order("0123");
}
END_TEST

START_TEST(who_comes_back_says_when)
{
	asked.model = VIEW("claude-opus");
	ck_assert_int_eq(choose_resumes_ms(entry(0), &asked), 0);
	struct cooling_model *cooling = table_add_cooling(entry(0));
	cooling->model = mem_dup_str("claude-opus");
	cooling->until_ms = 1001;
	ck_assert_int_eq(choose_resumes_ms(entry(0), &asked), 1001);
	asked.wall_ms = 1001;
	ck_assert_int_eq(choose_resumes_ms(entry(0), &asked), 0);
	asked.wall_ms = 1000;
	asked.model = VIEW("other");
	ck_assert_int_eq(choose_resumes_ms(entry(0), &asked), 0);
	asked.model = VIEW("");
	ck_assert_int_eq(choose_resumes_ms(entry(0), &asked), 0);
	entry(0)->available = false;
	ck_assert_int_eq(choose_resumes_ms(entry(0), &asked), 0); /* not known */
	entry(0)->resume_at_ms = 5000;
	ck_assert_int_eq(choose_resumes_ms(entry(0), &asked), 5000);
	table_add_pattern(entry(0))->pattern = mem_dup_str("claude-*");
	asked.model = VIEW("claude-opus");
	ck_assert_int_eq(choose_resumes_ms(entry(0), &asked), 5000);
	asked.model = VIEW("gpt-5");
	ck_assert_int_eq(choose_resumes_ms(entry(0), &asked), 0); /* never */
}
END_TEST

START_TEST(a_recovering_one_takes_no_more_than_its_ramp)
{
	struct choose_load loads[ENTRIES] = {{0}};
	asked.loads = loads;
	entry(0)->ramp = 1;
	check_order("0123");
	loads[0].in_flight = 1;
	check_order("123|0");
	ck_assert_int_eq(places[3].why, CHOOSE_RAMP_FULL);
	entry(0)->ramp = 4;
	check_order("0123");
	entry(0)->ramp = 0;
	loads[0].in_flight = 1000;
	check_order("0123");
}
END_TEST

/* With nobody else a long call does not keep all others out: one more begins now and then. */
START_TEST(a_full_ramp_is_passed_now_and_then_where_nobody_else_may)
{
	struct choose_load loads[ENTRIES] = {{0}};
	asked.loads = loads;
	for (size_t i = 1; i < ENTRIES; i++)
		entry(i)->available = false;
	entry(0)->ramp = 1;
	loads[0] = (struct choose_load){.in_flight = 1, .quiet_ms = CHOOSE_RAMP_PAUSE_MS - 1};
	check_order("|0123");
	ck_assert_int_eq(places[0].why, CHOOSE_RAMP_FULL);
	loads[0].quiet_ms = CHOOSE_RAMP_PAUSE_MS;
	check_order("0|123");
	entry(2)->available = true;
	check_order("2|013");
}
END_TEST

/* Where a session belongs does not change while its upstream rests. */
START_TEST(home_is_the_first_that_could)
{
	ck_assert_int_eq(choose_home(table, &asked), 0);
	asked.stay = 2;
	ck_assert_int_eq(choose_home(table, &asked), 0);
	entry(0)->available = false;
	entry(0)->off = OFF_COOLING;
	ck_assert_int_eq(choose_home(table, &asked), 0);
	entry(0)->off = OFF_SCHEDULE;
	ck_assert_int_eq(choose_home(table, &asked), 1);
	table_add_pattern(entry(1))->pattern = mem_dup_str("claude-*");
	ck_assert_int_eq(choose_home(table, &asked), 1);
	asked.model = VIEW("gpt-5");
	ck_assert_int_eq(choose_home(table, &asked), 2);
	entry(2)->tier = TIER_BACKUP;
	ck_assert_int_eq(choose_home(table, &asked), 3);
	entry(3)->off = OFF_SCHEDULE;
	ck_assert_int_eq(choose_home(table, &asked), 2);
	entry(2)->off = OFF_SCHEDULE;
	ck_assert_int_eq(choose_home(table, &asked), -1);
}
END_TEST

START_TEST(who_stays_goes_first_while_it_may)
{
	entry(3)->tier = TIER_BACKUP;
	asked.stay = 3;
	check_order("3012");
	entry(3)->available = false;
	check_order("012|3");
}
END_TEST

START_TEST(weights_share_by_chance_and_by_session)
{
	unsigned by_chance[ENTRIES] = {0}, by_session[ENTRIES] = {0};
	table->policies[GROUP_CLAUDE].pick = PICK_WEIGHTED;
	entry(1)->weight = 3;
	entry(3)->tier = TIER_BACKUP;
	for (uint64_t i = 0; i < 10000; i++) {
		char key[32];
		snprintf(key, sizeof(key), "session-%u", (unsigned)i);
		asked.session = 0;
		asked.random = i;
		ck_assert_uint_eq(choose_order(table, &asked, places), ENTRIES);
		by_chance[places[0].entry]++;
		ck_assert_uint_eq(places[3].entry, 3);
		asked.session = choose_session(view_of(key));
		choose_order(table, &asked, places);
		by_session[places[0].entry]++;
	}
	for (size_t i = 0; i < 3; i++) {
		unsigned share = i == 1 ? 6000 : 2000; /* 3 of 5, 1 of 5 */
		ck_assert_uint_gt(by_chance[i], share - 200);
		ck_assert_uint_lt(by_chance[i], share + 200);
		ck_assert_uint_gt(by_session[i], share - 200);
		ck_assert_uint_lt(by_session[i], share + 200);
	}
}
END_TEST

/* A session keeps its place whatever the load and the turn; when its upstream leaves, no other
 * session moves. */
START_TEST(sessions_keep_their_place)
{
	static const enum pick picks[] = {PICK_WEIGHTED, PICK_LEAST_IN_FLIGHT, PICK_LOWEST_LATENCY};
	struct choose_load loads[ENTRIES] = {{0}};
	asked.loads = loads;
	for (size_t p = 0; p < 3; p++) {
		table->policies[GROUP_CLAUDE].pick = picks[p];
		for (unsigned s = 1; s < 500; s++) {
			asked.session = s;
			asked.random = s * 7;
			choose_order(table, &asked, places);
			unsigned home = places[0].entry, next = places[1].entry;
			loads[home].in_flight = loads[home].latency_ms = s;
			asked.random++;
			choose_order(table, &asked, places);
			ck_assert_uint_eq(places[0].entry, home);
			entry((home + 1) % ENTRIES)->available = false;
			choose_order(table, &asked, places);
			ck_assert_uint_eq(places[0].entry, home);
			entry((home + 1) % ENTRIES)->available = true;
			entry(home)->available = false;
			choose_order(table, &asked, places);
			ck_assert_uint_eq(places[0].entry, next);
			entry(home)->available = true;
		}
	}
}
END_TEST

START_TEST(load_and_latency_decide_where_no_session_does)
{
	struct choose_load loads[ENTRIES] = {{3, 40, 0}, {2, 10, 0}, {2, 0, 0}, {7, 20, 0}};
	asked.loads = loads;
	table->policies[GROUP_CLAUDE].pick = PICK_LEAST_IN_FLIGHT;
	check_order("1203");
	entry(3)->weight = 4;
	check_order("3120");
	table->policies[GROUP_CLAUDE].pick = PICK_LOWEST_LATENCY;
	check_order("2130");
	table->policies[GROUP_CLAUDE].affinity_ttl_ms = 0; /* off: a session changes nothing */
	asked.session = 9;
	check_order("2130");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("choose");
	TCase *tests = tcase_create("choose");
	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, primaries_in_order_then_backups);
	tcase_add_test(tests, an_empty_group_has_nobody);
	tcase_add_test(tests, patterns_fit);
	tcase_add_test(tests, a_nasty_pattern_is_no_trap);
	tcase_add_test(tests, names_are_changed_for_an_upstream);
	tcase_add_test(tests, models_are_allowed_and_rest_one_by_one);
	tcase_add_test(tests, a_model_that_shall_think_rests_too);
	tcase_add_test(tests, who_comes_back_says_when);
	tcase_add_test(tests, a_recovering_one_takes_no_more_than_its_ramp);
	tcase_add_test(tests, a_full_ramp_is_passed_now_and_then_where_nobody_else_may);
	tcase_add_test(tests, home_is_the_first_that_could);
	tcase_add_test(tests, who_stays_goes_first_while_it_may);
	tcase_add_test(tests, weights_share_by_chance_and_by_session);
	tcase_add_test(tests, sessions_keep_their_place);
	tcase_add_test(tests, load_and_latency_decide_where_no_session_does);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
