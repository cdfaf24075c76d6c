/* rules: what tests have ordered at run time, by path prefix: faults, and exact answers. */
#ifndef PM_RULES_H
#define PM_RULES_H

#include "fault.h"
#include "httpd.h"
#include "writer.h"
#include <jansson.h>

#define RULES_MAX 256
#define RULES_HEADERS_MAX 32
#define RULES_BODY_BYTES_MAX (32u << 20)

/* An exact answer. */
struct rules_script {
	unsigned refs;
	bool raw;     /* `body` is all that is sent, head and all; then the connection is closed */
	bool chunked; /* else Content-Length */
	int status;
	struct http_header headers[RULES_HEADERS_MAX]; /* own their memory */
	size_t header_count;
	struct bytes body;
};
void rules_script_unref(struct rules_script *script); /* NULL is fine */

struct rules;
struct rules *rules_new(void);
void rules_free(struct rules *rules);

/* Adds what a control request says (README.md has the members). A rule without a count is replaced
 * by the next one for the same prefix. `counted` is the count when none is given; 0 = no limit. */
MUST_CHECK bool rules_add(
    struct rules *rules, const json_t *order, uint64_t counted, struct err *err);
/* Removes the rules of a prefix; all when `prefix` is NULL. Returns how many. */
unsigned rules_remove(struct rules *rules, const char *prefix);
/* The rule for a request's path: the longest prefix, then the oldest. Counts as used. False when
 * there is none. *script gets a reference, or NULL. */
bool rules_take(
    struct rules *rules, struct view path, struct fault *fault, struct rules_script **script);
/* A JSON list of them. */
void rules_write(const struct rules *rules, struct writer *out);

#endif
