/* Responses answers, written: parts -> output items. */
#include "responses_answer.h"

#include "envelope_state.h"
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define REFUSED "The request was refused."

void
responses_keep(struct encoder *encoder, bool ok)
{
	encoder->full = encoder->full || !ok;
}

/* ---- events of the open item ---- */

bool
responses_body_begin(struct encoder *encoder, const char *type)
{
	if (!responses_event_begin(encoder, type))
		return false;
	write_json_key_str(&encoder->json, "item_id", encoder->id);
	write_json_key_int(&encoder->json, "output_index", (int64_t)encoder->item_count);
	if (encoder->open == OPEN_MESSAGE)
		write_json_key_int(&encoder->json, "content_index", 0);
	if (encoder->open == OPEN_REASONING)
		write_json_key_int(&encoder->json, "summary_index", 0);
	return true;
}

static void
write_logprobs(struct write_json *json, const struct bytes *items)
{
	write_json_key_array(json, "logprobs");
	if (items->len > 0)
		write_json_raw(json, bytes_view(items));
	write_json_array_end(json);
}

void
responses_body_event(struct encoder *encoder, const char *type, const char *key, struct view text)
{
	if (!responses_body_begin(encoder, type))
		return;
	if (encoder->open == OPEN_MESSAGE && encoder->part_kind == PART_TEXT)
		write_logprobs(&encoder->json,
		    strcmp(key, "delta") == 0 ? &encoder->news : &encoder->logprobs);
	write_json_key_text(&encoder->json, key, text);
	responses_event_end(encoder);
}

static const char *const item_types[] = {
    [OPEN_MESSAGE] = "message",
    [OPEN_REASONING] = "reasoning",
    [OPEN_FUNCTION] = "function_call",
    [OPEN_CUSTOM] = "custom_tool_call",
};

static void
write_reasoning(struct encoder *encoder, struct write_json *json, bool done)
{
	write_json_key_array(json, "summary");
	if (done && encoder->text.len > 0) {
		write_json_object(json);
		write_json_key_str(json, "type", "summary_text");
		write_json_key_text(json, "text", bytes_view(&encoder->text));
		write_json_object_end(json);
	}
	write_json_array_end(json);
	write_json_key_text(
	    json, "encrypted_content", done ? bytes_view(&encoder->seal) : VIEW(""));
}

/* The content part as it is now; empty when it begins. */
static void
write_content(struct encoder *encoder, struct write_json *json)
{
	bool refusal = encoder->part_kind == PART_REFUSAL;
	write_json_object(json);
	write_json_key_str(json, "type", refusal ? "refusal" : "output_text");
	if (!refusal) {
		write_json_key_array(json, "annotations");
		if (encoder->notes.len > 0)
			write_json_raw(json, bytes_view(&encoder->notes));
		write_json_array_end(json);
		write_logprobs(json, &encoder->logprobs);
	}
	write_json_key_text(json, refusal ? "refusal" : "text", bytes_view(&encoder->text));
	write_json_object_end(json);
}

/* The open item as it begins, or as it is when done. */
static void
write_item(struct encoder *encoder, struct write_json *json, bool done)
{
	bool typed = encoder->open == OPEN_TYPED;
	write_json_object(json);
	write_json_key_str(json, "id", encoder->id);
	write_json_key_str(
	    json, "type", typed ? encoder->typed->call_type : item_types[encoder->open]);
	if (encoder->open != OPEN_REASONING)
		write_json_key_str(json, "status",
		    !done                 ? "in_progress"
		    : encoder->incomplete ? "incomplete"
					  : "completed");
	if (encoder->open == OPEN_MESSAGE) {
		write_json_key_str(json, "role", "assistant");
		write_json_key_array(json, "content");
		if (done)
			write_content(encoder, json);
		write_json_array_end(json);
	} else if (encoder->open == OPEN_REASONING) {
		write_reasoning(encoder, json, done);
	} else {
		responses_call_write(encoder, json, done);
	}
	write_json_object_end(json);
}

void
responses_item_event(struct encoder *encoder, bool done)
{
	if (!responses_event_begin(
		encoder, done ? "response.output_item.done" : "response.output_item.added"))
		return;
	write_json_key_int(&encoder->json, "output_index", (int64_t)encoder->item_count);
	write_json_key(&encoder->json, "item");
	write_item(encoder, &encoder->json, done);
	responses_event_end(encoder);
}

