/* Changes of the configuration as the admin side asks for them: whole or not at all, and written
 * down. */
#include "change.h"
#include "clock.h"
#include "diff.h"
#include "edit.h"
#include "envelope.h"
#include "import.h"
#include "jget.h"
#include "log.h"
#include "mask.h"
#include "must.h"
#include "names.h"
#include "schema.h"
#include "serve_private.h"
#include "settings.h"
#include <stdio.h>
#include <string.h>

/* ---- who asks ---- */

static void
take_word(const json_t *body, const char *key, char *out, size_t out_len)
{
	const char *text = json_string_value(json_object_get(body, key));
	if (text != NULL)
		(void)snprintf(out, out_len, "%s", text);
}

struct history_who
serve_who(const json_t *body)
{
	const json_t *by = json_object_get(body, "by");
	struct history_who who = {.who = "pointsman", .role = "admin", .via = "command"};
	take_word(by, "user", who.who, sizeof(who.who));
	take_word(by, "role", who.role, sizeof(who.role));
	take_word(by, "via", who.via, sizeof(who.via));
	take_word(by, "peer", who.peer, sizeof(who.peer));
	take_word(body, "request", who.request, sizeof(who.request));
	faults_drop_cut(who.who);
	faults_drop_cut(who.peer);
	faults_drop_cut(who.request);
	return who;
}

/* ---- answers ---- */

static void
put(json_t *body, const char *key, json_t *value)
{
	MUST(value != NULL && json_object_set_new(body, key, value) == 0);
}

/* {revision, etag, version}: what holds now. */
static json_t *
present(const struct serve *serve)
{
	json_t *body = json_object();
	put(body, "revision", json_integer((json_int_t)serve->reload.revision));
	put(body, "etag", json_string(serve->reload.etag));
	put(body, "version", json_integer((json_int_t)serve->table->version));
	return body;
}

static struct answer
refuse_with(const struct serve *serve, const struct err *err)
{
	struct answer answer = serve_refuse(err);
	json_t *now = present(serve);
	MUST(json_object_update(answer.body, now) == 0);
	json_decref(now);
	return answer;
}

static struct answer
refuse_faults(const struct faults *faults)
{
	struct err err;
	const struct fault *first = faults->items;
	while (first->warning)
		first++;
	err_set(&err, ERR_CONFIG, first->path, "%s%s%s", first->path,
	    first->path[0] != '\0' ? ": " : "", first->msg);
	faults_drop_cut(err.msg);
	struct answer answer = serve_refuse(&err);
	put(answer.body, "faults", faults_encode(faults));
	return answer;
}

/* ---- may it be changed now? ---- */

/* What somebody has edited by hand meanwhile is read first, and never written over. */
static bool
is_up_to_date(struct serve *serve)
{
	return !(store_differs(&serve->reload.store) || serve->reload.err.kind != ERR_NONE) ||
	       serve_read_again(serve) != RELOAD_REFUSED;
}

static bool
is_expected(const struct serve *serve, const json_t *body, struct err *err)
{
	struct view wanted = {0};
	if (!jget_str(body, "", "if_match", &wanted, err))
		return false;
	return wanted.data == NULL || view_eq_str(wanted, serve->reload.etag) ||
	       err_set(err, ERR_STALE, "if_match",
		   "the configuration was changed meanwhile: look at it again");
}

/* ---- one change ---- */

/* What became of the entry that was edited. */
static void
put_entry(json_t *body, const json_t *root, const char *section, int64_t place)
{
	const json_t *list = section != NULL ? schema_section_get(root, section) : NULL;
	const json_t *entry = place > 0 ? json_array_get(list, (size_t)place - 1) : NULL;
	if (entry == NULL)
		return;
	put(body, "at", json_integer(place - 1));
	put(body, "id", json_incref(json_object_get(entry, "id")));
	put(body, "entry", mask_hidden(entry));
}

static void
describe(struct history_who *who, const char *action, const char *section, const char *id)
{
	(void)snprintf(who->what, sizeof(who->what), "%s%s%s%s%s", action,
	    section != NULL ? " " : "", section != NULL ? section : "", id != NULL ? " " : "",
	    id != NULL ? id : "");
	faults_drop_cut(who->what);
}

