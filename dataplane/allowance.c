#include "allowance.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0x31574c414d500a0dull /* "\r\nPMALW1" */
#define FILE_NAME "allowance.map"
#define PATH_BYTES 4096
#define INSTANCES 64 /* those above share the last place */
#define PIECE_MS 10000
#define PIECES 7     /* cover a whole minute wherever it begins */
#define SPINS 100000 /* far longer than anybody holds the lock: its holder is dead */
#define NANO_PER_CENT INT64_C(10000000)

struct piece {
	int64_t number; /* of the ten seconds, since 1970 */
	int64_t requests, tokens;
};

struct spent {
	int64_t start_ms; /* of the period */
	int64_t tokens, nano;
};

struct slot {
	_Atomic uint32_t lock; /* 0 = free */
	bool based;            /* what was spent before the file was made is in */
	_Atomic uint64_t key;  /* hash of its id; 0 = free */
	struct piece pieces[PIECES];
	struct spent spent[PERIODS];
	uint32_t in_work[INSTANCES];
};

struct map {
	uint64_t magic;
	uint64_t slot_bytes;
	struct slot slots[ALLOWANCE_KEYS_MAX];
};

struct allowance {
	struct map *map;
	unsigned place; /* of this instance */
	bool full_said;
};

/* ---- the file ---- */

static bool
map_file(struct allowance *allowance, int fd, const char *path, struct err *err)
{
	int failed = posix_fallocate(fd, 0, sizeof(struct map));
	if (failed != 0) {
		errno = failed;
		return err_errno(err, path, "there is no room for %zu bytes", sizeof(struct map));
	}
	void *at = mmap(NULL, sizeof(struct map), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return err_errno(err, path, "cannot be mapped");
	allowance->map = at;
	if (allowance->map->magic != MAGIC || allowance->map->slot_bytes != sizeof(struct slot)) {
		memset(at, 0, sizeof(struct map));
		allowance->map->slot_bytes = sizeof(struct slot);
		allowance->map->magic = MAGIC;
	}
	return true;
}

struct allowance *
allowance_open(const char *folder, unsigned instance, struct err *err)
{
	char path[PATH_BYTES];
	int len = snprintf(path, sizeof(path), "%s/%s", folder, FILE_NAME);
	if (len < 0 || (size_t)len >= sizeof(path)) {
		err_set(err, ERR_CONFIG, folder, "the path is too long");
		return NULL;
	}
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		err_errno(err, path, "cannot be opened");
		return NULL;
	}
	struct allowance *allowance = MEM_NEW(struct allowance);
	allowance->place = instance < INSTANCES ? instance : INSTANCES - 1;
	/* One makes it, the others find it made. */
	bool ok = flock(fd, LOCK_EX) == 0 && map_file(allowance, fd, path, err);
	(void)flock(fd, LOCK_UN);
	(void)close(fd);
	if (!ok) {
		allowance_close(allowance);
		return NULL;
	}
	for (size_t i = 0; i < ALLOWANCE_KEYS_MAX; i++)
		allowance->map->slots[i].in_work[allowance->place] = 0;
	return allowance;
}

void
allowance_close(struct allowance *allowance)
{
	if (allowance == NULL)
		return;
	if (allowance->map != NULL)
		(void)munmap(allowance->map, sizeof(struct map));
	mem_free(allowance);
}

/* ---- slots ---- */

static void
take_lock(struct slot *slot)
{
	for (unsigned spin = 0; spin < SPINS; spin++) {
		uint32_t nobody = 0;
		if (atomic_compare_exchange_weak_explicit(
			&slot->lock, &nobody, 1, memory_order_acquire, memory_order_relaxed))
			return;
		if (spin % 100 == 99)
			(void)sched_yield();
	}
	/* Who holds it died within it. What it left is at worst one request wrong. */
}

static void
leave_lock(struct slot *slot)
{
	atomic_store_explicit(&slot->lock, 0, memory_order_release);
}

static uint64_t
hash_of(const char *id)
{
	uint64_t hash = 0xcbf29ce484222325ull;
	for (; *id != '\0'; id++)
		hash = (hash ^ (unsigned char)*id) * 0x100000001b3ull;
	return hash != 0 ? hash : 1;
}

