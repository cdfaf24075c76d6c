/* control: the demo's own endpoints, /demo/..., for loopback peers only. */
#ifndef PM_CONTROL_H
#define PM_CONTROL_H

#include "exchange.h"

bool control_is_path(struct view path);
/* Answers the request at once. */
void control_request(struct demo *demo, struct http_req *req);

#endif
