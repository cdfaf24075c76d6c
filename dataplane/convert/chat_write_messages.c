/* Chat Completions requests, written: messages.
 *
 * The protocol wants each call answered by a "tool" message right behind the assistant message that
 * made it, text only. So: neighbouring assistant turns are one message; the results that stand
 * before the next turn with calls are pulled up; media of results go into the user message that
 * stands where the result stood. */
#include "chat.h"
#include "envelope_state.h"
#include "freeform.h"

#define CALLS_MAX 4096
#define RESULTS_MAX 4096

/* One call of the last assistant message and its result. */
struct call {
	const struct part *part;
	struct view id; /* as the upstream sees it */
	bool answered;
};
/* A result's call (index + 1), or what else becomes of it. */
enum { CLAIM_ORPHAN = 0, CLAIM_REPEATED = -1 };

struct round {
	struct call *calls;
	int call_count;
	int *claims; /* of the results up to the next turn with calls, in order */
	int claim_count;
	int next; /* the result that the writing of turns has come to */
};

/* ---- user and system messages ---- */

/* Which claim the next result of the turns being written has. */
static int
take_claim(struct round *round)
{
	return round->next < round->claim_count ? round->claims[round->next++] : CLAIM_ORPHAN;
}

/* What a result leaves in a user message: its media; all of it when nobody called. */
static unsigned
count_result(const struct part *result, int claim)
{
	unsigned count = 0;
	if (claim == CLAIM_REPEATED)
		return 0;
	for (const struct part *child = result->children; child != NULL; child = child->next)
		count += chat_part_is_media(child) ||
			 (claim == CLAIM_ORPHAN && chat_part_is_text(child));
	return count;
}

static unsigned
count_parts(const struct turn *turn, struct round round, bool system)
{
	unsigned count = 0;
	for (const struct part *part = turn->first; part != NULL; part = part->next) {
		if (part->kind == PART_RESULT)
			count += count_result(part, take_claim(&round));
		else
			count += chat_part_is_text(part) || (chat_part_is_media(part) && !system);
	}
	return count;
}

static bool
write_result_rest(struct chat_write *write, const struct part *result, int claim)
{
	if (claim <= 0 && !chat_lose(write, result))
		return false;
	for (const struct part *child = result->children; child != NULL && claim >= 0;
	     child = child->next) {
		if (chat_part_is_media(child) || child->kind == PART_FILE) {
			if ((chat_part_is_media(child) || claim == CLAIM_ORPHAN) &&
			    !chat_part_media(write, child))
				return false;
		} else if (chat_part_is_text(child) && claim == CLAIM_ORPHAN) {
			chat_part_text(write, "", child);
		}
	}
	return true;
}

static bool
write_part(struct chat_write *write, struct round *round, const struct part *part, bool system)
{
	if (part->kind == PART_RESULT)
		return write_result_rest(write, part, take_claim(round));
	if (part->kind == PART_FILE || (chat_part_is_media(part) && !system))
		return chat_part_media(write, part);
	if (!chat_part_is_text(part))
		return chat_lose(write, part);
	chat_part_text(write, "", part);
	return true;
}

static bool
write_parts(struct chat_write *write, struct round *round, const struct turn *turn)
{
	write_json_array(&write->json);
	for (const struct part *part = turn->first; part != NULL; part = part->next) {
		if (!write_part(write, round, part, turn->role == ROLE_SYSTEM))
			return false;
	}
	write_json_array_end(&write->json);
	return true;
}

/* A message of which nothing is left is no message; what it lost is noted all the same. */
static bool
skip_turn(struct chat_write *write, struct round *round, const struct turn *turn)
{
	for (const struct part *part = turn->first; part != NULL; part = part->next) {
		int claim = part->kind == PART_RESULT ? take_claim(round) : CLAIM_ORPHAN;
		if (claim <= 0 && !chat_lose(write, part))
			return false;
	}
	return true;
}

static bool
write_turn(struct chat_write *write, struct round *round, const struct turn *turn)
{
	struct write_json *json = &write->json;
	const struct part *only = turn->first;
	bool system = turn->role == ROLE_SYSTEM;
	const char *role = !system                                 ? "user"
			   : write->options->flags->developer_role ? "developer"
								   : "system";
	unsigned count = count_parts(turn, *round, system);
	if (count == 0)
		return skip_turn(write, round, turn);
	write_json_object(json);
	write_json_key_str(json, "role", role);
	write_json_key(json, "content");
	if (only->next == NULL && only->kind == PART_TEXT && !chat_part_is_marked(write, only))
		write_json_text(json, only->text);
	else if (!write_parts(write, round, turn))
		return false;
	write_json_object_end(json);
	return true;
}

