#include "httpd_private.h"

#include "mem.h"
#include "must.h"
#include <string.h>

#define PARTS_MAX 32
/* A block is as large as what it is made for or what waits already. */
#define BLOCK_BYTES 1024
#define BLOCK_BYTES_MID 4096
#define BLOCK_BYTES_LARGE 16384
/* A chunk's header is four digits at most: no block holds more than 0xffff bytes. */
#define CHUNK_HEAD_BYTES 6
#define CHUNK_TAIL_BYTES 2
#define CHUNK_WORTH_BYTES 64 /* less room than this is left unused */

struct out_block {
	struct out_block *next;
	size_t pos; /* first byte not sent */
	size_t len; /* end of what is written */
	size_t cap;
	char data[];
};

static struct out_block *
block_add(struct out *out, size_t want)
{
	want = (out->queued > want ? out->queued : want) + sizeof(struct out_block);
	size_t size = want <= BLOCK_BYTES       ? BLOCK_BYTES
		      : want <= BLOCK_BYTES_MID ? BLOCK_BYTES_MID
						: BLOCK_BYTES_LARGE;
	struct out_block *block = mem_alloc(size);
	*block = (struct out_block){.cap = size - sizeof(struct out_block)};
	if (out->last != NULL) {
		out->last->next = block;
	} else {
		out->first = block;
	}
	out->last = block;
	return block;
}

/* Copies what has room in `block`, less `spare`; moves `data` on. */
static void
block_fill(struct out *out, struct out_block *block, size_t spare, struct view *data)
{
	size_t room = block->cap - block->len - spare;
	size_t len = data->len < room ? data->len : room;
	memcpy(block->data + block->len, data->data, len);
	block->len += len;
	out->queued += len;
	*data = view_from(*data, len);
}

void
out_append(struct out *out, struct view data)
{
	out_seal(out);
	while (data.len > 0) {
		struct out_block *block = out->last;
		if (block == NULL || block->len == block->cap)
			block = block_add(out, data.len);
		block_fill(out, block, 0, &data);
	}
}

void
out_append_chunk(struct out *out, struct view data)
{
	const size_t frame = CHUNK_HEAD_BYTES + CHUNK_TAIL_BYTES;
	while (data.len > 0) {
		struct out_block *block = out->last;
		if (!out->open) {
			if (block == NULL || block->cap - block->len < frame + CHUNK_WORTH_BYTES)
				block = block_add(out, data.len + frame);
			out->open = true;
			out->chunk = block->len;
			block->len += CHUNK_HEAD_BYTES;
			out->queued += CHUNK_HEAD_BYTES;
		}
		block_fill(out, block, CHUNK_TAIL_BYTES, &data);
		if (block->len + CHUNK_TAIL_BYTES == block->cap)
			out_seal(out);
	}
}

void
out_seal(struct out *out)
{
	if (!out->open)
		return;
	static const char line_end[CHUNK_TAIL_BYTES] = {'\r', '\n'};
	struct out_block *block = out->last;
	char *start = block->data + out->chunk;
	size_t size = block->len - out->chunk - CHUNK_HEAD_BYTES;
	size_t digits = size > 0xfff ? 4 : size > 0xff ? 3 : size > 0xf ? 2 : 1;
	size_t slack = CHUNK_HEAD_BYTES - 2 - digits;
	MUST(size > 0 && size <= 0xffff);
	if (slack > 0)
		memmove(start + digits + 2, start + CHUNK_HEAD_BYTES, size);
	for (size_t i = 0; i < digits; i++)
		start[i] = "0123456789abcdef"[size >> 4 * (digits - 1 - i) & 0xf];
	memcpy(start + digits, line_end, sizeof(line_end));
	block->len -= slack;
	memcpy(block->data + block->len, line_end, sizeof(line_end));
	block->len += CHUNK_TAIL_BYTES;
	out->queued += CHUNK_TAIL_BYTES - slack;
	out->open = false;
}

static void
drop_sent(struct out *out, size_t sent)
{
	MUST(sent <= out->queued);
	out->queued -= sent;
	while (out->first != NULL) {
		struct out_block *block = out->first;
		size_t left = block->len - block->pos;
		if (sent < left) {
			block->pos += sent;
			return;
		}
		sent -= left;
		out->first = block->next;
		if (out->first == NULL)
			out->last = NULL;
		mem_free(block);
	}
}

enum transport_result
out_send(struct out *out, struct transport *transport, size_t *sent)
{
	*sent = 0;
	out_seal(out);
	while (out->queued > 0) {
		struct iovec parts[PARTS_MAX];
		int count = 0;
		size_t total = 0, part = 0;
		for (struct out_block *block = out->first; block != NULL && count < PARTS_MAX;
		     block = block->next) {
			parts[count].iov_base = block->data + block->pos;
			parts[count].iov_len = block->len - block->pos;
			total += parts[count++].iov_len;
		}
		enum transport_result result =
		    transport->ops->write(transport, parts, count, &part);
		if (result != TRANSPORT_OK)
			return result;
		drop_sent(out, part);
		*sent += part;
		if (part < total && transport->tls == NULL) {
			transport->wants = LOOP_WRITE;
			return TRANSPORT_AGAIN; /* a short write: to ask again would only say so */
		}
	}
	return TRANSPORT_OK;
}

void
out_clear(struct out *out)
{
	while (out->first != NULL) {
		struct out_block *block = out->first;
		out->first = block->next;
		mem_free(block);
	}
	*out = (struct out){0};
}
