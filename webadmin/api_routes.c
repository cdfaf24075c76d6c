/* Every path below /api: one row for each method, from which the description is made too. */
#include "api_old.h"
#include "api_private.h"
#include "api_test.h"

#define GET HTTP_GET
#define POST HTTP_POST
#define PUT HTTP_PUT
#define PATCH HTTP_PATCH
#define DELETE HTTP_DELETE
#define ANYONE ACCESS_ANYONE
#define VIEWER ACCESS_VIEWER
#define ADMIN ACCESS_ADMIN

/* clang-format off */

/* What each list has. */
#define LIST(path, what, schema, show)                                                             \
    {GET, path, VIEWER, show, "All " what "s", "", "", "List"},                                    \
    {POST, path, ADMIN, api_add, "Add a " what, "", schema, "Added"},                              \
    {PUT, path "/order", ADMIN, api_order, "Put all " what "s into an order", "", "Order", "Changed"}, \
    {GET, path "/{id}", VIEWER, api_show_entry, "A " what, "", "", "Entry"},                       \
    {PUT, path "/{id}", ADMIN, api_replace_entry, "Replace a " what, "", schema, "Changed"},       \
    {PATCH, path "/{id}", ADMIN, api_patch_entry, "Change members of a " what, "", schema "Patch", "Changed"}, \
    {DELETE, path "/{id}", ADMIN, api_remove_entry, "Remove a " what, "", "", "Changed"},          \
    {POST, path "/{id}/move", ADMIN, api_move_entry, "Move a " what, "", "Move", "Changed"}
#define COPIES(path, what)                                                                         \
    {POST, path "/{id}/duplicate", ADMIN, api_duplicate_entry, "Copy a " what, "", "", "Changed"}
#define SWITCHES(path, what)                                                                       \
    {POST, path "/{id}/enable", ADMIN, api_enable, "Switch a " what " on", "", "", "Changed"},     \
    {POST, path "/{id}/disable", ADMIN, api_disable, "Switch a " what " off", "", "", "Changed"}
#define ROTATES(path, what)                                                                        \
    {POST, path "/{id}/rotate", ADMIN, api_rotate, "A new secret for a " what, "", "", "Added"}

/* A list as the previous product had it. */
#define OLD(path, what, schema)                                                                    \
    {GET, path, VIEWER, api_old_list, "All " what "s", "", "", "OldList"},                         \
    {POST, path, ADMIN, api_old_add, "Add a " what, "", schema, "OldDone"},                        \
    {PUT, path "/{index}", ADMIN, api_old_update, "Change members of a " what, "", schema "Patch", "OldDone"}, \
    {DELETE, path "/{index}", ADMIN, api_old_delete, "Remove a " what, "", "", "OldDone"},         \
    {POST, path "/{index}/toggle", ADMIN, api_old_toggle, "Switch a " what " on or off", "", "", "OldDone"}, \
    {POST, path "/{index}/move", ADMIN, api_old_move, "Move a " what, "", "OldMove", "OldDone"},   \
    {POST, path "/{index}/duplicate", ADMIN, api_old_duplicate, "Copy a " what, "", "", "OldDone"}

