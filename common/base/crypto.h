/* crypto: the few primitives we need (only OpenSSL includer beside net/tls). */
#ifndef PM_CRYPTO_H
#define PM_CRYPTO_H

#include "view.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRYPTO_SHA256_BYTES 32

void crypto_random(void *out, size_t len); /* aborts when the system has none */
uint64_t crypto_random_u64(void);
void crypto_sha256(struct view data, uint8_t out[CRYPTO_SHA256_BYTES]);
void crypto_hmac_sha256(struct view key, struct view data, uint8_t out[CRYPTO_SHA256_BYTES]);
/* Time does not depend on the content. */
bool crypto_equal(const void *a, const void *b, size_t len);
void crypto_wipe(void *data, size_t len);
/* Lower-case hex; `out` holds 2 * len + 1. */
void crypto_hex(const uint8_t *data, size_t len, char *out);
/* Exactly 2 * len hex digits (either case). */
bool crypto_unhex(struct view hex, uint8_t *out, size_t len);
/* base64url without padding of `len` random bytes: the body of a minted key. `out` holds
 * (len * 4 + 2) / 3 + 1. */
void crypto_random_base64url(size_t len, char *out);

#endif
