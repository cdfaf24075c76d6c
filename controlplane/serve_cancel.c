/* The end of a running request, as the owner wishes. */
#include "jget.h"
#include "must.h"
#include "names.h"
#include "serve_private.h"
#include <stdio.h>

static void
publish(struct serve *serve)
{
	json_t *body = cancels_encode(&serve->cancels);
	if (body != NULL)
		serve_publish(serve->table_pub, MSG_CANCEL, body);
}

void
serve_cancel_again(struct serve *serve)
{
	cancels_expire(&serve->cancels, loop_now_ms(serve->loop));
	publish(serve);
}

void
serve_cancel_note(struct serve *serve, const struct report *report)
{
	for (size_t i = 0; i < report->cancelled_count; i++) {
		const struct cancel *one =
		    cancels_note(&serve->cancels, view_of(report->cancelled[i].id));
		if (one == NULL)
			continue;
		struct history_who who = one->who;
		(void)snprintf(who.what, sizeof(who.what), "%s", one->id);
		audit_add(&serve->audit, &who, "cancel", 0, NULL);
	}
}

static struct answer
told(const struct serve *serve, uint64_t seq)
{
	enum cancel_fate fate =
	    cancels_fate(&serve->cancels, &serve->dataplanes, seq, loop_now_ms(serve->loop));
	json_t *body = json_pack("{s:{s:I, s:b, s:b}}", "cancel", "seq", (json_int_t)seq, "done",
	    fate != CANCEL_WAITS, "ended", fate == CANCEL_ENDED);
	MUST(body != NULL);
	return (struct answer){MSG_OK, body};
}

struct answer
serve_cancel_request(struct serve *serve, const json_t *body)
{
	struct view id = {0};
	struct err err;
	struct history_who who = serve_who(body);
	if (!jget_str(body, "", "id", &id, &err))
		return serve_refuse(&err);
	uint64_t seq = cancels_order(&serve->cancels, id, &who, loop_now_ms(serve->loop));
	if (seq == 0) {
		err_set(&err, ERR_ABSENT, "id", "no request has such an id");
		return serve_refuse(&err);
	}
	publish(serve);
	return told(serve, seq);
}

struct answer
serve_get_cancel(struct serve *serve, const json_t *body)
{
	int64_t seq = 0;
	struct err err;
	if (!jget_int(body, "", "seq", 1, INT64_MAX, &seq, &err))
		return serve_refuse(&err);
	return told(serve, (uint64_t)seq);
}
