#include "envelope.h"
#include "fields.h"
#include "jget.h"
#include "mem.h"
#include "must.h"
#include "names.h"
#include <string.h>

#define HEAD(member, field_kind, low, high)                                                        \
	{                                                                                          \
		.key = #member, .kind = field_kind, .offset = offsetof(struct head, member),       \
		.min = low, .max = high                                                            \
	}

/* All but the body. */
struct head {
	uint32_t v;
	char type[sizeof(((struct envelope *)NULL)->type)];
	uint64_t id;
};
static const struct field head_fields[] = {
    HEAD(v, FIELD_U32, 0, UINT32_MAX),
    HEAD(type, FIELD_TEXT, 1, sizeof(((struct head *)NULL)->type) - 1),
    HEAD(id, FIELD_U64, 0, INT64_MAX),
};
#define HEAD_FIELDS (sizeof(head_fields) / sizeof(head_fields[0]))

bool
envelope_encode(const char *type, uint64_t id, json_t *body, struct bytes *out)
{
	struct head head = {.v = NAMES_VERSION, .id = id};
	size_t type_len = strlen(type);
	MUST(type_len > 0 && type_len < sizeof(head.type) && id <= INT64_MAX);
	memcpy(head.type, type, type_len);
	json_t *json = fields_encode(head_fields, HEAD_FIELDS, &head);
	MUST(json_object_set_new(json, "body", body != NULL ? body : json_object()) == 0);
	size_t len;
	char *text = jget_dump(json, &len);
	json_decref(json);
	bool ok = len <= NAMES_MESSAGE_BYTES_MAX && bytes_append(out, text, len);
	mem_free(text);
	return ok;
}

bool
envelope_write(const char *type, uint64_t id, struct view body, struct bytes *out)
{
	MUST(strlen(type) < sizeof(((struct head *)NULL)->type) && id <= INT64_MAX);
	return bytes_printf(out, "{\"v\":%d,\"type\":\"%s\",\"id\":%llu,\"body\":", NAMES_VERSION,
		   type, (unsigned long long)id) &&
	       bytes_append_view(out, body) && bytes_append_char(out, '}') &&
	       out->len <= NAMES_MESSAGE_BYTES_MAX;
}

/* The version comes first: what else a message of another version holds is not ours to judge. */
static bool
check_version(const json_t *json, struct err *err)
{
	const json_t *version = fields_member(json, "", "v", JSON_INTEGER, err);
	if (version == NULL)
		return false;
	if (json_integer_value(version) != NAMES_VERSION)
		return fields_refuse("", "v", err, "is %lld, this program speaks %d",
		    (long long)json_integer_value(version), NAMES_VERSION);
	return true;
}

bool
envelope_decode(struct view text, struct envelope *out, struct err *err)
{
	json_t *json = NULL;
	struct head head = {0};
	*out = (struct envelope){0};
	if (text.len > NAMES_MESSAGE_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "", "the message has %zu bytes, at most %u",
		    text.len, NAMES_MESSAGE_BYTES_MAX);
	if (!jget_parse(text, &json, err))
		return false;
	bool ok = check_version(json, err) &&
		  fields_decode(head_fields, HEAD_FIELDS, json, "", &head, err) &&
		  fields_member(json, "", "body", JSON_OBJECT, err) != NULL;
	if (ok) {
		memcpy(out->type, head.type, sizeof(head.type));
		out->id = head.id;
		out->body = json_incref(json_object_get(json, "body"));
	}
	json_decref(json);
	return ok;
}

void
envelope_fini(struct envelope *envelope)
{
	json_decref(envelope->body);
	*envelope = (struct envelope){0};
}

json_t *
envelope_error_body(const struct err *err)
{
	/* An err is cut at a byte count, perhaps inside a character: that is no JSON string. */
	json_t *message = json_string(err->msg);
	if (message == NULL)
		message = json_string("(a text that is not UTF-8)");
	json_t *path = json_string(err->at);
	json_t *faults = json_array();
	if (path != NULL && err->at[0] != '\0')
		json_array_append_new(
		    faults, json_pack("{s:O, s:O}", "path", path, "message", message));
	json_decref(path);
	json_t *body = json_pack("{s:s, s:o, s:o}", "kind", err_kind_name(err->kind), "message",
	    message, "faults", faults);
	MUST(body != NULL);
	return body;
}
