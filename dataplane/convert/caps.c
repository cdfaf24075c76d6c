/* What model families accept, as known on CAPS_DATE. Rows are data: the configuration may put its
 * own before them. */
#include "caps.h"

#include <string.h>

#define ROW_OLD(name, out)                                                                         \
	{                                                                                          \
		.pattern = name, .thinking = CAPS_THINKING_BUDGET, .sampling = true,               \
		.prefill = true, .max_output_tokens = (out), .max_effort_budget = (out)-1          \
	}
#define ROW_NEW(name, form, out)                                                                   \
	{                                                                                          \
		.pattern = name, .thinking = (form), .system_mid = true, .effort_xhigh = true,     \
		.effort_max = true, .json_schema = true, .max_output_tokens = (out),               \
		.max_effort_budget = (out)-1                                                       \
	}

static const struct caps rows[] = {
    {
	.pattern = "claude-3-5*",
	.thinking = CAPS_THINKING_NONE,
	.sampling = true,
	.sampling_both = true,
	.prefill = true,
	.max_output_tokens = 8192,
    },
    {
	.pattern = "claude-3-haiku*",
	.thinking = CAPS_THINKING_NONE,
	.sampling = true,
	.sampling_both = true,
	.prefill = true,
	.max_output_tokens = 4096,
    },
    ROW_OLD("claude-3-7*", 64000),
    ROW_OLD("claude-sonnet-4-2*", 64000),
    ROW_OLD("claude-opus-4-2*", 32000),
    ROW_OLD("claude-opus-4-1*", 32000),
    ROW_OLD("claude-sonnet-4-5*", 64000),
    ROW_OLD("claude-haiku-4-5*", 64000),
    ROW_OLD("claude-opus-4-5*", 64000),
    {
	.pattern = "claude-sonnet-4-6*",
	.thinking = CAPS_THINKING_BOTH,
	.sampling = true,
	.json_schema = true,
	.effort_max = true,
	.max_output_tokens = 64000,
	.max_effort_budget = 63999,
    },
    {
	.pattern = "claude-opus-4-6*",
	.thinking = CAPS_THINKING_BOTH,
	.sampling = true,
	.json_schema = true,
	.effort_max = true,
	.max_output_tokens = 128000,
	.max_effort_budget = 127999,
    },
    ROW_NEW("claude-*", CAPS_THINKING_ADAPTIVE, 128000),
    {
	.pattern = "*",
	.thinking = CAPS_THINKING_BOTH,
	.sampling = true,
	.sampling_both = true,
	.system_mid = true,
	.prefill = true,
	.effort_xhigh = true,
	.effort_max = true,
	.json_schema = true,
	.output_guessed = true,
	.max_output_tokens = 64000,
	.max_effort_budget = 63999,
    },
};

const struct caps *
caps_defaults(size_t *count)
{
	*count = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

static bool
fits(const char *pattern, struct view model)
{
	size_t len = strlen(pattern);
	bool open_start = len > 0 && pattern[0] == '*';
	bool open_end = len > 1 && pattern[len - 1] == '*';
	struct view word = view_make(
	    pattern + (open_start ? 1 : 0), len - (open_start ? 1u : 0u) - (open_end ? 1u : 0u));
	if (model.len < word.len)
		return false;
	if (!open_start)
		return (open_end || model.len == word.len) &&
		       memcmp(model.data, word.data, word.len) == 0;
	if (!open_end)
		return word.len == 0 ||
		       memcmp(model.data + model.len - word.len, word.data, word.len) == 0;
	for (size_t at = 0; at + word.len <= model.len; at++) {
		if (memcmp(model.data + at, word.data, word.len) == 0)
			return true;
	}
	return false;
}

const struct caps *
caps_find(const struct caps *list, size_t count, struct view model_plain)
{
	for (size_t i = 0; i < count; i++) {
		if (fits(list[i].pattern, model_plain))
			return &list[i];
	}
	size_t fallback_count = 0;
	const struct caps *fallback = caps_defaults(&fallback_count);
	return &fallback[fallback_count - 1];
}
