/* stamp: a token's mark by which its change is seen: it tells less than the hash of the token that
 * the configuration keeps, and who has the token can make it. PURE. */
#ifndef PM_STAMP_H
#define PM_STAMP_H

#include "crypto.h"

#define STAMP_BYTES 17 /* hex, terminated */

void stamp_of(const uint8_t sha256[CRYPTO_SHA256_BYTES], char out[STAMP_BYTES]);

#endif
