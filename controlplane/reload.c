#include "reload.h"
#include "crypto.h"
#include "fileio.h"
#include "jget.h"
#include "keys.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include "schema.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *
what_serves(const struct reload *reload)
{
	switch (reload->source) {
	case RELOAD_FILE:
		return "the one before serves on";
	case RELOAD_GOOD:
		return "the last good copy (all_configs.json.good) serves";
	case RELOAD_NONE:
		break;
	}
	return "no upstream serves";
}

/* ---- taking one ---- */

static void
not_kept(struct reload *reload, const char *event, const struct err *err)
{
	log_err(LOG_ERROR, event, err);
	reload->err = *err;
	reload->so = "the configuration serves, but is not saved";
}

/* Prints and saves `config`. What cannot be saved still serves: keys that are in memory only are
 * better than none, and the state tells. */
static bool
save(struct reload *reload, struct config *config, struct bytes *text)
{
	bytes_clear(text);
	struct err err;
	if (!config_print(config->root, text)) {
		err_set(&err, ERR_LIMIT, reload->store.path, "has no room for the keys");
	} else if (store_write(&reload->store, bytes_view(text), &err)) {
		return true;
	}
	not_kept(reload, "config_not_saved", &err);
	return false;
}

/* The good copy, or where that is damaged the newest revision of the history; NULL when neither is
 * sound. `text` is what it was made of. */
static struct config *
last_good(struct reload *reload, struct bytes *text)
{
	struct err err;
	struct config *config = NULL;
	struct faults faults = {0};
	const struct history_item *newest = history_newest(&reload->history);
	bool ok = store_read_good(&reload->store, text, &err);
	if (!ok) {
		log_err(LOG_ERROR, "good_copy_unreadable", &err);
		bytes_clear(text);
		ok = newest != NULL && history_text(&reload->history, newest->revision, text, &err);
	}
	if (ok && !config_parse(bytes_view(text), &config, &faults))
		log_msg(LOG_ERROR, "good_copy_bad", "it has %zu faults", faults.errors);
	faults_fini(&faults);
	return config;
}

/* Takes over the access words of the one before, which at a start is the last good one: a restart
 * locks nobody out that a reload would not. */
static bool
adopt_access(struct reload *reload, struct config *config)
{
	if (reload->config != NULL)
		return config_adopt_access(config, reload->config);
	uint8_t hash[CRYPTO_SHA256_BYTES];
	bool has_all = schema_section_get(config->root, SCHEMA_CLIENT_KEYS) != NULL &&
		       config_admin_sha256(config, hash);
	if (has_all ||
	    (!store_has_good(&reload->store) && history_newest(&reload->history) == NULL))
		return false;
	struct bytes text;
	bytes_init(&text, CONFIG_BYTES_MAX);
	struct config *before = last_good(reload, &text);
	bool adopted = before != NULL && config_adopt_access(config, before);
	config_free(before);
	store_wipe(&text);
	return adopted;
}

/* Gives a configuration without access words those of the one before, or new ones. False when that
 * is not saved. */
static bool
ensure_access(struct reload *reload, struct config *config, struct bytes *text, bool is_new)
{
	struct err err;
	bool minted = false;
	bool adopted = adopt_access(reload, config);
	if (!keys_ensure(config, reload->state_dir, &minted, &err))
		not_kept(reload, "keys_not_written", &err);
	if (minted) {
		log_msg(LOG_INFO, "keys_minted", "see %s and %s in the state folder",
		    KEYS_CLIENT_FILE, KEYS_ADMIN_FILE);
	}
	reload->minted = reload->minted || minted;
	return (!is_new && !minted && !adopted) || save(reload, config, text);
}

