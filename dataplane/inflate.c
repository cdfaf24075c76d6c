#define ZLIB_CONST /* input is not written to */
#include "inflate.h"
#include "mem.h"
#include "must.h"
#include <zlib.h>
#include <zstd.h>

/* Output room asked for at a time. */
#define STEP_BYTES ((size_t)16384)
/* What a zstd stream may make us remember: 8 MiB, the bound of RFC 9659 for HTTP. */
#define ZSTD_WINDOW_LOG 23

struct inflate {
	enum coding coding;
	z_stream zlib;
	ZSTD_DStream *zstd;
	size_t magic_seen; /* bytes of zstd's magic number */
	bool done;
};

enum coding
coding_parse(struct view value)
{
	static const struct {
		const char *name;
		enum coding coding;
	} rows[] = {
	    {"", CODING_IDENTITY},
	    {"identity", CODING_IDENTITY},
	    {"gzip", CODING_GZIP},
	    {"x-gzip", CODING_GZIP},
	    {"deflate", CODING_DEFLATE},
	    {"zstd", CODING_ZSTD},
	};
	value = view_trim(value);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (view_eq_nocase(value, rows[i].name))
			return rows[i].coding;
	}
	return CODING_UNKNOWN;
}

struct inflate *
inflate_new(enum coding coding)
{
	struct inflate *inflate = MEM_NEW(struct inflate);
	inflate->coding = coding;
	inflate->done = coding == CODING_IDENTITY;
	if (coding == CODING_GZIP || coding == CODING_DEFLATE) {
		int format = coding == CODING_GZIP ? 16 : 0; /* zlib's word for gzip's header */
		MUST(inflateInit2(&inflate->zlib, MAX_WBITS + format) == Z_OK);
	} else if (coding == CODING_ZSTD) {
		inflate->zstd = ZSTD_createDStream();
		MUST(inflate->zstd != NULL);
		size_t set =
		    ZSTD_DCtx_setParameter(inflate->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
		MUST(!ZSTD_isError(set));
	}
	return inflate;
}

void
inflate_free(struct inflate *inflate)
{
	if (inflate == NULL)
		return;
	if (inflate->coding == CODING_GZIP || inflate->coding == CODING_DEFLATE)
		inflateEnd(&inflate->zlib);
	ZSTD_freeDStream(inflate->zstd);
	mem_free(inflate);
}

/* One call of the library: `in` shrinks by what was read, *room by what was written to `to`. False
 * for broken input. */
static bool
step_zlib(struct inflate *me, struct view *in, char *to, size_t *room)
{
	z_stream *zlib = &me->zlib;
	uInt given = (uInt)(in->len < UINT32_MAX ? in->len : UINT32_MAX);
	zlib->next_in = (const Bytef *)in->data;
	zlib->avail_in = given;
	zlib->next_out = (Bytef *)to;
	zlib->avail_out = (uInt)*room;
	int result = inflate(zlib, Z_NO_FLUSH);
	*in = view_from(*in, given - zlib->avail_in);
	*room = zlib->avail_out;
	me->done = result == Z_STREAM_END;
	return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR;
}

static bool
step_zstd(struct inflate *inflate, struct view *in, char *to, size_t *room)
{
	ZSTD_inBuffer input = {in->data, in->len, 0};
	ZSTD_outBuffer output = {to, *room, 0};
	size_t result = ZSTD_decompressStream(inflate->zstd, &output, &input);
	*in = view_from(*in, input.pos);
	*room -= output.pos;
	inflate->done = result == 0;
	return !ZSTD_isError(result);
}

/* libzstd also reads the formats of its first years, by decoders that nobody looks after; only the
 * standard's frames are let through to it. */
static bool
check_magic(struct inflate *inflate, struct view in)
{
	static const char magic[] = {'\x28', '\xb5', '\x2f', '\xfd'};
	if (inflate->coding != CODING_ZSTD)
		return true;
	for (size_t i = 0; i < in.len && inflate->magic_seen < sizeof(magic); i++) {
		if (in.data[i] != magic[inflate->magic_seen++])
			return false;
	}
	return true;
}

/* Runs the library until it takes and gives nothing more. When `out` is full, one byte beside it
 * tells whether more would come. */
static bool
pump(struct inflate *inflate, struct view *in, struct bytes *out, struct err *err)
{
	for (;;) {
		char beside;
		size_t left = out->max - out->len;
		size_t room = left == 0 ? 1 : left < STEP_BYTES ? left : STEP_BYTES;
		size_t offered = room, before = in->len;
		MUST(left == 0 || bytes_reserve(out, room));
		char *to = left == 0 ? &beside : out->data + out->len;
		bool fine = inflate->coding == CODING_ZSTD ? step_zstd(inflate, in, to, &room)
							   : step_zlib(inflate, in, to, &room);
		size_t written = offered - room;
		if (left == 0 && written > 0) {
			return err_set(
			    err, ERR_LIMIT, "", "unpacked to more than %zu bytes", out->max);
		}
		out->len += written;
		if (!fine)
			return err_set(err, ERR_PARSE, "", "broken compressed data");
		if (inflate->done || (written == 0 && in->len == before))
			return true;
	}
}

bool
inflate_feed(struct inflate *inflate, struct view in, struct bytes *out, struct err *err)
{
	if (inflate->coding == CODING_UNKNOWN)
		return err_set(err, ERR_PARSE, "", "unknown content coding");
	if (inflate->coding == CODING_IDENTITY) {
		return bytes_append_view(out, in) ||
		       err_set(err, ERR_LIMIT, "", "more than %zu bytes", out->max);
	}
	if (!check_magic(inflate, in))
		return err_set(err, ERR_PARSE, "", "no zstd frame");
	if (!inflate->done && in.len > 0 && !pump(inflate, &in, out, err))
		return false;
	if (inflate->done && in.len > 0)
		return err_set(err, ERR_PARSE, "", "bytes behind the end of the compressed data");
	return true;
}

bool
inflate_done(const struct inflate *inflate)
{
	return inflate->done;
}

bool
inflate_body(enum coding coding, struct view in, struct bytes *out, struct err *err)
{
	struct inflate *inflate = inflate_new(coding);
	bool ok = inflate_feed(inflate, in, out, err);
	if (ok && !inflate_done(inflate))
		ok = err_set(err, ERR_PARSE, "", "compressed data ends early");
	inflate_free(inflate);
	return ok;
}
