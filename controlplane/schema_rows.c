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
    {"model_capabilities", SCHEMA_CAPABILITIES, true, TABLE_CAPABILITIES_MAX},
    {"client_keys", SCHEMA_CLIENT_KEYS, true, TABLE_CLIENT_KEYS_MAX},
    {"admin", SCHEMA_ADMIN, false, 0},
    {SCHEMA_USERS, SCHEMA_USERS, true, SCHEMA_USERS_MAX},
    {"server", SCHEMA_SERVER, false, 0},
    {"server.tls", SCHEMA_TLS, false, 0},
    {"timeout_settings", SCHEMA_TIMEOUTS, false, 0},
    {"error_handling_strategies", SCHEMA_STRATEGIES, false, 0},
    {"routing.claude", SCHEMA_ROUTING, false, 0},
    {"routing.codex", SCHEMA_ROUTING, false, 0},
    {"routing.chat", SCHEMA_ROUTING, false, 0},
    {"routing.chat_via_claude", SCHEMA_ROUTING, false, 0},
    {"routing.retry", SCHEMA_ROUTING, false, 0},
    {SCHEMA_OPTIMIZATION, SCHEMA_OPTIMIZATION, false, 0},
    {SCHEMA_ACTIVATION, SCHEMA_ACTIVATION, false, 0},
    {SCHEMA_STATISTICS, SCHEMA_STATISTICS, false, 0},
    {SCHEMA_PRICES, SCHEMA_PRICES, true, TABLE_OWN_PRICES_MAX},
    {SCHEMA_ALERTS, SCHEMA_ALERTS, false, 0},
    {SCHEMA_TRACING, SCHEMA_TRACING, false, 0},
};

#define DAY_S 86400
#define UNUSED SCHEMA_UNUSED
#define NEED SCHEMA_REQUIRED
#define EXACT SCHEMA_EXACT

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
#define ACCEPTS                                                                                    \
	"max_tokens_old_name|top_k|cache_breakpoints|reasoning_content|inline_think|"              \
	"instructions|developer_role|custom_tools|stop_over_four|stops_here"
#define PACE(key, max, fallback, doc)                                                              \
	ROW(SCHEMA_ROUTING, key, NUMBER, 0, "s", 0, max, NULL, fallback, NULL, doc)
#define RATE(key, max, fallback, doc)                                                              \
	ROW(SCHEMA_ROUTING, key, INT, 0, NULL, 0, max, NULL, fallback, NULL, doc)

#define LIMIT(key, type, unit, max, doc)                                                           \
	ROW(SCHEMA_CLIENT_KEYS, key, type, 0, unit, 0, max, NULL, "0", NULL, doc)
#define PRICE(key, flags, fallback, doc)                                                           \
	ROW(SCHEMA_PRICES, key, NUMBER, flags, "USD", 0, 1000000, NULL, fallback, NULL, doc)

#define ALERT_TIME(key, min, max, fallback, doc)                                                   \
	ROW(SCHEMA_ALERTS, key, NUMBER, 0, "s", min, max, NULL, fallback, NULL, doc)
#define ALERT_COUNT(key, unit, min, max, fallback, doc)                                            \
	ROW(SCHEMA_ALERTS, key, INT, 0, unit, min, max, NULL, fallback, NULL, doc)
#define ALERT_WORDS "upstream_down|group_down|budget|error_rate|certificate|disk"

