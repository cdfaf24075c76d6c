#include "journal_private.h"
#include "must.h"
#include <string.h>
#include <zlib.h>

const struct journal_limits journal_limits_default = {
    .ring_bytes = (size_t)8 * 1024 * 1024, .slots = 2048, .open_bytes_max = 1000};

/* ---- places ---- */

static size_t
padded(size_t len)
{
	return (len + JOURNAL_ALIGN - 1) / JOURNAL_ALIGN * JOURNAL_ALIGN;
}

size_t
journal_frame_bytes(size_t len)
{
	return sizeof(struct journal_frame) + padded(len);
}

size_t
journal_half_bytes(const struct journal_limits *limits)
{
	return padded(sizeof(struct journal_half) + limits->open_bytes_max);
}

struct journal_half *
journal_half_at(const struct journal *journal, int slot, unsigned which)
{
	size_t at = (size_t)slot * journal->slot_bytes + which * (journal->slot_bytes / 2);
	return (struct journal_half *)(void *)(journal->slots + at);
}

static size_t
half_room(const struct journal *journal)
{
	return journal->slot_bytes / 2 - sizeof(struct journal_half);
}

uint32_t
journal_crc(uint64_t seq, struct view text)
{
	uint64_t words[2] = {seq, text.len};
	unsigned long crc = crc32(0, (const unsigned char *)words, sizeof(words));
	return (uint32_t)crc32_z(crc, (const unsigned char *)text.data, text.len);
}

struct view
journal_frame_text(const struct journal_frame *frame)
{
	return view_make((const char *)(frame + 1), frame->len);
}

struct view
journal_half_text(const struct journal_half *half)
{
	return view_make((const char *)(half + 1), half->len);
}

/* ---- the mark ---- */

uint32_t
journal_mark_crc(const struct journal_mark *mark)
{
	uint64_t words[4] = {mark->version, mark->acked, mark->acked_at, mark->written_at};
	return (uint32_t)crc32(0, (const unsigned char *)words, sizeof(words));
}

/* Writes over the older of the two. */
void
journal_put_mark(struct journal *journal)
{
	uint32_t version = ++journal->mark.version;
	struct journal_mark *to = &journal->head->marks[version % 2];
	atomic_store_explicit(&to->version, 0, memory_order_release);
	to->acked = journal->mark.acked;
	to->acked_at = journal->mark.acked_at;
	to->written_at = journal->mark.written_at;
	to->crc = journal_mark_crc(&journal->mark);
	atomic_store_explicit(&to->version, version, memory_order_release);
}

/* ---- the ring ---- */

static struct journal_frame *
place(const struct journal *journal, uint64_t at)
{
	return (struct journal_frame *)(void *)(journal->ring + at % journal->ring_bytes);
}

/* A frame lies in one piece: where it would not, so much of the ring is left out before it. */
static size_t
bytes_to_skip(const struct journal *journal, size_t len)
{
	size_t at = (size_t)(journal->mark.written_at % journal->ring_bytes);
	size_t rest = journal->ring_bytes - at;
	return journal_frame_bytes(len) > rest ? rest : 0;
}

bool
journal_has_room(const struct journal *journal, size_t len)
{
	const struct journal_mark *mark = &journal->mark;
	return len > 0 && len <= JOURNAL_TEXT_BYTES_MAX &&
	       mark->written_at + bytes_to_skip(journal, len) + journal_frame_bytes(len) -
		       mark->acked_at <=
		   journal->ring_bytes;
}

bool
journal_put(struct journal *journal, struct view text)
{
	struct journal_mark *mark = &journal->mark;
	uint64_t at = mark->written_at;
	size_t need = journal_frame_bytes(text.len);
	size_t skip = bytes_to_skip(journal, text.len);
	if (!journal_has_room(journal, text.len))
		return false;
	if (skip >= sizeof(struct journal_frame))
		place(journal, at)->magic = 0;
	struct journal_frame *frame = place(journal, at + skip);
	journal->seq++;
	*frame = (struct journal_frame){.magic = JOURNAL_FRAME_MAGIC,
	    .len = (uint32_t)text.len,
	    .seq = journal->seq,
	    .crc = journal_crc(journal->seq, text)};
	memcpy(frame + 1, text.data, text.len);
	/* Whoever finds this mark finds the frame whole. */
	mark->written_at = at + skip + need;
	journal_put_mark(journal);
	return true;
}

bool
journal_add(struct journal *journal, struct view text)
{
	bool ok = journal_put(journal, text);
	journal->dropped += !ok;
	return ok;
}

const struct journal_frame *
journal_frame_at(const struct journal *journal, uint64_t *at, uint64_t end)
{
	for (unsigned tries = 0; *at < end && tries < 2; tries++) {
		size_t rest = journal->ring_bytes - (size_t)(*at % journal->ring_bytes);
		const struct journal_frame *frame = place(journal, *at);
		if (rest >= sizeof(*frame) && frame->magic == JOURNAL_FRAME_MAGIC) {
			bool fits = frame->len <= JOURNAL_TEXT_BYTES_MAX &&
				    journal_frame_bytes(frame->len) <= rest &&
				    *at + journal_frame_bytes(frame->len) <= end;
			return fits && frame->crc ==
					   journal_crc(frame->seq, journal_frame_text(frame))
				   ? frame
				   : NULL;
		}
		if (rest > journal_frame_bytes(JOURNAL_TEXT_BYTES_MAX))
			return NULL;
		*at += rest;
	}
	return NULL;
}