void
responses_item_begin(struct encoder *encoder, enum open_kind kind, const char *prefix)
{
	encoder->open = kind;
	encoder->incomplete = false;
	snprintf(encoder->id, sizeof(encoder->id), "%s_%.*s_%zu", prefix,
	    VIEW_ARGS(encoder->options.request_id_plain), encoder->item_count);
	bytes_clear(&encoder->text);
}

void
responses_item_end(struct encoder *encoder)
{
	struct write_json json;
	responses_item_event(encoder, true);
	responses_keep(
	    encoder, encoder->output.len == 0 || bytes_append_char(&encoder->output, ','));
	write_json_init(&json, &encoder->output);
	write_item(encoder, &json, true);
	responses_keep(encoder, write_json_ok(&json));
	encoder->open = OPEN_NONE;
	encoder->item_count++;
}

/* ---- messages ---- */

static void
content_event(struct encoder *encoder, const char *type)
{
	if (!responses_body_begin(encoder, type))
		return;
	write_json_key(&encoder->json, "part");
	write_content(encoder, &encoder->json);
	responses_event_end(encoder);
}

void
responses_message_close(struct encoder *encoder)
{
	bool refusal = encoder->part_kind == PART_REFUSAL;
	if (encoder->open != OPEN_MESSAGE)
		return;
	responses_body_event(encoder,
	    refusal ? "response.refusal.done" : "response.output_text.done",
	    refusal ? "refusal" : "text", bytes_view(&encoder->text));
	content_event(encoder, "response.content_part.done");
	responses_item_end(encoder);
}

/* Texts that follow each other are one. A refusal is a message of its own: a client that does not
 * know its kind of content loses nothing else. */
static void
message_begin(struct encoder *encoder, enum part_kind kind)
{
	if (encoder->part_kind != kind)
		responses_message_close(encoder);
	if (encoder->open != OPEN_MESSAGE) {
		encoder->part_kind = kind;
		encoder->points = encoder->note_count = 0;
		bytes_clear(&encoder->notes);
		bytes_clear(&encoder->logprobs);
		bytes_clear(&encoder->news);
		responses_item_begin(encoder, OPEN_MESSAGE, "msg");
		responses_item_event(encoder, false);
		content_event(encoder, "response.content_part.added");
	}
	encoder->block_points = encoder->points;
	encoder->cited = NULL;
	encoder->cited_end = &encoder->cited;
}

/* Code points of a string's inside. The second half of an escaped pair is none of its own. */
static int64_t
count_points(struct view text)
{
	int64_t count = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		if (c != '\\') {
			count += ((unsigned char)c & 0xc0) != 0x80;
			continue;
		}
		i++;
		if (i >= text.len || text.data[i] != 'u') {
			count++;
			continue;
		}
		bool low = i + 2 < text.len && (text.data[i + 1] | 0x20) == 'd' &&
			   strchr("cdefCDEF", text.data[i + 2]) != NULL;
		count += low ? 0 : 1;
		i += 4;
	}
	return count;
}

static void
message_text(struct encoder *encoder, struct view text)
{
	if (text.len == 0)
		return;
	responses_keep(encoder, bytes_append_view(&encoder->text, text));
	encoder->points += count_points(text);
	responses_body_event(encoder,
	    encoder->part_kind == PART_REFUSAL ? "response.refusal.delta"
					       : "response.output_text.delta",
	    "delta", text);
	bytes_clear(&encoder->news);
}

/* Refusals have none here. */
static void
message_logprobs(struct encoder *encoder, struct view items)
{
	struct bytes *const lists[] = {&encoder->logprobs, &encoder->news};
	for (size_t i = 0; i < 2 && encoder->part_kind == PART_TEXT; i++) {
		responses_keep(encoder, (lists[i]->len == 0 || bytes_append_char(lists[i], ',')) &&
					    bytes_append_view(lists[i], items));
	}
}

void
responses_refuse(struct encoder *encoder, struct view text)
{
	message_begin(encoder, PART_REFUSAL);
	message_text(encoder, text.len > 0 ? text : VIEW(REFUSED));
}

/* ---- citations ---- */