static const struct schema_row rows[] = {
    PLAIN(SCHEMA_UPSTREAMS, "id", ID, 0, NULL, "Stable name over edits; unique in its list. Absent: made from name and base_url, written at the next save."),
    TEXT(SCHEMA_UPSTREAMS, "name", TEXT, 0, 0, TABLE_NAME_BYTES_MAX, NULL, "Label; need not be unique. Absent: the list's word and the position, like \"API-1\"."),
    TEXT(SCHEMA_UPSTREAMS, "base_url", URL, NEED, 1, TABLE_URL_BYTES_MAX, NULL, "http:// or https://; spaces around it and slashes at its end do not matter, a /v1 at its end is not doubled."),
    TEXT(SCHEMA_UPSTREAMS, "key", KEY, NEED, 0, SECRET_BYTES_MAX, NULL, "The upstream's API key; spaces around it are dropped. \"\" = requests go without one."),
    ROW(SCHEMA_UPSTREAMS, "type", CHOICE, 0, NULL, 0, 0, "primary|backup|openai_to_claude", "\"primary\"", NULL, "Backups serve when no primary can. openai_to_claude counts as primary."),
    ROW(SCHEMA_UPSTREAMS, "protocol", CHOICE, 0, NULL, 0, 0, "list|anthropic|chat|responses", "\"list\"", NULL, "What it speaks; list: what its list is for. Clients of another protocol are served through conversion."),
    FLAG(SCHEMA_UPSTREAMS, "enabled", 0, "true", "A disabled upstream is never used."),
    PLAIN(SCHEMA_UPSTREAMS, "time_enabled", WEEK, 0, "[1, 1, 1, 1, 1, 1, 1]", "Days on which it serves, Monday first, in its time_zone. Empty or missing days = on."),
    PLAIN(SCHEMA_UPSTREAMS, "hours", HOURS, 0, "[]", "Hours in which it serves: ranges for every day (\"09:00-17:30\"; \"22:00-06:00\" ends the next morning), or a list of days, Monday first, each such ranges, 24 flags (one an hour), or null for all day. Empty = all day. A day that time_enabled switches off stays off."),
    PLAIN(SCHEMA_UPSTREAMS, "dates", DATES, 0, "{}", "Days with a plan of their own, instead of time_enabled and hours: 2026-12-25, or 12-25 for each year, to \"off\", \"on\" or ranges."),
    PLAIN(SCHEMA_UPSTREAMS, "time_zone", ZONE, 0, NULL, "IANA name, like Europe/Berlin, in which days, hours and dates are meant. Absent: this machine's."),
    ROW(SCHEMA_UPSTREAMS, "price_factor", NUMBER, 0, NULL, 0, 1000, NULL, "1", NULL, "What this upstream takes, as a multiple of the price of its model. 0 = nothing."),
    ROW(SCHEMA_UPSTREAMS, "weight", INT, 0, NULL, 1, TABLE_WEIGHT_MAX, NULL, "1", NULL, "Its share among its kind, where routing.*.pick or a session's hash shares out."),
    PLAIN(SCHEMA_UPSTREAMS, "models", MODELS_LIST, 0, "[]", "Models it serves, as clients ask for them (after model_conversions); * stands for any characters. Empty = all."),
    PLAIN(SCHEMA_UPSTREAMS, "model_map", MODELS_MAP, 0, "{}", "Its own names for models: from the asked name to the sent one; the first that fits counts. One * in the first, and one in the second for what that matched."),
    ROW(SCHEMA_UPSTREAMS, "accepts", WORDS, 0, NULL, 0, 0, ACCEPTS, "[]", NULL, "What it takes beside the core of its protocol, for converted calls. Chat: max_tokens_old_name: max_tokens, not max_completion_tokens; reasoning_content: earlier reasoning is sent back there; inline_think: <think> in its text is thinking; developer_role: developer, not system; custom_tools; stop_over_four: more than four stop strings. Responses: instructions: the system text goes there; stops_here: stop sequences cut the answer in the gateway. Both: top_k; cache_breakpoints: prompt_cache_breakpoint."),
    ROW(SCHEMA_UPSTREAMS, "fold", CHOICE, EXACT, NULL, 0, 0, "off|converted|all", "\"off\"", NULL, "It is asked for a stream where the client wants a whole answer, which is put together here: no proxy on the way ends a long silence, and the deadlines of streams hold. converted: for calls that are converted anyway; all: for the others too, but for requests with what conversion has no words for (n above 1, audio, tools that the upstream runs itself)."),
    FLAG(SCHEMA_UPSTREAMS, "activation_enabled", 0, "false", "One small request a day, so that limits by the hour begin then; see the section activation."),
    PLAIN(SCHEMA_UPSTREAMS, "activation_time", CLOCK, 0, "\"08:00\"", "When that request goes out, in its time_zone; made up for later on the same day, tried again each minute, at most 20 times. None on a day that is off."),
    PLAIN(SCHEMA_UPSTREAMS, "created_at", ANY, 0, NULL, "Kept."),
    PLAIN(SCHEMA_UPSTREAMS, "updated_at", ANY, 0, NULL, "Kept."),

    PLAIN(SCHEMA_MODELS, "id", ID, 0, NULL, "Stable name; unique."),
    TEXT(SCHEMA_MODELS, "name", TEXT, 0, 0, TABLE_NAME_BYTES_MAX, NULL, "Label."),
    TEXT(SCHEMA_MODELS, "source_model", TEXT, NEED, 1, TABLE_NAME_BYTES_MAX, NULL, "The model a client asks for; one * stands for any characters. The first enabled rule that fits counts; rules are not chained."),
    TEXT(SCHEMA_MODELS, "target_model", TEXT, NEED, 1, TABLE_NAME_BYTES_MAX, NULL, "The model the upstream is asked for; a * here stands for what that one matched."),
    ROW(SCHEMA_MODELS, "conversion_type", CHOICE, 0, NULL, 0, 0, "simple_rename|full_format", "\"simple_rename\"", NULL, "Both rename; full_format is handed to the data plane with the rule."),
    FLAG(SCHEMA_MODELS, "enabled", 0, "true", "A disabled rule is skipped."),
    PLAIN(SCHEMA_MODELS, "created_at", ANY, 0, NULL, "Kept."),
    PLAIN(SCHEMA_MODELS, "updated_at", ANY, 0, NULL, "Kept."),

    PLAIN(SCHEMA_CAPABILITIES, "id", ID, 0, NULL, "Stable name; unique. Absent: made from the row."),
    TEXT(SCHEMA_CAPABILITIES, "pattern", TEXT, NEED, 1, CAPABILITY_PATTERN_BYTES - 1, NULL, "Models by the name that the upstream gets; * stands for any characters. The first row that fits counts; what it leaves out, and models that fit none, are as built in: see the table of 2026-11-22 above."),
    ROW(SCHEMA_CAPABILITIES, "thinking", CHOICE, EXACT, NULL, 0, 0, "built_in|none|budget|both|adaptive", "\"built_in\"", NULL, "Which form of thinking it takes, for converted calls and for the -thinking at the end of a model's name."),
    FLAG(SCHEMA_CAPABILITIES, "thinking_always", 0, NULL, "Its thinking cannot be switched off."),
    FLAG(SCHEMA_CAPABILITIES, "sampling", 0, NULL, "It takes temperature, top_p and top_k; else they are left out."),
    FLAG(SCHEMA_CAPABILITIES, "sampling_both", 0, NULL, "It takes temperature together with top_p; else top_p is left out."),
    FLAG(SCHEMA_CAPABILITIES, "system_mid", 0, NULL, "It takes system messages between the others."),
    FLAG(SCHEMA_CAPABILITIES, "prefill", 0, NULL, "The last message may be the beginning of its answer; else such a request is refused."),
    FLAG(SCHEMA_CAPABILITIES, "effort_xhigh", 0, NULL, "It knows the effort xhigh; else it gets high."),
    FLAG(SCHEMA_CAPABILITIES, "effort_max", 0, NULL, "It knows the effort max; else it gets the next lower one."),
    FLAG(SCHEMA_CAPABILITIES, "json_schema", 0, NULL, "It takes a schema for its answer; else it is told in words to answer in JSON."),
    ROW(SCHEMA_CAPABILITIES, "max_output_tokens", INT, 0, "tokens", 1, CAPABILITY_TOKENS_MAX, NULL, NULL, NULL, "No more are asked for."),
    ROW(SCHEMA_CAPABILITIES, "max_effort_budget", INT, 0, "tokens", 1, CAPABILITY_TOKENS_MAX, NULL, NULL, NULL, "Thinking tokens that the effort max stands for, where thinking has a budget. Absent, beside max_output_tokens: one less than that."),

    PLAIN(SCHEMA_CLIENT_KEYS, "id", ID, 0, NULL, "Stable name; unique. Absent: made from the hash."),
    TEXT(SCHEMA_CLIENT_KEYS, "name", TEXT, 0, 0, TABLE_NAME_BYTES_MAX, "\"\"", "Label."),
    PLAIN(SCHEMA_CLIENT_KEYS, "sha256", SHA256, NEED, NULL, "Hex SHA-256 of the key that clients send; the key itself is not kept."),
    FLAG(SCHEMA_CLIENT_KEYS, "enabled", 0, "true", "A disabled key is refused."),
    PLAIN(SCHEMA_CLIENT_KEYS, "allowed_groups", GROUPS, 0, "[]", "What it may ask: claude (Messages), chat (Chat Completions), codex (Responses). Empty = all."),
    PLAIN(SCHEMA_CLIENT_KEYS, "allowed_models", MODELS_LIST, 0, "[]", "Models it may ask for; * stands for any characters. Empty = all."),
    LIMIT("requests_per_minute", INT, "requests", 1000000000, "Most requests within any minute, over all data planes. 0 = any number, as with all limits here."),
    LIMIT("tokens_per_minute", INT, "tokens", 1e15, "Most tokens within a minute, of all kinds; counted as soon as an answer tells them."),
    LIMIT("concurrent_requests", INT, "requests", 1000000, "Most requests at a time."),
    LIMIT("tokens_per_day", INT, "tokens", 1e15, "Budget of a day (of statistics.time_zone). A request that begins before it is spent is served to its end."),
    LIMIT("tokens_per_week", INT, "tokens", 1e15, "The same of a week, from Monday."),
    LIMIT("tokens_per_month", INT, "tokens", 1e15, "The same of a month."),
    LIMIT("usd_per_day", NUMBER, "USD", 1000000000, "Budget of a day in money, by prices. A call whose model has no price costs nothing; the log says so (event=unpriced)."),
    LIMIT("usd_per_week", NUMBER, "USD", 1000000000, "The same of a week."),
    LIMIT("usd_per_month", NUMBER, "USD", 1000000000, "The same of a month."),
    ROW(SCHEMA_CLIENT_KEYS, "warn_percent", INT, 0, "%", 1, 100, NULL, "80", NULL, "Share of a budget at which the log and the state say so."),
    PLAIN(SCHEMA_CLIENT_KEYS, "created_at", ANY, 0, NULL, "Kept."),

    PLAIN(SCHEMA_ADMIN, "token_sha256", SHA256, 0, NULL, "Hex SHA-256 of the admin token. Absent: a token is made at the next start."),
    PLAIN(SCHEMA_ADMIN, "metrics_token_sha256", SHA256, 0, NULL, "Hex SHA-256 of a token that opens `/metrics` and nothing else. Absent: only the admin token does."),
    PLAIN(SCHEMA_USERS, "id", ID, 0, NULL, "Stable name; unique. Absent: made from the entry."),
    TEXT(SCHEMA_USERS, "name", TEXT, NEED, 1, SCHEMA_USER_BYTES_MAX, NULL, "Who it is; unique. The holder of the admin token is called admin."),
    ROW(SCHEMA_USERS, "role", CHOICE, EXACT, NULL, 0, 0, "viewer|admin", "\"viewer\"", NULL, "viewer: looks at everything but keys; admin: changes everything."),
    PLAIN(SCHEMA_USERS, "token_sha256", SHA256, NEED, NULL, "Hex SHA-256 of the token with which this user logs in."),
    FLAG(SCHEMA_USERS, "enabled", 0, "true", "A disabled user cannot log in, and sessions end."),
    PLAIN(SCHEMA_USERS, "created_at", ANY, 0, NULL, "Kept."),
    PLAIN(SCHEMA_USERS, "updated_at", ANY, 0, NULL, "Kept."),

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
    TIME("write_timeout", 0, 0.001, "60", NULL, "So long an upstream may take nothing of a request that is being sent."),
    TIME("pool_timeout", UNUSED, 0.001, "120", NULL, "Had no effect in earlier versions."),
    TIME("retry_read_timeout", UNUSED, 0.001, "60", NULL, "Had no effect in earlier versions."),
    TIME("api_cooldown_seconds", 0, 0, "600", NULL, "Rest of an upstream after its threshold of errors, doubled each time it fails again soon; a good probe or answer ends it early. 0 = nothing rests."),
    TIME("rate_limit_cooldown_seconds", 0, 1, "30", NULL, "Rest after a 429 that names no time, doubled each time."),
    TIME("cooldown_max_seconds", 0, 1, "900", NULL, "No rest is longer, whatever an upstream asks for; at least api_cooldown_seconds."),
    COUNT("api_error_threshold", 0, 0, 100000, "3", "Errors in a row before an upstream rests; 0 counts as 1. One that names a time (Retry-After) rests at once."),
    COUNT("codex_error_threshold", 0, 0, 100000, "3", "The same for Codex upstreams."),
    TIME("codex_timeout_increment", UNUSED, 0, "60", NULL, "Added to codex_base_timeout after a timeout by earlier versions."),
    TIME("primary_api_check_interval", 0, 0, "30", NULL, "Longest pause between two probes of a resting upstream; the first ones follow each second."),
    ROW(SCHEMA_TIMEOUTS, "max_retries", INT, 0, NULL, 0, 100000, NULL, "2", "4", "Calls in a row to one upstream after a network error whose strategy is normal_retry. All calls for one client call: server.attempts_max."),
    FLAG(SCHEMA_TIMEOUTS, "modify_retry_headers", UNUSED, "true", "Had earlier versions add cache-breaking headers."),
    TIME("billing_send_interval", 0, 0, "1.0", NULL, "Pause after each activation request."),
    TIME("billing_cycle_delay", UNUSED, 0, "60", NULL, "Had no effect in earlier versions."),
    TIME("health_check_interval", UNUSED, 0, "0.5", NULL, "Had no effect in earlier versions."),
    TIME("stream_retry_wait", UNUSED, 0, "1.0", NULL, "Had no effect in earlier versions."),
    PLAIN(SCHEMA_TIMEOUTS, "updated_at", ANY, 0, NULL, "Kept."),

    PLAIN(SCHEMA_STRATEGIES, "http_status_codes", STATUS_MAP, 0, "{\"400\": \"normal_retry\", \"401\": \"switch_api\", \"402\": \"switch_api\", \"403\": \"switch_api\", \"404\": \"normal_retry\", \"405\": \"normal_retry\", \"408\": \"strategy_retry\", \"413\": \"normal_retry\", \"415\": \"normal_retry\", \"422\": \"normal_retry\", \"4xx\": \"normal_retry\", \"429\": \"strategy_retry\", \"500\": \"strategy_retry\", \"502\": \"strategy_retry\", \"503\": \"strategy_retry\", \"504\": \"strategy_retry\", \"520\": \"strategy_retry\", \"521\": \"strategy_retry\", \"522\": \"strategy_retry\", \"524\": \"strategy_retry\", \"default\": \"strategy_retry\"}", "A status (100 to 599), a class like 5xx, or default, to what follows. switch_api: the next upstream of the list. strategy_retry: the retry nodes first. normal_retry: the client gets that answer. What is left out is as here (400 and 404 were strategy_retry); a class goes before that, default after it."),
    PLAIN(SCHEMA_STRATEGIES, "network_errors", NETWORK_MAP, 0, "{\"ConnectError\": \"switch_api\", \"ReadError\": \"switch_api\", \"ReadTimeout\": \"strategy_retry\", \"default\": \"switch_api\"}", "ConnectError, ConnectTimeout, WriteError, ReadError, ReadTimeout, ProtocolError or default, to what follows, as above; normal_retry: the same upstream again (max_retries), then the next."),
    PLAIN(SCHEMA_STRATEGIES, "updated_at", ANY, 0, NULL, "Kept."),

    ROW(SCHEMA_ROUTING, "pick", CHOICE, 0, NULL, 0, 0, "order|weighted|least_in_flight|lowest_latency", "\"order\"", NULL, "Which upstream of its kind goes first. With a known session and affinity_seconds, all but order keep it where its hash puts it, by weight."),
    PACE("affinity_seconds", DAY_S, "300", "How long a session that was moved stays there, while that one serves. 0 = no affinity."),
    ROW(SCHEMA_ROUTING, "hedge", CHOICE, 0, NULL, 0, 0, "off|after|auto", "\"off\"", NULL, "Ask a second upstream while the first is silent: after hedge_after_seconds, or auto: after the time in which 95 of 100 answers of that upstream begin."),
    PACE("hedge_after_seconds", 3600, "10", "See hedge; with auto, until that time is known."),
    RATE("hedge_budget_percent", 100, "10", "Most second calls for 100 client calls."),
    PACE("keepalive_seconds", 3600, "0", "Silence before the client gets a sign of life, where its protocol has one. 0 = none."),
    RATE("attempts_max", TABLE_ATTEMPTS_MAX, "0", "Upstream calls for one client call. 0 = server.attempts_max."),
    RATE("retry_budget_percent", 1000, "10", "Most further calls for 100 client calls ..."),
    RATE("retry_burst", 100000, "20", "... beyond so many that are always there."),
    PACE("retry_deadline_seconds", DAY_S, "300", "No further call begins this long after the client's. 0 = no such end."),
    ROW(SCHEMA_ROUTING, "convert", CHOICE, 0, NULL, 0, 0, "alone|backup|off", "\"alone\"", NULL, "Upstreams of other lists, which speak another protocol, serve these clients: alone: while this list has none switched on; backup: also when all of its own fail or rest; off: never."),
    ROW(SCHEMA_ROUTING, "loss", CHOICE, 0, NULL, 0, 0, "lenient|strict", "\"lenient\"", NULL, "A request of which conversion would lose something goes on, and the answer's x-pointsman-loss says what; strict: it is refused."),
    PACE("total_stream_seconds", DAY_S, "0", "The whole of one upstream call, streams. 0 = as long as bytes come."),
    PACE("total_seconds", DAY_S, "0", "The same for whole answers."),
    PACE("request_seconds", DAY_S, "0", "The whole of a client's call, over all upstreams. 0 = no end."),

    TEXT(SCHEMA_ACTIVATION, "model_anthropic", TEXT, 0, 1, TABLE_NAME_BYTES_MAX, "\"claude-haiku-4-5\"", "The model of the activation request, of upstreams that speak Anthropic Messages."),
    TEXT(SCHEMA_ACTIVATION, "model_chat", TEXT, 0, 1, TABLE_NAME_BYTES_MAX, "\"gpt-5-mini\"", "The same for Chat Completions."),
    TEXT(SCHEMA_ACTIVATION, "model_responses", TEXT, 0, 1, TABLE_NAME_BYTES_MAX, "\"gpt-5-codex\"", "The same for Responses."),
    TEXT(SCHEMA_ACTIVATION, "prompt", TEXT, 0, 1, TABLE_PROMPT_BYTES_MAX, "\"Say hello in one word.\"", "What it asks."),
    ROW(SCHEMA_ACTIVATION, "max_tokens", INT, 0, "tokens", 1, 100000, NULL, "64", NULL, "How long its answer may be."),

    FLAG(SCHEMA_OPTIMIZATION, "enable_cache_control_limit", 0, "true", "At most four cache_control marks in a request: those of system and tools and the last ones of the messages stay."),
    PLAIN(SCHEMA_OPTIMIZATION, "chat_model_map", MODELS_MAP, 0, "{\"gpt-4*\": \"claude-sonnet-4-5\", \"gpt-3.5*\": \"claude-haiku-4-5\", \"claude-sonnet-4\": \"claude-sonnet-4-5\", \"claude-sonnet-3.5\": \"claude-sonnet-4-5\", \"claude-haiku\": \"claude-haiku-4-5\"}", "Names that the upstreams of openai_to_claude_configs are asked for instead, behind their own model_map; {} = none."),
    FLAG(SCHEMA_OPTIMIZATION, "ask_usage", 0, "true", "Chat streams whose clients have not asked for their use of tokens (stream_options.include_usage) are asked for it all the same, so that they can be counted; the client does not see the event that tells it."),
    FLAG(SCHEMA_OPTIMIZATION, "learn", 0, "true", "A 400 that names an unknown beta header, an extra field or thinking of another upstream is learned: it is left out for that upstream and model."),
    ROW(SCHEMA_OPTIMIZATION, "learn_seconds", NUMBER, 0, "s", 1, 30 * DAY_S, NULL, "86400", NULL, "How long that holds."),
    PLAIN(SCHEMA_OPTIMIZATION, "updated_at", ANY, 0, NULL, "Kept."),

    PLAIN(SCHEMA_PRICES, "id", ID, 0, NULL, "Stable name; unique. Absent: made from the row."),
    TEXT(SCHEMA_PRICES, "model", TEXT, NEED, 1, TABLE_NAME_BYTES_MAX, NULL, "The model, as the upstream names it in its answer, else as it was asked for; * stands for any characters. Rows here go before the prices that are known beforehand; a row for certain upstreams goes first, then the more exact name, then the later from."),
    TEXT(SCHEMA_PRICES, "upstream", TEXT, 0, 1, TABLE_NAME_BYTES_MAX, "\"*\"", "Only for upstreams with this id, like claude:7f3a; * stands for any characters."),
    PLAIN(SCHEMA_PRICES, "from", DAY, 0, NULL, "The first day on which it holds, UTC. Absent: ever since."),
    PRICE("input", NEED, NULL, "New input: neither written to a cache nor read from it."),
    PRICE("output", NEED, NULL, "Output, the reasoning in it."),
    PRICE("cache_write_5m", 0, NULL, "Written to a cache for five minutes. Absent: 1.25 times input."),
    PRICE("cache_write_1h", 0, NULL, "Written for an hour. Absent: twice input."),
    PRICE("cache_read", 0, NULL, "Read from a cache. Absent: a tenth of input."),
    ROW(SCHEMA_PRICES, "web_search", NUMBER, 0, "USD", 0, 1000000, NULL, "0", NULL, "A thousand web searches of the model."),

    ROW(SCHEMA_STATISTICS, "keep_days", INT, 0, "days", 1, 3650, NULL, "90", NULL, "How long single requests are kept. Their sums by hour and by day are kept for ever."),
    ROW(SCHEMA_STATISTICS, "keep_mib", INT, 0, "MiB", 8, 65536, NULL, "256", NULL, "Size of the file at which the oldest single requests go earlier."),
    PLAIN(SCHEMA_STATISTICS, "time_zone", ZONE, 0, NULL, "IANA name: where the days of the statistics begin. Absent: this machine's."),

    ROW(SCHEMA_ALERTS, "on", WORDS, 0, NULL, 0, 0, ALERT_WORDS, "[\"upstream_down\", \"group_down\", \"budget\", \"error_rate\", \"certificate\", \"disk\"]", NULL, "What is told of. upstream_down: it rests after failures, and when it is back; group_down: all of a list do; budget: a client key has spent its warn_percent, and all; error_rate, certificate (of server.tls), disk (of the state folder): see below."),
    FLAG(SCHEMA_ALERTS, "log", 0, "true", "Alerts go to the log."),
    TEXT(SCHEMA_ALERTS, "webhook_url", KEY, 0, 0, OUTSIDE_URL_BYTES_MAX, NULL, "Where alerts are POSTed as JSON, http or https. A secret: it is shown masked, since those of chat programs are as good as a key."),
    ROW(SCHEMA_ALERTS, "webhook_template", CHOICE, EXACT, NULL, 0, 0, "json|slack|mattermost|discord|feishu|dingtalk|telegram", "\"json\"", NULL, "Who reads them. json: all that is known, each by itself, with an id that is the same when one is sent again; the others: a text in the form of that program's incoming webhooks (Telegram: the address of sendMessage)."),
    TEXT(SCHEMA_ALERTS, "webhook_authorization", KEY, 0, 0, SECRET_BYTES_MAX, NULL, "The Authorization header that goes with it, like \"Bearer …\"."),
    TEXT(SCHEMA_ALERTS, "webhook_chat", TEXT, 0, 0, TABLE_NAME_BYTES_MAX, NULL, "Telegram: the chat_id."),
    FLAG(SCHEMA_ALERTS, "command", 0, "false", "Run <state>/alert-command for each alert, with its JSON as standard input. Which program that is says the file alone: who may edit the configuration may not run programs."),
    ALERT_TIME("after_seconds", 0, DAY_S, "30", "So long something must last before it is told."),
    ALERT_TIME("clear_seconds", 0, DAY_S, "60", "So long it must be good without a break before it is over; doubled each time that it comes again within the hour, up to an hour."),
    ALERT_TIME("repeat_seconds", 0, 30 * DAY_S, "14400", "So often it is told again while it lasts. 0 = never."),
    ALERT_COUNT("error_rate_percent", "%", 1, 100, "20", "Share of failed requests: neither the request nor the client was to blame."),
    ALERT_COUNT("error_rate_requests", "requests", 1, 1000000, "20", "... among at least so many ..."),
    ALERT_TIME("error_rate_seconds", 1, 3600, "300", "... within so long."),
    ROW(SCHEMA_ALERTS, "certificate_days", NUMBER, 0, "days", 0, 3650, NULL, "14", NULL, "So long before the certificate expires; one of its chain counts too."),
    ALERT_COUNT("disk_free_mib", "MiB", 0, 1e9, "512", "So little room on the disk."),

    TEXT(SCHEMA_TRACING, "endpoint", URL, 0, 1, OUTSIDE_URL_BYTES_MAX, NULL, "An OpenTelemetry collector that takes OTLP/HTTP with JSON, like http://127.0.0.1:4318; /v1/traces is added. Absent: no tracing. What is sent: dataplane/TRACING.md."),
    TEXT(SCHEMA_TRACING, "headers", KEY, 0, 0, SECRET_BYTES_MAX, NULL, "Headers that go with it: name=value, with commas between. A secret."),
    TEXT(SCHEMA_TRACING, "service_name", TEXT, 0, 1, OUTSIDE_SERVICE_BYTES_MAX, "\"pointsman\"", "service.name of the spans."),
    ROW(SCHEMA_TRACING, "sample_ratio", NUMBER, 0, NULL, 0, 1, NULL, "1", NULL, "Share of requests that are traced, where no valid traceparent of the client has decided that."),
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
