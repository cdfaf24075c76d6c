/* The file of a journal: making it, finding again what an earlier process has left, orphans. */
#include "crypto.h"
#include "journal_private.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC 0x314c4e4a4d500a0dull /* "\r\nPMJNL1" */
#define PATH_BYTES 4096
#define SUFFIX ".journal"
#define HEAD_BYTES 4096
#define RING_BYTES_MAX ((size_t)1 << 30)
#define SLOTS_MAX 65536u
#define TAKE_TRIES 200 /* a second in all */
#define TAKE_PAUSE_MS 5

/* ---- the file ---- */

/* Whether the path still leads to the file: who takes it over unlinks it. */
static bool
is_in_place(const struct journal *journal)
{
	struct stat held, found;
	return fstat(journal->fd, &held) == 0 && lstat(journal->path, &found) == 0 &&
	       held.st_dev == found.st_dev && held.st_ino == found.st_ino;
}

/* True: it is ours alone. False with `fd` < 0: it could not be opened at all. */
static bool
try_file(struct journal *journal, bool own)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (own ? O_CREAT : 0);
	journal->fd = open(journal->path, flags, 0600);
	return journal->fd >= 0 && flock(journal->fd, LOCK_EX | LOCK_NB) == 0 &&
	       is_in_place(journal);
}

/* A process that starts may find its own file in the hands of another that is just taking over what
 * it left, for as long as that copies it; then the file is a new one. */
static bool
take_file(struct journal *journal, bool own, struct err *err)
{
	const struct timespec pause = {0, TAKE_PAUSE_MS * 1000000L};
	for (unsigned tries = own ? TAKE_TRIES : 1; !try_file(journal, own);) {
		if (journal->fd < 0)
			return err_errno(err, journal->path, "cannot be opened");
		if (--tries == 0)
			return err_set(err, ERR_IO, journal->path, "another process has it");
		(void)close(journal->fd);
		(void)nanosleep(&pause, NULL);
	}
	return true;
}

static bool
map_file(struct journal *journal, size_t size, struct err *err)
{
	/* The disk must have it all before it is touched: later that would be a signal. */
	int failed = posix_fallocate(journal->fd, 0, (off_t)size);
	if (failed != 0) {
		errno = failed;
		return err_errno(err, journal->path, "there is no room for %zu bytes", size);
	}
	journal->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, journal->fd, 0);
	if (journal->map == MAP_FAILED) {
		journal->map = NULL;
		return err_errno(err, journal->path, "cannot be mapped");
	}
	journal->map_bytes = size;
	journal->head = (struct journal_head *)(void *)journal->map;
	return true;
}

static size_t
size_of(const struct journal_limits *limits)
{
	return HEAD_BYTES + limits->slots * 2 * journal_half_bytes(limits) + limits->ring_bytes;
}

static void
set_places(struct journal *journal)
{
	journal->slot_bytes = journal->head->slot_bytes;
	journal->slot_count = journal->head->slots;
	journal->ring_bytes = (size_t)journal->head->ring_bytes;
	journal->slots = journal->map + HEAD_BYTES;
	journal->ring = journal->slots + journal->slot_count * journal->slot_bytes;
	journal->free = mem_calloc(journal->slot_count + 1, sizeof(*journal->free));
	journal->ended = mem_calloc(journal->slot_count + 1, sizeof(*journal->ended));
}

/* Of what never changes. */
static uint32_t
head_crc(const struct journal_head *head)
{
	return journal_crc(
	    head->magic, view_make((const char *)head, offsetof(struct journal_head, crc)));
}

static void
make_head(struct journal *journal, const struct journal_limits *limits)
{
	struct journal_head *head = journal->head;
	head->id = crypto_random_u64() >> 1;
	head->ring_bytes = limits->ring_bytes;
	head->slots = limits->slots;
	head->slot_bytes = (uint32_t)(2 * journal_half_bytes(limits));
	head->magic = MAGIC;
	head->crc = head_crc(head);
	journal_put_mark(journal);
	journal_put_mark(journal);
}

static bool
mark_is_good(const struct journal_head *head, const struct journal_mark *mark)
{
	return mark->version != 0 && mark->crc == journal_mark_crc(mark) &&
	       mark->acked_at % JOURNAL_ALIGN == 0 && mark->written_at % JOURNAL_ALIGN == 0 &&
	       mark->acked_at <= mark->written_at &&
	       mark->written_at - mark->acked_at <= head->ring_bytes;
}

/* The head says the size that the file has, and one of the marks is good: it is in force then. */
static bool
head_is_good(struct journal *journal)
{
	const struct journal_head *head = journal->head;
	bool good[2] = {mark_is_good(head, &head->marks[0]), mark_is_good(head, &head->marks[1])};
	if (head->magic != MAGIC || head->crc != head_crc(head) ||
	    head->ring_bytes > RING_BYTES_MAX || head->slots > SLOTS_MAX ||
	    HEAD_BYTES + (size_t)head->slots * head->slot_bytes + head->ring_bytes !=
		journal->map_bytes ||
	    (!good[0] && !good[1]))
		return false;
	/* The later one; versions turn over after four thousand million. */
	bool second =
	    good[1] && (!good[0] || (int32_t)(head->marks[1].version - head->marks[0].version) > 0);
	journal->mark = head->marks[second];
	return true;
}