/* Checks and takes an edited document; the audit knows of it. */
static struct answer
take_change(struct serve *serve, struct change *change, const json_t *body, const char *action,
    struct history_who *who)
{
	struct err err;
	bool changed = false, dry = json_is_true(json_object_get(body, "dry_run"));
	if (!change_check(change, &serve->reload))
		return refuse_faults(&change->faults);
	if (!dry && !change_take(change, &serve->reload, who, &changed, &err))
		return refuse_with(serve, &err);
	if (changed) {
		audit_add(&serve->audit, who, action, serve->reload.revision, change->changes);
		log_msg(LOG_INFO, "config_changed", "%s by %s", who->what, who->who);
		serve_config_changed(serve);
	}
	json_t *answer = present(serve);
	put(answer, "changed", json_boolean(changed));
	put(answer, "changes", json_incref(change->changes));
	return (struct answer){MSG_OK, answer};
}

/* The same question again, whose answer was lost: it was done, and is told once more. */
static bool
was_done(const struct serve *serve, const struct history_who *who, const char *section,
    struct answer *answer)
{
	char etag[RELOAD_ETAG_BYTES];
	const struct history *history = &serve->reload.history;
	const struct history_item *item = history_asked(history, who->request);
	if (item == NULL)
		return false;
	json_t *body = present(serve), *before = history_read_before(history, item->revision);
	json_t *document = history_read(history, item->revision, NULL);
	reload_etag(item->revision, item->sha256, etag);
	put(body, "revision", json_integer((json_int_t)item->revision));
	put(body, "etag", json_string(etag));
	put(body, "changed", json_true());
	put(body, "changes",
	    document != NULL ? diff_changes(before, document, CHANGE_SHOWN_MAX) : json_array());
	put_entry(body, document, section, item->who.place);
	json_decref(before);
	json_decref(document);
	*answer = (struct answer){MSG_OK, body};
	return true;
}

/* `section`: of the entry that it is about, or NULL. */
static bool
may_change(struct serve *serve, const json_t *body, const struct history_who *who,
    const char *section, struct answer *answer)
{
	struct err err;
	if (was_done(serve, who, section, answer))
		return false;
	if (!is_up_to_date(serve)) {
		*answer = (struct answer){MSG_ERROR, reload_error_body(&serve->reload)};
		put(answer->body, "kind", json_string(err_kind_name(ERR_IO)));
		return false;
	}
	if (!is_expected(serve, body, &err)) {
		*answer = refuse_with(serve, &err);
		return false;
	}
	return true;
}

struct answer
serve_edit(struct serve *serve, const json_t *body)
{
	char stamp[25];
	struct edit edit;
	struct change change;
	struct answer answer;
	struct err err;
	int64_t at = -1;
	struct history_who who = serve_who(body);
	clock_format_utc(clock_wall_ms(), stamp);
	if (!edit_read(body, stamp, &edit, &err))
		return serve_refuse(&err);
	if (!may_change(serve, body, &who, edit.section, &answer))
		return answer;
	change_init(&change, &serve->reload);
	if (edit_apply(&change.root, &edit, &at, &err)) {
		/* A new entry's id is known when it has been checked. */
		describe(&who, edit_op_name(edit.op), edit.section, edit.id);
		who.place = at + 1;
		answer = take_change(serve, &change, body, edit_op_name(edit.op), &who);
		if (strcmp(answer.type, MSG_OK) == 0 &&
		    !json_is_true(json_object_get(body, "dry_run")) && serve->reload.config != NULL)
			put_entry(answer.body, serve->reload.config->root, edit.section, at + 1);
	} else {
		answer = refuse_with(serve, &err);
	}
	change_fini(&change);
	return answer;
}

struct answer
serve_set_token_hash(struct serve *serve, const json_t *body, const char *word, const char *hex)
{
	struct change change;
	struct answer answer;
	struct history_who who = serve_who(body);
	if (!may_change(serve, body, &who, NULL, &answer))
		return answer;
	change_init(&change, &serve->reload);
	json_t *admin = schema_section_get(change.root, SCHEMA_ADMIN);
	if (admin == NULL) {
		admin = json_object();
		put(change.root, SCHEMA_ADMIN, admin);
	}
	put(admin, word, json_string(hex));
	describe(&who, "admin", word, NULL);
	answer = take_change(serve, &change, body, "token", &who);
	change_fini(&change);
	return answer;
}

/* ---- the configuration shown ---- */

/* Without keys, and without who may do what: for others to look at. */
static json_t *
exported(const struct config *config)
{
	json_t *document = config != NULL ? json_deep_copy(config->root) : json_object();
	MUST(document != NULL);
	mask_empty(document);
	(void)json_object_del(document, SCHEMA_CLIENT_KEYS);
	(void)json_object_del(document, SCHEMA_ADMIN);
	return document;
}

