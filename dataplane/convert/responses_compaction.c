/* Compaction: the client asks for its conversation in short, as an item that only the server can
 * read, and goes on from that item. Upstreams of other families are asked for a summary in words;
 * the item holds these, so that any upstream may go on from them. */
#include "base64url.h"
#include "jsonspan.h"
#include "responses_answer.h"

/* The beginning of all opaque state of ours. */
#define PREFIX "pmt1.summary."
#define INTRODUCTION "A summary of the conversation up to here:\\n\\n"

/* ---- the item, read ---- */

static struct view
introduce(struct arena *arena, struct view summary_text)
{
	return arena_printf(arena, INTRODUCTION "%.*s", VIEW_ARGS(summary_text));
}

bool
responses_summary_read(struct arena *arena, struct view sealed_text, struct view *out)
{
	struct jsonspan_value root;
	struct bytes json;
	*out = (struct view){NULL, 0};
	if (!view_starts(sealed_text, PREFIX))
		return false;
	bytes_init(&json, sealed_text.len);
	/* Whoever sent it may have changed it: it must be a string still. */
	if (base64url_decode(view_from(sealed_text, sizeof(PREFIX) - 1), &json) &&
	    jsonspan_scan(bytes_view(&json), NULL, 0, &root, NULL) && root.kind == JSONSPAN_STRING)
		*out = introduce(arena, view_sub(root.raw, 1, root.raw.len - 2));
	bytes_fini(&json);
	return true;
}

/* ---- the item, written ---- */

static bool
seal(struct view summary_text, struct bytes *out)
{
	struct bytes json;
	bytes_init(&json, summary_text.len + 2);
	bool ok = bytes_append_char(&json, '"') && bytes_append_view(&json, summary_text) &&
		  bytes_append_char(&json, '"') && bytes_append_str(out, PREFIX) &&
		  base64url_encode(bytes_view(&json), out);
	bytes_fini(&json);
	return ok;
}

static void
write_item(const struct encoder *encoder, struct write_json *json)
{
	write_json_object(json);
	write_json_key_str(json, "id", encoder->id);
	write_json_key_str(json, "type", "compaction");
	write_json_key_text(json, "encrypted_content", bytes_view(&encoder->seal));
	write_json_object_end(json);
}

static void
item_event(struct encoder *encoder, const char *type)
{
	if (!responses_event_begin(encoder, type))
		return;
	write_json_key_int(&encoder->json, "output_index", (int64_t)encoder->item_count);
	write_json_key(&encoder->json, "item");
	write_item(encoder, &encoder->json);
	responses_event_end(encoder);
}

static bool
finish(struct encoder *encoder, struct err *err)
{
	struct write_json json;
	struct view summary_text = bytes_view(&encoder->text);
	if (summary_text.len == 0)
		return err_set(err, ERR_PEER, "", "the upstream has given no summary");
	bytes_clear(&encoder->seal);
	responses_keep(encoder, seal(summary_text, &encoder->seal));
	responses_item_begin(encoder, OPEN_NONE, "cmp");
	item_event(encoder, "response.output_item.added");
	item_event(encoder, "response.output_item.done");
	write_json_init(&json, &encoder->output);
	write_item(encoder, &json);
	responses_keep(encoder, write_json_ok(&json));
	encoder->item_count++;
	return true;
}

bool
responses_compacts(struct encoder *encoder, const struct event *event, struct err *err)
{
	switch (event->kind) {
	case EVENT_PART_BEGIN:
		encoder->part_kind = event->part->kind;
		return true;
	case EVENT_PART_DELTA:
		if (encoder->part_kind == PART_TEXT && event->delta == DELTA_TEXT)
			responses_keep(encoder, bytes_append_view(&encoder->text, event->text));
		return true;
	case EVENT_STOP:
		return finish(encoder, err);
	case EVENT_PART_FINISH:
	case EVENT_START:
	case EVENT_USAGE:
	case EVENT_PING:
	case EVENT_ERROR:
	case EVENT_END:
		return true;
	}
	return true;
}
