/* splice: a text read from its source's bytes with some of them replaced. PURE. Nothing is copied
 * but what is put in. */
#ifndef PM_SPLICE_H
#define PM_SPLICE_H

#include "arena.h"
#include "view.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many changes at the most; each costs two pieces. */
#define SPLICE_EDITS_MAX 8192

struct splice_edit {
	size_t at, len; /* of the source */
	struct view put;
};

struct splice {
	struct view source;
	struct splice_edit *edits;
	size_t edit_count, edit_cap;
	struct view *pieces; /* read in order */
	size_t count;
	uint64_t total_bytes;
	struct view one; /* the only piece of an unchanged source */
};

/* `source` is borrowed until splice_fini. */
void splice_init(struct splice *splice, struct view source);
void splice_fini(struct splice *splice); /* fine on a zeroed one */
/* The bytes `old`, which lie in the source, become `put` (borrowed until splice_fini). In any
 * order; of two that overlap only the first counts. False at the bound. */
MUST_CHECK bool splice_replace(struct splice *splice, struct view old, struct view put);
/* All edits are in: makes the pieces. */
void splice_done(struct splice *splice);
/* Copies up to `len` bytes from absolute offset `at`; returns how many (0 at the end). */
size_t splice_read(const struct splice *splice, uint64_t at, char *out, size_t len);

#endif
