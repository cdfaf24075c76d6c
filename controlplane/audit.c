#include "audit.h"
#include "bytes.h"
#include "clock.h"
#include "faults.h"
#include "fileio.h"
#include "jget.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_BYTES_MAX ((size_t)64 * 1024)
#define VALUE_BYTES_MAX 300
#define FILE_READ_MAX (AUDIT_BYTES_MAX + LINE_BYTES_MAX)
#define SHOWN_DEFAULT 100

/* ---- reading ---- */

/* The whole file into `out`, nothing when there is none. */
static void
read_lines(const char *path, struct bytes *out)
{
	struct err err;
	bytes_init(out, FILE_READ_MAX);
	errno = 0;
	if (!fileio_read(path, out, &err) && errno != ENOENT)
		log_err(LOG_WARN, "audit_unreadable", &err);
}

/* The last line of `*rest`, which loses it; false when there is none. */
static bool
take_last(struct view *rest, struct view *line)
{
	size_t end = rest->len;
	while (end > 0 && rest->data[end - 1] == '\n')
		end--;
	size_t begin = end;
	while (begin > 0 && rest->data[begin - 1] != '\n')
		begin--;
	*line = view_sub(*rest, begin, end - begin);
	*rest = view_sub(*rest, 0, begin);
	return line->len > 0;
}

/* NULL for a line that was cut by a crash. */
static json_t *
parse_line(struct view line)
{
	json_t *entry = NULL;
	struct err err;
	if (!jget_parse(line, &entry, &err))
		return NULL;
	return entry;
}

static uint64_t
last_seq_of(const char *path, size_t *bytes, bool *torn)
{
	struct bytes text;
	struct view rest, line;
	uint64_t seq = 0;
	read_lines(path, &text);
	*bytes = text.len;
	*torn = text.len > 0 && text.data[text.len - 1] != '\n';
	rest = bytes_view(&text);
	while (seq == 0 && take_last(&rest, &line)) {
		json_t *entry = parse_line(line);
		seq = (uint64_t)json_integer_value(json_object_get(entry, "seq"));
		json_decref(entry);
	}
	bytes_fini(&text);
	return seq;
}

void
audit_open(struct audit *audit, const char *state_dir)
{
	size_t ignored;
	bool torn;
	*audit = (struct audit){0};
	(void)snprintf(audit->path, sizeof(audit->path), "%s/audit.jsonl", state_dir);
	(void)snprintf(audit->old_path, sizeof(audit->old_path), "%s.1", audit->path);
	audit->last_seq = last_seq_of(audit->path, &audit->bytes, &audit->torn);
	if (audit->last_seq == 0)
		audit->last_seq = last_seq_of(audit->old_path, &ignored, &torn);
}

/* ---- writing ---- */

static json_t *
cut(const json_t *value)
{
	size_t len;
	if (json_is_null(value))
		return json_null();
	char *text = jget_dump(value, &len);
	mem_free(text);
	if (len <= VALUE_BYTES_MAX)
		return json_deep_copy(value);
	return json_sprintf("(%zu bytes)", len);
}

static json_t *
cut_changes(const json_t *changes)
{
	json_t *out = json_array();
	for (size_t i = 0; i < json_array_size(changes) && i < AUDIT_CHANGES_MAX; i++) {
		const json_t *change = json_array_get(changes, i);
		json_t *item = json_pack("{s:O, s:o, s:o}", "path", json_object_get(change, "path"),
		    "from", cut(json_object_get(change, "from")), "to",
		    cut(json_object_get(change, "to")));
		MUST(item != NULL && json_array_append_new(out, item) == 0);
	}
	return out;
}

