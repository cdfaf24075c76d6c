/* model: one request in no protocol's words. Everything lives in one arena and in the source text.
 *
 * Three kinds of text, told by the end of the name:
 *   _text  the inside of a JSON string with its escapes as the source had them. Moved between
 *          protocols without being unescaped, so lone surrogates and odd escapes survive.
 *   _json  a whole JSON value as source text, copied as it is (schemas, tool input, numbers).
 *   _plain unescaped bytes, only for words that we compare or make ourselves (ids, names). */
#ifndef PM_MODEL_H
#define PM_MODEL_H

#include "arena.h"
#include "view.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wire { WIRE_ANTHROPIC, WIRE_CHAT, WIRE_RESPONSES }; /* order of ipc's enum protocol */
#define WIRE_COUNT 3
const char *wire_name(enum wire wire); /* "anthropic", "chat", "responses" */

enum tri { TRI_ABSENT, TRI_NO, TRI_YES };
enum role { ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT };

enum part_kind {
	PART_TEXT,
	PART_REFUSAL,
	PART_IMAGE,
	PART_FILE,
	PART_AUDIO,    /* media */
	PART_THINKING, /* text + signature, in order, never merged */
	PART_REDACTED, /* signature_text is the opaque data */
	PART_CALL,
	PART_RESULT, /* children are its content */
	PART_SEARCH, /* answers: a web search that the upstream ran: id, text is the query (may be
			empty) */
	PART_HOSTED, /* a server tool's block or item: raw_json, for its own family only */
};

enum cache_mark { CACHE_NONE, CACHE_DEFAULT, CACHE_5M, CACHE_30M, CACHE_1H, CACHE_12H };

enum media_source { MEDIA_BASE64, MEDIA_URL, MEDIA_FILE_ID, MEDIA_PLAIN_TEXT };
struct media {
	enum media_source source;
	struct view type_text;    /* "image/png"; may be empty */
	struct view data_text;    /* base64, URL, id or the text */
	struct view name_text;    /* file name or title */
	struct view context_text; /* a document's context */
	struct view detail_text;  /* image detail */
};

/* How a call is written on the wire; the same call has one id in all of them. */
enum call_form { CALL_FUNCTION, CALL_CUSTOM, CALL_LOCAL_SHELL, CALL_SHELL, CALL_APPLY_PATCH };

struct part {
	struct part *next;
	enum part_kind kind;
	struct view text;           /* TEXT, REFUSAL, THINKING: _text */
	struct view signature_text; /* THINKING, REDACTED: envelope or vendor blob */
	struct view
	    item_id_plain; /* responses item id ("rs_..."), bound to its encrypted content */
	struct media media;
	/* CALL and RESULT */
	struct view id_plain, name_plain, space_plain; /* space: a namespace, may be empty */
	enum call_form form;
	struct view input_json; /* CALL: a JSON object; of CUSTOM: empty, the input is in `text` */
	bool input_broken; /* CALL: the source was no object; input_json holds {"_raw":"..."}, and
			      text the source string as it was */
	bool incomplete;   /* CALL/RESULT: status incomplete */
	struct part *children, *children_last; /* RESULT: TEXT, IMAGE, FILE, AUDIO and HOSTED */
	enum tri is_error;
	enum cache_mark cache;
	struct view citations_json; /* TEXT: annotations or citations, own family only */
	struct view raw_json;       /* the source object, for encoders of its own family */
	const char *path;           /* JSON path for the ledger, "messages[2].content[0]" */
};

struct turn {
	struct turn *next;
	enum role role;
	bool developer; /* ROLE_SYSTEM written as developer */
	struct part *first, *last;
	const char *path;
};