/* Parses `text`; NULL and reload->err when it is refused. */
static struct config *
parse(struct reload *reload, const struct bytes *text)
{
	struct config *config;
	struct faults *faults = &reload->faults;
	faults_fini(faults);
	bool ok = config_parse(bytes_view(text), &config, faults);
	faults_log(faults);
	reload->store.refused = !ok;
	if (ok) {
		reload->err.kind = ERR_NONE;
		return config;
	}
	const struct fault *first = faults->items;
	while (first->warning)
		first++;
	if (faults->syntax) {
		err_set(&reload->err, ERR_PARSE, first->path, "%s: %s", first->path, first->msg);
	} else {
		err_set(&reload->err, ERR_CONFIG, first->path, "%zu fault%s, the first: %s %s",
		    faults->errors, faults->errors > 1 ? "s" : "", first->path, first->msg);
	}
	return NULL;
}

void
reload_etag(uint64_t revision, const uint8_t sha256[32], char out[RELOAD_ETAG_BYTES])
{
	char hex[9];
	crypto_hex(sha256, 4, hex);
	(void)snprintf(out, RELOAD_ETAG_BYTES, "%" PRIu64 "-%s", revision, hex);
}

static void
serve(struct reload *reload, struct config *config, enum reload_source source, struct view text)
{
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	config_free(reload->config);
	reload->config = config;
	reload->source = source;
	reload->revision = reload->store.revision;
	crypto_sha256(text, sha256);
	reload_etag(reload->revision, sha256, reload->etag);
}

/* What serves now, for those who look later. Not once more after a restart. */
static void
keep(struct reload *reload, struct view text, const struct history_who *who)
{
	struct err err;
	const struct history_item *newest = history_newest(&reload->history);
	if (!store_write_good(&reload->store, text, &err))
		log_err(LOG_WARN, "good_copy_not_kept", &err);
	if (newest != NULL && newest->revision == reload->revision)
		return;
	if (!history_add(&reload->history, reload->revision, text, who, &err))
		log_err(LOG_WARN, "history_not_kept", &err);
}

/* The text of the file, or of a first start. */
static bool
take(struct reload *reload, struct bytes *text, bool is_new)
{
	struct history_who who = {.who = "file", .via = "file", .what = "the file was edited"};
	struct config *config = parse(reload, text);
	if (config == NULL)
		return false;
	if (reload->config == NULL)
		who = (struct history_who){.who = "pointsman", .via = "start", .what = "start"};
	bool saved = ensure_access(reload, config, text, is_new);
	serve(reload, config, RELOAD_FILE, bytes_view(text));
	/* A copy of a file that never was would make the next start take it for a vanished one. */
	if (saved || !is_new)
		keep(reload, bytes_view(text), &who);
	return true;
}

/* ---- start ---- */

static void
first_start(struct reload *reload)
{
	struct bytes text;
	bytes_init(&text, CONFIG_BYTES_MAX);
	json_t *root = schema_first_document();
	char *dump = jget_dump(root, NULL);
	MUST(bytes_append_str(&text, dump));
	mem_free(dump);
	json_decref(root);
	log_msg(LOG_INFO, "first_start", "there is no configuration: one is made");
	MUST(take(reload, &text, true));
	store_wipe(&text);
}

/* The file is bad: whatever it says, nobody may lose service by a restart. */
static void
serve_good_copy(struct reload *reload)
{
	struct bytes text;
	bytes_init(&text, CONFIG_BYTES_MAX);
	struct config *config = last_good(reload, &text);
	if (config != NULL)
		serve(reload, config, RELOAD_GOOD, bytes_view(&text));
	store_wipe(&text);
}

static enum reload_result
read_file(struct reload *reload)
{
	struct bytes text;
	bool changed = false;
	enum reload_result result = RELOAD_REFUSED;
	bytes_init(&text, CONFIG_BYTES_MAX);
	if (!store_read(&reload->store, &text, &changed, &reload->err))
		faults_fini(&reload->faults);
	else if (!changed && reload->err.kind == ERR_NONE && reload->config != NULL)
		result = RELOAD_SAME;
	else if (take(reload, &text, false))
		result = RELOAD_CHANGED;
	store_wipe(&text);
	return result;
}

/* The file is refused: why, and what follows. */
static void
tell(struct reload *reload)
{
	reload->so = what_serves(reload);
	log_err(LOG_ERROR, "config_refused", &reload->err);
	log_msg(LOG_ERROR, "config_refused", "%s", reload->so);
}

