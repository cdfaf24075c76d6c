/* Requests, written: everything that is neither text nor tool. */
#include "anthropic.h"
#include "effort.h"
#include "read_json.h"

#include <string.h>

static bool
lose(struct anthropic_write *write, const char *path)
{
	return ledger_lose(write->options->ledger, write->err, "%s", path);
}

/* ---- thinking ---- */

/* A tool loop whose last assistant turn came back without its thinking: models that think by budget
 * refuse to go on with thinking on. */
static bool
lost_thinking(const struct anthropic_write *write)
{
	const struct turn *last = NULL;
	const struct turn *end = NULL;
	for (const struct turn *turn = write->messages; turn != NULL; turn = turn->next) {
		last = turn->role == ROLE_ASSISTANT ? turn : last;
		end = turn;
	}
	if (last == NULL || last->next != end || end->first->kind != PART_RESULT)
		return false;
	return last->first->kind != PART_THINKING && last->first->kind != PART_REDACTED;
}

static bool
wants_thinking(const struct request *request)
{
	if (request->thinking == THINKING_DISABLED || request->effort == EFFORT_NONE)
		return false;
	/* In this protocol an effort alone asks for no thinking. */
	bool effort = request->from != WIRE_ANTHROPIC && request->effort != EFFORT_ABSENT;
	return effort || request->thinking == THINKING_BUDGET ||
	       request->thinking == THINKING_ADAPTIVE;
}

static bool
plan_off(struct anthropic_write *write)
{
	const struct request *request = write->request;
	bool asked_off = request->thinking == THINKING_DISABLED || request->effort == EFFORT_NONE;
	return !asked_off || !write->options->caps->thinking_always ||
	       lose(write, write->request->paths.effort);
}

bool
anthropic_thinking_plan(struct anthropic_write *write)
{
	const struct request *request = write->request;
	const struct caps *caps = write->options->caps;
	write->max_tokens = request->max_tokens < 0 ? caps->max_output_tokens : request->max_tokens;
	if (write->max_tokens > caps->max_output_tokens) {
		write->max_tokens = caps->max_output_tokens;
		if (!lose(write, write->request->paths.max_tokens))
			return false;
	}
	if (!wants_thinking(request))
		return plan_off(write);
	if (caps->thinking == CAPS_THINKING_NONE)
		return lose(write, write->request->paths.effort);
	write->by_budget =
	    caps->thinking == CAPS_THINKING_BUDGET ||
	    (caps->thinking == CAPS_THINKING_BOTH && request->thinking == THINKING_BUDGET);
	if (write->by_budget && (write->max_tokens <= EFFORT_BUDGET_MIN || lost_thinking(write)))
		return lose(write, write->request->paths.effort);
	write->thinking = true;
	return true;
}

static int64_t
budget_of(const struct anthropic_write *write)
{
	const struct request *request = write->request;
	int64_t budget = effort_budget(request->effort, write->options->caps);
	if (request->thinking_budget >= 0)
		budget = request->thinking_budget;
	if (budget >= write->max_tokens)
		budget = write->max_tokens - 1;
	return budget < EFFORT_BUDGET_MIN ? EFFORT_BUDGET_MIN : budget;
}

/* This protocol's word for an effort; NULL: it has none. */
static const char *
effort_name(const struct caps *caps, enum effort effort)
{
	if (effort == EFFORT_NONE)
		return NULL;
	return effort_word(effort == EFFORT_MINIMAL ? EFFORT_LOW : effort_known(effort, caps));
}

static void
write_thinking(struct anthropic_write *write)
{
	struct write_json *json = &write->json;
	if (!write->thinking) {
		if (write->request->from == WIRE_ANTHROPIC &&
		    write->request->thinking == THINKING_DISABLED &&
		    !write->options->caps->thinking_always) {
			write_json_key_object(json, "thinking");
			write_json_key_str(json, "type", "disabled");
			write_json_object_end(json);
		}
		return;
	}
	write_json_key_object(json, "thinking");
	write_json_key_str(json, "type", write->by_budget ? "enabled" : "adaptive");
	if (write->by_budget)
		write_json_key_int(json, "budget_tokens", budget_of(write));
	if (write->request->thinking_shown != TRI_ABSENT)
		write_json_key_str(json, "display",
		    write->request->thinking_shown == TRI_YES ? "summarized" : "omitted");
	write_json_object_end(json);
}

/* ---- the form of the output ---- */

static bool
write_format(struct anthropic_write *write)
{
	struct write_json *json = &write->json;
	struct view schema = write->request->schema_json;
	write_json_key_object(json, "format");
	write_json_key_str(json, "type", "json_schema");
	if (write->request->from == WIRE_ANTHROPIC) {
		write_json_key_raw(json, "schema", schema);
	} else {
		write_json_key(json, "schema");
		if (!anthropic_schema_output(schema, json->out))
			return anthropic_full(write->err);
	}
	write_json_object_end(json);
	return true;
}

