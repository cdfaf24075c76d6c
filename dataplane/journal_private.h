/* journal_private: what journal.c (adding, handing out) and journal_open.c (files, recovery) share.
 */
#ifndef PM_JOURNAL_PRIVATE_H
#define PM_JOURNAL_PRIVATE_H

#include "journal.h"
#include <stdatomic.h>

#define JOURNAL_ALIGN 16u
#define JOURNAL_FRAME_MAGIC 0x464d5250u

/* What changes, twice: the whole one with the greater version counts. */
struct journal_mark {
	_Atomic uint32_t version; /* 0 = being written */
	uint32_t crc;             /* of version and all behind it */
	uint64_t acked;           /* number of the last one that is stored elsewhere */
	uint64_t acked_at;        /* where the next one begins: bytes since the file was made */
	uint64_t written_at;      /* where the next new one goes */
};

/* The first page. */
struct journal_head {
	uint64_t magic;
	uint64_t id;
	uint64_t ring_bytes;
	uint32_t slots, slot_bytes;
	uint32_t crc; /* of all before it */
	uint32_t unused;
	struct journal_mark marks[2];
};

/* Before each text of the ring; texts are padded to JOURNAL_ALIGN. */
struct journal_frame {
	uint32_t magic;
	uint32_t len;
	uint64_t seq;
	uint32_t crc; /* of seq, len and the text */
	uint32_t unused[3];
};

/* A slot has two halves, so that one is whole at any time. */
struct journal_half {
	_Atomic uint32_t version; /* 0 = empty; the greater one counts */
	uint32_t len;
	uint32_t crc;
	uint32_t unused;
};

struct journal {
	int fd;
	char *path;
	char *map;
	size_t map_bytes;
	struct journal_head *head;
	char *slots, *ring;
	size_t ring_bytes, slot_bytes;
	unsigned slot_count;
	struct journal_mark mark; /* as it is in force */
	uint64_t seq;             /* of the last one written */
	int *free;                /* slots that are free: a stack */
	unsigned free_count;
	bool *ended; /* slots whose records have ended and found no room in the ring */
	unsigned ended_count;
	uint64_t dropped, interrupted, damaged;
};

size_t journal_frame_bytes(size_t len);
size_t journal_half_bytes(const struct journal_limits *limits);
uint32_t journal_crc(uint64_t seq, struct view text);
uint32_t journal_mark_crc(const struct journal_mark *mark);
void journal_put_mark(struct journal *journal);
bool journal_put(struct journal *journal, struct view text);
/* The frame at or, where the rest of the ring was left out, behind *at, which becomes its place;
 * NULL at `end`, or where nothing can be read. */
const struct journal_frame *journal_frame_at(
    const struct journal *journal, uint64_t *at, uint64_t end);
struct view journal_frame_text(const struct journal_frame *frame);
struct journal_half *journal_half_at(const struct journal *journal, int slot, unsigned which);
/* The half that counts; NULL: the slot is empty, or nothing of it can be read. */
struct journal_half *journal_half_in_force(const struct journal *journal, int slot);
struct view journal_half_text(const struct journal_half *half);
void journal_free_slot(struct journal *journal, int slot);

#endif