/* ---- assistant messages ---- */

/* Thinking is wanted back by some upstreams; what they minted themselves is needed word by word. */
static bool
write_thinking(struct chat_write *write, const struct part *part, bool *open)
{
	const struct encode_options *options = write->options;
	struct part own = *part;
	enum envelope_state_result result = envelope_state_unwrap(
	    part->signature_text, WIRE_CHAT, options->upstream_plain, write->request->arena, &own);
	bool ours = result == ENVELOPE_STATE_OURS ||
		    (result == ENVELOPE_STATE_NONE && part->signature_text.len == 0);
	if (!ours && !chat_lose(write, part))
		return false;
	const struct view text = result == ENVELOPE_STATE_OURS ? own.text : part->text;
	if (!options->flags->reasoning_content || text.len == 0)
		return true;
	if (!*open) {
		write_json_key(&write->json, "reasoning_content");
		write_json_open(&write->json);
		*open = true;
	} else {
		write_json_piece_text(&write->json, VIEW("\\n\\n"));
	}
	write_json_piece_text(&write->json, text);
	return true;
}

/* The parts of neighbouring assistant turns, one after the other. */
struct run {
	const struct turn *turn, *end;
	const struct part *part;
};

static const struct part *
run_next(struct run *run)
{
	const struct part *part = run->part;
	while (part == NULL && run->turn != run->end) {
		part = run->turn->first;
		run->turn = run->turn->next;
	}
	run->part = part != NULL ? part->next : NULL;
	return part;
}

static bool
write_run_thinking(struct chat_write *write, struct run run)
{
	bool open = false;
	const struct part *part;
	while ((part = run_next(&run)) != NULL) {
		if ((part->kind == PART_THINKING || part->kind == PART_REDACTED) &&
		    !write_thinking(write, part, &open))
			return false;
	}
	if (open)
		write_json_close(&write->json);
	return true;
}

/* All text as one string. A text behind a call loses its place, and is a new paragraph; so is one
 * behind anything else that the protocol can't show. */
static bool
write_run_text(struct chat_write *write, struct run run, enum part_kind kind)
{
	bool open = false, apart = false, called = false;
	const struct part *part;
	while ((part = run_next(&run)) != NULL) {
		called = called || part->kind == PART_CALL;
		apart = apart || part->kind != kind;
		if (part->kind != kind)
			continue;
		if (called && kind == PART_TEXT && !chat_lose(write, part))
			return false;
		if (!open) {
			write_json_key(&write->json, kind == PART_TEXT ? "content" : "refusal");
			write_json_open(&write->json);
		} else if (apart) {
			write_json_piece_text(&write->json, VIEW("\\n\\n"));
		}
		open = true;
		apart = false;
		write_json_piece_text(&write->json, part->text);
	}
	if (open)
		write_json_close(&write->json);
	else if (kind == PART_TEXT)
		write_json_key_null(&write->json, "content");
	return true;
}

static bool
write_arguments(struct chat_write *write, const struct part *part)
{
	struct bytes wrapped;
	if (part->input_broken) {
		write_json_key_text(&write->json, "arguments", part->text);
		return true;
	}
	if (part->form != CALL_CUSTOM) {
		write_json_key_plain(&write->json, "arguments", part->input_json);
		return true;
	}
	bytes_init(&wrapped, part->text.len + 32);
	bool ok = freeform_json(part->text, &wrapped);
	write_json_key_plain(&write->json, "arguments", bytes_view(&wrapped));
	bytes_fini(&wrapped);
	return ok || chat_full(write->err);
}

static bool
write_call(struct chat_write *write, const struct call *call)
{
	struct write_json *json = &write->json;
	const struct part *part = call->part;
	bool custom = part->form == CALL_CUSTOM && write->options->flags->custom_tools;
	const char *type = custom ? "custom" : "function";
	struct view name;
	if (!chat_wire_name(write, part->name_plain, part->space_plain, part->form, &name))
		return false;
	write_json_object(json);
	write_json_key_plain(json, "id", call->id);
	write_json_key_str(json, "type", type);
	write_json_key_object(json, type);
	write_json_key_plain(json, "name", name);
	if (custom)
		write_json_key_text(json, "input", part->text);
	else if (!write_arguments(write, part))
		return false;
	write_json_object_end(json);
	write_json_object_end(json);
	return true;
}

