#include "auth.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct auth auth;
static const struct auth_user ann = {.name = "ann", .stamp = "s1", .admin = true};
static const struct auth_user bob = {.name = "bob", .stamp = "s2"};

static void
setup(void)
{
	auth_init(&auth);
}

static bool
use(const char *id, uint64_t now_ms)
{
	return auth_use(&auth, view_of(id), now_ms, NULL) != NULL;
}

START_TEST(a_login_makes_a_session)
{
	char id[AUTH_ID_BYTES], other[AUTH_ID_BYTES];
	auth_login(&auth, &ann, 1000, id);
	auth_login(&auth, &ann, 1000, other);
	ck_assert_uint_eq(strlen(id), AUTH_ID_BYTES - 1);
	ck_assert_str_ne(id, other);
	ck_assert(use(id, 1000));
	ck_assert(use(other, 1000));
}
END_TEST

START_TEST(other_ids_are_nobody)
{
	char id[AUTH_ID_BYTES];
	auth_login(&auth, &ann, 1000, id);
	ck_assert(!use("", 1000));
	ck_assert(!use("0123456789012345678901234567890123456789012", 1000));
	id[AUTH_ID_BYTES - 2] = '\0';
	ck_assert(!use(id, 1000));
}
END_TEST

START_TEST(the_id_is_not_kept)
{
	char id[AUTH_ID_BYTES];
	auth_login(&auth, &ann, 1000, id);
	ck_assert_ptr_null(memmem(&auth, sizeof(auth), id, 16));
}
END_TEST

START_TEST(half_an_hour_alone_ends_it)
{
	char id[AUTH_ID_BYTES];
	auth_login(&auth, &ann, 0, id);
	ck_assert(use(id, AUTH_IDLE_MS - 1));
	ck_assert(use(id, 2 * AUTH_IDLE_MS - 2));
	ck_assert(!use(id, 3 * (uint64_t)AUTH_IDLE_MS));
	ck_assert(!use(id, 2 * AUTH_IDLE_MS));
	ck_assert_uint_eq(auth.count, 0);
}
END_TEST

START_TEST(twelve_hours_end_it_though_used)
{
	char id[AUTH_ID_BYTES];
	auth_login(&auth, &ann, 0, id);
	for (uint64_t now_ms = 0; now_ms < AUTH_LIFE_MS; now_ms += AUTH_IDLE_MS / 2)
		ck_assert(use(id, now_ms));
	ck_assert(!use(id, AUTH_LIFE_MS));
}
END_TEST

START_TEST(a_logout_ends_that_session_only)
{
	char id[AUTH_ID_BYTES], other[AUTH_ID_BYTES];
	auth_login(&auth, &ann, 0, id);
	auth_login(&auth, &ann, 0, other);
	auth_logout(&auth, view_of(id));
	auth_logout(&auth, view_of(id));
	ck_assert(!use(id, 0));
	ck_assert(use(other, 0));
}
END_TEST

START_TEST(the_oldest_makes_room)
{
	char ids[AUTH_SESSIONS_MAX + 1][AUTH_ID_BYTES];
	for (size_t i = 0; i <= AUTH_SESSIONS_MAX; i++)
		auth_login(&auth, &ann, i, ids[i]);
	ck_assert_uint_eq(auth.count, AUTH_SESSIONS_MAX);
	ck_assert(!use(ids[0], 300));
	for (size_t i = 1; i <= AUTH_SESSIONS_MAX; i++)
		ck_assert(use(ids[i], 300));
}
END_TEST

START_TEST(a_csrf_token_is_its_sessions_own)
{
	char id[AUTH_ID_BYTES], other[AUTH_ID_BYTES];
	char csrf[AUTH_CSRF_BYTES], again[AUTH_CSRF_BYTES], foreign[AUTH_CSRF_BYTES];
	auth_login(&auth, &ann, 0, id);
	auth_login(&auth, &ann, 0, other);
	ck_assert(auth_use(&auth, view_of(id), 0, csrf));
	ck_assert(auth_use(&auth, view_of(id), 5, again));
	ck_assert(auth_use(&auth, view_of(other), 0, foreign));
	ck_assert_uint_eq(strlen(csrf), AUTH_CSRF_BYTES - 1);
	ck_assert_str_eq(csrf, again);
	ck_assert_str_ne(csrf, foreign);
}
END_TEST

