#include "route.h"
#include "must.h"
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The paths of the protocols, as they stand behind "/v1" or at the root. */
struct mark {
	const char *text;
	const char *allow;      /* the methods of exactly this path */
	enum endpoint endpoint; /* ... and what it is */
	enum protocol protocol;
	enum group group;
	bool at_root; /* also without "/v1" */
};
static const struct mark marks[] = {
    {"/messages/count_tokens", "POST", ENDPOINT_COUNT_TOKENS, PROTOCOL_ANTHROPIC, GROUP_CLAUDE,
	false},
    {"/messages", "POST", ENDPOINT_GENERATE, PROTOCOL_ANTHROPIC, GROUP_CLAUDE, false},
    {"/chat/completions", "POST", ENDPOINT_GENERATE, PROTOCOL_CHAT, GROUP_CHAT, true},
    {"/responses", "POST", ENDPOINT_GENERATE, PROTOCOL_RESPONSES, GROUP_CODEX, true},
    {"/models", "GET", ENDPOINT_MODELS, PROTOCOL_CHAT, GROUP_CHAT, true},
};

/* `path` is `prefix` or lies below it; `below` (may be NULL) gets what follows. */
static bool
is_below(struct view path, const char *prefix, struct view *below)
{
	size_t len = strlen(prefix);
	if (!view_starts(path, prefix) || (path.len > len && path.data[len] != '/'))
		return false;
	if (below != NULL)
		*below = view_from(path, len);
	return true;
}

static const struct mark *
find_mark(struct view path, bool at_root, struct view *below)
{
	for (size_t i = 0; i < COUNT(marks); i++) {
		if ((!at_root || marks[i].at_root) && is_below(path, marks[i].text, below))
			return &marks[i];
	}
	return NULL;
}

/* What stands before the first "/v1" that a mark follows is dropped: clients are configured with
 * any base. *found gets the path from there on. */
static const struct mark *
search_mark(struct view path, struct view *found, struct view *below)
{
	struct view at;
	const struct mark *mark;
	for (size_t i = 0; i < path.len; i++) {
		if (path.data[i] != '/' || !is_below(view_from(path, i), "/v1", &at))
			continue;
		mark = find_mark(at, false, below);
		*found = view_from(path, i);
		if (mark != NULL)
			return mark;
	}
	*found = path;
	(void)is_below(path, "/openai", found);
	return find_mark(*found, true, below);
}

/* The byte at *i with the escapes of path syntax (%2e %2f %5c) undone; *i moves to its last byte.
 */
static char
plain_byte(struct view path, size_t *i, bool *escaped)
{
	static const struct {
		const char *escape;
		char byte;
	} hidden[] = {{"%2e", '.'}, {"%2f", '/'}, {"%5c", '\\'}};
	for (size_t k = 0; path.data[*i] == '%' && k < COUNT(hidden); k++) {
		if (view_starts_nocase(view_from(path, *i), hidden[k].escape)) {
			*i += 2;
			*escaped = true;
			return hidden[k].byte;
		}
	}
	return path.data[*i];
}

/* No empty segment, no "." segment, no ".." anywhere, however a later reader may decode it. Not
 * `strict`: escaped slashes and dots that do not build one of these are fine. */
static bool
is_clean(struct view path, bool strict)
{
	char before = '\0', last = '\0';
	for (size_t i = 0; i < path.len; i++) {
		bool escaped = false;
		char c = plain_byte(path, &i, &escaped);
		if (strict && (escaped || c == '\\'))
			return false;
		if (c == '\\')
			c = '/';
		bool doubled = c == last && (c == '.' || c == '/');
		if (doubled || (c == '/' && last == '.' && before == '/'))
			return false;
		before = last;
		last = c;
	}
	return !(last == '.' && before == '/');
}

static bool
is_one_of(struct view path, const char *const *list)
{
	while (*list != NULL && !view_eq_str(path, *list))
		list++;
	return *list != NULL;
}

static bool
is_probe(struct view path)
{
	static const char *const paths[] = {
	    "/api/hello", "/api/api/hello", "/api", "/api/", "/health", "/healthz", NULL};
	return is_one_of(path, paths);
}

/* Below /api/v1 clients have paths too (a prefix, then /v1/...): these words are no API's of
 * theirs.
 */
static bool
is_admin_word(struct view below)
{
	static const char *const words[] = {"access", "alerts", "audit", "capabilities", "clear",
	    "client-keys", "config", "decisions", "events", "explain", "export", "import",
	    "lessons", "metrics", "model-rules", "openapi.json", "playground", "prices", "requests",
	    "sessions", "settings", "state", "stats", "tests", "upstreams", "usage", "users", NULL};
	struct view word;
	return view_split(&below, '/', &word) && word.len == 0 && view_split(&below, '/', &word) &&
	       is_one_of(word, words);
}

