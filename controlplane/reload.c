#include "reload.h"
#include "crypto.h"
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
static void
save(struct reload *reload, struct config *config, struct bytes *text)
{
	bytes_clear(text);
	struct err err;
	if (!config_print(config->root, text)) {
		err_set(&err, ERR_LIMIT, reload->store.path, "has no room for the keys");
	} else if (store_write(&reload->store, bytes_view(text), &err)) {
		return;
	}
	not_kept(reload, "config_not_saved", &err);
}

/* Gives a configuration without access words those of the one before, or new ones. */
static void
ensure_access(struct reload *reload, struct config *config, struct bytes *text, bool is_new)
{
	struct err err;
	bool minted = false;
	bool adopted = reload->config != NULL && config_adopt_access(config, reload->config);
	if (!keys_ensure(config, reload->state_dir, &minted, &err))
		not_kept(reload, "keys_not_written", &err);
	if (minted) {
		log_msg(LOG_INFO, "keys_minted", "see %s and %s in the state folder",
		    KEYS_CLIENT_FILE, KEYS_ADMIN_FILE);
	}
	reload->minted = reload->minted || minted;
	if (is_new || minted || adopted)
		save(reload, config, text);
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

static void
serve(struct reload *reload, struct config *config, enum reload_source source, struct view text)
{
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	char hex[9];
	config_free(reload->config);
	reload->config = config;
	reload->source = source;
	reload->revision = reload->store.revision;
	crypto_sha256(text, sha256);
	crypto_hex(sha256, 4, hex);
	(void)snprintf(reload->etag, sizeof(reload->etag), "%" PRIu64 "-%s", reload->revision, hex);
}

static void
keep_good(struct reload *reload, struct view text)
{
	struct err err;
	if (!store_write_good(&reload->store, text, &err))
		log_err(LOG_WARN, "good_copy_not_kept", &err);
}

/* What serves now, for those who look later. Not once more after a restart. */
static void
keep(struct reload *reload, struct view text, const struct history_who *who)
{
	struct err err;
	const struct history_item *newest = history_newest(&reload->history);
	keep_good(reload, text);
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
	ensure_access(reload, config, text, is_new);
	serve(reload, config, RELOAD_FILE, bytes_view(text));
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
	struct err err;
	struct config *config;
	struct faults faults = {0};
	bytes_init(&text, CONFIG_BYTES_MAX);
	if (!store_read_good(&reload->store, &text, &err)) {
		log_err(LOG_ERROR, "good_copy_unreadable", &err);
	} else if (!config_parse(bytes_view(&text), &config, &faults)) {
		log_msg(LOG_ERROR, "good_copy_bad", "it has %zu faults", faults.errors);
	} else {
		serve(reload, config, RELOAD_GOOD, bytes_view(&text));
	}
	faults_fini(&faults);
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
is_text_of(const struct history_item *item, struct bytes *text)
{
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	crypto_sha256(bytes_view(text), sha256);
	return memcmp(sha256, item->sha256, sizeof(sha256)) == 0;
}

/* The process before this one died after it had written down a revision and before it saved the
 * file: the file and its good copy are the revision before. */
static void
drop_untaken(struct reload *reload)
{
	struct bytes file, good;
	struct err err;
	struct history *history = &reload->history;
	if (history->count < 2)
		return;
	const struct history_item *newest = &history->items[history->count - 1];
	bytes_init(&file, CONFIG_BYTES_MAX);
	bytes_init(&good, CONFIG_BYTES_MAX);
	if (store_exists(&reload->store) && store_peek(&reload->store, &file, &err) &&
	    store_read_good(&reload->store, &good, &err) && is_text_of(newest - 1, &file) &&
	    !is_text_of(newest, &file) && !is_text_of(newest, &good))
		history_drop_newest(history);
	store_wipe(&file);
	store_wipe(&good);
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
	drop_untaken(reload);
	const struct history_item *newest = history_newest(&reload->history);
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
		if (store_has_good(&reload->store))
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
	bool noted = history_add(&reload->history, reload->store.revision + 1, text, who, &why);
	if (!noted)
		log_err(LOG_WARN, "history_not_kept", &why);
	if (!store_write(&reload->store, text, err)) {
		if (noted && reload->history.folder[0] != '\0')
			history_drop_newest(&reload->history);
		return false;
	}
	reload->err.kind = ERR_NONE;
	serve(reload, config, RELOAD_FILE, text);
	keep_good(reload, text);
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
