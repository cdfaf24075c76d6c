#include "dataplanes.h"
#include "must.h"
#include <string.h>

#define YOUNG_MS 5000

static struct dataplane *
find(struct dataplanes *all, const struct report *report)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct report *other = &all->items[i].report;
		if (other->boot_id == report->boot_id &&
		    strcmp(other->instance, report->instance) == 0)
			return &all->items[i];
	}
	return NULL;
}

static struct dataplane *
longest_silent(struct dataplanes *all)
{
	struct dataplane *oldest = &all->items[0];
	for (size_t i = 1; i < all->count; i++) {
		if (all->items[i].seen_ms < oldest->seen_ms)
			oldest = &all->items[i];
	}
	return oldest;
}

static void
drop_lists(struct dataplane *item)
{
	json_decref(item->running);
	json_decref(item->loads);
}

static uint64_t
grown(uint64_t before, uint64_t now)
{
	return now > before ? now - before : 0;
}

static void
count_requests(struct dataplanes *all, const struct report *before, const struct report *now)
{
	all->ended += grown(before->completed, now->completed) + grown(before->errors, now->errors);
	all->errors += grown(before->errors, now->errors);
}

bool
dataplanes_note(struct dataplanes *all, const struct report *report, uint64_t now_ms)
{
	struct dataplane *place = find(all, report);
	bool is_new = place == NULL;
	static const struct report nothing = {0};
	/* What an old one has counted before we heard of it was long ago. */
	if (!is_new)
		count_requests(all, &place->report, report);
	else if (report->sent_ms - report->started_ms < YOUNG_MS)
		count_requests(all, &nothing, report);
	if (is_new) {
		place =
		    all->count < DATAPLANES_MAX ? &all->items[all->count++] : longest_silent(all);
	}
	drop_lists(place);
	*place = (struct dataplane){.report = *report,
	    .running = report_encode_running(report),
	    .loads = report_encode_loads(report),
	    .seen_ms = now_ms};
	/* The lists are the caller's. */
	place->report.outcomes = NULL;
	place->report.lessons = NULL;
	place->report.trials = NULL;
	place->report.running = NULL;
	place->report.loads = NULL;
	place->report.cancelled = NULL;
	place->report.outcome_count = place->report.lesson_count = place->report.trial_count = 0;
	place->report.running_count = place->report.load_count = 0;
	place->report.cancelled_count = 0;
	return is_new;
}

bool
dataplanes_has_batch(struct dataplanes *all, const struct report *report)
{
	const struct dataplane *known = find(all, report);
	return known != NULL && report->outcomes_seq > 0 &&
	       report->outcomes_seq <= known->report.outcomes_seq;
}

bool
dataplanes_expire(struct dataplanes *all, uint64_t now_ms)
{
	size_t kept = 0;
	for (size_t i = 0; i < all->count; i++) {
		if (now_ms - all->items[i].seen_ms < DATAPLANES_FORGET_MS)
			all->items[kept++] = all->items[i];
		else
			drop_lists(&all->items[i]);
	}
	for (size_t i = kept; i < all->count; i++)
		all->items[i] = (struct dataplane){0};
	bool any = kept < all->count;
	all->count = kept;
	return any;
}

bool
dataplanes_choose_prober(struct dataplanes *all, uint64_t now_ms)
{
	const struct dataplane *newest = NULL;
	uint64_t before = all->prober;
	for (size_t i = 0; i < all->count; i++) {
		const struct dataplane *item = &all->items[i];
		if (now_ms - item->seen_ms >= DATAPLANES_PROBER_MS)
			continue;
		if (item->report.boot_id == before)
			return false;
		if (newest == NULL || item->seen_ms >= newest->seen_ms)
			newest = item;
	}
	all->prober = newest != NULL ? newest->report.boot_id : 0;
	return all->prober != before;
}

json_t *
dataplanes_encode(const struct dataplanes *all, uint64_t now_ms)
{
	static const char *const lists[] = {
	    "outcomes", "lessons", "trials", "loads", "cancelled", "cancel_seq"};
	json_t *list = json_array();
	for (size_t i = 0; i < all->count; i++) {
		json_t *item = report_encode(&all->items[i].report);
		for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++)
			MUST(json_object_del(item, lists[k]) == 0);
		MUST(json_object_set(item, "running", all->items[i].running) == 0);
		json_int_t age = (json_int_t)(now_ms - all->items[i].seen_ms);
		MUST(json_object_set_new(item, "age_ms", json_integer(age)) == 0);
		MUST(json_array_append_new(list, item) == 0);
	}
	return list;
}

json_t *
dataplanes_loads(const struct dataplanes *all)
{
	json_t *sums = json_object();
	for (size_t i = 0; i < all->count; i++) {
		const json_t *loads = all->items[i].loads;
		for (size_t k = 0; k < json_array_size(loads); k++) {
			const json_t *one = json_array_get(loads, k);
			const char *id = json_string_value(json_object_get(one, "upstream"));
			json_int_t count = json_integer_value(json_object_get(one, "in_flight"));
			count += json_integer_value(json_object_get(sums, id));
			MUST(json_object_set_new(sums, id, json_integer(count)) == 0);
		}
	}
	return sums;
}

void
dataplanes_fini(struct dataplanes *all)
{
	for (size_t i = 0; i < all->count; i++)
		drop_lists(&all->items[i]);
	all->count = 0;
}