/* ---- what is in it ---- */

/* Where the numbers go on. True: all up to there can be read; else *at is where the first one
 * stands that cannot. One that was written when the process died before it wrote the mark is taken
 * along. */
static bool
find_end(struct journal *journal, uint64_t *at)
{
	const struct journal_mark *mark = &journal->mark;
	uint64_t end = mark->acked_at + journal->ring_bytes, next = mark->acked_at;
	const struct journal_frame *frame;
	*at = next;
	journal->seq = mark->acked;
	while ((frame = journal_frame_at(journal, &next, end)) != NULL &&
	       frame->seq == journal->seq + 1) {
		next += journal_frame_bytes(frame->len);
		*at = next;
		journal->seq = frame->seq;
	}
	return *at >= mark->written_at;
}

struct found {
	uint64_t seq;
	size_t offset; /* of its frame */
};

static int
by_seq(const void *a, const void *b)
{
	uint64_t left = ((const struct found *)a)->seq, right = ((const struct found *)b)->seq;
	return left < right ? -1 : left > right;
}

/* All frames of a file's bytes with numbers above `seq` whose sums are right, in their order. */
static size_t
search_frames(const char *bytes, size_t len, uint64_t seq, struct found **out)
{
	size_t count = 0, max = len / journal_frame_bytes(1);
	struct found *found = mem_calloc(max + 1, sizeof(*found));
	struct journal_frame frame;
	for (size_t at = 0; at + sizeof(frame) <= len && count < max; at += JOURNAL_ALIGN) {
		memcpy(&frame, bytes + at, sizeof(frame));
		if (frame.magic != JOURNAL_FRAME_MAGIC || frame.seq <= seq || frame.len == 0 ||
		    frame.len > JOURNAL_TEXT_BYTES_MAX ||
		    at + journal_frame_bytes(frame.len) > len ||
		    frame.crc !=
			journal_crc(frame.seq, view_make(bytes + at + sizeof(frame), frame.len)))
			continue;
		found[count++] = (struct found){frame.seq, at};
		at += journal_frame_bytes(frame.len) - JOURNAL_ALIGN;
	}
	qsort(found, count, sizeof(*found), by_seq);
	*out = found;
	return count;
}

/* What lies behind damage is found by its sums and added anew. Of a file whose head is lost also
 * that which was stored already: whoever stores it knows it by the record's id. */
static void
rescue(struct journal *journal, const char *bytes, size_t len, uint64_t seq)
{
	struct found *found;
	size_t count = search_frames(bytes, len, seq, &found);
	journal->damaged++;
	for (size_t i = 0; i < count; i++) {
		struct journal_frame frame;
		const char *at = bytes + found[i].offset;
		memcpy(&frame, at, sizeof(frame));
		(void)journal_add(journal, view_make(at + sizeof(frame), frame.len));
	}
	mem_free(found);
}

static void
recover_ring(struct journal *journal)
{
	uint64_t at;
	bool whole = find_end(journal, &at);
	char *copy = whole ? NULL : mem_alloc(journal->ring_bytes);
	if (!whole)
		memcpy(copy, journal->ring, journal->ring_bytes);
	journal->mark.written_at = at;
	journal_put_mark(journal);
	if (!whole)
		rescue(journal, copy, journal->ring_bytes, journal->seq);
	mem_free(copy);
}

static void
recover_slots(struct journal *journal)
{
	for (int slot = (int)journal->slot_count - 1; slot >= 0; slot--) {
		const struct journal_half *half = journal_half_in_force(journal, slot);
		bool used = journal_half_at(journal, slot, 0)->version != 0 ||
			    journal_half_at(journal, slot, 1)->version != 0;
		bool told = half != NULL && journal_put(journal, journal_half_text(half));
		journal->interrupted += told;
		journal->damaged += used && half == NULL;
		if (half == NULL || told) {
			journal_free_slot(journal, slot);
			continue;
		}
		/* No room: it waits there. */
		journal->ended[slot] = true;
		journal->ended_count++;
	}
}

/* ---- opening ---- */

static void
log_found(const struct journal *journal)
{
	struct log_line line;
	struct journal_counts counts = journal_counts(journal);
	if (counts.pending == 0 && counts.damaged == 0)
		return;
	log_begin(&line, counts.damaged > 0 ? LOG_WARN : LOG_INFO, "journal");
	log_int(&line, "waiting", (int64_t)counts.pending);
	log_int(&line, "interrupted", (int64_t)counts.interrupted);
	log_int(&line, "damaged", (int64_t)counts.damaged);
	log_end(&line);
}

