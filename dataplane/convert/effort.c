#include "effort.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const words[] = {
    [EFFORT_NONE] = "none",
    [EFFORT_MINIMAL] = "minimal",
    [EFFORT_LOW] = "low",
    [EFFORT_MEDIUM] = "medium",
    [EFFORT_HIGH] = "high",
    [EFFORT_XHIGH] = "xhigh",
    [EFFORT_MAX] = "max",
};

enum effort
effort_of_word(struct jsonspan_value word)
{
	for (unsigned i = EFFORT_NONE; i < COUNT(words); i++) {
		if (jsonspan_str_is(word, words[i]))
			return (enum effort)i;
	}
	return EFFORT_ABSENT;
}

const char *
effort_word(enum effort effort)
{
	return words[effort];
}

enum effort
effort_of_budget(int64_t budget_tokens)
{
	static const struct {
		int64_t up_to;
		enum effort effort;
	} rows[] = {
	    {2048, EFFORT_LOW}, {8192, EFFORT_MEDIUM}, {24576, EFFORT_HIGH}, {63999, EFFORT_XHIGH}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (budget_tokens <= rows[i].up_to)
			return rows[i].effort;
	}
	return EFFORT_MAX;
}

int64_t
effort_budget(enum effort effort, const struct caps *caps)
{
	static const int64_t budgets[] = {
	    [EFFORT_ABSENT] = 8192,
	    [EFFORT_NONE] = EFFORT_BUDGET_MIN,
	    [EFFORT_MINIMAL] = EFFORT_BUDGET_MIN,
	    [EFFORT_LOW] = EFFORT_BUDGET_MIN,
	    [EFFORT_MEDIUM] = 8192,
	    [EFFORT_HIGH] = 24576,
	    [EFFORT_XHIGH] = 32768,
	};
	return effort == EFFORT_MAX ? caps->max_effort_budget : budgets[effort];
}

enum effort
effort_known(enum effort effort, const struct caps *caps)
{
	if (effort == EFFORT_MAX && !caps->effort_max)
		effort = EFFORT_XHIGH;
	return effort == EFFORT_XHIGH && !caps->effort_xhigh ? EFFORT_HIGH : effort;
}

enum effort
effort_wanted(const struct request *request, const struct caps *caps)
{
	if (request->thinking == THINKING_DISABLED)
		return EFFORT_NONE;
	if (request->effort != EFFORT_ABSENT)
		return effort_known(request->effort, caps);
	if (request->thinking == THINKING_BUDGET && request->thinking_budget >= 0)
		return effort_known(effort_of_budget(request->thinking_budget), caps);
	return EFFORT_ABSENT;
}
