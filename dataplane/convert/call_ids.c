#include "call_ids.h"

#include "tool_names.h"

#define ID_BYTES_MAX 64 /* the longest that clients get: see names_id */

void
call_ids_init(struct call_ids *ids, struct arena *arena, const struct request *request,
    struct view request_id_plain)
{
	*ids = (struct call_ids){
	    .arena = arena, .request = request, .request_id_plain = request_id_plain};
}

static bool
is_in_history(const struct request *request, struct view id)
{
	for (const struct turn *turn = request->first; turn != NULL; turn = turn->next) {
		for (const struct part *part = turn->first; part != NULL; part = part->next) {
			if (part->kind == PART_CALL && view_eq(part->id_plain, id))
				return true;
		}
	}
	return false;
}

/* `id`: as the client gets it. */
static bool
is_taken(const struct call_ids *ids, struct view id)
{
	if (ids->count >= CALL_IDS_LOOKED_UP)
		return true;
	for (unsigned i = 0; i < ids->count; i++) {
		if (view_eq(ids->used[i], id))
			return true;
	}
	return is_in_history(ids->request, id);
}

struct view
call_ids_next(struct call_ids *ids, struct view id_plain)
{
	const struct view none = {NULL, 0};
	struct view id = id_plain.len > 0 ? names_id(ids->arena, id_plain, ID_BYTES_MAX, 0) : none;
	bool own = id.len > 0 && !is_taken(ids, id);
	if (id_plain.len > 0 && id.data == NULL)
		return none;
	id = own ? arena_copy(ids->arena, id)
		 : arena_printf(
		       ids->arena, "call_%.*s_%u", VIEW_ARGS(ids->request_id_plain), ids->count);
	if (ids->count < CALL_IDS_LOOKED_UP)
		ids->used[ids->count] = id;
	ids->count++;
	return id;
}
