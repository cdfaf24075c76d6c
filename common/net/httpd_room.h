/* httpd_room: memory for the bodies of requests that are being read. Each is promised what its head
 * says, or twice what has come where that tells no length; who is not promised it is refused before
 * it is taken. Once a body is whole it is the handler's, and no longer counted here. */
#ifndef PM_HTTPD_ROOM_H
#define PM_HTTPD_ROOM_H

#include <stdbool.h>
#include <stdint.h>

struct http_req;

/* May this body grow to `bytes` in all? Then it is promised. */
bool room_promise(struct http_req *req, uint64_t bytes);
/* The same for the next `len` bytes of a body of unknown length. */
bool room_promise_more(struct http_req *req, uint64_t len);
/* The body is whole, or gone. */
void room_release(struct http_req *req);

#endif
