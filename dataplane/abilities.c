#include "abilities.h"
#include "choose.h"
#include <string.h>

static void
set(bool *flag, enum toggle toggle)
{
	if (toggle != TOGGLE_BUILT_IN)
		*flag = toggle == TOGGLE_ON;
}

static void
lay_over(struct caps *caps, const struct model_capability *row)
{
	static const enum caps_thinking forms[] = {
	    [THINKING_FORM_NONE] = CAPS_THINKING_NONE,
	    [THINKING_FORM_BUDGET] = CAPS_THINKING_BUDGET,
	    [THINKING_FORM_BOTH] = CAPS_THINKING_BOTH,
	    [THINKING_FORM_ADAPTIVE] = CAPS_THINKING_ADAPTIVE,
	};
	if (row->thinking != THINKING_FORM_BUILT_IN)
		caps->thinking = forms[row->thinking];
	set(&caps->thinking_always, row->thinking_always);
	set(&caps->sampling, row->sampling);
	set(&caps->sampling_both, row->sampling_both);
	set(&caps->system_mid, row->system_mid);
	set(&caps->prefill, row->prefill);
	set(&caps->effort_xhigh, row->effort_xhigh);
	set(&caps->effort_max, row->effort_max);
	set(&caps->json_schema, row->json_schema);
	if (row->max_output_tokens > 0) {
		caps->output_guessed = false;
		caps->max_output_tokens = row->max_output_tokens;
		caps->max_effort_budget = row->max_output_tokens - 1;
	}
	if (row->max_effort_budget > 0)
		caps->max_effort_budget = row->max_effort_budget;
}

struct caps
abilities_of_model(const struct table *table, const char *model)
{
	size_t count;
	const struct caps *built_in = caps_defaults(&count);
	struct caps caps = *caps_find(built_in, count, view_of(model));
	memcpy(caps.pattern, "*", sizeof("*"));
	for (size_t i = 0; i < table->capability_count; i++) {
		const struct model_capability *row = &table->capabilities[i];
		if (choose_fits(row->pattern, view_of(model))) {
			lay_over(&caps, row);
			break;
		}
	}
	return caps;
}

struct upstream_flags
abilities_of_upstream(const struct upstream_entry *entry)
{
	const struct upstream_accepts *accepts = &entry->accepts;
	return (struct upstream_flags){
	    .max_tokens_old_name = accepts->max_tokens_old_name,
	    .top_k = accepts->top_k,
	    .cache_breakpoints = accepts->cache_breakpoints,
	    .reasoning_content = accepts->reasoning_content,
	    .inline_think = accepts->inline_think,
	    .instructions = accepts->instructions,
	    .developer_role = accepts->developer_role,
	    .custom_tools = accepts->custom_tools,
	    .stop_over_four = accepts->stop_over_four,
	    .stops_here = accepts->stops_here,
	};
}