/* NULL: all are taken. */
static struct slot *
slot_of(struct allowance *allowance, const char *id)
{
	uint64_t hash = hash_of(id);
	for (size_t i = 0; i < ALLOWANCE_KEYS_MAX; i++) {
		struct slot *slot = &allowance->map->slots[(hash + i) % ALLOWANCE_KEYS_MAX];
		uint64_t held = atomic_load_explicit(&slot->key, memory_order_acquire);
		if (held == 0 && atomic_compare_exchange_strong(&slot->key, &held, hash))
			return slot;
		if (held == hash)
			return slot;
	}
	if (!allowance->full_said)
		log_msg(LOG_WARN, "allowance_full", "more than %d client keys: not all are limited",
		    ALLOWANCE_KEYS_MAX);
	allowance->full_said = true;
	return NULL;
}

/* Everything in its present piece and period. Under the lock. */
static void
turn_over(
    struct slot *slot, const struct table *table, const struct client_key *key, int64_t wall_ms)
{
	int64_t number = wall_ms / PIECE_MS;
	struct piece *piece = &slot->pieces[number % PIECES];
	if (piece->number != number)
		*piece = (struct piece){.number = number};
	for (unsigned i = 0; i < PERIODS; i++) {
		int64_t start = table_period_start(table, i, wall_ms);
		if (slot->spent[i].start_ms < start)
			slot->spent[i] = (struct spent){.start_ms = start};
	}
	if (slot->based || !key->spent_known)
		return;
	slot->based = true;
	for (unsigned i = 0; i < PERIODS; i++) {
		if (key->spent_start_ms[i] != slot->spent[i].start_ms)
			continue;
		slot->spent[i].tokens += key->spent_tokens[i];
		slot->spent[i].nano += key->spent_nano[i];
	}
}

/* ---- limits ---- */

static const char *const period_names[PERIODS] = {"day", "week", "month"};

struct minute {
	int64_t requests, tokens;
	int64_t oldest; /* number of the oldest piece that holds any */
};

static struct minute
sum_minute(const struct slot *slot, int64_t wall_ms)
{
	int64_t now = wall_ms / PIECE_MS;
	struct minute minute = {.oldest = now};
	for (unsigned i = 0; i < PIECES; i++) {
		const struct piece *piece = &slot->pieces[i];
		if (piece->number <= now - PIECES || piece->number > now)
			continue;
		minute.requests += piece->requests;
		minute.tokens += piece->tokens;
		if (piece->requests + piece->tokens > 0 && piece->number < minute.oldest)
			minute.oldest = piece->number;
	}
	return minute;
}

static bool
refuse_minute(struct allowance_refusal *refusal, const struct minute *minute, int64_t wall_ms,
    const char *reason, uint64_t limit, const char *what)
{
	*refusal = (struct allowance_refusal){.reason = reason,
	    .retry_after_ms = (uint64_t)((minute->oldest + PIECES) * PIECE_MS - wall_ms)};
	(void)snprintf(refusal->message, sizeof(refusal->message),
	    "This client key may use %llu %s a minute, and has.", (unsigned long long)limit, what);
	return false;
}

static bool
refuse_budget(struct allowance_refusal *refusal, const struct table *table, unsigned period,
    int64_t wall_ms, uint64_t limit, bool money)
{
	static const char *const reasons[2][PERIODS] = {
	    {"tokens_per_day", "tokens_per_week", "tokens_per_month"},
	    {"usd_per_day", "usd_per_week", "usd_per_month"}};
	int64_t left = table_period_end(table, period, wall_ms) - wall_ms;
	*refusal = (struct allowance_refusal){.reason = reasons[money][period],
	    .retry_after_ms = left > 1000 ? (uint64_t)left : 1000,
	    .budget = true};
	char amount[48];
	if (money) {
		uint64_t cents = limit / NANO_PER_CENT;
		(void)snprintf(amount, sizeof(amount), "%llu.%02llu US dollars",
		    (unsigned long long)(cents / 100), (unsigned long long)(cents % 100));
	} else {
		(void)snprintf(amount, sizeof(amount), "%llu tokens", (unsigned long long)limit);
	}
	(void)snprintf(refusal->message, sizeof(refusal->message),
	    "The budget of this client key for this %s, %s, is spent.", period_names[period],
	    amount);
	return false;
}

