#include "banner.h"
#include "fileio.h"
#include "grid.h"
#include "jget.h"
#include "must.h"

#define TOKEN_BYTES_MAX 1024

struct facts {
	bool minted;
	struct view key_file, token_file;
	const json_t *routes, *upstreams;
	unsigned port, admin_port;
};

static bool
read_facts(const json_t *ready, struct facts *facts, struct err *err)
{
	if (!jget_bool(ready, "", "minted", &facts->minted, err) ||
	    !jget_str(ready, "", "client_key_file", &facts->key_file, err) ||
	    !jget_str(ready, "", "admin_token_file", &facts->token_file, err) ||
	    !jget_array(ready, "", "routes", &facts->routes, err) ||
	    !jget_array(ready, "", "upstreams", &facts->upstreams, err))
		return false;
	if (facts->key_file.len == 0 || facts->token_file.len == 0)
		return err_set(err, ERR_PEER, "ready.json", "names no key files");
	return true;
}

static bool
print_routes(const struct facts *facts, struct bytes *out, struct err *err)
{
	struct grid grid;
	grid_init(&grid, 2);
	bool ok = true;
	for (size_t i = 0; ok && i < json_array_size(facts->routes); i++) {
		const json_t *route = json_array_get(facts->routes, i);
		struct view path = {0}, group = {0};
		ok = jget_str(route, "routes", "path", &path, err) &&
		     jget_str(route, "routes", "group", &group, err);
		grid_add(&grid, "%.*s", VIEW_ARGS(path));
		grid_add(&grid, "%.*s", VIEW_ARGS(group));
	}
	MUST(bytes_printf(out, "Routes on http://localhost:%u\n", facts->port));
	grid_print(&grid, 2, out);
	grid_fini(&grid);
	return ok;
}

static bool
print_upstreams(const struct facts *facts, struct bytes *out, struct err *err)
{
	struct grid grid;
	grid_init(&grid, 5);
	bool ok = true;
	for (size_t i = 0; ok && i < json_array_size(facts->upstreams); i++) {
		const json_t *entry = json_array_get(facts->upstreams, i);
		struct view group = {0}, name = {0}, tier = {0}, url = {0};
		int64_t rank = 0;
		bool demo = false;
		ok = jget_str(entry, "upstreams", "group", &group, err) &&
		     jget_str(entry, "upstreams", "name", &name, err) &&
		     jget_str(entry, "upstreams", "tier", &tier, err) &&
		     jget_str(entry, "upstreams", "base_url", &url, err) &&
		     jget_int(entry, "upstreams", "rank", 0, INT32_MAX, &rank, err) &&
		     jget_bool(entry, "upstreams", "demo", &demo, err);
		grid_add(&grid, "%.*s", VIEW_ARGS(group));
		grid_add(&grid, "%d", (int)rank);
		grid_add(&grid, "%.*s", VIEW_ARGS(tier));
		grid_add(&grid, "%.*s", VIEW_ARGS(name));
		grid_add(&grid, "%.*s%s", VIEW_ARGS(url), demo ? " (built-in demo)" : "");
	}
	MUST(bytes_append_str(out, "\nUpstreams, in the order they are tried\n"));
	if (json_array_size(facts->upstreams) == 0)
		MUST(bytes_printf(
		    out, "  none yet: add one at http://localhost:%u/\n", facts->admin_port));
	grid_print(&grid, 2, out);
	grid_fini(&grid);
	return ok;
}

/* Commands read the key from its file, so that it does not get into a shell's history. */
static void
print_tools(const struct facts *facts, struct bytes *out)
{
	const unsigned port = facts->port;
	struct bytes key;
	bytes_init(&key, 8192);
	MUST(bytes_append_str(&key, "\"$(cat '"));
	grid_clean(&key, facts->key_file);
	MUST(bytes_append_str(&key, "')\""));
	const char *cat = bytes_str(&key);
	MUST(bytes_printf(out,
	    "\nClaude Code\n"
	    "  ANTHROPIC_BASE_URL=http://localhost:%u ANTHROPIC_AUTH_TOKEN=%s claude\n"
	    "\nCodex: in ~/.codex/config.toml\n"
	    "  model_provider = \"pointsman\"\n"
	    "  [model_providers.pointsman]\n"
	    "  name = \"Pointsman\"\n"
	    "  base_url = \"http://localhost:%u/openai\"\n"
	    "  wire_api = \"responses\"\n"
	    "  env_key = \"POINTSMAN_KEY\"\n"
	    " then\n"
	    "  POINTSMAN_KEY=%s codex\n"
	    "\nOpenAI SDKs\n"
	    "  OPENAI_BASE_URL=http://localhost:%u/v1 OPENAI_API_KEY=%s\n"
	    "\ncurl\n"
	    "  curl -N http://localhost:%u/v1/messages -H 'x-api-key: '%s \\\n"
	    "    -H 'content-type: application/json' -H 'anthropic-version: 2023-06-01' \\\n"
	    "    -d '{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":100,\"stream\":true,"
	    "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}'\n",
	    port, cat, port, cat, port, cat, port, cat));
	bytes_fini(&key);
}

static bool
print_secret(const char *label, struct view file, bool clear, struct bytes *out, struct err *err)
{
	struct bytes path, token;
	bytes_init(&path, 4096);
	bytes_init(&token, TOKEN_BYTES_MAX);
	MUST(bytes_append_view(&path, view_sub(file, 0, 4096)));
	bool ok = !clear || fileio_read(bytes_str(&path), &token, err);
	struct view value = bytes_view(&token);
	while (value.len > 0 && (unsigned char)value.data[value.len - 1] <= ' ')
		value.len--;
	MUST(bytes_printf(out, "%s", label));
	if (ok && clear) {
		grid_clean(out, value);
		MUST(bytes_append_str(out, "  (shown this once; kept in "));
	}
	grid_clean(out, file);
	MUST(bytes_append_str(out, clear ? ")\n" : "\n"));
	bytes_fini(&path);
	bytes_fini(&token);
	return ok;
}

bool
banner_print(
    const json_t *ready, uint16_t port, uint16_t admin_port, struct bytes *out, struct err *err)
{
	struct facts facts = {.port = port, .admin_port = admin_port};
	if (!read_facts(ready, &facts, err))
		return false;
	MUST(bytes_append_str(out, "\nPointsman " PM_VERSION " is ready.\n\n"));
	if (!print_routes(&facts, out, err) || !print_upstreams(&facts, out, err))
		return false;
	print_tools(&facts, out);
	MUST(bytes_printf(out, "\nAdmin pages  http://localhost:%u/\n", admin_port));
	return print_secret("Client key   ", facts.key_file, facts.minted, out, err) &&
	       print_secret("Admin token  ", facts.token_file, facts.minted, out, err);
}