static bool
write_output(struct anthropic_write *write)
{
	const struct request *request = write->request;
	const struct caps *caps = write->options->caps;
	bool native = request->output == OUTPUT_JSON_SCHEMA && caps->json_schema;
	write->instruct_json = request->output != OUTPUT_TEXT && !native;
	if (write->instruct_json && !lose(write, request->paths.format))
		return false;
	enum effort effort = request->effort;
	if (effort == EFFORT_ABSENT && write->thinking && !write->by_budget &&
	    request->thinking == THINKING_BUDGET)
		effort = effort_of_budget(request->thinking_budget);
	const char *name = effort_name(caps, effort);
	/* Models that think by budget alone know no levels; nor is one said for thinking left out.
	 */
	bool says = name != NULL && caps->thinking >= CAPS_THINKING_BOTH && !write->by_budget &&
		    (write->thinking || request->from == WIRE_ANTHROPIC);
	if (!says && !native)
		return true;
	write_json_key_object(&write->json, "output_config");
	if (says)
		write_json_key_str(&write->json, "effort", name);
	if (native && !write_format(write))
		return false;
	write_json_object_end(&write->json);
	return true;
}

/* ---- sampling ---- */

static bool
write_temperature(struct anthropic_write *write)
{
	struct view json = write->request->temperature_json;
	if (json.len == 0)
		return true;
	double value = read_json_double(json);
	if (write->thinking || !write->options->caps->sampling)
		return value == 1.0 || lose(write, "temperature");
	if (value <= 1.0) {
		write_json_key_raw(&write->json, "temperature", json);
		return true;
	}
	write_json_key_int(&write->json, "temperature", 1);
	return lose(write, "temperature");
}

static bool
write_sampling(struct anthropic_write *write)
{
	const struct request *request = write->request;
	const struct caps *caps = write->options->caps;
	bool open = caps->sampling && !write->thinking;
	bool beside = request->temperature_json.len > 0 && !caps->sampling_both;
	if (!write_temperature(write))
		return false;
	if (request->top_p_json.len > 0) {
		if (open && !beside)
			write_json_key_raw(&write->json, "top_p", request->top_p_json);
		else if (read_json_double(request->top_p_json) != 1.0 && !lose(write, "top_p"))
			return false;
	}
	if (request->top_k_json.len > 0) {
		if (open)
			write_json_key_raw(&write->json, "top_k", request->top_k_json);
		else if (!lose(write, "top_k"))
			return false;
	}
	return true;
}

static bool
lose_logprobs(struct anthropic_write *write)
{
	const struct request *request = write->request;
	return (!request->logprobs || lose(write, request->paths.logprobs)) &&
	       (request->top_logprobs_json.len == 0 || lose(write, "top_logprobs"));
}

static bool
write_stops(struct anthropic_write *write)
{
	const char *path = write->request->paths.stops;
	bool open = false;
	for (const struct text_list *it = write->request->stops; it != NULL; it = it->next) {
		if (anthropic_is_blank(it->text)) {
			if (!lose(write, path))
				return false;
			continue;
		}
		if (!open)
			write_json_key_array(&write->json, "stop_sequences");
		open = true;
		write_json_text(&write->json, it->text);
	}
	if (open)
		write_json_array_end(&write->json);
	return true;
}

/* ---- the rest ---- */

static bool
write_tier(struct anthropic_write *write)
{
	struct view tier = write->request->tier_text;
	if (view_eq_str(tier, "default")) {
		write_json_key_str(&write->json, "service_tier", "standard_only");
	} else if (view_eq_str(tier, "priority") && write->request->from == WIRE_ANTHROPIC) {
		write_json_key_str(&write->json, "speed", "fast");
	} else if (tier.len > 0 && !view_eq_str(tier, "auto")) {
		return lose(write, "service_tier");
	}
	return true;
}

static bool
write_leftovers(struct anthropic_write *write)
{
	if (write->request->from != WIRE_ANTHROPIC)
		return ledger_leftovers(write->options->ledger, write->request, write->err);
	for (const struct leftover *it = write->request->leftovers; it != NULL; it = it->next) {
		/* A path of more than one word lies inside something that was written. */
		if (strpbrk(it->name, ".[") == NULL)
			write_json_key_raw(&write->json, it->name, it->json);
	}
	return true;
}

static bool
write_verbosity(struct anthropic_write *write)
{
	struct view verbosity = write->request->verbosity_text;
	return verbosity.len == 0 || view_eq_str(verbosity, "medium") ||
	       lose(write, write->request->paths.verbosity);
}

bool
anthropic_params_write(struct anthropic_write *write)
{
	struct write_json *json = &write->json;
	bool warms = write->request->from == WIRE_ANTHROPIC && write->request->max_tokens < 0;
	if (!warms || write->request->leftovers == NULL ||
	    strcmp(write->request->leftovers->name, "max_tokens") != 0)
		write_json_key_int(json, "max_tokens", write->max_tokens);
	if (write->options->stream)
		write_json_key_bool(json, "stream", true);
	write_thinking(write);
	if (write->request->user_text.len > 0) {
		write_json_key_object(json, "metadata");
		write_json_key_text(json, "user_id", write->request->user_text);
		write_json_object_end(json);
	}
	return write_output(write) && write_sampling(write) && lose_logprobs(write) &&
	       write_stops(write) && write_tier(write) && write_verbosity(write) &&
	       write_leftovers(write);
}
