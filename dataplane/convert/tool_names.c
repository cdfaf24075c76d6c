#include "tool_names.h"

#include "crypto.h"
#include "model.h"
#include <stdio.h>
#include <string.h>

#define WIRE_NAME_MAX 64
#define HASH_HEX 8
#define PAIRS_MAX 4096 /* names are looked up one by one */

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

static bool
is_legal(struct view v, size_t max)
{
	if (v.len == 0 || v.len > max)
		return false;
	for (size_t i = 0; i < v.len; i++) {
		if (!is_word(v.data[i]))
			return false;
	}
	return true;
}

void
names_init(struct names *names, struct arena *arena)
{
	*names = (struct names){.arena = arena};
}

/* The readable tail of a name, cut so that "_" and the hash fit behind it. An MCP tool's own name
 * stands behind "mcp__server__"; there the end of the name tells more than its beginning. */
static size_t
legal_tail(struct view name, char *out, size_t max)
{
	if (name.len > max)
		name = view_from(name, name.len - max);
	for (size_t i = 0; i < name.len; i++)
		out[i] = is_word(name.data[i]) ? name.data[i] : '_';
	return name.len;
}

static struct view
shortened(struct names *names, struct view full)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char hex[2 * CRYPTO_SHA256_BYTES + 1];
	char out[WIRE_NAME_MAX + 1];
	crypto_sha256(full, digest);
	crypto_hex(digest, sizeof(digest), hex);
	size_t len = legal_tail(full, out, WIRE_NAME_MAX - HASH_HEX - 1);
	out[len++] = '_';
	memcpy(out + len, hex, HASH_HEX);
	return arena_copy(names->arena, view_make(out, len + HASH_HEX));
}

static struct name_pair *
find_declared(const struct names *names, struct view name, struct view space)
{
	for (struct name_pair *pair = names->pairs; pair != NULL; pair = pair->next) {
		if (view_eq(pair->name_plain, name) && view_eq(pair->space_plain, space))
			return pair;
	}
	return NULL;
}

const struct name_pair *
names_from_wire(const struct names *names, struct view wire)
{
	for (const struct name_pair *pair = names->pairs; pair != NULL; pair = pair->next) {
		if (view_eq(pair->wire_plain, wire))
			return pair;
	}
	return NULL;
}

struct view
names_to_wire(struct names *names, struct view name, struct view space, int form)
{
	const struct view none = {NULL, 0};
	struct name_pair *known = find_declared(names, name, space);
	if (known != NULL)
		return known->wire_plain;
	struct view full = space.len == 0 ? name
					  : arena_printf(names->arena, "%.*s__%.*s",
						VIEW_ARGS(space), VIEW_ARGS(name));
	struct view wire = full;
	if (!is_legal(full, WIRE_NAME_MAX) || names_from_wire(names, full) != NULL)
		wire = shortened(names, full);
	struct name_pair *pair = arena_alloc(names->arena, sizeof(*pair));
	if (wire.data == NULL || pair == NULL || names->count == PAIRS_MAX)
		return none;
	pair->wire_plain = wire;
	pair->name_plain = arena_copy(names->arena, name);
	pair->space_plain = arena_copy(names->arena, space);
	pair->form = form;
	pair->next = names->pairs;
	names->pairs = pair;
	names->count++;
	return wire;
}

struct view
names_id(struct arena *arena, struct view id, size_t max, unsigned seed)
{
	static const char digits[] =
	    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	if (is_legal(id, max))
		return id;
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char text[32];
	if (id.len == 0) {
		int len = snprintf(text, sizeof(text), "empty:%u", seed);
		id = view_make(text, (size_t)len);
	}
	crypto_sha256(id, digest);
	char out[28] = "tu_";
	for (size_t i = 0; i < 24; i++)
		out[3 + i] = digits[digest[i] % 62];
	return arena_copy(arena, view_make(out, 27));
}

bool
names_declare(struct names *names, const struct request *request)
{
	size_t count = 0;
	for (const struct tool *tool = request->tools; tool != NULL; tool = tool->next)
		count++;
	if (count > PAIRS_MAX)
		return false;
	for (int spaced = 0; spaced < 2; spaced++) {
		for (const struct tool *tool = request->tools; tool != NULL; tool = tool->next) {
			if (tool->name_plain.len == 0 ||
			    (tool->space_plain.len > 0) != (spaced == 1))
				continue;
			if (names_to_wire(
				names, tool->name_plain, tool->space_plain, (int)tool->form)
				.len == 0)
				return false;
		}
	}
	return true;
}
