/* Many pieces, one end of life, one limit. */
#include "arena.h"
#include <check.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

START_TEST(pieces_are_aligned_zeroed_and_apart)
{
	struct arena arena;
	unsigned char *pieces[300];
	arena_init(&arena, 100, SIZE_MAX / 4);
	for (size_t i = 0; i < 300; i++) {
		pieces[i] = arena_alloc(&arena, i);
		ck_assert_ptr_nonnull(pieces[i]);
		ck_assert_uint_eq((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
		for (size_t k = 0; k < i; k++) {
			if (pieces[i][k] != 0)
				ck_abort_msg("piece %zu is not zeroed", i);
		}
		memset(pieces[i], (int)i, i);
	}
	for (size_t i = 0; i < 300; i++) {
		for (size_t k = 0; k < i; k++) {
			if (pieces[i][k] != (unsigned char)i)
				ck_abort_msg("piece %zu was overwritten", i);
		}
	}
	arena_fini(&arena);
	ck_assert_uint_eq(arena.used_bytes, 0);
	ck_assert_ptr_nonnull(arena_alloc(&arena, 1)); /* it may be used again */
	arena_fini(&arena);
}
END_TEST

START_TEST(the_limit_holds)
{
	struct arena arena;
	arena_init(&arena, 64, 1000);
	ck_assert_ptr_null(arena_alloc(&arena, 1001));
	ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX));
	size_t given = 0;
	while (arena_alloc(&arena, 10) != NULL)
		given++;
	ck_assert_uint_eq(given, 1000 / 16);
	ck_assert_uint_le(arena.used_bytes, 1000);
	ck_assert_ptr_null(arena_copy(&arena, VIEW("sixteen and more")).data);
	ck_assert_ptr_null(arena_printf(&arena, "%s", "sixteen and more").data);
	arena_fini(&arena);
}
END_TEST

START_TEST(a_big_piece_does_not_waste_the_block)
{
	struct arena arena;
	arena_init(&arena, 1024, 1 << 20);
	char *first = arena_alloc(&arena, 16);
	ck_assert_ptr_nonnull(arena_alloc(&arena, 100000));
	char *second = arena_alloc(&arena, 16);
	ck_assert_ptr_eq(second, first + 16);
	arena_fini(&arena);
}
END_TEST

START_TEST(texts)
{
	struct arena arena;
	arena_init(&arena, 16, 10000);
	struct view copy = arena_copy(&arena, VIEW("a\0b"));
	ck_assert(view_eq(copy, VIEW("a\0b")));
	ck_assert_int_eq(copy.data[3], '\0');
	copy = arena_copy(&arena, view_make(NULL, 0));
	ck_assert_str_eq(copy.data, "");
	ck_assert_uint_eq(copy.len, 0);
	copy = arena_printf(&arena, "%s=%d", "x", 42);
	ck_assert_str_eq(copy.data, "x=42");
	ck_assert_uint_eq(copy.len, 4);
	arena_fini(&arena);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("arena");
	TCase *tcase = tcase_create("arena");
	tcase_add_test(tcase, pieces_are_aligned_zeroed_and_apart);
	tcase_add_test(tcase, the_limit_holds);
	tcase_add_test(tcase, a_big_piece_does_not_waste_the_block);
	tcase_add_test(tcase, texts);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