static void
cite(struct encoder *encoder, const struct citation *citation)
{
	bool own = encoder->options.upstream == WIRE_RESPONSES;
	struct pending_citation *pending = arena_alloc(encoder->arena, sizeof(*pending));
	if (citation->url_text.len == 0 && !own) {
		if (encoder->options.ledger != NULL)
			ledger_note(encoder->options.ledger, "citations");
		return;
	}
	responses_keep(encoder, pending != NULL);
	if (pending == NULL)
		return;
	pending->url = arena_copy(encoder->arena, citation->url_text);
	pending->title = arena_copy(encoder->arena, citation->title_text);
	if (citation->url_text.len == 0)
		pending->json = arena_copy(encoder->arena, citation->json);
	pending->start = citation->start;
	pending->end = citation->end;
	*encoder->cited_end = pending;
	encoder->cited_end = &pending->next;
}

static void
write_annotation(
    const struct encoder *encoder, struct write_json *json, const struct pending_citation *it)
{
	int64_t from = encoder->block_points;
	if (it->url.len == 0) {
		write_json_raw(json, it->json);
		return;
	}
	write_json_object(json);
	write_json_key_str(json, "type", "url_citation");
	write_json_key_text(json, "url", it->url);
	write_json_key_text(json, "title", it->title);
	write_json_key_int(json, "start_index", it->start >= 0 ? from + it->start : from);
	write_json_key_int(json, "end_index", it->start >= 0 ? from + it->end : encoder->points);
	write_json_object_end(json);
}

/* The block has ended: now it is known what its sources stand for. */
static void
settle_citations(struct encoder *encoder)
{
	for (const struct pending_citation *it = encoder->cited; it != NULL; it = it->next) {
		struct write_json json;
		responses_keep(
		    encoder, encoder->notes.len == 0 || bytes_append_char(&encoder->notes, ','));
		write_json_init(&json, &encoder->notes);
		write_annotation(encoder, &json, it);
		responses_keep(encoder, write_json_ok(&json));
		int64_t index = encoder->note_count++;
		if (!responses_body_begin(encoder, "response.output_text.annotation.added"))
			continue;
		write_json_key_int(&encoder->json, "annotation_index", index);
		write_json_key(&encoder->json, "annotation");
		write_annotation(encoder, &encoder->json, it);
		responses_event_end(encoder);
	}
	encoder->cited = NULL;
	encoder->cited_end = &encoder->cited;
}

/* ---- reasoning ---- */

static void
summary_part_event(struct encoder *encoder, const char *type)
{
	if (!responses_body_begin(encoder, type))
		return;
	write_json_key_object(&encoder->json, "part");
	write_json_key_str(&encoder->json, "type", "summary_text");
	write_json_key_text(&encoder->json, "text", bytes_view(&encoder->text));
	write_json_object_end(&encoder->json);
	responses_event_end(encoder);
}

static void
reasoning_begin(struct encoder *encoder, const struct part *part)
{
	responses_item_begin(encoder, OPEN_REASONING, "rs");
	encoder->thought = (struct part){.kind = part->kind};
	encoder->thought.item_id_plain = arena_copy(encoder->arena, part->item_id_plain);
	bytes_clear(&encoder->signature);
	responses_keep(encoder, bytes_append_view(&encoder->signature, part->signature_text));
	responses_item_event(encoder, false);
}

static void
reasoning_text(struct encoder *encoder, struct view text)
{
	if (text.len == 0)
		return;
	if (encoder->text.len == 0)
		summary_part_event(encoder, "response.reasoning_summary_part.added");
	responses_keep(encoder, bytes_append_view(&encoder->text, text));
	responses_body_event(encoder, "response.reasoning_summary_text.delta", "delta", text);
}

static void
reasoning_finish(struct encoder *encoder)
{
	if (encoder->text.len > 0) {
		responses_body_event(encoder, "response.reasoning_summary_text.done", "text",
		    bytes_view(&encoder->text));
		summary_part_event(encoder, "response.reasoning_summary_part.done");
	}
	encoder->thought.text = bytes_view(&encoder->text);
	encoder->thought.signature_text = bytes_view(&encoder->signature);
	bytes_clear(&encoder->seal);
	responses_keep(
	    encoder, envelope_state_wrap(encoder->options.upstream, encoder->options.upstream_plain,
			 &encoder->thought, &encoder->seal));
	responses_item_end(encoder);
}

/* ---- what the upstream ran itself ---- */

