/* keys: the first client key and the admin token. The configuration holds only their SHA-256; the
 * clear text goes once into <state>/client-key and <state>/admin-token (0600). */
#ifndef PM_KEYS_H
#define PM_KEYS_H

#include "config.h"
#include "err.h"
#include <stdbool.h>

#define KEYS_CLIENT_FILE "client-key"
#define KEYS_ADMIN_FILE "admin-token"

/* Mints what `config` lacks: an admin token when it has none, a client key when it names none (an
 * empty list beside an admin token is the owner's wish). The files are written first: a crash
 * before the configuration is saved means minting anew, never a hash whose key nobody has.
 * *minted: `config` was changed and is to be saved. */
MUST_CHECK bool keys_ensure(
    struct config *config, const char *state_dir, bool *minted, struct err *err);

#endif
