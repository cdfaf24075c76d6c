/* access: who a token belongs to, and codes that let somebody in once. Hashes only. */
#ifndef PM_ACCESS_H
#define PM_ACCESS_H

#include "config.h"
#include "schema.h"
#include "stamp.h"
#include <stdbool.h>
#include <stdint.h>

#define ACCESS_CODES_MAX 8
#define ACCESS_CODE_MS (15u * 60 * 1000)
#define ACCESS_CODE_BYTES 32 /* 128 random bits in base64url, terminated */

struct access_user {
	char name[SCHEMA_USER_BYTES_MAX + 1];
	const char *role;        /* "admin", "viewer", "metrics" */
	char stamp[STAMP_BYTES]; /* another one when the token is another: not its hash */
};

struct access_codes {
	struct {
		uint8_t sha256[32];
		uint64_t until_ms; /* 0 = none */
	} items[ACCESS_CODES_MAX];
};

/* Whose token has this hash; false: nobody's, or a disabled user's. */
bool access_find(const struct config *config, const uint8_t sha256[32], struct access_user *out);
/* The same of the token that opens /metrics alone: role "metrics". */
bool access_find_metrics(
    const struct config *config, const uint8_t sha256[32], struct access_user *out);
/* A new code, for the holder of the admin token; the oldest one makes room. */
void access_mint_code(struct access_codes *codes, uint64_t now_ms, char out[ACCESS_CODE_BYTES]);
/* Is it one of the codes? Then it is used up. */
bool access_use_code(struct access_codes *codes, const struct config *config,
    const uint8_t sha256[32], uint64_t now_ms, struct access_user *out);
/* [{name, role, stamp}] of all who may log in; new reference. */
json_t *access_encode(const struct config *config);

#endif
