/* Requests, read: everything that is neither text nor tool. */
#include "anthropic.h"
#include "effort.h"
#include "read_json.h"

#include <string.h>

enum {
	P_MODEL,
	P_MAX_TOKENS,
	P_STREAM,
	P_STOPS,
	P_TEMPERATURE,
	P_TOP_P,
	P_TOP_K,
	P_THINKING,
	P_OUTPUT,
	P_OUTPUT_OLD,
	P_CHOICE,
	P_METADATA,
	P_TIER,
	P_SPEED,
	P_SYSTEM,
	P_MESSAGES,
	P_TOOLS,
	P_CACHE,
	P_COUNT
};

/* A part of a member that has no field in the model. */
static bool
leave(struct request *request, const char *path, struct jsonspan_value value, struct err *err)
{
	return read_json_is_default(value) ||
	       read_json_leftover(request, view_of(path), value, false) || anthropic_full(err);
}

static bool
decode_max_tokens(struct request *request, const struct jsonspan_want *want, struct err *err)
{
	if (!read_json_int(want, "", 0, INT64_MAX, &request->max_tokens, err))
		return false;
	if (request->max_tokens != 0)
		return true;
	/* Zero asks to warm the prompt cache and to generate nothing: no other protocol can. */
	request->max_tokens = -1;
	return read_json_leftover(request, VIEW("max_tokens"), want->value, true) ||
	       anthropic_full(err);
}

static bool
decode_stops(struct request *request, const struct jsonspan_want *want, struct err *err)
{
	struct jsonspan_value list = {JSONSPAN_NONE, {NULL, 0}};
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	struct text_list **end = &request->stops;
	if (!read_json_kind(want, "", JSONSPAN_ARRAY, &list, err))
		return false;
	jsonspan_iter_init(&iter, list);
	while (jsonspan_next(&iter, &item)) {
		if (item.value.kind != JSONSPAN_STRING)
			return read_json_wrong(err, "", want->key, "must hold strings");
		*end = arena_alloc(request->arena, sizeof(**end));
		if (*end == NULL)
			return anthropic_full(err);
		(*end)->text = read_json_inside(item.value);
		end = &(*end)->next;
	}
	return true;
}

static bool
decode_thinking(struct request *request, const struct jsonspan_want *want, struct err *err)
{
	enum { T_TYPE, T_BUDGET, T_DISPLAY, T_COUNT };
	struct jsonspan_want t[T_COUNT] = {
	    [T_TYPE] = {.key = "type"},
	    [T_BUDGET] = {.key = "budget_tokens"},
	    [T_DISPLAY] = {.key = "display"},
	};
	struct jsonspan_value object = {JSONSPAN_NONE, {NULL, 0}};
	if (!read_json_kind(want, "", JSONSPAN_OBJECT, &object, err))
		return false;
	read_json_members(object, t, T_COUNT);
	struct jsonspan_value type = t[T_TYPE].value;
	if (jsonspan_str_is(type, "disabled"))
		request->thinking = THINKING_DISABLED;
	else if (jsonspan_str_is(type, "enabled"))
		request->thinking = THINKING_BUDGET;
	else if (type.kind != JSONSPAN_NONE)
		request->thinking = THINKING_ADAPTIVE; /* and what comes after it */
	if (jsonspan_str_is(t[T_DISPLAY].value, "omitted"))
		request->thinking_shown = TRI_NO;
	else if (t[T_DISPLAY].value.kind == JSONSPAN_STRING)
		request->thinking_shown = TRI_YES;
	return read_json_int(
	    &t[T_BUDGET], "thinking", 0, INT64_MAX, &request->thinking_budget, err);
}

static bool
decode_format(
    struct request *request, const struct jsonspan_want *want, const char *path, struct err *err)
{
	struct jsonspan_value format = {JSONSPAN_NONE, {NULL, 0}};
	if (!read_json_kind(want, path, JSONSPAN_OBJECT, &format, err))
		return false;
	struct jsonspan_value schema = jsonspan_get(format, "schema");
	if (!jsonspan_str_is(jsonspan_get(format, "type"), "json_schema"))
		return true;
	if (schema.kind != JSONSPAN_OBJECT)
		return read_json_wrong(err, path, "format.schema", "must be an object");
	request->output = OUTPUT_JSON_SCHEMA;
	request->schema_json = schema.raw;
	return true;
}