static bool
has_hash(const struct bytes *text, const uint8_t sha256[32])
{
	uint8_t hash[CRYPTO_SHA256_BYTES];
	crypto_sha256(bytes_view(text), hash);
	return memcmp(hash, sha256, sizeof(hash)) == 0;
}

/* A change is written down before it is made: this one was not, for neither the file nor the good
 * copy is it. Whoever asked for it asks again. */
static bool
was_never_made(struct reload *reload, const struct history_item *newest)
{
	struct bytes file, good;
	struct err err;
	bytes_init(&file, CONFIG_BYTES_MAX);
	bytes_init(&good, CONFIG_BYTES_MAX);
	bool is_good =
	    !store_read_good(&reload->store, &good, &err) || has_hash(&good, newest->sha256);
	bool is_file =
	    fileio_read(reload->store.path, &file, &err) && has_hash(&file, newest->sha256);
	store_wipe(&file);
	store_wipe(&good);
	return !is_good && !is_file;
}

static void
open_history(struct reload *reload)
{
	struct err err;
	char folder[STORE_PATH_BYTES];
	(void)snprintf(folder, sizeof(folder), "%s", reload->store.path);
	*strrchr(folder, '/') = '\0';
	if (!history_open(&reload->history, folder, &err)) {
		reload->history.folder[0] = '\0';
		log_err(LOG_WARN, "history_not_kept", &err);
	}
	const struct history_item *newest = history_newest(&reload->history);
	if (newest != NULL && newest->who.request[0] != '\0' && was_never_made(reload, newest)) {
		history_drop_newest(&reload->history);
		newest = history_newest(&reload->history);
	}
	if (newest != NULL)
		store_expect(&reload->store, newest->revision, newest->sha256);
}

bool
reload_start(struct reload *reload, const char *state_dir, struct err *err)
{
	*reload = (struct reload){.state_dir = state_dir};
	if (!store_open(&reload->store, state_dir, err))
		return false;
	open_history(reload);
	if (!store_exists(&reload->store) && !store_has_good(&reload->store)) {
		first_start(reload);
	} else if (read_file(reload) == RELOAD_REFUSED) {
		if (store_has_good(&reload->store) || history_newest(&reload->history) != NULL)
			serve_good_copy(reload);
		tell(reload);
	}
	return true;
}

enum reload_result
reload_again(struct reload *reload)
{
	enum reload_result result = read_file(reload);
	if (result == RELOAD_REFUSED)
		tell(reload);
	return result;
}

bool
reload_take(struct reload *reload, struct config *config, struct view text,
    const struct history_who *who, struct err *err)
{
	struct err why;
	/* First: who asks again after a crash is told what came of it, and it is not done twice. */
	bool noted = history_add(&reload->history, reload->store.revision + 1, text, who, &why);
	if (!store_write(&reload->store, text, err)) {
		if (noted && reload->history.count > 0)
			history_drop_newest(&reload->history);
		return false;
	}
	reload->err.kind = ERR_NONE;
	serve(reload, config, RELOAD_FILE, text);
	keep(reload, text, who);
	return true;
}

json_t *
reload_error_body(const struct reload *reload)
{
	if (reload->err.kind == ERR_NONE)
		return NULL;
	json_t *faults = faults_encode(&reload->faults);
	if (json_array_size(faults) == 0) {
		struct faults one = {0};
		faults_error(&one, reload->err.at, "%s", reload->err.msg);
		json_decref(faults);
		faults = faults_encode(&one);
		faults_fini(&one);
	}
	char message[sizeof(reload->err.msg) + 128];
	struct err err = reload->err;
	faults_drop_cut(err.msg);
	snprintf(message, sizeof(message), "%s; %s", err.msg, reload->so);
	json_t *body = json_pack("{s:s, s:s, s:o}", "kind", err_kind_name(reload->err.kind),
	    "message", message, "faults", faults);
	MUST(body != NULL);
	return body;
}

void
reload_fini(struct reload *reload)
{
	config_free(reload->config);
	faults_fini(&reload->faults);
	*reload = (struct reload){0};
}
