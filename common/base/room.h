/* room: how much memory is left to this process: by its own limits (RLIMIT_DATA, RLIMIT_AS), by
 * those of its control group and of the groups around it, and by what the machine has. */
#ifndef PM_ROOM_H
#define PM_ROOM_H

#include <linux/limits.h>
#include <stdbool.h>
#include <stdint.h>

#define ROOM_GROUPS_MAX 8

struct room_group {
	char folder[PATH_MAX];
	bool first; /* version 1 of control groups */
};

struct room {
	const char *proc;
	struct room_group groups[ROOM_GROUPS_MAX]; /* those with a limit, from the inside */
	unsigned group_count;
};

/* Finds the groups: `proc` is "/proc" (borrowed), `mount` "/sys/fs/cgroup". A limit that is changed
 * later counts, a group that gets its first one does not. */
void room_find(struct room *room, const char *proc, const char *mount);
/* The least of all; pages of files that nobody uses count as free. Reads some small files: some 0.1
 * ms. */
uint64_t room_left_bytes(const struct room *room);

#endif
