#include "reply.h"
#include "jget.h"
#include "mem.h"
#include "must.h"

void
reply_bytes(struct http_req *req, int status, const char *type, const char *cache, struct view body,
    const struct http_header *extra)
{
	struct http_header headers[] = {
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
	    {VIEW(""), VIEW("")},
	};
	size_t count = sizeof(headers) / sizeof(headers[0]) - 1;
	if (extra != NULL)
		headers[count++] = *extra;
	httpd_reply(req, status, headers, count, body);
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
