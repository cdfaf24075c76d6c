/* alert_text: an alert in words, and as what a webhook or a command is sent. PURE. */
#ifndef PM_ALERT_TEXT_H
#define PM_ALERT_TEXT_H

#include "alert_outbox.h"
#include "bytes.h"

#define ALERT_TEXT_BYTES 1024

/* What kind of receiver the webhook is. */
enum alert_template {
	ALERT_JSON, /* all that is known, by itself */
	ALERT_SLACK,
	ALERT_MATTERMOST,
	ALERT_DISCORD,
	ALERT_FEISHU,
	ALERT_DINGTALK,
	ALERT_TELEGRAM,
	ALERT_TEMPLATES,
};
extern const char *const alert_template_words[];

struct alert_sender {
	const char *host; /* this machine, told in each text */
	enum alert_template template;
	const char *chat; /* of Telegram: the chat's id; "" = none */
};

/* One or two sentences, UTF-8, without an end of line. */
void alert_text(const struct alert_notice *notice, const char *host, char out[ALERT_TEXT_BYTES]);
/* The JSON document for that receiver, appended; false at the limit of `out`. */
MUST_CHECK bool alert_text_body(
    const struct alert_notice *notice, const struct alert_sender *sender, struct bytes *out);
/* The member that must be 0 in an answer of that receiver, which says 200 to everything; NULL =
 * its status counts. */
const char *alert_text_zero(enum alert_template template);
/* "al_" and 16 hex digits. */
#define ALERT_ID_BYTES 20
void alert_text_id(uint64_t id, char out[ALERT_ID_BYTES]);

#endif