static bool
append(struct audit *audit, struct view line, struct err *err)
{
	if (audit->bytes + line.len > AUDIT_BYTES_MAX) {
		if (rename(audit->path, audit->old_path) != 0 && errno != ENOENT)
			return err_errno(err, audit->path, "cannot be put aside");
		audit->bytes = 0;
	}
	int fd = open(audit->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(err, audit->path, "cannot be written");
	/* A line that a crash or a full disk has cut must not spoil this one. */
	bool whole = !audit->torn || write(fd, "\n", 1) == 1;
	ssize_t sent = whole ? write(fd, line.data, line.len) : -1;
	bool ok = sent == (ssize_t)line.len || err_errno(err, audit->path, "cannot be written");
	close(fd);
	audit->torn = !ok;
	audit->bytes += sent > 0 ? (size_t)sent : 0;
	return ok;
}

static struct history_who
cleaned(const struct history_who *who)
{
	struct history_who out = *who;
	faults_drop_cut(out.who);
	faults_drop_cut(out.peer);
	faults_drop_cut(out.what);
	return out;
}

void
audit_add(struct audit *audit, const struct history_who *who, const char *action, uint64_t revision,
    const json_t *changes)
{
	struct err err;
	size_t len;
	struct bytes line;
	struct history_who by = cleaned(who);
	json_t *entry = json_pack("{s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:o}", "seq",
	    (json_int_t)++audit->last_seq, "at_ms", (json_int_t)clock_wall_ms(), "who", by.who,
	    "role", by.role, "via", by.via, "peer", by.peer, "action", action, "target", by.what,
	    "revision", (json_int_t)revision, "changes", cut_changes(changes));
	MUST(entry != NULL);
	char *text = jget_dump(entry, &len);
	json_decref(entry);
	bytes_init(&line, LINE_BYTES_MAX);
	bool ok = (bytes_append(&line, text, len) && bytes_append_char(&line, '\n')) ||
		  err_set(&err, ERR_LIMIT, audit->path, "a line is too long");
	ok = ok && append(audit, bytes_view(&line), &err);
	if (!ok && !audit->trouble)
		log_err(LOG_ERROR, "audit_not_written", &err);
	audit->trouble = !ok;
	bytes_fini(&line);
	mem_free(text);
}

/* ---- questions ---- */

struct asked {
	int64_t before, limit;
	struct view who, action;
};

static bool
fits(const json_t *entry, const struct asked *asked)
{
	const char *who = json_string_value(json_object_get(entry, "who"));
	const char *action = json_string_value(json_object_get(entry, "action"));
	json_int_t seq = json_integer_value(json_object_get(entry, "seq"));
	if (entry == NULL || who == NULL || action == NULL || seq >= asked->before)
		return false;
	return (asked->who.data == NULL || view_eq_str(asked->who, who)) &&
	       (asked->action.data == NULL || view_eq_str(asked->action, action));
}

static void
collect(const char *path, const struct asked *asked, json_t *out)
{
	struct bytes text;
	struct view rest, line;
	read_lines(path, &text);
	rest = bytes_view(&text);
	while ((int64_t)json_array_size(out) < asked->limit && take_last(&rest, &line)) {
		json_t *entry = parse_line(line);
		if (fits(entry, asked))
			MUST(json_array_append(out, entry) == 0);
		json_decref(entry);
	}
	bytes_fini(&text);
}

json_t *
audit_query(const struct audit *audit, const json_t *asked, struct err *err)
{
	struct asked wish = {.before = INT64_MAX, .limit = SHOWN_DEFAULT};
	if (!jget_int(asked, "", "before", 1, INT64_MAX, &wish.before, err) ||
	    !jget_int(asked, "", "limit", 1, AUDIT_SHOWN_MAX, &wish.limit, err) ||
	    !jget_str(asked, "", "who", &wish.who, err) ||
	    !jget_str(asked, "", "action", &wish.action, err))
		return NULL;
	json_t *entries = json_array();
	collect(audit->path, &wish, entries);
	collect(audit->old_path, &wish, entries);
	return json_pack("{s:o}", "entries", entries);
}
