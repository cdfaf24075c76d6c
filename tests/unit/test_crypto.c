/* Published test vectors, and what randomness must look like. */
#include "crypto.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char *
sha(struct view data)
{
	static char hex[2 * CRYPTO_SHA256_BYTES + 1];
	uint8_t out[CRYPTO_SHA256_BYTES];
	crypto_sha256(data, out);
	crypto_hex(out, sizeof(out), hex);
	return hex;
}

static const char *
mac(struct view key, struct view data)
{
	static char hex[2 * CRYPTO_SHA256_BYTES + 1];
	uint8_t out[CRYPTO_SHA256_BYTES];
	crypto_hmac_sha256(key, data, out);
	crypto_hex(out, sizeof(out), hex);
	return hex;
}

START_TEST(sha256)
{
	ck_assert_str_eq(
	    sha(VIEW("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	ck_assert_str_eq(sha(view_make(NULL, 0)),
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	ck_assert_str_eq(sha(VIEW("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}
END_TEST

/* RFC 4231 cases 1, 2 and 6; the empty key; and no key is kept from call to call. */
START_TEST(hmac)
{
	char key[131];
	memset(key, 0x0b, 20);
	ck_assert_str_eq(mac(view_make(key, 20), VIEW("Hi There")),
	    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	ck_assert_str_eq(mac(VIEW("Jefe"), VIEW("what do ya want for nothing?")),
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, 131);
	ck_assert_str_eq(mac(view_make(key, 131),
			     VIEW("Test Using Larger Than Block-Size Key - Hash Key First")),
	    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	ck_assert_str_eq(mac(view_make(NULL, 0), view_make(NULL, 0)),
	    "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}
END_TEST

START_TEST(hex)
{
	uint8_t bytes[3];
	ck_assert(crypto_unhex(VIEW("00fFa5"), bytes, 3));
	ck_assert_uint_eq(bytes[0], 0);
	ck_assert_uint_eq(bytes[1], 255);
	ck_assert_uint_eq(bytes[2], 0xa5);
	char text[7];
	crypto_hex(bytes, 3, text);
	ck_assert_str_eq(text, "00ffa5");
	ck_assert(crypto_unhex(VIEW(""), bytes, 0));
	static const char *const wrong[] = {"", "00ff", "00ffa", "00ffa5a", "00ffa5a5", "00ffag",
	    "0 ffa5", "00ff:5", "00ff@5", "00ff`5", "00ff\x81\x81"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(!crypto_unhex(view_of(wrong[i]), bytes, 3), "%s", wrong[i]);
}
END_TEST

START_TEST(equal_and_wipe)
{
	char a[4] = "abc";
	ck_assert(crypto_equal(a, "abc", 3));
	ck_assert(!crypto_equal(a, "abd", 3));
	ck_assert(crypto_equal(a, "xyz", 0));
	crypto_wipe(a, 3);
	ck_assert_mem_eq(a, "\0\0\0", 3);
}
END_TEST

START_TEST(random_text)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	bool seen[256] = {false};
	for (size_t len = 0; len < 100; len++) {
		char text[140];
		crypto_random_base64url(len, text);
		ck_assert_uint_eq(strlen(text), (len * 4 + 2) / 3);
		ck_assert_uint_eq(strspn(text, alphabet), strlen(text));
		for (const char *c = text; *c != '\0'; c++)
			seen[(unsigned char)*c] = true;
	}
	/* 6,600 characters: that one of the 64 is missing has a chance of about 1e-43. */
	for (const char *c = alphabet; *c != '\0'; c++)
		ck_assert_msg(seen[(unsigned char)*c], "%c never came", *c);
	ck_assert_uint_ne(crypto_random_u64(), crypto_random_u64());
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("crypto");
	TCase *tcase = tcase_create("crypto");
	tcase_add_test(tcase, sha256);
	tcase_add_test(tcase, hmac);
	tcase_add_test(tcase, hex);
	tcase_add_test(tcase, equal_and_wipe);
	tcase_add_test(tcase, random_text);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
