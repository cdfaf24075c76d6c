/* auth: who is logged in. Sessions live in memory, as hashes of their ids; no token is kept.
 *
 * Times are of a clock that does not go back, in ms. */
#ifndef PM_AUTH_H
#define PM_AUTH_H

#include "crypto.h"
#include "view.h"
#include <stdbool.h>
#include <stdint.h>

#define AUTH_SESSIONS_MAX 256 /* one more: the oldest is out */
#define AUTH_IDLE_MS (30u * 60 * 1000)
#define AUTH_LIFE_MS (12u * 60 * 60 * 1000)
#define AUTH_BEARER_MS (60u * 1000)
#define AUTH_ID_BYTES 44   /* 256 random bits in base64url, terminated */
#define AUTH_CSRF_BYTES 65 /* hex, terminated */

#define AUTH_NAME_BYTES 65
#define AUTH_BEARERS_MAX 16

/* Whom controlplane has named for a token. */
struct auth_user {
	char name[AUTH_NAME_BYTES];
	char stamp[24];    /* another one when the token is another */
	bool admin;        /* else a viewer */
	bool metrics;      /* nobody: the token opens /metrics and nothing else */
	uint64_t since_ms; /* when that was named */
};

struct auth_session {
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	uint64_t born_ms, used_ms;
	struct auth_user user;
};

struct auth_bearer {
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	uint64_t until_ms;
	struct auth_user user;
};

struct auth {
	uint8_t csrf_key[CRYPTO_SHA256_BYTES];
	struct auth_session sessions[AUTH_SESSIONS_MAX]; /* in the order of their birth */
	size_t count;
	struct auth_bearer bearers[AUTH_BEARERS_MAX]; /* that were found good */
};

void auth_init(struct auth *auth);
/* A new session; its id goes to the client and is kept nowhere else. */
void auth_login(
    struct auth *auth, const struct auth_user *user, uint64_t now_ms, char id[AUTH_ID_BYTES]);
/* The living session of this id, which is used by that, or NULL. `csrf` (may be NULL) is its token.
 */
const struct auth_session *auth_use(
    struct auth *auth, struct view id, uint64_t now_ms, char csrf[AUTH_CSRF_BYTES]);
/* The same without using it. */
const struct auth_session *auth_look(struct auth *auth, struct view id, uint64_t now_ms);
/* Ends the session; fine when there is none. */
void auth_logout(struct auth *auth, struct view id);
/* Ends all sessions of a user and forgets the tokens; NULL = everybody's. How many sessions. */
size_t auth_logout_user(struct auth *auth, const char *name);

/* It looks like one that was minted here: 256 random bits behind a prefix, which nobody guesses. */
bool auth_is_minted(struct view token);
/* A token by itself: its hash is remembered for AUTH_BEARER_MS. */
void auth_bearer_note(struct auth *auth, const uint8_t sha256[CRYPTO_SHA256_BYTES],
    const struct auth_user *user, uint64_t now_ms);
/* Whose it is, NULL = not known. */
const struct auth_user *auth_bearer_known(
    const struct auth *auth, const uint8_t sha256[CRYPTO_SHA256_BYTES], uint64_t now_ms);
/* It was found wrong: nothing is known of it any more. */
void auth_bearer_forget(struct auth *auth, const uint8_t sha256[CRYPTO_SHA256_BYTES]);
/* It was good some time, however long ago. */
bool auth_bearer_was(const struct auth *auth, const uint8_t sha256[CRYPTO_SHA256_BYTES]);

#endif
