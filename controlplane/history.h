/* history: the configurations that have served, each in a file of its own below
 * json_data/history (0600), with who made it and when. Their numbers are the revisions of the
 * store: they go on over restarts. Each file is sealed (state_file.h): a spoiled one is left out.
 */
#ifndef PM_HISTORY_H
#define PM_HISTORY_H

#include "bytes.h"
#include "err.h"
#include "view.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_KEPT_MAX 200
#define HISTORY_BYTES_MAX ((size_t)32 * 1024 * 1024) /* of all; the newest stays, however big */
#define HISTORY_WORD_BYTES 72
#define HISTORY_WHAT_BYTES 160

/* Who has changed something; texts are cut. */
struct history_who {
	char who[HISTORY_WORD_BYTES];     /* a user, "admin", "pointsman", "file" */
	char role[16];                    /* "admin", "viewer", "" */
	char via[16];                     /* "page", "script", "command", "file", "start" */
	char peer[HISTORY_WORD_BYTES];    /* address, "" = none */
	char request[HISTORY_WORD_BYTES]; /* which question asked for it, "" = none */
	char what[HISTORY_WHAT_BYTES];    /* "merge api_configs 7f3a" */
	int64_t place; /* of the entry in its list afterwards, from 1; 0 = it is about none */
};

struct history_item {
	uint64_t revision;
	int64_t at_ms;
	uint8_t sha256[32]; /* of the text as in the file */
	size_t bytes;
	struct history_who who;
};

struct history {
	char folder[1024];
	struct history_item items[HISTORY_KEPT_MAX]; /* oldest first */
	size_t count;
};

/* Looks what is there; a file that cannot be read is left out. False when the folder cannot be
 * made: then nothing is kept. */
MUST_CHECK bool history_open(struct history *history, const char *json_folder, struct err *err);
/* Keeps a configuration that has been taken. */
MUST_CHECK bool history_add(struct history *history, uint64_t revision, struct view text,
    const struct history_who *who, struct err *err);
/* Takes the newest back: it never came to serve. There is one. */
void history_drop_newest(struct history *history);
/* The newest, or NULL. */
const struct history_item *history_newest(const struct history *history);
const struct history_item *history_find(const struct history *history, uint64_t revision);
/* Appends the text of a revision as it served. It holds keys: wipe it. */
MUST_CHECK bool history_text(
    const struct history *history, uint64_t revision, struct bytes *out, struct err *err);
/* The document of a revision; new reference. It holds keys. NULL and `err` when it is not kept. */
json_t *history_read(const struct history *history, uint64_t revision, struct err *err);
/* [{revision, at_ms, who, via, what, bytes}], newest first; new reference. */
json_t *history_encode(const struct history *history);
/* The document before that of this revision; new reference, an empty one when it is not kept. */
json_t *history_read_before(const struct history *history, uint64_t revision);
/* The revision that this question has led to, or NULL: a question may come twice. */
const struct history_item *history_asked(const struct history *history, const char *request);

#endif
