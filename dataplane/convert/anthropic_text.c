/* Space in _text, raw or escaped: the API refuses texts of nothing else. */
#include "anthropic.h"

#include <string.h>

static const char *const spaces[] = {" ", "\\n", "\\t", "\\r", "\\f", "\\u0020", "\\u0009",
    "\\u000a", "\\u000A", "\\u000b", "\\u000B", "\\u000c", "\\u000C", "\\u000d", "\\u000D",
    "\\u00a0", "\\u00A0", "\\u2028", "\\u2029", "\\u3000", "\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80",
    "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85",
    "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
    "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};

size_t
anthropic_space_len(struct view text)
{
	if (text.len == 0 || (text.data[0] > ' ' && text.data[0] != '\\' && text.data[0] < 127))
		return 0;
	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		if (view_starts(text, spaces[i]))
			return strlen(spaces[i]);
	}
	return 0;
}

bool
anthropic_is_blank(struct view text)
{
	while (text.len > 0) {
		size_t len = anthropic_space_len(text);
		if (len == 0)
			return false;
		text = view_from(text, len);
	}
	return true;
}

struct view
anthropic_trim_end(struct view text)
{
	size_t end = 0;
	for (size_t at = 0; at < text.len;) {
		size_t space = anthropic_space_len(view_from(text, at));
		if (space == 0) {
			bool escape = text.data[at] == '\\' && at + 1 < text.len;
			at += escape ? 2 : 1;
			end = at;
		} else {
			at += space;
		}
	}
	return view_sub(text, 0, end);
}
