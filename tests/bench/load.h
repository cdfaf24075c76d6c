/* load: the parts of the load generator. */
#ifndef PM_LOAD_H
#define PM_LOAD_H

#include "bytes.h"
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load;

/* Times in microseconds; grows. */
struct samples {
	uint32_t *items;
	size_t count, cap;
};
void samples_add(struct samples *samples, uint64_t us);
/* Sorts; 0 when there are none. `part` is 0.5 for the median. */
uint32_t samples_quantile(struct samples *samples, double part);

/* One answer, read in any split. */
enum answer_result { ANSWER_MORE, ANSWER_DONE, ANSWER_BAD };
enum answer_state { IN_HEAD, IN_BODY, IN_CHUNK_SIZE, IN_CHUNK, IN_CHUNK_END, IN_TRAILER };

struct answer {
	struct load *load;
	enum answer_state state;
	char text[8192]; /* the head, then the present event */
	size_t text_len;
	char line[64]; /* of the chunk framing */
	size_t line_len;
	uint64_t left; /* of the body or the chunk */
	uint64_t body_bytes;
	bool close;
	bool differs; /* from what was expected, as far as it was read */
	uint64_t events;
	uint64_t first_us, *arrived_us; /* of the counted events */
	bool terminal;
	const char *why; /* of BAD */
};
void answer_init(struct answer *answer, struct load *load);
void answer_fini(struct answer *answer);
enum answer_result answer_feed(struct answer *answer, const char *data, size_t len);

struct client {
	int fd; /* -1 = none */
	bool watched, watches_write, busy, done;
	bool kept; /* it has had an answer */
	size_t sent;
	uint64_t asked_us;
	struct answer answer;
};

struct load {
	struct sockaddr_in addr;
	struct bytes request;
	struct bytes expected; /* each body, byte for byte; empty = whatever comes */
	struct client *clients;
	size_t client_count, opened, running;
	uint64_t rate; /* calls a second; 0 = closed loop */
	uint64_t warm_ms, duration_ms, ramp_us;
	bool streams;
	uint64_t events_wanted;
	const char *event_mark, *terminal_mark; /* how the counted events and the last one begin */

	int epoll_fd;
	char *read_buf;
	uint64_t start_us, warm_us, end_us, ended_us, due_count;
	struct samples calls, first, late;
	uint64_t failed, torn, bytes_in;
	uint64_t unanswered; /* of the failed: a kept connection was closed before any byte of an
				answer */
	uint64_t differing;
	char why[128]; /* of the first failure */
};

bool make_nonblocking(int fd);
/* How late each event of a whole stream came, counted from its earliest one and the mean pace. */
void lateness_add(struct load *load, const struct answer *answer);
/* Runs until the time is over or every stream has ended. */
void load_run(struct load *load);

#endif
