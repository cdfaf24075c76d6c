#include "plan.h"
#include "sample.h"
#include "writer.h"
#include <inttypes.h>
#include <string.h>

#define PIECE_BYTES 16
#define ECHO_BYTES 160     /* of the user's text */
#define RESULT_BYTES 16384 /* of each tool result */
#define TEXT_BYTES_MAX ((size_t)1 << 20)
#define LOOP_BYTES_MAX 16384 /* of the whole text that a long stream's closing events repeat */
#define INPUT_BYTES_PER_TOKEN 4

struct builder {
	struct plan *plan;
	const struct plan_input *in;
	bool full;
};

/* ---- small things ---- */

static uint64_t
mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* An id like the vendors': a prefix and `digits` that never come twice. */
static struct view
make_id(struct builder *b, const char *prefix, int digits)
{
	uint64_t n[4];
	for (int i = 0; i < 4; i++)
		n[i] = mix(*b->in->serial += 0x9e3779b97f4a7c15u);
	struct view id =
	    arena_printf(b->in->arena, "%s%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%016" PRIx64,
		prefix, n[0], n[1], n[2], n[3]);
	b->full |= id.data == NULL;
	return view_sub(id, 0, strlen(prefix) + (size_t)digits);
}

static struct view
keep(struct builder *b, struct view text)
{
	struct view copy = arena_copy(b->in->arena, text);
	b->full |= copy.data == NULL;
	return copy;
}

static struct view
keep_out(struct builder *b, struct writer *out)
{
	struct view copy = keep(b, writer_text(out));
	b->full |= out->full;
	writer_fini(out);
	return copy;
}

/* The first `max` bytes, but no part of a character. */
static struct view
clip(struct view text, size_t max)
{
	if (text.len <= max)
		return text;
	while (max > 0 && ((unsigned char)text.data[max] & 0xc0) == 0x80)
		max--;
	return view_sub(text, 0, max);
}

uint64_t
plan_words(struct view text)
{
	uint64_t words = 0;
	bool inside = false;
	for (size_t i = 0; i < text.len; i++) {
		bool space = (unsigned char)text.data[i] <= ' ';
		words += !space && !inside;
		inside = !space;
	}
	return words;
}

struct view
plan_piece(const struct plan *plan, struct view text, size_t *at)
{
	size_t end = *at + plan->piece_bytes;
	while (end < text.len && ((unsigned char)text.data[end] & 0xc0) == 0x80)
		end++;
	struct view piece = view_sub(text, *at, end - *at);
	*at += piece.len;
	return piece;
}

/* ---- items ---- */

static struct plan_item *
add_item(struct builder *b, enum plan_kind kind)
{
	/* Thinking and text come at most once, calls are bounded by the directives. */
	struct plan_item *item = &b->plan->items[b->plan->count++];
	*item = (struct plan_item){.kind = kind};
	return item;
}

static void
add_thinking(struct builder *b)
{
	const struct ask *ask = b->in->ask;
	const struct directives *directives = b->in->directives;
	char seal[ASK_SEAL_BYTES];
	if (!ask->thinking && directives->think.data == NULL)
		return;
	struct plan_item *item = add_item(b, PLAN_THINKING);
	item->id = make_id(b, "rs_", 48);
	if (directives->think.data != NULL)
		item->text = keep(b, directives->think);
	else if (!ask->thinking_hidden)
		item->text = VIEW("The user wants an answer from the demo. A short one will do.");
	bool is_item = ask->protocol == PROTOCOL_RESPONSES;
	ask_seal(ask->protocol, b->in->prefix, is_item ? item->id : item->text, seal);
	item->seal = keep(b, view_of(seal));
}

static void
add_text(struct builder *b, struct view text)
{
	bool compacts = b->in->ask->compacts;
	struct plan_item *item = add_item(b, compacts ? PLAN_COMPACTION : PLAN_TEXT);
	item->id = make_id(b, compacts ? "cmp_" : "msg_", 48);
	item->text = text;
}

/* The offered tool that a directive means. */
static bool
find_tool(const struct ask *ask, const struct directive_call *call, struct ask_tool *tool)
{
	static const char *const shells[] = {
	    "Bash", "bash", "exec_command", "shell_command", "shell", "run_shell_command"};
	if (call->kind != DIRECTIVE_SHELL)
		return ask_tool_find(ask, call->name, tool);
	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (ask_tool_find(ask, view_of(shells[i]), tool))
			return true;
	}
	return false;
}

/* The name of a schema's first property (raw, as in the source). */
static struct view
first_property(struct jsonspan_value schema)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	jsonspan_iter_init(&iter, jsonspan_get(schema, "properties"));
	return jsonspan_next(&iter, &member) ? member.key : VIEW("input");
}

