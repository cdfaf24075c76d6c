/* pages: answers with the compiled-in files, compressed where the browser takes it. */
#ifndef PM_PAGES_H
#define PM_PAGES_H

#include "httpd.h"

/* Ends the request. */
void pages_serve(struct http_req *req);

#endif
