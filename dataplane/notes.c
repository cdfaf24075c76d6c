#include "notes.h"
#include "mem.h"
#include "must.h"
#include <string.h>

#define NOTES_MAX REPORT_OUTCOMES_MAX

struct pile {
	struct report_outcome items[NOTES_MAX];
	uint64_t began_ms[NOTES_MAX]; /* the last call of each */
	size_t count;
};

struct notes {
	struct pile piles[2]; /* one is sent, the other grows */
	unsigned growing;
	bool sent;    /* the other pile is under way */
	uint64_t seq; /* of the pile that is or was sent last */
};

struct notes *
notes_new(void)
{
	return MEM_NEW(struct notes);
}

static void
drop(struct pile *pile, size_t index)
{
	mem_free(pile->items[index].upstream);
	mem_free(pile->items[index].model);
	size_t behind = pile->count - index - 1;
	memmove(&pile->items[index], &pile->items[index + 1], behind * sizeof(pile->items[0]));
	memmove(
	    &pile->began_ms[index], &pile->began_ms[index + 1], behind * sizeof(pile->began_ms[0]));
	pile->count--;
}

static void
clear(struct pile *pile)
{
	while (pile->count > 0)
		drop(pile, pile->count - 1);
}

void
notes_free(struct notes *notes)
{
	if (notes == NULL)
		return;
	clear(&notes->piles[0]);
	clear(&notes->piles[1]);
	mem_free(notes);
}

static bool
is_alike(const struct report_outcome *a, const struct report_outcome *b)
{
	return a->blame == b->blame && a->status == b->status && a->success == b->success &&
	       a->begun == b->begun && a->generate == b->generate && a->probe == b->probe &&
	       a->activation == b->activation && a->probe_seq == b->probe_seq &&
	       strcmp(a->reason, b->reason) == 0 && strcmp(a->upstream, b->upstream) == 0 &&
	       strcmp(a->model, b->model) == 0;
}

/* Answers say less than failures: they go first. */
static void
make_room(struct pile *pile)
{
	size_t i = 0;
	if (pile->count < NOTES_MAX)
		return;
	while (i < pile->count && !pile->items[i].success)
		i++;
	drop(pile, i < pile->count ? i : 0);
}

static void
merge(struct report_outcome *into, const struct report_outcome *outcome)
{
	into->count += into->count < UINT32_MAX;
	if (outcome->ttfb_ms != 0)
		into->ttfb_ms = outcome->ttfb_ms;
	if (outcome->retry_after_ms > into->retry_after_ms)
		into->retry_after_ms = outcome->retry_after_ms;
}

bool
notes_add(struct notes *notes, const struct report_outcome *outcome, uint64_t began_ms)
{
	struct pile *pile = &notes->piles[notes->growing];
	bool blamed = !outcome->success && outcome->blame != BLAME_NOBODY &&
		      outcome->blame != BLAME_REQUEST && outcome->blame != BLAME_CLIENT;
	/* The newest are likest. */
	for (size_t i = pile->count; i-- > 0;) {
		if (!is_alike(&pile->items[i], outcome))
			continue;
		merge(&pile->items[i], outcome);
		if (began_ms > pile->began_ms[i])
			pile->began_ms[i] = began_ms;
		return blamed || outcome->probe || outcome->activation;
	}
	make_room(pile);
	struct report_outcome *item = &pile->items[pile->count];
	*item = *outcome;
	item->upstream = mem_dup_str(outcome->upstream);
	item->model = mem_dup_str(outcome->model);
	item->count = 1;
	pile->began_ms[pile->count++] = began_ms;
	return blamed || outcome->probe || outcome->activation;
}

void
notes_batch(struct notes *notes, struct report *report, uint64_t now_ms)
{
	if (!notes->sent) {
		struct pile *pile = &notes->piles[notes->growing];
		report->outcomes_seq = 0;
		report->outcomes = NULL;
		report->outcome_count = 0;
		if (pile->count == 0)
			return;
		notes->sent = true;
		notes->seq++;
		notes->growing = 1 - notes->growing;
	}
	struct pile *pile = &notes->piles[1 - notes->growing];
	for (size_t i = 0; i < pile->count; i++) {
		uint64_t began_ms = pile->began_ms[i];
		pile->items[i].age_ms = now_ms > began_ms ? now_ms - began_ms : 0;
	}
	report->outcomes_seq = notes->seq;
	report->outcomes = pile->items;
	report->outcome_count = pile->count;
}

void
notes_taken(struct notes *notes, uint64_t seq)
{
	if (!notes->sent || seq != notes->seq)
		return;
	notes->sent = false;
	clear(&notes->piles[1 - notes->growing]);
}
