#include "store.h"
#include "config.h"
#include "crypto.h"
#include "fileio.h"
#include "log.h"
#include "must.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Beside the good copy: "<sha256>  <name>" as sha256sum prints it, of that copy and below it of the
 * one before, for it is written first. */
#define SEAL_SUFFIX ".sha256"
#define SEAL_BYTES_MAX 4096
#define HEX_BYTES (2 * CRYPTO_SHA256_BYTES)

static struct store_mark
mark_of(const struct store *store)
{
	struct stat st;
	if (lstat(store->path, &st) != 0)
		return (struct store_mark){0};
	return (struct store_mark){.there = true,
	    .dev = st.st_dev,
	    .ino = st.st_ino,
	    .size = st.st_size,
	    .changed = st.st_mtim,
	    .mode = st.st_mode,
	    .uid = st.st_uid,
	    .gid = st.st_gid};
}

static bool
mark_eq(const struct store_mark *a, const struct store_mark *b)
{
	return a->there == b->there && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec &&
	       a->mode == b->mode && a->uid == b->uid && a->gid == b->gid;
}

/* Whoever may write there may put a configuration of his own in place of ours. A folder of root's
 * for our group is what containers are given. */
static void
tell_who_writes(const char *folder)
{
	struct stat st;
	uid_t me = geteuid();
	if (stat(folder, &st) != 0)
		return;
	bool given = me != 0 && st.st_uid == 0 && st.st_gid == getegid();
	mode_t others = given ? S_IWOTH : S_IWOTH | S_IWGRP;
	if ((st.st_mode & others) != 0 || (st.st_uid != me && st.st_uid != 0))
		log_msg(LOG_WARN, "state_folder_open",
		    "others may write in %s, and so replace keys and configuration", folder);
}

bool
store_open(struct store *store, const char *state_dir, struct err *err)
{
	*store = (struct store){0};
	char folder[STORE_PATH_BYTES];
	struct stat st;
	int len = snprintf(store->good_path, sizeof(store->good_path),
	    "%s/json_data/all_configs.json.good", state_dir);
	if (len < 0 || (size_t)len + sizeof(SEAL_SUFFIX) > sizeof(store->good_path))
		return err_set(err, ERR_LIMIT, "--state", "the path is too long");
	snprintf(store->path, sizeof(store->path), "%s/json_data/all_configs.json", state_dir);
	snprintf(store->backup_path, sizeof(store->backup_path),
	    "%s/json_data/all_configs.json.bak", state_dir);
	snprintf(folder, sizeof(folder), "%s/json_data", state_dir);
	if (!fileio_mkdirs(folder, 0700, err))
		return false;
	fileio_sweep(state_dir);
	fileio_sweep(folder);
	if (stat(folder, &st) == 0 && (st.st_mode & 077) != 0 && chmod(folder, 0700) != 0)
		log_msg(LOG_WARN, "state_folder_open", "others may look into json_data");
	tell_who_writes(state_dir);
	if (access(folder, R_OK | W_OK | X_OK) != 0) {
		log_msg(LOG_WARN, "state_folder_closed", "json_data cannot be written: %s",
		    strerror(errno));
	}
	return true;
}

void
store_expect(struct store *store, uint64_t revision, const uint8_t sha256[32])
{
	store->revision = revision;
	memcpy(store->sha256, sha256, sizeof(store->sha256));
}

bool
store_exists(const struct store *store)
{
	struct stat st;
	return lstat(store->path, &st) == 0 || errno != ENOENT;
}

bool
store_has_good(const struct store *store)
{
	return access(store->good_path, F_OK) == 0;
}

void
store_wipe(struct bytes *text)
{
	if (text->data != NULL)
		crypto_wipe(text->data, text->len);
	bytes_fini(text);
}

/* A FIFO would block, a link would be replaced by the next save, a stranger's file is no setting.
 */
static bool
check_kind(const char *path, struct err *err)
{
	struct stat st;
	uid_t me = geteuid();
	if (lstat(path, &st) != 0)
		return err_errno(err, path, "cannot look at it");
	if (S_ISLNK(st.st_mode))
		return err_set(err, ERR_IO, path, "is a symbolic link; put the file itself here");
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_IO, path, "is no regular file");
	if (me != 0 && st.st_uid != me && st.st_uid != 0)
		return err_set(err, ERR_IO, path, "belongs to another user");
	if ((st.st_mode & 077) != 0 && chmod(path, 0600) != 0)
		log_msg(LOG_WARN, "config_readable", "others may read the configuration");
	return true;
}

bool
store_read(struct store *store, struct bytes *out, bool *changed, struct err *err)
{
	uint8_t hash[CRYPTO_SHA256_BYTES];
	/* Marked before looking: what is done to it meanwhile is seen as a later change. */
	store->read_mark = store->poll_mark = mark_of(store);
	if (!check_kind(store->path, err))
		return false;
	store->read_mark = store->poll_mark = mark_of(store); /* it may be private only now */
	if (!fileio_read(store->path, out, err))
		return false;
	crypto_sha256(bytes_view(out), hash);
	bool other = store->revision == 0 || memcmp(hash, store->sha256, sizeof(hash)) != 0;
	*changed = other || !store->known;
	if (other)
		store->revision++;
	store->known = true;
	memcpy(store->sha256, hash, sizeof(hash));
	return true;
}

