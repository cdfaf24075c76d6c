/* table: the routing table, a versioned whole. Made by controlplane, pushed to every dataplane,
 * immutable there and counted: an exchange ends with the table it began with. Upstream keys travel
 * in it, so it goes only over table.ipc and data.ipc. */
#ifndef PM_TABLE_H
#define PM_TABLE_H

#include "capability.h"
#include "client_key.h"
#include "err.h"
#include "lesson.h"
#include "outside.h"
#include "policy.h"
#include "price.h"
#include "secret.h"
#include "trial.h"
#include "view.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Bounds of what a table holds; the decoder refuses more, the table_add_ functions abort. */
#define TABLE_UPSTREAMS_MAX 256 /* in each group */
#define TABLE_CLIENT_KEYS_MAX 1024
#define TABLE_MODEL_RULES_MAX 256
#define TABLE_PRICES_MAX 512
#define TABLE_OWN_PRICES_MAX 256 /* of the configuration */
#define TABLE_PRICE_PPM_MAX 1000000000
#define TABLE_NAME_BYTES_MAX 256 /* ids, names, model names */
#define TABLE_URL_BYTES_MAX 2048
#define TABLE_PATH_BYTES_MAX 4096
#define TABLE_ATTEMPTS_MAX 256
#define TABLE_MODELS_MAX 64         /* patterns, renames: of each upstream */
#define TABLE_COOLING_MODELS_MAX 16 /* of each upstream */
#define TABLE_WEIGHT_MAX 100
#define TABLE_STRATEGY_RANGES_MAX 512
#define TABLE_LESSONS_MAX 256
#define TABLE_CAPABILITIES_MAX 256
#define TABLE_PROMPT_BYTES_MAX 4096

enum protocol { PROTOCOL_ANTHROPIC, PROTOCOL_CHAT, PROTOCOL_RESPONSES };
#define PROTOCOL_COUNT 3
/* "anthropic", "chat", "responses". */
const char *protocol_name(enum protocol protocol);
bool protocol_parse(struct view name, enum protocol *out);

enum tier { TIER_PRIMARY, TIER_BACKUP };

/* A group is one ordered list of upstreams of the configuration; clients reach it by their path. */
enum group {
	GROUP_CLAUDE,          /* api_configs: speaks anthropic */
	GROUP_CODEX,           /* codex_configs: speaks responses */
	GROUP_CHAT,            /* chat_configs: speaks chat */
	GROUP_CHAT_VIA_CLAUDE, /* openai_to_claude_configs: chat clients, anthropic upstreams */
	GROUP_RETRY,           /* retry_configs */
};
#define GROUP_COUNT 5
const char *group_name(
    enum group group); /* "claude", "codex", "chat", "chat_via_claude", "retry" */
bool group_parse(struct view name, enum group *out);

/* Why an upstream is not available. */
enum off { OFF_NOT, OFF_SCHEDULE, OFF_COOLING };

struct model_pattern {
	char *pattern; /* '*' stands for any run of characters */
};

struct model_rename {
	char *from; /* may hold one '*'; the first rename that fits counts */
	char *to;   /* a '*' here stands for what that one matched */
};

struct cooling_model {
	char *model;      /* as the upstream is asked for it */
	int64_t until_ms; /* wall clock */
};

struct upstream_entry {
	char *id;       /* stable over edits: "<group>:<config id>" */
	char *name;     /* the owner's label, any UTF-8 */
	char *base_url; /* trimmed, checked */
	struct secret key;
	enum protocol protocol;
	enum tier tier;
	bool available;               /* control's word: enabled, scheduled now, not cooling */
	bool demo;                    /* the built-in demo upstream */
	bool any_address;             /* the owner allows an address that is denied otherwise */
	uint32_t price_ppm;           /* what it takes, in millionths of the price */
	uint32_t weight;              /* its share among its tier, at least 1 */
	struct model_pattern *models; /* which it serves; none = all */
	size_t model_count;
	struct model_rename *renames; /* after the table's model rules */
	size_t rename_count;
	struct upstream_accepts accepts;
	enum fold fold;
	/* Its health, in control's eyes. */
	enum off off;
	uint32_t ramp; /* most requests in flight in each data plane while it recovers, 0 = any */
	int64_t resume_at_ms;          /* wall clock, when it is available again; 0 = not known */
	uint64_t probe_seq;            /* the prober probes at once when this has grown ... */
	uint32_t probe_every_ms;       /* ... and so often while this is not 0 */
	uint64_t activate_seq;         /* the data plane activate_by activates it when this grows */
	uint64_t activate_by;          /* its boot_id */
	struct cooling_model *cooling; /* models that rest here though the rest serves */
	size_t cooling_count;
};

