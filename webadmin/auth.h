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

struct auth_session {
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	uint64_t born_ms, used_ms;
};

/* What a token opens. */
enum auth_role {
	AUTH_ADMIN,
	AUTH_METRICS, /* only /metrics */
	AUTH_ROLES,
};

struct auth_bearer { /* the last that was found good */
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	uint64_t until_ms;
};

struct auth {
	uint8_t csrf_key[CRYPTO_SHA256_BYTES];
	struct auth_session sessions[AUTH_SESSIONS_MAX]; /* in the order of their birth */
	size_t count;
	struct auth_bearer bearers[AUTH_ROLES];
};

void auth_init(struct auth *auth);
/* A new session; its id goes to the client and is kept nowhere else. */
void auth_login(struct auth *auth, uint64_t now_ms, char id[AUTH_ID_BYTES]);
/* True when `id` is a living session, which is used by that. `csrf` (may be NULL) is its token. */
bool auth_use(struct auth *auth, struct view id, uint64_t now_ms, char csrf[AUTH_CSRF_BYTES]);
/* Ends the session; fine when there is none. */
void auth_logout(struct auth *auth, struct view id);

/* A token by itself: remembers the hash of the last good one of each role for AUTH_BEARER_MS. */
void auth_bearer_note(struct auth *auth, enum auth_role role,
    const uint8_t sha256[CRYPTO_SHA256_BYTES], uint64_t now_ms);
bool auth_bearer_known(const struct auth *auth, enum auth_role role,
    const uint8_t sha256[CRYPTO_SHA256_BYTES], uint64_t now_ms);

#endif
