/* alert_words: what the configuration's section `alerts` says. PURE. */
#ifndef PM_ALERT_WORDS_H
#define PM_ALERT_WORDS_H

#include "alert_text.h"
#include "config.h"

struct alert_words {
	bool on[ALERT_KINDS];
	bool log, command;
	bool webhook;
	struct secret url, authorization;
	bool any_address; /* server.allow_addresses names the webhook's */
	char host[256];   /* of its URL */
	enum alert_template template;
	char chat[ALERT_NAME_BYTES];
	struct alert_limits limits;
	uint32_t error_percent;
	uint64_t error_requests;
	int64_t error_window_ms;
	int64_t certificate_ms;
	uint64_t disk_bytes;
};

/* NULL = defaults. What `words` held before is dropped; zeroed at first. */
void alert_words_read(const struct config *config, struct alert_words *words);
void alert_words_fini(struct alert_words *words);

#endif
