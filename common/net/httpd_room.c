#include "httpd_room.h"
#include "httpd_private.h"

static bool
fits(const struct http_req *req, uint64_t bytes)
{
	const struct httpd *httpd = req->conn->httpd;
	if (bytes <= req->promised || httpd->handler.room == NULL)
		return true;
	uint64_t more = bytes - req->promised;
	return httpd->handler.room(more, httpd->counts.promised_bytes + more, httpd->ctx);
}

bool
httpd_body_fits(const struct http_req *req)
{
	return fits(req, req->body_left);
}

bool
room_promise(struct http_req *req, uint64_t bytes)
{
	if (!fits(req, bytes))
		return false;
	if (bytes > req->promised) {
		req->conn->httpd->counts.promised_bytes += bytes - req->promised;
		req->promised = bytes;
	}
	return true;
}

bool
room_promise_more(struct http_req *req, uint64_t len)
{
	uint64_t need = req->body.len + len;
	return need <= req->promised || room_promise(req, 2 * need);
}

void
room_release(struct http_req *req)
{
	req->conn->httpd->counts.promised_bytes -= req->promised;
	req->promised = 0;
}
