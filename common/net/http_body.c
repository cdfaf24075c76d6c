#include "http_body.h"

#include <string.h>

#define SIZE_DIGITS_MAX 16
#define EXTRA_BYTES_MAX 4096

/* Where the next byte falls. */
enum {
	SIZE,
	SIZE_SPACE, /* behind the size, only ';' may follow */
	EXTENSION,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER, /* at the start of a line */
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	END_LF,
};

void
http_chunks_init(struct http_chunks *chunks)
{
	*chunks = (struct http_chunks){.state = SIZE};
}

static enum http_chunk_result
go(struct http_chunks *chunks, int state)
{
	chunks->state = state;
	return HTTP_CHUNK_MORE;
}

static bool
is_text(char c)
{
	unsigned char u = (unsigned char)c;
	return u == '\t' || (u >= ' ' && u != 0x7f);
}

static bool
is_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum http_chunk_result
take_size(struct http_chunks *chunks, char c)
{
	int value = hex_value(c);
	if (value >= 0) {
		chunks->left = chunks->left << 4 | (unsigned)value;
		return chunks->digits++ < SIZE_DIGITS_MAX ? HTTP_CHUNK_MORE : HTTP_CHUNK_BAD;
	}
	if (chunks->digits == 0)
		return HTTP_CHUNK_BAD;
	if (c == '\r')
		return go(chunks, SIZE_LF);
	if (c == ';')
		return go(chunks, EXTENSION);
	return c == ' ' || c == '\t' ? go(chunks, SIZE_SPACE) : HTTP_CHUNK_BAD;
}

/* The line of the size is complete. */
static enum http_chunk_result
take_size_lf(struct http_chunks *chunks, char c, const struct bytes *out)
{
	if (c != '\n')
		return HTTP_CHUNK_BAD;
	if (chunks->left > out->max - out->len)
		return HTTP_CHUNK_LIMIT;
	chunks->digits = 0;
	return go(chunks, chunks->left == 0 ? TRAILER : DATA);
}

/* Trailers are dropped, but one that would change framing or target tells of an attack. `left` and
 * `digits`, free by now, hold which of them the name may still become, and its length so far. */
static enum http_chunk_result
take_trailer_name(struct http_chunks *chunks, char c)
{
	static const char *const refused[] = {"content-length", "transfer-encoding", "host"};
	unsigned at = chunks->digits++;
	if (at == 0)
		chunks->left = 7;
	for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		size_t len = strlen(refused[i]);
		if ((chunks->left >> i & 1) == 0)
			continue;
		if (c == ':' && at == len)
			return HTTP_CHUNK_BAD;
		if (at >= len || (c | 0x20) != refused[i][at])
			chunks->left &= ~(1ull << i);
	}
	if (c == ':')
		return at > 0 ? go(chunks, TRAILER_VALUE) : HTTP_CHUNK_BAD;
	return is_token(c) ? go(chunks, TRAILER_NAME) : HTTP_CHUNK_BAD;
}

static enum http_chunk_result
take_byte(struct http_chunks *chunks, char c, const struct bytes *out)
{
	int state = chunks->state;
	if (state != SIZE && state != SIZE_LF && state != DATA_CR && state != DATA_LF &&
	    chunks->extra_bytes++ == EXTRA_BYTES_MAX)
		return HTTP_CHUNK_BAD;
	switch (state) {
	case SIZE:
		return take_size(chunks, c);
	case SIZE_SPACE:
		if (c == ' ' || c == '\t')
			return HTTP_CHUNK_MORE;
		return c == ';' ? go(chunks, EXTENSION) : HTTP_CHUNK_BAD;
	case EXTENSION:
		if (c == '\r')
			return go(chunks, SIZE_LF);
		return is_text(c) ? HTTP_CHUNK_MORE : HTTP_CHUNK_BAD;
	case SIZE_LF:
		return take_size_lf(chunks, c, out);
	case DATA_CR:
		return c == '\r' ? go(chunks, DATA_LF) : HTTP_CHUNK_BAD;
	case DATA_LF:
		return c == '\n' ? go(chunks, SIZE) : HTTP_CHUNK_BAD;
	case TRAILER:
		if (c == '\r')
			return go(chunks, END_LF);
		chunks->digits = 0;
		return take_trailer_name(chunks, c);
	case TRAILER_NAME:
		return take_trailer_name(chunks, c);
	case TRAILER_VALUE:
		if (c == '\r')
			return go(chunks, TRAILER_LF);
		return is_text(c) ? HTTP_CHUNK_MORE : HTTP_CHUNK_BAD;
	case TRAILER_LF:
		return c == '\n' ? go(chunks, TRAILER) : HTTP_CHUNK_BAD;
	case END_LF:
		return c == '\n' ? HTTP_CHUNK_DONE : HTTP_CHUNK_BAD;
	default:
		return HTTP_CHUNK_BAD;
	}
}

/* As much of the present chunk as `in` holds; returns how much. */
static size_t
take_data(struct http_chunks *chunks, struct view in, struct bytes *out, bool *fits)
{
	size_t len = chunks->left < in.len ? (size_t)chunks->left : in.len;
	*fits = bytes_append(out, in.data, len);
	chunks->left -= len;
	if (chunks->left == 0)
		chunks->state = DATA_CR;
	return len;
}

enum http_chunk_result
http_chunks_feed(struct http_chunks *chunks, struct view in, size_t *used, struct bytes *out)
{
	enum http_chunk_result result = HTTP_CHUNK_MORE;
	size_t pos = 0;
	while (pos < in.len && result == HTTP_CHUNK_MORE) {
		bool fits = true;
		if (chunks->state == DATA) {
			pos += take_data(chunks, view_from(in, pos), out, &fits);
		} else {
			result = take_byte(chunks, in.data[pos++], out);
		}
		if (!fits)
			result = HTTP_CHUNK_LIMIT;
	}
	*used = pos;
	return result;
}
