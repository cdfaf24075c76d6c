/* relay: the client's side of an exchange: the head, the bytes, the end, and refusals. */
#ifndef PM_RELAY_H
#define PM_RELAY_H

#include "bytes.h"
#include "httpd.h"
#include "table.h"
#include "view.h"
#include <stdbool.h>
#include <stdint.h>

#define RELAY_ID_BYTES 29 /* "req_" + 24 hex + NUL */

struct relay {
	struct http_req *req; /* NULL once the answer has ended or the client has gone */
	bool started;         /* the head is written: no other answer is possible */
	bool full;            /* the client does not keep up: feed no more until relay_writable */
	int status;           /* of the answer, 0 before it */
	uint64_t bytes_out;
};

struct relay_head {
	int status;
	const struct http_header *headers;
	size_t count;
	bool has_length;
	uint64_t length;
};

void relay_init(struct relay *relay, struct http_req *req);
/* Writes the head; chunked when no length is given. */
void relay_start(struct relay *relay, const struct relay_head *head);
/* False: full. The bytes are taken all the same. */
bool relay_write(struct relay *relay, struct view bytes);
void relay_writable(struct relay *relay);
/* The answer is whole. */
void relay_end(struct relay *relay);
/* The answer is broken and the client shall see that: what is queued leaves, then the connection
 * closes without the mark of an end. */
void relay_cut(struct relay *relay);
void relay_gone(struct relay *relay);

/* "req_" and 24 hex digits. */
void relay_make_id(char out[RELAY_ID_BYTES]);
/* The header in which a client of `protocol` looks for the request's id. */
const char *relay_id_name(enum protocol protocol);

/* An error answer instead of all others, in the client's protocol. */
struct relay_refusal {
	enum protocol protocol;
	int status;
	const char *message; /* for a person; NULL when `body` is given */
	const char *param;   /* the member that it is about; NULL = none */
	struct view body;    /* an upstream's own words, JSON */
	const char *id;
	const char *retry_after;              /* NULL = none */
	const char *extra_name, *extra_value; /* one more header; NULL = none */
};
/* Nothing when the head is out or the client is gone. */
void relay_refuse(struct relay *relay, const struct relay_refusal *refusal);

#endif
