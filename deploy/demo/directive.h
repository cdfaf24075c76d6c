/* directive: what a prompt orders the demo to answer.
 *
 *   [demo:tool NAME {json}]      call the offered tool NAME     [demo:tools N NAME {json}]  N times
 *   [demo:custom NAME text]      call the free-form tool NAME
 *   [demo:shell COMMAND]         call whichever shell tool is offered
 *   [demo:say text]  [demo:words N]  [demo:think text]  [demo:stop REASON]  [demo:fault SPEC]
 *   [demo:then]                  what follows is for the turn after the tool results
 *
 * A text runs to the next "]", or is a JSON string in quotes. */
#ifndef PM_DIRECTIVE_H
#define PM_DIRECTIVE_H

#include "arena.h"
#include "err.h"
#include "view.h"

#define DIRECTIVE_CALLS_MAX 16

enum directive_kind { DIRECTIVE_TOOL, DIRECTIVE_CUSTOM, DIRECTIVE_SHELL };

struct directive_call {
	enum directive_kind kind;
	struct view name; /* empty for SHELL */
	struct view text; /* TOOL: a JSON object; else plain text */
};

struct directives {
	struct directive_call calls[DIRECTIVE_CALLS_MAX]; /* more are dropped */
	unsigned call_count;
	unsigned steps;          /* 1 + the number of [demo:then] */
	struct view say;         /* data NULL when absent */
	struct view think;       /* data NULL when absent */
	struct view stop, fault; /* empty when absent */
	uint64_t words;          /* 0 when absent */
	struct view bad;         /* the first directive that could not be read */
};

bool directive_is_in(struct view text);
/* Reads the directives of step `step` (0 is before the first [demo:then]). Views point into `text`
 * and `arena`. */
void directive_parse(struct view text, unsigned step, struct arena *arena, struct directives *out);

#endif
