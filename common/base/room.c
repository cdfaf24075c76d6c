#include "room.h"
#include "bytes.h"
#include "fileio.h"
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define FILE_BYTES_MAX 16384
#define NO_LIMIT (UINT64_MAX >> 2) /* version 1 writes something like this */

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool
read_file(const char *folder, const char *name, struct bytes *out)
{
	char path[PATH_MAX + 64];
	bytes_clear(out);
	int len = snprintf(path, sizeof(path), "%s/%s", folder, name);
	return len > 0 && (size_t)len < sizeof(path) && fileio_read(path, out, NULL);
}

/* The number behind `name` at the beginning of a line; with "" the first of all. */
static bool
number_of(const struct bytes *text, const char *name, uint64_t *out)
{
	struct view rest = bytes_view(text), line;
	size_t skip = strlen(name);
	while (view_split(&rest, '\n', &line)) {
		if (!view_starts(line, name))
			continue;
		struct view digits = view_from(line, skip);
		while (digits.len > 0 && digits.data[0] == ' ')
			digits = view_from(digits, 1);
		size_t len = 0;
		while (len < digits.len && digits.data[len] >= '0' && digits.data[len] <= '9')
			len++;
		return view_to_u64(view_sub(digits, 0, len), out);
	}
	return false;
}

/* ---- control groups ---- */

/* False where there is none. */
static bool
limit_of(const struct room_group *group, struct bytes *text, uint64_t *out)
{
	const char *name = group->first ? "memory.limit_in_bytes" : "memory.max";
	return read_file(group->folder, name, text) && number_of(text, "", out) && *out < NO_LIMIT;
}

static uint64_t
left_in_group(const struct room_group *group, struct bytes *text)
{
	uint64_t limit, used, idle = 0;
	if (!limit_of(group, text, &limit) ||
	    !read_file(
		group->folder, group->first ? "memory.usage_in_bytes" : "memory.current", text) ||
	    !number_of(text, "", &used))
		return UINT64_MAX;
	if (read_file(group->folder, "memory.stat", text))
		(void)number_of(
		    text, group->first ? "total_inactive_file " : "inactive_file ", &idle);
	used -= least(idle, used);
	return limit - least(used, limit);
}

/* From the folder of the process up to the mount: in a container that is its own group's, whatever
 * its path is called outside. */
static void
add_groups(struct room *room, const char *mount, struct view path, bool first, struct bytes *text)
{
	size_t len = path.len;
	uint64_t limit;
	for (bool more = true; more && room->group_count < ROOM_GROUPS_MAX;) {
		struct room_group *group = &room->groups[room->group_count];
		int wrote = snprintf(
		    group->folder, sizeof(group->folder), "%s%.*s", mount, (int)len, path.data);
		group->first = first;
		if (wrote > 0 && (size_t)wrote < sizeof(group->folder) &&
		    limit_of(group, text, &limit))
			room->group_count++;
		more = len > 0;
		while (len > 0 && path.data[--len] != '/')
			;
	}
}

static bool
has_memory(struct view controllers)
{
	struct view name;
	while (view_split(&controllers, ',', &name)) {
		if (view_eq_str(name, "memory"))
			return true;
	}
	return false;
}

/* A line is `<number>:<controllers>:<path>`; version 2 has no controllers. */
static void
add_line(struct room *room, const char *mount, struct view line, struct bytes *text)
{
	struct view number, controllers;
	char folder[PATH_MAX];
	if (!view_split(&line, ':', &number) || !view_split(&line, ':', &controllers))
		return;
	if (line.len == 1 && line.data[0] == '/')
		line.len = 0;
	if (controllers.len == 0) {
		add_groups(room, mount, line, false, text);
	} else if (has_memory(controllers)) {
		int len = snprintf(folder, sizeof(folder), "%s/memory", mount);
		if (len > 0 && (size_t)len < sizeof(folder))
			add_groups(room, folder, line, true, text);
	}
}

void
room_find(struct room *room, const char *proc, const char *mount)
{
	struct bytes lines, text;
	room->proc = proc;
	room->group_count = 0;
	bytes_init(&lines, FILE_BYTES_MAX);
	bytes_init(&text, FILE_BYTES_MAX);
	if (read_file(proc, "self/cgroup", &lines)) {
		struct view rest = bytes_view(&lines), line;
		while (view_split(&rest, '\n', &line))
			add_line(room, mount, line, &text);
	}
	bytes_fini(&lines);
	bytes_fini(&text);
}

/* ---- the process and the machine ---- */

static uint64_t
left_of_limit(const struct rlimit *limit, uint64_t used)
{
	if (limit->rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return (uint64_t)limit->rlim_cur - least(used, (uint64_t)limit->rlim_cur);
}

/* statm: size, resident, shared, text, 0, data. */
static uint64_t
left_in_process(const struct room *room, struct bytes *text)
{
	uint64_t pages[6] = {0}, page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	if (!read_file(room->proc, "self/statm", text))
		return UINT64_MAX;
	struct view rest = bytes_view(text), word;
	for (unsigned i = 0; i < 6 && view_split(&rest, ' ', &word); i++)
		(void)view_to_u64(word, &pages[i]);
	struct rlimit space, data;
	if (getrlimit(RLIMIT_AS, &space) != 0 || getrlimit(RLIMIT_DATA, &data) != 0)
		return UINT64_MAX;
	return least(left_of_limit(&space, pages[0] * page_bytes),
	    left_of_limit(&data, pages[5] * page_bytes));
}

static uint64_t
left_in_machine(const struct room *room, struct bytes *text)
{
	uint64_t kib;
	if (!read_file(room->proc, "meminfo", text) || !number_of(text, "MemAvailable:", &kib))
		return UINT64_MAX;
	return kib << 10;
}

uint64_t
room_left_bytes(const struct room *room)
{
	struct bytes text;
	bytes_init(&text, FILE_BYTES_MAX);
	uint64_t left = least(left_in_process(room, &text), left_in_machine(room, &text));
	for (unsigned i = 0; i < room->group_count; i++)
		left = least(left, left_in_group(&room->groups[i], &text));
	bytes_fini(&text);
	return left;
}
