/* Requests, written: the turns of any client in the order that this protocol wants. A call's result
 * stands in the very next user message, before anything else there; every call has one; roles
 * alternate; nothing is empty. */
#include "anthropic.h"
#include "crypto.h"
#include "envelope_state.h"

#include <string.h>

/* A turn of the new list. */
struct place {
	struct turn turn;
	struct part *last_result; /* results stand first */
};

struct call {
	struct part *part;   /* in the new list */
	struct place *place; /* its turn */
	struct part *result; /* NULL: not answered yet */
	struct call *older;  /* with the same id */
	struct call *next;   /* in order */
};

struct slot {
	struct view id;
	struct call *newest; /* NULL: free */
	unsigned count;
};

struct arrange {
	struct anthropic_write *write;
	struct arena *arena;
	struct place *first, *last;
	struct call *calls, *calls_last;
	unsigned call_count;
	struct slot *slots;
	size_t mask;
};

static struct place *
next_place(const struct place *place)
{
	return (struct place *)place->turn.next; /* the turn is a place's first member */
}

static struct place *
insert_place(struct arrange *arrange, struct place *behind, enum role role, const char *path)
{
	struct place *place = arena_alloc(arrange->arena, sizeof(*place));
	if (place == NULL)
		return NULL;
	place->turn.role = role;
	place->turn.path = path;
	if (behind != NULL) {
		place->turn.next = behind->turn.next;
		behind->turn.next = &place->turn;
	} else {
		place->turn.next = arrange->first != NULL ? &arrange->first->turn : NULL;
		arrange->first = place;
	}
	if (arrange->last == behind)
		arrange->last = place;
	return place;
}

/* The last turn when it has this role, else a new one. */
static struct place *
place_for(struct arrange *arrange, enum role role, const char *path)
{
	if (arrange->last != NULL && arrange->last->turn.role == role)
		return arrange->last;
	return insert_place(arrange, arrange->last, role, path);
}

/* A copy of `part` without its neighbours. */
static struct part *
copy_part(struct arrange *arrange, const struct part *part)
{
	struct part *copy = arena_alloc(arrange->arena, sizeof(*copy));
	if (copy != NULL) {
		*copy = *part;
		copy->next = NULL;
	}
	return copy;
}

static bool
append_part(struct arrange *arrange, enum role role, const struct part *part, const char *path)
{
	struct place *place = place_for(arrange, role, path);
	struct part *copy = copy_part(arrange, part);
	if (place == NULL || copy == NULL)
		return anthropic_full(arrange->write->err);
	if (place->turn.last != NULL)
		place->turn.last->next = copy;
	else
		place->turn.first = copy;
	place->turn.last = copy;
	return true;
}

static void
insert_result(struct place *place, struct part *result)
{
	struct part **at =
	    place->last_result != NULL ? &place->last_result->next : &place->turn.first;
	result->next = *at;
	*at = result;
	place->last_result = result;
	if (result->next == NULL)
		place->turn.last = result;
}

/* ---- calls by id ---- */

static bool
make_slots(struct arrange *arrange)
{
	size_t calls = 0;
	for (const struct turn *turn = arrange->write->request->first; turn; turn = turn->next) {
		for (const struct part *part = turn->first; part; part = part->next)
			calls += part->kind == PART_CALL;
	}
	size_t size = 8;
	while (size < calls * 2)
		size *= 2;
	arrange->mask = size - 1;
	arrange->slots = arena_alloc(arrange->arena, size * sizeof(struct slot));
	return arrange->slots != NULL || anthropic_full(arrange->write->err);
}

static struct slot *
find_slot(struct arrange *arrange, struct view id)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	uint64_t hash;
	crypto_sha256(id, digest); /* ids are the client's choice: no cheap hash here */
	memcpy(&hash, digest, sizeof(hash));
	size_t at = (size_t)hash & arrange->mask;
	while (arrange->slots[at].newest != NULL && !view_eq(arrange->slots[at].id, id))
		at = (at + 1) & arrange->mask;
	return &arrange->slots[at];
}