/* ---- the good copy ---- */

static void
hex_of(struct view text, char hex[HEX_BYTES + 1])
{
	uint8_t hash[CRYPTO_SHA256_BYTES];
	crypto_sha256(text, hash);
	crypto_hex(hash, sizeof(hash), hex);
}

/* Is this text one of those that the seal names? One of an earlier version has no seal. */
static bool
check_seal(const struct store *store, struct view text, struct err *err)
{
	char path[STORE_PATH_BYTES + sizeof(SEAL_SUFFIX)], hex[HEX_BYTES + 1];
	struct bytes seal;
	struct view rest, line;
	(void)snprintf(path, sizeof(path), "%s" SEAL_SUFFIX, store->good_path);
	bytes_init(&seal, SEAL_BYTES_MAX);
	errno = 0;
	bool read = fileio_read(path, &seal, err);
	bool same = !read && errno == ENOENT;
	hex_of(text, hex);
	rest = bytes_view(&seal);
	while (read && !same && view_split(&rest, '\n', &line))
		same = view_starts(line, hex);
	bytes_fini(&seal);
	return same || err_set(err, ERR_PARSE, store->good_path, "is damaged: it has another hash");
}

static bool
write_seal(const struct store *store, struct view text, struct err *err)
{
	char path[STORE_PATH_BYTES + sizeof(SEAL_SUFFIX)], hex[HEX_BYTES + 1];
	char before[HEX_BYTES + 1] = "";
	struct bytes old, seal;
	const char *name = strrchr(store->good_path, '/') + 1;
	(void)snprintf(path, sizeof(path), "%s" SEAL_SUFFIX, store->good_path);
	bytes_init(&old, CONFIG_BYTES_MAX);
	bytes_init(&seal, SEAL_BYTES_MAX);
	struct err none;
	if (store_read_good(store, &old, &none))
		hex_of(bytes_view(&old), before);
	hex_of(text, hex);
	bool ok = bytes_printf(&seal, "%s  %s\n", hex, name);
	if (before[0] != '\0' && strcmp(before, hex) != 0)
		ok = ok && bytes_printf(&seal, "%s  %s\n", before, name);
	MUST(ok);
	ok = fileio_write(path, bytes_view(&seal), 0600, err);
	bytes_fini(&seal);
	store_wipe(&old);
	return ok;
}

bool
store_read_good(const struct store *store, struct bytes *out, struct err *err)
{
	return check_kind(store->good_path, err) && fileio_read(store->good_path, out, err) &&
	       check_seal(store, bytes_view(out), err);
}

bool
store_write_good(const struct store *store, struct view text, struct err *err)
{
	return write_seal(store, text, err) && fileio_write(store->good_path, text, 0600, err);
}

/* ---- writing ---- */

/* The file's present content into `old`; false when it is not what we know. */
static bool
is_as_known(const struct store *store, struct bytes *old, struct err *err)
{
	uint8_t hash[CRYPTO_SHA256_BYTES];
	if (store->refused) {
		return err_set(
		    err, ERR_CONFIG, store->path, "is refused as it is: repair it first");
	}
	if (!store_exists(store)) {
		return !store->known ||
		       err_set(err, ERR_CONFIG, store->path, "was removed since it was read");
	}
	if (!check_kind(store->path, err) || !fileio_read(store->path, old, err))
		return false;
	crypto_sha256(bytes_view(old), hash);
	return (store->known && memcmp(hash, store->sha256, sizeof(hash)) == 0) ||
	       err_set(err, ERR_CONFIG, store->path, "was changed since it was read");
}

bool
store_write(struct store *store, struct view text, struct err *err)
{
	struct bytes old;
	bytes_init(&old, CONFIG_BYTES_MAX);
	bool ok = is_as_known(store, &old, err) &&
		  (old.len == 0 || fileio_write(store->backup_path, bytes_view(&old), 0600, err)) &&
		  fileio_write(store->path, text, 0600, err);
	store_wipe(&old);
	if (!ok)
		return false;
	crypto_sha256(text, store->sha256);
	store->revision++;
	store->known = true;
	store->read_mark = store->poll_mark = mark_of(store);
	return true;
}

bool
store_differs(const struct store *store)
{
	struct store_mark mark = mark_of(store);
	return !mark_eq(&mark, &store->read_mark);
}

bool
store_poll(struct store *store)
{
	struct store_mark before = store->poll_mark;
	store->poll_mark = mark_of(store);
	if (mark_eq(&store->poll_mark, &store->read_mark))
		return false;
	return mark_eq(&store->poll_mark, &before);
}
