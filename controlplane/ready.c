#include "ready.h"
#include "assemble.h"
#include "fileio.h"
#include "jget.h"
#include "keys.h"
#include "mem.h"
#include "must.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* Absolute where it can be: the reader may stand in another folder. */
static json_t *
path_in(const char *state_dir, const char *name)
{
	char full[PATH_MAX], path[PATH_MAX + 32];
	const char *folder = realpath(state_dir, full) != NULL ? full : state_dir;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	json_t *text = json_string(path);
	return text != NULL ? text : json_string(name);
}

/* What clients call, and the group that serves it; nothing for a group without upstreams. */
static json_t *
encode_routes(const struct table *table)
{
	static const struct {
		const char *path;
		enum group group;
	} routes[] = {
	    {"/v1/messages", GROUP_CLAUDE},
	    {"/v1/responses", GROUP_CODEX},
	    {"/openai/responses", GROUP_CODEX},
	    {"/v1/chat/completions", GROUP_CHAT},
	    {"/v1/chat/completions", GROUP_CHAT_VIA_CLAUDE},
	};
	json_t *out = json_array();
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (table->groups[routes[i].group].count == 0)
			continue;
		MUST(json_array_append_new(out, json_pack("{s:s, s:s}", "path", routes[i].path,
						    "group", group_name(routes[i].group))) == 0);
	}
	return out;
}

static json_t *
encode_upstreams(const struct table *table)
{
	json_t *out = json_array();
	for (unsigned i = 0; i < GROUP_COUNT; i++) {
		const struct upstream_list *list = &table->groups[i];
		for (size_t k = 0; k < list->count; k++) {
			const struct upstream_entry *entry = &list->entries[k];
			json_t *item = json_pack("{s:s, s:i, s:s, s:s, s:s, s:b}", "group",
			    group_name((enum group)i), "rank", (int)assemble_rank(list, k), "name",
			    entry->name, "tier", entry->tier == TIER_BACKUP ? "backup" : "primary",
			    "base_url", entry->base_url, "demo", (int)entry->demo);
			MUST(json_array_append_new(out, item) == 0);
		}
	}
	return out;
}

bool
ready_write(const char *run_dir, const char *state_dir, bool minted, const struct table *table,
    struct err *err)
{
	char path[PATH_MAX];
	int path_len = snprintf(path, sizeof(path), "%s/ready.json", run_dir);
	if (path_len < 0 || (size_t)path_len >= sizeof(path))
		return err_set(err, ERR_LIMIT, "--run-dir", "the path is too long");
	json_t *body = json_pack("{s:b, s:o, s:o, s:o, s:o}", "minted", (int)minted,
	    "client_key_file", path_in(state_dir, KEYS_CLIENT_FILE), "admin_token_file",
	    path_in(state_dir, KEYS_ADMIN_FILE), "routes", encode_routes(table), "upstreams",
	    encode_upstreams(table));
	MUST(body != NULL);
	size_t len;
	char *text = jget_dump(body, &len);
	json_decref(body);
	bool ok = fileio_write(path, view_make(text, len), 0600, err);
	mem_free(text);
	return ok;
}