/* Legal, and unlike all others of the request: a client may use an id again in a later round. */
static struct view
wire_id(struct arrange *arrange, struct view id, unsigned used)
{
	unsigned seed = arrange->call_count;
	if (used == 0 || id.len == 0)
		return names_id(arrange->arena, id, ANTHROPIC_ID_MAX, seed);
	struct view again = arena_printf(arrange->arena, "%.*s#%u", VIEW_ARGS(id), used);
	return again.data == NULL ? again : names_id(arrange->arena, again, ANTHROPIC_ID_MAX, seed);
}

static bool
add_call(struct arrange *arrange, const struct part *part, const char *path)
{
	struct call *call = arena_alloc(arrange->arena, sizeof(*call));
	if (call == NULL || !append_part(arrange, ROLE_ASSISTANT, part, path))
		return anthropic_full(arrange->write->err);
	struct slot *slot = find_slot(arrange, part->id_plain);
	call->place = arrange->last;
	call->part = arrange->last->turn.last;
	call->part->id_plain = wire_id(arrange, part->id_plain, slot->count);
	call->older = slot->newest;
	slot->id = part->id_plain;
	slot->newest = call;
	slot->count++;
	arrange->call_count++;
	if (arrange->calls_last != NULL)
		arrange->calls_last->next = call;
	else
		arrange->calls = call;
	arrange->calls_last = call;
	if (part->input_broken)
		return ledger_lose(
		    arrange->write->options->ledger, arrange->write->err, "%s", part->path);
	return call->part->id_plain.data != NULL || anthropic_full(arrange->write->err);
}

/* The call that a result with this id answers: the first open one of the newest round that has one;
 * else the newest answered one; else NULL. */
static struct call *
find_call(struct arrange *arrange, struct view id)
{
	struct call *newest = find_slot(arrange, id)->newest;
	struct call *open = newest;
	while (open != NULL && open->result != NULL)
		open = open->older;
	if (open == NULL)
		return newest;
	while (
	    open->older != NULL && open->older->place == open->place && open->older->result == NULL)
		open = open->older;
	return open;
}

/* The user turn right behind the call's turn. */
static struct place *
result_place(struct arrange *arrange, const struct call *call, const char *path)
{
	struct place *next = next_place(call->place);
	if (next != NULL && next->turn.role == ROLE_USER)
		return next;
	return insert_place(arrange, call->place, ROLE_USER, path);
}

static bool
answer_call(struct arrange *arrange, struct call *call, const struct part *result)
{
	struct place *place = result_place(arrange, call, result->path);
	struct part *copy = copy_part(arrange, result);
	if (place == NULL || copy == NULL)
		return anthropic_full(arrange->write->err);
	copy->id_plain = call->part->id_plain;
	call->result = copy;
	insert_result(place, copy);
	return true;
}

/* ---- parts ---- */

/* Thinking goes back to who minted it, or nowhere. False in *keep: it is left out. */
static bool
settle_thinking(struct arrange *arrange, struct part *part, bool *keep)
{
	const struct encode_options *options = arrange->write->options;
	*keep = true;
	switch (envelope_state_unwrap(
	    part->signature_text, WIRE_ANTHROPIC, options->upstream_plain, arrange->arena, part)) {
	case ENVELOPE_STATE_OURS:
		return true;
	case ENVELOPE_STATE_NONE:
		*keep =
		    arrange->write->request->from == WIRE_ANTHROPIC && part->signature_text.len > 0;
		return true;
	case ENVELOPE_STATE_BROKEN:
		*keep = false;
		return ledger_lose(options->ledger, arrange->write->err, "%s", part->path);
	case ENVELOPE_STATE_FOREIGN:
		break;
	}
	*keep = false;
	return true;
}

