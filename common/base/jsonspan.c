#include "jsonspan.h"
#include <stdio.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct scanner {
	const char *start;
	const char *pos;
	const char *end;
	const char *problem; /* what is wrong at pos */
	unsigned depth;
	bool in_object[JSONSPAN_DEPTH_MAX + 1]; /* by depth; [0] is the text itself */
	enum jsonspan_kind root_kind;
	struct jsonspan_want *wants;
	size_t want_count;
	struct jsonspan_member member; /* of the top object, while it is read */
	enum jsonspan_kind kind;       /* of the value just read */
};

static bool
fail(struct scanner *s, const char *problem)
{
	s->problem = problem;
	return false;
}

static void
skip_space(struct scanner *s)
{
	while (s->pos < s->end &&
	       (*s->pos == ' ' || *s->pos == '\n' || *s->pos == '\r' || *s->pos == '\t'))
		s->pos++;
}

/* Whether the byte needs a look inside a string: quote, backslash, control or not ASCII. */
static bool
is_special(char c)
{
	return c == '"' || c == '\\' || (signed char)c < 0x20;
}

/* The first special byte, or `end`. */
static const char *
find_special(const char *p, const char *end)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i backslash = _mm_set1_epi8('\\');
	const __m128i space = _mm_set1_epi8(0x20);
	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* Signed: bytes from 0x80 on are below the space as well. */
		__m128i hit = _mm_or_si128(_mm_cmplt_epi8(v, space),
		    _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)));
		unsigned mask = (unsigned)_mm_movemask_epi8(hit);
		if (mask != 0)
			return p + __builtin_ctz(mask);
	}
#endif
	while (p < end && !is_special(*p))
		p++;
	return p;
}

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Behind the escape at `p`, or `p` when it is wrong. */
static const char *
skip_escape(const char *p, const char *end)
{
	switch (end - p >= 2 ? p[1] : '\0') {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return p + 2;
	case 'u':
		break;
	default:
		return p;
	}
	bool ok = end - p >= 6 && is_hex(p[2]) && is_hex(p[3]) && is_hex(p[4]) && is_hex(p[5]);
	return ok ? p + 6 : p;
}

static bool
is_tail(char c)
{
	return (c & 0xc0) == 0x80;
}

/* Behind the characters beyond ASCII at `p`; at the first wrong byte when there is one. The two
 * short cuts are what almost all text is made of; leads with a rule of their own are left out. */
static const char *
skip_utf8(const char *p, const char *end)
{
	while (p < end && (*p & 0x80) != 0) {
		unsigned char lead = (unsigned char)*p;
		size_t step = 0;
		if (lead > 0xe0 && lead < 0xed && end - p >= 3 && is_tail(p[1]) && is_tail(p[2])) {
			step = 3;
		} else if (lead > 0xc1 && lead < 0xe0 && end - p >= 2 && is_tail(p[1])) {
			step = 2;
		} else {
			step = view_utf8_step(view_make(p, (size_t)(end - p)));
		}
		if (step == 0)
			break;
		p += step;
	}
	return p;
}

/* At the opening quote; ends behind the closing one. */
static bool
scan_string(struct scanner *s, bool *escaped)
{
	const char *p = s->pos + 1;
	for (;;) {
		const char *special = s->pos = find_special(p, s->end);
		if (special == s->end)
			return fail(s, "string without end");
		if (*special == '"') {
			s->pos = special + 1;
			return true;
		}
		if (*special == '\\') {
			*escaped = true;
			p = skip_escape(special, s->end);
			if (p == special)
				return fail(s, "wrong escape in a string");
		} else if ((*special & 0x80) != 0) {
			p = s->pos = skip_utf8(special, s->end);
			if (p < s->end && (*p & 0x80) != 0)
				return fail(s, "not valid UTF-8");
		} else {
			return fail(s, "control byte in a string");
		}
	}
}

static bool
scan_digits(struct scanner *s)
{
	const char *first = s->pos;
	while (s->pos < s->end && *s->pos >= '0' && *s->pos <= '9')
		s->pos++;
	return s->pos > first || fail(s, "digit expected");
}

static bool
scan_number(struct scanner *s)
{
	if (*s->pos == '-')
		s->pos++;
	const char *first = s->pos;
	if (!scan_digits(s))
		return false;
	if (*first == '0' && s->pos > first + 1) {
		s->pos = first + 1;
		return fail(s, "number with a leading zero");
	}
	if (s->pos < s->end && *s->pos == '.') {
		s->pos++;
		if (!scan_digits(s))
			return false;
	}
	if (s->pos < s->end && (*s->pos == 'e' || *s->pos == 'E')) {
		s->pos++;
		if (s->pos < s->end && (*s->pos == '+' || *s->pos == '-'))
			s->pos++;
		if (!scan_digits(s))
			return false;
	}
	return true;
}

static bool
scan_word(struct scanner *s, const char *word)
{
	size_t len = strlen(word);
	if ((size_t)(s->end - s->pos) < len || memcmp(s->pos, word, len) != 0)
		return fail(s, "value expected");
	s->pos += len;
	return true;
}

