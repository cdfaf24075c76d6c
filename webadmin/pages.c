#include "pages.h"
#include "assets.h"
#include "reply.h"
#include <stdio.h>

/* What stands in the page's folder of assets never changes: another content has another folder. */
#define CACHE_ASSET "public, max-age=31536000, immutable"
#define CACHE_PAGE "no-cache"

static void
serve(struct http_req *req, const struct asset *asset)
{
	bool page = view_ends(view_of(asset->path), ".html");
	bool packed =
	    asset->gzip != NULL && assets_takes_gzip(httpd_header(req, "accept-encoding"));
	char tag[40];
	(void)snprintf(tag, sizeof(tag), "\"%s%s\"", asset->digest, packed ? "-gzip" : "");
	struct http_header extra[] = {
	    {VIEW("ETag"), view_of(tag)},
	    {VIEW("Vary"), VIEW("Accept-Encoding")},
	    {VIEW("Content-Encoding"), VIEW("gzip")},
	};
	struct view body =
	    packed ? view_make((const char *)asset->gzip, asset->gzip_len) : assets_content(asset);
	bool same = view_eq_str(httpd_header(req, "if-none-match"), tag);
	reply_list(req, same ? 304 : 200, asset->type, page ? CACHE_PAGE : CACHE_ASSET, body, extra,
	    packed ? 3 : 2);
}

void
pages_serve(struct http_req *req)
{
	const struct asset *asset = assets_find(httpd_path(req));
	if (asset == NULL) {
		reply_bytes(req, 404, "text/plain; charset=utf-8", "no-store",
		    VIEW("There is no such page.\n"), NULL);
	} else if (httpd_method(req) != HTTP_GET && httpd_method(req) != HTTP_HEAD) {
		struct http_header allow = {VIEW("Allow"), VIEW("GET, HEAD")};
		reply_error_with(req, 405, "a page can only be read", &allow);
	} else {
		serve(req, asset);
	}
}
