/* tool_names: tool names and call ids that the target's rules refuse, replaced by ones it takes,
 * and back. Deterministic: the same input gives the same output in every process and turn, so a
 * call and its result stay paired without state. */
#ifndef PM_TOOL_NAMES_H
#define PM_TOOL_NAMES_H

#include "arena.h"
#include "err.h"
#include "view.h"
#include <stdbool.h>
#include <stddef.h>

struct name_pair {
	struct view wire_plain;              /* as the upstream sees it */
	struct view name_plain, space_plain; /* as the client declared it */
	int form;                            /* enum call_form that the client declared */
	struct name_pair *next;
};
struct names {
	struct arena *arena;
	struct name_pair *pairs;
	size_t count;
};
void names_init(struct names *names, struct arena *arena);
struct request;
/* Registers all declared tools, those without a namespace first: convert calls it before the
 * encoder. False at the arena's limit, or for more than 4096 tools. */
MUST_CHECK bool names_declare(struct names *names, const struct request *request);
/* The upstream's name for a declared tool: [a-zA-Z0-9_-]{1,64}, "space__name" for a namespace, else
 * its tail after "mcp__x__" kept + "_" + 8 hex of a hash. Direct tools win over a namespace's in a
 * collision. Empty data at the arena's limit and beyond 4096 names. */
struct view names_to_wire(struct names *names, struct view name, struct view space, int form);
/* The declared tool behind an upstream's name; NULL when it never was declared. */
const struct name_pair *names_from_wire(const struct names *names, struct view wire);
/* A call id within the target's rules: kept when [a-zA-Z0-9_-]{1,max}; else "tu_" + 24 base62
 * digits of its hash. Empty ids get one from `seed` (turn and index). */
struct view names_id(struct arena *arena, struct view id, size_t max, unsigned seed);

#endif
