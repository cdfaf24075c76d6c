/* reload: which configuration serves. A file is taken whole or refused whole; while it is refused,
 * the one before serves on. At start with a bad or vanished file the last good copy serves, and
 * both log and state say so; without one, nobody is served. A file that could not be read or parsed
 * is never written over. */
#ifndef PM_RELOAD_H
#define PM_RELOAD_H

#include "config.h"
#include "err.h"
#include "faults.h"
#include "history.h"
#include "store.h"

enum reload_source {
	RELOAD_NONE, /* no configuration serves */
	RELOAD_FILE, /* the file, as it is or as it was before it was spoiled */
	RELOAD_GOOD, /* the last good copy */
};

enum reload_result { RELOAD_SAME, RELOAD_CHANGED, RELOAD_REFUSED };

#define RELOAD_ETAG_BYTES 32

struct reload {
	const char *state_dir;
	struct store store;
	struct config *config; /* what serves; NULL with RELOAD_NONE */
	enum reload_source source;
	uint64_t revision;            /* of `config` */
	char etag[RELOAD_ETAG_BYTES]; /* "12-3fa9c1d2": of its revision and text */
	struct history history;
	struct err err; /* what is wrong with the file; kind NONE = nothing */
	const char *so; /* ... and what follows from it; static text */
	struct faults faults;
	bool minted; /* this start made the first key or token */
};

/* Reads or makes the file. False only when there is no folder to keep it in; everything else is in
 * `reload->err`. `state_dir` is borrowed until reload_fini. */
MUST_CHECK bool reload_start(struct reload *reload, const char *state_dir, struct err *err);
/* Reads the file again. */
enum reload_result reload_again(struct reload *reload);
/* Saves and serves `config`, which was parsed from `text`, instead. On failure nothing has changed,
 * and `config` is still the caller's. */
MUST_CHECK bool reload_take(struct reload *reload, struct config *config, struct view text,
    const struct history_who *who, struct err *err);
/* {kind, message, faults} of what is wrong with the file, or NULL; new reference. */
json_t *reload_error_body(const struct reload *reload);
void reload_fini(struct reload *reload);

/* That of a revision whose text has this hash. */
void reload_etag(uint64_t revision, const uint8_t sha256[32], char out[RELOAD_ETAG_BYTES]);

#endif
