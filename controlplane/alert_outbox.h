/* alert_outbox: the notices of alerts and how far each has got on its ways: the webhook and the
 * command. PURE but for its file; wall clock ms as argument.
 *
 * On each way one notice is under way at a time, the oldest first. A try that failed, or whose end
 * was not told within ALERT_LOST_MS, is followed by another after 2, 10, 60 and 300 s, for the next
 * notices too: it is the receiver that does not answer. After ALERT_TRIES_MAX tries, or a day, a
 * notice is given up. Each try has a number of its own and is written down before it begins, so
 * that a restart repeats none whose end is still to be told; a receiver that answers too late may
 * get a notice twice, with the same id. */
#ifndef PM_ALERT_OUTBOX_H
#define PM_ALERT_OUTBOX_H

#include "alert_rules.h"
#include "err.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ALERT_NOTICES_MAX 64 /* the oldest makes room, sent or not */
#define ALERT_TRIES_MAX 5
#define ALERT_LOST_MS INT64_C(15000) /* more than a try may take */
#define ALERT_OLD_MS INT64_C(86400000)
#define ALERT_REASON_BYTES 32

enum alert_way { ALERT_WEBHOOK, ALERT_COMMAND };
#define ALERT_WAYS 2
extern const char *const alert_way_words[]; /* "webhook", "command" */

enum alert_state { ALERT_UNWANTED, ALERT_WAITING, ALERT_RUNNING, ALERT_SENT, ALERT_GIVEN_UP };
extern const char *const alert_state_words[];

struct alert_delivery {
	unsigned state; /* enum alert_state */
	uint32_t tries;
	uint64_t seq;     /* number of the last try, 0 = none */
	uint64_t by;      /* who was given it */
	int64_t asked_ms; /* when */
	int64_t at_ms;    /* when its end was told, 0 = not yet */
	uint32_t status;  /* of the answer, or of the command; 0 = none */
	char reason[ALERT_REASON_BYTES];
};

struct alert_notice {
	uint64_t id;              /* random: a receiver knows by it what it has got */
	unsigned event;           /* enum alert_event */
	struct alert_cause cause; /* as it was then */
	int64_t at_ms;
	struct alert_delivery ways[ALERT_WAYS];
};

struct alert_outbox {
	struct alert_notice items[ALERT_NOTICES_MAX]; /* the oldest first */
	size_t count;
	uint64_t last_seq[ALERT_WAYS];
	int64_t next_ms[ALERT_WAYS]; /* no try before that */
	uint64_t dropped;            /* notices that went before they were sent */
	uint64_t given_up;           /* after all tries */
	uint64_t revision;
};

/* `wanted`: for each way. Borrowed until the next call. */
struct alert_notice *alert_outbox_add(struct alert_outbox *outbox, enum alert_event event,
    const struct alert_cause *cause, const bool wanted[ALERT_WAYS], uint64_t id, int64_t now_ms);
/* Gives up what is too old and ends tries that are lost. */
void alert_outbox_tick(struct alert_outbox *outbox, int64_t now_ms);
/* Begins the next try when one is due; NULL = none is. It must be written down before it is
 * carried out. */
struct alert_notice *alert_outbox_begin(
    struct alert_outbox *outbox, enum alert_way way, uint64_t by, int64_t now_ms);
/* The notice that is under way, or NULL. */
struct alert_notice *alert_outbox_running(struct alert_outbox *outbox, enum alert_way way);
/* The end of try `seq`; false when it is none that is under way. */
bool alert_outbox_end(struct alert_outbox *outbox, enum alert_way way, uint64_t seq, bool success,
    uint32_t status, const char *reason, int64_t now_ms);
/* Is a notice of this kind still to be sent? */
bool alert_outbox_waits(const struct alert_outbox *outbox, enum alert_kind kind);
/* Nothing goes this way any more: what waits is given up. */
void alert_outbox_close(struct alert_outbox *outbox, enum alert_way way, int64_t now_ms);

/* ---- alert_file.c: both over a restart, in <state>/alerts.json ---- */
MUST_CHECK bool alert_file_write(const struct alert_rules *rules, const struct alert_outbox *outbox,
    const char *state_dir, struct err *err);
/* A missing file is fine; a bad one is refused whole. */
MUST_CHECK bool alert_file_read(
    struct alert_rules *rules, struct alert_outbox *outbox, const char *state_dir, struct err *err);

#endif
