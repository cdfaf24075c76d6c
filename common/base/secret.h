/* secret: a key that cannot slip into a log, an error or a URL, since it is no string. */
#ifndef PM_SECRET_H
#define PM_SECRET_H

#include "err.h"
#include "view.h"
#include <stddef.h>

#define SECRET_BYTES_MAX 8192

struct secret {
	char *hidden; /* not for you: use secret_reveal where the key leaves for its owner */
	size_t len;
};

/* Copies `v` (longer than SECRET_BYTES_MAX: false). The struct must be zeroed or finished before.
 */
MUST_CHECK bool secret_set(struct secret *secret, struct view v);
void secret_fini(struct secret *secret); /* overwrites, then frees */
/* The clear text, borrowed. Only the upstream header list, the table codec and the configuration
 * store may call it (tests/arch holds that). */
struct view secret_reveal(const struct secret *secret);
bool secret_is_empty(const struct secret *secret);
/* "sk-...wxyz": at most the first 3 and last 4 bytes, and only of keys of 16 bytes or more;
 * "set" for shorter ones, "" for none. */
#define SECRET_MASK_BYTES 16
void secret_mask(const struct secret *secret, char out[SECRET_MASK_BYTES]);
/* From now on no core file and no debugger of the same user gets this process's memory: programs
 * that hold keys call it first. A limit of core files alone does not do, since a core_pattern that
 * is a pipe gets them whatever it is. Builds with a sanitizer only get the limit: the leak checker
 * must be able to look. */
void secret_guard_process(void);

#endif