START_TEST(another_start_has_other_csrf_tokens)
{
	char id[AUTH_ID_BYTES], csrf[AUTH_CSRF_BYTES], later[AUTH_CSRF_BYTES];
	auth_login(&auth, &ann, 0, id);
	ck_assert(auth_use(&auth, view_of(id), 0, csrf));
	struct auth_session kept = auth.sessions[0];
	auth_init(&auth);
	auth.sessions[auth.count++] = kept;
	ck_assert(auth_use(&auth, view_of(id), 0, later));
	ck_assert_str_ne(csrf, later);
}
END_TEST

START_TEST(a_good_bearer_is_known_for_a_minute)
{
	uint8_t good[CRYPTO_SHA256_BYTES], bad[CRYPTO_SHA256_BYTES];
	uint8_t zero[CRYPTO_SHA256_BYTES] = {0};
	crypto_sha256(VIEW("good"), good);
	crypto_sha256(VIEW("bad"), bad);
	ck_assert(!auth_bearer_known(&auth, zero, 0));
	auth_bearer_note(&auth, good, &bob, 1000);
	const struct auth_user *known = auth_bearer_known(&auth, good, 1000 + AUTH_BEARER_MS - 1);
	ck_assert(known != NULL && strcmp(known->name, "bob") == 0 && !known->admin);
	ck_assert(!auth_bearer_known(&auth, good, 1000 + AUTH_BEARER_MS));
	ck_assert(!auth_bearer_known(&auth, bad, 1000));
	ck_assert(auth_bearer_was(&auth, good) && !auth_bearer_was(&auth, bad));
	auth_bearer_forget(&auth, good);
	ck_assert(!auth_bearer_was(&auth, good));
}
END_TEST

START_TEST(a_user_is_logged_out_everywhere)
{
	uint8_t token[CRYPTO_SHA256_BYTES];
	char first[AUTH_ID_BYTES], second[AUTH_ID_BYTES], other[AUTH_ID_BYTES];
	crypto_sha256(VIEW("token"), token);
	auth_login(&auth, &ann, 0, first);
	auth_login(&auth, &bob, 0, other);
	auth_login(&auth, &ann, 0, second);
	auth_bearer_note(&auth, token, &ann, 0);
	ck_assert_uint_eq(auth_logout_user(&auth, "ann"), 2);
	ck_assert(!use(first, 0) && !use(second, 0) && use(other, 0));
	ck_assert_ptr_null(auth_bearer_known(&auth, token, 0));
	ck_assert_uint_eq(auth_logout_user(&auth, NULL), 1);
	ck_assert(!use(other, 0));
}
END_TEST

START_TEST(looking_is_no_use)
{
	char id[AUTH_ID_BYTES];
	auth_login(&auth, &ann, 0, id);
	ck_assert_ptr_nonnull(auth_look(&auth, view_of(id), AUTH_IDLE_MS - 1));
	ck_assert_ptr_null(auth_look(&auth, view_of(id), AUTH_IDLE_MS));
}
END_TEST

START_TEST(minted_tokens_are_told_by_their_shape)
{
	char token[AUTH_ID_BYTES + 8] = "pma-";
	crypto_random_base64url(32, token + 4);
	ck_assert(auth_is_minted(view_of(token)));
	memcpy(token, "pmu-", 4);
	ck_assert(auth_is_minted(view_of(token)));
	memcpy(token, "pmx-", 4);
	ck_assert(!auth_is_minted(view_of(token)));
	memcpy(token, "pmm-", 4);
	ck_assert(auth_is_minted(view_of(token)));
	token[20] = '!';
	ck_assert(!auth_is_minted(view_of(token)));
	token[20] = '\0';
	ck_assert(!auth_is_minted(view_of(token)));
	ck_assert(!auth_is_minted(view_of("")));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("auth");
	TCase *tcase = tcase_create("auth");
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, a_login_makes_a_session);
	tcase_add_test(tcase, other_ids_are_nobody);
	tcase_add_test(tcase, the_id_is_not_kept);
	tcase_add_test(tcase, half_an_hour_alone_ends_it);
	tcase_add_test(tcase, twelve_hours_end_it_though_used);
	tcase_add_test(tcase, a_logout_ends_that_session_only);
	tcase_add_test(tcase, a_user_is_logged_out_everywhere);
	tcase_add_test(tcase, looking_is_no_use);
	tcase_add_test(tcase, minted_tokens_are_told_by_their_shape);
	tcase_add_test(tcase, the_oldest_makes_room);
	tcase_add_test(tcase, a_csrf_token_is_its_sessions_own);
	tcase_add_test(tcase, another_start_has_other_csrf_tokens);
	tcase_add_test(tcase, a_good_bearer_is_known_for_a_minute);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
