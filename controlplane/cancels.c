#include "cancels.h"
#include "crypto.h"
#include "must.h"
#include <stdio.h>
#include <string.h>

/* Room for all that may be ordered, within what JSON's integers hold. */
#define SEQ_FIRST_MAX ((uint64_t)1 << 62)

void
cancels_init(struct cancels *cancels)
{
	cancels->count = 0;
	cancels->seq = 1 + crypto_random_u64() % SEQ_FIRST_MAX;
}

static void
remove_at(struct cancels *cancels, size_t at)
{
	cancels->count--;
	memmove(&cancels->items[at], &cancels->items[at + 1],
	    (cancels->count - at) * sizeof(cancels->items[0]));
}

uint64_t
cancels_order(
    struct cancels *cancels, struct view id, const struct history_who *who, uint64_t now_ms)
{
	if (id.len == 0 || id.len >= REPORT_ID_BYTES)
		return 0;
	for (size_t i = 0; i < cancels->count; i++) {
		const struct cancel *one = &cancels->items[i];
		bool again = who->request[0] != '\0' && strcmp(who->request, one->who.request) == 0;
		if (view_eq_str(id, one->id) && (again || !one->ended))
			return one->seq;
	}
	if (cancels->count == CANCELS_MAX)
		remove_at(cancels, 0);
	struct cancel *one = &cancels->items[cancels->count++];
	*one = (struct cancel){.seq = ++cancels->seq, .ordered_ms = now_ms, .who = *who};
	(void)snprintf(one->id, sizeof(one->id), "%.*s", VIEW_ARGS(id));
	return one->seq;
}

const struct cancel *
cancels_note(struct cancels *cancels, struct view id)
{
	for (size_t i = 0; i < cancels->count; i++) {
		struct cancel *one = &cancels->items[i];
		if (one->ended || !view_eq_str(id, one->id))
			continue;
		one->ended = true;
		return one;
	}
	return NULL;
}

/* The numbers of this start lie between the first order that is kept and the newest. */
static bool
has_looked(const struct cancels *cancels, const struct report *report, uint64_t seq)
{
	return report->cancel_seq >= seq && report->cancel_seq <= cancels->seq;
}

enum cancel_fate
cancels_fate(const struct cancels *cancels, const struct dataplanes *dataplanes, uint64_t seq,
    uint64_t now_ms)
{
	const struct cancel *one = NULL;
	bool all = true;
	for (size_t i = 0; i < cancels->count; i++)
		one = cancels->items[i].seq == seq ? &cancels->items[i] : one;
	if (one == NULL)
		return CANCEL_ABSENT;
	if (one->ended)
		return CANCEL_ENDED;
	for (size_t i = 0; i < dataplanes->count; i++)
		all = all && has_looked(cancels, &dataplanes->items[i].report, seq);
	return all || now_ms - one->ordered_ms >= CANCELS_WAIT_MS ? CANCEL_ABSENT : CANCEL_WAITS;
}

void
cancels_expire(struct cancels *cancels, uint64_t now_ms)
{
	while (cancels->count > 0 && now_ms - cancels->items[0].ordered_ms >= CANCELS_FORGET_MS)
		remove_at(cancels, 0);
}

json_t *
cancels_encode(const struct cancels *cancels)
{
	json_t *ids = json_array();
	for (size_t i = 0; i < cancels->count; i++) {
		if (!cancels->items[i].ended)
			MUST(json_array_append_new(ids, json_string(cancels->items[i].id)) == 0);
	}
	if (json_array_size(ids) == 0) {
		json_decref(ids);
		return NULL;
	}
	json_t *body = json_pack("{s:o, s:I}", "ids", ids, "seq", (json_int_t)cancels->seq);
	MUST(body != NULL);
	return body;
}
