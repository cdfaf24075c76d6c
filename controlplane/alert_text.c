#include "alert_text.h"
#include "faults.h"
#include "jget.h"
#include "mem.h"
#include "must.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *const alert_template_words[] = {
    "json", "slack", "mattermost", "discord", "feishu", "dingtalk", "telegram", NULL};

/* What is said of a subject when it begins and when it is over; %s is who it is. */
static const struct {
	const char *bad_before, *bad, *good_before, *good;
} words[ALERT_KINDS] = {
    [ALERT_TEST] = {"This is a test of alerts", "", "This is a test of alerts", ""},
    [ALERT_UPSTREAM_DOWN] = {"Upstream ", " is down", "Upstream ", " is back"},
    [ALERT_GROUP_DOWN] = {"No upstream of the group ", " can serve", "The group ",
	" is served again"},
    [ALERT_BUDGET] = {"Client key ", " nears its budget", "Client key ",
	" is below the threshold of its budget again"},
    [ALERT_BUDGET_SPENT] = {"Client key ", " has spent its budget", "Client key ",
	" has budget again"},
    [ALERT_ERROR_RATE] = {"Many requests fail", "", "Requests", " go well again"},
    [ALERT_CERTIFICATE] = {"The certificate ", " must be renewed", "The certificate ",
	" is good again"},
    [ALERT_DISK] = {"The disk of ", " is nearly full", "The disk of ", " has room again"},
};

