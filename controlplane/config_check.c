#include "config.h"
#include "crypto.h"
#include "schema.h"
#include "url.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define AT_BYTES 128

static bool
is_present(const json_t *value)
{
	return value != NULL && !json_is_null(value);
}

/* "server" with the word "tls": itself a section. "routing": only holds some. */
static bool
is_section(const char *name)
{
	size_t count, len = strlen(name);
	const struct schema_section *sections = schema_sections(&count);
	for (size_t i = 0; i < count; i++) {
		const char *section = sections[i].name;
		if (strncmp(section, name, len) == 0 &&
		    (section[len] == '\0' || section[len] == '.'))
			return true;
	}
	return false;
}

static void
check_object(json_t *obj, const char *part, const char *path, struct faults *faults)
{
	char at[AT_BYTES];
	size_t count;
	const struct schema_row *rows = schema_rows(&count);
	if (!json_is_object(obj)) {
		faults_error(faults, path, "must be an object");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].part, part) != 0)
			continue;
		json_t *value = json_object_get(obj, rows[i].key);
		snprintf(at, sizeof(at), "%s.%s", path, rows[i].key);
		if (is_present(value)) {
			schema_check(&rows[i], value, at, faults);
		} else if ((rows[i].flags & SCHEMA_REQUIRED) != 0) {
			faults_error(faults, at, "is missing");
		}
	}
	const char *key;
	json_t *value;
	json_object_foreach(obj, key, value)
	{
		snprintf(at, sizeof(at), "%s.%s", path, key);
		/* A leading "_" is how people write comments into JSON. */
		if (schema_find(part, key) == NULL && !is_section(at) && key[0] != '_')
			faults_warn(faults, at, "unknown word, kept without effect");
	}
}

static void
check_list(json_t *list, const struct schema_section *section, bool single, struct faults *faults)
{
	char at[AT_BYTES];
	if (!json_is_array(list)) {
		faults_error(faults, section->name, "must be a list");
		return;
	}
	size_t count = json_array_size(list);
	if (count > section->max) {
		faults_error(
		    faults, section->name, "has %zu entries, at most %zu", count, section->max);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (single) {
			snprintf(at, sizeof(at), "openai_to_claude_config");
		} else {
			snprintf(at, sizeof(at), "%s[%zu]", section->name, i);
		}
		check_object(json_array_get(list, i), section->part, at, faults);
	}
}

/* ---- what rows alone cannot say ---- */

/* An id or hash must be the only one of its list. */
static void
check_unique(const json_t *root, const struct schema_section *section, const char *key,
    struct faults *faults)
{
	char at[AT_BYTES];
	const json_t *list = schema_section_get(root, section->name);
	/* A list that is too long was refused, and would take long here. */
	for (size_t i = 1; i < json_array_size(list) && i < section->max; i++) {
		const char *text = json_string_value(json_object_get(json_array_get(list, i), key));
		for (size_t k = 0; text != NULL && k < i; k++) {
			const char *other =
			    json_string_value(json_object_get(json_array_get(list, k), key));
			if (other == NULL || strcasecmp(text, other) != 0)
				continue;
			snprintf(at, sizeof(at), "%s[%zu].%s", section->name, i, key);
			faults_error(
			    faults, at, "is the same as that of %s[%zu]", section->name, k);
			break;
		}
	}
}

/* The same name, or the same address in any spelling. */
static bool
same_host(const char *a, const char *b)
{
	struct in6_addr a6, b6;
	struct in_addr a4, b4;
	if (strcasecmp(a, b) == 0)
		return true;
	if (inet_pton(AF_INET6, a, &a6) == 1 && inet_pton(AF_INET6, b, &b6) == 1)
		return memcmp(&a6, &b6, sizeof(a6)) == 0;
	return inet_aton(a, &a4) != 0 && inet_aton(b, &b4) != 0 && a4.s_addr == b4.s_addr;
}

bool
config_allows_host(const json_t *root, struct view host)
{
	char text[256];
	const json_t *list =
	    json_object_get(schema_section_get(root, SCHEMA_SERVER), "allow_addresses");
	snprintf(text, sizeof(text), "%.*s", VIEW_ARGS(host));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *entry = json_string_value(json_array_get(list, i));
		if (entry != NULL && same_host(entry, text))
			return true;
	}
	return false;
}

static bool
is_this_machine(struct view host)
{
	return view_eq_nocase(host, "localhost") || view_starts(host, "127.") ||
	       view_eq_str(host, "::1");
}

