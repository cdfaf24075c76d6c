#include "faults.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include <inttypes.h>
#include <stdio.h>

#define LOG_LINES_MAX 20

void
faults_fini(struct faults *faults)
{
	mem_free(faults->items);
	*faults = (struct faults){0};
}

void
faults_drop_cut(char *text)
{
	struct view rest = view_of(text);
	size_t step;
	while ((step = view_utf8_step(rest)) > 0)
		rest = view_from(rest, step);
	text[rest.data - text] = '\0';
}

/* A place for one more, or NULL when enough are kept. */
static struct fault *
add(struct faults *faults, bool warning, const char *path)
{
	if (faults->count == FAULTS_KEPT_MAX)
		return NULL;
	if (faults->items == NULL)
		faults->items = mem_calloc(FAULTS_KEPT_MAX, sizeof(*faults->items));
	struct fault *fault = &faults->items[faults->count++];
	fault->warning = warning;
	snprintf(fault->path, sizeof(fault->path), "%s", path);
	faults_drop_cut(fault->path);
	return fault;
}

void
faults_error(struct faults *faults, const char *path, const char *fmt, ...)
{
	struct fault *fault = add(faults, false, path);
	faults->errors++;
	if (fault == NULL)
		return;
	va_list args;
	va_start(args, fmt);
	vsnprintf(fault->msg, sizeof(fault->msg), fmt, args);
	va_end(args);
	faults_drop_cut(fault->msg);
}

void
faults_warn(struct faults *faults, const char *path, const char *fmt, ...)
{
	struct fault *fault = add(faults, true, path);
	if (fault == NULL)
		return;
	va_list args;
	va_start(args, fmt);
	vsnprintf(fault->msg, sizeof(fault->msg), fmt, args);
	va_end(args);
	faults_drop_cut(fault->msg);
}

json_t *
faults_encode(const struct faults *faults)
{
	json_t *list = json_array();
	for (size_t i = 0; i < faults->count; i++) {
		const struct fault *fault = &faults->items[i];
		if (fault->warning)
			continue;
		json_t *item = json_pack("{s:s, s:s}", "path", fault->path, "message", fault->msg);
		MUST(json_array_append_new(list, item) == 0);
	}
	return list;
}

void
faults_log(const struct faults *faults)
{
	for (size_t i = 0; i < faults->count && i < LOG_LINES_MAX; i++) {
		const struct fault *fault = &faults->items[i];
		struct log_line line;
		log_begin(&line, fault->warning ? LOG_WARN : LOG_ERROR,
		    fault->warning ? "config_warning" : "config_fault");
		log_str(&line, "path", fault->path);
		log_str(&line, "msg", fault->msg);
		log_end(&line);
	}
	if (faults->count > LOG_LINES_MAX)
		log_msg(LOG_WARN, "config_faults_more", "%zu more", faults->count - LOG_LINES_MAX);
}
