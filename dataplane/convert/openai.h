/* openai: what both protocols of that vendor, Chat Completions and Responses, have alike. */
#ifndef PM_OPENAI_H
#define PM_OPENAI_H

#include "codec.h"
#include "jsonspan.h"
#include <stdbool.h>

/* openai_error.c */
void openai_error_decode(int status, struct view body, struct event *out);
/* The value of "error" in an event of a stream. */
void openai_error_from(int status, struct jsonspan_value error, struct event *out);
bool openai_error_encode(
    const struct event *error, struct view request_id_plain, struct bytes *out, int *status);

/* openai_schema.c: strict mode takes it: it refuses properties that may be left out. */
bool openai_schema_is_strict(struct view schema_json);
/* A tool whose schema shall bind: false where only the client's vendor can do that. */
bool openai_tool_binds(const struct request *request, const struct tool *tool);

#endif
