#include "errand_text.h"
#include "headers.h"
#include "transcode.h"
#include "url.h"
#include <string.h>

#define MASK_KEY_BYTES_MIN 8

static bool
is_openai_base(const struct upstream_entry *entry)
{
	struct url url;
	return entry->protocol == PROTOCOL_RESPONSES &&
	       url_parse_base(view_of(entry->base_url), &url, NULL) && url.path.len > 1;
}

bool
errand_text_url(const struct upstream_entry *entry, enum errand_kind kind, struct bytes *out)
{
	struct view path = kind != ERRAND_PROBE    ? transcode_path(entry)
			   : is_openai_base(entry) ? VIEW("/models")
						   : VIEW("/v1/models");
	return url_join(view_of(entry->base_url), path, VIEW(""), out);
}

static bool
add_line(struct bytes *out, const char *line)
{
	return bytes_append(out, line, strlen(line) + 1);
}

bool
errand_text_headers(const struct upstream_entry *entry, enum errand_kind kind, struct bytes *out)
{
	struct view key = secret_reveal(&entry->key);
	bool bearer, ok = bytes_reserve(out, 512 + key.len) &&
			  add_line(out, "Accept-Encoding: identity") &&
			  add_line(out, kind != ERRAND_PROBE ? "Accept: text/event-stream"
							     : "Accept: application/json");
	if (kind != ERRAND_PROBE)
		ok = ok && add_line(out, "Content-Type: application/json");
	if (entry->protocol == PROTOCOL_ANTHROPIC)
		ok = ok && add_line(out, "anthropic-version: 2023-06-01");
	if (key.len == 0)
		return ok;
	const char *name = headers_key_name(entry->protocol, key, &bearer);
	for (size_t i = 0; i < key.len; i++)
		ok = ok && (unsigned char)key.data[i] >= 0x20;
	return ok && bytes_append_str(out, name) &&
	       bytes_append_str(out, bearer ? ": Bearer " : ": ") && bytes_append_view(out, key) &&
	       bytes_append_char(out, '\0');
}

const char *
errand_text_model(const struct table_activation *words, const struct upstream_entry *entry)
{
	return words->models[entry->protocol];
}

static bool
add_string(struct bytes *out, const char *text)
{
	return bytes_append_char(out, '"') && bytes_append_json(out, view_of(text)) &&
	       bytes_append_char(out, '"');
}

bool
errand_text_body(const struct table_activation *words, const struct upstream_entry *entry,
    bool ask_usage, struct bytes *out)
{
	static const struct {
		const char *tokens, *begin, *end;
	} forms[] = {
	    [PROTOCOL_ANTHROPIC] = {"max_tokens",
		"\"messages\":[{\"role\":\"user\",\"content\":", "}]"},
	    [PROTOCOL_CHAT] = {"max_completion_tokens",
		"\"messages\":[{\"role\":\"user\",\"content\":", "}]"},
	    [PROTOCOL_RESPONSES] = {"max_output_tokens",
		"\"store\":false,\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":[{"
		"\"type\":\"input_text\",\"text\":",
		"}]}]"},
	};
	return bytes_append_str(out, "{\"model\":") &&
	       add_string(out, errand_text_model(words, entry)) &&
	       bytes_printf(out, ",\"stream\":true,%s\"%s\":%u,%s",
		   ask_usage && entry->protocol == PROTOCOL_CHAT
		       ? "\"stream_options\":{\"include_usage\":true},"
		       : "",
		   forms[entry->protocol].tokens, words->max_tokens,
		   forms[entry->protocol].begin) &&
	       add_string(out, words->prompt) &&
	       bytes_printf(out, "%s}", forms[entry->protocol].end);
}

void
errand_text_mask(const struct upstream_entry *entry, struct bytes *text)
{
	struct view key = secret_reveal(&entry->key);
	char *at = text->data;
	if (key.len < MASK_KEY_BYTES_MIN || text->len == 0)
		return;
	while (
	    (at = memmem(at, text->len - (size_t)(at - text->data), key.data, key.len)) != NULL) {
		memset(at, '*', key.len);
		at += key.len;
	}
}

struct outcome
errand_text_judge(const struct outcome_facts *facts)
{
	struct outcome_facts whole = *facts;
	int status = facts->status;
	bool bad = status == 401 || status == 402 || status == 403 || status == 408 ||
		   status == 429 || status >= 500 || status < 200;
	if (facts->transport == TRANSPORT_OK && !bad)
		return (struct outcome){.success = true, .reason = "ok", .status = status};
	whole.terminal = false;
	struct outcome outcome = outcome_classify(&whole, NULL);
	if (status != 0 && outcome.status == 0)
		outcome.status = status;
	return outcome;
}
