#include "golden_tell.h"
#include "codec.h"
#include "jsonspan.h"
#include "must.h"
#include "settle.h"
#include "sse.h"
#include "write_json.h"

#include <inttypes.h>

#define BYTES_MAX (64u << 20)

struct tell {
	struct bytes *out;
	const struct codec *codec;
	struct decoder *decoder;
	struct settle settle;
	struct event_check check;
	struct usage usage;
	struct bytes signature, logprobs;
	enum part_kind open;
	bool in_function;
	size_t body_at; /* where the open part's pieces begin in out */
	struct err *err;
	bool ok;
};

static void
begin_part(struct tell *tell, const struct part *part)
{
	static const char *const names[] = {"text", "refusal", "image", "file", "audio", "thinking",
	    "redacted", "call", "result", "search", "hosted"};
	tell->open = part->kind;
	tell->in_function = part->kind == PART_CALL && part->form == CALL_FUNCTION;
	bytes_clear(&tell->signature);
	bytes_clear(&tell->logprobs);
	MUST(bytes_printf(tell->out, "    %s %.*s %.*s %.*s: ", names[part->kind],
	    VIEW_ARGS(part->id_plain), VIEW_ARGS(part->name_plain),
	    VIEW_ARGS(part->signature_text)));
	if (part->kind == PART_SEARCH)
		MUST(bytes_append_view(tell->out, part->text));
	tell->body_at = tell->out->len;
}

static void
tell_usage(struct tell *tell)
{
	const struct usage *u = &tell->usage;
	MUST(bytes_printf(tell->out,
	    "    usage %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n", u->input_new,
	    u->cache_read, u->cache_write, u->output, u->reasoning));
}

/* What stands beside the words goes behind them: a stream tells it piece by piece. */
static bool
keep_beside(struct tell *tell, const struct event *event)
{
	if (event->delta == DELTA_LOGPROBS)
		return (tell->logprobs.len == 0 || bytes_append_char(&tell->logprobs, ',')) &&
		       bytes_append_view(&tell->logprobs, event->text);
	bytes_clear(&tell->signature);
	return bytes_append_view(&tell->signature, event->text);
}

/* A whole answer shows an input that is no object inside of one; a stream has passed it on. Halves
 * of pairs of surrogates are escapes in both. */
static bool
tell_wrong_input(struct tell *tell)
{
	struct jsonspan_value root;
	struct bytes input;
	if (!tell->in_function)
		return true;
	bytes_init(&input, BYTES_MAX);
	bool ok = write_json_source(&input, view_from(bytes_view(tell->out), tell->body_at));
	bool object =
	    jsonspan_scan(bytes_view(&input), NULL, 0, &root, NULL) && root.kind == JSONSPAN_OBJECT;
	tell->out->len = tell->body_at;
	ok = ok && (object ? bytes_append_view(tell->out, bytes_view(&input))
			   : bytes_append_str(tell->out, "{\"_raw\":\"") &&
				 write_json_escape(tell->out, bytes_view(&input)) &&
				 bytes_append_str(tell->out, "\"}"));
	bytes_fini(&input);
	return ok;
}

static bool
on_settled(const struct event *event, void *ctx, struct err *err)
{
	struct tell *tell = ctx;
	if (!event_check_feed(&tell->check, event, err))
		return false;
	switch (event->kind) {
	case EVENT_PART_BEGIN:
		begin_part(tell, event->part);
		break;
	case EVENT_PART_DELTA:
		if (event->delta == DELTA_SIGNATURE || event->delta == DELTA_LOGPROBS)
			return keep_beside(tell, event);
		return bytes_append_view(tell->out, event->text);
	case EVENT_PART_FINISH:
		/* Half an input can't be taken back in a stream, and is no input in a whole answer.
		 */
		if (event->incomplete)
			tell->out->len = tell->body_at;
		else if (!tell_wrong_input(tell))
			return false;
		return bytes_printf(tell->out, "%s %.*s %.*s\n", event->incomplete ? "{}" : "",
		    VIEW_ARGS(bytes_view(&tell->signature)),
		    VIEW_ARGS(bytes_view(&tell->logprobs)));
	case EVENT_USAGE:
		usage_merge(&tell->usage, &event->usage);
		break;
	case EVENT_STOP:
		return bytes_printf(
		    tell->out, "    stop %d %.*s\n", event->stop, VIEW_ARGS(event->stop_text));
	case EVENT_ERROR:
		/* What came before is no answer. */
		bytes_clear(tell->out);
		return bytes_printf(tell->out, "    error %d %.*s\n", event->status,
		    VIEW_ARGS(event->error_message_text));
	case EVENT_END:
		tell_usage(tell);
		break;
	case EVENT_START:
	case EVENT_PING:
		break;
	}
	return true;
}

static bool
on_event(const struct event *event, void *ctx, struct err *err)
{
	struct tell *tell = ctx;
	return settle_feed(&tell->settle, event, on_settled, tell, err);
}

static void
on_sse(const struct sse_event *event, void *ctx)
{
	struct tell *tell = ctx;
	tell->ok = tell->ok && tell->codec->decoder_event(tell->decoder, event, tell->err);
}

static bool
run(struct tell *tell, struct view answer, bool sse, struct err *err)
{
	struct sse_reader reader;
	if (!sse)
		return tell->codec->decoder_whole(tell->decoder, answer, err) &&
		       tell->codec->decoder_end(tell->decoder, err);
	sse_init(&reader, BYTES_MAX, on_sse, tell);
	sse_feed(&reader, answer);
	sse_fini(&reader);
	return tell->ok && tell->codec->decoder_end(tell->decoder, err);
}

bool
golden_tell(enum wire wire, struct view answer, bool sse, struct bytes *out, struct err *err)
{
	struct arena arena;
	const struct upstream_flags flags = {.top_k = false};
	struct tell tell = {.out = out, .codec = codec_get(wire), .err = err, .ok = true};
	arena_init(&arena, 4096, BYTES_MAX);
	settle_init(&tell.settle, BYTES_MAX);
	event_check_init(&tell.check);
	usage_init(&tell.usage);
	bytes_init(&tell.signature, BYTES_MAX);
	bytes_init(&tell.logprobs, BYTES_MAX);
	tell.decoder = tell.codec->decoder_new(&arena, &flags, on_event, &tell);
	bool ok = run(&tell, answer, sse, err);
	tell.codec->decoder_free(tell.decoder);
	bytes_fini(&tell.signature);
	bytes_fini(&tell.logprobs);
	settle_fini(&tell.settle);
	arena_fini(&arena);
	return ok;
}