static void
put_duration(char *out, size_t out_len, int64_t ms)
{
	int64_t s = ms > 0 ? ms / 1000 : 0;
	if (s >= 86400)
		(void)snprintf(
		    out, out_len, "%" PRId64 " d %" PRId64 " h", s / 86400, s / 3600 % 24);
	else if (s >= 3600)
		(void)snprintf(
		    out, out_len, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
	else if (s >= 60)
		(void)snprintf(out, out_len, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	else
		(void)snprintf(out, out_len, "%" PRId64 " s", s);
}

/* "main (claude:7f3a)", "claude:7f3a", or nothing. */
static void
put_subject(char *out, size_t out_len, const struct alert_cause *cause)
{
	if (cause->kind == ALERT_TEST || cause->kind == ALERT_ERROR_RATE)
		out[0] = '\0';
	else if (cause->name[0] != '\0')
		(void)snprintf(out, out_len, "%s (%s)", cause->name, cause->subject);
	else
		(void)snprintf(out, out_len, "%s", cause->subject);
}

/* Names are the owner's: no line of a chat shall end in them. */
static void
flatten(char *text)
{
	for (char *at = text; *at != '\0'; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = ' ';
	}
}

void
alert_text(const struct alert_notice *notice, const char *host, char out[ALERT_TEXT_BYTES])
{
	const struct alert_cause *cause = &notice->cause;
	bool over = notice->event == ALERT_RESOLVED;
	char subject[ALERT_SUBJECT_BYTES + ALERT_NAME_BYTES + 4], lasted[48], more[256] = "";
	put_subject(subject, sizeof(subject), cause);
	put_duration(lasted, sizeof(lasted), notice->at_ms - cause->bad_ms);
	const char *colon = cause->detail[0] != '\0' ? ": " : "";
	const char *before = over ? words[cause->kind].good_before : words[cause->kind].bad_before;
	const char *after = over ? words[cause->kind].good : words[cause->kind].bad;
	if (over && strcmp(cause->detail, ALERT_UNWATCHED) == 0)
		after = ": " ALERT_UNWATCHED;
	if (over)
		(void)snprintf(more, sizeof(more), ", after %s", lasted);
	else if (notice->event == ALERT_REMINDER)
		(void)snprintf(
		    more, sizeof(more), ", for %s now%s%s", lasted, colon, cause->detail);
	else
		(void)snprintf(more, sizeof(more), "%s%s", colon, cause->detail);
	int len = snprintf(
	    out, ALERT_TEXT_BYTES, "[Pointsman %s] %s%s%s%s", host, before, subject, after, more);
	if (cause->times > 1 && len > 0 && len < ALERT_TEXT_BYTES)
		len += snprintf(out + len, (size_t)(ALERT_TEXT_BYTES - len),
		    " (time %" PRIu32 " in a row: it comes and goes)", cause->times);
	if (len >= ALERT_TEXT_BYTES)
		faults_drop_cut(out);
	flatten(out);
}

void
alert_text_id(uint64_t id, char out[ALERT_ID_BYTES])
{
	(void)snprintf(out, ALERT_ID_BYTES, "al_%016" PRIx64, id);
}

static void
put_time(char out[32], int64_t wall_ms)
{
	time_t at = (time_t)(wall_ms / 1000);
	struct tm tm;
	if (gmtime_r(&at, &tm) == NULL || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
}

static json_t *
all_that_is_known(const struct alert_notice *notice, const struct alert_sender *sender)
{
	const struct alert_cause *cause = &notice->cause;
	const char *event = cause->kind == ALERT_TEST ? alert_kind_words[ALERT_TEST]
						      : alert_event_words[notice->event];
	char id[ALERT_ID_BYTES], at[32], since[32];
	alert_text_id(notice->id, id);
	put_time(at, notice->at_ms);
	put_time(since, cause->bad_ms);
	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "id", id,
	    "event", event, "kind", alert_kind_words[cause->kind], "incident",
	    (json_int_t)cause->incident, "subject", cause->subject, "name", cause->name, "detail",
	    cause->detail, "host", sender->host, "at", at, "since", since, "times",
	    (int)cause->times);
}

/* Slack and Mattermost read <!channel> and the like in a text. */
static void
escape(const char *text, struct bytes *out)
{
	bool ok = true;
	for (const char *at = text; *at != '\0'; at++) {
		if (*at == '&')
			ok = ok && bytes_append_str(out, "&amp;");
		else if (*at == '<')
			ok = ok && bytes_append_str(out, "&lt;");
		else if (*at == '>')
			ok = ok && bytes_append_str(out, "&gt;");
		else
			ok = ok && bytes_append_char(out, *at);
	}
	MUST(ok);
}

static json_t *
with_text(const struct alert_notice *notice, const struct alert_sender *sender, const char *text)
{
	struct bytes safe;
	json_t *body = NULL;
	switch (sender->template) {
	case ALERT_JSON:
		body = all_that_is_known(notice, sender);
		MUST(body != NULL && json_object_set_new(body, "text", json_string(text)) == 0);
		return body;
	case ALERT_SLACK:
	case ALERT_MATTERMOST:
		bytes_init(&safe, (size_t)5 * ALERT_TEXT_BYTES);
		escape(text, &safe);
		body = json_pack("{s:s}", "text", bytes_str(&safe));
		bytes_fini(&safe);
		return body;
	case ALERT_DISCORD: /* whom a name mentions is not called */
		return json_pack("{s:s, s:{s:[]}}", "content", text, "allowed_mentions", "parse");
	case ALERT_FEISHU:
		return json_pack("{s:s, s:{s:s}}", "msg_type", "text", "content", "text", text);
	case ALERT_DINGTALK:
		return json_pack("{s:s, s:{s:s}}", "msgtype", "text", "text", "content", text);
	case ALERT_TELEGRAM:
		return json_pack("{s:s, s:s}", "chat_id", sender->chat, "text", text);
	case ALERT_TEMPLATES:
		break;
	}
	MUST(false);
}

bool
alert_text_body(
    const struct alert_notice *notice, const struct alert_sender *sender, struct bytes *out)
{
	char text[ALERT_TEXT_BYTES];
	alert_text(notice, sender->host, text);
	json_t *body = with_text(notice, sender, text);
	MUST(body != NULL);
	char *dump = jget_dump(body, NULL);
	bool ok = bytes_append_str(out, dump);
	mem_free(dump);
	json_decref(body);
	return ok;
}

const char *alert_text_zero(enum alert_template template)
{
	if (template == ALERT_FEISHU)
		return "code";
	return template == ALERT_DINGTALK ? "errcode" : NULL;
}
