#include "import.h"
#include "config.h"
#include "jget.h"
#include "must.h"
#include "schema.h"
#include "store.h"
#include <stdio.h>
#include <string.h>

#define PATH_BYTES 160

static const char *
text_of(const json_t *entry, const char *key)
{
	return json_string_value(json_object_get(entry, key));
}

/* ---- what comes in ---- */

void
import_skip(struct import *out, const char *path, const char *message)
{
	json_t *at = json_string(path);
	json_t *item =
	    json_pack("{s:o, s:s}", "path", at != NULL ? at : json_string("?"), "message", message);
	MUST(item != NULL && json_array_append_new(out->skipped, item) == 0);
}

/* By our own check, alone. */
static bool
is_good(json_t *document, char why[PATH_BYTES + 200])
{
	struct bytes text;
	struct faults faults = {0};
	struct config *config = NULL;
	bytes_init(&text, CONFIG_BYTES_MAX);
	bool ok =
	    config_print(document, &text) && config_parse(bytes_view(&text), &config, &faults);
	const struct fault *first = faults.items;
	while (!ok && faults.errors > 0 && first->warning)
		first++;
	(void)snprintf(why, PATH_BYTES + 200, "%s %s", ok || first == NULL ? "" : first->path,
	    ok || first == NULL ? "is too long" : first->msg);
	faults_drop_cut(why);
	config_free(config);
	faults_fini(&faults);
	store_wipe(&text);
	return ok;
}

static json_t *
document_of(const char *section, json_t *value)
{
	const char *dot = strchr(section, '.');
	char outer[64];
	if (dot == NULL)
		return json_pack("{s:O}", section, value);
	(void)snprintf(outer, sizeof(outer), "%.*s", (int)(dot - section), section);
	return json_pack("{s:{s:O}}", outer, dot + 1, value);
}

static void
add_item(struct import *out, const char *section, const char *what, const char *path, json_t *entry)
{
	char why[PATH_BYTES + 200];
	bool list = strcmp(what, "entry") == 0;
	json_t *value = list ? json_pack("[O]", entry) : json_incref(entry);
	json_t *document = document_of(section, value);
	const char *name = text_of(entry, "name");
	MUST(document != NULL);
	if (is_good(document, why)) {
		json_t *item = json_pack("{s:s, s:s, s:s, s:O}", "section", section, "what", what,
		    "name", name != NULL ? name : "", "entry", entry);
		MUST(item != NULL && json_array_append_new(out->items, item) == 0);
	} else {
		import_skip(out, path, why);
	}
	json_decref(document);
	json_decref(value);
	json_decref(entry);
}

void
import_entry(struct import *out, const char *section, const char *path, json_t *entry)
{
	add_item(out, section, "entry", path, entry);
}

/* ---- our own form, and that of the previous product ---- */

static void
import_list(struct import *out, const struct schema_section *section, const json_t *list)
{
	char path[PATH_BYTES];
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *entry = json_deep_copy(json_array_get(list, i));
		(void)snprintf(path, sizeof(path), "%s[%zu]", section->name, i);
		const char *key = text_of(entry, "key");
		bool upstream = strcmp(section->part, SCHEMA_UPSTREAMS) == 0;
		if (!json_is_object(entry)) {
			import_skip(out, path, "is no object");
			json_decref(entry);
			continue;
		}
		if (upstream && (key == NULL || key[0] == '\0'))
			import_skip(out, path, "has no key: it comes in without one");
		if (upstream && key == NULL)
			MUST(json_object_set_new(entry, "key", json_string("")) == 0);
		(void)json_object_del(entry, "id");
		add_item(out, section->name, "entry", path, entry);
	}
}

static void
import_section(struct import *out, const struct schema_section *section, const json_t *root)
{
	bool access = strcmp(section->part, SCHEMA_CLIENT_KEYS) == 0 ||
		      strcmp(section->part, SCHEMA_ADMIN) == 0 ||
		      strcmp(section->part, SCHEMA_USERS) == 0;
	json_t *value = schema_section_get(root, section->name);
	if (value == NULL)
		return;
	if (access) {
		import_skip(out, section->name, "who may do what is not taken from a file");
	} else if (section->list && json_is_array(value)) {
		import_list(out, section, value);
	} else if (!section->list && json_is_object(value)) {
		json_t *copy = json_deep_copy(value);
		(void)json_object_del(copy, "tls"); /* a section of its own */
		add_item(out, section->name, "section", section->name, copy);
	} else {
		import_skip(out, section->name, section->list ? "is no list" : "is no object");
	}
}

static bool
is_known(const char *name)
{
	size_t count, len = strlen(name);
	const struct schema_section *sections = schema_sections(&count);
	for (size_t i = 0; i < count; i++) {
		const char *own = sections[i].name;
		if (strncmp(own, name, len) == 0 && (own[len] == '\0' || own[len] == '.'))
			return true;
	}
	return false;
}

static void
import_own(const json_t *root, struct import *out)
{
	static const char single[] = "openai_to_claude_config";
	size_t count;
	const struct schema_section *sections = schema_sections(&count);
	const char *name;
	json_t *value;
	for (size_t i = 0; i < count; i++)
		import_section(out, &sections[i], root);
	const json_t *old = json_object_get(root, single);
	if (json_is_object(old))
		add_item(out, "openai_to_claude_configs", "entry", single, json_deep_copy(old));
	json_object_foreach((json_t *)(uintptr_t)root, name, value)
	{
		if (!is_known(name) && strcmp(name, single) != 0)
			import_skip(out, name, "is no word that is known here");
	}
}

