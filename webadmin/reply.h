/* reply: answers with the headers that every page and API answer carries. Each of these but
 * reply_start and reply_start_list ends the request. */
#ifndef PM_REPLY_H
#define PM_REPLY_H

#include "err.h"
#include "httpd.h"
#include <jansson.h>

/* Takes `body`. `extra` (may be NULL) is one header more. */
void reply_json(struct http_req *req, int status, json_t *body, const struct http_header *extra);
/* {"success": false, "message": ...} */
void reply_error(struct http_req *req, int status, const char *message);
/* The same with a header more. */
void reply_error_with(
    struct http_req *req, int status, const char *message, const struct http_header *extra);
/* The head of an answer that comes in pieces, as a file to save (NULL = as none). */
void reply_start(struct http_req *req, const char *type, const char *disposition);
/* The same with up to REPLY_EXTRA_MAX headers more. */
void reply_start_list(
    struct http_req *req, const char *type, const struct http_header *extra, size_t extra_count);
#define REPLY_EXTRA_MAX 16
/* Bytes of any type; `cache` is the value of Cache-Control. */
void reply_bytes(struct http_req *req, int status, const char *type, const char *cache,
    struct view body, const struct http_header *extra);
/* The same with up to REPLY_EXTRA_MAX headers more. */
void reply_list(struct http_req *req, int status, const char *type, const char *cache,
    struct view body, const struct http_header *extra, size_t extra_count);

#endif
