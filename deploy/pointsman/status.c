#include "status.h"
#include "grid.h"
#include "jget.h"
#include "must.h"
#include "roster.h"
#include "show.h"
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* What the answer lacks or has otherwise is left out: this only shows. */
static struct view
text(const json_t *json, const char *key)
{
	const json_t *value = json_object_get(json, key);
	if (!json_is_string(value) || json_string_length(value) == 0)
		return VIEW("-");
	return view_make(json_string_value(value), json_string_length(value));
}

static int64_t
number(const json_t *json, const char *key)
{
	return json_integer_value(json_object_get(json, key));
}

static void
add_text(struct grid *grid, const json_t *json, const char *key)
{
	struct view value = text(json, key);
	grid_add(grid, "%.*s", VIEW_ARGS(value));
}

static void
add_number(struct grid *grid, const json_t *json, const char *key)
{
	grid_add(grid, "%" PRId64, number(json, key));
}

static void
head(struct grid *grid, const char *const *names)
{
	for (; *names != NULL; names++)
		grid_add(grid, "%s", *names);
}

static void
print_head(const json_t *state, int64_t now_ms, struct bytes *out)
{
	char up[48];
	struct view path = text(state, "config_path");
	show_duration(now_ms - number(state, "started_ms"), up);
	MUST(bytes_printf(
	    out, "Table version %" PRId64 ", up %s, configuration ", number(state, "version"), up));
	grid_clean(out, path);
	const json_t *revision = json_object_get(state, "revision");
	if (json_is_integer(revision))
		MUST(bytes_printf(
		    out, ", revision %" PRId64, (int64_t)json_integer_value(revision)));
	else if (json_is_string(revision))
		MUST(bytes_printf(out, ", revision %.16s", json_string_value(revision)));
	MUST(bytes_append_char(out, '\n'));
}

/* A configuration on disk that is not the one in use. */
static void
print_fault(const json_t *state, struct bytes *out)
{
	const json_t *error = json_object_get(state, "config_error");
	if (!json_is_object(error))
		return;
	struct view message = text(error, "message");
	MUST(bytes_append_str(out, "The file on disk is refused, the last good one serves: "));
	grid_clean(out, message);
	MUST(bytes_append_char(out, '\n'));
	struct grid grid;
	grid_init(&grid, 2);
	const json_t *faults = json_object_get(error, "faults");
	for (size_t i = 0; i < json_array_size(faults); i++) {
		add_text(&grid, json_array_get(faults, i), "path");
		add_text(&grid, json_array_get(faults, i), "message");
	}
	grid_print(&grid, 2, out);
	grid_fini(&grid);
}

static void
print_programs(const struct places *places, struct bytes *out)
{
	static const char *const names[] = {
	    [ROSTER_LAUNCHER] = "launcher",
	    [ROSTER_CONTROLPLANE] = "controlplane",
	    [ROSTER_WEBADMIN] = "webadmin",
	    [ROSTER_DEMO] = "demo-upstream",
	};
	struct err err;
	int fd = roster_open(places->state, "launcher", &err);
	if (fd < 0)
		return;
	MUST(bytes_append_str(out, "\nPrograms "));
	for (unsigned slot = 0; slot < ROSTER_SLOTS; slot++) {
		pid_t pid;
		if (!roster_lives(fd, slot, &pid))
			continue;
		if (slot < ROSTER_DATAPLANE)
			MUST(bytes_printf(out, " %s", names[slot]));
		else
			MUST(bytes_printf(out, " dataplane.%u", slot - ROSTER_DATAPLANE));
		MUST(pid > 0 ? bytes_printf(out, " %d ", (int)pid) : bytes_append_str(out, " - "));
	}
	MUST(bytes_append_char(out, '\n'));
	close(fd);
}

static void
print_dataplanes(const json_t *state, struct bytes *out)
{
	static const char *const names[] = {"DATAPLANE", "PID", "TABLE", "IN FLIGHT", "REQUESTS",
	    "COMPLETED", "FAILED", "CLIENT GONE", "MIB", "HEARD", NULL};
	struct grid grid;
	grid_init(&grid, 10);
	head(&grid, names);
	const json_t *list = json_object_get(state, "dataplanes");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		add_text(&grid, entry, "instance");
		add_number(&grid, entry, "pid");
		add_number(&grid, entry, "table_version");
		add_number(&grid, entry, "in_flight");
		add_number(&grid, entry, "requests");
		add_number(&grid, entry, "completed");
		add_number(&grid, entry, "failed");
		add_number(&grid, entry, "client_gone");
		grid_add(&grid, "%" PRId64, number(entry, "rss_bytes") >> 20);
		grid_add(&grid, "%.1f s ago", (double)number(entry, "age_ms") / 1000);
	}
	MUST(bytes_append_char(out, '\n'));
	grid_print(&grid, 0, out);
	grid_fini(&grid);
}

static void
print_upstreams(const json_t *state, struct bytes *out)
{
	static const char *const names[] = {
	    "GROUP", "RANK", "TIER", "AVAILABLE", "UPSTREAM", "URL", "KEY", NULL};
	struct grid grid;
	grid_init(&grid, 7);
	head(&grid, names);
	const json_t *groups = json_object_get(state, "groups");
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *group = json_array_get(groups, i);
		const json_t *list = json_object_get(group, "upstreams");
		for (size_t j = 0; j < json_array_size(list); j++) {
			const json_t *entry = json_array_get(list, j);
			bool available = json_is_true(json_object_get(entry, "available"));
			struct view reason = text(entry, "reason");
			add_text(&grid, group, "group");
			add_number(&grid, entry, "rank");
			add_text(&grid, entry, "tier");
			grid_add(&grid, "%s%.*s",
			    available ? "yes" : "no: ", available ? 0 : (int)reason.len,
			    reason.data);
			add_text(&grid, entry, "name");
			add_text(&grid, entry, "base_url");
			add_text(&grid, entry, "key");
		}
	}
	MUST(bytes_append_char(out, '\n'));
	grid_print(&grid, 0, out);
	grid_fini(&grid);
}

void
status_print(const json_t *state, const struct places *places, int64_t now_ms, struct bytes *out)
{
	print_head(state, now_ms, out);
	print_fault(state, out);
	print_programs(places, out);
	print_dataplanes(state, out);
	print_upstreams(state, out);
}