static struct view
call_text(struct builder *b, const struct directive_call *call, const struct ask_tool *tool)
{
	struct writer out;
	if (tool->custom || call->kind == DIRECTIVE_TOOL)
		return keep(b, call->text);
	writer_init(&out, TEXT_BYTES_MAX * 8);
	/* Free-form text for a function: it goes into the first property, as a string or as a
	 * command line in a list. */
	struct view key = first_property(tool->schema);
	struct jsonspan_value first =
	    jsonspan_get(jsonspan_get(tool->schema, "properties"), "command");
	if (call->kind == DIRECTIVE_SHELL && first.kind == JSONSPAN_OBJECT)
		key = VIEW("command");
	if (jsonspan_str_is(jsonspan_get(first, "type"), "array"))
		writer_put(&out, "{'$r':['bash','-lc',$s]}", key, call->text);
	else
		writer_put(&out, "{'$r':$s}", key, call->text);
	return keep_out(b, &out);
}

static void
add_calls(struct builder *b)
{
	const struct ask *ask = b->in->ask;
	const struct directives *directives = b->in->directives;
	for (unsigned i = 0; i < directives->call_count; i++) {
		struct ask_tool tool;
		if (!find_tool(ask, &directives->calls[i], &tool))
			continue;
		struct plan_item *item = add_item(b, tool.custom ? PLAN_CUSTOM : PLAN_CALL);
		item->name = tool.name;
		item->space = tool.space;
		item->text = call_text(b, &directives->calls[i], &tool);
		item->id = make_id(b, tool.custom ? "ctc_" : "fc_", 48);
		item->call_id = ask->protocol == PROTOCOL_MESSAGES ? make_id(b, "toolu_01", 22)
								   : make_id(b, "call_", 24);
		b->plan->stop = PLAN_STOP_CALL;
	}
}

/* ---- texts ---- */

static struct view
results_text(struct builder *b)
{
	const struct ask *ask = b->in->ask;
	struct writer out;
	struct bytes text;
	writer_init(&out, TEXT_BYTES_MAX);
	bytes_init(&text, TEXT_BYTES_MAX);
	for (unsigned i = 0; i < ask->result_count; i++) {
		bytes_clear(&text);
		ask_text(ask->results[i], &text);
		writer_put(&out, i > 0 ? "\nThe tool said: $r" : "The tool said: $r",
		    clip(bytes_view(&text), RESULT_BYTES));
	}
	bytes_fini(&text);
	return keep_out(b, &out);
}

static struct view
friendly_text(struct builder *b)
{
	const struct ask *ask = b->in->ask;
	const struct directives *directives = b->in->directives;
	struct writer out;
	struct bytes user;
	writer_init(&out, TEXT_BYTES_MAX);
	bytes_init(&user, TEXT_BYTES_MAX);
	ask_text(ask->user, &user);
	writer_put(&out,
	    "Hello from the Pointsman demo upstream: $r at \"$r\" answers. You said: $r.",
	    ask->model, b->in->prefix.len > 0 ? b->in->prefix : VIEW("/"),
	    clip(bytes_view(&user), ECHO_BYTES));
	if (directives->bad.len > 0)
		writer_put(
		    &out, " This directive could not be read: $r.", clip(directives->bad, 72));
	else if (directives->call_count > 0)
		writer_put(&out, " The tool that was ordered is not offered in this request.");
	bytes_fini(&user);
	return keep_out(b, &out);
}

/* JSON by the schema that the request names, around `text`. */
static struct view
schema_text(struct builder *b, struct view text)
{
	struct writer out;
	writer_init(&out, 8 * TEXT_BYTES_MAX);
	sample_json(b->in->ask->schema, text, &out);
	return keep_out(b, &out);
}

static struct view
words_text(struct builder *b, uint64_t words)
{
	static const char *const some[] = {"signal", "track", "lever", "lamp", "junction", "train"};
	struct writer out;
	writer_init(&out, 16 * TEXT_BYTES_MAX);
	for (uint64_t i = 0; i < words; i++)
		writer_put(&out, i > 0 ? " $r" : "$r", view_of(some[i % 6]));
	return keep_out(b, &out);
}

/* One delta of the asked size, many times. */
static void
add_events(struct builder *b)
{
	const struct fault *fault = b->in->fault;
	size_t chunk = (size_t)fault->events_bytes, whole = chunk;
	if (chunk < LOOP_BYTES_MAX && chunk * fault->events < LOOP_BYTES_MAX)
		whole = chunk * (size_t)fault->events;
	else if (chunk < LOOP_BYTES_MAX)
		whole = LOOP_BYTES_MAX;
	char *text = arena_alloc(b->in->arena, whole + 1);
	if (text == NULL) {
		b->full = true;
		return;
	}
	memset(text, 'x', whole);
	add_text(b, view_make(text, whole < LOOP_BYTES_MAX ? whole : LOOP_BYTES_MAX));
	struct plan_item *item = &b->plan->items[b->plan->count - 1];
	item->chunk = view_make(text, chunk);
	item->repeat = fault->events;
}