struct answer
serve_get_config(struct serve *serve, const json_t *body)
{
	struct view section = {0};
	char name[64];
	struct err err;
	if (!jget_str(body, "", "section", &section, &err))
		return serve_refuse(&err);
	const struct config *config = serve->reload.config;
	json_t *answer = present(serve);
	if (section.data != NULL) {
		(void)snprintf(name, sizeof(name), "%.*s", VIEW_ARGS(section));
		const json_t *value =
		    config != NULL ? schema_section_get(config->root, name) : NULL;
		json_t *effective = settings_effective(config != NULL ? config->root : NULL, name);
		put(answer, "value", value != NULL ? mask_hidden(value) : json_null());
		if (effective != NULL) {
			mask_hide(effective);
			put(answer, "effective", effective);
		}
		return (struct answer){MSG_CONFIG, answer};
	}
	if (json_is_true(json_object_get(body, "export"))) {
		put(answer, "document", exported(config));
		return (struct answer){MSG_CONFIG, answer};
	}
	json_t *path = json_string(serve->reload.store.path);
	json_t *error = reload_error_body(&serve->reload);
	put(answer, "config_path", path != NULL ? path : json_null());
	put(answer, "config_error", error != NULL ? error : json_null());
	put(answer, "document", config != NULL ? mask_hidden(config->root) : json_object());
	return (struct answer){MSG_CONFIG, answer};
}

struct answer
serve_get_settings(struct serve *serve, const json_t *body)
{
	(void)body;
	const struct config *config = serve->reload.config;
	json_t *answer = present(serve);
	json_t *settings = settings_encode(config != NULL ? config->root : NULL);
	MUST(settings != NULL && json_object_update(answer, settings) == 0);
	json_decref(settings);
	return (struct answer){MSG_SETTINGS, answer};
}

static json_t *
warnings_of(const struct faults *faults)
{
	json_t *list = json_array();
	for (size_t i = 0; i < faults->count; i++) {
		const struct fault *fault = &faults->items[i];
		if (!fault->warning)
			continue;
		json_t *item = json_pack("{s:s, s:s}", "path", fault->path, "message", fault->msg);
		MUST(item != NULL && json_array_append_new(list, item) == 0);
	}
	return list;
}

struct answer
serve_check_config(struct serve *serve, const json_t *body)
{
	const struct edit edit = {.op = EDIT_DOCUMENT, .value = json_object_get(body, "value")};
	struct change change;
	struct err err;
	int64_t at;
	change_init(&change, &serve->reload);
	if (!edit_apply(&change.root, &edit, &at, &err)) {
		change_fini(&change);
		return serve_refuse(&err);
	}
	bool valid = change_check(&change, &serve->reload);
	json_t *answer = present(serve);
	put(answer, "valid", json_boolean(valid));
	put(answer, "faults", faults_encode(&change.faults));
	put(answer, "warnings", warnings_of(&change.faults));
	put(answer, "changes", json_incref(change.changes));
	change_fini(&change);
	return (struct answer){MSG_OK, answer};
}

/* ---- the history ---- */

struct answer
serve_get_history(struct serve *serve, const json_t *body)
{
	(void)body;
	json_t *answer = present(serve);
	put(answer, "revisions", history_encode(&serve->reload.history));
	return (struct answer){MSG_OK, answer};
}

static bool
read_revision(
    const struct serve *serve, const json_t *body, const char *key, json_t **out, struct err *err)
{
	int64_t revision = 0;
	*out = NULL;
	if (!jget_int(body, "", key, 1, INT64_MAX, &revision, err))
		return false;
	*out = history_read(&serve->reload.history, (uint64_t)revision, err);
	return *out != NULL;
}

struct answer
serve_get_revision(struct serve *serve, const json_t *body)
{
	struct err err;
	json_t *document;
	if (!read_revision(serve, body, "revision", &document, &err))
		return serve_refuse(&err);
	json_int_t number = json_integer_value(json_object_get(body, "revision"));
	const struct history_item *item = history_find(&serve->reload.history, (uint64_t)number);
	json_t *before = history_read_before(&serve->reload.history, item->revision);
	json_t *answer = json_object();
	put(answer, "revision", json_integer(number));
	put(answer, "at_ms", json_integer((json_int_t)item->at_ms));
	put(answer, "who", json_string(item->who.who));
	put(answer, "via", json_string(item->who.via));
	put(answer, "what", json_string(item->who.what));
	put(answer, "changes", diff_changes(before, document, CHANGE_SHOWN_MAX));
	mask_hide(document);
	put(answer, "document", document);
	json_decref(before);
	return (struct answer){MSG_OK, answer};
}

