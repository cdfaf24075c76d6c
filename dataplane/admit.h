/* admit: may this request come in, judged by its head alone. PURE. */
#ifndef PM_ADMIT_H
#define PM_ADMIT_H

#include "httpd.h"
#include "table.h"
#include <stdbool.h>
#include <stddef.h>

struct admit_refusal {
	int status;
	const char *reason;  /* word for the log */
	const char *message; /* for a person; holds nothing of the request */
};

/* Looks for a client key of the table, a body coding that we can read, and a body length within the
 * table's bound. *key (borrowed from the table) is whose request it is. */
bool admit_check(const struct table *table, const struct http_header *headers, size_t count,
    const struct client_key **key, struct admit_refusal *refusal);
/* The same for the admin side's own call, which needs no key: *key is one without limits, or the
 * one whose id is in the header ADMIT_AS. */
bool admit_check_inner(const struct table *table, const struct http_header *headers, size_t count,
    const struct client_key **key, struct admit_refusal *refusal);
#define ADMIT_AS "x-pointsman-client-key-id"

#endif
