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
	int fd;         /* its lock on byte `place` says that this process lives */
	unsigned place; /* of this instance */
	bool full_said;
};

/* ---- who lives ---- */

static bool
lock_place(const struct allowance *allowance, unsigned place, short type)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = place, .l_len = 1};
	return fcntl(allowance->fd, F_OFD_SETLK, &lock) == 0;
}

/* What those had in work is over who are dead and have no successor. Under the slot's lock. */
static void
forget_dead(const struct allowance *allowance, struct slot *slot)
{
	for (unsigned i = 0; i < INSTANCES; i++) {
		if (i == allowance->place || slot->in_work[i] == 0 ||
		    !lock_place(allowance, i, F_WRLCK))
			continue;
		slot->in_work[i] = 0;
		(void)lock_place(allowance, i, F_UNLCK);
	}
}

/* A process that died under this number has left what it had in work; one that lives keeps it. */
static void
take_place(struct allowance *allowance)
{
	if (lock_place(allowance, allowance->place, F_WRLCK)) {
		for (size_t i = 0; i < ALLOWANCE_KEYS_MAX; i++)
			allowance->map->slots[i].in_work[allowance->place] = 0;
	}
	(void)lock_place(allowance, allowance->place, F_RDLCK);
}

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
	allowance->fd = fd;
	allowance->place = instance < INSTANCES ? instance : INSTANCES - 1;
	/* One makes it, the others find it made. */
	bool ok = flock(fd, LOCK_EX) == 0 && map_file(allowance, fd, path, err);
	if (ok)
		take_place(allowance);
	(void)flock(fd, LOCK_UN);
	if (ok)
		return allowance;
	allowance_close(allowance);
	return NULL;
}

void
allowance_close(struct allowance *allowance)
{
	if (allowance == NULL)
		return;
	if (allowance->map != NULL)
		(void)munmap(allowance->map, sizeof(struct map));
	(void)close(allowance->fd);
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
			slot->spent[i] = (struct spent){0};
		/* A clock that was ahead has spent in this period what it has spent. */
		slot->spent[i].start_ms = start;
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

static bool
over(uint64_t limit, int64_t used)
{
	return limit > 0 && used >= 0 && (uint64_t)used >= limit;
}

/* What the piece of this number holds. */
static int64_t
piece_count(const struct slot *slot, int64_t number, bool tokens)
{
	const struct piece *piece = &slot->pieces[number % PIECES];
	return piece->number != number ? 0 : tokens ? piece->tokens : piece->requests;
}

/* How long it is until what is left of the minute is below the limit; 0: it is. */
static int64_t
minute_wait_ms(const struct slot *slot, int64_t wall_ms, uint64_t limit, bool tokens)
{
	int64_t now = wall_ms / PIECE_MS, used = 0;
	int64_t first = now - PIECES + 1;
	for (int64_t number = first; number <= now; number++)
		used += piece_count(slot, number, tokens);
	int64_t number = first;
	for (; number <= now && over(limit, used); number++)
		used -= piece_count(slot, number, tokens);
	return number == first ? 0 : (number - 1 + PIECES) * PIECE_MS - wall_ms;
}

static bool
refuse_minute(struct allowance_refusal *refusal, int64_t wait_ms, bool tokens, uint64_t limit)
{
	*refusal = (struct allowance_refusal){
	    .reason = tokens ? "tokens_per_minute" : "requests_per_minute",
	    .retry_after_ms = (uint64_t)wait_ms};
	(void)snprintf(refusal->message, sizeof(refusal->message),
	    "This client key may use %llu %s a minute, and has.", (unsigned long long)limit,
	    tokens ? "tokens" : "requests");
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
check_budgets(const struct slot *slot, const struct table *table, const struct client_key *key,
    int64_t wall_ms, struct allowance_refusal *refusal)
{
	for (unsigned i = 0; i < PERIODS; i++) {
		if (over(key->tokens_per[i], slot->spent[i].tokens))
			return refuse_budget(refusal, table, i, wall_ms, key->tokens_per[i], false);
		if (over(key->nano_usd_per[i], slot->spent[i].nano))
			return refuse_budget(
			    refusal, table, i, wall_ms, key->nano_usd_per[i], true);
	}
	return true;
}

static bool
check_minute(const struct slot *slot, const struct client_key *key, int64_t wall_ms,
    struct allowance_refusal *refusal)
{
	for (unsigned tokens = 0; tokens < 2; tokens++) {
		uint64_t limit = tokens ? key->tokens_per_minute : key->requests_per_minute;
		int64_t wait_ms = minute_wait_ms(slot, wall_ms, limit, tokens);
		if (wait_ms > 0)
			return refuse_minute(refusal, wait_ms, tokens, limit);
	}
	return true;
}

static bool
has_room(const struct slot *slot, const struct client_key *key)
{
	uint64_t in_work = 0;
	for (unsigned i = 0; i < INSTANCES; i++)
		in_work += slot->in_work[i];
	return key->concurrent_requests == 0 || in_work < key->concurrent_requests;
}

static bool
check_in_work(const struct allowance *allowance, struct slot *slot, const struct client_key *key,
    struct allowance_refusal *refusal)
{
	if (has_room(slot, key))
		return true;
	forget_dead(allowance, slot);
	if (has_room(slot, key))
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
	bool ok = check_budgets(slot, table, key, wall_ms, refusal) &&
		  check_minute(slot, key, wall_ms, refusal) &&
		  check_in_work(allowance, slot, key, refusal);
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

static const char *
use(struct allowance *allowance, const struct table *table, const struct client_key *key,
    int64_t wall_ms, int64_t tokens, int64_t cost_nano_usd, bool ended)
{
	struct slot *slot = slot_of(allowance, key->id);
	if (slot == NULL)
		return NULL;
	take_lock(slot);
	turn_over(slot, table, key, wall_ms);
	if (ended && slot->in_work[allowance->place] > 0)
		slot->in_work[allowance->place]--;
	slot->pieces[wall_ms / PIECE_MS % PIECES].tokens += tokens;
	const char *passed = charge(slot, key, tokens, cost_nano_usd);
	leave_lock(slot);
	return passed;
}

const char *
allowance_use(struct allowance *allowance, const struct table *table, const struct client_key *key,
    int64_t wall_ms, int64_t tokens, int64_t cost_nano_usd)
{
	return use(allowance, table, key, wall_ms, tokens, cost_nano_usd, false);
}

const char *
allowance_give(struct allowance *allowance, const struct table *table, const struct client_key *key,
    int64_t wall_ms, int64_t tokens, int64_t cost_nano_usd)
{
	return use(allowance, table, key, wall_ms, tokens, cost_nano_usd, true);
}
