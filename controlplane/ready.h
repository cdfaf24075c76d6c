/* ready: <run_dir>/ready.json, the sign for the launcher that the first table is published, with
 * what it shows to the owner. No secrets: the key files are named, not quoted. */
#ifndef PM_READY_H
#define PM_READY_H

#include "err.h"
#include "table.h"
#include <stdbool.h>

/* In the run folder, beside it, in a start that has minted the admin token: a code that lets its
 * owner in once. The launcher removes it when it has shown it. */
#define READY_LOGIN_FILE "login-code"

/* Written whole (rename). `minted`: this start made the keys that the files hold. */
MUST_CHECK bool ready_write(const char *run_dir, const char *state_dir, bool minted,
    const struct table *table, struct err *err);

#endif
