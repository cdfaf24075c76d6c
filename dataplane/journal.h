/* journal: what one data plane has to tell the statistics, in a mapped file, until it is stored. It
 * survives the death of the process at any instruction (not the machine's: nothing is synced). It
 * knows nothing of records but their text.
 *
 * The file is a head, slots and a ring. The ring holds ended records under rising numbers; a slot
 * holds one that has begun, in the words that are true if its process dies now. Who opens the file
 * next adds what the slots hold to the ring: a record that died between its end and the freeing of
 * its slot is told twice then, and whoever stores it tells that by the record's own id. */
#ifndef PM_JOURNAL_H
#define PM_JOURNAL_H

#include "bytes.h"
#include "err.h"
#include "view.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_TEXT_BYTES_MAX ((size_t)16 * 1024) /* of an ended record */
#define JOURNAL_NO_SLOT (-1)

struct journal_limits {
	size_t ring_bytes;     /* at least twice JOURNAL_TEXT_BYTES_MAX */
	unsigned slots;        /* records that may be open at a time */
	size_t open_bytes_max; /* of an open record's text */
};
extern const struct journal_limits journal_limits_default;

struct journal_counts {
	uint64_t pending;     /* ended and not acked */
	uint64_t open;        /* slots in use */
	uint64_t dropped;     /* since this process opened it: no room, or too long */
	uint64_t interrupted; /* found open when it was opened */
	uint64_t damaged;     /* found, and not readable */
	uint64_t used_bytes;  /* of the ring */
};

struct journal;

/* `folder`/`name`.journal, mode 0600, made when it is not there. ERR_IO: another process has it for
 * a second, or the disk has no room for the whole of it. One that cannot be read is begun anew,
 * with all the texts that could be read. */
struct journal *journal_open(
    const char *folder, const char *name, const struct journal_limits *limits, struct err *err);
void journal_close(struct journal *journal); /* the file stays; NULL is fine */
/* Random, made with the file: the numbers are counted under it. */
uint64_t journal_id(const struct journal *journal);

/* Adds an ended record. False: there is no room, or it is too long; counted as dropped. */
bool journal_add(struct journal *journal, struct view text);
/* Would a text of this length find room now? */
bool journal_has_room(const struct journal *journal, size_t len);
/* A slot for one that has begun; JOURNAL_NO_SLOT when none is free or the text is too long. */
int journal_begin(struct journal *journal, struct view text);
/* New words for an open one; too long ones are not taken. JOURNAL_NO_SLOT is fine. */
void journal_update(struct journal *journal, int slot, struct view text);
/* As journal_add, then the slot (which may be JOURNAL_NO_SLOT) is free. */
bool journal_end(struct journal *journal, int slot, struct view text);

/* Appends the oldest texts with commas between, as many as fit into `bytes_max` and `count_max`, at
 * least one if there is any. `first` and `last` are their numbers. False: there is none. */
bool journal_batch(const struct journal *journal, size_t bytes_max, size_t count_max,
    struct bytes *out, uint64_t *first, uint64_t *last);
/* All up to this number are stored elsewhere. */
void journal_acked(struct journal *journal, uint64_t seq);
struct journal_counts journal_counts(const struct journal *journal);

/* Takes over what the other journals of `folder` hold that no process has open, and removes them;
 * one that does not fit stays. Returns how many are gone. A death meanwhile may tell a text twice,
 * never not. */
unsigned journal_adopt(struct journal *journal, const char *folder);

#endif
