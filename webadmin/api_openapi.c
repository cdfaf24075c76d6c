/* The description of the API (OpenAPI 3.1), made from the route table and from the words of the
 * configuration. */
#include "api_private.h"
#include "api_schemas.h"
#include "jget.h"
#include "must.h"
#include "names.h"
#include <stdio.h>
#include <string.h>

static void
put(json_t *object, const char *key, json_t *value)
{
	MUST(value != NULL && json_object_set_new(object, key, value) == 0);
}

static json_t *
ref_to(const char *schema)
{
	return json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", schema));
}

static json_t *
content_of(const char *schema)
{
	return json_pack("{s:{s:o}}", "application/json", "schema", ref_to(schema));
}

/* ---- one operation ---- */

static void
add_parameter(json_t *list, const char *name, size_t len, const char *in, const char *type)
{
	MUST(json_array_append_new(list,
		 json_pack("{s:s%, s:s, s:b, s:{s:s}}", "name", name, len, "in", in, "required",
		     (int)(strcmp(in, "path") == 0), "schema", "type", type)) == 0);
}

static bool
is_number(struct view name)
{
	static const char *const names[] = {
	    "limit", "before", "after", "from_ms", "to_ms", "index", "revision", "seq"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (view_eq_str(name, names[i]))
			return true;
	}
	return false;
}

static json_t *
parameters_of(const struct route *route)
{
	json_t *list = json_array();
	struct view rest = view_of(route->path), word;
	while (view_split(&rest, '/', &word)) {
		if (view_starts(word, "{") && word.len > 2)
			add_parameter(list, word.data + 1, word.len - 2, "path", "string");
	}
	rest = view_of(route->query);
	while (view_split(&rest, ' ', &word)) {
		if (word.len > 0)
			add_parameter(list, word.data, word.len, "query",
			    is_number(word) ? "integer" : "string");
	}
	bool changes = route->method != HTTP_GET && view_starts(view_of(route->path), "/api/v1/");
	if (changes)
		add_parameter(list, "If-Match", strlen("If-Match"), "header", "string");
	return list;
}

static void
add_answer(json_t *responses, int status, const char *what, const char *schema)
{
	char code[8];
	(void)snprintf(code, sizeof(code), "%d", status);
	if (json_object_get(responses, code) != NULL)
		return;
	json_t *answer = json_pack("{s:s}", "description", what);
	if (strcmp(schema, "File") == 0)
		put(answer, "content",
		    json_pack("{s:{s:o}, s:{}, s:{}}", "text/csv", "schema", ref_to(schema),
			"application/jsonl", "application/json"));
	else if (strcmp(schema, "Played") == 0)
		put(answer, "content",
		    json_pack("{s:{s:o}, s:{}}", "text/event-stream", "schema", ref_to(schema),
			"application/json"));
	else if (strcmp(schema, "Events") == 0)
		put(answer, "content",
		    json_pack("{s:{s:o}}", "text/event-stream", "schema", ref_to(schema)));
	else if (schema[0] != '\0')
		put(answer, "content", content_of(schema));
	put(responses, code, answer);
}

static json_t *
responses_of(const struct route *route)
{
	bool old = !view_starts(view_of(route->path), "/api/v1/");
	bool changes = route->method != HTTP_GET;
	json_t *responses = json_object();
	add_answer(
	    responses, strcmp(route->answer, "Added") == 0 ? 201 : 200, "Well", route->answer);
	if (strcmp(route->answer, "Added") == 0)
		add_answer(responses, 200, "Well", route->answer);
	add_answer(responses, 400, "Asked badly", "Error");
	if (route->access != ACCESS_ANYONE || changes) {
		add_answer(responses, 401, "Not logged in", "Error");
		add_answer(responses, 403, "May not", "Error");
		add_answer(responses, 429, "Too many tries", "Error");
	}
	if (strchr(route->path, '{') != NULL || strstr(route->path, "/upstreams") != NULL)
		add_answer(responses, 404, "There is none", "Error");
	if (changes) {
		add_answer(responses, 409, "The file cannot be written", "Error");
		add_answer(responses, 413, "Too long", "Error");
		add_answer(
		    responses, 422, old ? "No JSON, no object or no index" : "Refused", "Error");
		if (!old)
			add_answer(responses, 412, "Changed meanwhile", "Error");
		if (route->method == HTTP_PUT && !old)
			add_answer(responses, 428, "If-Match is missing", "Error");
	}
	add_answer(responses, 421, "Another host's name", "Error");
	add_answer(responses, 503, "The control plane does not answer", "Error");
	return responses;
}

static const char *
method_word(enum http_method method)
{
	static const char *const words[] = {[HTTP_GET] = "get",
	    [HTTP_POST] = "post",
	    [HTTP_PUT] = "put",
	    [HTTP_PATCH] = "patch",
	    [HTTP_DELETE] = "delete"};
	return words[method];
}

static json_t *
operation_of(const struct route *route)
{
	static const char *const roles[] = {"anyone", "viewer", "admin"};
	json_t *operation = json_pack("{s:s, s:s, s:o, s:o}", "summary", route->summary, "x-role",
	    roles[route->access], "parameters", parameters_of(route), "responses",
	    responses_of(route));
	MUST(operation != NULL);
	if (route->body[0] != '\0')
		put(operation, "requestBody",
		    json_pack("{s:b, s:o}", "required", 1, "content", content_of(route->body)));
	if (route->access == ACCESS_ANYONE)
		put(operation, "security", json_array());
	return operation;
}

