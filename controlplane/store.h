/* store: the configuration file on disk, whole and atomic. Beside all_configs.json lie
 * all_configs.json.bak (what our last save replaced) and all_configs.json.good (the last one that
 * passed the check), with its hash in all_configs.json.good.sha256. Files 0600, folder 0700. */
#ifndef PM_STORE_H
#define PM_STORE_H

#include "bytes.h"
#include "err.h"
#include "view.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define STORE_PATH_BYTES 1024

struct store_mark { /* tells one state of the file from another */
	bool there;
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
	mode_t mode; /* for these it may have been refused */
	uid_t uid;
	gid_t gid;
};

struct store {
	char path[STORE_PATH_BYTES];
	char backup_path[STORE_PATH_BYTES];
	char good_path[STORE_PATH_BYTES];
	uint8_t sha256[32]; /* of the content last read or written */
	bool known;         /* ... if there was any */
	uint64_t revision;  /* grows by one with each new content, read or written */
	bool refused;       /* set by whoever found the content bad: it is never written over */
	struct store_mark read_mark; /* of the file as last read */
	struct store_mark poll_mark; /* of the file as last looked at */
};

/* Makes <state_dir>/json_data (0700). Sweeps out what a killed predecessor was writing. Warns of a
 * state folder where others may write. */
MUST_CHECK bool store_open(struct store *store, const char *state_dir, struct err *err);
/* What is known from before this start: the number goes on, unless the content is still that. */
void store_expect(struct store *store, uint64_t revision, const uint8_t sha256[32]);
/* There is something under the file's name. */
bool store_exists(const struct store *store);
bool store_has_good(const struct store *store);
/* Reads the file (at most CONFIG_BYTES_MAX of a regular file) and makes it 0600 when it was
 * looser. *changed: another content than the last read or written. Holds keys: wipe `out`. */
MUST_CHECK bool store_read(struct store *store, struct bytes *out, bool *changed, struct err *err);
/* Refused too when its hash is not the one that was written with it. */
MUST_CHECK bool store_read_good(const struct store *store, struct bytes *out, struct err *err);
/* Replaces the file, keeping the old one as .bak. Refused while the content last read is marked
 * `refused`, and when the file on disk is not the one last read or written: read it again first. */
MUST_CHECK bool store_write(struct store *store, struct view text, struct err *err);
/* Keeps `text` as the last good copy. */
MUST_CHECK bool store_write_good(const struct store *store, struct view text, struct err *err);
/* Overwrites and frees a buffer that held a configuration. */
void store_wipe(struct bytes *text);
/* The file is another than was last read or written. */
bool store_differs(const struct store *store);
/* True once after somebody else changed the file and has left it alone since the last call: call it
 * a few times a second. */
bool store_poll(struct store *store);

#endif
