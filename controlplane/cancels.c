#include "cancels.h"
#include "must.h"
#include <stdio.h>
#include <string.h>

static void
remove_at(struct cancels *cancels, size_t at)
{
	cancels->count--;
	memmove(&cancels->items[at], &cancels->items[at + 1],
	    (cancels->count - at) * sizeof(cancels->items[0]));
}

bool
cancels_order(
    struct cancels *cancels, const struct dataplanes *dataplanes, struct view id, uint64_t now_ms)
{
	if (!dataplanes_run(dataplanes, id))
		return false;
	for (size_t i = 0; i < cancels->count; i++) {
		if (view_eq_str(id, cancels->items[i].id))
			return true;
	}
	if (cancels->count == CANCELS_MAX)
		remove_at(cancels, 0);
	size_t at = cancels->count++;
	cancels->items[at].ordered_ms = now_ms;
	(void)snprintf(cancels->items[at].id, sizeof(cancels->items[at].id), "%.*s", VIEW_ARGS(id));
	return true;
}

void
cancels_expire(struct cancels *cancels, const struct dataplanes *dataplanes, uint64_t now_ms)
{
	for (size_t i = cancels->count; i > 0; i--) {
		bool old = now_ms - cancels->items[i - 1].ordered_ms >= CANCELS_FORGET_MS;
		if (old || !dataplanes_run(dataplanes, view_of(cancels->items[i - 1].id)))
			remove_at(cancels, i - 1);
	}
}

json_t *
cancels_encode(const struct cancels *cancels)
{
	if (cancels->count == 0)
		return NULL;
	json_t *ids = json_array();
	for (size_t i = 0; i < cancels->count; i++)
		MUST(json_array_append_new(ids, json_string(cancels->items[i].id)) == 0);
	json_t *body = json_pack("{s:o}", "ids", ids);
	MUST(body != NULL);
	return body;
}
