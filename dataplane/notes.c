#include "notes.h"
#include "blame.h"
#include "mem.h"
#include "table.h"
#include <string.h>

struct pile {
	struct report_outcome items[REPORT_OUTCOMES_MAX];
	uint64_t began_ms[REPORT_OUTCOMES_MAX]; /* the latest call of each */
	size_t count;
};

struct notes {
	struct pile piles[2];
	struct pile *growing, *sent;
	uint64_t seq; /* of `sent` */
};

/* Which give way first when there is no more room. */
enum worth {
	WORTH_BEGUN, /* its end will be told too */
	WORTH_ANSWER,
	WORTH_FAILURE,
	WORTH_URGENT, /* somebody is judged by it, or waits for it */
};

struct notes *
notes_new(void)
{
	struct notes *notes = MEM_NEW(struct notes);
	notes->growing = &notes->piles[0];
	notes->sent = &notes->piles[1];
	return notes;
}

static void
fini_item(struct report_outcome *item)
{
	mem_free(item->upstream);
	mem_free(item->model);
}

static void
clear(struct pile *pile)
{
	for (size_t i = 0; i < pile->count; i++)
		fini_item(&pile->items[i]);
	pile->count = 0;
}

void
notes_free(struct notes *notes)
{
	if (notes == NULL)
		return;
	clear(notes->growing);
	clear(notes->sent);
	mem_free(notes);
}

/* ---- what is worth what ---- */

/* Blamed on whom controlplane punishes. */
static bool
is_blamed(const struct report_outcome *outcome)
{
	if (outcome->success || !outcome->generate)
		return false;
	switch ((enum blame)outcome->blame) {
	case BLAME_KEY:
	case BLAME_MODEL:
	case BLAME_UPSTREAM:
	case BLAME_NETWORK:
		return true;
	case BLAME_NOBODY:
	case BLAME_REQUEST:
	case BLAME_US:
	case BLAME_CLIENT:
		break;
	}
	return false;
}

static bool
is_urgent(const struct report_outcome *outcome)
{
	return outcome->probe || outcome->activation || is_blamed(outcome);
}

static enum worth
worth_of(const struct report_outcome *outcome)
{
	if (is_urgent(outcome))
		return WORTH_URGENT;
	if (!outcome->success)
		return WORTH_FAILURE;
	return outcome->begun ? WORTH_BEGUN : WORTH_ANSWER;
}

/* ---- the pile that grows ---- */

static bool
is_alike(const struct report_outcome *a, const struct report_outcome *b)
{
	return a->blame == b->blame && a->status == b->status && a->success == b->success &&
	       a->begun == b->begun && a->generate == b->generate && a->probe == b->probe &&
	       a->activation == b->activation && a->probe_seq == b->probe_seq &&
	       strcmp(a->upstream, b->upstream) == 0 && strcmp(a->model, b->model) == 0 &&
	       strcmp(a->reason, b->reason) == 0;
}

/* An answer between two failures, or the other way round: these two are not to be one. */
static bool
parts(const struct report_outcome *between, const struct report_outcome *outcome)
{
	return between->success != outcome->success &&
	       strcmp(between->upstream, outcome->upstream) == 0;
}

/* The index of the note that takes it in, or `count`. The newest are the likeliest. */
static size_t
find_alike(const struct pile *pile, const struct report_outcome *outcome, bool across)
{
	for (size_t i = pile->count; i-- > 0;) {
		if (is_alike(&pile->items[i], outcome))
			return i;
		if (!across && parts(&pile->items[i], outcome))
			break;
	}
	return pile->count;
}

static void
merge(struct pile *pile, size_t index, const struct report_outcome *outcome, uint64_t began_ms)
{
	struct report_outcome *into = &pile->items[index];
	into->count += into->count < UINT32_MAX;
	if (outcome->ttfb_ms != 0)
		into->ttfb_ms = outcome->ttfb_ms;
	if (outcome->retry_after_ms > into->retry_after_ms)
		into->retry_after_ms = outcome->retry_after_ms;
	if (began_ms > pile->began_ms[index])
		pile->began_ms[index] = began_ms;
}

/* The oldest of the least worth gives way; false when all are worth more than what comes. */
static bool
make_room(struct pile *pile, enum worth worth)
{
	size_t least = 0;
	for (size_t i = 1; i < pile->count; i++) {
		if (worth_of(&pile->items[i]) < worth_of(&pile->items[least]))
			least = i;
	}
	if (worth_of(&pile->items[least]) > worth)
		return false;
	fini_item(&pile->items[least]);
	size_t behind = --pile->count - least;
	memmove(&pile->items[least], &pile->items[least + 1], behind * sizeof(pile->items[0]));
	memmove(
	    &pile->began_ms[least], &pile->began_ms[least + 1], behind * sizeof(pile->began_ms[0]));
	return true;
}

static void
add_new(struct pile *pile, const struct report_outcome *outcome, uint64_t began_ms)
{
	struct report_outcome *item = &pile->items[pile->count];
	*item = *outcome;
	item->upstream = mem_dup_str(outcome->upstream);
	item->model = mem_dup_str(outcome->model);
	item->count = 1;
	pile->began_ms[pile->count++] = began_ms;
}

bool
notes_add(struct notes *notes, const struct report_outcome *outcome, uint64_t began_ms)
{
	struct pile *pile = notes->growing;
	struct report_outcome fit = *outcome;
	char none[] = "";
	/* Controlplane would refuse the whole report. */
	if (strlen(fit.model) > TABLE_NAME_BYTES_MAX)
		fit.model = none;
	size_t at = find_alike(pile, &fit, pile->count == REPORT_OUTCOMES_MAX);
	if (at < pile->count)
		merge(pile, at, &fit, began_ms);
	else if (pile->count < REPORT_OUTCOMES_MAX || make_room(pile, worth_of(&fit)))
		add_new(pile, &fit, began_ms);
	return is_urgent(&fit);
}

/* ---- the pile that is sent ---- */

void
notes_batch(struct notes *notes, struct report *report, uint64_t now_ms)
{
	if (notes->sent->count == 0 && notes->growing->count > 0) {
		struct pile *empty = notes->sent;
		notes->sent = notes->growing;
		notes->growing = empty;
		notes->seq++;
	}
	struct pile *pile = notes->sent;
	for (size_t i = 0; i < pile->count; i++) {
		uint64_t began_ms = pile->began_ms[i];
		pile->items[i].age_ms = now_ms > began_ms ? now_ms - began_ms : 0;
	}
	report->outcomes_seq = pile->count > 0 ? notes->seq : 0;
	report->outcomes = pile->count > 0 ? pile->items : NULL;
	report->outcome_count = pile->count;
}

void
notes_taken(struct notes *notes, uint64_t seq)
{
	if (seq == notes->seq)
		clear(notes->sent);
}
