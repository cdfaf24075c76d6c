#include "refuse.h"
#include "must.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The words of both families for a status; a first row that reaches it counts. */
static const struct words {
	int first, last;
	const char *anthropic_type;
	const char *openai_type;
	const char *openai_code;
} words_rows[] = {
    {401, 401, "authentication_error", "invalid_request_error", "invalid_api_key"},
    {402, 402, "billing_error", "insufficient_quota", "insufficient_quota"},
    {403, 403, "permission_error", "invalid_request_error", "permission_denied"},
    {404, 404, "not_found_error", "invalid_request_error", "not_found"},
    {405, 405, "invalid_request_error", "invalid_request_error", "method_not_allowed"},
    {408, 408, "timeout_error", "invalid_request_error", "timeout"},
    {409, 409, "conflict_error", "invalid_request_error", "conflict"},
    {413, 413, "request_too_large", "invalid_request_error", "request_too_large"},
    {429, 429, "rate_limit_error", "requests", "rate_limit_exceeded"},
    {0, 499, "invalid_request_error", "invalid_request_error", NULL},
    {504, 504, "timeout_error", "server_error", "server_error"},
    {529, 529, "overloaded_error", "server_error", "slow_down"},
    {500, 999, "api_error", "server_error", "server_error"},
};

static const struct words *
find_words(int status)
{
	size_t i = 0;
	while (i + 1 < COUNT(words_rows) &&
	       (status < words_rows[i].first || status > words_rows[i].last))
		i++;
	return &words_rows[i];
}

/* A JSON string, or null for NULL. What is not valid UTF-8 becomes U+FFFD: texts of upstreams come
 * here too, and the answer must be JSON. */
static bool
append_string(struct bytes *out, const char *text)
{
	if (text == NULL)
		return bytes_append_str(out, "null");
	struct view rest = view_of(text);
	bool ok = bytes_append_char(out, '"');
	while (ok && rest.len > 0) {
		size_t valid = 0, step;
		while ((step = view_utf8_step(view_from(rest, valid))) > 0)
			valid += step;
		ok = bytes_append_json(out, view_sub(rest, 0, valid)) &&
		     (valid == rest.len || bytes_append_str(out, "\\ufffd"));
		rest = view_from(rest, valid + 1);
	}
	return ok && bytes_append_char(out, '"');
}

/* One JSON text from alternating plain text and strings: "text" string "text" string ... "text". */
static bool
append_parts(struct bytes *out, const char *const *plain, const char *const *strings, size_t count)
{
	bool ok = bytes_append_str(out, plain[0]);
	for (size_t i = 0; ok && i < count; i++)
		ok = append_string(out, strings[i]) && bytes_append_str(out, plain[i + 1]);
	return ok;
}

static bool
append_anthropic(
    struct bytes *out, const struct words *words, const char *message, const char *request_id)
{
	static const char *const plain[] = {
	    "{\"type\":\"error\",\"error\":{\"type\":", ",\"message\":", "},\"request_id\":", "}"};
	const char *const strings[] = {words->anthropic_type, message, request_id};
	return append_parts(out, plain, strings, COUNT(strings));
}

static bool
append_openai(struct bytes *out, const struct words *words, const char *message, const char *param)
{
	static const char *const plain[] = {
	    "{\"error\":{\"message\":", ",\"type\":", ",\"param\":", ",\"code\":", "}}"};
	const char *const strings[] = {message, words->openai_type, param, words->openai_code};
	return append_parts(out, plain, strings, COUNT(strings));
}

static bool
append_failed(struct bytes *out, const char *code, const char *message, const char *request_id,
    uint64_t sequence)
{
	static const char *const plain[] = {",\"response\":{\"id\":",
	    ",\"object\":\"response\",\"status\":\"failed\",\"error\":{\"code\":", ",\"message\":",
	    "},\"incomplete_details\":null,\"output\":[],\"usage\":null}}"};
	const char *const strings[] = {request_id, code, message};
	return bytes_printf(out, "{\"type\":\"response.failed\",\"sequence_number\":%llu",
		   (unsigned long long)sequence) &&
	       append_parts(out, plain, strings, COUNT(strings));
}

bool
refuse_body(enum protocol protocol, int status, const char *message, const char *param,
    const char *request_id, struct bytes *out)
{
	const struct words *words = find_words(status);
	size_t before = out->len;
	bool ok = protocol == PROTOCOL_ANTHROPIC ? append_anthropic(out, words, message, request_id)
						 : append_openai(out, words, message, param);
	if (!ok)
		out->len = before;
	return ok;
}

bool
refuse_event(enum protocol protocol, int status, const char *message, const char *request_id,
    uint64_t sequence, struct bytes *out)
{
	static const char *const heads[] = {
	    [PROTOCOL_ANTHROPIC] = "\n\nevent: error\ndata: ",
	    [PROTOCOL_CHAT] = "\n\ndata: ",
	    [PROTOCOL_RESPONSES] = "\n\nevent: response.failed\ndata: ",
	};
	MUST((size_t)protocol < COUNT(heads));
	const struct words *words = find_words(status >= 500 ? 500 : status);
	const char *code = status >= 500 ? "server_error" : "invalid_prompt";
	size_t before = out->len;
	bool ok = bytes_append_str(out, heads[protocol]);
	if (protocol == PROTOCOL_ANTHROPIC) {
		ok = ok && append_anthropic(out, words, message, request_id);
	} else if (protocol == PROTOCOL_CHAT) {
		ok = ok && append_openai(out, words, message, NULL);
	} else {
		ok = ok && append_failed(out, code, message, request_id, sequence);
	}
	ok = ok && bytes_append_str(out, "\n\n");
	if (!ok)
		out->len = before;
	return ok;
}

/* The client has no part in keys, bills and addresses of upstreams. */
int
refuse_status(int upstream_status)
{
	bool key = upstream_status >= 401 && upstream_status <= 403;
	bool error = upstream_status >= 400 && upstream_status <= 599;
	return error && !key && upstream_status != 407 ? upstream_status : 502;
}
