/* bus: nanomsg sockets on our loop (the only nanomsg includer). Messages are opaque bytes of at
 * most NAMES_MESSAGE_BYTES_MAX. Binding happens under umask 077. Never blocks. */
#ifndef PM_BUS_H
#define PM_BUS_H

#include "bytes.h"
#include "err.h"
#include "loop.h"
#include "view.h"
#include <stdbool.h>
#include <stdint.h>

struct bus_pub;
struct bus_sub;
struct bus_rep;
struct bus_req;

struct bus_pub *bus_pub_bind(struct loop *loop, const char *path, struct err *err);
/* May be lost without a word: never the only way. */
void bus_pub_send(struct bus_pub *pub, struct view message);
void bus_pub_free(struct bus_pub *pub);

typedef void bus_message_fn(struct view message, void *ctx);
/* The path need not exist yet; the connection is made again whenever it breaks. */
struct bus_sub *bus_sub_connect(
    struct loop *loop, const char *path, bus_message_fn *fn, void *ctx, struct err *err);
void bus_sub_free(struct bus_sub *sub);

/* Answer at once by appending to `reply` (inside the call); an empty reply is a broken invariant.
 */
typedef void bus_request_fn(struct view message, struct bytes *reply, void *ctx);
struct bus_rep *bus_rep_bind(
    struct loop *loop, const char *path, bus_request_fn *fn, void *ctx, struct err *err);
void bus_rep_free(struct bus_rep *rep);

/* One question at a time; `message` empty means the deadline passed. */
struct bus_req *bus_req_connect(struct loop *loop, const char *path, struct err *err);
bool bus_req_busy(const struct bus_req *req);
/* False (and nothing sent) while busy. Questions are idempotent: the library may send one twice. */
MUST_CHECK bool bus_req_ask(
    struct bus_req *req, struct view message, uint32_t timeout_ms, bus_message_fn *fn, void *ctx);
/* Whoever was asked is known to be gone: as if the deadline had passed. Fine when not busy. */
void bus_req_give_up(struct bus_req *req);
void bus_req_free(struct bus_req *req);

#endif
