#include "reply.h"
#include "jget.h"
#include "mem.h"
#include "must.h"
#include <string.h>

#define FIXED 8

/* The headers of every answer, and `extra` (may be NULL). Returns how many there are. */
static size_t
make_headers(struct http_header out[FIXED + 1], const char *type, const char *cache,
    const struct http_header *extra)
{
	const struct http_header headers[FIXED] = {
	    {VIEW("Content-Type"), view_of(type)},
	    {VIEW("Cache-Control"), view_of(cache)},
	    {VIEW("Content-Security-Policy"),
		VIEW("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' "
		     "data:; "
		     "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
		     "form-action 'self'")},
	    {VIEW("X-Frame-Options"), VIEW("DENY")},
	    {VIEW("X-Content-Type-Options"), VIEW("nosniff")},
	    {VIEW("Referrer-Policy"), VIEW("no-referrer")},
	    {VIEW("Cross-Origin-Opener-Policy"), VIEW("same-origin")},
	    {VIEW("Cross-Origin-Resource-Policy"), VIEW("same-origin")},
	};
	memcpy(out, headers, sizeof(headers));
	if (extra != NULL)
		out[FIXED] = *extra;
	return extra != NULL ? FIXED + 1 : FIXED;
}

void
reply_bytes(struct http_req *req, int status, const char *type, const char *cache, struct view body,
    const struct http_header *extra)
{
	struct http_header headers[FIXED + 1];
	size_t count = make_headers(headers, type, cache, extra);
	httpd_reply(req, status, headers, count, body);
}

void
reply_list(struct http_req *req, int status, const char *type, const char *cache, struct view body,
    const struct http_header *extra, size_t extra_count)
{
	struct http_header headers[FIXED + REPLY_EXTRA_MAX];
	size_t count = make_headers(headers, type, cache, NULL);
	MUST(extra_count <= REPLY_EXTRA_MAX);
	for (size_t i = 0; i < extra_count; i++)
		headers[count++] = extra[i];
	httpd_reply(req, status, headers, count, body);
}

void
reply_start_list(
    struct http_req *req, const char *type, const struct http_header *extra, size_t extra_count)
{
	struct http_header headers[FIXED + REPLY_EXTRA_MAX];
	size_t count = make_headers(headers, type, "no-store", NULL);
	MUST(extra_count <= REPLY_EXTRA_MAX);
	for (size_t i = 0; i < extra_count; i++)
		headers[count++] = extra[i];
	httpd_start(req, 200, headers, count, HTTPD_CHUNKED, 0);
}

void
reply_start(struct http_req *req, const char *type, const char *disposition)
{
	struct http_header save = {VIEW("Content-Disposition"), view_of(disposition)};
	reply_start_list(req, type, &save, disposition != NULL);
}

void
reply_json(struct http_req *req, int status, json_t *body, const struct http_header *extra)
{
	size_t len;
	MUST(body != NULL);
	char *text = jget_dump(body, &len);
	reply_bytes(req, status, "application/json; charset=utf-8", "no-store",
	    view_make(text, len), extra);
	mem_free(text);
	json_decref(body);
}

void
reply_error_with(
    struct http_req *req, int status, const char *message, const struct http_header *extra)
{
	reply_json(req, status, json_pack("{s:b, s:s}", "success", 0, "message", message), extra);
}

void
reply_error(struct http_req *req, int status, const char *message)
{
	reply_error_with(req, status, message, NULL);
}
