#include "envelope_state.h"

#include "base64url.h"
#include "crypto.h"
#include "jsonspan.h"
#include <stdio.h>

#define PREFIX "pmt1."
#define UPSTREAM_HEX 12
#define PAYLOAD_BYTES_MAX (8u << 20)

static void
upstream_tag(struct view upstream_plain, char out[UPSTREAM_HEX + 1])
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	crypto_sha256(upstream_plain, digest);
	crypto_hex(digest, UPSTREAM_HEX / 2, out);
}

static bool
append_member(struct bytes *json, const char *key, struct view text)
{
	return bytes_printf(json, ",\"%s\":\"", key) && bytes_append_view(json, text) &&
	       bytes_append_char(json, '"');
}

bool
envelope_state_wrap(
    enum wire wire, struct view upstream_plain, const struct part *part, struct bytes *out)
{
	char tag[UPSTREAM_HEX + 1];
	struct bytes json;
	upstream_tag(upstream_plain, tag);
	bytes_init(&json, PAYLOAD_BYTES_MAX);
	/* An item id is letters, digits, '_' and '-': it needs no escaping. */
	bool ok = bytes_printf(&json, "{\"k\":\"%c\"", part->kind == PART_REDACTED ? 'r' : 't') &&
		  append_member(&json, "x", part->text) &&
		  append_member(&json, "s", part->signature_text) &&
		  append_member(&json, "i", part->item_id_plain) && bytes_append_char(&json, '}') &&
		  bytes_printf(out, PREFIX "%s.%s.", wire_name(wire), tag) &&
		  base64url_encode(bytes_view(&json), out);
	bytes_fini(&json);
	return ok;
}

/* The inside of a string member, in the arena; false when it is missing or no string. */
static bool
take_member(struct jsonspan_value object, const char *key, struct arena *arena, struct view *out)
{
	struct jsonspan_value value = jsonspan_get(object, key);
	if (value.kind != JSONSPAN_STRING)
		return false;
	struct view inside = view_sub(value.raw, 1, value.raw.len - 2);
	*out = inside.len == 0 ? (struct view){NULL, 0} : arena_copy(arena, inside);
	return inside.len == 0 || out->data != NULL;
}

static bool
payload_read(struct view json, struct arena *arena, struct part *out)
{
	struct jsonspan_value root;
	if (!jsonspan_scan(json, NULL, 0, &root, NULL) || root.kind != JSONSPAN_OBJECT)
		return false;
	struct jsonspan_value kind = jsonspan_get(root, "k");
	if (jsonspan_str_is(kind, "r"))
		out->kind = PART_REDACTED;
	else if (jsonspan_str_is(kind, "t"))
		out->kind = PART_THINKING;
	else
		return false;
	return take_member(root, "x", arena, &out->text) &&
	       take_member(root, "s", arena, &out->signature_text) &&
	       take_member(root, "i", arena, &out->item_id_plain);
}

enum envelope_state_result
envelope_state_unwrap(struct view text, enum wire wire, struct view upstream_plain,
    struct arena *arena, struct part *out)
{
	struct view name;
	struct view tag;
	char own[UPSTREAM_HEX + 1];
	if (!view_starts(text, PREFIX))
		return ENVELOPE_STATE_NONE;
	struct view rest = view_from(text, sizeof(PREFIX) - 1);
	if (!view_split(&rest, '.', &name) || !view_split(&rest, '.', &tag) ||
	    tag.len != UPSTREAM_HEX || rest.len == 0)
		return ENVELOPE_STATE_BROKEN;
	upstream_tag(upstream_plain, own);
	if (!view_eq_str(name, wire_name(wire)) || !view_eq_str(tag, own))
		return ENVELOPE_STATE_FOREIGN;
	struct bytes json;
	bytes_init(&json, PAYLOAD_BYTES_MAX);
	bool ok = base64url_decode(rest, &json) && payload_read(bytes_view(&json), arena, out);
	bytes_fini(&json);
	return ok ? ENVELOPE_STATE_OURS : ENVELOPE_STATE_BROKEN;
}
