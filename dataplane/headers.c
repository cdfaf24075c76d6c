#include "headers.h"
#include <string.h>

/* A name, or the beginning of names. */
struct rule {
	const char *text;
	size_t len;
	bool prefix;
};
#define NAME(text)                                                                                 \
	{                                                                                          \
		text, sizeof(text) - 1, false                                                      \
	}
#define PREFIX(text)                                                                               \
	{                                                                                          \
		text, sizeof(text) - 1, true                                                       \
	}
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool
is_listed(const struct rule *rules, size_t count, struct view name)
{
	for (size_t i = 0; i < count; i++) {
		bool fits = rules[i].prefix ? name.len >= rules[i].len : name.len == rules[i].len;
		if (fits && (name.data[0] | 0x20) == rules[i].text[0] &&
		    view_starts_nocase(name, rules[i].text))
			return true;
	}
	return false;
}

bool
headers_list_has(struct view list, const char *token)
{
	struct view part;
	while (view_split(&list, ',', &part)) {
		if (view_eq_nocase(view_trim(part), token))
			return true;
	}
	return false;
}

/* The Connection header names `name`. */
static bool
is_connection_option(struct view connection, struct view name)
{
	struct view part;
	while (view_split(&connection, ',', &part)) {
		part = view_trim(part);
		if (part.len == name.len && strncasecmp(part.data, name.data, name.len) == 0)
			return true;
	}
	return false;
}

bool
headers_to_upstream(struct view name, struct view connection)
{
	static const struct rule allowed[] = {
	    PREFIX("anthropic-"),
	    PREFIX("openai-"),
	    PREFIX("x-openai-"),
	    PREFIX("x-stainless-"),
	    PREFIX("x-claude-"),
	    PREFIX("x-codex-"),
	    NAME("originator"),
	    NAME("session_id"),
	    NAME("session-id"),
	    NAME("thread-id"),
	    NAME("x-session-id"),
	    NAME("x-session-affinity"),
	    NAME("conversation_id"),
	    NAME("version"),
	    NAME("user-agent"),
	    NAME("accept"),
	    NAME("accept-language"),
	    NAME("content-type"),
	    NAME("x-app"),
	    NAME("x-client-request-id"),
	    NAME("idempotency-key"),
	    NAME("traceparent"),
	    NAME("tracestate"),
	};
	/* They belong to the account behind the client's own key; beside another key they would
	 * make the upstream refuse it. */
	static const struct rule denied[] = {
	    NAME("openai-organization"),
	    NAME("openai-project"),
	};
	return is_listed(allowed, COUNT(allowed), name) &&
	       !is_listed(denied, COUNT(denied), name) && !is_connection_option(connection, name);
}

bool
headers_to_other_upstream(struct view name, struct view connection)
{
	static const struct rule allowed[] = {
	    NAME("user-agent"),
	    NAME("accept"),
	    NAME("accept-language"),
	    NAME("content-type"),
	    NAME("traceparent"),
	    NAME("tracestate"),
	};
	return is_listed(allowed, COUNT(allowed), name) && !is_connection_option(connection, name);
}

bool
headers_to_client(struct view name, struct view connection)
{
	static const struct rule denied[] = {
	    /* framing and hop-by-hop */
	    NAME("connection"),
	    NAME("content-encoding"),
	    NAME("content-length"),
	    NAME("keep-alive"),
	    PREFIX("proxy-"),
	    NAME("te"),
	    NAME("trailer"),
	    NAME("transfer-encoding"),
	    NAME("upgrade"),
	    /* words of the upstream's origin, which ours must not repeat to a browser */
	    PREFIX("access-control-"),
	    NAME("alt-svc"),
	    NAME("clear-site-data"),
	    PREFIX("content-security-policy"),
	    PREFIX("cross-origin-"),
	    NAME("date"),
	    NAME("location"),
	    NAME("nel"),
	    NAME("refresh"),
	    NAME("report-to"),
	    NAME("reporting-endpoints"),
	    NAME("server"),
	    NAME("set-cookie"),
	    NAME("set-cookie2"),
	    NAME("strict-transport-security"),
	    NAME("www-authenticate"),
	    /* ours */
	    PREFIX("x-pointsman-"),
	};
	return name.len > 0 && !is_listed(denied, COUNT(denied), name) &&
	       !is_connection_option(connection, name);
}

const char *
headers_key_name(enum protocol protocol, struct view key, bool *bearer)
{
	*bearer = protocol != PROTOCOL_ANTHROPIC || !view_starts(key, "sk-ant-api");
	return *bearer ? "authorization" : "x-api-key";
}

/* The token of "Bearer <token>"; empty for any other scheme. */
static struct view
bearer_token(struct view value)
{
	static const char scheme[] = "bearer ";
	if (!view_starts_nocase(value, scheme))
		return (struct view){NULL, 0};
	return view_trim(view_from(value, strlen(scheme)));
}

enum headers_key
headers_client_key(const struct http_header *headers, size_t count, struct view *key)
{
	enum headers_key found = HEADERS_KEY_NONE;
	*key = (struct view){NULL, 0};
	for (size_t i = 0; i < count; i++) {
		struct view value = {NULL, 0};
		if (view_eq_nocase(headers[i].name, "authorization")) {
			value = bearer_token(headers[i].value);
		} else if (view_eq_nocase(headers[i].name, "x-api-key") ||
			   view_eq_nocase(headers[i].name, "api-key")) {
			value = view_trim(headers[i].value);
		}
		if (value.len == 0)
			continue;
		if (found != HEADERS_KEY_NONE && !view_eq(value, *key))
			return HEADERS_KEY_CONFLICT;
		found = HEADERS_KEY_ONE;
		*key = value;
	}
	return found;
}

/* Whether a weight (";q=0.5", spaces allowed, or nothing) is above 0. What is no weight counts as
 * 0: refused rather than guessed. */
static bool
is_wanted(struct view params)
{
	struct view name;
	params = view_trim(params);
	if (params.len == 0)
		return true;
	if (!view_split(&params, '=', &name) || !view_eq_nocase(view_trim(name), "q"))
		return false;
	params = view_trim(params);
	bool above = false;
	for (size_t i = 0; i < params.len; i++) {
		char c = params.data[i];
		if (i == 1 ? c != '.' : c < '0' || c > '9')
			return false;
		above = above || (i != 1 && c != '0');
	}
	return above && params.len <= 5 && params.data[0] <= '1';
}

bool
headers_accepts(struct view accept_encoding, const char *coding)
{
	bool others = strcmp(coding, "identity") == 0; /* wanted unless told otherwise */
	struct view element;
	while (view_split(&accept_encoding, ',', &element)) {
		struct view name = {NULL, 0};
		(void)view_split(&element, ';', &name);
		name = view_trim(name);
		if (view_eq_nocase(name, coding))
			return is_wanted(element);
		if (view_eq_str(name, "*"))
			others = is_wanted(element);
	}
	return others;
}