static void
write_search(
    const struct encoder *encoder, struct write_json *json, const struct part *part, bool done)
{
	write_json_object(json);
	write_json_key_str(json, "id", encoder->id);
	write_json_key_str(json, "type", "web_search_call");
	write_json_key_str(json, "status", done ? "completed" : "in_progress");
	write_json_key_object(json, "action");
	write_json_key_str(json, "type", "search");
	write_json_key_text(json, "query", part->text);
	write_json_object_end(json);
	write_json_object_end(json);
}

static void
search_event(struct encoder *encoder, const struct part *part, bool done)
{
	if (!responses_event_begin(
		encoder, done ? "response.output_item.done" : "response.output_item.added"))
		return;
	write_json_key_int(&encoder->json, "output_index", (int64_t)encoder->item_count);
	write_json_key(&encoder->json, "item");
	write_search(encoder, &encoder->json, part, done);
	responses_event_end(encoder);
}

static void
search(struct encoder *encoder, const struct part *part)
{
	static const char *const steps[] = {"response.web_search_call.in_progress",
	    "response.web_search_call.searching", "response.web_search_call.completed"};
	struct write_json json;
	responses_item_begin(encoder, OPEN_NONE, "ws");
	search_event(encoder, part, false);
	for (size_t i = 0; i < COUNT(steps); i++) {
		if (responses_body_begin(encoder, steps[i]))
			responses_event_end(encoder);
	}
	search_event(encoder, part, true);
	responses_keep(
	    encoder, encoder->output.len == 0 || bytes_append_char(&encoder->output, ','));
	write_json_init(&json, &encoder->output);
	write_search(encoder, &json, part, true);
	responses_keep(encoder, write_json_ok(&json));
	encoder->item_count++;
}

/* ---- parts ---- */

void
responses_part_begin(struct encoder *encoder, const struct part *part)
{
	bool message = part->kind == PART_TEXT || part->kind == PART_REFUSAL;
	if (!message && part->kind != PART_HOSTED)
		responses_message_close(encoder);
	switch (part->kind) {
	case PART_REFUSAL:
		encoder->had_refusal = true;
		message_begin(encoder, part->kind);
		break;
	case PART_TEXT:
		message_begin(encoder, part->kind);
		break;
	case PART_THINKING:
	case PART_REDACTED:
		reasoning_begin(encoder, part);
		break;
	case PART_CALL:
		responses_call_begin(encoder, part);
		break;
	case PART_SEARCH:
		search(encoder, part);
		break;
	case PART_HOSTED:
	case PART_IMAGE:
	case PART_FILE:
	case PART_AUDIO:
	case PART_RESULT:
		if (encoder->options.ledger != NULL)
			ledger_note(encoder->options.ledger, "%s",
			    part->path != NULL && part->path[0] != '\0' ? part->path : "content");
		break;
	}
}

void
responses_part_delta(struct encoder *encoder, const struct event *event)
{
	switch (event->delta) {
	case DELTA_TEXT:
		if (encoder->open == OPEN_MESSAGE)
			message_text(encoder, event->text);
		else if (encoder->open == OPEN_REASONING)
			reasoning_text(encoder, event->text);
		else if (encoder->open != OPEN_NONE)
			responses_call_input(encoder, event->text);
		break;
	case DELTA_INPUT:
		if (encoder->open != OPEN_NONE)
			responses_call_input(encoder, event->text);
		break;
	case DELTA_SIGNATURE:
		bytes_clear(&encoder->signature);
		responses_keep(encoder, bytes_append_view(&encoder->signature, event->text));
		break;
	case DELTA_LOGPROBS:
		if (encoder->open == OPEN_MESSAGE)
			message_logprobs(encoder, event->text);
		break;
	case DELTA_CITATION:
		if (encoder->open == OPEN_MESSAGE)
			cite(encoder, &event->citation);
		break;
	}
}

void
responses_part_finish(struct encoder *encoder, bool incomplete)
{
	switch (encoder->open) {
	case OPEN_NONE:
		break;
	case OPEN_MESSAGE:
		settle_citations(encoder);
		break;
	case OPEN_REASONING:
		reasoning_finish(encoder);
		break;
	case OPEN_FUNCTION:
	case OPEN_CUSTOM:
	case OPEN_TYPED:
		responses_call_finish(encoder, incomplete);
		break;
	}
}