enum effort
anthropic_effort_decode(struct jsonspan_value effort)
{
	enum effort known = effort_of_word(effort);
	return known >= EFFORT_LOW ? known : EFFORT_ABSENT;
}

static bool
decode_output(struct request *request, const struct jsonspan_want *want, struct err *err)
{
	enum { O_EFFORT, O_FORMAT, O_BUDGET, O_COUNT };
	struct jsonspan_want o[O_COUNT] = {
	    [O_EFFORT] = {.key = "effort"},
	    [O_FORMAT] = {.key = "format"},
	    [O_BUDGET] = {.key = "task_budget"},
	};
	struct jsonspan_value object = {JSONSPAN_NONE, {NULL, 0}};
	if (!read_json_kind(want, "", JSONSPAN_OBJECT, &object, err))
		return false;
	read_json_members(object, o, O_COUNT);
	request->effort = anthropic_effort_decode(o[O_EFFORT].value);
	if (o[O_EFFORT].value.kind != JSONSPAN_NONE && request->effort == EFFORT_ABSENT)
		return read_json_wrong(err, "output_config", "effort", "is no level known");
	if (request->effort != EFFORT_ABSENT && request->thinking == THINKING_ABSENT)
		request->paths.effort = "output_config.effort";
	return leave(request, "output_config.task_budget", o[O_BUDGET].value, err) &&
	       decode_format(request, &o[O_FORMAT], "output_config", err);
}

static bool
decode_choice(struct request *request, const struct jsonspan_want *want, struct err *err)
{
	enum { C_TYPE, C_NAME, C_SERIAL, C_COUNT };
	struct jsonspan_want c[C_COUNT] = {
	    [C_TYPE] = {.key = "type"},
	    [C_NAME] = {.key = "name"},
	    [C_SERIAL] = {.key = "disable_parallel_tool_use"},
	};
	static const char *const names[] = {
	    [CHOICE_AUTO] = "auto",
	    [CHOICE_NONE] = "none",
	    [CHOICE_ANY] = "any",
	    [CHOICE_ONE] = "tool",
	};
	struct jsonspan_value object = {JSONSPAN_NONE, {NULL, 0}};
	enum tri serial = TRI_ABSENT;
	if (!read_json_kind(want, "", JSONSPAN_OBJECT, &object, err))
		return false;
	if (object.kind == JSONSPAN_NONE)
		return true;
	read_json_members(object, c, C_COUNT);
	for (int i = CHOICE_AUTO; i <= CHOICE_ONE; i++) {
		if (jsonspan_str_is(c[C_TYPE].value, names[i]))
			request->choice = (enum choice)i;
	}
	if (request->choice == CHOICE_ABSENT)
		return read_json_wrong(
		    err, "tool_choice", "type", "must be auto, any, tool or none");
	if (request->choice == CHOICE_ONE && !read_json_need(&c[C_NAME], "tool_choice", err))
		return false;
	if (!read_json_plain(
		request->arena, &c[C_NAME], "tool_choice", &request->choice_name_plain, err) ||
	    !read_json_tri(&c[C_SERIAL], "tool_choice", &serial, err))
		return false;
	if (serial != TRI_ABSENT)
		request->parallel = serial == TRI_YES ? TRI_NO : TRI_YES;
	return true;
}

/* This protocol's words for tier and speed, in the model's. */
static bool
decode_tier(struct request *request, const struct jsonspan_want *p, struct err *err)
{
	if (jsonspan_str_is(p[P_TIER].value, "standard_only"))
		request->tier_text = VIEW("default");
	else if (!jsonspan_str_is(p[P_TIER].value, "auto") &&
		 !leave(request, "service_tier", p[P_TIER].value, err))
		return false;
	if (jsonspan_str_is(p[P_SPEED].value, "fast"))
		request->tier_text = VIEW("priority");
	return true;
}