enum tool_kind {
	TOOL_FUNCTION,
	TOOL_CUSTOM,
	TOOL_TYPED, /* the client runs it, its wire knows it by type: its decoder fills name,
		       description, schema and form, so that other families write it as a function
		     */
	TOOL_WEB_SEARCH,
	TOOL_HOSTED,
};
struct tool {
	struct tool *next;
	enum tool_kind kind;
	struct view name_plain, space_plain;
	enum call_form form; /* how its calls are written by the wire that declared it */
	struct view description_text;
	struct view schema_json; /* FUNCTION, TYPED; may be empty */
	struct view format_json; /* CUSTOM: {"type":"grammar",...} flat as in responses, or empty */
	struct view type_plain;  /* HOSTED, TYPED, WEB_SEARCH: the wire's own type word */
	/* WEB_SEARCH; may be empty */
	struct view allowed_domains_json, user_location_json, context_size_text;
	enum tri strict;
	enum cache_mark cache;
	struct view raw_json;
	const char *path;
};

enum choice { CHOICE_ABSENT, CHOICE_AUTO, CHOICE_NONE, CHOICE_ANY, CHOICE_ONE };
enum effort {
	EFFORT_ABSENT,
	EFFORT_NONE,
	EFFORT_MINIMAL,
	EFFORT_LOW,
	EFFORT_MEDIUM,
	EFFORT_HIGH,
	EFFORT_XHIGH,
	EFFORT_MAX,
};
enum thinking_mode { THINKING_ABSENT, THINKING_DISABLED, THINKING_BUDGET, THINKING_ADAPTIVE };
enum output_form { OUTPUT_TEXT, OUTPUT_JSON_OBJECT, OUTPUT_JSON_SCHEMA };

struct text_list {
	struct view text;
	struct text_list *next;
};
/* A top-level member that has no field here. Its own family writes it back; another loses it
 * (ledger_leftovers), or must refuse the request when it is vital: it changes what is done.
 * Decoders keep no leftovers that say nothing (read_json_is_default). */
struct leftover {
	const char *name; /* _text, terminated */
	struct view json;
	bool vital;
	struct leftover *next;
};

/* The client's own words for what an encoder may have to lose, for the ledger. */
struct request_paths {
	const char *max_tokens, *effort, *stops, *format, *verbosity, *logprobs;
};

struct request {
	struct arena *arena;
	enum wire from;
	struct request_paths paths;
	struct view body_json; /* the source, for what its own family says back in answers */
	struct view model_text;
	struct turn *first, *last;
	struct tool *tools, *tools_last;
	enum choice choice;
	struct view choice_name_plain, choice_space_plain;
	enum call_form choice_form;
	struct text_list *allowed; /* allowed_tools: names; NULL = all */
	enum tri parallel;
	int64_t max_tokens; /* -1 absent */
	struct view temperature_json, top_p_json, top_k_json;
	bool logprobs;                 /* how likely the tokens were shall be told */
	struct view top_logprobs_json; /* ... and this many others; empty = 0 */
	struct text_list *stops;
	enum thinking_mode thinking;
	int64_t thinking_budget; /* -1 absent */
	enum effort effort;
	enum tri thinking_shown; /* display summarized / summary asked */
	enum output_form output;
	struct view schema_json, schema_name_text, schema_description_text;
	enum tri schema_strict;
	struct view verbosity_text;
	struct view user_text;      /* metadata.user_id, safety_identifier, user */
	struct view cache_key_text; /* prompt_cache_key */
	struct view tier_text;      /* "auto", "default", "flex", "scale", "priority" */
	struct view metadata_json;  /* chat, responses */
	struct part *compaction;    /* responses: asks for the conversation in short instead of an
				       answer */
	bool stream;
	enum tri include_usage; /* chat stream_options */
	enum tri store;
	struct leftover *leftovers, *leftovers_last;
};

/* All return borrowed arena memory, NULL at the arena's limit. */
struct request *request_new(struct arena *arena, enum wire from);
struct turn *request_add_turn(struct request *request, enum role role);
struct part *turn_add_part(struct request *request, struct turn *turn, enum part_kind kind);
struct part *part_add_child(struct request *request, struct part *result, enum part_kind kind);
struct tool *request_add_tool(struct request *request, enum tool_kind kind);
/* Asks for the compaction in words, of an upstream that has no other. */
void request_summarise(struct request *request);

#endif
