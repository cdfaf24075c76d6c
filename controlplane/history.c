#include "history.h"
#include "bytes.h"
#include "clock.h"
#include "config.h"
#include "crypto.h"
#include "fileio.h"
#include "jget.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include "state_file.h"
#include "store.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 1100
#define FILE_BYTES_MAX (CONFIG_BYTES_MAX + 4096)
#define HEAD_BYTES_MAX 4096
#define HEAD_MEMBERS 8 /* without the hash of what follows */

static void
path_of(const struct history *history, uint64_t revision, char out[PATH_BYTES])
{
	(void)snprintf(out, PATH_BYTES, "%s/%" PRIu64 ".json", history->folder, revision);
}

/* ---- one file: a line about it, then the configuration as it was ---- */

static bool
read_file(const struct history *history, uint64_t revision, struct bytes *out, struct err *err)
{
	char path[PATH_BYTES];
	path_of(history, revision, path);
	bytes_init(out, FILE_BYTES_MAX);
	return fileio_read(path, out, err);
}

/* The head has the hash of the document, but in files of earlier versions. */
static bool
is_whole(const json_t *head, struct view document)
{
	uint8_t hash[CRYPTO_SHA256_BYTES], wanted[CRYPTO_SHA256_BYTES];
	const char *hex = json_string_value(json_object_get(head, "document"));
	if (hex == NULL)
		return json_object_size(head) == HEAD_MEMBERS;
	crypto_sha256(document, hash);
	return crypto_unhex(view_of(hex), wanted, sizeof(wanted)) &&
	       memcmp(hash, wanted, sizeof(hash)) == 0;
}

static bool
split_file(const struct bytes *text, json_t **head, struct view *document, struct err *err)
{
	struct view rest = bytes_view(text), line;
	*head = NULL;
	*document = (struct view){0};
	struct err why;
	bool ok = view_split(&rest, '\n', &line) && jget_parse(line, head, &why) &&
		  state_unseal(*head, &why) && is_whole(*head, rest);
	if (!ok)
		return err_set(err, ERR_PARSE, "history", "a file of the history is damaged");
	*document = rest;
	return true;
}

static void
take_text(const json_t *head, const char *key, char *out, size_t out_len)
{
	const char *text = json_string_value(json_object_get(head, key));
	(void)snprintf(out, out_len, "%s", text != NULL ? text : "");
}

static void
take_head(const json_t *head, struct view document, struct history_item *out)
{
	out->revision = (uint64_t)json_integer_value(json_object_get(head, "revision"));
	out->at_ms = json_integer_value(json_object_get(head, "at_ms"));
	out->bytes = document.len;
	take_text(head, "who", out->who.who, sizeof(out->who.who));
	take_text(head, "role", out->who.role, sizeof(out->who.role));
	take_text(head, "via", out->who.via, sizeof(out->who.via));
	take_text(head, "peer", out->who.peer, sizeof(out->who.peer));
	take_text(head, "request", out->who.request, sizeof(out->who.request));
	take_text(head, "what", out->who.what, sizeof(out->who.what));
	out->who.place = json_integer_value(json_object_get(head, "place"));
	crypto_sha256(document, out->sha256);
}

static bool
load_item(const struct history *history, uint64_t revision, struct history_item *out)
{
	struct bytes text;
	struct view document;
	struct err err;
	json_t *head = NULL;
	*out = (struct history_item){0};
	bool ok =
	    read_file(history, revision, &text, &err) && split_file(&text, &head, &document, &err);
	if (ok) {
		take_head(head, document, out);
		ok = out->revision == revision;
	} else {
		log_err(LOG_WARN, "history_unreadable", &err);
	}
	json_decref(head);
	store_wipe(&text);
	return ok;
}

/* ---- the folder ---- */

static void
drop_oldest(struct history *history)
{
	char path[PATH_BYTES];
	path_of(history, history->items[0].revision, path);
	(void)unlink(path);
	history->count--;
	memmove(&history->items[0], &history->items[1], history->count * sizeof(history->items[0]));
}

static void
make_room(struct history *history, size_t bytes)
{
	for (size_t i = 0; i < history->count; i++)
		bytes += history->items[i].bytes;
	while (history->count > 0 &&
	       (history->count == HISTORY_KEPT_MAX || bytes > HISTORY_BYTES_MAX)) {
		bytes -= history->items[0].bytes;
		drop_oldest(history);
	}
}

/* Sorted in, oldest first; beyond the limit the oldest are not looked at. */
static void
note_number(uint64_t revision, uint64_t *list, size_t *count)
{
	size_t at = *count;
	while (at > 0 && list[at - 1] > revision)
		at--;
	if (*count == HISTORY_KEPT_MAX) {
		if (at == 0)
			return;
		memmove(&list[0], &list[1], (*count - 1) * sizeof(list[0]));
		--*count;
		at--;
	}
	memmove(&list[at + 1], &list[at], (*count - at) * sizeof(list[0]));
	list[at] = revision;
	++*count;
}

static bool
is_ours(const char *name, uint64_t *revision)
{
	struct view word = view_of(name);
	return view_ends(word, ".json") && view_to_u64(view_sub(word, 0, word.len - 5), revision) &&
	       *revision > 0 && *revision < UINT64_MAX / 2;
}

