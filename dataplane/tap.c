#include "tap.h"
#include "anthropic.h"
#include "chat.h"
#include "jsonspan.h"
#include "read_json.h"
#include "responses.h"
#include <string.h>

#define BOM "\xef\xbb\xbf"

void
tap_init(struct tap *tap, enum protocol protocol, bool stream)
{
	*tap = (struct tap){.protocol = protocol, .stream = stream};
	usage_init(&tap->found.usage);
	usage_init(&tap->before.usage);
	tap->before.last_word = true;
	json_watch_init(&tap->watch);
	tap->watching = !stream;
}

void
tap_fini(struct tap *tap)
{
	json_watch_fini(&tap->watch);
}

void
tap_begin(struct tap *tap, bool stream)
{
	struct tap_usage before = tap->before;
	unsigned news = tap->news;
	tap_fini(tap);
	tap_init(tap, tap->protocol, stream);
	tap->before = before;
	tap->news = news;
}

void
tap_go_on(struct tap *tap)
{
	tap_tell(tap, &tap->before);
	tap_begin(tap, tap->stream);
}

void
tap_tell(const struct tap *tap, struct tap_usage *out)
{
	const struct tap_usage *before = &tap->before, *found = &tap->found;
	const struct tap_usage *named = before->model[0] != '\0' ? before : found;
	struct tap_usage sum = *named;
	sum.usage = before->usage;
	usage_add(&sum.usage, &found->usage);
	sum.told = before->told || found->told;
	sum.last_word = before->last_word && found->last_word;
	sum.odd = before->odd || found->odd;
	*out = sum;
}

/* ---- what was found ---- */

/* A count that is told and is none. */
static bool
count_is_odd(struct jsonspan_value value)
{
	int64_t number;
	if (value.kind == JSONSPAN_NULL)
		return false;
	return !jsonspan_i64(value, &number) || number < 0 || number > READ_JSON_COUNT_MAX;
}

static bool
counts_are_odd(struct jsonspan_value usage)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	jsonspan_iter_init(&iter, usage);
	while (jsonspan_next(&iter, &member)) {
		bool counts =
		    view_ends(member.key, "_tokens") || view_ends(member.key, "_requests");
		if (counts && count_is_odd(member.value))
			return true;
		bool holds =
		    member.value.kind == JSONSPAN_OBJECT || member.value.kind == JSONSPAN_ARRAY;
		if (holds && counts_are_odd(member.value))
			return true;
	}
	return false;
}

/* The parts are more than the whole, or another whole than the sum that is told. */
static bool
sums_are_odd(enum protocol protocol, struct jsonspan_value usage, const struct usage *told)
{
	const char *key = protocol == PROTOCOL_CHAT ? "prompt_tokens" : "input_tokens";
	int64_t prompt = read_json_count(jsonspan_get(usage, key));
	int64_t total = read_json_count(jsonspan_get(usage, "total_tokens"));
	int64_t cached = (told->cache_read > 0 ? told->cache_read : 0) +
			 (told->cache_write > 0 ? told->cache_write : 0);
	if (told->reasoning >= 0 && told->output >= 0 && told->reasoning > told->output)
		return true;
	if (protocol == PROTOCOL_ANTHROPIC || prompt < 0)
		return false;
	return cached > prompt ||
	       (total >= 0 && told->output >= 0 && total != prompt + told->output);
}

static void
take_usage(struct tap *tap)
{
	void (*const decoders[])(struct jsonspan_value, struct usage *) = {
	    [PROTOCOL_ANTHROPIC] = anthropic_usage_decode_paid,
	    [PROTOCOL_CHAT] = chat_usage_decode,
	    [PROTOCOL_RESPONSES] = responses_usage_decode,
	};
	struct tap_usage *found = &tap->found;
	struct jsonspan_value root;
	struct usage told;
	if (!jsonspan_scan(bytes_view(&tap->watch.captured), NULL, 0, &root, NULL)) {
		found->odd = true;
		return;
	}
	decoders[tap->protocol](root, &told);
	struct usage before = found->usage;
	if (tap->protocol == PROTOCOL_ANTHROPIC)
		usage_merge(&found->usage, &told);
	else
		usage_merge_prompt(&found->usage, &told);
	found->odd = found->odd || counts_are_odd(root) ||
		     sums_are_odd(tap->protocol, root, &told) ||
		     (told.output >= 0 && told.output < before.output) ||
		     usage_prompt(&found->usage) < usage_prompt(&before);
	if (told.input_new < 0 && told.output < 0)
		return;
	found->told = true;
	tap->news++;
	found->last_word =
	    found->last_word || tap->protocol != PROTOCOL_ANTHROPIC || !tap->watch.usage_inner;
}

