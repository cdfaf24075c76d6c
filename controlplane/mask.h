/* mask: keys and hashes of a document hidden from those who are shown it, and put back when they
 * send it again. Secrets are members named key, sha256, token and the like, known words and unknown
 * ones. */
#ifndef PM_MASK_H
#define PM_MASK_H

#include "faults.h"
#include <jansson.h>
#include <stdbool.h>

/* Replaces each secret by its mask ("sk-...wxyz", "set"). */
void mask_hide(json_t *value);
/* The same in a copy; new reference. */
json_t *mask_hidden(const json_t *value);
/* Replaces each secret by "". */
void mask_empty(json_t *value);
/* Puts what `old` holds in the place of each mask that stands for it: in the same member of the
 * same object; of a list, in the entry with the same id, or in one that is the same when masked. A
 * mask that stands for nothing is a fault. */
void mask_restore(json_t *value, const json_t *old, struct faults *faults);
/* A member of this name holds a secret when it is a text. */
bool mask_is_secret(const char *name);
/* The mask of a secret text. */
json_t *mask_of(const json_t *secret);

#endif
