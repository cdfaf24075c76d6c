#include "clock.h"
#include "load.h"
#include "mem.h"
#include "must.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
samples_add(struct samples *samples, uint64_t us)
{
	if (samples->count == samples->cap) {
		samples->cap = samples->cap > 0 ? samples->cap * 2 : 4096;
		samples->items = mem_realloc(samples->items, samples->cap * sizeof(uint32_t));
	}
	samples->items[samples->count++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static int
compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

uint32_t
samples_quantile(struct samples *samples, double part)
{
	if (samples->count == 0)
		return 0;
	qsort(samples->items, samples->count, sizeof(uint32_t), compare);
	size_t at = (size_t)(part * (double)samples->count);
	return samples->items[at < samples->count ? at : samples->count - 1];
}

/* The upstream's own pace is taken from the stream, since its clock drifts a little with each
 * event. */
void
lateness_add(struct load *load, const struct answer *answer)
{
	uint64_t origin = UINT64_MAX, last = answer->events - 1;
	if (last == 0)
		return;
	uint64_t spent = answer->arrived_us[last] - answer->arrived_us[0];
	for (uint64_t i = 0; i <= last; i++) {
		uint64_t start = answer->arrived_us[i] - i * spent / last;
		origin = start < origin ? start : origin;
	}
	for (uint64_t i = 0; i <= last; i++)
		samples_add(&load->late, answer->arrived_us[i] - i * spent / last - origin);
}

void
answer_init(struct answer *answer, struct load *load)
{
	uint64_t *arrived = answer->arrived_us;
	if (load->streams && arrived == NULL)
		arrived = mem_calloc(load->events_wanted, sizeof(uint64_t));
	memset(answer, 0, offsetof(struct answer, text));
	memset(&answer->text_len, 0, sizeof(*answer) - offsetof(struct answer, text_len));
	answer->load = load;
	answer->arrived_us = arrived;
}

void
answer_fini(struct answer *answer)
{
	mem_free(answer->arrived_us);
	answer->arrived_us = NULL;
}

static enum answer_result
bad(struct answer *answer, const char *why)
{
	answer->why = why;
	return ANSWER_BAD;
}

/* Looks at one whole event, `text` without its blank line. */
static void
see_event(struct answer *answer, const char *text, size_t len)
{
	const struct load *load = answer->load;
	size_t mark = strlen(load->event_mark), end = strlen(load->terminal_mark);
	if (len >= end && memcmp(text, load->terminal_mark, end) == 0)
		answer->terminal = true;
	if (len < mark || memcmp(text, load->event_mark, mark) != 0)
		return;
	uint64_t now = clock_mono_us();
	if (answer->events == 0)
		answer->first_us = now;
	if (answer->events < load->events_wanted)
		answer->arrived_us[answer->events] = now;
	answer->events++;
}

static bool
see_body(struct answer *answer, const char *data, size_t len)
{
	const struct bytes *expected = &answer->load->expected;
	if (expected->len > 0)
		answer->differs |= answer->body_bytes + len > expected->len ||
				   memcmp(expected->data + answer->body_bytes, data, len) != 0;
	answer->body_bytes += len;
	while (answer->load->streams && len > 0) {
		size_t room = sizeof(answer->text) - answer->text_len;
		size_t take = len < room ? len : room;
		if (take == 0)
			return false;
		memcpy(answer->text + answer->text_len, data, take);
		answer->text_len += take;
		data += take;
		len -= take;
		char *at = answer->text, *end;
		size_t left = answer->text_len;
		while ((end = memmem(at, left, "\n\n", 2)) != NULL) {
			see_event(answer, at, (size_t)(end - at));
			left -= (size_t)(end + 2 - at);
			at = end + 2;
		}
		memmove(answer->text, at, left);
		answer->text_len = left;
	}
	return true;
}

static bool
head_has(const char *head, const char *line_start, const char **value)
{
	const char *at = strcasestr(head, line_start);
	if (at != NULL)
		*value = at + strlen(line_start);
	return at != NULL;
}

static enum answer_result
read_head(struct answer *answer)
{
	const char *value = "";
	answer->text[answer->text_len] = '\0';
	if (strncmp(answer->text, "HTTP/1.1 200", 12) != 0)
		return bad(answer, "a status other than 200");
	answer->close = head_has(answer->text, "\r\nconnection: close", &value);
	answer->text_len = 0;
	if (head_has(answer->text, "\r\ntransfer-encoding: chunked", &value)) {
		answer->state = IN_CHUNK_SIZE;
	} else if (head_has(answer->text, "\r\ncontent-length:", &value)) {
		answer->left = strtoull(value, NULL, 10);
		answer->state = IN_BODY;
	} else {
		return bad(answer, "neither a length nor chunks");
	}
	return answer->state == IN_BODY && answer->left == 0 ? ANSWER_DONE : ANSWER_MORE;
}

static enum answer_result
read_chunk_size(struct answer *answer, char *line)
{
	char *end;
	answer->left = strtoull(line, &end, 16);
	if (end == line)
		return bad(answer, "a broken chunk size");
	answer->state = answer->left > 0 ? IN_CHUNK : IN_TRAILER;
	return ANSWER_MORE;
}

/* Takes up to the end of a head or of a line; `line` holds the line of a chunk between calls. */
static enum answer_result
take_framing(struct answer *answer, const char **data, size_t *len)
{
	char c = **data;
	(*data)++;
	(*len)--;
	if (answer->state == IN_HEAD) {
		if (answer->text_len + 1 >= sizeof(answer->text))
			return bad(answer, "a head of more than 8 KiB");
		answer->text[answer->text_len++] = c;
		bool whole = answer->text_len >= 4 &&
			     memcmp(answer->text + answer->text_len - 4, "\r\n\r\n", 4) == 0;
		return whole ? read_head(answer) : ANSWER_MORE;
	}
	if (c != '\n') {
		if (answer->line_len + 1 >= sizeof(answer->line))
			return bad(answer, "a long chunk line");
		answer->line[answer->line_len++] = c;
		return ANSWER_MORE;
	}
	answer->line[answer->line_len] = '\0';
	bool empty = answer->line_len <= 1;
	answer->line_len = 0;
	if (answer->state == IN_CHUNK_SIZE)
		return read_chunk_size(answer, answer->line);
	if (answer->state == IN_CHUNK_END) {
		answer->state = IN_CHUNK_SIZE;
		return empty ? ANSWER_MORE : bad(answer, "no line end behind a chunk");
	}
	return empty ? ANSWER_DONE : ANSWER_MORE;
}

enum answer_result
answer_feed(struct answer *answer, const char *data, size_t len)
{
	enum answer_result result = ANSWER_MORE;
	while (len > 0 && result == ANSWER_MORE) {
		if (answer->state != IN_BODY && answer->state != IN_CHUNK) {
			result = take_framing(answer, &data, &len);
			continue;
		}
		size_t take = len < answer->left ? len : (size_t)answer->left;
		if (!see_body(answer, data, take))
			return bad(answer, "an event of more than 8 KiB");
		data += take;
		len -= take;
		answer->left -= take;
		if (answer->left == 0 && answer->state == IN_BODY)
			result = ANSWER_DONE;
		else if (answer->left == 0)
			answer->state = IN_CHUNK_END;
	}
	if (result == ANSWER_DONE && len > 0)
		return bad(answer, "bytes behind the answer");
	return result;
}
