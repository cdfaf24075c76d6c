#include "golden_case.h"
#include "fileio.h"
#include "must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX (64u << 20)
#define MEMORY_BYTES_MAX (256u << 20)

static void
copy_value(char *out, size_t size, struct view value)
{
	snprintf(out, size, "%.*s", VIEW_ARGS(value));
}

static bool
read_wire(struct view value, enum wire *out)
{
	for (int i = 0; i < WIRE_COUNT; i++) {
		if (view_eq_str(value, wire_name((enum wire)i))) {
			*out = (enum wire)i;
			return true;
		}
	}
	return false;
}

static bool
read_kind(struct view value, enum case_kind *out)
{
	static const char *const names[] = {"request", "reply", "stream", "error"};
	for (int i = 0; i < 4; i++) {
		if (view_eq_str(value, names[i])) {
			*out = (enum case_kind)i;
			return true;
		}
	}
	return false;
}

static bool
read_flags(struct view value, struct upstream_flags *flags)
{
	const struct {
		const char *name;
		bool *flag;
	} known[] = {
	    {"max_tokens_old_name", &flags->max_tokens_old_name},
	    {"top_k", &flags->top_k},
	    {"cache_breakpoints", &flags->cache_breakpoints},
	    {"reasoning_content", &flags->reasoning_content},
	    {"inline_think", &flags->inline_think},
	    {"instructions", &flags->instructions},
	    {"developer_role", &flags->developer_role},
	    {"custom_tools", &flags->custom_tools},
	    {"stop_over_four", &flags->stop_over_four},
	    {"stops_here", &flags->stops_here},
	};
	struct view word;
	while (view_split(&value, ',', &word)) {
		size_t i = 0;
		while (i < sizeof(known) / sizeof(known[0]) && !view_eq_str(word, known[i].name))
			i++;
		if (i == sizeof(known) / sizeof(known[0]))
			return false;
		*known[i].flag = true;
	}
	return true;
}

static bool
read_line(struct golden_case *test, struct view key, struct view value)
{
	if (view_eq_str(key, "kind"))
		return read_kind(value, &test->kind);
	if (view_eq_str(key, "client"))
		return read_wire(value, &test->options.client);
	if (view_eq_str(key, "upstream"))
		return read_wire(value, &test->options.upstream);
	if (view_eq_str(key, "flags"))
		return read_flags(value, &test->options.flags);
	if (view_eq_str(key, "strict"))
		test->options.strict = view_eq_str(value, "1");
	else if (view_eq_str(key, "thinking_always"))
		test->thinking_always = view_eq_str(value, "1");
	else if (view_eq_str(key, "upstream_id"))
		copy_value(test->upstream_id, sizeof(test->upstream_id), value);
	else if (view_eq_str(key, "model"))
		copy_value(test->model, sizeof(test->model), value);
	else if (view_eq_str(key, "expect_error"))
		copy_value(test->expect_error, sizeof(test->expect_error), value);
	else if (view_eq_str(key, "status"))
		test->status = (int)strtol(value.data, NULL, 10);
	else if (view_eq_str(key, "out_status"))
		test->out_status = (int)strtol(value.data, NULL, 10);
	else if (view_eq_str(key, "loss")) {
		copy_value(test->loss, sizeof(test->loss), value);
		test->has_loss = true;
	} else {
		return false;
	}
	return true;
}

/* The model's usual row, but that its thinking can't be switched off. */
static void
use_own_caps(struct golden_case *test)
{
	size_t count = 0;
	const struct caps *rows = caps_defaults(&count);
	test->caps = *caps_find(rows, count, view_of(test->model));
	test->caps.thinking_always = true;
	test->options.caps_rows = &test->caps;
	test->options.caps_count = 1;
}

bool
golden_case_read(struct golden_case *test, const char *folder)
{
	struct bytes meta;
	struct view line;
	*test = (struct golden_case){.upstream_id = "up1"};
	snprintf(test->folder, sizeof(test->folder), "%s", folder);
	test->options.memory_max = MEMORY_BYTES_MAX;
	test->options.created_s = 1700000000;
	test->options.request_id_plain = VIEW("req1");
	bytes_init(&meta, FILE_BYTES_MAX);
	bool ok = golden_case_file(test, "meta", &meta);
	struct view rest = bytes_view(&meta);
	while (ok && view_split(&rest, '\n', &line)) {
		struct view key;
		struct view value = line;
		if (line.len == 0 || line.data[0] == '#')
			continue;
		ok = view_split(&value, '=', &key) && read_line(test, key, value);
		if (!ok)
			fprintf(stderr, "%s/meta: %.*s\n", folder, VIEW_ARGS(line));
	}
	bytes_fini(&meta);
	test->options.upstream_plain = view_of(test->upstream_id);
	test->options.upstream_model_plain = view_of(test->model);
	if (test->thinking_always)
		use_own_caps(test);
	return ok;
}

bool
golden_case_file(const struct golden_case *test, const char *name, struct bytes *out)
{
	char path[640];
	struct err err;
	snprintf(path, sizeof(path), "%s/%s", test->folder, name);
	bytes_init(out, FILE_BYTES_MAX);
	return fileio_read(path, out, &err);
}

bool
golden_case_write(const struct golden_case *test, const char *name, struct view text)
{
	char path[640];
	struct err err;
	snprintf(path, sizeof(path), "%s/%s", test->folder, name);
	return fileio_write(path, text, 0644, &err);
}
