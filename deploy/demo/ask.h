/* ask: what a request asks for, as far as the demo cares. Views point into the request's body. */
#ifndef PM_ASK_H
#define PM_ASK_H

#include "arena.h"
#include "err.h"
#include "jsonspan.h"
#include "protocol.h"

#define ASK_RESULTS_MAX 16
#define ASK_TOOL_LISTS_MAX 8

/* The top members that are looked at, of all three protocols. */
enum ask_key {
	ASK_MODEL,
	ASK_STREAM,
	ASK_MESSAGES,
	ASK_INPUT,
	ASK_TOOLS,
	ASK_MAX_TOKENS,
	ASK_MAX_COMPLETION_TOKENS,
	ASK_MAX_OUTPUT_TOKENS,
	ASK_THINKING,
	ASK_REASONING,
	ASK_REASONING_EFFORT,
	ASK_STREAM_OPTIONS,
	ASK_OUTPUT_CONFIG,
	ASK_RESPONSE_FORMAT,
	ASK_TEXT,
	ASK_INCLUDE,
	ASK_INSTRUCTIONS,
	ASK_METADATA,
	ASK_PARALLEL_TOOL_CALLS,
	ASK_PREVIOUS_RESPONSE_ID,
	ASK_PROMPT_CACHE_KEY,
	ASK_SAFETY_IDENTIFIER,
	ASK_STORE,
	ASK_TEMPERATURE,
	ASK_TOP_P,
	ASK_TOOL_CHOICE,
	ASK_TRUNCATION,
	ASK_USER,
	ASK_KEYS,
};

struct ask {
	enum protocol protocol;
	struct jsonspan_value keys[ASK_KEYS]; /* NONE when absent */
	struct view model;                    /* unescaped */
	bool stream;
	bool include_usage;   /* chat: a usage chunk is wanted */
	bool thinking;        /* thinking or reasoning is wanted */
	bool thinking_hidden; /* ... but only its seal, not its text */
	bool sealed;          /* responses: encrypted reasoning is wanted */
	bool cached;          /* the body marks something for the prompt cache */
	bool compacts;        /* responses: the conversation in short is wanted */
	bool follows;         /* an assistant turn is already in the conversation */
	uint64_t max_tokens;  /* UINT64_MAX when absent */
	size_t body_bytes;
	struct jsonspan_value schema; /* of the JSON that the text must be; NONE for free text */
	struct jsonspan_value user;   /* the newest text typed by the user */
	struct view directive;        /* the text with directives that is in force, unescaped */
	unsigned step;                /* how many of its tool rounds are done */
	struct jsonspan_value results[ASK_RESULTS_MAX]; /* of the newest turn; the last ones */
	unsigned result_count;
	struct jsonspan_value tool_lists[ASK_TOOL_LISTS_MAX];
	unsigned tool_list_count;
	unsigned seals_ours, seals_foreign; /* thinking that came back: minted here or not */
	unsigned images;                    /* in the protocol's own form, with their bytes */
	struct view image_bytes;            /* base64 of the last one */
};

/* Reads `body` (which must outlive *ask, as must `arena`). `prefix` is who we are, for the seals.
 * False with ERR_PARSE when it is no valid request. */
MUST_CHECK bool ask_parse(struct ask *ask, enum protocol protocol, struct view body,
    struct view prefix, struct arena *arena, struct err *err);

struct ask_tool {
	struct view name;  /* plain */
	struct view space; /* of the namespace that holds it, or empty; never "functions" */
	bool custom;       /* free-form input */
	struct jsonspan_value schema;
};
/* The offered tool of that name; failing that, one whose name ends with "__" and that name. */
bool ask_tool_find(const struct ask *ask, struct view name, struct ask_tool *out);

/* Appends a text value: a string, or the texts of a list of parts ("[image]" for another part).
 * Lone surrogates become U+FFFD. Stops silently at out's limit. */
void ask_text(struct jsonspan_value value, struct bytes *out);

/* The seal that this demo puts on thinking: bound to the prefix and the bound text. `out` holds
 * ASK_SEAL_BYTES; terminated. */
#define ASK_SEAL_BYTES 96
void ask_seal(
    enum protocol protocol, struct view prefix, struct view bound, char out[ASK_SEAL_BYTES]);

#endif
