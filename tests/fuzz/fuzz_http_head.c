/* http_head: any bytes, any split: no fault, the same answer, views inside of the input. */
#include "http_head.h"

#include "must.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADERS_MAX 16

struct result {
	enum http_head_state state;
	size_t seen;
	struct http_head head;
	struct http_header headers[HEADERS_MAX];
};

static const struct http_head_limits limits = {2048, 256};

static void
parse(struct result *result, struct view data, size_t first)
{
	*result = (struct result){0};
	result->head.headers = result->headers;
	result->head.headers_max = HEADERS_MAX;
	for (size_t len = first; len < data.len && result->state == HTTP_HEAD_MORE; len += first)
		result->state =
		    http_head_parse(&result->head, view_sub(data, 0, len), &result->seen, &limits);
	if (result->state == HTTP_HEAD_MORE)
		result->state = http_head_parse(&result->head, data, &result->seen, &limits);
}

static void
check_inside(struct view v, struct view data)
{
	MUST(v.len == 0 || (v.data >= data.data && v.data + v.len <= data.data + data.len));
	for (size_t i = 0; i < v.len; i++)
		MUST(v.data[i] != '\r' && v.data[i] != '\n' && v.data[i] != '\0');
}

static void
check_done(const struct result *result, struct view data)
{
	const struct http_head *head = &result->head;
	MUST(head->head_len <= data.len && head->head_len <= limits.head_bytes);
	MUST(memcmp(data.data + head->head_len - 4, "\r\n\r\n", 4) == 0);
	MUST(!(head->chunked && (head->has_length || head->minor == 0)));
	MUST(head->header_count <= HEADERS_MAX);
	check_inside(head->path, data);
	check_inside(head->query, data);
	for (unsigned i = 0; i < head->header_count; i++) {
		check_inside(head->headers[i].name, data);
		check_inside(head->headers[i].value, data);
	}
}

static void
check_same(const struct result *a, const struct result *b)
{
	MUST(a->state == b->state && a->head.status == b->head.status);
	if (a->state != HTTP_HEAD_DONE)
		return;
	MUST(a->head.head_len == b->head.head_len && a->head.length == b->head.length);
	MUST(a->head.method == b->head.method && a->head.minor == b->head.minor);
	MUST(a->head.chunked == b->head.chunked && a->head.keep_alive == b->head.keep_alive);
	MUST(view_eq(a->head.path, b->head.path) && view_eq(a->head.query, b->head.query));
	MUST(a->head.header_count == b->head.header_count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct result whole, split;
	struct view text = view_make((const char *)data, size);
	if (size == 0)
		return 0;
	parse(&whole, text, size);
	if (whole.state == HTTP_HEAD_DONE)
		check_done(&whole, text);
	if (whole.state == HTTP_HEAD_BAD)
		MUST(whole.head.status >= 400 && whole.head.why != NULL);
	for (size_t step = 1; step < 8 && step < size; step += 3) {
		parse(&split, text, step);
		check_same(&whole, &split);
	}
	return 0;
}