static bool
write_run(struct chat_write *write, struct round *round, struct run run)
{
	struct write_json *json = &write->json;
	write_json_object(json);
	write_json_key_str(json, "role", "assistant");
	if (!write_run_thinking(write, run) || !write_run_text(write, run, PART_TEXT) ||
	    !write_run_text(write, run, PART_REFUSAL))
		return false;
	if (round->call_count > 0)
		write_json_key_array(json, "tool_calls");
	for (int i = 0; i < round->call_count; i++) {
		if (!write_call(write, &round->calls[i]))
			return false;
	}
	if (round->call_count > 0)
		write_json_array_end(json);
	write_json_object_end(json);
	return true;
}

/* ---- rounds: calls and their results ---- */

static bool
has_calls(const struct turn *turn)
{
	for (const struct part *part = turn->first; part != NULL; part = part->next) {
		if (part->kind == PART_CALL)
			return true;
	}
	return false;
}

/* The turns behind a message with calls in which its results are looked for. */
static const struct turn *
round_end(const struct turn *turn)
{
	while (turn != NULL && (turn->role != ROLE_ASSISTANT || !has_calls(turn)))
		turn = turn->next;
	return turn;
}

/* The upstream's id of the round's last call, unlike those of the others. */
static bool
set_id(struct arena *arena, const struct round *round, struct call *call, unsigned seed)
{
	struct view id = call->part->id_plain;
	unsigned same = 0;
	for (const struct call *other = round->calls; other != call && id.len > 0; other++)
		same += view_eq(other->part->id_plain, id);
	if (same > 0)
		id = arena_printf(arena, "%.*s#%u", VIEW_ARGS(id), same);
	call->id = names_id(arena, id, CHAT_ID_MAX, seed);
	return call->id.data != NULL && (same == 0 || id.data != NULL);
}

static bool
collect_calls(struct chat_write *write, struct round *round, struct run run, unsigned count)
{
	struct arena *arena = write->request->arena;
	const struct part *part;
	if (count > CALLS_MAX)
		return err_set(write->err, ERR_LIMIT, "messages", "too many calls in one turn");
	round->calls = arena_alloc(arena, count * sizeof(*round->calls));
	if (round->calls == NULL)
		return chat_full(write->err);
	while ((part = run_next(&run)) != NULL) {
		if (part->kind != PART_CALL)
			continue;
		struct call *call = &round->calls[round->call_count++];
		call->part = part;
		if (!set_id(arena, round, call, write->calls++))
			return chat_full(write->err);
	}
	return true;
}

/* The first call with this id that has no result yet; else the last one that has. */
static int
find_call(const struct round *round, struct view id)
{
	int found = CLAIM_ORPHAN;
	for (int i = 0; i < round->call_count; i++) {
		if (!view_eq(round->calls[i].part->id_plain, id))
			continue;
		found = i + 1;
		if (!round->calls[i].answered)
			break;
	}
	return found;
}

/* Of several results for one call the last counts. */
static void
claim(struct round *round, struct view id)
{
	int found = find_call(round, id);
	if (found > 0 && round->calls[found - 1].answered) {
		for (int i = 0; i < round->claim_count; i++) {
			if (round->claims[i] == found)
				round->claims[i] = CLAIM_REPEATED;
		}
	}
	if (found > 0)
		round->calls[found - 1].answered = true;
	round->claims[round->claim_count++] = found;
}

static bool
collect_results(struct chat_write *write, struct round *round, const struct turn *from)
{
	const struct turn *end = round_end(from);
	int count = 0;
	for (const struct turn *turn = from; turn != end; turn = turn->next) {
		for (const struct part *part = turn->first; part != NULL; part = part->next)
			count += part->kind == PART_RESULT && count <= RESULTS_MAX;
	}
	if (count > RESULTS_MAX)
		return err_set(write->err, ERR_LIMIT, "messages", "too many results in one turn");
	if (count == 0)
		return true;
	round->claims = arena_alloc(write->request->arena, (size_t)count * sizeof(*round->claims));
	if (round->claims == NULL)
		return chat_full(write->err);
	for (const struct turn *turn = from; turn != end; turn = turn->next) {
		for (const struct part *part = turn->first; part != NULL; part = part->next) {
			if (part->kind == PART_RESULT)
				claim(round, part->id_plain);
		}
	}
	return true;
}

/* ---- tool messages ---- */

