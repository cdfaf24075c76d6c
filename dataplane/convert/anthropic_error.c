/* Errors, both ways. */
#include "anthropic.h"
#include "read_json.h"

static const struct {
	const char *type;
	int status;
} types[] = {
    {"invalid_request_error", 400},
    {"authentication_error", 401},
    {"billing_error", 402},
    {"permission_error", 403},
    {"not_found_error", 404},
    {"conflict_error", 409},
    {"request_too_large", 413},
    {"rate_limit_error", 429},
    {"api_error", 500},
    {"timeout_error", 504},
    {"overloaded_error", 529},
};

static const char *
type_of(int status)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].status == status)
			return types[i].type;
	}
	if (status == 408)
		return "timeout_error";
	if (status == 503)
		return "overloaded_error";
	return status >= 400 && status < 500 ? "invalid_request_error" : "api_error";
}

static int
status_of(struct jsonspan_value type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (jsonspan_str_is(type, types[i].type))
			return types[i].status;
	}
	return 500;
}

static struct view
code_of(const struct event *event)
{
	if ((event->status == 400 || event->status == 413) &&
	    event_is_too_long(event->error_message_text))
		return VIEW("context_length_exceeded");
	if (event->status == 402)
		return VIEW("insufficient_quota");
	return event->status == 404 ? VIEW("model_not_found") : VIEW("");
}

void
anthropic_error_from(int status, struct jsonspan_value error, struct event *out)
{
	enum { E_TYPE, E_MESSAGE, E_COUNT };
	struct jsonspan_want e[E_COUNT] = {
	    [E_TYPE] = {.key = "type"}, [E_MESSAGE] = {.key = "message"}};
	read_json_members(error, e, E_COUNT);
	*out = (struct event){.kind = EVENT_ERROR};
	out->status = status > 0 ? status : status_of(e[E_TYPE].value);
	if (!jsonspan_str_plain(e[E_TYPE].value, &out->error_type_plain))
		out->error_type_plain = view_of(type_of(out->status));
	out->error_message_text =
	    read_json_inside(error.kind == JSONSPAN_STRING ? error : e[E_MESSAGE].value);
	if (out->error_message_text.len == 0)
		out->error_message_text = VIEW("The upstream gave no reason.");
	out->error_code_plain = code_of(out);
}

void
anthropic_error_decode(int status, struct view body, struct event *out)
{
	struct jsonspan_value root = {JSONSPAN_NONE, {NULL, 0}};
	if (!jsonspan_scan(body, NULL, 0, &root, NULL))
		root.kind = JSONSPAN_NONE; /* a proxy's page, or nothing */
	struct jsonspan_value error = jsonspan_get(root, "error");
	/* Relays have words of their own: {"message":"..."} */
	anthropic_error_from(status, read_json_is_default(error) ? root : error, out);
}

bool
anthropic_error_encode(
    const struct event *error, struct view request_id_plain, struct bytes *out, int *status)
{
	struct write_json json;
	write_json_init(&json, out);
	*status = error->status == 503 ? 529 : error->status;
	write_json_object(&json);
	write_json_key_str(&json, "type", "error");
	write_json_key_object(&json, "error");
	write_json_key_str(&json, "type", type_of(*status));
	write_json_key_text(&json, "message", error->error_message_text);
	write_json_object_end(&json);
	write_json_key_plain(&json, "request_id", request_id_plain);
	write_json_object_end(&json);
	return write_json_ok(&json);
}
