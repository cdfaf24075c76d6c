#include "herald.h"
#include "jsonspan.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include "poster.h"
#include <stdio.h>
#include <string.h>

#define HEADERS_BYTES_MAX ((size_t)16 * 1024)

struct herald {
	struct loop *loop;
	struct upstreams *upstreams;
	uint64_t boot_id;
	void (*on_news)(void *ctx);
	void *ctx;
	struct post *post; /* NULL = none is under way */
	uint64_t seq;      /* the order under way, or the last */
	char zero[OUTSIDE_WORD_BYTES_MAX + 1];
	/* The end of the last one. */
	uint64_t ended_seq;
	bool success;
	uint32_t status;
	char reason[REPORT_REASON_BYTES];
};

static void
note_end(struct herald *herald, bool success, int status, const char *reason)
{
	struct log_line line;
	herald->ended_seq = herald->seq;
	herald->success = success;
	herald->status = status > 0 && status <= 999 ? (uint32_t)status : 0;
	(void)snprintf(herald->reason, sizeof(herald->reason), "%s", reason);
	log_begin(&line, success ? LOG_DEBUG : LOG_WARN, "alert_sent");
	log_int(&line, "seq", (int64_t)herald->seq);
	log_int(&line, "status", status);
	log_str(&line, "reason", reason);
	log_end(&line);
	herald->on_news(herald->ctx);
}

/* Some receivers say 200 to all and what they mean in a member. */
static bool
is_zero(const char *key, struct view answer)
{
	struct jsonspan_want want = {.key = key};
	struct err err;
	return jsonspan_scan(answer, &want, 1, NULL, &err) && view_eq_str(want.value.raw, "0");
}

static void
on_end(const struct post_result *result, void *ctx)
{
	struct herald *herald = ctx;
	herald->post = NULL;
	bool refused =
	    result->taken && herald->zero[0] != '\0' && !is_zero(herald->zero, result->answer);
	note_end(herald, result->taken && !refused, result->status,
	    refused ? "refused" : result->reason);
}

static bool
add_authorization(struct bytes *out, const struct secret *secret)
{
	return secret_is_empty(secret) ||
	       (bytes_append_str(out, "Authorization: ") &&
		   bytes_append_view(out, secret_reveal(secret)) && bytes_append_char(out, '\0'));
}

static void
start(struct herald *herald, const struct table_alert *alert)
{
	struct bytes headers, body, url;
	bytes_init(&headers, HEADERS_BYTES_MAX);
	bytes_init(&body, OUTSIDE_BODY_BYTES_MAX + 1);
	bytes_init(&url, OUTSIDE_URL_BYTES_MAX + 1);
	herald->seq = alert->seq;
	(void)snprintf(
	    herald->zero, sizeof(herald->zero), "%s", alert->zero != NULL ? alert->zero : "");
	if (bytes_append_view(&url, secret_reveal(&alert->url)) &&
	    bytes_append_str(&body, alert->body) &&
	    bytes_reserve(&headers, 1024 + alert->authorization.len) &&
	    add_authorization(&headers, &alert->authorization)) {
		const struct post_call call = {.url = bytes_str(&url),
		    .headers = &headers,
		    .body = &body,
		    .limit_ms = HERALD_LIMIT_MS,
		    .any_address = alert->any_address,
		    .fresh = true};
		herald->post = post_start(herald->loop, herald->upstreams, &call, on_end, herald);
	} else {
		note_end(herald, false, 0, "too_long");
	}
	bytes_fini(&headers);
	bytes_fini(&body);
	bytes_fini(&url);
}

void
herald_table(struct herald *herald, const struct table *table)
{
	const struct table_alert *alert = &table->alert;
	if (alert->seq <= herald->seq || alert->by != herald->boot_id || alert->body == NULL ||
	    secret_is_empty(&alert->url))
		return;
	/* One that was not over in time is given up by who has ordered the next. */
	post_free(herald->post);
	herald->post = NULL;
	start(herald, alert);
}

void
herald_report(const struct herald *herald, struct report *report)
{
	report->alert_seq = herald->ended_seq;
	report->alert_success = herald->success;
	report->alert_status = herald->status;
	memcpy(report->alert_reason, herald->reason, sizeof(report->alert_reason));
}

struct herald *
herald_new(struct loop *loop, struct upstreams *upstreams, uint64_t boot_id,
    void (*on_news)(void *ctx), void *ctx)
{
	struct herald *herald = MEM_NEW(struct herald);
	herald->loop = loop;
	herald->upstreams = upstreams;
	herald->boot_id = boot_id;
	herald->on_news = on_news;
	herald->ctx = ctx;
	return herald;
}

void
herald_free(struct herald *herald)
{
	if (herald == NULL)
		return;
	post_free(herald->post);
	mem_free(herald);
}