/* ---- which program's ---- */

static const struct format {
	const char *name;
	void (*fn)(const json_t *root, struct import *out);
	const char *signs[6]; /* any of these members */
} formats[] = {
    {"claude-code-router", import_router, {"Providers", "Router", NULL}},
    {"litellm", import_litellm, {"model_list", "litellm_settings", NULL}},
    {"cc-switch", import_cc_switch, {"claude", "codex", "providers", NULL}},
    {"pointsman", import_own,
	{"api_configs", "codex_configs", "chat_configs", "openai_to_claude_configs",
	    "timeout_settings", NULL}},
};
#define FORMATS (sizeof(formats) / sizeof(formats[0]))

static const struct format *
find_format(const char *name, const json_t *root)
{
	bool look = name == NULL || strcmp(name, "auto") == 0;
	for (size_t i = 0; i < FORMATS; i++) {
		if (!look && strcmp(formats[i].name, name) == 0)
			return &formats[i];
		for (size_t k = 0; look && formats[i].signs[k] != NULL; k++) {
			if (json_object_get(root, formats[i].signs[k]) != NULL)
				return &formats[i];
		}
	}
	/* The last one knows more words than those that are its signs. */
	return look ? &formats[FORMATS - 1] : NULL;
}

bool
import_read(struct view text, const char *format, struct import *out, struct err *err)
{
	json_t *root = NULL;
	*out = (struct import){0};
	if (view_starts(text, "\xef\xbb\xbf"))
		text = view_from(text, 3);
	if (!jget_parse(text, &root, err))
		return false;
	const struct format *found = find_format(format, root);
	if (!json_is_object(root) || found == NULL) {
		json_decref(root);
		return err_set(err, ERR_PARSE, "text",
		    found == NULL ? "this format is not known" : "must hold one JSON object");
	}
	out->format = found->name;
	out->items = json_array();
	out->skipped = json_array();
	found->fn(root, out);
	json_decref(root);
	return true;
}

void
import_fini(struct import *import)
{
	json_decref(import->items);
	json_decref(import->skipped);
	*import = (struct import){0};
}

/* ---- into a document ---- */

static struct view
url_of(const json_t *entry)
{
	struct view url = schema_trim(view_of(text_of(entry, "base_url")));
	while (url.len > 0 && url.data[url.len - 1] == '/')
		url.len--;
	return url;
}

/* Upstreams are the same with the same address and key; others when all but the stamps is. */
static bool
same_entry(const json_t *a, const json_t *b)
{
	static const char *const stamps[] = {"id", "created_at", "updated_at"};
	if (text_of(a, "base_url") != NULL && text_of(b, "base_url") != NULL)
		return view_eq(url_of(a), url_of(b)) &&
		       view_eq(schema_trim(view_of(text_of(a, "key"))),
			   schema_trim(view_of(text_of(b, "key"))));
	json_t *one = json_copy((json_t *)(uintptr_t)a), *other = json_copy((json_t *)(uintptr_t)b);
	for (size_t i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++) {
		(void)json_object_del(one, stamps[i]);
		(void)json_object_del(other, stamps[i]);
	}
	bool same = json_equal(one, other);
	json_decref(one);
	json_decref(other);
	return same;
}

bool
import_is_there(const json_t *root, const json_t *item)
{
	const json_t *entry = json_object_get(item, "entry");
	const json_t *there = schema_section_get(root, text_of(item, "section"));
	const char *key;
	json_t *value;
	if (strcmp(text_of(item, "what"), "section") == 0) {
		json_object_foreach((json_t *)(uintptr_t)entry, key, value)
		{
			const json_t *own = json_object_get(there, key);
			if (own == NULL || !json_equal(own, value))
				return false;
		}
		return true;
	}
	for (size_t i = 0; i < json_array_size(there); i++) {
		if (same_entry(json_array_get(there, i), entry))
			return true;
	}
	return false;
}

void
import_add(json_t *root, const json_t *item)
{
	char outer[64];
	const char *section = text_of(item, "section"), *dot = strchr(section, '.');
	json_t *entry = json_object_get(item, "entry"), *holder = root;
	bool list = strcmp(text_of(item, "what"), "entry") == 0;
	if (dot != NULL) {
		(void)snprintf(outer, sizeof(outer), "%.*s", (int)(dot - section), section);
		holder = json_object_get(root, outer);
		if (!json_is_object(holder)) {
			holder = json_object();
			MUST(json_object_set_new(root, outer, holder) == 0);
		}
		section = dot + 1;
	}
	json_t *place = json_object_get(holder, section);
	if (place == NULL || json_is_null(place)) {
		place = list ? json_array() : json_object();
		MUST(json_object_set_new(holder, section, place) == 0);
	}
	json_t *copy = json_deep_copy(entry);
	MUST(copy != NULL);
	if (list) {
		MUST(json_array_append_new(place, copy) == 0);
	} else {
		MUST(json_object_update(place, copy) == 0);
		json_decref(copy);
	}
}
