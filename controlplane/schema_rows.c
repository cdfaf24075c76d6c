#include "schema.h"
#include "table.h"

/* clang-format off */
static const struct schema_section sections[] = {
    {"api_configs", SCHEMA_UPSTREAMS, true, TABLE_UPSTREAMS_MAX},
    {"codex_configs", SCHEMA_UPSTREAMS, true, TABLE_UPSTREAMS_MAX},
    {"chat_configs", SCHEMA_UPSTREAMS, true, TABLE_UPSTREAMS_MAX},
    {"openai_to_claude_configs", SCHEMA_UPSTREAMS, true, TABLE_UPSTREAMS_MAX},
    {"retry_configs", SCHEMA_UPSTREAMS, true, TABLE_UPSTREAMS_MAX},
    {"model_conversions", SCHEMA_MODELS, true, TABLE_MODEL_RULES_MAX},
    {"client_keys", SCHEMA_CLIENT_KEYS, true, TABLE_CLIENT_KEYS_MAX},
    {"admin", SCHEMA_ADMIN, false, 0},
    {"server", SCHEMA_SERVER, false, 0},
    {"server.tls", SCHEMA_TLS, false, 0},
    {"timeout_settings", SCHEMA_TIMEOUTS, false, 0},
    {"error_handling_strategies", "error_handling_strategies", false, 0},
    {"optimization_settings", "optimization_settings", false, 0},
};

#define DAY_S 86400
#define UNUSED SCHEMA_UNUSED
#define NEED SCHEMA_REQUIRED

