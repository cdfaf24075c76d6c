#include "models.h"
#include "jsonspan.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- one model ---- */

struct model_facts {
	struct jsonspan_value id, name;
	int64_t created_s;
};

static int64_t
read_created(struct jsonspan_value model)
{
	struct view text;
	struct tm tm = {0};
	char copy[32];
	int64_t seconds = 0;
	if (jsonspan_i64(jsonspan_get(model, "created"), &seconds))
		return seconds > 0 ? seconds : 0;
	if (!jsonspan_str_plain(jsonspan_get(model, "created_at"), &text) ||
	    text.len >= sizeof(copy))
		return 0;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	if (strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm) == NULL)
		return 0;
	seconds = (int64_t)timegm(&tm);
	return seconds > 0 ? seconds : 0;
}

static bool
read_model(struct jsonspan_value model, struct model_facts *out)
{
	out->id = jsonspan_get(model, "id");
	out->name = jsonspan_get(model, "display_name");
	if (out->name.kind != JSONSPAN_STRING)
		out->name = out->id;
	out->created_s = read_created(model);
	return out->id.kind == JSONSPAN_STRING;
}

static bool
write_model(enum wire client, const struct model_facts *model, struct bytes *out)
{
	char when[32];
	time_t at = (time_t)model->created_s;
	struct tm tm;
	if (client != WIRE_ANTHROPIC) {
		return bytes_printf(out,
		    "{\"id\":%.*s,\"object\":\"model\",\"created\":%lld,"
		    "\"owned_by\":\"upstream\"}",
		    VIEW_ARGS(model->id.raw), (long long)model->created_s);
	}
	if (gmtime_r(&at, &tm) == NULL ||
	    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return false;
	return bytes_printf(out,
	    "{\"type\":\"model\",\"id\":%.*s,\"display_name\":%.*s,\"created_at\":\"%s\"}",
	    VIEW_ARGS(model->id.raw), VIEW_ARGS(model->name.raw), when);
}

/* ---- a list ---- */

static bool
write_tail(enum wire client, bool more, struct view first, struct view last, struct bytes *out)
{
	if (client != WIRE_ANTHROPIC)
		return bytes_append_str(out, "]}");
	if (first.len == 0)
		first = last = VIEW("null");
	return bytes_printf(out, "],\"has_more\":%s,\"first_id\":%.*s,\"last_id\":%.*s}",
	    more ? "true" : "false", VIEW_ARGS(first), VIEW_ARGS(last));
}

static bool
write_list(enum wire client, struct jsonspan_value root, struct jsonspan_value data,
    struct bytes *out, struct err *err)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	struct model_facts model;
	struct view first = {0}, last = {0};
	bool more = false,
	     ok = bytes_append_str(
		 out, client == WIRE_ANTHROPIC ? "{\"data\":[" : "{\"object\":\"list\",\"data\":[");
	(void)jsonspan_bool(jsonspan_get(root, "has_more"), &more);
	jsonspan_iter_init(&iter, data);
	while (ok && jsonspan_next(&iter, &item)) {
		if (!read_model(item.value, &model))
			continue; /* one without a name is of no use to anybody */
		ok = (first.len == 0 || bytes_append_char(out, ',')) &&
		     write_model(client, &model, out);
		last = model.id.raw;
		if (first.len == 0)
			first = last;
	}
	return (ok && write_tail(client, more, first, last, out)) ||
	       err_set(err, ERR_LIMIT, "", "the list of models is too long");
}

bool
models_convert(enum wire client, struct view body, struct bytes *out, struct err *err)
{
	struct jsonspan_want want = {.key = "data"};
	struct jsonspan_value root;
	struct model_facts model;

	if (!jsonspan_scan(body, &want, 1, &root, err))
		return false;
	if (want.value.kind == JSONSPAN_ARRAY)
		return write_list(client, root, want.value, out, err);
	if (root.kind == JSONSPAN_OBJECT && read_model(root, &model))
		return write_model(client, &model, out) ||
		       err_set(err, ERR_LIMIT, "", "the model is too long");
	return err_set(err, ERR_PARSE, "data", "is no list of models");
}
