/* assets: the files of ui/ and of the npm packages, compiled in. Nothing is looked up in the file
 * system. */
#ifndef PM_ASSETS_H
#define PM_ASSETS_H

#include "view.h"
#include <stdbool.h>
#include <stddef.h>

struct asset {
	const char *path;   /* "/index.html", "/assets/<tag of all>/app.js" */
	const char *type;   /* Content-Type */
	const char *digest; /* 16 hex digits of the content */
	const unsigned char *data;
	size_t len;
	const unsigned char *gzip; /* the same compressed; NULL where that is not shorter */
	size_t gzip_len;
};

/* Made at build time. */
extern const struct asset assets_all[];
extern const size_t assets_count;
/* "/assets/<tag of all>": another one with each change, so that browsers may keep what is there. */
extern const char assets_folder[];

/* The file for a raw request path ("/" and "/token-stats.html" are the page), or NULL. */
const struct asset *assets_find(struct view path);
/* Its content. */
struct view assets_content(const struct asset *asset);
/* Whether an Accept-Encoding allows gzip; `value` may be absent. */
bool assets_takes_gzip(struct view value);

#endif
