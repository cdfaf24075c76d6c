#include "splice.h"
#include "jsonspan.h"
#include "must.h"
#include <stdio.h>
#include <string.h>

/* The unescaped name, or "" when it does not fit or holds a NUL. */
static void
read_model(struct jsonspan_value value, struct request_facts *out)
{
	struct bytes name;
	bytes_init(&name, sizeof(out->model) - 1);
	if (jsonspan_unescape(value, &name) && view_find_char(bytes_view(&name), '\0') < 0)
		snprintf(out->model, sizeof(out->model), "%s", bytes_str(&name));
	bytes_fini(&name);
}

bool
request_facts_read(struct view body, struct request_facts *out, struct err *err)
{
	struct jsonspan_want wants[] = {{.key = "model"}, {.key = "stream"}};
	const struct jsonspan_want *model = &wants[0], *stream = &wants[1];
	struct jsonspan_value root;
	*out = (struct request_facts){0};
	if (!jsonspan_scan(body, wants, 2, &root, err))
		return false;
	if (root.kind != JSONSPAN_OBJECT)
		return err_set(err, ERR_PARSE, "offset 0", "the body is no JSON object");
	/* Routing by one of two values and upstream reading the other would be a way around us. */
	for (size_t i = 0; i < 2; i++) {
		if (wants[i].count > 1) {
			return err_set(err, ERR_PARSE, wants[i].key, "\"%s\" stands there %u times",
			    wants[i].key, wants[i].count);
		}
	}
	if (model->count == 1 && model->value.kind != JSONSPAN_STRING)
		return err_set(err, ERR_PARSE, "model", "\"model\" is no string");
	bool told = jsonspan_bool(stream->value, &out->stream);
	if (stream->count == 1 && !told && stream->value.kind != JSONSPAN_NULL)
		return err_set(err, ERR_PARSE, "stream", "\"stream\" is no boolean");
	if (model->count == 1) {
		out->has_model = true;
		out->model_raw = model->value.raw;
		read_model(model->value, out);
	}
	return true;
}

static void
add_piece(struct splice *splice, struct view piece)
{
	MUST(splice->count < SPLICE_PIECES_MAX);
	splice->pieces[splice->count++] = piece;
	splice->total_bytes += piece.len;
}

static const struct model_rule *
find_rule(const char *model, const struct model_rule *rules, size_t count)
{
	for (size_t i = 0; i < count && model[0] != '\0'; i++) {
		if (strcmp(rules[i].source, model) == 0)
			return &rules[i];
	}
	return NULL;
}

void
splice_init(struct splice *splice, struct view body, const struct request_facts *facts,
    const struct model_rule *rules, size_t rule_count, char *model_out)
{
	const struct model_rule *rule = find_rule(facts->model, rules, rule_count);
	const char *model = rule ? rule->target : facts->model;
	snprintf(model_out, sizeof(facts->model), "%s", model);
	*splice = (struct splice){0};
	/* A byte becomes six at most ("\u0001"). */
	bytes_init(&splice->owned, 2 + 6 * strlen(model));
	if (rule == NULL) {
		add_piece(splice, body);
		return;
	}
	struct view raw = facts->model_raw;
	size_t at = (size_t)(raw.data - body.data);
	MUST(bytes_append_char(&splice->owned, '"'));
	MUST(bytes_append_json(&splice->owned, view_of(model)));
	MUST(bytes_append_char(&splice->owned, '"'));
	add_piece(splice, view_sub(body, 0, at));
	add_piece(splice, bytes_view(&splice->owned));
	add_piece(splice, view_from(body, at + raw.len));
}

void
splice_fini(struct splice *splice)
{
	bytes_fini(&splice->owned);
}

size_t
splice_read(const struct splice *splice, uint64_t at, char *out, size_t len)
{
	size_t done = 0;
	for (size_t i = 0; i < splice->count && done < len; i++) {
		struct view piece = splice->pieces[i];
		if (at >= piece.len) {
			at -= piece.len;
			continue;
		}
		piece = view_sub(piece, (size_t)at, len - done);
		memcpy(out + done, piece.data, piece.len);
		done += piece.len;
		at = 0;
	}
	return done;
}
