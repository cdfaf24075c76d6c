/* Errors in the words of OpenAI. The status is the truth; words are made from it and back. */
#include "openai.h"
#include "read_json.h"
#include "write_json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What a chunk's error says without an HTTP status. */
static int
status_of_word(struct jsonspan_value word)
{
	static const struct {
		const char *word;
		int status;
	} rows[] = {{"context_length_exceeded", 400}, {"invalid_prompt", 400},
	    {"invalid_api_key", 401}, {"authentication_error", 401}, {"permission_error", 403},
	    {"model_not_found", 404}, {"not_found_error", 404}, {"rate_limit_exceeded", 429},
	    {"rate_limit_error", 429}, {"insufficient_quota", 429}, {"requests", 429},
	    {"tokens", 429}, {"server_is_overloaded", 503}, {"slow_down", 503},
	    {"overloaded_error", 503}, {"timeout", 504}, {"timeout_error", 504},
	    {"server_error", 500}, {"api_error", 500}, {"invalid_request_error", 400}};
	int64_t number = 0;
	if (jsonspan_i64(word, &number) && number >= 400 && number <= 599)
		return (int)number;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (jsonspan_str_is(word, rows[i].word))
			return rows[i].status;
	}
	return 0;
}

void
openai_error_from(int status, struct jsonspan_value error, struct event *out)
{
	struct jsonspan_value code = jsonspan_get(error, "code");
	struct jsonspan_value type = jsonspan_get(error, "type");
	struct jsonspan_value message = jsonspan_get(error, "message");
	if (error.kind == JSONSPAN_STRING)
		message = error;
	if (status == 0)
		status = status_of_word(code);
	if (status == 0)
		status = status_of_word(type);
	*out = (struct event){.kind = EVENT_ERROR, .status = status != 0 ? status : 502};
	out->error_message_text = read_json_inside(message);
	if (out->error_message_text.len == 0)
		out->error_message_text = VIEW("the upstream answered with an error");
	(void)jsonspan_str_plain(type, &out->error_type_plain);
	(void)jsonspan_str_plain(code, &out->error_code_plain);
	if (event_is_too_long(out->error_message_text))
		out->error_code_plain = VIEW("context_length_exceeded");
}

/* {"error":{..}}, in an array (Google), as an event of a stream, or flat as some servers write it.
 */
void
openai_error_decode(int status, struct view body, struct event *out)
{
	static const char *const flat[] = {"message", "detail"};
	struct jsonspan_value root = {0};
	struct jsonspan_iter iter;
	struct jsonspan_member first;
	if (view_starts(body, "data:"))
		(void)view_split(&(struct view){body.data + 5, body.len - 5}, '\n', &body);
	if (!jsonspan_scan(body, NULL, 0, &root, NULL))
		root.kind = JSONSPAN_NONE;
	if (root.kind == JSONSPAN_ARRAY) {
		jsonspan_iter_init(&iter, root);
		if (jsonspan_next(&iter, &first))
			root = first.value;
	}
	struct jsonspan_value error = jsonspan_get(root, "error");
	for (size_t i = 0; error.kind != JSONSPAN_OBJECT && error.kind != JSONSPAN_STRING && i < 2;
	     i++)
		error = jsonspan_get(root, flat[i]);
	openai_error_from(status, error, out);
}

/* ---- written ---- */

static const struct words {
	int status;
	int answer; /* the status that this protocol's clients know */
	const char *type, *code;
} words_rows[] = {
    {401, 401, "invalid_request_error", "invalid_api_key"},
    {402, 429, "insufficient_quota", "insufficient_quota"},
    {403, 403, "permission_error", NULL},
    {404, 404, "invalid_request_error", "model_not_found"},
    {408, 408, "timeout", "timeout"},
    {429, 429, "rate_limit_error", "rate_limit_exceeded"},
    {503, 503, "server_error", "server_is_overloaded"},
    {504, 504, "timeout", "timeout"},
    {529, 503, "server_error", "server_is_overloaded"},
};

static struct words
find_words(int status)
{
	for (size_t i = 0; i < COUNT(words_rows); i++) {
		if (words_rows[i].status == status)
			return words_rows[i];
	}
	if (status >= 400 && status <= 499)
		return (struct words){status, status, "invalid_request_error", NULL};
	return (struct words){status, status >= 500 ? status : 500, "server_error", "server_error"};
}

/* Codes that mean the same to every client; another upstream's own words would only confuse. */
static const char *
find_code(const struct event *error, const char *usual)
{
	static const char *const known[] = {
	    "context_length_exceeded", "insufficient_quota", "model_not_found"};
	for (size_t i = 0; i < COUNT(known); i++) {
		if (view_eq_str(error->error_code_plain, known[i]))
			return known[i];
	}
	return usual;
}

bool
openai_error_encode(
    const struct event *error, struct view request_id_plain, struct bytes *out, int *status)
{
	struct words words = find_words(error->status);
	const char *code = find_code(error, words.code);
	struct write_json json;
	(void)request_id_plain; /* it has no place in this body; the header tells it */
	*status = words.answer;
	write_json_init(&json, out);
	write_json_object(&json);
	write_json_key_object(&json, "error");
	write_json_key_text(&json, "message", error->error_message_text);
	write_json_key_str(&json, "type", words.type);
	write_json_key_null(&json, "param");
	if (code != NULL)
		write_json_key_str(&json, "code", code);
	else
		write_json_key_null(&json, "code");
	write_json_object_end(&json);
	write_json_object_end(&json);
	return write_json_ok(&json);
}
