/* bench_convert: what conversion costs beside passing on, without any socket: an event of a stream
 * as the data plane sees it (the wall looks; the tap, or conversion; a copy for the client), and a
 * request of half a megabyte (its facts read; spliced or converted). Each round measures all
 * directions one after the other in CPU time; what is printed is the median of the rounds, and the
 * median of the ratios inside them, as one JSON object. */
#include "convert.h"
#include "must.h"
#include "rewrite.h"
#include "samples.h"
#include "tap.h"
#include "wall.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REQUEST_BYTES ((size_t)500 * 1000)
#define MEMORY_BYTES_MAX ((size_t)64 << 20)
#define ROUNDS_MAX 101
#define STREAMS 24  /* in one measurement */
#define REQUESTS 12 /* the same */
#define EVENTS_MAX 2048
#define READ_BYTES 65536 /* as much as libcurl asks for at once */

struct stream {
	struct bytes text;
	struct view events[EVENTS_MAX]; /* each with its blank line */
	size_t count;
};

/* What a client or an upstream of each protocol sends. */
static struct bytes requests[WIRE_COUNT], asks[WIRE_COUNT];
static struct stream streams[WIRE_COUNT];

struct samples {
	double event_passed, event_converted, request_passed, request_converted, request_alone;
};
#define SAMPLES (sizeof(struct samples) / sizeof(double))

