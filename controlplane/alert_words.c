#include "alert_words.h"
#include "must.h"
#include "schema.h"
#include "url.h"
#include <stdio.h>
#include <string.h>

static int64_t
time_ms(const json_t *words, const char *key)
{
	return (int64_t)(schema_number(words, SCHEMA_ALERTS, key) * 1000);
}

static void
read_kinds(const json_t *section, struct alert_words *words)
{
	json_t *list = schema_value(section, SCHEMA_ALERTS, "on");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *word = json_string_value(json_array_get(list, i));
		for (unsigned kind = 0; kind < ALERT_KINDS; kind++) {
			if (strcmp(word, alert_kind_words[kind]) == 0)
				words->on[kind] = true;
		}
	}
	words->on[ALERT_BUDGET_SPENT] = words->on[ALERT_BUDGET];
	json_decref(list);
}

static void
read_secret(const json_t *section, const char *key, struct secret *out)
{
	const char *text = schema_text(section, SCHEMA_ALERTS, key);
	if (text != NULL)
		MUST(secret_set(out, schema_trim(view_of(text))));
}

static void
read_webhook(const struct config *config, const json_t *section, struct alert_words *words)
{
	struct url url;
	struct view base = {0};
	read_secret(section, "webhook_url", &words->url);
	read_secret(section, "webhook_authorization", &words->authorization);
	struct view rest = secret_reveal(&words->url);
	words->webhook = view_split(&rest, '?', &base) && url_parse_base(base, &url, NULL);
	if (!words->webhook)
		return;
	(void)snprintf(words->host, sizeof(words->host), "%.*s", VIEW_ARGS(url.host));
	words->any_address = config_allows_host(config->root, url.host);
}

void
alert_words_read(const struct config *config, struct alert_words *words)
{
	alert_words_fini(words);
	const json_t *section =
	    config != NULL ? schema_section_get(config->root, SCHEMA_ALERTS) : NULL;
	read_kinds(section, words);
	if (config != NULL)
		read_webhook(config, section, words);
	const char *chat = schema_text(section, SCHEMA_ALERTS, "webhook_chat");
	(void)snprintf(words->chat, sizeof(words->chat), "%s", chat != NULL ? chat : "");
	words->template =
	    (enum alert_template)schema_choice(section, SCHEMA_ALERTS, "webhook_template");
	words->log = schema_flag(section, SCHEMA_ALERTS, "log");
	words->command = schema_flag(section, SCHEMA_ALERTS, "command");
	words->limits = (struct alert_limits){.after_ms = time_ms(section, "after_seconds"),
	    .clear_ms = time_ms(section, "clear_seconds"),
	    .repeat_ms = time_ms(section, "repeat_seconds")};
	words->error_percent =
	    (uint32_t)schema_number(section, SCHEMA_ALERTS, "error_rate_percent");
	words->error_requests =
	    (uint64_t)schema_number(section, SCHEMA_ALERTS, "error_rate_requests");
	words->error_window_ms = time_ms(section, "error_rate_seconds");
	words->certificate_ms =
	    (int64_t)(schema_number(section, SCHEMA_ALERTS, "certificate_days") * 86400000);
	words->disk_bytes =
	    (uint64_t)(schema_number(section, SCHEMA_ALERTS, "disk_free_mib") * 1048576);
}

void
alert_words_fini(struct alert_words *words)
{
	secret_fini(&words->url);
	secret_fini(&words->authorization);
	*words = (struct alert_words){0};
}
