/* Who rests, for how long, and how he comes back. */
#include "health_rig.h"
#include <stdlib.h>

static struct health health;
static uint64_t now;

static void
setup(void)
{
	now = 5000000;
	rig_init(&health);
}

static void
teardown(void)
{
	health_fini(&health);
}

static void
pass(uint64_t ms)
{
	now += ms;
	health_tick(&health, now);
}

static void
note(const char *id, enum blame blame, uint32_t status)
{
	struct report_outcome outcome = rig_outcome(id, blame, status);
	health_note(&health, &outcome, now);
}

static void
fails(const char *id, enum blame blame, uint32_t status, unsigned times)
{
	while (times-- > 0)
		note(id, blame, status);
}

static void
answers(const char *id)
{
	note(id, BLAME_NOBODY, 200);
}

static void
named(const char *id, uint32_t status, uint64_t retry_after_ms)
{
	struct report_outcome outcome = rig_outcome(id, BLAME_KEY, status);
	outcome.retry_after_ms = retry_after_ms;
	health_note(&health, &outcome, now);
}

static void
probed(const char *id, uint32_t status)
{
	struct report_outcome outcome = rig_outcome(id, BLAME_UPSTREAM, status);
	outcome.success = status >= 200 && status < 300;
	outcome.probe = true;
	outcome.generate = false;
	health_note(&health, &outcome, now);
}

static struct health_view
view(const char *id)
{
	return health_view(&health, health_find(&health, id), now);
}

#define expect(id, wanted)                                                                         \
	ck_assert_msg(view(id).state == (wanted), "%s is %s, not %s", id,                          \
	    health_state_words[view(id).state], health_state_words[wanted])

START_TEST(the_way_down_and_up)
{
	expect("claude:c", HEALTH_UP);
	note("claude:c", BLAME_UPSTREAM, 500);
	expect("claude:c", HEALTH_SUSPECT);
	ck_assert_uint_eq(view("claude:c").ramp, 0);
	fails("claude:c", BLAME_UPSTREAM, 503, 2);
	expect("claude:c", HEALTH_COOLING);
	struct health_view rest = view("claude:c");
	ck_assert_uint_eq(rest.until_ms, now + 600000);
	ck_assert_uint_eq(rest.probe_every_ms, 1000);
	ck_assert_str_eq(rest.unit->reason, "status_503");
	ck_assert_int_eq(rest.unit->blame, BLAME_UPSTREAM);
	pass(1000);
	probed("claude:c", 200);
	expect("claude:c", HEALTH_HALF_OPEN);
	ck_assert_uint_eq(view("claude:c").ramp, 1);
	ck_assert_uint_eq(view("claude:c").probe_every_ms, 0);
	answers("claude:c");
	expect("claude:c", HEALTH_RAMPING);
	ck_assert_uint_eq(view("claude:c").ramp, 4);
	for (unsigned i = 0; i < 4; i++)
		answers("claude:c");
	ck_assert_uint_eq(view("claude:c").ramp, 16);
	for (unsigned i = 0; i < 16; i++)
		answers("claude:c");
	expect("claude:c", HEALTH_UP);
	ck_assert_uint_eq(view("claude:c").ramp, 0);
}
END_TEST

START_TEST(an_answer_clears_the_errors)
{
	for (unsigned i = 0; i < 10; i++) {
		fails("claude:c", BLAME_UPSTREAM, 500, 2);
		expect("claude:c", HEALTH_SUSPECT);
		answers("claude:c");
		expect("claude:c", HEALTH_UP);
	}
	/* One that has only begun does not: it may break off as well. */
	fails("claude:c", BLAME_UPSTREAM, 500, 2);
	struct report_outcome outcome = rig_outcome("claude:c", BLAME_NOBODY, 200);
	outcome.begun = true;
	health_note(&health, &outcome, now);
	expect("claude:c", HEALTH_SUSPECT);
	note("claude:c", BLAME_UPSTREAM, 500);
	expect("claude:c", HEALTH_COOLING);
}
END_TEST