static bool
write_result_content(struct chat_write *write, const struct part *result)
{
	static const char media_note[] = "[media: see the next user message]";
	struct write_json *json = &write->json;
	const char *prefix = result->is_error == TRI_YES ? "[tool error] " : "";
	const struct part *child = result->children;
	bool mark = chat_part_is_marked(write, result);
	if (child == NULL || (child->next == NULL && child->kind == PART_TEXT &&
				 !chat_part_is_marked(write, child) && !mark)) {
		write_json_open(json);
		write_json_piece_text(json, view_of(prefix));
		if (child != NULL)
			write_json_piece_text(json, child->text);
		write_json_close(json);
		return true;
	}
	write_json_array(json);
	if (child->kind == PART_FILE && prefix[0] != '\0') {
		chat_part_text(write, prefix, &(struct part){.kind = PART_TEXT});
		prefix = "";
	}
	for (; child != NULL; child = child->next) {
		struct part text = *child;
		if (chat_part_is_media(child))
			text = (struct part){.kind = PART_TEXT, .text = VIEW(media_note)};
		if (child->next == NULL && text.cache == CACHE_NONE)
			text.cache = result->cache;
		if (text.kind == PART_FILE && !chat_part_file(write, &text))
			return false;
		if (!chat_part_is_text(&text) && !chat_lose(write, child))
			return false;
		if (text.kind == PART_TEXT || text.kind == PART_REFUSAL)
			chat_part_text(write, prefix, &text);
		prefix = "";
	}
	write_json_array_end(json);
	return true;
}

static bool
write_tool_message(struct chat_write *write, struct view id, const struct part *result)
{
	struct write_json *json = &write->json;
	write_json_object(json);
	write_json_key_str(json, "role", "tool");
	write_json_key_plain(json, "tool_call_id", id);
	write_json_key(json, "content");
	if (result == NULL)
		write_json_plain(json, VIEW("[tool error] (no result)"));
	else if (!write_result_content(write, result))
		return false;
	write_json_object_end(json);
	return true;
}

static bool
write_results(struct chat_write *write, const struct round *round, const struct turn *from)
{
	int next = 0;
	for (const struct turn *turn = from; turn != NULL && next < round->claim_count;
	     turn = turn->next) {
		for (const struct part *part = turn->first; part != NULL; part = part->next) {
			int owner = part->kind == PART_RESULT ? round->claims[next++] : 0;
			if (owner > 0 &&
			    !write_tool_message(write, round->calls[owner - 1].id, part))
				return false;
		}
	}
	for (int i = 0; i < round->call_count; i++) {
		if (round->calls[i].answered)
			continue;
		if (!chat_lose(write, round->calls[i].part) ||
		    !write_tool_message(write, round->calls[i].id, NULL))
			return false;
	}
	return true;
}

/* ---- all ---- */

/* Neighbouring assistant turns as one message, and the results of its calls. */
static bool
write_assistant(struct chat_write *write, struct round *round, struct run run)
{
	unsigned calls = 0, other = 0;
	const struct part *part;
	for (struct run look = run; (part = run_next(&look)) != NULL;) {
		calls += part->kind == PART_CALL;
		other += part->kind == PART_TEXT || part->kind == PART_REFUSAL;
		bool said = part->kind == PART_CALL || part->kind == PART_TEXT ||
			    part->kind == PART_REFUSAL || part->kind == PART_THINKING ||
			    part->kind == PART_REDACTED;
		if (!said && !chat_lose(write, part))
			return false;
	}
	if (calls > 0) {
		*round = (struct round){0};
		if (!collect_calls(write, round, run, calls) ||
		    !collect_results(write, round, run.end))
			return false;
		return write_run(write, round, run) && write_results(write, round, run.end);
	}
	/* An answer that is to be continued: here it stands as a whole one. */
	if (run.end == NULL && other > 0 &&
	    !ledger_lose(write->options->ledger, write->err, "%s", run.turn->path))
		return false;
	struct round none = {0};
	return other == 0 || write_run(write, &none, run);
}

bool
chat_messages_encode(struct chat_write *write)
{
	struct round round = {0};
	const struct turn *turn = write->request->first;
	chat_marks_count(write);
	write_json_key_array(&write->json, "messages");
	while (turn != NULL) {
		const struct turn *end = turn->next;
		while (turn->role == ROLE_ASSISTANT && end != NULL && end->role == ROLE_ASSISTANT)
			end = end->next;
		const struct run run = {turn, end, NULL};
		if (turn->role == ROLE_ASSISTANT ? !write_assistant(write, &round, run)
						 : !write_turn(write, &round, turn))
			return false;
		turn = end;
	}
	write_json_array_end(&write->json);
	return true;
}
