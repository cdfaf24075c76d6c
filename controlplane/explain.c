#include "explain.h"
#include "choose.h"
#include "must.h"
#include <stdio.h>
#include <string.h>

#define WHY_BYTES 160

static void
put(json_t *obj, const char *key, json_t *value)
{
	MUST(value != NULL && json_object_set_new(obj, key, value) == 0);
}

static json_t *
text(struct view v)
{
	return json_stringn(v.data != NULL ? v.data : "", v.len);
}

/* ---- which groups ---- */

struct paths {
	const char *word; /* in the path */
	enum protocol client;
};
static const struct paths paths[] = {
    {"/messages", PROTOCOL_ANTHROPIC},
    {"/chat/completions", PROTOCOL_CHAT},
    {"/responses", PROTOCOL_RESPONSES},
};

struct group_list {
	struct choose_group groups[GROUP_COUNT];
	size_t count;
};

static bool
find_groups(const struct table *table, const struct explain_asked *asked, struct group_list *out,
    struct err *err)
{
	if (asked->group < GROUP_COUNT) {
		*out =
		    (struct group_list){.groups = {{(enum group)asked->group, true}}, .count = 1};
		return true;
	}
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (view_find(asked->path, paths[i].word) < 0)
			continue;
		struct choose_route route = {.client = paths[i].client, .converts = true};
		out->count = choose_groups(table, &route, out->groups, NULL);
		return true;
	}
	return err_set(err, ERR_CONFIG, "path",
	    "is none of a request for an answer (like /v1/messages, /v1/responses or "
	    "/v1/chat/completions)");
}

/* ---- why ---- */

/* What is asked of one group, and what came of it. */
struct question {
	const struct table *table;
	const struct health *health;
	enum group group;
	struct choose_asked choose;
	uint64_t now_ms;
};

static const struct upstream_entry *
entry_at(const struct question *question, size_t index)
{
	return &question->table->groups[question->group].entries[index];
}

static struct health_view
view_of_entry(const struct question *question, const struct upstream_entry *entry)
{
	static const struct health_unit well;
	const struct health_entry *known = health_find(question->health, entry->id);
	if (known == NULL)
		return (struct health_view){.unit = &well};
	return health_view(question->health, known, question->now_ms);
}

static void
why_not(const struct question *question, const struct upstream_entry *entry, enum choose_why why,
    char out[WHY_BYTES])
{
	struct health_view view = view_of_entry(question, entry);
	switch (why) {
	case CHOOSE_OFF:
		if (entry->off == OFF_SCHEDULE)
			snprintf(out, WHY_BYTES, "not scheduled then");
		else
			snprintf(out, WHY_BYTES,
			    "rests after %u failure%s, the last: %s (blame: %s%s)",
			    view.unit->errors, view.unit->errors == 1 ? "" : "s", view.unit->reason,
			    blame_words[view.unit->blame],
			    view.of_address ? ", its whole address" : "");
		break;
	case CHOOSE_MODEL_REFUSED:
		snprintf(out, WHY_BYTES, "does not serve this model");
		break;
	case CHOOSE_MODEL_COOLING:
		snprintf(out, WHY_BYTES, "this model rests there after failures");
		break;
	case CHOOSE_RAMP_FULL:
	case CHOOSE_MAY:
		break;
	}
}

static void
why_so(const struct upstream_entry *entry, size_t place, char out[WHY_BYTES])
{
	int len = place == 0 ? snprintf(out, WHY_BYTES, "serves")
			     : snprintf(out, WHY_BYTES, "would serve as number %zu", place + 1);
	if (entry->ramp > 0)
		snprintf(out + len, WHY_BYTES - (size_t)len,
		    "; recovering: at most %u at a time in each data plane", entry->ramp);
}