static double
cpu_us(void)
{
	struct timespec now;
	MUST(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static struct convert *
open_convert(enum wire client, enum wire upstream)
{
	const struct convert_options options = {
	    .client = client,
	    .upstream = upstream,
	    .upstream_plain = VIEW("claude:up"),
	    .request_id_plain = VIEW("req_0123456789abcdef01234567"),
	    .created_s = 1800000000,
	    .memory_max = MEMORY_BYTES_MAX,
	};
	return convert_new(&options);
}

/* ---- the texts: Anthropic's are made up, the others converted from them ---- */

static void
make_request(const struct bytes *anthropic, enum wire wire, struct bytes *out)
{
	struct err err = {0};
	struct convert *convert = open_convert(WIRE_ANTHROPIC, wire);
	bytes_init(out, MEMORY_BYTES_MAX);
	MUST(convert_request(convert, bytes_view(anthropic), out, &err));
	convert_free(convert);
}

static void
split_events(struct stream *stream)
{
	struct view rest = bytes_view(&stream->text);
	ptrdiff_t at;
	while ((at = view_find(rest, "\n\n")) >= 0) {
		MUST(stream->count < EVENTS_MAX);
		stream->events[stream->count++] = view_sub(rest, 0, (size_t)at + 2);
		rest = view_from(rest, (size_t)at + 2);
	}
}

static void
make_stream(enum wire wire, struct stream *stream)
{
	struct err err = {0};
	struct bytes unsent, text;
	bool complete;
	bytes_init(&unsent, MEMORY_BYTES_MAX);
	bytes_init(&text, MEMORY_BYTES_MAX);
	bytes_init(&stream->text, MEMORY_BYTES_MAX);
	samples_stream(&text);
	struct convert *convert = open_convert(wire, WIRE_ANTHROPIC);
	MUST(convert_request(convert, bytes_view(&asks[wire]), &unsent, &err));
	MUST(convert_feed(convert, true, bytes_view(&text), &stream->text, &err));
	MUST(convert_end(convert, true, &stream->text, &complete, &err) && complete);
	convert_free(convert);
	bytes_fini(&unsent);
	bytes_fini(&text);
	split_events(stream);
}

static void
make_texts(void)
{
	struct bytes *ask = &asks[WIRE_ANTHROPIC], *request = &requests[WIRE_ANTHROPIC];
	bytes_init(ask, MEMORY_BYTES_MAX);
	bytes_init(request, MEMORY_BYTES_MAX);
	samples_request(0, true, ask);
	samples_request(REQUEST_BYTES, true, request);
	for (int i = 0; i < WIRE_COUNT; i++) {
		if (i != WIRE_ANTHROPIC) {
			make_request(ask, (enum wire)i, &asks[i]);
			make_request(request, (enum wire)i, &requests[i]);
		}
		make_stream((enum wire)i, &streams[i]);
	}
}

/* ---- one event ---- */

/* The client's side: what leaves is gathered once more. */
static void
leave(struct bytes *sent, struct view bytes)
{
	bytes_clear(sent);
	MUST(bytes_append_view(sent, bytes));
}

static double
pass_streams(enum wire wire)
{
	const struct stream *stream = &streams[wire];
	struct bytes sent;
	bytes_init(&sent, MEMORY_BYTES_MAX);
	double began = cpu_us();
	for (int i = 0; i < STREAMS; i++) {
		struct wall wall;
		struct tap tap;
		wall_init(&wall, (enum protocol)wire, WALL_STREAM);
		tap_init(&tap, (enum protocol)wire, true);
		for (size_t at = 0; at < stream->count; at++) {
			(void)wall_feed(&wall, stream->events[at]);
			tap_feed(&tap, stream->events[at]);
			leave(&sent, stream->events[at]);
		}
		MUST(wall_end(&wall) == WALL_COMMIT && wall.terminal);
		tap_fini(&tap);
		wall_fini(&wall);
	}
	double spent = cpu_us() - began;
	bytes_fini(&sent);
	return spent / STREAMS / (double)stream->count;
}

static void
convert_stream(struct convert *convert, const struct stream *stream, enum wire upstream,
    struct bytes *converted, struct bytes *sent)
{
	struct wall wall;
	struct err err = {0};
	bool complete;
	wall_init(&wall, (enum protocol)upstream, WALL_STREAM);
	for (size_t at = 0; at < stream->count; at++) {
		(void)wall_feed(&wall, stream->events[at]);
		bytes_clear(converted);
		MUST(convert_feed(convert, true, stream->events[at], converted, &err));
		leave(sent, bytes_view(converted));
	}
	bytes_clear(converted);
	MUST(convert_end(convert, true, converted, &complete, &err) && complete);
	leave(sent, bytes_view(converted));
	MUST(wall_end(&wall) == WALL_COMMIT && wall.terminal);
	wall_fini(&wall);
}

static double
convert_streams(enum wire client, enum wire upstream)
{
	struct convert *converts[STREAMS];
	struct bytes sent, converted;
	struct err err = {0};
	bytes_init(&sent, MEMORY_BYTES_MAX);
	bytes_init(&converted, MEMORY_BYTES_MAX);
	for (int i = 0; i < STREAMS; i++) {
		converts[i] = open_convert(client, upstream);
		bytes_clear(&sent);
		MUST(convert_request(converts[i], bytes_view(&asks[client]), &sent, &err));
	}
	double began = cpu_us();
	for (int i = 0; i < STREAMS; i++)
		convert_stream(converts[i], &streams[upstream], upstream, &converted, &sent);
	double spent = cpu_us() - began;
	for (int i = 0; i < STREAMS; i++)
		convert_free(converts[i]);
	bytes_fini(&sent);
	bytes_fini(&converted);
	return spent / STREAMS / (double)streams[upstream].count;
}

/* ---- one request ---- */

static void
pass_request(enum wire wire)
{
	static char id[] = "claude:up", any[] = "", piece[READ_BYTES];
	struct upstream_entry entry = {.id = id, .name = any, .protocol = (enum protocol)wire};
	struct table table = {.refs = 1};
	struct request_facts facts;
	struct rewrite rewrite;
	uint64_t at = 0;
	size_t len;
	MUST(request_facts_read(bytes_view(&requests[wire]), &facts, NULL));
	const struct rewrite_call call = {.table = &table,
	    .entry = &entry,
	    .protocol = (enum protocol)wire,
	    .body = bytes_view(&requests[wire]),
	    .facts = &facts,
	    .generates = true};
	MUST(rewrite_init(&rewrite, &call, NULL));
	while ((len = splice_read(&rewrite.splice, at, piece, sizeof(piece))) > 0)
		at += len;
	MUST(at == requests[wire].len);
	rewrite_fini(&rewrite);
}

static double
pass_requests(enum wire wire)
{
	double began = cpu_us();
	for (int i = 0; i < REQUESTS; i++)
		pass_request(wire);
	return (cpu_us() - began) / REQUESTS;
}

static void
convert_once(enum wire client, enum wire upstream)
{
	struct err err = {0};
	struct bytes out;
	struct convert *convert = open_convert(client, upstream);
	bytes_init(&out, MEMORY_BYTES_MAX);
	MUST(convert_request(convert, bytes_view(&requests[client]), &out, &err));
	bytes_fini(&out);
	convert_free(convert);
}

/* *alone: without the facts, which are read of every request. */
static double
convert_requests(enum wire client, enum wire upstream, double *alone)
{
	struct request_facts facts;
	double began = cpu_us();
	for (int i = 0; i < REQUESTS; i++)
		convert_once(client, upstream);
	*alone = (cpu_us() - began) / REQUESTS;
	began = cpu_us();
	for (int i = 0; i < REQUESTS; i++)
		MUST(request_facts_read(bytes_view(&requests[client]), &facts, NULL));
	return *alone + (cpu_us() - began) / REQUESTS;
}

/* ---- rounds ---- */

static struct samples
measure(enum wire client, enum wire upstream)
{
	struct samples found;
	found.event_passed = pass_streams(upstream);
	found.event_converted = convert_streams(client, upstream);
	found.request_passed = pass_requests(client);
	found.request_converted = convert_requests(client, upstream, &found.request_alone);
	return found;
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static double
median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

/* Of one measured value; divided by another one of the same round when there is one. */
static double
middle(const struct samples *found, size_t rounds, size_t value, const size_t *by)
{
	double values[ROUNDS_MAX], *each;
	double all[SAMPLES];
	for (size_t i = 0; i < rounds; i++) {
		memcpy(all, &found[i], sizeof(all));
		each = &values[i];
		*each = by != NULL ? all[value] / all[*by] : all[value];
	}
	return median(values, rounds);
}

static void
print(enum wire client, enum wire upstream, const struct samples *found, size_t rounds)
{
	static const char *const names[SAMPLES] = {"event_passed_us", "event_converted_us",
	    "request_passed_us", "request_converted_us", "request_alone_us"};
	const size_t event_passed = 0, request_passed = 2;
	printf("{\"client\": \"%s\", \"upstream\": \"%s\", \"events\": %zu, \"request_bytes\": %zu",
	    wire_name(client), wire_name(upstream), streams[upstream].count, requests[client].len);
	for (size_t i = 0; i < SAMPLES; i++)
		printf(", \"%s\": %.3f", names[i], middle(found, rounds, i, NULL));
	printf(", \"event_ratio\": %.2f, \"request_ratio\": %.2f, \"request_mb_s\": %.0f}",
	    middle(found, rounds, 1, &event_passed), middle(found, rounds, 3, &request_passed),
	    (double)requests[client].len / middle(found, rounds, 4, NULL));
}

/* One kind of work again and again, for a profiler. */
static int
work_alone(const char *what, const char *client_name, const char *upstream_name)
{
	for (int c = 0; c < WIRE_COUNT; c++) {
		for (int u = 0; u < WIRE_COUNT; u++) {
			bool wanted = strcmp(wire_name((enum wire)c), client_name) == 0 &&
				      strcmp(wire_name((enum wire)u), upstream_name) == 0;
			for (int i = 0; wanted && i < 200; i++) {
				double alone;
				if (strcmp(what, "stream") == 0)
					(void)convert_streams((enum wire)c, (enum wire)u);
				else
					(void)convert_requests((enum wire)c, (enum wire)u, &alone);
			}
		}
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static struct samples found[WIRE_COUNT][WIRE_COUNT][ROUNDS_MAX];
	size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 11;
	make_texts();
	if (argc == 4)
		return work_alone(argv[1], argv[2], argv[3]);
	if (argc > 2 || rounds == 0 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "Usage: bench-convert [ROUNDS | stream|request CLIENT UPSTREAM]\n");
		return 2;
	}
	for (size_t round = 0; round < rounds; round++) {
		for (int c = 0; c < WIRE_COUNT; c++) {
			for (int u = 0; u < WIRE_COUNT; u++)
				if (c != u)
					found[c][u][round] = measure((enum wire)c, (enum wire)u);
		}
	}
	const char *comma = "[";
	for (int c = 0; c < WIRE_COUNT; c++) {
		for (int u = 0; u < WIRE_COUNT; u++) {
			if (c == u)
				continue;
			printf("%s", comma);
			print((enum wire)c, (enum wire)u, found[c][u], rounds);
			comma = ",\n ";
		}
	}
	printf("]\n");
	return 0;
}