static const struct route routes[] = {
    {GET, "/api/session", ANYONE, api_show_session, "Who is logged in", "", "", "Session"},
    {POST, "/api/login", ANYONE, api_login, "Log in with a token or a code", "", "Token", "Login"},
    {POST, "/api/logout", VIEWER, api_logout, "End this session", "", "", "Done"},
    {GET, "/api/v1/sessions", VIEWER, api_show_sessions, "Who has a session", "", "", "Sessions"},
    {DELETE, "/api/v1/sessions", VIEWER, api_end_sessions, "Log out everywhere", "user", "", "Done"},
    {POST, "/api/v1/access/token", ADMIN, api_change_token, "Another admin token", "", "", "Minted"},
    {POST, "/api/v1/access/metrics-token", ADMIN, api_change_metrics_token, "Another token for /metrics alone", "", "", "Minted"},

    {GET, "/api/state", VIEWER, api_show_state, "The state", "", "", "State"},
    {GET, "/api/v1/state", VIEWER, api_show_state, "The state", "", "", "State"},
    {POST, "/api/reload", ADMIN, api_reload, "Read the file again", "", "", "Reloaded"},
    {GET, "/api/v1/explain", VIEWER, api_show_explanation, "Which upstream would serve, and why", "at path model session group", "", "Explanation"},
    {GET, "/api/v1/decisions", VIEWER, api_show_decisions, "Single requests", "id upstream model client_key session result from_ms to_ms before after limit", "", "Requests"},
    {GET, "/api/v1/requests", VIEWER, api_show_decisions, "Single requests", "id upstream model client_key session result from_ms to_ms before after limit", "", "Requests"},
    {POST, "/api/v1/requests/{id}/cancel", ADMIN, api_cancel_request, "End a running request", "", "", "Done"},
    {POST, "/api/v1/playground/{protocol}", ADMIN, api_play, "A call by the way that a client goes: anthropic, responses, chat. The body is the client's; 200 whatever comes of it, which the header x-pointsman-status tells", "client_key", "Object", "Played"},
    {GET, "/api/v1/stats", VIEWER, api_show_stats, "Sums", "by from to from_ms to_ms epochs model upstream client_key protocol", "", "Stats"},
    {GET, "/api/v1/alerts", VIEWER, api_show_alerts, "What is wrong, and who was told", "", "", "Object"},
    {POST, "/api/v1/alerts/test", ADMIN, api_test_alert, "Send an alert as a test", "", "", "Done"},
    {GET, "/metrics", ACCESS_METRICS, api_show_metrics, "Figures for Prometheus", "", "", ""},
    {GET, "/api/v1/metrics/describe", VIEWER, api_describe_metrics, "What the figures are", "", "", "Object"},
    {POST, "/api/v1/stats/reprice", ADMIN, api_reprice, "Make costs anew, by the prices of now", "from_ms to_ms", "", "Done"},
    {GET, "/api/v1/stats/reprice", VIEWER, api_show_reprice, "How far that is", "", "", "Done"},
    {GET, "/api/v1/export/requests", VIEWER, api_export_requests, "Single requests as a file", "format from_ms to_ms upstream model client_key session result", "", "File"},
    {GET, "/api/v1/export/stats", VIEWER, api_export_stats, "Sums as a file", "format by from to from_ms to_ms epochs model upstream client_key protocol", "", "File"},
    {GET, "/api/v1/usage", VIEWER, api_show_usage, "What client keys have used of their budgets", "", "", "Usage"},
    {GET, "/api/v1/lessons", VIEWER, api_show_lessons, "What upstreams refuse", "", "", "Lessons"},
    {DELETE, "/api/v1/lessons", ADMIN, api_forget_lessons, "Forget lessons", "upstream model kind name", "", "Done"},
    {POST, "/api/v1/clear", ADMIN, api_clear_all, "End all rests", "group", "", "Done"},

    LIST("/api/v1/upstreams", "upstream", "Upstream", api_list_upstreams),
    COPIES("/api/v1/upstreams", "upstream"),
    SWITCHES("/api/v1/upstreams", "upstream"),
    {POST, "/api/v1/upstreams/{id}/clear", ADMIN, api_clear, "End its rest", "", "", "Done"},
    {POST, "/api/v1/upstreams/{id}/probe", ADMIN, api_probe, "Ask it for its models now", "", "", "Done"},
    {POST, "/api/v1/upstreams/test", ADMIN, api_test_entry, "A small request to one that is not saved", "", "TestEntry", "Tested"},
    {POST, "/api/v1/upstreams/{id}/test", ADMIN, api_test, "A small real request, to see what comes", "", "Test", "Tested"},
    {GET, "/api/v1/tests/{seq}", VIEWER, api_show_test, "What came of it", "", "", "Tested"},
    LIST("/api/v1/model-rules", "model rule", "ModelRule", api_list),
    COPIES("/api/v1/model-rules", "model rule"),
    SWITCHES("/api/v1/model-rules", "model rule"),
    LIST("/api/v1/capabilities", "row of what models take", "Capability", api_list),
    COPIES("/api/v1/capabilities", "row of what models take"),
    LIST("/api/v1/prices", "price", "Price", api_list),
    COPIES("/api/v1/prices", "price"),
    LIST("/api/v1/client-keys", "client key", "ClientKey", api_list),
    SWITCHES("/api/v1/client-keys", "client key"),
    ROTATES("/api/v1/client-keys", "client key"),
    LIST("/api/v1/users", "user", "User", api_list),
    SWITCHES("/api/v1/users", "user"),
    ROTATES("/api/v1/users", "user"),

    {GET, "/api/v1/settings", VIEWER, api_show_settings, "Every word, what it means and what it is set to", "", "", "Settings"},
    {PATCH, "/api/v1/settings", ADMIN, api_patch_settings, "Set several words at once", "", "SettingsPatch", "Changed"},
    {GET, "/api/v1/settings/{section}", VIEWER, api_show_section, "One section", "", "", "Section"},
    {PUT, "/api/v1/settings/{section}", ADMIN, api_replace_section, "Replace a section", "", "Object", "Changed"},
    {PATCH, "/api/v1/settings/{section}", ADMIN, api_patch_section, "Change words of a section", "", "Object", "Changed"},

    {GET, "/api/v1/config", VIEWER, api_show_config, "The configuration, keys masked", "", "", "Config"},
    {PUT, "/api/v1/config", ADMIN, api_replace_config, "Replace the configuration", "", "Object", "Changed"},
    {POST, "/api/v1/config/check", VIEWER, api_check_config, "What would be wrong with a configuration", "", "Object", "Checked"},
    {GET, "/api/v1/config/export", VIEWER, api_export_config, "The configuration without any secret", "", "", "Object"},
    {GET, "/api/v1/config/revisions", VIEWER, api_show_revisions, "Earlier configurations", "", "", "Revisions"},
    {GET, "/api/v1/config/revisions/{revision}", VIEWER, api_show_revision, "An earlier configuration", "", "", "Revision"},
    {GET, "/api/v1/config/diff", VIEWER, api_show_diff, "What is another between two of them", "from to", "", "Diff"},
    {POST, "/api/v1/config/revisions/{revision}/restore", ADMIN, api_restore, "Take an earlier configuration again", "", "", "Changed"},
    {POST, "/api/v1/import", ADMIN, api_import, "What is in a file of another program, and taking it", "", "Import", "Imported"},
    {GET, "/api/v1/events", VIEWER, api_listen, "News as they come (text/event-stream)", "topics", "", "Events"},
    {GET, "/api/v1/openapi.json", VIEWER, api_show_description, "This description", "", "", "Object"},
    {GET, "/api/v1/audit", ADMIN, api_show_audit, "Who has changed what", "before limit who action", "", "Audit"},

    OLD("/api/configs", "Claude upstream", "Upstream"),
    OLD("/api/codex", "Codex upstream", "Upstream"),
    OLD("/api/openai-to-claude", "upstream of chat clients", "Upstream"),
    OLD("/api/retry", "retry node", "Upstream"),
    OLD("/api/model-conversion", "model rule", "ModelRule"),
    {GET, "/api/timeout", VIEWER, api_old_show_section, "Timeouts", "", "", "OldSettings"},
    {PUT, "/api/timeout", ADMIN, api_old_change_section, "Change timeouts", "", "Object", "OldDone"},
    {GET, "/api/error-strategies", VIEWER, api_old_show_section, "What follows on errors", "", "", "OldSettings"},
    {PUT, "/api/error-strategies", ADMIN, api_old_change_section, "Replace what follows on errors", "", "Object", "OldDone"},
    {GET, "/api/optimization", VIEWER, api_old_show_section, "Optimization", "", "", "OldSettings"},
    {PUT, "/api/optimization", ADMIN, api_old_change_section, "Change optimization", "", "Object", "OldDone"},
    {POST, "/api/reset-api-cooldown", ADMIN, api_old_clear_claude, "End rests of Claude upstreams", "", "OldIndex", "OldDone"},
    {POST, "/api/reset-codex-cooldown", ADMIN, api_old_clear_codex, "End rests of Codex upstreams", "", "OldIndex", "OldDone"},
    {GET, "/api/token-stats", VIEWER, api_show_token_stats, "Sums as earlier versions told them", "", "", "Object"},
    {POST, "/api/token-stats/reset", ADMIN, api_reset_stats, "A new epoch of the statistics", "", "", "Done"},
    {POST, "/api/token-stats/generate", ADMIN, api_generate_stats, "Nothing: it is counted as it happens", "", "", "Done"},
};
/* clang-format on */

const struct route *
api_routes(size_t *count)
{
	*count = sizeof(routes) / sizeof(routes[0]);
	return routes;
}
