#include "tape.h"
#include "mem.h"
#include "must.h"
#include <string.h>
#include <zlib.h>

#define NUMBER_DIGITS 12
#define GZIP_WINDOW 31 /* zlib: the biggest window, with a gzip head */

void
tape_init(struct tape *tape, size_t max_bytes)
{
	*tape = (struct tape){
	    .event_lines = true, .loop_at = SIZE_MAX, .loops = 1, .number_at = SIZE_MAX};
	writer_init(&tape->out, max_bytes);
	for (int i = 0; i < TAPE_MARKS; i++)
		tape->marks[i] = SIZE_MAX;
}

void
tape_fini(struct tape *tape)
{
	writer_fini(&tape->out);
	mem_free(tape->ends);
	tape->ends = NULL;
	tape->count = tape->cap = 0;
}

static const char *
line_end(const struct tape *tape)
{
	return tape->crlf ? "\r\n" : "\n";
}

void
tape_open(struct tape *tape, const char *name)
{
	if (name != NULL && tape->event_lines)
		writer_put(&tape->out, "event: $r$r", view_of(name), view_of(line_end(tape)));
	writer_put(&tape->out, "data: ");
}

static void
end_event(struct tape *tape)
{
	if (tape->count == tape->cap) {
		tape->cap = tape->cap ? tape->cap * 2 : 32;
		tape->ends = mem_realloc(tape->ends, tape->cap * sizeof(tape->ends[0]));
	}
	tape->ends[tape->count++] = tape->out.bytes.len;
}

void
tape_close(struct tape *tape)
{
	writer_put(&tape->out, "$r$r", view_of(line_end(tape)), view_of(line_end(tape)));
	end_event(tape);
}

void
tape_body(struct tape *tape, struct view body)
{
	writer_view(&tape->out, body);
	end_event(tape);
}

void
tape_mark(struct tape *tape, enum tape_mark mark)
{
	tape->marks[mark] = tape->count;
}

void
tape_loop(struct tape *tape, uint64_t loops)
{
	tape->loop_at = tape->count;
	tape->loops = loops;
}

void
tape_number(struct tape *tape, uint64_t first)
{
	tape->number_at = tape->out.bytes.len;
	tape->number = first;
	/* Blanks before a number are fine in JSON, so that it can be written in place. */
	for (int i = 0; i < NUMBER_DIGITS; i++)
		writer_view(&tape->out, VIEW(" "));
}

static void
write_number(struct tape *tape, uint64_t number)
{
	char *field = tape->out.bytes.data + tape->number_at;
	memset(field, ' ', NUMBER_DIGITS);
	for (int i = NUMBER_DIGITS - 1; i >= 0; i--, number /= 10) {
		field[i] = (char)('0' + number % 10);
		if (number < 10)
			return;
	}
}

uint64_t
tape_plays(const struct tape *tape)
{
	if (tape->loop_at >= tape->count)
		return tape->count;
	return tape->count - 1 + tape->loops;
}

size_t
tape_index(const struct tape *tape, uint64_t play)
{
	if (tape->loop_at >= tape->count || play < tape->loop_at)
		return (size_t)play;
	if (play < tape->loop_at + tape->loops)
		return tape->loop_at;
	return (size_t)(play - tape->loops + 1);
}

struct view
tape_play(struct tape *tape, uint64_t play)
{
	size_t index = tape_index(tape, play);
	MUST(index < tape->count);
	if (index == tape->loop_at && tape->number_at != SIZE_MAX)
		write_number(tape, tape->number + (play - tape->loop_at));
	size_t from = index > 0 ? tape->ends[index - 1] : 0;
	return view_sub(writer_text(&tape->out), from, tape->ends[index] - from);
}

void
tape_truncate(struct tape *tape, uint64_t keep)
{
	if (keep >= tape_plays(tape))
		return;
	size_t index = tape_index(tape, keep);
	if (index == tape->loop_at && keep > tape->loop_at) {
		tape->loops = keep - tape->loop_at;
		index++;
	}
	tape->count = index;
	tape->out.bytes.len = index > 0 ? tape->ends[index - 1] : 0;
	if (tape->loop_at >= index)
		tape->loop_at = tape->number_at = SIZE_MAX;
	for (int i = 0; i < TAPE_MARKS; i++) {
		if (tape->marks[i] != SIZE_MAX && tape->marks[i] >= index)
			tape->marks[i] = SIZE_MAX;
	}
}

static bool
deflate_event(z_stream *stream, struct view in, bool last, struct bytes *out)
{
	/* zlib promises not to write to the input, but its type does not say so. */
	memcpy(&stream->next_in, &in.data, sizeof(in.data));
	stream->avail_in = (uInt)in.len;
	do {
		if (!bytes_reserve(out, in.len / 2 + 64))
			return false;
		stream->next_out = (Bytef *)(out->data + out->len);
		stream->avail_out = (uInt)(out->cap - out->len);
		uInt room = stream->avail_out;
		if (deflate(stream, last ? Z_FINISH : Z_SYNC_FLUSH) == Z_STREAM_ERROR)
			return false;
		out->len += room - stream->avail_out;
	} while (stream->avail_out == 0);
	return true;
}

bool
tape_gzip(struct tape *tape)
{
	z_stream stream = {0};
	struct bytes out;
	bool ok = true;
	size_t from = 0;
	if (deflateInit2(&stream, 6, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	if (tape->number_at != SIZE_MAX)
		write_number(tape, tape->number);
	bytes_init(&out, tape->out.bytes.max);
	for (size_t i = 0; ok && i < tape->count; i++) {
		struct view event = view_sub(writer_text(&tape->out), from, tape->ends[i] - from);
		from = tape->ends[i];
		ok = deflate_event(&stream, event, i + 1 == tape->count, &out);
		tape->ends[i] = out.len;
	}
	deflateEnd(&stream);
	bytes_fini(&tape->out.bytes);
	tape->out.bytes = out;
	tape->loops = 1; /* compressed bytes do not repeat */
	tape->number_at = SIZE_MAX;
	return ok;
}
