/* How much of a text has come: in UTF-16 units, for escapes may differ between events. */
#include "responses_decode.h"

/* Source bytes and UTF-16 units of the first character or escape of a string's inside. */
static size_t
text_step(struct view text, size_t *units)
{
	unsigned char c = (unsigned char)text.data[0];
	*units = c >= 0xf0 ? 2 : 1;
	size_t len = 1;
	if (c == '\\')
		len = text.len > 1 && text.data[1] == 'u' ? 6 : 2;
	else if (c >= 0xc0)
		len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	return len < text.len ? len : text.len;
}

size_t
responses_text_units(struct view text)
{
	size_t total = 0;
	while (text.len > 0) {
		size_t units = 0;
		text = view_from(text, text_step(text, &units));
		total += units;
	}
	return total;
}

struct view
responses_text_behind(struct view text, size_t skip)
{
	while (text.len > 0 && skip > 0) {
		size_t units = 0;
		text = view_from(text, text_step(text, &units));
		skip = skip > units ? skip - units : 0;
	}
	return text;
}
