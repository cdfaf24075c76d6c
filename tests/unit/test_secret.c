/* Keys: kept, masked, wiped. */
#include "secret.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char *
mask(const char *clear)
{
	static char out[SECRET_MASK_BYTES];
	struct secret secret = {0};
	ck_assert(secret_set(&secret, view_of(clear)));
	secret_mask(&secret, out);
	secret_fini(&secret);
	return out;
}

START_TEST(kept)
{
	struct secret secret = {0};
	ck_assert(secret_is_empty(&secret));
	char clear[] = "sk-abc";
	ck_assert(secret_set(&secret, view_of(clear)));
	clear[0] = 'x'; /* it is a copy */
	ck_assert(view_eq_str(secret_reveal(&secret), "sk-abc"));
	ck_assert(!secret_is_empty(&secret));
	secret_fini(&secret);
	ck_assert(secret_is_empty(&secret));
	ck_assert_ptr_null(secret_reveal(&secret).data);
	secret_fini(&secret);
	ck_assert(secret_set(&secret, view_make(NULL, 0)));
	ck_assert(secret_is_empty(&secret));
}
END_TEST

START_TEST(bounded)
{
	static char clear[SECRET_BYTES_MAX + 1];
	struct secret secret = {0};
	memset(clear, 'k', sizeof(clear));
	ck_assert(!secret_set(&secret, view_make(clear, sizeof(clear))));
	ck_assert(secret_is_empty(&secret));
	ck_assert(secret_set(&secret, view_make(clear, sizeof(clear) - 1)));
	secret_fini(&secret);
}
END_TEST

START_TEST(masked)
{
	ck_assert_str_eq(mask(""), "");
	ck_assert_str_eq(mask("a"), "set");
	ck_assert_str_eq(mask("sk-456789012345"), "set");
	ck_assert_str_eq(mask("sk-4567890123456"), "sk-...3456");
	ck_assert_str_eq(mask("a\"\n 567890123\xc3\xa4x"), "a\"?...3??x");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("secret");
	TCase *tcase = tcase_create("secret");
	tcase_add_test(tcase, kept);
	tcase_add_test(tcase, bounded);
	tcase_add_test(tcase, masked);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
