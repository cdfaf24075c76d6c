/* faults: everything wrong with a configuration, each with its JSON path. Errors refuse the file;
 * warnings do not. Messages never hold a value from the file, since it may be a key. */
#ifndef PM_FAULTS_H
#define PM_FAULTS_H

#include "err.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define FAULTS_KEPT_MAX 200

struct fault {
	bool warning;
	char path[128]; /* "api_configs[2].base_url", or "line 3 column 5" */
	char msg[192];
};

struct faults {
	struct fault *items; /* the first FAULTS_KEPT_MAX */
	size_t count;
	size_t errors; /* all of them, kept or not */
	bool syntax;   /* not even JSON: the only path is a line and column */
};

/* A zeroed struct is an empty list. */
void faults_fini(struct faults *faults);
void faults_error(struct faults *faults, const char *path, const char *fmt, ...) PRINTF_LIKE(3, 4);
void faults_warn(struct faults *faults, const char *path, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Drops what snprintf left of a character at the end: half of one is no JSON string. */
void faults_drop_cut(char *text);
/* The errors as [{"path","message"}]; new reference. */
json_t *faults_encode(const struct faults *faults);
/* One log line for each, at most 20. */
void faults_log(const struct faults *faults);

#endif