static bool
decode_metadata(struct request *request, const struct jsonspan_want *want, struct err *err)
{
	struct jsonspan_want user = {.key = "user_id"};
	struct jsonspan_value object = {JSONSPAN_NONE, {NULL, 0}};
	if (!read_json_kind(want, "", JSONSPAN_OBJECT, &object, err))
		return false;
	read_json_members(object, &user, 1);
	return read_json_text(&user, "metadata", &request->user_text, err);
}

/* Members without a field in the model. What makes the server run or hold things for the client
 * can't be left out quietly. */
static bool
decode_rest(struct request *request, struct jsonspan_value root, const struct jsonspan_want *p,
    struct err *err)
{
	static const char *const vital[] = {"mcp_servers", "thread", "container", "inference_geo"};
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	jsonspan_iter_init(&iter, root);
	while (jsonspan_next(&iter, &member)) {
		size_t i = 0;
		while (i < P_COUNT && !jsonspan_key_is(&member, p[i].key))
			i++;
		if (i < P_COUNT || read_json_is_default(member.value))
			continue;
		bool is_vital = false;
		for (size_t j = 0; j < sizeof(vital) / sizeof(vital[0]); j++)
			is_vital = is_vital || jsonspan_key_is(&member, vital[j]);
		if (!read_json_leftover(request, member.key, member.value, is_vital))
			return anthropic_full(err);
	}
	return true;
}

bool
anthropic_params_decode(struct jsonspan_value root, struct request *out, struct err *err)
{
	struct jsonspan_want p[P_COUNT] = {
	    [P_MODEL] = {.key = "model"},
	    [P_MAX_TOKENS] = {.key = "max_tokens"},
	    [P_STREAM] = {.key = "stream"},
	    [P_STOPS] = {.key = "stop_sequences"},
	    [P_TEMPERATURE] = {.key = "temperature"},
	    [P_TOP_P] = {.key = "top_p"},
	    [P_TOP_K] = {.key = "top_k"},
	    [P_THINKING] = {.key = "thinking"},
	    [P_OUTPUT] = {.key = "output_config"},
	    [P_OUTPUT_OLD] = {.key = "output_format"},
	    [P_CHOICE] = {.key = "tool_choice"},
	    [P_METADATA] = {.key = "metadata"},
	    [P_TIER] = {.key = "service_tier"},
	    [P_SPEED] = {.key = "speed"},
	    [P_SYSTEM] = {.key = "system"},
	    [P_MESSAGES] = {.key = "messages"},
	    [P_TOOLS] = {.key = "tools"},
	    [P_CACHE] = {.key =
			     "cache_control"}, /* marks the last block: other families need none */
	};
	enum tri stream = TRI_ABSENT;
	read_json_members(root, p, P_COUNT);
	if (!read_json_need(&p[P_MODEL], "", err) ||
	    !read_json_text(&p[P_MODEL], "", &out->model_text, err) ||
	    !read_json_tri(&p[P_STREAM], "", &stream, err) ||
	    !read_json_number(&p[P_TEMPERATURE], "", &out->temperature_json, err) ||
	    !read_json_number(&p[P_TOP_P], "", &out->top_p_json, err) ||
	    !read_json_number(&p[P_TOP_K], "", &out->top_k_json, err))
		return false;
	out->stream = stream == TRI_YES;
	return decode_max_tokens(out, &p[P_MAX_TOKENS], err) &&
	       decode_stops(out, &p[P_STOPS], err) && decode_thinking(out, &p[P_THINKING], err) &&
	       decode_output(out, &p[P_OUTPUT], err) &&
	       decode_format(out, &p[P_OUTPUT_OLD], "", err) &&
	       decode_choice(out, &p[P_CHOICE], err) && decode_metadata(out, &p[P_METADATA], err) &&
	       decode_tier(out, p, err) && decode_rest(out, root, p, err);
}