/* Any value but an object or an array. */
static bool
scan_scalar(struct scanner *s)
{
	bool escaped;
	switch (*s->pos) {
	case '"':
		s->kind = JSONSPAN_STRING;
		return scan_string(s, &escaped);
	case 't':
		s->kind = JSONSPAN_BOOL;
		return scan_word(s, "true");
	case 'f':
		s->kind = JSONSPAN_BOOL;
		return scan_word(s, "false");
	case 'n':
		s->kind = JSONSPAN_NULL;
		return scan_word(s, "null");
	default:
		s->kind = JSONSPAN_NUMBER;
		if (*s->pos != '-' && (*s->pos < '0' || *s->pos > '9'))
			return fail(s, "value expected");
		return scan_number(s);
	}
}

/* The key and the colon of a member; ends at its value. */
static bool
scan_key(struct scanner *s)
{
	skip_space(s);
	if (s->pos == s->end || *s->pos != '"')
		return fail(s, "key expected");
	const char *quote = s->pos;
	bool escaped = false;
	if (!scan_string(s, &escaped))
		return false;
	const char *behind = s->pos;
	skip_space(s);
	if (s->pos == s->end || *s->pos != ':')
		return fail(s, "colon expected");
	s->pos++;
	skip_space(s);
	if (s->depth == 1) {
		s->member.key = view_make(quote + 1, (size_t)(behind - quote) - 2);
		s->member.key_escaped = escaped;
		s->member.value.raw.data = s->pos;
	}
	return true;
}

/* A value has ended; at depth 1 that may be a wanted member. */
static void
match_wants(struct scanner *s)
{
	if (s->depth != 1 || !s->in_object[1])
		return;
	struct view *raw = &s->member.value.raw;
	raw->len = (size_t)(s->pos - raw->data);
	s->member.value.kind = s->kind;
	for (size_t i = 0; i < s->want_count; i++) {
		if (jsonspan_key_is(&s->member, s->wants[i].key)) {
			s->wants[i].value = s->member.value;
			s->wants[i].count++;
		}
	}
}

/* At '{' or '['. *empty tells that it ended at once. */
static bool
open_container(struct scanner *s, bool *empty)
{
	bool object = *s->pos == '{';
	if (s->depth == JSONSPAN_DEPTH_MAX)
		return fail(s, "nested too deeply");
	s->pos++;
	s->in_object[++s->depth] = object;
	if (s->depth == 1)
		s->root_kind = object ? JSONSPAN_OBJECT : JSONSPAN_ARRAY;
	skip_space(s);
	*empty = s->pos < s->end && *s->pos == (object ? '}' : ']');
	return *empty || !object || scan_key(s);
}

/* Behind a value inside a container: goes on to the next value, or over the ends of containers.
 * Ends at a value, or with depth 0. */
static bool
next_value(struct scanner *s)
{
	while (s->depth > 0) {
		bool object = s->in_object[s->depth];
		skip_space(s);
		if (s->pos == s->end)
			return fail(s, "text ends too early");
		char c = *s->pos;
		if (c == ',') {
			s->pos++;
			return !object || scan_key(s);
		}
		if (c != (object ? '}' : ']'))
			return fail(s, object ? "comma or } expected" : "comma or ] expected");
		s->pos++;
		s->depth--;
		s->kind = object ? JSONSPAN_OBJECT : JSONSPAN_ARRAY;
		match_wants(s);
	}
	return true;
}

static bool
scan_value(struct scanner *s)
{
	do {
		skip_space(s);
		if (s->pos == s->end)
			return fail(s, "text ends too early");
		bool empty = false;
		if (*s->pos == '{' || *s->pos == '[') {
			if (!open_container(s, &empty))
				return false;
			if (!empty)
				continue;
		} else {
			if (!scan_scalar(s))
				return false;
			if (s->depth == 0)
				s->root_kind = s->kind;
			match_wants(s);
		}
		if (!next_value(s))
			return false;
	} while (s->depth > 0);
	return true;
}

bool
jsonspan_scan(struct view text, struct jsonspan_want *wants, size_t count,
    struct jsonspan_value *root, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		wants[i].value = (struct jsonspan_value){0};
		wants[i].count = 0;
	}
	struct scanner s = {.start = text.data, .wants = wants, .want_count = count};
	s.pos = text.data;
	s.end = text.len > 0 ? text.data + text.len : text.data;
	skip_space(&s);
	const char *first = s.pos;
	bool ok = scan_value(&s);
	const char *behind = s.pos;
	if (ok)
		skip_space(&s);
	if (ok && s.pos < s.end)
		ok = fail(&s, "text behind the end of the value");
	if (!ok) {
		char at[40];
		snprintf(at, sizeof(at), "offset %td", s.pos - s.start);
		return err_set(err, ERR_PARSE, at, "%s", s.problem);
	}
	if (root != NULL)
		*root = (struct jsonspan_value){s.root_kind, {first, (size_t)(behind - first)}};
	return true;
}
