/* answer: the head of an upstream's answer, taken line by line as the transport brings it. PURE.
 *
 * libcurl passes on what our clients must never get: bare CR in values, two lengths, folded lines,
 * thousands of headers. All of them end here. */
#ifndef PM_ANSWER_H
#define PM_ANSWER_H

#include "bytes.h"
#include "httpd.h"
#include "view.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANSWER_BYTES_MAX ((size_t)64 * 1024)
#define ANSWER_HEADERS_MAX 128

enum answer_result {
	ANSWER_MORE,
	ANSWER_WHOLE,   /* the final head is complete */
	ANSWER_BAD,     /* not a head that may be passed on */
	ANSWER_TOO_BIG, /* more bytes or headers than the bounds above */
};

struct answer {
	struct bytes text;           /* the lines; the views point here */
	struct http_header *headers; /* in the upstream's order, NULL until whole */
	size_t header_count;
	int status; /* 0 until whole */
	bool has_length;
	uint64_t length; /* Content-Length, when it says how long the body is */
};

void answer_init(struct answer *answer);
void answer_fini(struct answer *answer);
/* Frees the text and the headers; status and length stay. */
void answer_drop(struct answer *answer);
/* One raw line with its line end; the empty one ends the head. Heads of status 1xx are skipped.
 * Lines after the whole head (trailers) are dropped: MORE. */
enum answer_result answer_line(struct answer *answer, struct view line);
/* The first header of that name, or an empty view with data NULL. Borrowed until answer_drop. */
struct view answer_header(const struct answer *answer, const char *name);

#endif