static void
check_base_url(const json_t *root, const json_t *entry, const char *path, struct faults *faults)
{
	struct url url;
	struct err err;
	const char *text = json_string_value(json_object_get(entry, "base_url"));
	if (text == NULL || !url_parse_base(schema_trim(view_of(text)), &url, &err))
		return; /* said before */
	if (url_host_is_denied(url.host) && !config_allows_host(root, url.host)) {
		faults_error(faults, path,
		    "names an address that an upstream must not be "
		    "(link-local, metadata, multicast or unspecified); "
		    "server.allow_addresses can allow it");
	} else if (!url.https && !is_this_machine(url.host)) {
		faults_warn(faults, path, "http: prompts and the key travel unencrypted");
	}
}

static void
check_upstreams(
    const json_t *root, const struct schema_section *section, bool single, struct faults *faults)
{
	char at[AT_BYTES];
	const json_t *list = schema_section_get(root, section->name);
	for (size_t i = 0; i < json_array_size(list) && i < section->max; i++) {
		if (single) {
			snprintf(at, sizeof(at), "openai_to_claude_config.base_url");
		} else {
			snprintf(at, sizeof(at), "%s[%zu].base_url", section->name, i);
		}
		check_base_url(root, json_array_get(list, i), at, faults);
	}
}

/* The name of the admin token's holder is taken. */
static void
check_user_names(const json_t *root, const struct schema_section *section, struct faults *faults)
{
	char at[AT_BYTES];
	const json_t *list = schema_section_get(root, section->name);
	for (size_t i = 0; i < json_array_size(list) && i < section->max; i++) {
		const char *name =
		    json_string_value(json_object_get(json_array_get(list, i), "name"));
		snprintf(at, sizeof(at), "%s[%zu].name", section->name, i);
		if (name != NULL && strcasecmp(name, "admin") == 0)
			faults_error(faults, at, "is that of the holder of the admin token");
	}
}

/* A key that stands in a manual is no key. */
static void
check_sample_keys(const json_t *root, const struct schema_section *section, struct faults *faults)
{
	static const char *const samples[] = {"", "123", "123456", "password", "test", "demo",
	    "your-api-key", "your-api-key-1", "sk-123456", "changeme"};
	const json_t *list = schema_section_get(root, section->name);
	for (size_t i = 0; i < json_array_size(list) && i < section->max; i++) {
		const char *hex =
		    json_string_value(json_object_get(json_array_get(list, i), "sha256"));
		uint8_t hash[CRYPTO_SHA256_BYTES], sample[CRYPTO_SHA256_BYTES];
		char at[AT_BYTES];
		if (hex == NULL || !crypto_unhex(view_of(hex), hash, sizeof(hash)))
			continue;
		snprintf(at, sizeof(at), "client_keys[%zu].sha256", i);
		for (size_t k = 0; k < sizeof(samples) / sizeof(samples[0]); k++) {
			crypto_sha256(view_of(samples[k]), sample);
			if (crypto_equal(hash, sample, sizeof(hash)))
				faults_error(faults, at, "is the hash of a sample key");
		}
	}
}

static void
check_tls(const json_t *root, struct faults *faults)
{
	const json_t *tls = schema_section_get(root, SCHEMA_TLS);
	if (is_present(json_object_get(tls, "cert_file")) !=
	    is_present(json_object_get(tls, "key_file")))
		faults_error(faults, SCHEMA_TLS, "needs both cert_file and key_file");
}

/* May it be spoken to there? */
static void
check_reach(const json_t *root, const struct url *url, const char *at, struct faults *faults)
{
	if (url_host_is_denied(url->host) && !config_allows_host(root, url->host)) {
		faults_error(faults, at,
		    "names an address that is link-local, metadata, multicast or unspecified; "
		    "server.allow_addresses can allow it");
	} else if (!url->https && !is_this_machine(url->host)) {
		faults_warn(faults, at, "http: it travels unencrypted");
	}
}

static bool
is_header_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* A secret that is the address of somebody outside; a query may be part of it. */
static void
check_outside(const json_t *root, const char *part, const char *key, struct faults *faults)
{
	char at[AT_BYTES];
	struct url url;
	struct err err;
	struct view base = {0};
	const char *text = schema_text(schema_section_get(root, part), part, key);
	struct view all = schema_trim(view_of(text != NULL ? text : "")), rest = all;
	snprintf(at, sizeof(at), "%s.%s", part, key);
	if (all.len == 0)
		return;
	if (!view_split(&rest, '?', &base) || view_find_char(all, '#') >= 0 ||
	    view_find_char(all, ' ') >= 0 ||
	    (!view_starts_nocase(base, "http://") && !view_starts_nocase(base, "https://")) ||
	    !url_parse_base(base, &url, &err)) {
		faults_error(faults, at, "must be an address that begins with http:// or https://");
	} else {
		check_reach(root, &url, at, faults);
	}
}

