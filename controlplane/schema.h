/* schema: every word of the configuration, one row each. From the rows come validation, defaults,
 * the file of the first start, the manual (CONFIG.md) and what the admin pages offer. */
#ifndef PM_SCHEMA_H
#define PM_SCHEMA_H

#include "bytes.h"
#include "faults.h"
#include "view.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum schema_type {
	SCHEMA_ANY,  /* not looked at */
	SCHEMA_FLAG, /* true, false, 0 or 1 */
	SCHEMA_INT,  /* a fraction is cut off */
	SCHEMA_NUMBER,
	SCHEMA_TEXT,   /* min to max bytes */
	SCHEMA_CHOICE, /* one of `words`; another is a warning and taken as the first */
	SCHEMA_ID,     /* [A-Za-z0-9._-], at most 64 */
	SCHEMA_URL,
	SCHEMA_KEY,    /* of an upstream: any text without control characters */
	SCHEMA_SHA256, /* 64 hex digits */
	SCHEMA_PATH,   /* absolute */
	SCHEMA_WEEK,   /* list of flags, Monday first; empty or what is missing = on */
	SCHEMA_HOURS,  /* see schedule.h, as the two below */
	SCHEMA_DATES,
	SCHEMA_ZONE,
	SCHEMA_CLOCK,       /* "HH:MM" */
	SCHEMA_DAY,         /* "2026-11-26" */
	SCHEMA_ADDRESSES,   /* list of IP addresses or host names */
	SCHEMA_STATUS_MAP,  /* HTTP status -> strategy */
	SCHEMA_NETWORK_MAP, /* network error -> strategy */
	SCHEMA_MODELS_LIST, /* of model names, '*' allowed */
	SCHEMA_GROUPS,      /* list of groups: claude, codex, chat */
	SCHEMA_MODELS_MAP,  /* model name -> model name, one '*' allowed in each */
	SCHEMA_WORDS,       /* list of some of `words` */
	SCHEMA_TYPES,
};

#define SCHEMA_REQUIRED 1u
#define SCHEMA_UNUSED 2u /* accepted, checked and kept, but nothing acts on it yet */
#define SCHEMA_EXACT                                                                               \
	4u /* a choice: another word is refused; else it is told and the first taken               \
	    */

struct schema_row {
	const char *part; /* of which object: schema_section.part */
	const char *key;
	enum schema_type type;
	unsigned flags;
	const char *unit;
	double min, max;          /* of the number, or of the text's bytes */
	const char *words;        /* of a choice: "primary|backup" */
	const char *fallback;     /* the default as JSON; NULL = none */
	const char *old_fallback; /* of earlier versions, where it differs; NULL = the same */
	const char *doc;
};

/* A list or object of the file. */
struct schema_section {
	const char *name; /* "api_configs", "server", "server.tls" */
	const char *part; /* its rows; the five lists of upstreams share "upstreams", as their
			     five objects in "routing" share "routing" */
	bool list;        /* of objects */
	size_t max;       /* entries of a list */
};

#define SCHEMA_UPSTREAMS "upstreams"
#define SCHEMA_MODELS "model_conversions"
#define SCHEMA_CAPABILITIES "model_capabilities"
#define SCHEMA_CLIENT_KEYS "client_keys"
#define SCHEMA_TIMEOUTS "timeout_settings"
#define SCHEMA_STRATEGIES "error_handling_strategies"
#define SCHEMA_ROUTING "routing"
#define SCHEMA_OPTIMIZATION "optimization_settings"
#define SCHEMA_ACTIVATION "activation"
#define SCHEMA_STATISTICS "statistics"
#define SCHEMA_PRICES "prices"
#define SCHEMA_SERVER "server"
#define SCHEMA_TLS "server.tls"
#define SCHEMA_ADMIN "admin"
#define SCHEMA_USERS "admin.users"
#define SCHEMA_USERS_MAX 64
#define SCHEMA_USER_BYTES_MAX 64
#define SCHEMA_ALERTS "alerts"
#define SCHEMA_TRACING "tracing"

const struct schema_row *schema_rows(size_t *count);
const struct schema_section *schema_sections(size_t *count);
/* NULL when there is none. */
const struct schema_row *schema_find(const char *part, const char *key);
/* The list or object `name` ("server.tls" is looked up in two steps) of a document. Borrowed; NULL
 * when absent or null. */
json_t *schema_section_get(const json_t *root, const char *name);
/* "server.admin_remote"; "*_configs[].name" for those of upstreams, "routing.*.pick". */
void schema_row_path(const struct schema_row *row, char *out, size_t out_len);

/* Checks one value (not NULL) that stands at `path`. */
void schema_check(
    const struct schema_row *row, json_t *value, const char *path, struct faults *faults);

/* Without spaces, tabs and line ends at both ends: what people paste. */
struct view schema_trim(struct view text);

/* Typed reading of a checked object; an absent member gives the row's default. `obj` may be NULL.
 * A row that does not exist or has another type is a broken invariant. */
double schema_number(const json_t *obj, const char *part, const char *key);
bool schema_flag(const json_t *obj, const char *part, const char *key);
/* Borrowed from `obj`; NULL when absent. */
const char *schema_text(const json_t *obj, const char *part, const char *key);
/* The member, or the row's default; new reference, or NULL when there is neither. */
json_t *schema_value(const json_t *obj, const char *part, const char *key);
/* Which of the row's words, counted from 0; 0 when absent or unknown. */
unsigned schema_choice(const json_t *obj, const char *part, const char *key);

/* Is this one of the row's words in the list? False when the list is absent. */
bool schema_has_word(const json_t *obj, const char *part, const char *key, const char *word);

/* The document of a first start: empty lists and every default that has an effect; new reference.
 */
json_t *schema_first_document(void);
/* The manual's table of all rows, in Markdown. */
void schema_print_manual(struct bytes *out);

#endif