bool
history_open(struct history *history, const char *json_folder, struct err *err)
{
	uint64_t numbers[HISTORY_KEPT_MAX + 1], revision;
	size_t count = 0;
	history->count = 0;
	int len = snprintf(history->folder, sizeof(history->folder), "%s/history", json_folder);
	if (len < 0 || (size_t)len >= sizeof(history->folder))
		return err_set(err, ERR_LIMIT, "--state", "the path is too long");
	if (!fileio_mkdirs(history->folder, 0700, err))
		return false;
	fileio_sweep(history->folder);
	DIR *dir = opendir(history->folder);
	if (dir == NULL)
		return err_errno(err, history->folder, "cannot look into it");
	const struct dirent *entry;
	while ((entry = readdir(dir)) != NULL) {
		if (is_ours(entry->d_name, &revision))
			note_number(revision, numbers, &count);
	}
	closedir(dir);
	for (size_t i = 0; i < count; i++) {
		if (load_item(history, numbers[i], &history->items[history->count]))
			history->count++;
	}
	return true;
}

static bool
write_file(const struct history *history, const struct history_item *item, struct view text,
    struct err *err)
{
	char path[PATH_BYTES];
	struct bytes out;
	size_t len;
	char hex[2 * CRYPTO_SHA256_BYTES + 1];
	crypto_hex(item->sha256, sizeof(item->sha256), hex);
	json_t *head = json_pack("{s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s}", "revision",
	    (json_int_t)item->revision, "at_ms", (json_int_t)item->at_ms, "who", item->who.who,
	    "role", item->who.role, "via", item->who.via, "peer", item->who.peer, "request",
	    item->who.request, "what", item->who.what, "place", (json_int_t)item->who.place,
	    "document", hex);
	MUST(head != NULL);
	state_seal(head);
	char *line = jget_dump(head, &len);
	json_decref(head);
	bytes_init(&out, FILE_BYTES_MAX);
	bool ok = (bytes_append(&out, line, len) && bytes_append_char(&out, '\n') &&
		      bytes_append_view(&out, text)) ||
		  err_set(err, ERR_LIMIT, "history", "the configuration is too long to be kept");
	path_of(history, item->revision, path);
	ok = ok && fileio_write(path, bytes_view(&out), 0600, err);
	mem_free(line);
	store_wipe(&out);
	return ok;
}

bool
history_add(struct history *history, uint64_t revision, struct view text,
    const struct history_who *who, struct err *err)
{
	if (history->folder[0] == '\0')
		return true;
	make_room(history, text.len);
	struct history_item *item = &history->items[history->count];
	*item = (struct history_item){
	    .revision = revision, .at_ms = clock_wall_ms(), .bytes = text.len, .who = *who};
	crypto_sha256(text, item->sha256);
	faults_drop_cut(item->who.who);
	faults_drop_cut(item->who.peer);
	faults_drop_cut(item->who.request);
	faults_drop_cut(item->who.what);
	if (!write_file(history, item, text, err))
		return false;
	history->count++;
	return true;
}

void
history_drop_newest(struct history *history)
{
	char path[PATH_BYTES];
	MUST(history->count > 0);
	path_of(history, history->items[--history->count].revision, path);
	(void)unlink(path);
}

/* ---- looking ---- */

const struct history_item *
history_newest(const struct history *history)
{
	return history->count > 0 ? &history->items[history->count - 1] : NULL;
}

const struct history_item *
history_find(const struct history *history, uint64_t revision)
{
	for (size_t i = 0; i < history->count; i++) {
		if (history->items[i].revision == revision)
			return &history->items[i];
	}
	return NULL;
}

const struct history_item *
history_asked(const struct history *history, const char *request)
{
	for (size_t i = history->count; request[0] != '\0' && i > 0; i--) {
		if (strcmp(history->items[i - 1].who.request, request) == 0)
			return &history->items[i - 1];
	}
	return NULL;
}

bool
history_text(const struct history *history, uint64_t revision, struct bytes *out, struct err *err)
{
	struct bytes text = {0};
	struct view document;
	json_t *head = NULL;
	if (history_find(history, revision) == NULL)
		return err_set(err, ERR_ABSENT, "revision", "this revision is not kept");
	bool ok = read_file(history, revision, &text, err) &&
		  split_file(&text, &head, &document, err) &&
		  (bytes_append_view(out, document) ||
		      err_set(err, ERR_LIMIT, "revision", "is too long"));
	json_decref(head);
	store_wipe(&text);
	return ok;
}

json_t *
history_read(const struct history *history, uint64_t revision, struct err *err)
{
	struct bytes text;
	json_t *out = NULL;
	bytes_init(&text, CONFIG_BYTES_MAX);
	if (history_text(history, revision, &text, err))
		(void)!jget_parse(bytes_view(&text), &out, err);
	store_wipe(&text);
	return out;
}

json_t *
history_read_before(const struct history *history, uint64_t revision)
{
	uint64_t before = 0;
	for (size_t i = 0; i < history->count; i++) {
		if (history->items[i].revision < revision)
			before = history->items[i].revision;
	}
	json_t *document = before > 0 ? history_read(history, before, NULL) : NULL;
	return document != NULL ? document : json_object();
}

json_t *
history_encode(const struct history *history)
{
	json_t *list = json_array();
	for (size_t i = history->count; i > 0; i--) {
		const struct history_item *item = &history->items[i - 1];
		json_t *row = json_pack("{s:I, s:I, s:s, s:s, s:s, s:I}", "revision",
		    (json_int_t)item->revision, "at_ms", (json_int_t)item->at_ms, "who",
		    item->who.who, "via", item->who.via, "what", item->who.what, "bytes",
		    (json_int_t)item->bytes);
		MUST(row != NULL && json_array_append_new(list, row) == 0);
	}
	return list;
}
