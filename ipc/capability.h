/* capability: what models and upstreams take, in the owner's words, as data in the routing table.
 * What these say nothing of is as built into the data plane. */
#ifndef PM_CAPABILITY_H
#define PM_CAPABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPABILITY_PATTERN_BYTES 64
#define CAPABILITY_TOKENS_MAX 100000000

/* A word that may be silent. */
enum toggle { TOGGLE_BUILT_IN, TOGGLE_OFF, TOGGLE_ON };

enum thinking_form {
	THINKING_FORM_BUILT_IN,
	THINKING_FORM_NONE,
	THINKING_FORM_BUDGET,
	THINKING_FORM_BOTH,
	THINKING_FORM_ADAPTIVE,
};

/* Of the models whose name, as the upstream gets it, fits the pattern ('*' stands for any run of
 * characters). The first row that fits counts. */
struct model_capability {
	char pattern[CAPABILITY_PATTERN_BYTES];
	enum thinking_form thinking;
	enum toggle thinking_always; /* cannot be switched off */
	enum toggle sampling;        /* temperature, top_p, top_k are accepted */
	enum toggle sampling_both;   /* temperature together with top_p */
	enum toggle system_mid;      /* role system among the messages */
	enum toggle prefill;         /* the last message may be the assistant's */
	enum toggle effort_xhigh, effort_max;
	enum toggle json_schema;   /* structured output */
	int64_t max_output_tokens; /* 0 = built in, as the next one */
	int64_t max_effort_budget; /* thinking tokens of effort max */
};

/* What one upstream takes beside the core of its protocol. */
struct upstream_accepts {
	bool max_tokens_old_name; /* chat: max_tokens instead of max_completion_tokens */
	bool top_k;               /* chat, responses */
	bool cache_breakpoints;   /* chat, responses: prompt_cache_breakpoint */
	bool reasoning_content;   /* chat: wants reasoning_content back */
	bool inline_think;        /* chat: <think> in the text is thinking */
	bool instructions;        /* responses: the system text goes there */
	bool developer_role;      /* chat: developer instead of system */
	bool custom_tools;        /* chat: custom tools are native */
	bool stop_over_four;      /* chat: more than four stop strings */
	bool stops_here;          /* responses: stop sequences cut the answer in the gateway */
};

/* Which whole answers are asked for as a stream and folded on the way. */
enum fold {
	FOLD_OFF,
	FOLD_CONVERTED, /* of calls that are converted anyway */
	FOLD_ALL,
};

/* Words of the JSON form, NULL at the end. */
extern const char *const capability_toggle_words[];   /* "", "off", "on" */
extern const char *const capability_thinking_words[]; /* "", "none", "budget", ... */
extern const char *const capability_fold_words[];     /* "off", "converted", "all" */

#endif