/* The part as it may be written; false in *keep when nothing of it is left. */
static bool
settle_part(struct arrange *arrange, struct part *part, bool *keep)
{
	struct anthropic_write *write = arrange->write;
	*keep = true;
	switch (part->kind) {
	case PART_REFUSAL:
		part->kind = PART_TEXT;
		*keep = !anthropic_is_blank(part->text);
		return true;
	case PART_TEXT:
		*keep = !anthropic_is_blank(part->text);
		return true;
	case PART_THINKING:
	case PART_REDACTED:
		return settle_thinking(arrange, part, keep);
	case PART_AUDIO:
		return ledger_refuse(
		    write->err, part->path, "the anthropic protocol takes no audio");
	case PART_HOSTED:
	case PART_SEARCH:
		*keep = write->request->from == WIRE_ANTHROPIC;
		return *keep || ledger_lose(write->options->ledger, write->err, "%s", part->path);
	case PART_IMAGE:
	case PART_FILE:
	case PART_CALL:
	case PART_RESULT:
		break;
	}
	return true;
}

/* `*list` becomes a list of settled copies. */
static bool
settle_children(struct arrange *arrange, struct part *result)
{
	const struct part *child = result->children;
	result->children = result->children_last = NULL;
	for (; child != NULL; child = child->next) {
		bool keep = false;
		struct part *copy = copy_part(arrange, child);
		if (copy == NULL)
			return anthropic_full(arrange->write->err);
		if (!settle_part(arrange, copy, &keep))
			return false;
		if (!keep)
			continue;
		if (result->children_last != NULL)
			result->children_last->next = copy;
		else
			result->children = copy;
		result->children_last = copy;
	}
	return true;
}

/* A result that answers nothing is told as text. */
static bool
add_orphan(struct arrange *arrange, const struct part *result, const char *path)
{
	struct anthropic_write *write = arrange->write;
	if (!ledger_lose(write->options->ledger, write->err, "%s", result->path))
		return false;
	for (const struct part *child = result->children; child != NULL; child = child->next) {
		if (!append_part(arrange, ROLE_USER, child, path))
			return false;
	}
	return true;
}

static bool
add_result(struct arrange *arrange, const struct part *part, const char *path)
{
	struct anthropic_write *write = arrange->write;
	struct part result = *part;
	struct call *call = find_call(arrange, part->id_plain);
	if (!settle_children(arrange, &result))
		return false;
	if (call == NULL)
		return add_orphan(arrange, &result, path);
	if (call->result == NULL)
		return answer_call(arrange, call, &result);
	/* A second answer to the same call: the last one counts. */
	call->result->children = result.children;
	call->result->is_error = result.is_error;
	return ledger_lose(write->options->ledger, write->err, "%s", part->path);
}

static bool
add_part(struct arrange *arrange, const struct part *part, enum role role, const char *path)
{
	struct part settled = *part;
	bool keep = false;
	if (part->kind == PART_CALL)
		return add_call(arrange, part, path);
	if (part->kind == PART_RESULT)
		return add_result(arrange, part, path);
	if (!settle_part(arrange, &settled, &keep))
		return false;
	return !keep || append_part(arrange, role, &settled, path);
}

/* ---- turns ---- */

/* For models that know no system turns in the middle: said by the user, and marked as what it is.
 */
static bool
add_system_as_user(struct arrange *arrange, const struct part *part, const char *path)
{
	struct bytes text;
	struct part wrapped = *part;
	bytes_init(&text, part->text.len + 32);
	bool ok = bytes_append_str(&text, "<system>") && bytes_append_view(&text, part->text) &&
		  bytes_append_str(&text, "</system>");
	wrapped.text = ok ? arena_copy(arrange->arena, bytes_view(&text)) : VIEW("");
	bytes_fini(&text);
	if (wrapped.text.data == NULL)
		return anthropic_full(arrange->write->err);
	return append_part(arrange, ROLE_USER, &wrapped, path);
}

