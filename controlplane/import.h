/* import: what is in a file of another program, as entries and settings of our own. Pure. */
#ifndef PM_IMPORT_H
#define PM_IMPORT_H

#include "err.h"
#include "view.h"
#include <jansson.h>
#include <stdbool.h>

struct import {
	const char *format; /* "pointsman", "cc-switch", "claude-code-router", "litellm" */
	json_t *items;   /* [{section, what: "entry" or "section", name, entry}]; they hold keys */
	json_t *skipped; /* [{path, message}]: what does not come in, and why */
};

/* Reads a file's text. `format` "auto" (or NULL) looks what it is. False and `err` when it is
 * nothing of the kind; else import_fini. Entries that our own check would refuse are skipped. */
MUST_CHECK bool import_read(
    struct view text, const char *format, struct import *out, struct err *err);
void import_fini(struct import *import);
/* Is there already what the item brings? */
bool import_is_there(const json_t *root, const json_t *item);
/* Adds the item to a document. */
void import_add(json_t *root, const json_t *item);

/* ---- import_formats.c: each fills `out` from a document of its program ---- */
void import_cc_switch(const json_t *root, struct import *out);
void import_router(const json_t *root, struct import *out);
void import_litellm(const json_t *root, struct import *out);
/* ---- for those ---- */
/* Takes `entry`. `path` is where it stood. */
void import_entry(struct import *out, const char *section, const char *path, json_t *entry);
void import_skip(struct import *out, const char *path, const char *message);

#endif
