#include "err.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static void PRINTF_LIKE(4, 0)
    fill(struct err *err, enum err_kind kind, const char *at, const char *fmt, va_list args)
{
	err->kind = kind;
	snprintf(err->at, sizeof(err->at), "%s", at ? at : "");
	vsnprintf(err->msg, sizeof(err->msg), fmt, args);
}

bool
err_set(struct err *err, enum err_kind kind, const char *at, const char *fmt, ...)
{
	if (err == NULL)
		return false;
	va_list args;
	va_start(args, fmt);
	fill(err, kind, at, fmt, args);
	va_end(args);
	return false;
}

bool
err_errno(struct err *err, const char *at, const char *fmt, ...)
{
	if (err == NULL)
		return false;
	int saved = errno; /* callers look at it after us */
	va_list args;
	va_start(args, fmt);
	fill(err, ERR_IO, at, fmt, args);
	va_end(args);
	size_t len = strlen(err->msg);
	snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", strerror(saved));
	errno = saved;
	return false;
}

const char *
err_kind_name(enum err_kind kind)
{
	switch (kind) {
	case ERR_NONE:
		return "none";
	case ERR_LIMIT:
		return "limit";
	case ERR_PARSE:
		return "parse";
	case ERR_CONFIG:
		return "config";
	case ERR_IO:
		return "io";
	case ERR_NET:
		return "net";
	case ERR_TIMEOUT:
		return "timeout";
	case ERR_PEER:
		return "peer";
	case ERR_AUTH:
		return "auth";
	case ERR_CANCELLED:
		return "cancelled";
	case ERR_ABSENT:
		return "absent";
	case ERR_STALE:
		return "stale";
	}
	return "unknown";
}
