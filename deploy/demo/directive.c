#include "directive.h"
#include "bytes.h"
#include "jsonspan.h"
#include <string.h>

#define MARK "[demo:"
#define TEXT_BYTES_MAX (4u << 20)

bool
directive_is_in(struct view text)
{
	return view_find(text, MARK) >= 0;
}

/* The length of the JSON object or string that `v` begins with; 0 when it has no end. */
static size_t
json_len(struct view v)
{
	size_t depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < v.len; i++) {
		char c = v.data[i];
		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
			depth++;
		else if (!in_string && (c == '}' || c == ']') && depth > 0)
			depth--;
		else
			continue;
		if (i < v.len && !in_string && depth == 0)
			return i + 1;
	}
	return 0;
}

static struct view
skip_space(struct view v)
{
	while (v.len > 0 && strchr(" \t\r\n", v.data[0]) != NULL && v.data[0] != '\0')
		v = view_from(v, 1);
	return v;
}

/* A word up to a space or the closing bracket. */
static struct view
take_word(struct view *rest)
{
	*rest = skip_space(*rest);
	size_t len = 0;
	while (len < rest->len && strchr(" \t\r\n]", rest->data[len]) == NULL)
		len++;
	struct view word = view_sub(*rest, 0, len);
	*rest = view_from(*rest, len);
	return word;
}

/* Takes the closing bracket. */
static bool
take_end(struct view *rest)
{
	*rest = skip_space(*rest);
	bool ok = view_starts(*rest, "]");
	*rest = view_from(*rest, ok);
	return ok;
}

static bool
unquote(struct view quoted, struct arena *arena, struct view *out)
{
	struct jsonspan_value root;
	struct err err;
	struct bytes plain;
	if (!jsonspan_scan(quoted, NULL, 0, &root, &err))
		return false;
	bytes_init(&plain, TEXT_BYTES_MAX);
	bool ok = jsonspan_unescape(root, &plain);
	*out = arena_copy(arena, bytes_view(&plain));
	bytes_fini(&plain);
	return ok && out->data != NULL;
}

static bool
take_text(struct view *rest, struct arena *arena, struct view *out)
{
	*rest = skip_space(*rest);
	if (view_starts(*rest, "\"")) {
		size_t len = json_len(*rest);
		struct view quoted = view_sub(*rest, 0, len);
		*rest = view_from(*rest, len);
		return len > 0 && unquote(quoted, arena, out) && take_end(rest);
	}
	ptrdiff_t end = view_find_char(*rest, ']');
	if (end < 0)
		return false;
	*out = view_sub(*rest, 0, (size_t)end);
	*rest = view_from(*rest, (size_t)end + 1);
	return true;
}

static bool
take_object(struct view *rest, struct view *out)
{
	struct jsonspan_value root;
	struct err err;
	*rest = skip_space(*rest);
	size_t len = view_starts(*rest, "{") ? json_len(*rest) : 0;
	*out = view_sub(*rest, 0, len);
	*rest = view_from(*rest, len);
	return len > 0 && jsonspan_scan(*out, NULL, 0, &root, &err) && take_end(rest);
}

static bool
take_number(struct view *rest, uint64_t max, uint64_t *out)
{
	return view_to_u64(take_word(rest), out) && *out > 0 && *out <= max;
}

static bool
take_call(struct view *rest, struct view word, struct arena *arena, struct directives *out)
{
	struct directive_call call = {.kind = DIRECTIVE_TOOL};
	uint64_t copies = 1;
	bool ok;
	if (view_eq_str(word, "tools") && !take_number(rest, DIRECTIVE_CALLS_MAX, &copies))
		return false;
	if (view_eq_str(word, "shell")) {
		call.kind = DIRECTIVE_SHELL;
		ok = take_text(rest, arena, &call.text);
	} else {
		call.name = take_word(rest);
		if (view_eq_str(word, "custom")) {
			call.kind = DIRECTIVE_CUSTOM;
			ok = take_text(rest, arena, &call.text);
		} else {
			ok = take_object(rest, &call.text);
		}
		ok = ok && call.name.len > 0;
	}
	for (; ok && copies > 0 && out->call_count < DIRECTIVE_CALLS_MAX; copies--)
		out->calls[out->call_count++] = call;
	return ok;
}

static bool
take_directive(struct view *rest, struct arena *arena, struct directives *out)
{
	struct view word = take_word(rest);
	if (view_eq_str(word, "tool") || view_eq_str(word, "tools") ||
	    view_eq_str(word, "custom") || view_eq_str(word, "shell"))
		return take_call(rest, word, arena, out);
	if (view_eq_str(word, "say"))
		return take_text(rest, arena, &out->say);
	if (view_eq_str(word, "think"))
		return take_text(rest, arena, &out->think);
	if (view_eq_str(word, "stop"))
		return take_text(rest, arena, &out->stop);
	if (view_eq_str(word, "fault"))
		return take_text(rest, arena, &out->fault);
	if (view_eq_str(word, "words"))
		return take_number(rest, 1000000, &out->words) && take_end(rest);
	return view_eq_str(word, "then") && take_end(rest);
}

void
directive_parse(struct view text, unsigned step, struct arena *arena, struct directives *out)
{
	struct directives other = {0};
	ptrdiff_t at;
	*out = (struct directives){.steps = 1};
	while ((at = view_find(text, MARK)) >= 0) {
		struct view whole = view_from(text, (size_t)at);
		struct view rest = view_from(whole, strlen(MARK));
		bool is_then = view_starts(rest, "then");
		bool mine = out->steps - 1 == step;
		if (!take_directive(&rest, arena, mine ? out : &other) && out->bad.len == 0)
			out->bad = view_sub(whole, 0, 80);
		out->steps += is_then;
		text = rest;
	}
}
