#include "rules.h"
#include "jget.h"
#include "mem.h"
#include "must.h"
#include <string.h>

struct rule {
	char *prefix, *match, *spec;
	struct fault fault;
	struct rules_script *script; /* may be NULL */
	bool limited;
	uint64_t left, used;
};

struct rules {
	struct rule *list[RULES_MAX]; /* oldest first */
	unsigned count;
};

/* ---- scripts ---- */

void
rules_script_unref(struct rules_script *script)
{
	if (script == NULL || --script->refs > 0)
		return;
	for (size_t i = 0; i < script->header_count; i++) {
		char *name, *value;
		/* Views are read-only, but these own what they show. */
		memcpy(&name, &script->headers[i].name.data, sizeof(name));
		memcpy(&value, &script->headers[i].value.data, sizeof(value));
		mem_free(name);
		mem_free(value);
	}
	bytes_fini(&script->body);
	mem_free(script);
}

static int
base64_digit(char c)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;
	return at != NULL ? (int)(at - digits) : -1;
}

static bool
base64_decode(struct view text, struct bytes *out)
{
	unsigned bits = 0, have = 0;
	while (text.len > 0 && text.data[text.len - 1] == '=')
		text.len--;
	for (size_t i = 0; i < text.len; i++) {
		int digit = base64_digit(text.data[i]);
		if (digit < 0)
			return false;
		bits = bits << 6 | (unsigned)digit;
		have += 6;
		if (have >= 8) {
			have -= 8;
			if (!bytes_append_char(out, (char)(bits >> have)))
				return false;
			bits &= (1u << have) - 1;
		}
	}
	return true;
}

static bool
read_headers(struct rules_script *script, const json_t *order, struct err *err)
{
	const json_t *headers = NULL;
	const char *name;
	json_t *value;
	if (!jget_object(order, "", "headers", &headers, err))
		return false;
	/* The iteration does not change the object, but jansson's types want it writable. */
	json_t *copy = headers != NULL ? json_deep_copy(headers) : NULL;
	json_object_foreach(copy, name, value)
	{
		if (!json_is_string(value) || script->header_count == RULES_HEADERS_MAX) {
			json_decref(copy);
			return err_set(err, ERR_PARSE, "headers", "at most %d, all strings",
			    RULES_HEADERS_MAX);
		}
		struct http_header *header = &script->headers[script->header_count++];
		header->name = view_of(mem_dup_str(name));
		header->value = view_of(mem_dup_str(json_string_value(value)));
	}
	json_decref(copy);
	return true;
}

static bool
read_body(struct rules_script *script, const json_t *order, struct err *err)
{
	struct view plain = {0}, encoded = {0}, raw = {0};
	if (!jget_str(order, "", "body", &plain, err) ||
	    !jget_str(order, "", "body_base64", &encoded, err) ||
	    !jget_str(order, "", "raw_base64", &raw, err))
		return false;
	script->raw = raw.data != NULL;
	if (script->raw)
		encoded = raw;
	if (!bytes_append_view(&script->body, plain) || !base64_decode(encoded, &script->body))
		return err_set(err, ERR_PARSE, "body", "too big, or no base64");
	return true;
}

static bool
read_script(struct rule *rule, const json_t *order, struct err *err)
{
	struct rules_script *script = MEM_NEW(struct rules_script);
	int64_t status = 200;
	rule->script = script;
	script->refs = 1;
	bytes_init(&script->body, RULES_BODY_BYTES_MAX);
	if (!jget_int(order, "", "status", 200, 999, &status, err) ||
	    !jget_bool(order, "", "chunked", &script->chunked, err) ||
	    !read_headers(script, order, err) || !read_body(script, order, err))
		return false;
	script->status = (int)status;
	return true;
}

/* ---- rules ---- */

static void
rule_free(struct rule *rule)
{
	rules_script_unref(rule->script);
	mem_free(rule->prefix);
	mem_free(rule->match);
	mem_free(rule->spec);
	mem_free(rule);
}

struct rules *
rules_new(void)
{
	return MEM_NEW(struct rules);
}

void
rules_free(struct rules *rules)
{
	(void)rules_remove(rules, NULL);
	mem_free(rules);
}