void
tap_set_model(struct tap_usage *found, const char *name)
{
	char *out = found->model;
	if (strlen(name) >= sizeof(found->model))
		return;
	for (; *name != '\0'; name++) {
		if (name[0] == '\\' && name[1] == '/')
			continue; /* as some write their JSON */
		*out++ = *name;
		if (*name <= ' ' || *name > '~')
			out[-1] = '?';
	}
	*out = '\0';
}

static void
set_searches(struct tap *tap, uint64_t count)
{
	int64_t *told = &tap->found.usage.web_searches;
	if (tap->protocol == PROTOCOL_RESPONSES && count > 0 && (int64_t)count > *told)
		*told = (int64_t)count;
}

static bool
is_told(const struct json_watch *watch, const struct json_watch_text *text)
{
	return text->bytes[0] != '\0' && watch->into != text;
}

static void
watch(struct tap *tap, struct view bytes)
{
	struct json_watch *watch = &tap->watch;
	while (bytes.len > 0) {
		bytes = view_from(bytes, json_watch_feed(watch, bytes));
		if (watch->has_usage && tap->event != TAP_EVENT_EARLY)
			take_usage(tap);
	}
	const struct json_watch_text *id = &watch->id;
	if (tap->found.model[0] == '\0' && is_told(watch, &watch->model))
		tap_set_model(&tap->found, watch->model.bytes);
	if (tap->found.id[0] == '\0' && is_told(watch, id) && id->len < sizeof(tap->found.id))
		memcpy(tap->found.id, id->bytes, id->len + 1u);
	set_searches(tap, watch->searches);
}

/* ---- a stream's lines ---- */

static enum tap_event
event_of(enum protocol protocol, struct view type)
{
	if (protocol == PROTOCOL_ANTHROPIC) {
		bool piece = view_starts(type, "content_block_") || view_eq_str(type, "ping");
		return piece ? TAP_EVENT_PIECE : TAP_EVENT_OTHER;
	}
	if (protocol != PROTOCOL_RESPONSES || !view_starts(type, "response."))
		return TAP_EVENT_OTHER;
	if (view_ends(type, ".delta") || view_ends(type, ".added"))
		return TAP_EVENT_PIECE;
	if (view_ends(type, ".created") || view_ends(type, ".in_progress") ||
	    view_ends(type, ".queued"))
		return TAP_EVENT_EARLY;
	return view_ends(type, ".output_item.done") ? TAP_EVENT_ITEM : TAP_EVENT_OTHER;
}

/* The type where it is the data's first member and whole. */
static struct view
leading_type(struct view data)
{
	static const char lead[] = "{\"type\":\"";
	data = view_starts(data, " ") ? view_from(data, 1) : data;
	if (!view_starts(data, lead))
		return (struct view){0};
	struct view rest = view_from(data, sizeof(lead) - 1);
	ptrdiff_t quote = view_find_char(rest, '"');
	return view_sub(rest, 0, quote < 0 ? 0 : (size_t)quote);
}

/* What a line's first TAP_HEAD_BYTES, or all of it, tell. Returns where data begins that is to be
 * watched, 0 for any other line. */
static size_t
decide(struct tap *tap, struct view head)
{
	size_t skip = !tap->started && view_starts(head, BOM) ? strlen(BOM) : 0;
	struct view line = view_from(head, skip);
	tap->started = true;
	if (view_starts(line, "event:") && head.len < TAP_HEAD_BYTES)
		tap->event = event_of(tap->protocol, view_trim(view_from(line, 6)));
	if (!view_starts(line, "data:"))
		return 0;
	if (!tap->has_data && tap->event == TAP_EVENT_OTHER)
		tap->event = event_of(tap->protocol, leading_type(view_from(line, 5)));
	tap->watching = tap->event != TAP_EVENT_PIECE;
	return tap->watching ? skip + 5 : 0;
}

