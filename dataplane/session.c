#include "session.h"
#include "bytes.h"
#include "choose.h"
#include <string.h>

/* A prefix is hashed so far at the most. */
#define PREFIX_BYTES_MAX ((size_t)256 * 1024)
#define MESSAGES_MAX 64

const char *
session_source_name(enum session_source source)
{
	static const char *const names[] = {
	    "none", "header", "cache_key", "user", "prefix", "response"};
	return names[source];
}

/* ---- named ---- */

static struct view
named_by_header(const struct http_header *headers, size_t count)
{
	static const char *const names[] = {"x-claude-code-session-id", "session_id", "session-id",
	    "x-session-id", "x-session-affinity", "conversation_id", "thread_id", "thread-id"};
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		for (size_t i = 0; i < count; i++) {
			if (view_eq_nocase(headers[i].name, names[n]) && headers[i].value.len > 0)
				return headers[i].value;
		}
	}
	return (struct view){0};
}

static struct view
text_of(struct jsonspan_value value)
{
	bool named = value.kind == JSONSPAN_STRING && value.raw.len > 2;
	return named ? value.raw : (struct view){0};
}

/* As it is meant, so that it is the same name as in a header, and as people know it; 0 = none. */
static uint64_t
key_of(struct jsonspan_value value)
{
	struct view name = text_of(value);
	struct bytes text;
	if (name.len == 0)
		return 0;
	if (jsonspan_str_plain(value, &name))
		return choose_session(name);
	bytes_init(&text, name.len); /* unescaping never makes it longer */
	if (jsonspan_unescape(value, &text))
		name = bytes_view(&text);
	uint64_t key = choose_session(name);
	bytes_fini(&text);
	return key;
}

/* ---- by what stays the same ---- */

struct prefix {
	uint64_t hash;
	size_t bytes;
};

/* Eight bytes at a time; each piece ends with its length, so that borders count. */
static void
mix(struct prefix *prefix, struct view piece)
{
	const uint64_t odd = 0x9e3779b97f4a7c15u;
	uint64_t word;
	if (prefix->bytes + piece.len > PREFIX_BYTES_MAX)
		piece = view_sub(piece, 0, PREFIX_BYTES_MAX - prefix->bytes);
	prefix->bytes += piece.len;
	uint64_t h = prefix->hash;
	size_t at = 0;
	for (; at + sizeof(word) <= piece.len; at += sizeof(word)) {
		memcpy(&word, piece.data + at, sizeof(word));
		h = (h ^ word) * odd;
		h ^= h >> 29;
	}
	for (; at < piece.len; at++)
		h = (h ^ (unsigned char)piece.data[at]) * odd;
	prefix->hash = (h ^ piece.len) * odd;
}

/* A text, or the texts of its blocks; of other blocks the kind. */
static void
mix_content(struct prefix *prefix, struct jsonspan_value content)
{
	struct jsonspan_iter iter;
	struct jsonspan_member block;
	if (content.kind == JSONSPAN_STRING)
		mix(prefix, content.raw);
	if (content.kind != JSONSPAN_ARRAY)
		return;
	jsonspan_iter_init(&iter, content);
	while (prefix->bytes < PREFIX_BYTES_MAX && jsonspan_next(&iter, &block)) {
		struct jsonspan_value text = jsonspan_get(block.value, "text");
		mix(prefix, text.kind == JSONSPAN_STRING ? text.raw
							 : jsonspan_get(block.value, "type").raw);
	}
}

static void
mix_tools(struct prefix *prefix, struct jsonspan_value tools)
{
	struct jsonspan_iter iter;
	struct jsonspan_member tool;
	if (tools.kind != JSONSPAN_ARRAY)
		return;
	jsonspan_iter_init(&iter, tools);
	while (prefix->bytes < PREFIX_BYTES_MAX && jsonspan_next(&iter, &tool)) {
		struct jsonspan_value name = jsonspan_get(tool.value, "name");
		if (name.kind == JSONSPAN_NONE)
			name = jsonspan_get(jsonspan_get(tool.value, "function"), "name");
		mix(prefix, name.raw);
	}
}

/* Up to the user's first; true when there was one. */
static bool
mix_messages(struct prefix *prefix, struct jsonspan_value messages)
{
	struct jsonspan_iter iter;
	struct jsonspan_member message;
	if (messages.kind == JSONSPAN_STRING) {
		mix(prefix, messages.raw);
		return true;
	}
	if (messages.kind != JSONSPAN_ARRAY)
		return false;
	jsonspan_iter_init(&iter, messages);
	for (unsigned i = 0; i < MESSAGES_MAX && jsonspan_next(&iter, &message); i++) {
		struct jsonspan_value role = jsonspan_get(message.value, "role");
		mix(prefix, role.raw);
		mix_content(prefix, jsonspan_get(message.value, "content"));
		if (jsonspan_str_is(role, "user"))
			return true;
	}
	return false;
}

static uint64_t
hash_prefix(enum protocol protocol, const struct request_facts *facts)
{
	struct prefix prefix = {.hash = 0x243f6a8885a308d3u};
	const struct jsonspan_value *members = facts->members;
	bool responses = protocol == PROTOCOL_RESPONSES;
	mix_content(&prefix, members[responses ? FACTS_INSTRUCTIONS : FACTS_SYSTEM]);
	mix_tools(&prefix, members[FACTS_TOOLS]);
	if (!mix_messages(&prefix, members[responses ? FACTS_INPUT : FACTS_MESSAGES]))
		return 0;
	return choose_session(view_make((const char *)&prefix.hash, sizeof(prefix.hash)));
}

struct session
session_find(enum protocol protocol, const struct http_header *headers, size_t count,
    const struct request_facts *facts)
{
	struct jsonspan_value user = jsonspan_get(facts->members[FACTS_METADATA], "user_id");
	struct view name = named_by_header(headers, count);
	if (name.len > 0)
		return (struct session){choose_session(name), SESSION_HEADER};
	uint64_t key = key_of(facts->members[FACTS_CACHE_KEY]);
	if (key != 0)
		return (struct session){key, SESSION_CACHE_KEY};
	key = key_of(user);
	if (key != 0)
		return (struct session){key, SESSION_USER};
	key = hash_prefix(protocol, facts);
	return (struct session){key, key != 0 ? SESSION_PREFIX : SESSION_NONE};
}

uint64_t
session_answer(struct view id)
{
	return choose_session(id);
}

uint64_t
session_previous(enum protocol protocol, const struct request_facts *facts)
{
	struct view quoted = text_of(facts->members[FACTS_PREVIOUS]);
	if (protocol != PROTOCOL_RESPONSES || quoted.len < 2)
		return 0;
	return session_answer(view_sub(quoted, 1, quoted.len - 2));
}