static bool
begin_anew(struct journal *journal, const struct journal_limits *limits, struct err *err)
{
	if (journal->map != NULL)
		(void)munmap(journal->map, journal->map_bytes);
	journal->map = NULL;
	if (ftruncate(journal->fd, 0) != 0)
		return err_errno(err, journal->path, "cannot be emptied");
	if (!map_file(journal, size_of(limits), err))
		return false;
	journal->mark = (struct journal_mark){0};
	journal->seq = 0;
	make_head(journal, limits);
	set_places(journal);
	recover_slots(journal); /* all are free */
	return true;
}

/* Another version's file, or a damaged head: all texts that can be read go into a new one. */
static bool
renew_file(struct journal *journal, const struct journal_limits *limits, struct err *err)
{
	size_t len = journal->map != NULL ? journal->map_bytes : 0;
	char *copy = mem_alloc(len + 1);
	if (len > 0)
		memcpy(copy, journal->map, len);
	bool ok = begin_anew(journal, limits, err);
	if (ok && len > 0)
		rescue(journal, copy, len, 0);
	mem_free(copy);
	return ok;
}

static bool
use_file(struct journal *journal, const struct journal_limits *limits, struct err *err)
{
	struct stat info;
	if (fstat(journal->fd, &info) != 0)
		return err_errno(err, journal->path, "cannot be looked at");
	bool fits = info.st_size >= HEAD_BYTES && (size_t)info.st_size <= 2 * RING_BYTES_MAX;
	if (fits && !map_file(journal, (size_t)info.st_size, err))
		return false;
	if (!fits || !head_is_good(journal)) {
		bool damaged = info.st_size > 0;
		bool ok = renew_file(journal, limits, err);
		journal->damaged = damaged;
		return ok;
	}
	set_places(journal);
	recover_ring(journal);
	recover_slots(journal);
	return true;
}

static struct journal *
open_one(const char *folder, const char *name, const struct journal_limits *limits, bool own,
    struct err *err)
{
	char path[PATH_BYTES];
	MUST(limits->ring_bytes % JOURNAL_ALIGN == 0 && limits->ring_bytes <= RING_BYTES_MAX);
	MUST(limits->ring_bytes >= 2 * journal_frame_bytes(JOURNAL_TEXT_BYTES_MAX));
	MUST(limits->slots <= SLOTS_MAX);
	int len = snprintf(path, sizeof(path), "%s/%s%s", folder, name, SUFFIX);
	if (len < 0 || (size_t)len >= sizeof(path)) {
		err_set(err, ERR_CONFIG, folder, "the path is too long");
		return NULL;
	}
	struct journal *journal = MEM_NEW(struct journal);
	journal->fd = -1;
	journal->path = mem_dup_str(path);
	if (take_file(journal, own, err) && use_file(journal, limits, err)) {
		log_found(journal);
		return journal;
	}
	journal_close(journal);
	return NULL;
}

struct journal *
journal_open(
    const char *folder, const char *name, const struct journal_limits *limits, struct err *err)
{
	return open_one(folder, name, limits, true, err);
}

void
journal_close(struct journal *journal)
{
	if (journal == NULL)
		return;
	if (journal->map != NULL)
		(void)munmap(journal->map, journal->map_bytes);
	if (journal->fd >= 0)
		(void)close(journal->fd);
	mem_free(journal->free);
	mem_free(journal->ended);
	mem_free(journal->path);
	mem_free(journal);
}

/* ---- orphans ---- */

/* True: all of it is here now, and the file is gone. */
static bool
adopt_one(struct journal *journal, const char *folder, const char *name)
{
	struct bytes text;
	struct err err;
	uint64_t first, last;
	bool all = true;
	struct journal *orphan = open_one(folder, name, &journal_limits_default, false, &err);
	if (orphan == NULL)
		return false; /* somebody has it, or nobody can */
	bytes_init(&text, JOURNAL_TEXT_BYTES_MAX);
	while (all && journal_batch(orphan, 0, 1, &text, &first, &last)) {
		all = journal_put(journal, bytes_view(&text));
		if (all)
			journal_acked(orphan, last);
		bytes_clear(&text);
	}
	bytes_fini(&text);
	all = all && journal_counts(orphan).open == 0;
	if (all)
		(void)unlink(orphan->path);
	journal_close(orphan);
	return all;
}

unsigned
journal_adopt(struct journal *journal, const char *folder)
{
	const struct dirent *entry;
	unsigned gone = 0;
	DIR *dir = opendir(folder);
	const char *own = strrchr(journal->path, '/') + 1;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char name[sizeof(entry->d_name)];
		struct view whole = view_of(entry->d_name);
		if (!view_ends(whole, SUFFIX) || strcmp(entry->d_name, own) == 0)
			continue;
		(void)snprintf(
		    name, sizeof(name), "%.*s", (int)(whole.len - strlen(SUFFIX)), entry->d_name);
		gone += adopt_one(journal, folder, name);
	}
	if (dir != NULL)
		(void)closedir(dir);
	return gone;
}