/* One line each: what it is, its bounds, its default and that of earlier versions, what it does. */
#define ROW(part, key, type, flags, unit, min, max, words, fallback, old, doc)                     \
	{part, key, SCHEMA_##type, flags, unit, min, max, words, fallback, old, doc}
#define TEXT(part, key, type, flags, min, max, fallback, doc)                                      \
	ROW(part, key, type, flags, "bytes", min, max, NULL, fallback, NULL, doc)
#define FLAG(part, key, flags, fallback, doc)                                                      \
	ROW(part, key, FLAG, flags, NULL, 0, 0, NULL, fallback, NULL, doc)
#define PLAIN(part, key, type, flags, fallback, doc)                                               \
	ROW(part, key, type, flags, NULL, 0, 0, NULL, fallback, NULL, doc)
#define TIME(key, flags, min, fallback, old, doc)                                                  \
	ROW(SCHEMA_TIMEOUTS, key, NUMBER, flags, "s", min, DAY_S, NULL, fallback, old, doc)
#define COUNT(key, flags, min, max, fallback, doc)                                                 \
	ROW(SCHEMA_TIMEOUTS, key, INT, flags, NULL, min, max, NULL, fallback, NULL, doc)

static const struct schema_row rows[] = {
    PLAIN(SCHEMA_UPSTREAMS, "id", ID, 0, NULL, "Stable name over edits; unique in its list. Absent: made from name and base_url, written at the next save."),
    TEXT(SCHEMA_UPSTREAMS, "name", TEXT, 0, 0, TABLE_NAME_BYTES_MAX, NULL, "Label; need not be unique. Absent: the list's word and the position, like \"API-1\"."),
    TEXT(SCHEMA_UPSTREAMS, "base_url", URL, NEED, 1, TABLE_URL_BYTES_MAX, NULL, "http:// or https://; spaces around it and slashes at its end do not matter, a /v1 at its end is not doubled."),
    TEXT(SCHEMA_UPSTREAMS, "key", KEY, NEED, 0, SECRET_BYTES_MAX, NULL, "The upstream's API key; spaces around it are dropped. \"\" = requests go without one."),
    ROW(SCHEMA_UPSTREAMS, "type", CHOICE, 0, NULL, 0, 0, "primary|backup|openai_to_claude", "\"primary\"", NULL, "Backups serve when no primary can. openai_to_claude counts as primary."),
    FLAG(SCHEMA_UPSTREAMS, "enabled", 0, "true", "A disabled upstream is never used."),
    PLAIN(SCHEMA_UPSTREAMS, "time_enabled", WEEK, 0, "[1, 1, 1, 1, 1, 1, 1]", "Days on which it serves, Monday first, in the local time zone. Empty or missing days = on."),
    FLAG(SCHEMA_UPSTREAMS, "activation_enabled", UNUSED, "false", "One small request a day."),
    PLAIN(SCHEMA_UPSTREAMS, "activation_time", CLOCK, UNUSED, "\"08:00\"", "When that request goes out, local time."),
    PLAIN(SCHEMA_UPSTREAMS, "created_at", ANY, 0, NULL, "Kept."),
    PLAIN(SCHEMA_UPSTREAMS, "updated_at", ANY, 0, NULL, "Kept."),

    PLAIN(SCHEMA_MODELS, "id", ID, 0, NULL, "Stable name; unique."),
    TEXT(SCHEMA_MODELS, "name", TEXT, 0, 0, TABLE_NAME_BYTES_MAX, NULL, "Label."),
    TEXT(SCHEMA_MODELS, "source_model", TEXT, NEED, 1, TABLE_NAME_BYTES_MAX, NULL, "The model a client asks for, exactly. The first enabled rule counts; rules are not chained."),
    TEXT(SCHEMA_MODELS, "target_model", TEXT, NEED, 1, TABLE_NAME_BYTES_MAX, NULL, "The model the upstream is asked for."),
    ROW(SCHEMA_MODELS, "conversion_type", CHOICE, 0, NULL, 0, 0, "simple_rename|full_format", "\"simple_rename\"", NULL, "Both rename; full_format is handed to the data plane with the rule."),
    FLAG(SCHEMA_MODELS, "enabled", 0, "true", "A disabled rule is skipped."),
    PLAIN(SCHEMA_MODELS, "created_at", ANY, 0, NULL, "Kept."),
    PLAIN(SCHEMA_MODELS, "updated_at", ANY, 0, NULL, "Kept."),

    PLAIN(SCHEMA_CLIENT_KEYS, "id", ID, 0, NULL, "Stable name; unique. Absent: made from the hash."),
    TEXT(SCHEMA_CLIENT_KEYS, "name", TEXT, 0, 0, TABLE_NAME_BYTES_MAX, "\"\"", "Label."),
    PLAIN(SCHEMA_CLIENT_KEYS, "sha256", SHA256, NEED, NULL, "Hex SHA-256 of the key that clients send; the key itself is not kept."),
    FLAG(SCHEMA_CLIENT_KEYS, "enabled", 0, "true", "A disabled key is refused."),
    PLAIN(SCHEMA_CLIENT_KEYS, "created_at", ANY, 0, NULL, "Kept."),

    PLAIN(SCHEMA_ADMIN, "token_sha256", SHA256, 0, NULL, "Hex SHA-256 of the admin token. Absent: a token is made at the next start."),

    ROW(SCHEMA_SERVER, "body_limit_mib", INT, 0, "MiB", 1, 1024, NULL, "64", NULL, "Biggest request body taken from a client."),
    ROW(SCHEMA_SERVER, "attempts_max", INT, 0, NULL, 1, TABLE_ATTEMPTS_MAX, NULL, "8", NULL, "Upstream calls for one client call, each to another upstream."),
    FLAG(SCHEMA_SERVER, "admin_on_api_port", 0, "true", "Admin pages and API on the API port too, for this machine's own users."),
    FLAG(SCHEMA_SERVER, "admin_remote", 0, "false", "... and for everybody. Only behind TLS."),
    PLAIN(SCHEMA_SERVER, "allow_addresses", ADDRESSES, 0, "[]", "Addresses that a base_url may name though they are link-local, metadata or the like."),
    TEXT(SCHEMA_TLS, "cert_file", PATH, 0, 1, TABLE_PATH_BYTES_MAX, NULL, "PEM chain for the API port; together with key_file."),
    TEXT(SCHEMA_TLS, "key_file", PATH, 0, 1, TABLE_PATH_BYTES_MAX, NULL, "PEM key for the API port; together with cert_file."),

    TIME("connect_timeout", 0, 0.001, "10", "60", "TCP and TLS connect, all but Codex upstreams and retry nodes."),
    TIME("streaming_read_timeout", 0, 0.001, "120", "60", "Streams: first byte, and gap between bytes."),
    TIME("non_streaming_read_timeout", 0, 0.001, "300", "60", "Whole answers: first byte, and gap between bytes."),
    TIME("codex_connect_timeout", 0, 0.001, "10", "30", "TCP and TLS connect, Codex upstreams."),
    TIME("codex_base_timeout", 0, 0.001, "120", "60", "First byte of Codex streams; gaps may be as long. Never the whole length of an answer."),
    TIME("extended_connect_timeout", 0, 0.001, "10", "90", "TCP and TLS connect, retry nodes."),
    TIME("strategy_retry_read_timeout", 0, 0.001, "120", "200", "Retry nodes: first byte of streams, and gap between bytes."),
    TIME("write_timeout", UNUSED, 0.001, "60", NULL, "One write to an upstream."),
    TIME("pool_timeout", UNUSED, 0.001, "120", NULL, "Had no effect in earlier versions."),
    TIME("retry_read_timeout", UNUSED, 0.001, "60", NULL, "Had no effect in earlier versions."),
    TIME("api_cooldown_seconds", UNUSED, 0, "600", NULL, "Rest of an upstream after api_error_threshold errors."),
    COUNT("api_error_threshold", UNUSED, 0, 100000, "3", "Errors in a row before an upstream rests; 0 counts as 1."),
    COUNT("codex_error_threshold", UNUSED, 0, 100000, "3", "The same for Codex upstreams."),
    TIME("codex_timeout_increment", UNUSED, 0, "60", NULL, "Added to codex_base_timeout after a timeout by earlier versions."),
    TIME("primary_api_check_interval", UNUSED, 0, "30", NULL, "How often the way back from a backup is tried."),
    COUNT("max_retries", UNUSED, 0, 100000, "4", "Calls for one client call in earlier versions; here it is server.attempts_max."),
    FLAG(SCHEMA_TIMEOUTS, "modify_retry_headers", UNUSED, "true", "Had earlier versions add cache-breaking headers."),
    TIME("billing_send_interval", UNUSED, 0, "1.0", NULL, "Pause after each activation request."),
    TIME("billing_cycle_delay", UNUSED, 0, "60", NULL, "Had no effect in earlier versions."),
    TIME("health_check_interval", UNUSED, 0, "0.5", NULL, "Had no effect in earlier versions."),
    TIME("stream_retry_wait", UNUSED, 0, "1.0", NULL, "Had no effect in earlier versions."),
    PLAIN(SCHEMA_TIMEOUTS, "updated_at", ANY, 0, NULL, "Kept."),

    PLAIN("error_handling_strategies", "http_status_codes", STATUS_MAP, UNUSED, "{\"400\": \"strategy_retry\", \"401\": \"switch_api\", \"403\": \"switch_api\", \"404\": \"strategy_retry\", \"408\": \"strategy_retry\", \"429\": \"strategy_retry\", \"500\": \"strategy_retry\", \"502\": \"strategy_retry\", \"503\": \"strategy_retry\", \"504\": \"strategy_retry\", \"520\": \"strategy_retry\", \"521\": \"strategy_retry\", \"522\": \"strategy_retry\", \"524\": \"strategy_retry\", \"default\": \"strategy_retry\"}", "A status (100 to 599), a class like 5xx, or default, to strategy_retry, switch_api or normal_retry."),
    PLAIN("error_handling_strategies", "network_errors", NETWORK_MAP, UNUSED, "{\"ReadError\": \"switch_api\", \"ConnectError\": \"switch_api\", \"ReadTimeout\": \"strategy_retry\", \"default\": \"switch_api\"}", "ReadError, ConnectError, ReadTimeout or default, to a strategy as above."),
    PLAIN("error_handling_strategies", "updated_at", ANY, 0, NULL, "Kept."),
    FLAG("optimization_settings", "enable_cache_control_limit", UNUSED, "true", "At most four cache_control marks in a request."),
    PLAIN("optimization_settings", "updated_at", ANY, 0, NULL, "Kept."),
};
/* clang-format on */

const struct schema_row *
schema_rows(size_t *count)
{
	*count = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

const struct schema_section *
schema_sections(size_t *count)
{
	*count = sizeof(sections) / sizeof(sections[0]);
	return sections;
}