START_TEST(errors_are_forgotten)
{
	fails("claude:c", BLAME_UPSTREAM, 500, 2);
	pass(HEALTH_FORGET_MS);
	expect("claude:c", HEALTH_UP);
	fails("claude:c", BLAME_UPSTREAM, 500, 2);
	expect("claude:c", HEALTH_SUSPECT);
}
END_TEST

/* Who is blamed, who pays: the entry, its address (with the other keys there), or only a model. */
START_TEST(only_the_blamed_is_punished)
{
	static const struct {
		enum blame blame;
		uint32_t status;
		bool a, b, model; /* punished */
	} rows[] = {
	    {BLAME_NOBODY, 0, false, false, false},
	    {BLAME_REQUEST, 400, false, false, false},
	    {BLAME_KEY, 401, true, false, false},
	    {BLAME_MODEL, 404, false, false, true},
	    {BLAME_UPSTREAM, 500, true, false, false},
	    {BLAME_NETWORK, 0, true, true, false},
	    {BLAME_US, 0, false, false, false},
	    {BLAME_CLIENT, 0, false, false, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct report_outcome outcome =
		    rig_outcome("claude:a", rows[i].blame, rows[i].status);
		outcome.success = false;
		outcome.count = 100;
		health_fini(&health);
		rig_init(&health);
		health_note(&health, &outcome, now);
		expect("claude:a", rows[i].a ? HEALTH_COOLING : HEALTH_UP);
		expect("claude:b", rows[i].b ? HEALTH_COOLING : HEALTH_UP);
		expect("claude:c", HEALTH_UP);
		expect("codex:d", HEALTH_UP);
		const struct health_entry *entry = health_find(&health, "claude:a");
		ck_assert_uint_eq(entry->model_count, rows[i].model);
		if (rows[i].model)
			ck_assert_int_eq(entry->models[0].unit.state, HEALTH_COOLING);
	}
}
END_TEST

START_TEST(other_calls_judge_nobody)
{
	struct report_outcome outcome = rig_outcome("claude:c", BLAME_UPSTREAM, 404);
	outcome.generate = false; /* count_tokens, a list of models */
	outcome.count = 100;
	health_note(&health, &outcome, now);
	expect("claude:c", HEALTH_UP);
	fails("claude:c", BLAME_UPSTREAM, 500, 3);
	outcome.success = true;
	health_note(&health, &outcome, now);
	expect("claude:c", HEALTH_COOLING);
	outcome.upstream = (char[]){"claude:nobody"};
	outcome.generate = true;
	health_note(&health, &outcome, now);
}
END_TEST

START_TEST(an_answer_of_any_kind_mends_the_network)
{
	fails("claude:a", BLAME_NETWORK, 0, 2);
	note("claude:b", BLAME_UPSTREAM, 500);
	note("claude:a", BLAME_NETWORK, 0);
	expect("claude:a", HEALTH_SUSPECT); /* the count began anew */
	fails("claude:a", BLAME_NETWORK, 0, 2);
	expect("claude:a", HEALTH_COOLING);
	expect("claude:b", HEALTH_COOLING);
	ck_assert(view("claude:b").of_address);
	pass(1000);
	probed("claude:b", 500); /* it is there again; how it serves is another question */
	expect("claude:a", HEALTH_HALF_OPEN);
}
END_TEST

START_TEST(which_probes_convince)
{
	static const struct {
		enum blame blame;
		uint32_t failure, probe;
		bool convinces;
	} rows[] = {
	    {BLAME_NETWORK, 0, 0, false}, {BLAME_NETWORK, 0, 401, true},
	    {BLAME_NETWORK, 0, 503, true}, {BLAME_UPSTREAM, 503, 0, false},
	    {BLAME_UPSTREAM, 503, 200, true},
	    {BLAME_UPSTREAM, 503, 404, true}, /* it has no list of models, but it answers */
	    {BLAME_UPSTREAM, 503, 401, false}, {BLAME_UPSTREAM, 503, 429, false},
	    {BLAME_UPSTREAM, 503, 500, false}, {BLAME_UPSTREAM, 0, 302, true},
	    {BLAME_KEY, 401, 200, true}, {BLAME_KEY, 401, 404, false}, {BLAME_KEY, 403, 403, false},
	    {BLAME_KEY, 429, 200, false}, /* a list of models costs no quota */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		health_clear(&health, GROUP_COUNT, NULL, now);
		fails("claude:c", rows[i].blame, rows[i].failure, 3);
		expect("claude:c", HEALTH_COOLING);
		pass(999);
		probed("claude:c", 200); /* too early for any */
		expect("claude:c", HEALTH_COOLING);
		pass(1);
		probed("claude:c", rows[i].probe);
		ck_assert_msg((view("claude:c").state == HEALTH_HALF_OPEN) == rows[i].convinces,
		    "row %zu", i);
		pass(HEALTH_CALM_MS);
	}
}
END_TEST

START_TEST(a_probe_punishes_nobody)
{
	for (unsigned i = 0; i < 20; i++)
		probed("claude:c", 500);
	expect("claude:c", HEALTH_UP);
	ck_assert_uint_eq(health_find(&health, "claude:c")->probe.status, 500);
	fails("claude:c", BLAME_UPSTREAM, 500, 3);
	uint64_t until = view("claude:c").until_ms;
	pass(2000);
	probed("claude:c", 500);
	ck_assert_uint_eq(view("claude:c").until_ms, until);
	pass(600000);
	expect("claude:c", HEALTH_HALF_OPEN);
	probed("claude:c", 500);
	expect("claude:c", HEALTH_HALF_OPEN);
}
END_TEST

START_TEST(a_named_time_is_honoured_and_bounded)
{
	static const struct {
		uint64_t named, rest;
	} rows[] = {{1, 1000}, {1000, 1000}, {2500, 2500}, {60000, 60000}, {900000, 900000},
	    {18ull * 86400000, 900000}, {INT64_MAX, 900000}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		named("claude:c", 429, rows[i].named);
		expect("claude:c", HEALTH_COOLING);
		ck_assert_uint_eq(view("claude:c").until_ms, now + rows[i].rest);
		ck_assert_uint_eq(view("claude:c").probe_every_ms, 0);
		pass(rows[i].rest - 1);
		expect("claude:c", HEALTH_COOLING);
		pass(1);
		expect("claude:c", HEALTH_HALF_OPEN);
		health_clear(&health, GROUP_COUNT, NULL, now);
		pass(HEALTH_CALM_MS);
	}
	/* Without a time: after the threshold, and shorter than other rests. */
	fails("claude:c", BLAME_KEY, 429, 3);
	ck_assert_uint_eq(view("claude:c").until_ms, now + 30000);
}
END_TEST

START_TEST(a_later_named_time_prolongs_a_rest)
{
	named("claude:c", 429, 10000);
	pass(5000);
	named("claude:c", 429, 20000);
	ck_assert_uint_eq(view("claude:c").until_ms, now + 20000);
	named("claude:c", 429, 1000);
	note("claude:c", BLAME_KEY, 429);
	ck_assert_uint_eq(view("claude:c").until_ms, now + 20000);
	named("claude:c", 429, INT64_MAX);
	ck_assert_uint_eq(view("claude:c").until_ms, now + 900000);
}
END_TEST

/* What a half-open upstream fails grows: the rest up to the bound, the wait for a probe too. */
START_TEST(flapping_is_damped)
{
	static const uint64_t rests[] = {600000, 900000, 900000, 900000};
	fails("claude:c", BLAME_UPSTREAM, 500, 3);
	for (unsigned i = 0; i < 4; i++) {
		uint64_t hold = 1000ull << i;
		ck_assert_uint_eq(view("claude:c").until_ms, now + rests[i]);
		pass(hold - 1);
		probed("claude:c", 200);
		expect("claude:c", HEALTH_COOLING);
		pass(1);
		probed("claude:c", 200);
		expect("claude:c", HEALTH_HALF_OPEN);
		note("claude:c", BLAME_UPSTREAM, 500); /* one is enough now */
		expect("claude:c", HEALTH_COOLING);
	}
	for (unsigned i = 0; i < 100; i++) { /* for ever */
		pass(900000);
		expect("claude:c", HEALTH_HALF_OPEN);
		note("claude:c", BLAME_UPSTREAM, 500);
		ck_assert_uint_eq(view("claude:c").until_ms, now + 900000);
	}
	pass(900000);
	for (unsigned i = 0; i < 21; i++)
		answers("claude:c");
	expect("claude:c", HEALTH_UP);
	pass(HEALTH_CALM_MS - 1);
	fails("claude:c", BLAME_UPSTREAM, 500, 3);
	ck_assert_uint_eq(view("claude:c").until_ms, now + 900000);
	pass(900000);
	for (unsigned i = 0; i < 21; i++)
		answers("claude:c");
	pass(HEALTH_CALM_MS); /* calm: the next is a first one */
	fails("claude:c", BLAME_UPSTREAM, 500, 3);
	ck_assert_uint_eq(view("claude:c").until_ms, now + 600000);
}
END_TEST

/* Where only the requests fail and the probes do not, a request tries it at least twice a minute.
 */
START_TEST(a_good_probe_waits_no_longer_than_the_pause_of_probes)
{
	fails("claude:c", BLAME_UPSTREAM, 500, 3);
	for (unsigned i = 0; i < 50; i++) {
		uint64_t hold = i < 5 ? 1000ull << i : 30000;
		pass(hold - 1);
		probed("claude:c", 200);
		expect("claude:c", HEALTH_COOLING);
		pass(1);
		probed("claude:c", 200);
		expect("claude:c", HEALTH_HALF_OPEN);
		note("claude:c", BLAME_UPSTREAM, 500);
	}
}
END_TEST

START_TEST(a_ramp_forgives_single_errors)
{
	fails("claude:c", BLAME_UPSTREAM, 500, 3);
	pass(600000);
	answers("claude:c");
	fails("claude:c", BLAME_UPSTREAM, 500, 2);
	expect("claude:c", HEALTH_RAMPING);
	answers("claude:c");
	fails("claude:c", BLAME_UPSTREAM, 500, 2);
	expect("claude:c", HEALTH_RAMPING);
	note("claude:c", BLAME_UPSTREAM, 500);
	expect("claude:c", HEALTH_COOLING);
}
END_TEST

START_TEST(what_began_before_says_nothing)
{
	struct report_outcome old = rig_outcome("claude:c", BLAME_UPSTREAM, 500);
	fails("claude:c", BLAME_UPSTREAM, 500, 3);
	pass(5000);
	old.age_ms = 5001; /* a stream that was running when the rest began */
	old.blame = BLAME_NOBODY;
	old.success = true;
	health_note(&health, &old, now);
	expect("claude:c", HEALTH_COOLING);
	pass(595000);
	expect("claude:c", HEALTH_HALF_OPEN);
	old.age_ms = 1;
	old.blame = BLAME_UPSTREAM;
	old.success = false;
	old.retry_after_ms = 1000;
	health_note(&health, &old, now);
	expect("claude:c", HEALTH_HALF_OPEN);
	old.age_ms = 0;
	health_note(&health, &old, now);
	expect("claude:c", HEALTH_COOLING);
	old.blame = BLAME_NOBODY; /* an answer to a call within the rest */
	old.success = true;
	health_note(&health, &old, now);
	expect("claude:c", HEALTH_RAMPING);
	old.age_ms = UINT64_MAX;
	health_note(&health, &old, now);
}
END_TEST

START_TEST(models_rest_alone)
{
	struct report_outcome outcome = rig_outcome("claude:a", BLAME_MODEL, 404);
	const struct health_entry *entry = health_find(&health, "claude:a");
	char name[32];
	outcome.model = name;
	outcome.count = 3;
	snprintf(name, sizeof(name), "opus");
	health_note(&health, &outcome, now);
	ck_assert_uint_eq(entry->model_count, 1);
	expect("claude:a", HEALTH_UP);
	pass(600000);
	ck_assert_int_eq(entry->models[0].unit.state, HEALTH_HALF_OPEN);
	outcome.success = true;
	health_note(&health, &outcome, now);
	ck_assert_int_eq(entry->models[0].unit.state, HEALTH_UP);
	pass(HEALTH_CALM_MS);
	ck_assert_uint_eq(entry->model_count, 0);
	/* Names are the clients' choice: only so many are kept, the longest rests among them. */
	outcome.success = false;
	outcome.retry_after_ms = 800000;
	for (unsigned i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "long-%u", i);
		health_note(&health, &outcome, now);
	}
	outcome.retry_after_ms = 0;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "random-%u", i);
		health_note(&health, &outcome, now);
		ck_assert_uint_le(entry->model_count, HEALTH_MODELS_MAX);
	}
	unsigned kept = 0;
	for (size_t i = 0; i < entry->model_count; i++)
		kept += strncmp(entry->models[i].name, "long-", 5) == 0;
	ck_assert_uint_eq(kept, 5);
	snprintf(name, sizeof(name), "%s", ""); /* no model, nobody */
	health_note(&health, &outcome, now);
	ck_assert_uint_eq(entry->model_count, HEALTH_MODELS_MAX);
}
END_TEST