static bool
is_admin(struct view path)
{
	struct view below;
	static const char *const pages[] = {
	    "/index.html", "/token-stats.html", "/login", "/logout", "/chart.min.js", NULL};
	bool api = is_below(path, "/api", NULL) &&
		   (!is_below(path, "/api/v1", &below) || is_admin_word(below));
	return api || is_below(path, "/assets", NULL) || is_one_of(path, pages);
}

/* What browsers and crawlers ask every host for; the pages' own lie below /assets. */
static bool
is_noise(struct view path)
{
	static const char *const names[] = {
	    "favicon.ico", "robots.txt", "sitemap.xml", ".well-known", NULL};
	struct view segment;
	if (is_below(path, "/assets", NULL))
		return false;
	while (view_split(&path, '/', &segment)) {
		if (is_one_of(segment, names) || view_starts(segment, "apple-touch-icon"))
			return true;
	}
	return false;
}

/* Whose paths are these that no mark names: all below /openai, and from the first segment "v1" on.
 */
static bool
match_other(struct view path, struct route *route)
{
	route->endpoint = ENDPOINT_OTHER;
	if (is_below(path, "/openai", &route->path)) {
		route->protocol = PROTOCOL_RESPONSES;
		route->group = GROUP_CODEX;
		return route->path.len > 1;
	}
	ptrdiff_t at = view_find(path, "/v1/");
	route->path = view_from(path, at < 0 ? path.len : (size_t)at);
	route->protocol = PROTOCOL_ANTHROPIC;
	route->group = GROUP_CLAUDE;
	return route->path.len > strlen("/v1/");
}

static void
settle_models(struct route *route, struct view path, bool anthropic_client)
{
	if (anthropic_client) {
		route->protocol = PROTOCOL_ANTHROPIC;
		route->group = GROUP_CLAUDE;
	} else if (is_below(path, "/openai", NULL)) {
		route->protocol = PROTOCOL_RESPONSES;
		route->group = GROUP_CODEX;
	}
}

/* A path of one of the protocols; false when it is none. */
static bool
match_mark(enum http_method method, struct view path, bool anthropic_client, struct route *route)
{
	struct view below;
	const struct mark *mark = search_mark(path, &route->path, &below);
	if (mark == NULL)
		return false;
	bool models = mark->endpoint == ENDPOINT_MODELS;
	bool exact = below.len == 0 || models;
	route->protocol = mark->protocol;
	route->group = mark->group;
	route->endpoint = exact ? mark->endpoint : ENDPOINT_OTHER;
	if (models)
		settle_models(route, path, anthropic_client);
	route->kind = is_clean(route->path, false) ? ROUTE_LLM : ROUTE_NOT_FOUND;
	if (exact && method != (models ? HTTP_GET : HTTP_POST)) {
		route->kind = ROUTE_BAD_METHOD;
		route->allow = mark->allow;
	}
	return true;
}

static void
match_rest(enum http_method method, struct view path, bool anthropic_client, struct route *route)
{
	static const char *const roots[] = {"/", NULL};
	if (is_probe(path)) {
		route->kind = method == HTTP_GET ? ROUTE_PROBE : ROUTE_BAD_METHOD;
		route->allow = "GET, HEAD";
	} else if (is_noise(path)) {
		route->kind = ROUTE_NOT_FOUND;
	} else if (is_admin(path) || is_one_of(path, roots)) {
		route->kind = is_clean(path, true) ? ROUTE_ADMIN : ROUTE_NOT_FOUND;
	} else if (match_other(path, route) && is_clean(route->path, false)) {
		route->kind = ROUTE_LLM;
		return;
	}
	bool codex = is_below(path, "/openai", NULL);
	route->protocol = codex              ? PROTOCOL_RESPONSES
			  : anthropic_client ? PROTOCOL_ANTHROPIC
					     : PROTOCOL_CHAT;
}

struct route
route_match(enum http_method method, struct view path, bool anthropic_client)
{
	struct route route = {.kind = ROUTE_NOT_FOUND, .endpoint = ENDPOINT_OTHER, .path = path};
	bool marked = match_mark(method, path, anthropic_client, &route);
	if (!marked)
		match_rest(method, path, anthropic_client, &route);
	if (method == HTTP_HEAD && (marked || !is_admin(path) || is_probe(path)))
		route.kind = ROUTE_PROBE;
	if (method == HTTP_OPTIONS) {
		route.kind = ROUTE_BAD_METHOD; /* no CORS: browsers get no leave */
		route.allow = marked && route.allow ? route.allow : "GET, HEAD, POST";
	}
	return route;
}

size_t
route_groups(const struct route *route, const struct table *table,
    struct choose_group out[GROUP_COUNT], bool *needs_conversion)
{
	struct choose_route asked = {
	    .client = route->protocol,
	    .converts = route->endpoint != ENDPOINT_OTHER,
	    .lists = route->endpoint == ENDPOINT_MODELS,
	};
	return choose_groups(table, &asked, out, needs_conversion);
}
