/* Compressed bodies: any split, bounded, exact to the last byte. */
#include "inflate.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define PLAIN_BYTES 40000
#define PACKED_BYTES_MAX (PLAIN_BYTES + 1024)

static const enum coding packed_codings[] = {CODING_GZIP, CODING_DEFLATE, CODING_ZSTD};
static char plain[PLAIN_BYTES];

static void
fill(void)
{
	uint32_t state = 7;
	for (size_t i = 0; i < sizeof(plain); i++) {
		state = state * 1664525u + 1013904223u;
		plain[i] = (char)('a' + (state >> 24) % 7);
	}
}

static size_t
pack(enum coding coding, const char *in, size_t len, char *out, size_t room)
{
	if (coding == CODING_ZSTD)
		return ZSTD_compress(out, room, in, len, 3);
	z_stream zlib = {0};
	int format = coding == CODING_GZIP ? 16 : 0;
	ck_assert_int_eq(deflateInit2(&zlib, 6, Z_DEFLATED, MAX_WBITS + format, 8, 0), Z_OK);
	char *copy = malloc(len + 1); /* zlib's input is not const here */
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, in, len);
	zlib.next_in = (Bytef *)copy;
	zlib.avail_in = (uInt)len;
	zlib.next_out = (Bytef *)out;
	zlib.avail_out = (uInt)room;
	ck_assert_int_eq(deflate(&zlib, Z_FINISH), Z_STREAM_END);
	deflateEnd(&zlib);
	free(copy);
	return zlib.total_out;
}

START_TEST(it_gives_back_what_was_packed_at_any_split)
{
	static char packed[PACKED_BYTES_MAX];
	const size_t steps[] = {1, 2, 3, 100, 4096, sizeof(packed)};
	fill();
	size_t len = pack(packed_codings[_i], plain, sizeof(plain), packed, sizeof(packed));
	for (int k = 0; k < COUNT(steps); k++) {
		struct bytes out;
		struct inflate *inflate = inflate_new(packed_codings[_i]);
		bytes_init(&out, sizeof(plain));
		for (size_t at = 0; at < len; at += steps[k]) {
			struct view piece = view_sub(view_make(packed, len), at, steps[k]);
			if (inflate_done(inflate) || !inflate_feed(inflate, piece, &out, NULL))
				ck_abort_msg("at %zu", at);
		}
		ck_assert(inflate_done(inflate));
		ck_assert(view_eq(bytes_view(&out), view_make(plain, sizeof(plain))));
		ck_assert(inflate_feed(inflate, VIEW(""), &out, NULL));
		inflate_free(inflate);
		bytes_fini(&out);
	}
}
END_TEST

START_TEST(one_byte_more_than_the_limit_is_too_much)
{
	static char packed[PACKED_BYTES_MAX];
	fill();
	size_t len = pack(packed_codings[_i], plain, sizeof(plain), packed, sizeof(packed));
	for (size_t max = sizeof(plain) - 1; max <= sizeof(plain) + 1; max++) {
		struct bytes out;
		struct err err;
		bytes_init(&out, max);
		bool ok = inflate_body(packed_codings[_i], view_make(packed, len), &out, &err);
		ck_assert_int_eq(ok, max >= sizeof(plain));
		ck_assert(ok || err.kind == ERR_LIMIT);
		bytes_fini(&out);
	}
}
END_TEST

START_TEST(a_bomb_costs_no_more_than_the_limit)
{
	size_t big = 64u << 20, room = 1u << 20;
	char *zeros = calloc(1, big), *packed = malloc(room);
	struct bytes out;
	struct err err;
	ck_assert(zeros != NULL && packed != NULL);
	size_t len = pack(packed_codings[_i], zeros, big, packed, room);
	bytes_init(&out, 100000);
	ck_assert(!inflate_body(packed_codings[_i], view_make(packed, len), &out, &err));
	ck_assert_int_eq(err.kind, ERR_LIMIT);
	ck_assert_uint_le(out.cap, 100000);
	bytes_fini(&out);
	free(zeros);
	free(packed);
}
END_TEST