START_TEST(by_hand)
{
	fails("claude:a", BLAME_NETWORK, 0, 3); /* a and b */
	fails("claude:c", BLAME_UPSTREAM, 500, 3);
	fails("codex:d", BLAME_UPSTREAM, 500, 3);
	fails("codex:d", BLAME_MODEL, 404, 3);
	ck_assert_uint_eq(health_clear(&health, GROUP_CLAUDE, "claude:c", now), 1);
	expect("claude:c", HEALTH_UP);
	expect("claude:a", HEALTH_COOLING);
	ck_assert_uint_eq(health_clear(&health, GROUP_CODEX, NULL, now), 2);
	expect("codex:d", HEALTH_UP);
	ck_assert_uint_eq(health_clear(&health, GROUP_COUNT, NULL, now), 1);
	expect("claude:b", HEALTH_UP);
	ck_assert_uint_eq(health_clear(&health, GROUP_COUNT, NULL, now), 0);
	/* What was under way does not undo it. */
	struct report_outcome old = rig_outcome("claude:c", BLAME_UPSTREAM, 500);
	old.age_ms = 1;
	old.count = 100;
	health_note(&health, &old, now);
	expect("claude:c", HEALTH_UP);
	ck_assert(health_probe_now(&health, "claude:c"));
	ck_assert(!health_probe_now(&health, "claude:x"));
	ck_assert_uint_eq(health_find(&health, "claude:c")->probe_seq, 1);
}
END_TEST

