/* err: what failed, where, and what kind of action it asks for. */
#ifndef PM_ERR_H
#define PM_ERR_H

#include <stdarg.h>
#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* The kind tells the caller what to do, not which module spoke. */
enum err_kind {
	ERR_NONE = 0,
	ERR_LIMIT,     /* a set bound was reached: refuse, do not grow */
	ERR_PARSE,     /* the bytes are not what they must be */
	ERR_CONFIG,    /* the owner must change a setting; `at` is its path */
	ERR_IO,        /* disk or descriptor */
	ERR_NET,       /* connection */
	ERR_TIMEOUT,   /* a deadline passed */
	ERR_PEER,      /* the other side broke its protocol */
	ERR_AUTH,      /* who asks may not */
	ERR_CANCELLED, /* nobody wants the result any more */
	ERR_ABSENT,    /* there is no such thing */
	ERR_STALE,     /* another has changed it meanwhile: look again */
};

struct err {
	enum err_kind kind;
	char at[96];   /* path, offset or name of the place; may be empty */
	char msg[208]; /* one sentence for a person; never holds a secret */
};

/* Fills `err` (may be NULL) and returns false, so that `return err_set(...)` reads well.
 * Text that does not fit is cut. */
bool err_set(struct err *err, enum err_kind kind, const char *at, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* The same with errno's text appended: "<msg>: No such file or directory". Kind is ERR_IO. */
bool err_errno(struct err *err, const char *at, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* A stable lower-case word for a kind: "limit", "parse", ... */
const char *err_kind_name(enum err_kind kind);

#endif
