/* The end of a running request, as the owner wishes. */
#include "jget.h"
#include "must.h"
#include "names.h"
#include "serve_private.h"
#include <stdio.h>

void
serve_cancel_again(struct serve *serve)
{
	cancels_expire(&serve->cancels, &serve->dataplanes, loop_now_ms(serve->loop));
	json_t *body = cancels_encode(&serve->cancels);
	if (body != NULL)
		serve_publish(serve->table_pub, MSG_CANCEL, body);
}

struct answer
serve_cancel_request(struct serve *serve, const json_t *body)
{
	struct view id = {0};
	struct err err;
	struct history_who who = serve_who(body);
	if (!jget_str(body, "", "id", &id, &err))
		return serve_refuse(&err);
	if (!cancels_order(&serve->cancels, &serve->dataplanes, id, loop_now_ms(serve->loop))) {
		err_set(&err, ERR_ABSENT, "id", "no data plane has such a request under way");
		return serve_refuse(&err);
	}
	(void)snprintf(who.what, sizeof(who.what), "%.*s", VIEW_ARGS(id));
	audit_add(&serve->audit, &who, "cancel", 0, NULL);
	serve_cancel_again(serve);
	json_t *answer = json_pack("{s:s%}", "id", id.data, id.len);
	MUST(answer != NULL);
	return (struct answer){MSG_OK, answer};
}