/* Each "usage" in it is null. Text of a model cannot hold the word, because its quotes have
 * backslashes. */
static bool
has_no_usage(struct view chunk)
{
	static const char key[] = "\"usage\"";
	for (ptrdiff_t at; (at = view_find(chunk, key)) >= 0;) {
		chunk = view_from(chunk, (size_t)at + sizeof(key) - 1);
		chunk = view_from(chunk, view_starts(chunk, ": ") ? 2 : 1);
		if (!view_starts(chunk, "null,") && !view_starts(chunk, "null}"))
			return false;
	}
	return true;
}

/* The beginning of a line. Returns what of `piece` is still to be watched. */
static struct view
begin_line(struct tap *tap, struct view piece, bool end, bool alone)
{
	bool in_one = tap->head_len == 0 && (end || piece.len >= TAP_HEAD_BYTES);
	bool first = !tap->has_data;
	struct view head = view_sub(piece, 0, TAP_HEAD_BYTES - tap->head_len);
	struct view rest = view_from(piece, head.len);
	if (!in_one) {
		if (head.len > 0)
			memcpy(tap->head + tap->head_len, head.data, head.len);
		tap->head_len = (uint8_t)(tap->head_len + head.len);
		if (tap->head_len < TAP_HEAD_BYTES && !end)
			return (struct view){0};
		head = view_make(tap->head, tap->head_len);
	}
	size_t data = decide(tap, head);
	tap->decided = true;
	if (data == 0)
		return rest;
	tap->has_data = true;
	/* Most chunks are whole in their piece and need not be read. */
	if (tap->protocol == PROTOCOL_CHAT && in_one && alone && first &&
	    tap->found.model[0] != '\0' && tap->found.id[0] != '\0' && has_no_usage(piece)) {
		tap->watching = false;
		tap->has_data = false;
		return rest;
	}
	if (in_one)
		return view_from(piece, data);
	watch(tap, view_from(head, data));
	return rest;
}

static void
end_line(struct tap *tap, bool blank)
{
	if (blank) {
		if (tap->event == TAP_EVENT_ITEM && tap->watch.item_is_search)
			set_searches(tap, ++tap->searches);
		if (tap->has_data)
			json_watch_reset(&tap->watch);
		tap->event = TAP_EVENT_OTHER;
		tap->has_data = false;
	}
	tap->head_len = 0;
	tap->decided = tap->watching = false;
}

static const char *
find_lf(struct view in)
{
	ptrdiff_t at = view_find_char(in, '\n');
	return in.data + (at < 0 ? in.len : (size_t)at);
}

static void
feed_stream(struct tap *tap, struct view in)
{
	if (tap->after_cr && in.data[0] == '\n')
		in = view_from(in, 1);
	tap->after_cr = false;
	const char *end = in.data + in.len;
	const char *lf = find_lf(in); /* asked once for each LF, also where lines end in CR */
	while (in.len > 0) {
		const char *stop = memchr(in.data, '\r', (size_t)(lf - in.data));
		stop = stop != NULL ? stop : lf;
		struct view line = view_make(in.data, (size_t)(stop - in.data));
		bool whole = stop < end;
		bool crlf = whole && *stop == '\r' && stop + 1 == lf && lf < end;
		bool blank = line.len == 0 && tap->head_len == 0 && !tap->decided;
		in = view_from(in, line.len + (crlf ? 2 : 1));
		bool alone = in.len > 0 && (in.data[0] == '\n' || in.data[0] == '\r');
		if (!tap->decided && !blank)
			line = begin_line(tap, line, whole, whole && alone);
		if (tap->watching)
			watch(tap, line);
		if (!whole)
			break;
		end_line(tap, blank);
		tap->after_cr = *stop == '\r' && !crlf && in.len == 0;
		if (in.data > lf)
			lf = find_lf(in);
	}
}

void
tap_feed(struct tap *tap, struct view bytes)
{
	if (bytes.len == 0)
		return;
	if (tap->stream)
		feed_stream(tap, bytes);
	else
		watch(tap, bytes);
}