struct answer
serve_get_diff(struct serve *serve, const json_t *body)
{
	struct err err;
	json_t *from, *to;
	if (!read_revision(serve, body, "from", &from, &err))
		return serve_refuse(&err);
	if (json_object_get(body, "to") == NULL && serve->reload.config != NULL) {
		to = json_incref(serve->reload.config->root);
	} else if (!read_revision(serve, body, "to", &to, &err)) {
		json_decref(from);
		return serve_refuse(&err);
	}
	json_t *answer = present(serve);
	put(answer, "changes", diff_changes(from, to, CHANGE_SHOWN_MAX));
	json_decref(from);
	json_decref(to);
	return (struct answer){MSG_OK, answer};
}

/* A key that was revoked stays so: access is as it is now. */
static void
keep_access(json_t *document, const struct serve *serve)
{
	static const char *const access[] = {SCHEMA_CLIENT_KEYS, SCHEMA_ADMIN};
	for (size_t i = 0; serve->reload.config != NULL && i < 2; i++) {
		json_t *now = json_object_get(serve->reload.config->root, access[i]);
		if (now != NULL)
			MUST(json_object_set(document, access[i], now) == 0);
		else
			(void)json_object_del(document, access[i]);
	}
}

struct answer
serve_restore(struct serve *serve, const json_t *body)
{
	struct change change;
	struct answer answer;
	struct err err;
	json_t *document;
	char number[32];
	struct history_who who = serve_who(body);
	if (!may_change(serve, body, &who, NULL, &answer))
		return answer;
	if (!read_revision(serve, body, "revision", &document, &err))
		return serve_refuse(&err);
	change_init(&change, &serve->reload);
	json_decref(change.root);
	change.root = document;
	keep_access(document, serve);
	(void)snprintf(number, sizeof(number), "%lld",
	    (long long)json_integer_value(json_object_get(body, "revision")));
	describe(&who, "restore", number, NULL);
	answer = take_change(serve, &change, body, "restore", &who);
	change_fini(&change);
	return answer;
}

/* ---- files of other programs ---- */

/* What each item is, masked, and whether it is new; the new ones go into the change. */
static json_t *
take_items(const struct import *import, json_t *root)
{
	json_t *out = json_array();
	for (size_t i = 0; i < json_array_size(import->items); i++) {
		const json_t *item = json_array_get(import->items, i);
		bool fresh = !import_is_there(root, item);
		json_t *shown = mask_hidden(item);
		put(shown, "fresh", json_boolean(fresh));
		MUST(json_array_append_new(out, shown) == 0);
		if (fresh)
			import_add(root, item);
	}
	return out;
}

static struct answer
import_items(struct serve *serve, const struct import *import, const json_t *body)
{
	struct change change;
	struct history_who who = serve_who(body);
	json_t *asked = json_copy((json_t *)(uintptr_t)body);
	bool apply = json_is_true(json_object_get(body, "apply"));
	change_init(&change, &serve->reload);
	json_t *items = take_items(import, change.root);
	describe(&who, "import", import->format, NULL);
	put(asked, "dry_run", json_boolean(!apply));
	struct answer answer = take_change(serve, &change, asked, "import", &who);
	put(answer.body, "format", json_string(import->format));
	put(answer.body, "items", items);
	put(answer.body, "skipped", json_incref(import->skipped));
	change_fini(&change);
	json_decref(asked);
	return answer;
}

/* What came in then is what was new before. */
static void
put_items_again(const struct serve *serve, const struct import *import,
    const struct history_who *who, struct answer *answer)
{
	const struct history *history = &serve->reload.history;
	json_t *before =
	    history_read_before(history, history_asked(history, who->request)->revision);
	put(answer->body, "format", json_string(import->format));
	put(answer->body, "items", take_items(import, before));
	put(answer->body, "skipped", json_incref(import->skipped));
	json_decref(before);
}

struct answer
serve_import(struct serve *serve, const json_t *body)
{
	struct import import;
	struct answer answer;
	struct err err;
	struct view text = {0}, format = {0};
	struct history_who who = serve_who(body);
	if (!jget_str(body, "", "text", &text, &err) ||
	    !jget_str(body, "", "format", &format, &err))
		return serve_refuse(&err);
	bool may = may_change(serve, body, &who, NULL, &answer);
	if (!may && strcmp(answer.type, MSG_OK) != 0)
		return answer;
	if (!import_read(text, json_string_value(json_object_get(body, "format")), &import, &err)) {
		if (!may)
			json_decref(answer.body);
		return refuse_with(serve, &err);
	}
	if (may)
		answer = import_items(serve, &import, body);
	else
		put_items_again(serve, &import, &who, &answer);
	import_fini(&import);
	return answer;
}

struct answer
serve_get_audit(struct serve *serve, const json_t *body)
{
	struct err err;
	json_t *answer = audit_query(&serve->audit, body, &err);
	return answer != NULL ? (struct answer){MSG_OK, answer} : serve_refuse(&err);
}
