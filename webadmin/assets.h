/* assets: the files of ui/, compiled in. Nothing is looked up in the file system. */
#ifndef PM_ASSETS_H
#define PM_ASSETS_H

#include "view.h"
#include <stddef.h>

struct asset {
	const char *path; /* "/index.html", "/assets/app.js" */
	const char *type; /* Content-Type */
	const char *etag; /* with its quotes; made from the content */
	const unsigned char *data;
	size_t len;
};

/* Made at build time. */
extern const struct asset assets_all[];
extern const size_t assets_count;

/* The file for a raw request path ("/" is the page), or NULL. */
const struct asset *assets_find(struct view path);
/* Its content. */
struct view assets_content(const struct asset *asset);

#endif
