#include "chat_think.h"

#include <string.h>

static const char open_tag[] = "<think>";
static const char close_tag[] = "</think>";

/* The first character of `text`: its source length, and itself when it can stand in a tag. */
static size_t
take_char(struct view text, char *c)
{
	*c = text.data[0];
	if (*c != '\\' || text.len < 2)
		return 1;
	*c = text.data[1] == 'n' || text.data[1] == 't' || text.data[1] == 'r' ? ' ' : text.data[1];
	if (text.data[1] != 'u')
		return 2;
	if (view_eq_nocase(view_sub(text, 0, 6), "\\u003c"))
		*c = '<';
	else if (view_eq_nocase(view_sub(text, 0, 6), "\\u003e"))
		*c = '>';
	else
		*c = '\0';
	return 6;
}

bool
chat_think_end(struct chat_think *think, chat_think_fn *give, void *ctx, struct err *err)
{
	struct view held = view_make(think->held, think->held_len);
	think->held_len = 0;
	think->matched = 0;
	return held.len == 0 || give(ctx, think->state == CHAT_THINK_INSIDE, held, err);
}

/* The characters that wait are no tag after all: they go where they belong. */
static bool
give_up(struct chat_think *think, chat_think_fn *give, void *ctx, struct err *err)
{
	if (think->state == CHAT_THINK_BEFORE)
		think->state = CHAT_THINK_AFTER;
	return chat_think_end(think, give, ctx, err);
}

/* One character on: true when it was kept or ended a tag, false when it is plain content. */
static bool
take_held(struct chat_think *think, struct view source, char c)
{
	const char *tag = think->state == CHAT_THINK_BEFORE ? open_tag : close_tag;
	bool blank = think->state == CHAT_THINK_BEFORE && think->matched == 0 && c == ' ';
	if (think->held_len + source.len > sizeof(think->held) ||
	    (!blank && c != tag[think->matched]))
		return false;
	memcpy(think->held + think->held_len, source.data, source.len);
	think->held_len += source.len;
	think->matched += !blank;
	if (tag[think->matched] != '\0' || think->matched == 0)
		return true;
	think->state = tag == open_tag ? CHAT_THINK_INSIDE : CHAT_THINK_AFTER;
	think->held_len = 0;
	think->matched = 0;
	return true;
}

bool
chat_think_feed(
    struct chat_think *think, struct view text, chat_think_fn *give, void *ctx, struct err *err)
{
	size_t plain = 0; /* bytes at the start of `text` that are content */
	while (think->state != CHAT_THINK_AFTER && plain < text.len) {
		struct view rest = view_from(text, plain);
		char c;
		size_t len = take_char(rest, &c);
		bool was_held = think->held_len > 0;
		if (was_held || think->state == CHAT_THINK_BEFORE || c == '<') {
			if (plain > 0 && !give(ctx, true, view_sub(text, 0, plain), err))
				return false;
			text = rest;
			plain = 0;
			if (take_held(think, view_sub(rest, 0, len), c)) {
				text = view_from(rest, len);
				continue;
			}
			if (!give_up(think, give, ctx, err))
				return false;
			if (was_held)
				continue; /* this one may begin a tag of its own */
		}
		plain += len;
	}
	return text.len == 0 || give(ctx, think->state == CHAT_THINK_INSIDE, text, err);
}
