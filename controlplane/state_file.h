/* state_file: a JSON document in the state folder, written whole (rename) and with mode 0600. */
#ifndef PM_STATE_FILE_H
#define PM_STATE_FILE_H

#include "err.h"
#include <jansson.h>
#include <stdbool.h>

/* Takes `json`. */
MUST_CHECK bool state_file_write(
    const char *state_dir, const char *name, json_t *json, struct err *err);
/* *out is a new reference, NULL when there is no such file, which is fine. */
MUST_CHECK bool state_file_read(
    const char *state_dir, const char *name, json_t **out, struct err *err);

#endif