static bool
add_turn(struct arrange *arrange, const struct turn *turn)
{
	bool as_user = turn->role == ROLE_SYSTEM && !arrange->write->options->caps->system_mid;
	enum role role = as_user ? ROLE_USER : turn->role;
	for (const struct part *part = turn->first; part != NULL; part = part->next) {
		bool text = part->kind == PART_TEXT && !anthropic_is_blank(part->text);
		bool ok = as_user && text ? add_system_as_user(arrange, part, turn->path)
					  : add_part(arrange, part, role, turn->path);
		if (!ok)
			return false;
	}
	return true;
}

/* Every call needs an answer: one that says that there is none. */
static bool
answer_rest(struct arrange *arrange)
{
	struct anthropic_write *write = arrange->write;
	for (struct call *call = arrange->calls; call != NULL; call = call->next) {
		if (call->result != NULL)
			continue;
		const char *path = call->part->path;
		if (write->options->ledger->strict)
			return ledger_refuse(write->err, path,
			    "the anthropic protocol needs a result of the call %.*s",
			    VIEW_ARGS(call->part->id_plain));
		struct part *text = arena_alloc(arrange->arena, sizeof(*text));
		if (text == NULL)
			return anthropic_full(write->err);
		*text = (struct part){.kind = PART_TEXT, .text = VIEW("(no result)"), .path = path};
		const struct part none = {.kind = PART_RESULT,
		    .path = path,
		    .children = text,
		    .children_last = text,
		    .is_error = TRI_YES};
		if (!ledger_lose(write->options->ledger, write->err, "%s", path) ||
		    !answer_call(arrange, call, &none))
			return false;
	}
	return true;
}

static bool
finish_ends(struct arrange *arrange)
{
	struct anthropic_write *write = arrange->write;
	struct place *first = arrange->first;
	const char *list = write->request->from == WIRE_RESPONSES ? "input" : "messages";
	if (first == NULL)
		return ledger_refuse(
		    write->err, list, "the anthropic protocol needs a message to answer");
	if (first->turn.role == ROLE_ASSISTANT) {
		const struct part dot = {.kind = PART_TEXT, .text = VIEW("."), .path = list};
		struct place *place = insert_place(arrange, NULL, ROLE_USER, list);
		struct part *copy = copy_part(arrange, &dot);
		if (place == NULL || copy == NULL)
			return anthropic_full(write->err);
		place->turn.first = place->turn.last = copy;
		if (!ledger_lose(write->options->ledger, write->err, "%s", first->turn.path))
			return false;
	}
	if (arrange->last->turn.role != ROLE_ASSISTANT)
		return true;
	if (!write->options->caps->prefill)
		return ledger_refuse(write->err, arrange->last->turn.path,
		    "this model takes no beginning of its answer in the anthropic protocol: the "
		    "last message must be the user's");
	struct part *last = arrange->last->turn.last;
	if (last->kind != PART_TEXT)
		return true;
	struct view trimmed = anthropic_trim_end(last->text);
	bool same = trimmed.len == last->text.len;
	last->text = trimmed;
	return same || ledger_lose(write->options->ledger, write->err, "%s", last->path);
}

bool
anthropic_turns(struct anthropic_write *write)
{
	struct arrange arrange = {.write = write, .arena = write->request->arena};
	const struct turn *turn = write->request->first;
	if (!make_slots(&arrange))
		return false;
	while (turn != NULL && turn->role == ROLE_SYSTEM)
		turn = turn->next; /* these become the top-level system text */
	for (; turn != NULL; turn = turn->next) {
		if (!add_turn(&arrange, turn))
			return false;
	}
	if (!answer_rest(&arrange) || !finish_ends(&arrange))
		return false;
	write->messages = &arrange.first->turn;
	return true;
}