static void
drop(struct rules *rules, unsigned index)
{
	rule_free(rules->list[index]);
	rules->count--;
	memmove(rules->list + index, rules->list + index + 1,
	    (rules->count - index) * sizeof(struct rule *));
}

unsigned
rules_remove(struct rules *rules, const char *prefix)
{
	unsigned before = rules->count;
	for (unsigned i = rules->count; i > 0; i--) {
		if (prefix == NULL || strcmp(rules->list[i - 1]->prefix, prefix) == 0)
			drop(rules, i - 1);
	}
	return before - rules->count;
}

static bool
read_rule(struct rule *rule, const json_t *order, uint64_t counted, struct err *err)
{
	struct view prefix = VIEW(""), match = VIEW(""), spec = VIEW("");
	int64_t count = (int64_t)counted;
	if (!jget_str(order, "", "prefix", &prefix, err) ||
	    !jget_str(order, "", "match", &match, err) ||
	    !jget_str(order, "", "spec", &spec, err) ||
	    !jget_int(order, "", "count", 1, INT32_MAX, &count, err))
		return false;
	rule->prefix = mem_dup(prefix);
	rule->match = mem_dup(match);
	rule->spec = mem_dup(spec);
	rule->limited = count > 0;
	rule->left = (uint64_t)count;
	if (!fault_parse(spec, &rule->fault, err))
		return false;
	bool scripted = json_object_get(order, "body") || json_object_get(order, "body_base64") ||
			json_object_get(order, "raw_base64") || json_object_get(order, "status");
	return !scripted || read_script(rule, order, err);
}

bool
rules_add(struct rules *rules, const json_t *order, uint64_t counted, struct err *err)
{
	if (!json_is_object(order))
		return err_set(err, ERR_PARSE, "", "a JSON object is needed");
	struct rule *rule = MEM_NEW(struct rule);
	if (!read_rule(rule, order, counted, err)) {
		rule_free(rule);
		return false;
	}
	for (unsigned i = rules->count; i > 0; i--) {
		const struct rule *old = rules->list[i - 1];
		if (!old->limited && strcmp(old->prefix, rule->prefix) == 0 &&
		    strcmp(old->match, rule->match) == 0)
			drop(rules, i - 1);
	}
	if (rules->count == RULES_MAX) {
		rule_free(rule);
		return err_set(err, ERR_LIMIT, "", "at most %d rules", RULES_MAX);
	}
	rules->list[rules->count++] = rule;
	return true;
}

static bool
applies(const struct rule *rule, struct view path)
{
	size_t len = strlen(rule->prefix);
	/* Whole segments only: "/u/A" is not "/u/AB". */
	return view_starts(path, rule->prefix) && view_ends(path, rule->match) &&
	       (path.len == len || path.data[len] == '/' || len == 0 || path.data[len - 1] == '/');
}

bool
rules_take(struct rules *rules, struct view path, struct fault *fault, struct rules_script **script)
{
	unsigned best = rules->count;
	for (unsigned i = 0; i < rules->count; i++) {
		if (applies(rules->list[i], path) &&
		    (best == rules->count ||
			strlen(rules->list[i]->prefix) > strlen(rules->list[best]->prefix)))
			best = i;
	}
	*script = NULL;
	if (best == rules->count)
		return false;
	struct rule *rule = rules->list[best];
	*fault = rule->fault;
	*script = rule->script;
	if (rule->script != NULL)
		rule->script->refs++;
	rule->used++;
	if (rule->limited && --rule->left == 0)
		drop(rules, best);
	return true;
}

void
rules_write(const struct rules *rules, struct writer *out)
{
	writer_put(out, "[");
	for (unsigned i = 0; i < rules->count; i++) {
		const struct rule *rule = rules->list[i];
		writer_put(out, i > 0 ? ",{" : "{");
		writer_put(out, "'prefix':$s,'match':$s,'spec':$s,'script':$b,'used':$u",
		    view_of(rule->prefix), view_of(rule->match), view_of(rule->spec),
		    rule->script != NULL, rule->used);
		if (rule->limited)
			writer_put(out, ",'left':$u", rule->left);
		writer_put(out, "}");
	}
	writer_put(out, "]");
}
