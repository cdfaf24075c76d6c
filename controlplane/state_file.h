/* state_file: a JSON object in the state folder, written whole (rename), with mode 0600 and sealed:
 * a member "sha256" holds the hash of all others, so that no text which a disk has spoiled is taken
 * for what was written. Files of earlier versions have none and are taken, unless there is the like
 * of a seal under another name. */
#ifndef PM_STATE_FILE_H
#define PM_STATE_FILE_H

#include "err.h"
#include <jansson.h>
#include <stdbool.h>

/* Adds the seal, the last member; there is none yet. */
void state_seal(json_t *json);
/* Takes the seal away, if there is one; false when it is that of another text. */
MUST_CHECK bool state_unseal(json_t *json, struct err *err);
/* Takes `json`, an object. */
MUST_CHECK bool state_file_write(
    const char *state_dir, const char *name, json_t *json, struct err *err);
/* *out is a new reference, NULL when there is no such file, which is fine, and on failure. */
MUST_CHECK bool state_file_read(
    const char *state_dir, const char *name, json_t **out, struct err *err);

#endif
