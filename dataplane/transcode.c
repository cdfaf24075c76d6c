#include "transcode.h"
#include "abilities.h"
#include "ledger.h"
#include "url.h"
#include <stdio.h>
#include <string.h>

/* For the model, its events and both texts of a request; and for the answer. */
#define MEMORY_TIMES 8
#define MEMORY_BYTES_MORE ((size_t)64 * 1024 * 1024)
#define LOSS_BYTES_MAX 2048

static struct convert_options
make_options(const struct transcode_call *call)
{
	return (struct convert_options){
	    .client = (enum wire)call->client,
	    .upstream = (enum wire)call->entry->protocol,
	    .strict = call->strict,
	    .stream_upstream = call->streams,
	    .thinks = call->thinks,
	    .flags = abilities_of_upstream(call->entry),
	    .upstream_plain = view_of(call->entry->id),
	    .request_id_plain = view_of(call->id),
	    .upstream_model_plain = view_of(call->model),
	    .created_s = call->wall_ms / 1000,
	    .memory_max = call->body.len * MEMORY_TIMES + MEMORY_BYTES_MORE,
	};
}

struct convert *
transcode_new(const struct transcode_call *call, struct bytes *body, struct err *err)
{
	struct convert_options options = make_options(call);
	struct caps caps = abilities_of_model(call->table, call->model);
	options.caps_rows = &caps;
	options.caps_count = 1;
	struct convert *convert = convert_new(&options);
	bytes_init(body, options.memory_max);
	if (convert_request(convert, call->body, body, err))
		return convert;
	bytes_fini(body);
	convert_free(convert);
	return NULL;
}

struct convert *
transcode_answer(const struct transcode_call *call, struct err *err)
{
	struct convert_options options = make_options(call);
	struct convert *convert = convert_new(&options);
	if (convert_read(convert, call->body, err))
		return convert;
	convert_free(convert);
	return NULL;
}

struct view
transcode_path(const struct upstream_entry *entry)
{
	struct url url;
	/* Bases of Responses upstreams hold all of the way but the last word, where they hold any.
	 */
	if (entry->protocol == PROTOCOL_RESPONSES &&
	    url_parse_base(view_of(entry->base_url), &url, NULL) && url.path.len > 1)
		return VIEW("/responses");
	return view_of(convert_path((enum wire)entry->protocol));
}

bool
transcode_has_state(struct view body)
{
	static const char mark[] = "\"pmt1.";
	return body.len > 0 && memmem(body.data, body.len, mark, sizeof(mark) - 1) != NULL;
}

void
transcode_loss(const struct convert *convert, char *out, size_t out_len)
{
	struct bytes text;
	bytes_init(&text, LOSS_BYTES_MAX);
	out[0] = '\0';
	if (convert != NULL && ledger_header(convert_ledger(convert), &text))
		(void)snprintf(out, out_len, "%s", bytes_str(&text));
	bytes_fini(&text);
}