START_TEST(an_edit_of_address_or_key_begins_anew)
{
	struct table *table = table_new();
	fails("claude:a", BLAME_UPSTREAM, 500, 3);
	fails("claude:b", BLAME_UPSTREAM, 500, 3);
	fails("claude:c", BLAME_UPSTREAM, 500, 3);
	fails("codex:d", BLAME_NETWORK, 0, 3);
	rig_add(table, GROUP_CLAUDE, "claude:c", "https://two.test", "kc");
	rig_add(table, GROUP_CLAUDE, "claude:b", "https://one.test", "other key");
	rig_add(table, GROUP_CLAUDE, "claude:a", "https://three.test", "ka");
	rig_add(table, GROUP_CLAUDE, "claude:new", "https://one.test", "kb");
	rig_add(table, GROUP_CODEX, "codex:e", "https://one.test", "ke");
	health_sync(&health, table);
	expect("claude:c", HEALTH_COOLING);
	expect("claude:b", HEALTH_UP);
	expect("claude:a", HEALTH_UP);
	expect("claude:new", HEALTH_UP);
	expect("codex:e", HEALTH_COOLING); /* the address is as dead for a new key */
	ck_assert_ptr_null(health_find(&health, "codex:d"));
	table_unref(table);
}
END_TEST

START_TEST(new_limits_cut_rests)
{
	struct health_limits limits = rig_limits;
	fails("claude:c", BLAME_UPSTREAM, 500, 3);
	limits.max_ms = limits.cooldown_ms = 10000;
	health_set_limits(&health, GROUP_CLAUDE, &limits, now);
	ck_assert_uint_eq(view("claude:c").until_ms, now + 10000);
	limits.cooldown_ms = 0;
	health_set_limits(&health, GROUP_CLAUDE, &limits, now);
	expect("claude:c", HEALTH_UP);
	fails("claude:c", BLAME_UPSTREAM, 500, 1000); /* nothing rests */
	named("claude:c", 429, 1000);
	expect("claude:c", HEALTH_SUSPECT);
	limits = rig_limits;
	limits.threshold = 1;
	health_set_limits(&health, GROUP_CODEX, &limits, now);
	note("codex:d", BLAME_UPSTREAM, 500);
	expect("codex:d", HEALTH_COOLING);
}
END_TEST

