/* plan: what will be answered, before it is written in anybody's protocol. Streamed and whole
 * answers are made from the same plan, so that they cannot disagree. Pure. */
#ifndef PM_PLAN_H
#define PM_PLAN_H

#include "ask.h"
#include "directive.h"
#include "fault.h"

#define PLAN_ITEMS_MAX (DIRECTIVE_CALLS_MAX + 2)

enum plan_kind { PLAN_THINKING, PLAN_TEXT, PLAN_CALL, PLAN_CUSTOM, PLAN_COMPACTION };

struct plan_item {
	enum plan_kind kind;
	struct view text;  /* thinking, text, arguments (JSON) or free-form input; whole */
	struct view chunk; /* when `repeat` > 0: the stream says this so often instead of `text` */
	uint64_t repeat;
	struct view id;                   /* of the item */
	struct view name, space, call_id; /* CALL, CUSTOM */
	struct view seal;                 /* THINKING */
};

enum plan_stop {
	PLAN_STOP_END,
	PLAN_STOP_CALL,
	PLAN_STOP_LENGTH,
	PLAN_STOP_REFUSAL,
	PLAN_STOP_SEQUENCE,
	PLAN_STOP_PAUSE,
	PLAN_STOP_CONTEXT,
};

struct plan_usage {
	uint64_t input; /* neither read from nor written to the cache */
	uint64_t cache_read, cache_write;
	uint64_t output; /* with reasoning */
	uint64_t reasoning;
};

struct plan {
	const struct ask *ask;
	struct view id;
	int64_t created_s;
	struct plan_item items[PLAN_ITEMS_MAX];
	unsigned count;
	enum plan_stop stop;
	struct plan_usage usage;
	enum fault_usage usage_kind;
	size_t piece_bytes; /* size of a delta, about */
};

struct plan_input {
	const struct ask *ask;
	const struct directives *directives;
	const struct fault *fault;
	struct view prefix;
	int64_t now_s;
	uint64_t *serial; /* makes ids: moved on by each */
	struct arena *arena;
};

/* False with ERR_LIMIT when the arena is full. Views point into the ask's body and the arena. */
MUST_CHECK bool plan_build(struct plan *plan, const struct plan_input *in, struct err *err);

/* The next delta of `text` from *at on (moved on): about piece_bytes, never a part of a character.
 * Empty at the end. */
struct view plan_piece(const struct plan *plan, struct view text, size_t *at);
/* White-space separated words: our tokens. */
uint64_t plan_words(struct view text);

#endif
