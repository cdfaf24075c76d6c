#include "ids.h"
#include "bytes.h"
#include "config.h"
#include "crypto.h"
#include "jget.h"
#include "mem.h"
#include "must.h"
#include "schema.h"
#include <stdio.h>
#include <string.h>

#define ID_BYTES 96 /* a written id has at most 64 */

static const char *
id_of(const json_t *entry)
{
	return json_string_value(json_object_get(entry, "id"));
}

static bool
is_taken(const json_t *list, const char *id)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *other = id_of(json_array_get(list, i));
		if (other != NULL && strcasecmp(other, id) == 0)
			return true;
	}
	return false;
}

/* ---- what an id is made from ---- */

static void
hash_text(struct view text, char out[ID_BYTES])
{
	uint8_t hash[CRYPTO_SHA256_BYTES];
	crypto_sha256(text, hash);
	crypto_hex(hash, 4, out);
}

static const char *
label_of(const struct schema_section *section)
{
	for (unsigned i = 0; i < GROUP_COUNT; i++) {
		if (strcmp(config_list((enum group)i)->name, section->name) == 0)
			return config_list((enum group)i)->label;
	}
	return "";
}

static void
make_for_upstream(
    const struct schema_section *section, const json_t *entry, size_t index, char out[ID_BYTES])
{
	const char *name = schema_text(entry, SCHEMA_UPSTREAMS, "name");
	struct view base_url =
	    schema_trim(view_of(schema_text(entry, SCHEMA_UPSTREAMS, "base_url")));
	struct bytes text;
	bytes_init(&text, CONFIG_BYTES_MAX);
	bool ok = name != NULL ? bytes_append_str(&text, name)
			       : bytes_printf(&text, "%s-%zu", label_of(section), index + 1);
	MUST(ok && bytes_append_char(&text, '\n') && bytes_append_view(&text, base_url));
	hash_text(bytes_view(&text), out);
	bytes_fini(&text);
}

static void
make_for_other(const struct schema_section *section, const json_t *entry, char out[ID_BYTES])
{
	size_t len;
	const char *hash = json_string_value(json_object_get(entry, "sha256"));
	if (strcmp(section->part, SCHEMA_CLIENT_KEYS) == 0 && hash != NULL) {
		(void)snprintf(out, ID_BYTES, "key-%.8s", hash);
		return;
	}
	char *text = jget_dump(entry, &len);
	hash_text(view_make(text, len), out);
	crypto_wipe(text, len);
	mem_free(text);
}

/* ---- the lists ---- */

static void
stamp(const struct schema_section *section, const json_t *list, size_t index)
{
	char base[ID_BYTES], id[ID_BYTES + 24];
	json_t *entry = json_array_get(list, index);
	if (id_of(entry) != NULL || !json_is_object(entry))
		return;
	if (strcmp(section->part, SCHEMA_UPSTREAMS) == 0)
		make_for_upstream(section, entry, index, base);
	else
		make_for_other(section, entry, base);
	(void)snprintf(id, sizeof(id), "%s", base);
	for (unsigned n = 2; is_taken(list, id); n++)
		(void)snprintf(id, sizeof(id), "%s-%u", base, n);
	MUST(json_object_set_new(entry, "id", json_string(id)) == 0);
}

void
ids_stamp(json_t *root)
{
	size_t count;
	const struct schema_section *sections = schema_sections(&count);
	for (size_t i = 0; i < count; i++) {
		const json_t *list = schema_section_get(root, sections[i].name);
		if (!sections[i].list || !json_is_array(list))
			continue;
		for (size_t k = 0; k < json_array_size(list); k++)
			stamp(&sections[i], list, k);
	}
}
