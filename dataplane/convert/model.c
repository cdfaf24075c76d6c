#include "model.h"

const char *
wire_name(enum wire wire)
{
	static const char *const names[WIRE_COUNT] = {"anthropic", "chat", "responses"};
	return names[wire];
}

struct request *
request_new(struct arena *arena, enum wire from)
{
	static const struct request_paths paths[WIRE_COUNT] = {
	    [WIRE_ANTHROPIC] = {"max_tokens", "thinking", "stop_sequences", "output_config.format",
		"output_config", "logprobs"},
	    [WIRE_CHAT] = {"max_completion_tokens", "reasoning_effort", "stop", "response_format",
		"verbosity", "logprobs"},
	    [WIRE_RESPONSES] = {"max_output_tokens", "reasoning.effort", "stop", "text.format",
		"text.verbosity", "include"},
	};
	struct request *request = arena_alloc(arena, sizeof(*request));
	if (request == NULL)
		return NULL;
	request->arena = arena;
	request->from = from;
	request->paths = paths[from];
	request->max_tokens = -1;
	request->thinking_budget = -1;
	return request;
}

struct turn *
request_add_turn(struct request *request, enum role role)
{
	struct turn *turn = arena_alloc(request->arena, sizeof(*turn));
	if (turn == NULL)
		return NULL;
	turn->role = role;
	turn->path = "";
	if (request->last != NULL)
		request->last->next = turn;
	else
		request->first = turn;
	request->last = turn;
	return turn;
}

static struct part *
part_new(struct arena *arena, enum part_kind kind)
{
	struct part *part = arena_alloc(arena, sizeof(*part));
	if (part == NULL)
		return NULL;
	part->kind = kind;
	part->path = "";
	return part;
}

struct part *
turn_add_part(struct request *request, struct turn *turn, enum part_kind kind)
{
	struct part *part = part_new(request->arena, kind);
	if (part == NULL)
		return NULL;
	if (turn->last != NULL)
		turn->last->next = part;
	else
		turn->first = part;
	turn->last = part;
	return part;
}

struct part *
part_add_child(struct request *request, struct part *result, enum part_kind kind)
{
	struct part *part = part_new(request->arena, kind);
	if (part == NULL)
		return NULL;
	if (result->children_last != NULL)
		result->children_last->next = part;
	else
		result->children = part;
	result->children_last = part;
	return part;
}

struct tool *
request_add_tool(struct request *request, enum tool_kind kind)
{
	struct tool *tool = arena_alloc(request->arena, sizeof(*tool));
	if (tool == NULL)
		return NULL;
	tool->kind = kind;
	tool->path = "";
	if (request->tools_last != NULL)
		request->tools_last->next = tool;
	else
		request->tools = tool;
	request->tools_last = tool;
	return tool;
}

/* For a model that shall lose nothing it needs; _text. */
#define SUMMARISE                                                                                  \
	"Stop here and summarise this conversation. The summary will take its place, so write "    \
	"down what is needed to go on without it: what was asked for and under which conditions, " \
	"what has been done and found out, which files, commands and names matter, and what is "   \
	"left to do. Answer with the summary alone and call no tool."

void
request_summarise(struct request *request)
{
	request->compaction->kind = PART_TEXT;
	request->compaction->text = VIEW(SUMMARISE);
	request->choice = CHOICE_NONE;
	request->output = OUTPUT_TEXT;
}
