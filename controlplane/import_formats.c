/* Files of cc-switch, claude-code-router and LiteLLM. */
#include "import.h"
#include "must.h"
#include "view.h"
#include <stdio.h>
#include <string.h>

#define PATH_BYTES 160

static const char *
text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* The first member of these names that is a text with anything in it. */
static const char *
any_text(const json_t *object, const char *const *names)
{
	for (; *names != NULL; names++) {
		const char *text = text_of(object, *names);
		if (text != NULL && text[0] != '\0')
			return text;
	}
	return NULL;
}

static void
add_upstream(struct import *out, const char *section, const char *path, const char *name,
    struct view base_url, const char *key, json_t *models)
{
	json_t *entry = json_pack("{s:s, s:s%, s:s}", "name", name != NULL ? name : "", "base_url",
	    base_url.data != NULL ? base_url.data : "", base_url.len, "key",
	    key != NULL ? key : "");
	MUST(entry != NULL);
	if (json_array_size(models) > 0)
		MUST(json_object_set(entry, "models", models) == 0);
	json_decref(models);
	import_entry(out, section, path, entry);
}

/* ---- cc-switch: providers of Claude Code and of Codex, each with the tool's own settings ---- */

/* base_url = "..." of a TOML text; the last one is that of the provider in use. */
static struct view
toml_base_url(const char *toml)
{
	struct view rest = view_of(toml), line, found = {0};
	while (view_split(&rest, '\n', &line)) {
		line = view_trim(line);
		if (!view_starts(line, "base_url"))
			continue;
		ptrdiff_t begin = view_find_char(line, '"');
		struct view value = begin >= 0 ? view_from(line, (size_t)begin + 1) : found;
		ptrdiff_t end = view_find_char(value, '"');
		if (begin >= 0 && end > 0)
			found = view_sub(value, 0, (size_t)end);
	}
	return found;
}

static void
add_claude(struct import *out, const char *path, const json_t *provider)
{
	static const char *const keys[] = {"ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", NULL};
	const json_t *env = json_object_get(json_object_get(provider, "settingsConfig"), "env");
	const char *url = text_of(env, "ANTHROPIC_BASE_URL"), *key = any_text(env, keys);
	if (key == NULL) {
		import_skip(out, path, "has no key: a login of the tool itself cannot be taken");
		return;
	}
	add_upstream(out, "api_configs", path, text_of(provider, "name"),
	    view_of(url != NULL && url[0] != '\0' ? url : "https://api.anthropic.com"), key, NULL);
}

static void
add_codex(struct import *out, const char *path, const json_t *provider)
{
	const json_t *settings = json_object_get(provider, "settingsConfig");
	const char *key = text_of(json_object_get(settings, "auth"), "OPENAI_API_KEY");
	const char *toml = text_of(settings, "config");
	struct view url = toml_base_url(toml != NULL ? toml : "");
	if (key == NULL || key[0] == '\0') {
		import_skip(out, path, "has no key: a login of the tool itself cannot be taken");
		return;
	}
	add_upstream(out, "codex_configs", path, text_of(provider, "name"),
	    url.len > 0 ? url : VIEW("https://api.openai.com/v1"), key, NULL);
}

static void
add_providers(struct import *out, const char *tool, const json_t *providers, bool codex)
{
	char path[PATH_BYTES];
	const char *id;
	json_t *provider;
	json_object_foreach((json_t *)(uintptr_t)providers, id, provider)
	{
		(void)snprintf(path, sizeof(path), "%s%sproviders.%s", tool, *tool ? "." : "", id);
		if (codex)
			add_codex(out, path, provider);
		else
			add_claude(out, path, provider);
	}
}

void
import_cc_switch(const json_t *root, struct import *out)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)root, name, value)
	{
		const json_t *providers = json_object_get(value, "providers");
		if (strcmp(name, "providers") == 0) /* the first version: Claude Code alone */
			add_providers(out, "", value, false);
		else if (strcmp(name, "claude") == 0 || strcmp(name, "codex") == 0)
			add_providers(out, name, providers, strcmp(name, "codex") == 0);
		else if (strcmp(name, "version") != 0 && strcmp(name, "current") != 0)
			import_skip(out, name, "has no place here");
	}
}

/* ---- claude-code-router: providers by the whole address of their endpoint ---- */