bool
journal_batch(const struct journal *journal, size_t bytes_max, size_t count_max, struct bytes *out,
    uint64_t *first, uint64_t *last)
{
	uint64_t at = journal->mark.acked_at, end = journal->mark.written_at;
	const struct journal_frame *frame;
	size_t count = 0;
	while (count < count_max && (frame = journal_frame_at(journal, &at, end)) != NULL) {
		struct view text = journal_frame_text(frame);
		size_t before = out->len;
		if ((count > 0 && before + text.len + 1 > bytes_max) ||
		    (count > 0 && !bytes_append_char(out, ',')))
			break;
		if (!bytes_append_view(out, text)) {
			out->len = before;
			break;
		}
		*first = count == 0 ? frame->seq : *first;
		*last = frame->seq;
		count++;
		at += journal_frame_bytes(frame->len);
	}
	return count > 0;
}

struct journal_counts
journal_counts(const struct journal *journal)
{
	return (struct journal_counts){.pending = journal->seq - journal->mark.acked,
	    .open = journal->slot_count - journal->free_count,
	    .dropped = journal->dropped,
	    .interrupted = journal->interrupted,
	    .damaged = journal->damaged,
	    .used_bytes = journal->mark.written_at - journal->mark.acked_at};
}

uint64_t
journal_id(const struct journal *journal)
{
	return journal->head->id;
}

/* ---- slots ---- */

static bool
half_is_whole(const struct journal *journal, const struct journal_half *half)
{
	return half->version != 0 && half->len > 0 && half->len <= half_room(journal) &&
	       half->crc == journal_crc(half->version, journal_half_text(half));
}

struct journal_half *
journal_half_in_force(const struct journal *journal, int slot)
{
	struct journal_half *a = journal_half_at(journal, slot, 0),
			    *b = journal_half_at(journal, slot, 1);
	bool whole_a = half_is_whole(journal, a), whole_b = half_is_whole(journal, b);
	if (whole_a && whole_b)
		return a->version > b->version ? a : b;
	return whole_a ? a : whole_b ? b : NULL;
}

void
journal_update(struct journal *journal, int slot, struct view text)
{
	if (slot == JOURNAL_NO_SLOT || text.len == 0 || text.len > half_room(journal))
		return;
	struct journal_half *now = journal_half_in_force(journal, slot);
	uint32_t version = now != NULL ? now->version + 1 : 1;
	struct journal_half *next =
	    journal_half_at(journal, slot, now == journal_half_at(journal, slot, 0) ? 1 : 0);
	/* Not whole while it is being written. */
	atomic_store_explicit(&next->version, 0, memory_order_release);
	next->len = (uint32_t)text.len;
	next->crc = journal_crc(version, text);
	memcpy(next + 1, text.data, text.len);
	atomic_store_explicit(&next->version, version, memory_order_release);
}

static void
clear_slot(struct journal *journal, int slot)
{
	atomic_store_explicit(&journal_half_at(journal, slot, 0)->version, 0, memory_order_release);
	atomic_store_explicit(&journal_half_at(journal, slot, 1)->version, 0, memory_order_release);
}

int
journal_begin(struct journal *journal, struct view text)
{
	if (journal->free_count == 0 || text.len == 0 || text.len > half_room(journal))
		return JOURNAL_NO_SLOT;
	int slot = journal->free[--journal->free_count];
	journal_update(journal, slot, text);
	return slot;
}

void
journal_free_slot(struct journal *journal, int slot)
{
	clear_slot(journal, slot);
	journal->free[journal->free_count++] = slot;
}

bool
journal_end(struct journal *journal, int slot, struct view text)
{
	if (slot == JOURNAL_NO_SLOT)
		return journal_add(journal, text);
	if (journal_put(journal, text)) {
		journal_free_slot(journal, slot);
		return true;
	}
	/* No room: it waits in its slot, with its last words if they fit. */
	journal_update(journal, slot, text);
	journal->ended[slot] = true;
	journal->ended_count++;
	return true;
}

/* An ended record out of its slot; false: there is still no room. */
static bool
move_to_ring(struct journal *journal, int slot)
{
	const struct journal_half *half = journal_half_in_force(journal, slot);
	if (half != NULL && !journal_put(journal, journal_half_text(half)))
		return false;
	journal->ended[slot] = false;
	journal->ended_count--;
	journal_free_slot(journal, slot);
	return true;
}

void
journal_acked(struct journal *journal, uint64_t seq)
{
	struct journal_mark *mark = &journal->mark;
	uint64_t at = mark->acked_at, before = mark->acked;
	const struct journal_frame *frame;
	while ((frame = journal_frame_at(journal, &at, mark->written_at)) != NULL &&
	       frame->seq <= seq) {
		at += journal_frame_bytes(frame->len);
		mark->acked = frame->seq;
		mark->acked_at = at;
	}
	if (mark->acked != before)
		journal_put_mark(journal);
	for (unsigned slot = 0; journal->ended_count > 0 && slot < journal->slot_count; slot++) {
		if (journal->ended[slot] && !move_to_ring(journal, (int)slot))
			break;
	}
}
