#include "splice.h"
#include "mem.h"
#include "must.h"
#include <stdlib.h>
#include <string.h>

void
splice_init(struct splice *splice, struct view source)
{
	*splice = (struct splice){.source = source};
}

void
splice_fini(struct splice *splice)
{
	mem_free(splice->edits);
	if (splice->pieces != &splice->one)
		mem_free(splice->pieces);
	*splice = (struct splice){0};
}

bool
splice_replace(struct splice *splice, struct view old, struct view put)
{
	size_t at = (size_t)(old.data - splice->source.data);
	MUST(old.data >= splice->source.data && at + old.len <= splice->source.len);
	if (splice->edit_count == SPLICE_EDITS_MAX)
		return false;
	if (splice->edit_count == splice->edit_cap) {
		splice->edit_cap = splice->edit_cap > 0 ? splice->edit_cap * 2 : 4;
		splice->edits =
		    mem_realloc(splice->edits, splice->edit_cap * sizeof(splice->edits[0]));
	}
	splice->edits[splice->edit_count++] = (struct splice_edit){at, old.len, put};
	return true;
}

static int
compare(const void *a, const void *b)
{
	const struct splice_edit *one = a, *other = b;
	return (one->at > other->at) - (one->at < other->at);
}

static void
add_piece(struct splice *splice, struct view piece)
{
	if (piece.len == 0)
		return;
	splice->pieces[splice->count++] = piece;
	splice->total_bytes += piece.len;
}

void
splice_done(struct splice *splice)
{
	size_t at = 0;
	splice->pieces = &splice->one;
	if (splice->edit_count > 0) {
		qsort(splice->edits, splice->edit_count, sizeof(splice->edits[0]), compare);
		splice->pieces = mem_calloc(2 * splice->edit_count + 1, sizeof(splice->pieces[0]));
	}
	for (size_t i = 0; i < splice->edit_count; i++) {
		const struct splice_edit *edit = &splice->edits[i];
		if (edit->at < at)
			continue;
		add_piece(splice, view_sub(splice->source, at, edit->at - at));
		add_piece(splice, edit->put);
		at = edit->at + edit->len;
	}
	add_piece(splice, view_from(splice->source, at));
}

size_t
splice_read(const struct splice *splice, uint64_t at, char *out, size_t len)
{
	size_t done = 0;
	for (size_t i = 0; i < splice->count && done < len; i++) {
		struct view piece = splice->pieces[i];
		if (at >= piece.len) {
			at -= piece.len;
			continue;
		}
		piece = view_sub(piece, (size_t)at, len - done);
		memcpy(out + done, piece.data, piece.len);
		done += piece.len;
		at = 0;
	}
	return done;
}
