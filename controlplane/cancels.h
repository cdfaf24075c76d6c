/* cancels: requests that the owner wants to end. All data planes are told until the one that has it
 * says that it has ended it, or each of them that it has none such: a request is known there alone
 * from its first byte on. PURE. */
#ifndef PM_CANCELS_H
#define PM_CANCELS_H

#include "dataplanes.h"
#include "history.h"
#include "state.h"
#include "view.h"
#include <jansson.h>

#define CANCELS_MAX 64       /* at once; the oldest makes room */
#define CANCELS_WAIT_MS 2000 /* for the word of each data plane */
#define CANCELS_FORGET_MS 10000

struct cancel {
	char id[REPORT_ID_BYTES];
	uint64_t seq;
	uint64_t ordered_ms;
	bool ended;
	struct history_who who; /* wants it */
};

struct cancels {
	struct cancel items[CANCELS_MAX]; /* oldest first */
	size_t count;
	uint64_t seq; /* the newest; it begins anywhere, so that no other start's is taken for it */
};

enum cancel_fate {
	CANCEL_WAITS,
	CANCEL_ENDED,
	CANCEL_ABSENT, /* nobody has it, or it has come to its end by itself */
};

void cancels_init(struct cancels *cancels);
/* The number of the order; a question that comes again, and another for what is not ended yet, get
 * the same. 0: no request has such an id. */
uint64_t cancels_order(
    struct cancels *cancels, struct view id, const struct history_who *who, uint64_t now_ms);
/* A data plane has ended this one: whose order it was, or NULL: nobody's, or it was told before. */
const struct cancel *cancels_note(struct cancels *cancels, struct view id);
enum cancel_fate cancels_fate(const struct cancels *cancels, const struct dataplanes *dataplanes,
    uint64_t seq, uint64_t now_ms);
/* Forgets those that were ordered long ago. */
void cancels_expire(struct cancels *cancels, uint64_t now_ms);
/* {ids: [...], seq}: what has not ended yet; new reference, NULL when there is none. */
json_t *cancels_encode(const struct cancels *cancels);

#endif