/* The first `words` words. */
static struct view
clip_words(struct view text, uint64_t words)
{
	size_t i = 0;
	for (; i < text.len; i++) {
		bool space = (unsigned char)text.data[i] <= ' ';
		bool starts = !space && (i == 0 || (unsigned char)text.data[i - 1] <= ' ');
		if (starts && words-- == 0)
			break;
	}
	return view_sub(text, 0, i);
}

static void
add_answer(struct builder *b)
{
	const struct ask *ask = b->in->ask;
	const struct directives *directives = b->in->directives;
	bool ordered = ask->directive.len > 0 && ask->step < directives->steps;
	if (fault_has(b->in->fault, FAULT_EVENTS)) {
		add_events(b);
		return;
	}
	if (ordered && directives->say.data != NULL)
		add_text(b, keep(b, directives->say));
	else if (ordered && directives->words > 0)
		add_text(b, words_text(b, directives->words));
	if (ordered && !ask->compacts)
		add_calls(b);
	if (b->plan->count > 0 && b->plan->items[b->plan->count - 1].kind != PLAN_THINKING)
		return;
	bool results = ask->result_count > 0 && (!ordered || directives->call_count == 0);
	struct view text = results ? results_text(b) : VIEW("demo");
	if (ask->schema.kind == JSONSPAN_OBJECT)
		text = schema_text(b, text);
	else if (!results)
		text = friendly_text(b);
	add_text(b, text);
}

/* ---- the end ---- */

static void
limit_output(struct plan *plan)
{
	if (plan->ask->max_tokens == 0) { /* only warms the cache */
		plan->count = 0;
		plan->stop = PLAN_STOP_LENGTH;
	}
	for (unsigned i = 0; i < plan->count; i++) {
		struct plan_item *item = &plan->items[i];
		if (item->kind != PLAN_TEXT || item->repeat > 0 ||
		    plan_words(item->text) <= plan->ask->max_tokens)
			continue;
		item->text = clip_words(item->text, plan->ask->max_tokens);
		if (plan->stop == PLAN_STOP_END)
			plan->stop = PLAN_STOP_LENGTH;
	}
}

static void
set_stop(struct plan *plan, struct view word)
{
	static const char *const words[] = {
	    "end", "call", "max_tokens", "refusal", "stop_sequence", "pause_turn", "context"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (view_eq_str(word, words[i]))
			plan->stop = (enum plan_stop)i;
	}
}

static void
set_usage(struct plan *plan, const struct fault *fault)
{
	const struct ask *ask = plan->ask;
	struct plan_usage *usage = &plan->usage;
	uint64_t total = ask->body_bytes / INPUT_BYTES_PER_TOKEN + 1;
	bool messages = ask->protocol == PROTOCOL_MESSAGES;
	if (messages ? ask->cached && ask->follows : ask->follows)
		usage->cache_read = total / 2;
	if (messages && ask->cached)
		usage->cache_write = ask->follows ? total / 8 : total / 2;
	usage->input = total - usage->cache_read - usage->cache_write;
	for (unsigned i = 0; i < plan->count; i++) {
		const struct plan_item *item = &plan->items[i];
		uint64_t words = item->repeat > 0 ? item->repeat : plan_words(item->text);
		usage->output += words;
		if (item->kind == PLAN_THINKING) {
			/* Hidden thinking has cost something as well. */
			usage->output += words == 0 ? 8 : 0;
			usage->reasoning += words == 0 ? 8 : words;
		}
	}
	usage->output += usage->output == 0;
	if (fault->usage_in != FAULT_UNSET)
		usage->input = fault->usage_in;
	if (fault->usage_out != FAULT_UNSET)
		usage->output = fault->usage_out;
	if (fault->usage_read != FAULT_UNSET)
		usage->cache_read = fault->usage_read;
	if (fault->usage_write != FAULT_UNSET)
		usage->cache_write = fault->usage_write;
	if (fault->usage_reasoning != FAULT_UNSET)
		usage->reasoning = fault->usage_reasoning;
	plan->usage_kind = (enum fault_usage)fault->usage;
}

bool
plan_build(struct plan *plan, const struct plan_input *in, struct err *err)
{
	struct builder b = {.plan = plan, .in = in};
	static const char *const ids[] = {"msg_01", "chatcmpl-", "resp_"};
	static const int digits[] = {22, 29, 48};
	*plan = (struct plan){.ask = in->ask, .created_s = in->now_s, .piece_bytes = PIECE_BYTES};
	plan->id = make_id(&b, ids[in->ask->protocol], digits[in->ask->protocol]);
	if (in->fault->pace_bytes != FAULT_UNSET && in->fault->pace_bytes > 0)
		plan->piece_bytes = (size_t)in->fault->pace_bytes;
	add_thinking(&b);
	add_answer(&b);
	limit_output(plan);
	set_stop(plan, view_trim(in->directives->stop));
	set_usage(plan, in->fault);
	if (b.full)
		return err_set(err, ERR_LIMIT, "", "the answer is too big");
	return true;
}
