#include "stamp.h"

void
stamp_of(const uint8_t sha256[CRYPTO_SHA256_BYTES], char out[STAMP_BYTES])
{
	uint8_t again[CRYPTO_SHA256_BYTES];
	crypto_sha256(view_make((const char *)sha256, CRYPTO_SHA256_BYTES), again);
	crypto_hex(again, (STAMP_BYTES - 1) / 2, out);
}