static bool
over(uint64_t limit, int64_t used)
{
	return limit > 0 && used >= 0 && (uint64_t)used >= limit;
}

static bool
check(const struct slot *slot, const struct table *table, const struct client_key *key,
    int64_t wall_ms, struct allowance_refusal *refusal)
{
	struct minute minute = sum_minute(slot, wall_ms);
	uint64_t in_work = 0;
	for (unsigned i = 0; i < PERIODS; i++) {
		if (over(key->tokens_per[i], slot->spent[i].tokens))
			return refuse_budget(refusal, table, i, wall_ms, key->tokens_per[i], false);
		if (over(key->nano_usd_per[i], slot->spent[i].nano))
			return refuse_budget(
			    refusal, table, i, wall_ms, key->nano_usd_per[i], true);
	}
	if (over(key->requests_per_minute, minute.requests))
		return refuse_minute(refusal, &minute, wall_ms, "requests_per_minute",
		    key->requests_per_minute, "requests");
	if (over(key->tokens_per_minute, minute.tokens))
		return refuse_minute(refusal, &minute, wall_ms, "tokens_per_minute",
		    key->tokens_per_minute, "tokens");
	for (unsigned i = 0; i < INSTANCES; i++)
		in_work += slot->in_work[i];
	if (key->concurrent_requests == 0 || in_work < key->concurrent_requests)
		return true;
	*refusal =
	    (struct allowance_refusal){.reason = "concurrent_requests", .retry_after_ms = 1000};
	(void)snprintf(refusal->message, sizeof(refusal->message),
	    "This client key may have %u requests in work at a time, and has.",
	    key->concurrent_requests);
	return false;
}

bool
allowance_take(struct allowance *allowance, const struct table *table, const struct client_key *key,
    int64_t wall_ms, struct allowance_refusal *refusal)
{
	struct slot *slot = slot_of(allowance, key->id);
	if (slot == NULL)
		return true;
	take_lock(slot);
	turn_over(slot, table, key, wall_ms);
	bool ok = check(slot, table, key, wall_ms, refusal);
	if (ok) {
		slot->in_work[allowance->place]++;
		slot->pieces[wall_ms / PIECE_MS % PIECES].requests++;
	}
	leave_lock(slot);
	return ok;
}

/* ---- charging ---- */

/* The share was below it before and is not any more. */
static bool
passes(uint64_t limit, unsigned percent, int64_t before, int64_t after)
{
	if (limit == 0 || percent == 0)
		return false;
	uint64_t mark = limit / 100 * percent + limit % 100 * percent / 100;
	return (uint64_t)before < mark && (uint64_t)after >= mark;
}

static const char *
charge(struct slot *slot, const struct client_key *key, int64_t tokens, int64_t nano)
{
	static const char *const names[2][PERIODS] = {
	    {"tokens_per_day", "tokens_per_week", "tokens_per_month"},
	    {"usd_per_day", "usd_per_week", "usd_per_month"}};
	const char *passed = NULL;
	for (unsigned i = 0; i < PERIODS; i++) {
		struct spent before = slot->spent[i];
		slot->spent[i].tokens += tokens;
		slot->spent[i].nano += nano;
		if (passes(key->tokens_per[i], key->warn_percent, before.tokens,
			slot->spent[i].tokens))
			passed = names[0][i];
		if (passes(
			key->nano_usd_per[i], key->warn_percent, before.nano, slot->spent[i].nano))
			passed = names[1][i];
	}
	return passed;
}

const char *
allowance_give(struct allowance *allowance, const struct table *table, const struct client_key *key,
    int64_t wall_ms, int64_t tokens, int64_t cost_nano_usd)
{
	struct slot *slot = slot_of(allowance, key->id);
	if (slot == NULL)
		return NULL;
	take_lock(slot);
	turn_over(slot, table, key, wall_ms);
	if (slot->in_work[allowance->place] > 0)
		slot->in_work[allowance->place]--;
	slot->pieces[wall_ms / PIECE_MS % PIECES].tokens += tokens;
	const char *passed = charge(slot, key, tokens, cost_nano_usd);
	leave_lock(slot);
	return passed;
}