/* The list by what the address ends in, which is cut off. */
static const char *
section_of_endpoint(struct view *url)
{
	static const struct {
		const char *end, *section;
	} ends[] = {
	    {"/chat/completions", "chat_configs"},
	    {"/v1/messages", "api_configs"},
	    {"/messages", "api_configs"},
	    {"/responses", "codex_configs"},
	};
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (!view_ends(*url, ends[i].end))
			continue;
		url->len -= strlen(ends[i].end);
		return ends[i].section;
	}
	return "chat_configs";
}

static json_t *
names_of(const json_t *models)
{
	json_t *out = json_array();
	for (size_t i = 0; i < json_array_size(models); i++) {
		json_t *model = json_array_get(models, i);
		if (json_is_string(model))
			MUST(json_array_append(out, model) == 0);
	}
	return out;
}

void
import_router(const json_t *root, struct import *out)
{
	char path[PATH_BYTES];
	const char *name;
	json_t *value;
	const json_t *providers = json_object_get(root, "Providers");
	for (size_t i = 0; i < json_array_size(providers); i++) {
		const json_t *provider = json_array_get(providers, i);
		const char *whole = text_of(provider, "api_base_url");
		struct view url = view_of(whole != NULL ? whole : "");
		const char *section = section_of_endpoint(&url);
		(void)snprintf(path, sizeof(path), "Providers[%zu]", i);
		add_upstream(out, section, path, text_of(provider, "name"), url,
		    text_of(provider, "api_key"), names_of(json_object_get(provider, "models")));
		if (json_object_get(provider, "transformer") != NULL) {
			(void)snprintf(path, sizeof(path), "Providers[%zu].transformer", i);
			import_skip(out, path, "has no place here: conversion is by protocol");
		}
	}
	json_object_foreach((json_t *)(uintptr_t)root, name, value)
	{
		if (strcmp(name, "Providers") != 0)
			import_skip(out, name, "has no place here");
	}
}

/* ---- LiteLLM, its YAML written as JSON ---- */

static const char *
section_of_model(struct view model)
{
	return view_starts(model, "anthropic/") ? "api_configs" : "chat_configs";
}

static void
add_litellm(struct import *out, const char *path, const json_t *row)
{
	static const char *const bases[] = {"api_base", "base_url", NULL};
	const json_t *params = json_object_get(row, "litellm_params");
	const char *alias = text_of(row, "model_name"), *model = text_of(params, "model");
	const char *base = any_text(params, bases), *key = text_of(params, "api_key");
	if (alias == NULL || model == NULL) {
		import_skip(out, path, "has no model_name or no litellm_params.model");
		return;
	}
	struct view own = view_of(model);
	ptrdiff_t slash = view_find_char(own, '/');
	const char *section = section_of_model(own);
	bool anthropic = strcmp(section, "api_configs") == 0;
	if (base == NULL && !anthropic && !view_starts(own, "openai/") && slash >= 0) {
		import_skip(out, path, "needs an api_base: its provider's address is not known");
		return;
	}
	if (key != NULL && strncmp(key, "os.environ/", 11) == 0) {
		import_skip(
		    out, path, "its key is in the environment there: it comes in without one");
		key = "";
	}
	if (base == NULL)
		base = anthropic ? "https://api.anthropic.com" : "https://api.openai.com/v1";
	struct view sent = slash >= 0 ? view_from(own, (size_t)slash + 1) : own;
	json_t *entry =
	    json_pack("{s:s, s:s, s:s, s:[s], s:{s:s%}}", "name", alias, "base_url", base, "key",
		key != NULL ? key : "", "models", alias, "model_map", alias, sent.data, sent.len);
	if (entry == NULL)
		import_skip(out, path, "is no text");
	else
		import_entry(out, section, path, entry);
}

void
import_litellm(const json_t *root, struct import *out)
{
	char path[PATH_BYTES];
	const char *name;
	json_t *value;
	const json_t *list = json_object_get(root, "model_list");
	for (size_t i = 0; i < json_array_size(list); i++) {
		(void)snprintf(path, sizeof(path), "model_list[%zu]", i);
		add_litellm(out, path, json_array_get(list, i));
	}
	json_object_foreach((json_t *)(uintptr_t)root, name, value)
	{
		if (strcmp(name, "model_list") != 0)
			import_skip(out, name, "has no place here");
	}
}