START_TEST(probes_become_rarer)
{
	static const struct {
		uint64_t after;
		uint32_t every;
	} rows[] = {{0, 1000}, {119999, 1000}, {120000, 5000}, {599999, 5000}};
	uint64_t start = now;
	fails("claude:c", BLAME_UPSTREAM, 500, 3);
	ck_assert_uint_eq(health_next_ms(&health, now), now + 120000);
	for (size_t i = 0; i < 4; i++) {
		pass(start + rows[i].after - now);
		ck_assert_uint_eq(view("claude:c").probe_every_ms, rows[i].every);
	}
	ck_assert_uint_eq(health_next_ms(&health, now), start + 600000);
	struct health_limits limits = rig_limits;
	limits.probe_max_ms = 2000;
	health_set_limits(&health, GROUP_CLAUDE, &limits, now);
	ck_assert_uint_eq(view("claude:c").probe_every_ms, 2000);
	limits.probe_max_ms = 0;
	health_set_limits(&health, GROUP_CLAUDE, &limits, now);
	ck_assert_uint_eq(view("claude:c").probe_every_ms, 1000);
}
END_TEST

static unsigned moves;

static void
on_move(const struct health_move *move, void *ctx)
{
	ck_assert_ptr_eq(ctx, &moves);
	ck_assert_str_eq(move->id, "claude:c");
	moves++;
}