static json_t *
paths(void)
{
	size_t count;
	const struct route *routes = api_routes(&count);
	json_t *out = json_object();
	for (size_t i = 0; i < count; i++) {
		if (routes[i].access == ACCESS_METRICS)
			continue; /* another protocol, described by itself */
		json_t *path = json_object_get(out, routes[i].path);
		if (path == NULL) {
			path = json_object();
			put(out, routes[i].path, path);
		}
		put(path, method_word(routes[i].method), operation_of(&routes[i]));
	}
	return out;
}

/* ---- schemas of the configuration's words ---- */

static json_t *
schema_of_type(const char *type)
{
	static const struct {
		const char *type, *json;
	} forms[] = {
	    {"flag", "{\"enum\":[true,false,0,1]}"},
	    {"integer", "{\"type\":\"number\"}"},
	    {"number", "{\"type\":\"number\"}"},
	    {"id", "{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9._-]{1,64}$\"}"},
	    {"sha256", "{\"type\":\"string\",\"pattern\":\"^(set|[0-9A-Fa-f]{64})$\"}"},
	    {"week", "{\"type\":\"array\",\"maxItems\":7}"},
	    {"dates", "{\"type\":\"object\"}"},
	    {"hours", "{\"type\":\"array\"}"},
	    {"addresses", "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"},
	    {"statuses", "{\"type\":\"object\"}"},
	    {"errors", "{\"type\":\"object\"}"},
	    {"models", "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"},
	    {"groups", "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"},
	    {"model_map", "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}"},
	    {"words", "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"},
	    {"any", "{}"},
	};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strcmp(forms[i].type, type) == 0)
			return json_loads(forms[i].json, 0, NULL);
	}
	return json_pack("{s:s}", "type", "string");
}

static json_t *
schema_of_row(const json_t *row)
{
	const char *type = json_string_value(json_object_get(row, "type"));
	json_t *schema = schema_of_type(type != NULL ? type : "any");
	const json_t *min = json_object_get(row, "min"), *max = json_object_get(row, "max");
	bool number = type != NULL && (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0);
	if (json_is_number(min) && number)
		put(schema, "minimum", json_incref((json_t *)(uintptr_t)min));
	if (json_is_number(max) && number)
		put(schema, "maximum", json_incref((json_t *)(uintptr_t)max));
	if (type != NULL && strcmp(type, "word") == 0)
		put(schema, "examples", json_incref(json_object_get(row, "words")));
	put(schema, "description", json_incref(json_object_get(row, "help")));
	const json_t *fallback = json_object_get(row, "default");
	if (!json_is_null(fallback))
		put(schema, "default", json_incref((json_t *)(uintptr_t)fallback));
	return schema;
}

/* The entry of a list: whole, and with all members optional. */
static void
add_entry_schema(json_t *schemas, const json_t *rows, const char *section, const char *name)
{
	char patch[64];
	json_t *properties = json_object(), *required = json_array();
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		const char *key = json_string_value(json_object_get(row, "key"));
		const char *own = json_string_value(json_object_get(row, "section"));
		if (key == NULL || own == NULL || strcmp(own, section) != 0)
			continue;
		put(properties, key, schema_of_row(row));
		/* A hash that is left out is that of a secret made for it. */
		if (json_is_true(json_object_get(row, "required")) && strstr(key, "sha256") == NULL)
			MUST(json_array_append_new(required, json_string(key)) == 0);
	}
	(void)snprintf(patch, sizeof(patch), "%sPatch", name);
	put(schemas, patch, json_pack("{s:s, s:O}", "type", "object", "properties", properties));
	put(schemas, name,
	    json_pack("{s:s, s:o, s:o}", "type", "object", "properties", properties, "required",
		required));
}

static json_t *
components(const json_t *rows)
{
	static const struct {
		const char *section, *name;
	} entries[] = {{"upstreams", "Upstream"}, {"model_conversions", "ModelRule"},
	    {"model_capabilities", "Capability"}, {"prices", "Price"}, {"client_keys", "ClientKey"},
	    {"admin.users", "User"}};
	size_t count;
	const struct api_schema *shapes = api_schemas(&count);
	json_t *schemas = json_object();
	for (size_t i = 0; i < count; i++)
		put(schemas, shapes[i].name, json_loads(shapes[i].json, 0, NULL));
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		add_entry_schema(schemas, rows, entries[i].section, entries[i].name);
	return json_pack("{s:o, s:{s:{s:s, s:s}, s:{s:s, s:s, s:s}}}", "schemas", schemas,
	    "securitySchemes", "token", "type", "http", "scheme", "bearer", "session", "type",
	    "apiKey", "in", "cookie", "name", "pointsman");
}

static void
on_settings(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	if (answer == NULL || strcmp(answer->type, MSG_SETTINGS) != 0) {
		api_fail_away(call);
		return;
	}
	json_t *document = json_pack("{s:s, s:{s:s, s:s, s:s}, s:[{s:[]}, {s:[]}], s:o, s:o}",
	    "openapi", "3.1.0", "info", "title", "Pointsman admin API", "version", PM_VERSION,
	    "description",
	    "Changes by a session need its X-CSRF-Token; API.md beside the program tells the rest.",
	    "security", "token", "session", "paths", paths(), "components",
	    components(json_object_get(answer->body, "rows")));
	MUST(document != NULL);
	api_finish(call, 200, document);
}

void
api_show_description(struct call *call)
{
	if (!adminlink_ask(call->api->link, MSG_GET_SETTINGS, NULL, on_settings, call))
		api_fail_away(call);
}
