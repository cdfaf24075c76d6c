#include "crypto.h"
#include "must.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

/* Fetched once: a look-up for each call costs more than hashing a key. They live as long as the
 * process. */
static EVP_MD *sha256;
static EVP_MD_CTX *sha256_ctx;
static EVP_MAC_CTX *hmac_ctx;

/* Without memory for its beginnings OpenSSL goes on and falls over its own missing locks. */
static void
begin_once(void)
{
	static bool begun;
	if (begun)
		return;
	MUST(OSSL_LIB_CTX_get0_global_default() != NULL);
	begun = true;
}

static void
fetch_once(void)
{
	if (sha256 != NULL)
		return;
	begin_once();
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	sha256_ctx = EVP_MD_CTX_new();
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	MUST(sha256 != NULL && sha256_ctx != NULL && hmac != NULL);
	hmac_ctx = EVP_MAC_CTX_new(hmac);
	EVP_MAC_free(hmac); /* the context holds its own reference */
	char name[] = "SHA256";
	const OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
	    OSSL_PARAM_construct_end(),
	};
	MUST(hmac_ctx != NULL && EVP_MAC_CTX_set_params(hmac_ctx, params) == 1);
}

void
crypto_random(void *out, size_t len)
{
	begin_once();
	MUST(len <= INT32_MAX && RAND_bytes(out, (int)len) == 1);
}

uint64_t
crypto_random_u64(void)
{
	uint64_t value;
	crypto_random(&value, sizeof(value));
	return value;
}

void
crypto_sha256(struct view data, uint8_t out[CRYPTO_SHA256_BYTES])
{
	fetch_once();
	MUST(EVP_DigestInit_ex2(sha256_ctx, sha256, NULL) == 1);
	MUST(EVP_DigestUpdate(sha256_ctx, data.data, data.len) == 1);
	MUST(EVP_DigestFinal_ex(sha256_ctx, out, NULL) == 1);
}

void
crypto_hmac_sha256(struct view key, struct view data, uint8_t out[CRYPTO_SHA256_BYTES])
{
	fetch_once();
	/* A NULL key would mean "the one of the last call". */
	const char *bytes = key.data != NULL ? key.data : "";
	size_t len;
	MUST(EVP_MAC_init(hmac_ctx, (const unsigned char *)bytes, key.len, NULL) == 1);
	MUST(EVP_MAC_update(hmac_ctx, (const unsigned char *)data.data, data.len) == 1);
	MUST(EVP_MAC_final(hmac_ctx, out, &len, CRYPTO_SHA256_BYTES) == 1);
	MUST(len == CRYPTO_SHA256_BYTES);
}

bool
crypto_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void
crypto_wipe(void *data, size_t len)
{
	OPENSSL_cleanse(data, len);
}

void
crypto_hex(const uint8_t *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		*out++ = digits[data[i] >> 4];
		*out++ = digits[data[i] & 15];
	}
	*out = '\0';
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	char low = (char)(c | 0x20);
	return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

bool
crypto_unhex(struct view hex, uint8_t *out, size_t len)
{
	if (hex.len / 2 != len || hex.len % 2 != 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(hex.data[2 * i]);
		int low = hex_digit(hex.data[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void
crypto_random_base64url(size_t len, char *out)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	while (len > 0) {
		size_t count = len < 3 ? len : 3;
		uint8_t bytes[3] = {0};
		crypto_random(bytes, count);
		uint32_t bits = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
		for (size_t i = 0; i <= count; i++)
			*out++ = digits[bits >> (18 - 6 * i) & 63];
		crypto_wipe(bytes, sizeof(bytes));
		crypto_wipe(&bits, sizeof(bits));
		len -= count;
	}
	*out = '\0';
}