struct upstream_list {
	struct upstream_entry *entries; /* in order of preference as configured */
	size_t count;
};

/* The day, week and month of now, in the zone of the statistics; 0 = not known. */
struct table_periods {
	int64_t start_ms[PERIODS], end_ms[PERIODS];
};

struct model_rule {
	char *source; /* exact model name */
	char *target;
	bool full_format; /* the old "full_format"; a rename here, conversion of shape later */
};

/* Deadlines in ms; 0 = none. */
struct table_timeouts {
	uint32_t connect_ms;
	uint32_t first_byte_stream_ms, first_byte_ms;
	uint32_t idle_stream_ms, idle_ms;
	uint32_t total_stream_ms, total_ms;
	uint32_t write_ms;   /* without a byte taken of a request that is being sent */
	uint32_t request_ms; /* a client's call over all upstreams */
};

/* The small request that activates an upstream. */
struct table_activation {
	char *models[PROTOCOL_COUNT];
	char *prompt;
	uint32_t max_tokens;
};

struct table {
	unsigned refs;    /* not for you */
	uint64_t epoch;   /* random for each controlplane start */
	uint64_t version; /* grows by one with each change */
	uint64_t prober;  /* boot_id of the data plane that runs the probes, 0 = none */
	struct upstream_list groups[GROUP_COUNT];
	struct client_key *client_keys;
	size_t client_key_count;
	struct table_periods periods;
	struct price_row *prices; /* in the order in which they count */
	size_t price_count;
	struct model_rule *model_rules;
	size_t model_rule_count;
	struct table_timeouts timeouts[GROUP_COUNT];
	struct group_policy policies[GROUP_COUNT];
	struct strategies strategies;
	struct table_activation activation;
	struct table_alert alert;
	struct table_tracing tracing;
	uint32_t attempts_max; /* upstream calls for one client call, at least 1 */
	uint64_t body_bytes_max;
	uint32_t cache_marks_max; /* cache_control marks in a request, 0 = any number */
	bool ask_usage;           /* Chat streams are asked for their use of tokens */
	bool learn;               /* refusals that name what they refuse teach to leave it out */
	struct lesson_of *lessons;
	size_t lesson_count;
	struct trial_order *trials;
	size_t trial_count;
	struct model_capability *capabilities; /* before the built-in ones */
	size_t capability_count;
	bool admin_on_api_port; /* pages and admin API on the API port for loopback peers */
	bool admin_remote;      /* ... for everyone (owner's explicit choice) */
	char *tls_cert_path, *tls_key_path; /* NULL = plain listeners only */
};

/* A new zeroed table with one reference and sane figures. */
struct table *table_new(void);
struct table *table_ref(struct table *table);
void table_unref(struct table *table); /* wipes keys with the last reference; NULL is fine */
/* Body of MSG_TABLE; new reference. Holds keys: never log it. */
json_t *table_encode(const struct table *table);
/* Strict; *out has one reference. */
MUST_CHECK bool table_decode(const json_t *body, struct table **out, struct err *err);
/* Grow a list; the entry is zeroed (an upstream's weight: 1), borrowed until the next add. */
struct upstream_entry *table_add_upstream(struct table *table, enum group group);
struct client_key *table_add_client_key(struct table *table);
struct model_rule *table_add_model_rule(struct table *table);
struct price_row *table_add_price(struct table *table);
struct model_pattern *table_add_pattern(struct upstream_entry *entry);
struct model_pattern *table_add_key_pattern(struct client_key *key);
/* The period that holds this moment; where the table's is over, as if all were as long. */
int64_t table_period_start(const struct table *table, unsigned period, int64_t wall_ms);
int64_t table_period_end(const struct table *table, unsigned period, int64_t wall_ms);
struct model_rename *table_add_rename(struct upstream_entry *entry);
struct cooling_model *table_add_cooling(struct upstream_entry *entry);
struct strategy_range *table_add_range(struct table *table);
struct lesson_of *table_add_lesson(struct table *table);
struct trial_order *table_add_trial(struct table *table);
struct model_capability *table_add_capability(struct table *table);
#endif