/* "name=value,name=value": nothing of it is repeated in a fault. */
static void
check_headers(const json_t *root, struct faults *faults)
{
	static const char path[] = SCHEMA_TRACING ".headers";
	const char *text =
	    schema_text(schema_section_get(root, SCHEMA_TRACING), SCHEMA_TRACING, "headers");
	struct view rest = view_of(text != NULL ? text : ""), one;
	for (size_t i = 1; view_split(&rest, ',', &one); i++) {
		struct view name =
		    schema_trim(view_sub(one, 0, (size_t)(view_find_char(one, '=') + 1)));
		bool good = name.len > 1;
		for (size_t k = 0; good && k + 1 < name.len; k++)
			good = is_header_byte(name.data[k]);
		if (!good) {
			faults_error(faults, path, "entry %zu is not name=value", i);
			return;
		}
	}
}

static void
check_tracing(const json_t *root, struct faults *faults)
{
	struct url url;
	struct err err;
	static const char path[] = SCHEMA_TRACING ".endpoint";
	const char *text =
	    schema_text(schema_section_get(root, SCHEMA_TRACING), SCHEMA_TRACING, "endpoint");
	check_headers(root, faults);
	if (text != NULL && url_parse_base(schema_trim(view_of(text)), &url, &err))
		check_reach(root, &url, path, faults);
}

static void
check_alerts(const json_t *root, struct faults *faults)
{
	const json_t *alerts = schema_section_get(root, SCHEMA_ALERTS);
	const char *chat = schema_text(alerts, SCHEMA_ALERTS, "webhook_chat");
	const char *template = schema_text(alerts, SCHEMA_ALERTS, "webhook_template");
	check_outside(root, SCHEMA_ALERTS, "webhook_url", faults);
	if (template != NULL && strcmp(template, "telegram") == 0 &&
	    (chat == NULL || chat[0] == '\0'))
		faults_error(
		    faults, SCHEMA_ALERTS ".webhook_chat", "is needed for the template telegram");
}

/* An object that only holds sections, one for each group. */
static void
check_routing(json_t *root, struct faults *faults)
{
	json_t *routing = json_object_get(root, SCHEMA_ROUTING), *value;
	const char *key;
	char at[AT_BYTES];
	if (is_present(routing) && !json_is_object(routing))
		faults_error(faults, SCHEMA_ROUTING, "must be an object");
	json_object_foreach(routing, key, value)
	{
		snprintf(at, sizeof(at), "%s.%s", SCHEMA_ROUTING, key);
		if (!is_section(at) && key[0] != '_')
			faults_warn(faults, at, "unknown word, kept without effect");
	}
}

static void
check_section(
    json_t *root, const struct schema_section *section, bool single, struct faults *faults)
{
	json_t *part = schema_section_get(root, section->name);
	if (part == NULL)
		return;
	if (!section->list) {
		check_object(part, section->part, section->name, faults);
		return;
	}
	check_list(part, section, single, faults);
	check_unique(root, section, "id", faults);
	if (strcmp(section->part, SCHEMA_UPSTREAMS) == 0)
		check_upstreams(root, section, single, faults);
	if (strcmp(section->part, SCHEMA_USERS) == 0) {
		check_unique(root, section, "name", faults);
		check_unique(root, section, "token_sha256", faults);
		check_user_names(root, section, faults);
	}
	if (strcmp(section->part, SCHEMA_CLIENT_KEYS) == 0) {
		check_unique(root, section, "sha256", faults);
		check_sample_keys(root, section, faults);
	}
}

void
config_check(json_t *root, bool single, struct faults *faults)
{
	size_t count;
	const struct schema_section *sections = schema_sections(&count);
	const char *key;
	json_t *value;
	if (!json_is_object(root)) {
		faults_error(faults, "", "the file must hold one JSON object");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		bool old = single && strcmp(sections[i].name, "openai_to_claude_configs") == 0;
		check_section(root, &sections[i], old, faults);
	}
	check_routing(root, faults);
	check_tls(root, faults);
	check_alerts(root, faults);
	check_tracing(root, faults);
	json_object_foreach(root, key, value)
	{
		if (!is_section(key) && key[0] != '_')
			faults_warn(faults, key, "unknown word, kept without effect");
	}
}
