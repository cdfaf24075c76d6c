#include "decisions.h"
#include "must.h"
#include <stdbool.h>
#include <string.h>

void
decisions_fini(struct decisions *decisions)
{
	for (size_t i = 0; i < decisions->count; i++)
		record_fini(&decisions->items[i]);
	decisions->count = decisions->next = 0;
}

void
decisions_add(struct decisions *decisions, struct record *record)
{
	struct record *place = &decisions->items[decisions->next];
	record_fini(place);
	*place = *record;
	*record = (struct record){0};
	decisions->next = (decisions->next + 1) % DECISIONS_MAX;
	decisions->count += decisions->count < DECISIONS_MAX;
}

static bool
was_asked(const struct record *record, const char *upstream)
{
	for (size_t i = 0; i < record->attempt_count; i++) {
		if (strcmp(record->attempts[i].upstream, upstream) == 0)
			return true;
	}
	return false;
}

json_t *
decisions_encode(
    const struct decisions *decisions, const char *id, const char *upstream, size_t limit)
{
	json_t *list = json_array();
	if (limit > DECISIONS_SHOWN_MAX)
		limit = DECISIONS_SHOWN_MAX;
	for (size_t i = 1; i <= decisions->count && json_array_size(list) < limit; i++) {
		size_t at = (decisions->next + DECISIONS_MAX - i) % DECISIONS_MAX;
		const struct record *record = &decisions->items[at];
		if (id != NULL && strncmp(record->id, id, strlen(id)) != 0)
			continue;
		if (upstream != NULL && !was_asked(record, upstream))
			continue;
		MUST(json_array_append_new(list, record_encode(record)) == 0);
	}
	return list;
}
