/* caps: what a model family accepts; data, not code. The caller gives rows from the configuration;
 * caps_defaults is the built-in list with its date. */
#ifndef PM_CAPS_H
#define PM_CAPS_H

#include "view.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum caps_thinking {
	CAPS_THINKING_NONE,
	CAPS_THINKING_BUDGET,
	CAPS_THINKING_BOTH,
	CAPS_THINKING_ADAPTIVE
};

struct caps {
	char pattern[64]; /* '*' at either end; first match wins */
	enum caps_thinking thinking;
	bool thinking_always; /* cannot be switched off */
	bool sampling;        /* temperature, top_p, top_k are accepted */
	bool sampling_both;   /* temperature together with top_p */
	bool system_mid;      /* role system inside messages */
	bool prefill;
	bool effort_xhigh, effort_max;
	bool json_schema; /* native structured output */
	bool
	    output_guessed; /* max_output_tokens serves where there must be one; it limits nobody */
	int64_t max_output_tokens;
	int64_t max_effort_budget;
};
#define CAPS_DATE "2026-11-22"
#define CAPS_BUDGET_USUAL 10000 /* thinking tokens, where nobody names a number */
const struct caps *caps_defaults(size_t *count);
/* First row whose pattern fits `model_plain`; the last row ("*") fits all. Never NULL. */
const struct caps *caps_find(const struct caps *rows, size_t count, struct view model_plain);

/* What one upstream accepts beside its protocol's core; flags from the configuration. */
struct upstream_flags {
	bool max_tokens_old_name; /* chat: max_tokens instead of max_completion_tokens */
	bool top_k;
	bool cache_breakpoints; /* chat, responses: prompt_cache_breakpoint */
	bool reasoning_content; /* chat: wants reasoning_content back */
	bool inline_think;      /* chat: <think> in content is thinking */
	bool instructions;      /* responses: system text goes to instructions */
	bool developer_role;    /* chat: developer instead of system */
	bool custom_tools;      /* chat: custom tools are native */
	bool stop_over_four;    /* chat: more than four stop strings */
	bool stops_here;        /* responses: stop sequences cut the answer in the gateway */
};

#endif
