/* policy: what a data plane does where it has a choice, as data in the routing table. */
#ifndef PM_POLICY_H
#define PM_POLICY_H

#include <stddef.h>
#include <stdint.h>

/* Which of a tier's upstreams goes first. */
enum pick {
	PICK_ORDER,           /* as listed */
	PICK_WEIGHTED,        /* by chance, by weight */
	PICK_LEAST_IN_FLIGHT, /* fewest requests for its weight */
	PICK_LOWEST_LATENCY,  /* shortest time to the first byte, smoothed */
};

/* When a second upstream is asked while the first is still silent. */
enum hedge {
	HEDGE_OFF,
	HEDGE_AFTER, /* after hedge_after_ms */
	HEDGE_AUTO,  /* after the learned p95 of that upstream; hedge_after_ms until it is known */
};

/* When upstreams of other groups, which speak another protocol, serve this group's clients. */
enum convert_when {
	CONVERT_ALONE,  /* while no upstream of their own is configured and switched on */
	CONVERT_BACKUP, /* also when all of these fail or rest */
	CONVERT_OFF,    /* never; nothing is converted for them at all */
};

/* What becomes of a request of which conversion would lose something. */
enum loss {
	LOSS_LENIENT, /* it goes on, and the answer says what was lost */
	LOSS_STRICT,  /* it is refused */
};

/* Of one group. Times in ms; 0 = off. */
struct group_policy {
	enum pick pick;
	uint32_t affinity_ttl_ms; /* how long a session stays where it was moved to */
	enum hedge hedge;
	uint32_t hedge_after_ms;
	uint32_t hedge_budget_percent;  /* second calls for 100 client calls */
	uint32_t keepalive_ms;          /* of silence before a sign of life goes to the client */
	uint32_t attempts_max;          /* upstream calls for one client call, at least 1 */
	uint32_t same_upstream_retries; /* after a network error that says normal_retry */
	uint32_t retry_budget_percent;  /* further calls for 100 client calls */
	uint32_t retry_burst;           /* ... and so many that the budget always holds */
	uint32_t retry_deadline_ms;     /* no further call begins this long after the request */
	enum convert_when convert;
	enum loss loss;
};

/* How a request goes on after a failed call. */
enum strategy {
	STRATEGY_SWITCH_API, /* the next upstream of the group, then the retry nodes */
	STRATEGY_RETRY_NODE, /* "strategy_retry": the retry nodes, then the rest of the group */
	STRATEGY_NORMAL,     /* "normal_retry": of a status: the client gets that answer; of a
				network error: the same upstream again, then as SWITCH_API */
};

enum network_error {
	NETWORK_CONNECT_ERROR,
	NETWORK_CONNECT_TIMEOUT,
	NETWORK_WRITE_ERROR,
	NETWORK_READ_ERROR,
	NETWORK_READ_TIMEOUT,
	NETWORK_PROTOCOL_ERROR, /* an answer that is none */
	NETWORK_ERROR_COUNT,
};

struct strategy_range { /* of statuses, both ends included */
	uint32_t first, last;
	enum strategy strategy;
};

/* Of all groups: every failure has one. */
struct strategies {
	struct strategy_range *ranges; /* ascending */
	size_t count;
	enum strategy network[NETWORK_ERROR_COUNT];
};

/* SWITCH_API for what no range holds. */
enum strategy strategies_of_status(const struct strategies *strategies, unsigned status);

/* Words of the JSON form and the configuration, NULL at the end. */
extern const char *const policy_pick_words[];     /* "order", ... */
extern const char *const policy_hedge_words[];    /* "off", "after", "auto" */
extern const char *const policy_convert_words[];  /* "alone", ... */
extern const char *const policy_loss_words[];     /* "lenient", "strict" */
extern const char *const policy_strategy_words[]; /* "switch_api", ... */
extern const char *const policy_network_words[];  /* "ConnectError", ... */

#endif