START_TEST(moves_are_told_and_calls_counted)
{
	health.on_move = on_move;
	health.ctx = &moves;
	uint64_t revision = health.revision;
	answers("claude:c");
	ck_assert_uint_eq(health.revision, revision);
	fails("claude:c", BLAME_UPSTREAM, 500, 3);
	ck_assert_uint_eq(moves, 2);
	ck_assert_uint_gt(health.revision, revision);
	const struct health_entry *entry = health_find(&health, "claude:c");
	ck_assert_uint_eq(entry->successes, 1);
	ck_assert_uint_eq(entry->failures, 3);
	struct report_outcome outcome = rig_outcome("claude:c", BLAME_NOBODY, 200);
	outcome.ttfb_ms = 800;
	health_note(&health, &outcome, now);
	ck_assert_uint_eq(entry->ttfb_ms, 800);
	outcome.ttfb_ms = 1600;
	health_note(&health, &outcome, now);
	ck_assert_uint_eq(entry->ttfb_ms, 900);
	health.on_move = NULL;
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("health");
	TCase *tcase = tcase_create("health");
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_way_down_and_up);
	tcase_add_test(tcase, an_answer_clears_the_errors);
	tcase_add_test(tcase, errors_are_forgotten);
	tcase_add_test(tcase, only_the_blamed_is_punished);
	tcase_add_test(tcase, other_calls_judge_nobody);
	tcase_add_test(tcase, an_answer_of_any_kind_mends_the_network);
	tcase_add_test(tcase, which_probes_convince);
	tcase_add_test(tcase, a_probe_punishes_nobody);
	tcase_add_test(tcase, a_named_time_is_honoured_and_bounded);
	tcase_add_test(tcase, a_later_named_time_prolongs_a_rest);
	tcase_add_test(tcase, flapping_is_damped);
	tcase_add_test(tcase, a_good_probe_waits_no_longer_than_the_pause_of_probes);
	tcase_add_test(tcase, a_ramp_forgives_single_errors);
	tcase_add_test(tcase, what_began_before_says_nothing);
	tcase_add_test(tcase, models_rest_alone);
	tcase_add_test(tcase, by_hand);
	tcase_add_test(tcase, an_edit_of_address_or_key_begins_anew);
	tcase_add_test(tcase, new_limits_cut_rests);
	tcase_add_test(tcase, probes_become_rarer);
	tcase_add_test(tcase, moves_are_told_and_calls_counted);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