static json_t *
encode_place(const struct question *question, const struct choose_place *place, size_t index)
{
	const struct upstream_entry *entry = entry_at(question, place->entry);
	bool may = place->why == CHOOSE_MAY;
	char why[WHY_BYTES] = "", name[TABLE_NAME_BYTES_MAX + 1];
	json_t *item = json_object();
	if (may)
		why_so(entry, index, why);
	else
		why_not(question, entry, place->why, why);
	put(item, "id", json_string(entry->id));
	put(item, "name", json_string(entry->name));
	put(item, "tier", json_string(entry->tier == TIER_BACKUP ? "backup" : "primary"));
	put(item, "place", json_integer(may ? (json_int_t)index + 1 : 0));
	put(item, "why", json_string(why));
	put(item, "until_ms",
	    entry->resume_at_ms != 0 ? json_integer(entry->resume_at_ms) : json_null());
	put(item, "model",
	    text(choose_sent(entry, question->choose.model, question->choose.said, name, NULL)));
	return item;
}

static void
add_disabled(const struct question *question, const struct config *config, json_t *out)
{
	for (size_t i = 0; config != NULL && i < config->upstreams[question->group].count; i++) {
		const struct config_upstream *from = &config->upstreams[question->group].items[i];
		char id[TABLE_NAME_BYTES_MAX];
		if (from->enabled)
			continue;
		snprintf(id, sizeof(id), "%s:%s", group_name(question->group), from->id);
		json_t *item = json_object();
		put(item, "id", json_string(id));
		put(item, "name", json_string(from->name));
		put(item, "tier", json_string(from->tier == TIER_BACKUP ? "backup" : "primary"));
		put(item, "place", json_integer(0));
		put(item, "why", json_string("disabled"));
		put(item, "until_ms", json_null());
		put(item, "model", text(question->choose.model));
		MUST(json_array_append_new(out, item) == 0);
	}
}

/* ---- the whole ---- */

/* The group, and in *serves the id of its first, NULL when nobody would. */
static json_t *
encode_group(struct question *question, const struct config *config, const char **serves)
{
	struct choose_place places[TABLE_UPSTREAMS_MAX];
	struct choose_load loads[TABLE_UPSTREAMS_MAX] = {{0}};
	const struct upstream_list *list = &question->table->groups[question->group];
	json_t *item = json_object(), *upstreams = json_array();
	for (size_t i = 0; i < list->count; i++) {
		const struct health_entry *known =
		    health_find(question->health, list->entries[i].id);
		loads[i].latency_ms = known != NULL ? known->ttfb_ms : 0;
	}
	question->choose.group = question->group;
	question->choose.loads = loads;
	size_t may = choose_order(question->table, &question->choose, places);
	question->choose.loads = NULL; /* they end with this call */
	for (size_t i = 0; i < list->count; i++)
		MUST(json_array_append_new(upstreams, encode_place(question, &places[i], i)) == 0);
	add_disabled(question, config, upstreams);
	*serves = may > 0 ? list->entries[places[0].entry].id : NULL;
	const struct group_policy *policy = &question->table->policies[question->group];
	put(item, "group", json_string(group_name(question->group)));
	put(item, "pick", json_string(policy_pick_words[policy->pick]));
	put(item, "upstreams", upstreams);
	return item;
}

json_t *
explain_encode(const struct table *table, const struct config *config, const struct health *health,
    const struct explain_asked *asked, struct err *err)
{
	struct group_list list = {.count = 0};
	char ruled[TABLE_NAME_BYTES_MAX + 1];
	const char *serves = NULL, *one;
	if (!find_groups(table, asked, &list, err))
		return NULL;
	struct question question = {
	    .table = table,
	    .health = health,
	    .choose = {.model = choose_ruled(table, asked->model, ruled),
		.said = asked->model,
		.session = asked->session.len > 0 ? choose_session(asked->session) : 0,
		.stay = -1,
		.wall_ms = asked->wall_ms},
	    .now_ms = asked->now_ms,
	};
	json_t *groups = json_array(), *body = json_object();
	for (size_t i = 0; i < list.count; i++) {
		question.group = list.groups[i].group;
		json_t *group = encode_group(&question, config, &one);
		MUST(json_array_append_new(groups, group) == 0);
		serves = serves != NULL ? serves : one;
	}
	put(body, "at_ms", json_integer(asked->wall_ms));
	put(body, "model", text(asked->model));
	put(body, "serves", serves != NULL ? json_string(serves) : json_null());
	put(body, "groups", groups);
	return body;
}
