/* config: the configuration as a whole. Parsed and checked at once or not at all; unknown words are
 * kept with their place and order and printed again. */
#ifndef PM_CONFIG_H
#define PM_CONFIG_H

#include "bytes.h"
#include "faults.h"
#include "schedule.h"
#include "secret.h"
#include "table.h"
#include "view.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_BYTES_MAX ((size_t)4 * 1024 * 1024)

/* Of each list of upstreams: its word in the file and what it speaks. */
struct config_list {
	const char *name;  /* "api_configs" */
	const char *label; /* of nameless entries: "API" -> "API-1" */
	enum protocol protocol;
};
const struct config_list *config_list(enum group group);

struct config_upstream {
	char *id; /* unique in its list */
	char *name;
	char *base_url; /* trimmed */
	struct secret key;
	enum tier tier;
	bool enabled;
	struct schedule schedule;
	json_t *entry; /* borrowed from the document: the other words */
};

struct config_upstreams {
	struct config_upstream *items;
	size_t count;
};

struct config_client_key {
	char *id;
	char *name;
	uint8_t sha256[32];
	bool enabled;
	const json_t *entry; /* of the document */
};

struct config {
	json_t *root; /* the document; sections are read through schema_section_get */
	struct config_upstreams upstreams[GROUP_COUNT];
	struct config_client_key *client_keys;
	size_t client_key_count;
};

/* Fills `faults` with all errors and warnings; false and no config when there is any error. A
 * byte-order mark is skipped; the old single `openai_to_claude_config` becomes the list's only
 * entry. */
MUST_CHECK bool config_parse(struct view text, struct config **out, struct faults *faults);
void config_free(struct config *config); /* NULL is fine */
/* Appends a document's text as it is in the file: two-space indent. It holds keys: wipe it. False
 * at the buffer's limit. */
MUST_CHECK bool config_print(const json_t *root, struct bytes *out);
/* Neither enabled nor disabled upstreams in any list. */
bool config_has_no_upstream(const struct config *config);
/* The upstream of a table's id ("<group>:<id>"), or NULL. */
struct config_upstream *config_find(struct config *config, const char *table_id);
/* server.allow_addresses names this host. */
bool config_allows_host(const json_t *root, struct view host);
/* The hash of the admin token; false when there is none. */
bool config_admin_sha256(const struct config *config, uint8_t out[32]);
/* That of the token which opens /metrics and nothing else. */
bool config_metrics_sha256(const struct config *config, uint8_t out[32]);
/* Takes over the access words (client_keys, admin) of `from` where this one has none; returns
 * whether there was any. */
bool config_adopt_access(struct config *config, const struct config *from);
/* Adds a client key at the end of the list. */
void config_add_client_key(
    struct config *config, const char *name, const uint8_t sha256[32], int64_t now_ms);
void config_set_admin_sha256(struct config *config, const uint8_t sha256[32]);

/* ---- for config_parse only ---- */
/* The whole check (config_check.c). `single`: openai_to_claude_configs was the single old object,
 * which is how its faults are named. */
void config_check(json_t *root, bool single, struct faults *faults);

#endif
