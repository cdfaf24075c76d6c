#include "base64url.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool
base64url_encode(struct view in, struct bytes *out)
{
	if (!bytes_reserve(out, in.len / 3 * 4 + 4))
		return false;
	uint32_t bits = 0;
	unsigned held = 0;
	for (size_t i = 0; i < in.len; i++) {
		bits = bits << 8 | (uint8_t)in.data[i];
		held += 8;
		while (held >= 6) {
			held -= 6;
			out->data[out->len++] = alphabet[bits >> held & 63];
		}
	}
	if (held > 0)
		out->data[out->len++] = alphabet[bits << (6 - held) & 63];
	return true;
}

static int
digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

bool
base64url_decode(struct view in, struct bytes *out)
{
	uint32_t bits = 0;
	unsigned held = 0;
	for (size_t i = 0; i < in.len; i++) {
		int value = digit_value(in.data[i]);
		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		if (!bytes_append_char(out, (char)(bits >> held & 255)))
			return false;
	}
	return held < 6 && (bits & ((1u << held) - 1)) == 0;
}
