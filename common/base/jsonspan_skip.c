#include "jsonspan_skip.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BLOCK_BYTES 64

#define ODD_BITS 0xaaaaaaaaaaaaaaaaULL
/* The blocks of a long text are all that this file is slow at: nothing is called for them. */
#define INLINE static inline __attribute__((always_inline))

/* Of 64 bytes, a bit for each: bit 0 is the first byte. `brackets` has those of all four kinds, and
 * within strings some other bytes. */
struct masks {
	uint64_t quotes, backslashes, brackets;
};

#ifdef __SSE2__

INLINE uint64_t
bits_of(__m128i hits, unsigned quarter)
{
	return (uint64_t)(unsigned)_mm_movemask_epi8(hits) << (16 * quarter);
}

INLINE struct masks
look(const char *p)
{
	struct masks masks = {0};
	for (unsigned i = 0; i < 4; i++) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * (size_t)i));
		/* The four differ in these bits alone. */
		__m128i folded = _mm_or_si128(v, _mm_set1_epi8(0x26));
		masks.quotes |= bits_of(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), i);
		masks.backslashes |= bits_of(_mm_cmpeq_epi8(v, _mm_set1_epi8('\\')), i);
		masks.brackets |= bits_of(_mm_cmpeq_epi8(folded, _mm_set1_epi8(0x7f)), i);
	}
	return masks;
}

#else

INLINE struct masks
look(const char *p)
{
	struct masks masks = {0};
	for (unsigned i = 0; i < BLOCK_BYTES; i++) {
		masks.quotes |= (uint64_t)(p[i] == '"') << i;
		masks.backslashes |= (uint64_t)(p[i] == '\\') << i;
		masks.brackets |= (uint64_t)((p[i] | 0x26) == 0x7f) << i;
	}
	return masks;
}

#endif

/* The bytes that a backslash before them escapes. *carry (0 or 1): the first byte is one of them,
 * then whether the first one of the next block is.
 *
 * A backslash that is not escaped itself begins a run of them, of which every second one, and the
 * byte behind a run of odd length, is escaped. Taking each beginning away from the odd bits lets a
 * borrow run to the end of its run, which turns the bits of the right half of it around. */
INLINE uint64_t
find_escaped(uint64_t backslashes, uint64_t *carry)
{
	uint64_t before = *carry, escaped = before;
	*carry = 0;
	if (backslashes == 0)
		return escaped;
	uint64_t may_begin = backslashes & ~before;
	uint64_t turned = ((may_begin << 1 | ODD_BITS) - may_begin) ^ ODD_BITS;
	*carry = (turned & backslashes) >> 63;
	return turned ^ (backslashes | before);
}

/* The bytes that have an odd number of quotes before or at them: strings, without their closing
 * quotes. */
INLINE uint64_t
find_inside(uint64_t quotes)
{
	if (quotes == 0)
		return 0;
	for (unsigned step = 1; step < 64; step *= 2)
		quotes ^= quotes << step;
	return quotes;
}

/* The block that is left at the end of a text, filled up with zeros. */
static const char *
fill_up(char block[BLOCK_BYTES], const char *p, const char *end)
{
	memset(block, 0, BLOCK_BYTES);
	if (p < end)
		memcpy(block, p, (size_t)(end - p));
	return block;
}

const char *
jsonspan_skip_string(const char *p, const char *end)
{
	char last[BLOCK_BYTES];
	uint64_t carry = 0;
	/* Most strings are short. */
	for (unsigned i = 0; i < 16 && p < end && *p != '\\'; i++, p++) {
		if (*p == '"')
			return p + 1;
	}
	for (; end - p >= BLOCK_BYTES; p += BLOCK_BYTES) {
		struct masks masks = look(p);
		uint64_t quotes = masks.quotes & ~find_escaped(masks.backslashes, &carry);
		if (quotes != 0)
			return p + __builtin_ctzll(quotes) + 1;
	}
	struct masks masks = look(fill_up(last, p, end));
	uint64_t quotes = masks.quotes & ~find_escaped(masks.backslashes, &carry);
	return quotes != 0 ? p + __builtin_ctzll(quotes) + 1 : end;
}

/* What is known at the beginning of a block of a container. */
struct walk {
	uint64_t carry, inside; /* all bits: in a string */
	size_t depth;
};

/* Which byte of the block closes the container; BLOCK_BYTES when none does. */
INLINE unsigned
find_close(struct walk *walk, const char *block)
{
	struct masks masks = look(block);
	uint64_t quotes = masks.quotes & ~find_escaped(masks.backslashes, &walk->carry);
	uint64_t strings = find_inside(quotes) ^ walk->inside;
	uint64_t brackets = masks.brackets & ~strings;
	walk->inside = 0 - (strings >> 63);
	for (; brackets != 0; brackets &= brackets - 1) {
		unsigned at = (unsigned)__builtin_ctzll(brackets);
		if (block[at] == '{' || block[at] == '[')
			walk->depth++;
		else if (--walk->depth == 0)
			return at;
	}
	return BLOCK_BYTES;
}

const char *
jsonspan_skip_container(const char *p, const char *end)
{
	char last[BLOCK_BYTES];
	struct walk walk = {0};
	unsigned at;
	for (; end - p >= BLOCK_BYTES; p += BLOCK_BYTES) {
		at = find_close(&walk, p);
		if (at < BLOCK_BYTES)
			return p + at + 1;
	}
	at = find_close(&walk, fill_up(last, p, end));
	return at < BLOCK_BYTES ? p + at + 1 : end;
}