START_TEST(what_is_cut_broken_or_followed_by_more_is_refused)
{
	char packed[4096];
	enum coding coding = packed_codings[_i];
	size_t len = pack(coding, "hello, hello, hello", 19, packed, sizeof(packed) - 1);
	packed[len] = 'x';
	for (size_t cut = 0; cut <= len + 1; cut++) {
		struct bytes out;
		struct err err = {0};
		bytes_init(&out, 4096);
		bool ok = inflate_body(coding, view_make(packed, cut), &out, &err);
		ck_assert_int_eq(ok, cut == len);
		ck_assert(ok || err.kind == ERR_PARSE);
		bytes_fini(&out);
	}
	memset(packed, 'x', len);
	struct bytes out;
	struct err err;
	bytes_init(&out, 4096);
	ck_assert(!inflate_body(coding, view_make(packed, len), &out, &err));
	ck_assert_int_eq(err.kind, ERR_PARSE);
	bytes_fini(&out);
}
END_TEST

/* A frame that asks for a window of 16 MiB to be remembered. */
START_TEST(a_zstd_window_is_bounded)
{
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	char packed[1024];
	struct bytes out;
	struct err err;
	ck_assert_ptr_nonnull(zstd);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, 24);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
	ZSTD_inBuffer in = {"hello", 5, 0};
	ZSTD_outBuffer to = {packed, sizeof(packed), 0};
	ZSTD_compressStream2(zstd, &to, &in, ZSTD_e_flush);
	ck_assert_uint_eq(ZSTD_compressStream2(zstd, &to, &in, ZSTD_e_end), 0);
	ZSTD_freeCCtx(zstd);
	bytes_init(&out, 4096);
	ck_assert(!inflate_body(CODING_ZSTD, view_make(packed, to.pos), &out, &err));
	bytes_fini(&out);
}
END_TEST

/* Frames of zstd 0.5 to 0.7, and one that is to be skipped. */
START_TEST(only_standard_zstd_frames_are_read)
{
	const char *const heads[] = {
	    "\x25\xb5\x2f\xfd", "\x26\xb5\x2f\xfd", "\x27\xb5\x2f\xfd\x04\x58", "\x50\x2a\x4d\x18"};
	for (int i = 0; i < COUNT(heads); i++) {
		struct bytes out;
		struct err err = {0};
		bytes_init(&out, 4096);
		ck_assert(!inflate_body(CODING_ZSTD, view_of(heads[i]), &out, &err));
		ck_assert_str_eq(err.msg, "no zstd frame");
		bytes_fini(&out);
	}
}
END_TEST

START_TEST(identity_passes_and_unknown_does_not)
{
	struct bytes out;
	struct err err;
	bytes_init(&out, 5);
	ck_assert(inflate_body(CODING_IDENTITY, VIEW("hello"), &out, &err));
	ck_assert(view_eq(bytes_view(&out), VIEW("hello")));
	ck_assert(!inflate_body(CODING_IDENTITY, VIEW("x"), &out, &err));
	ck_assert_int_eq(err.kind, ERR_LIMIT);
	ck_assert(!inflate_body(CODING_UNKNOWN, VIEW("x"), &out, &err));
	ck_assert_int_eq(err.kind, ERR_PARSE);
	bytes_fini(&out);
}
END_TEST

START_TEST(codings_have_names)
{
	static const struct {
		const char *value;
		enum coding coding;
	} rows[] = {{"", CODING_IDENTITY}, {" identity ", CODING_IDENTITY}, {"GZip", CODING_GZIP},
	    {"x-gzip", CODING_GZIP}, {"deflate", CODING_DEFLATE}, {"zstd", CODING_ZSTD},
	    {"br", CODING_UNKNOWN}, {"gzip, zstd", CODING_UNKNOWN}, {"gzip,", CODING_UNKNOWN}};
	for (int i = 0; i < COUNT(rows); i++)
		ck_assert_int_eq(coding_parse(view_of(rows[i].value)), rows[i].coding);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("inflate");
	TCase *tests = tcase_create("inflate");
	tcase_set_timeout(tests, 60);
	int codings = COUNT(packed_codings);
	tcase_add_loop_test(tests, it_gives_back_what_was_packed_at_any_split, 0, codings);
	tcase_add_loop_test(tests, one_byte_more_than_the_limit_is_too_much, 0, codings);
	tcase_add_loop_test(tests, a_bomb_costs_no_more_than_the_limit, 0, codings);
	tcase_add_loop_test(tests, what_is_cut_broken_or_followed_by_more_is_refused, 0, codings);
	tcase_add_test(tests, a_zstd_window_is_bounded);
	tcase_add_test(tests, only_standard_zstd_frames_are_read);
	tcase_add_test(tests, identity_passes_and_unknown_does_not);
	tcase_add_test(tests, codings_have_names);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
