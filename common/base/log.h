/* log: one logfmt line for each event, to stderr, secrets removed, rate bounded.
 *
 *   ts=2026-11-22T18:24:22.877Z level=info proc=dataplane.0 event=exchange id=... status=200
 *
 * Values are quoted when they hold anything but [A-Za-z0-9._:/@+-]; control bytes and bytes >= 0x80
 * that are not valid UTF-8 are written \xNN. A value is cut at 512 bytes. Anything that looks like
 * a credential (sk-..., pm-..., pma-..., "Bearer ...", "x-api-key: ...") is replaced by ***, and so
 * is the whole value of a key named authorization, x-api-key, key, token, secret, password or
 * cookie. */
#ifndef PM_LOG_H
#define PM_LOG_H

#include "err.h"
#include "view.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_line {
	char text[4096];
	size_t len;
	bool off; /* below the level: nothing is formatted */
};

/* `proc` names the process in every line, e.g. "dataplane.0"; copied. */
void log_init(const char *proc, enum log_level lowest);
/* "debug" | "info" | "warn" | "error". */
bool log_level_parse(struct view name, enum log_level *out);
/* Where lines go; default fd 2. -1 keeps the default. */
void log_set_fd(int fd);

void log_begin(struct log_line *line, enum log_level level, const char *event);
void log_str(struct log_line *line, const char *key, const char *value);
void log_view(struct log_line *line, const char *key, struct view value);
void log_int(struct log_line *line, const char *key, int64_t value);
/* One write(2) that never waits. A full pipe, a reader that left, or more than 2000 lines in one
 * second drop the line; the next one that succeeds carries dropped=N. */
void log_end(struct log_line *line);

/* event=<event> msg="..." */
void log_msg(enum log_level level, const char *event, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* event=<event> kind=... at=... msg=... from an err. */
void log_err(enum log_level level, const char *event, const struct err *err);
/* Copies `in` to `out` with credentials replaced by ***; always terminates, and returns the length.
 * For texts that leave by another way than the log (error bodies made from upstream text). Wants
 * plain text: of a JSON source it could cut an escape in two. */
size_t log_redact(struct view in, char *out, size_t out_len);

#endif
