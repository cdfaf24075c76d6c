/* serve: what httpd calls: finds the fault, has the answer made and played. */
#ifndef PM_SERVE_H
#define PM_SERVE_H

#include "exchange.h"

/* ctx is the struct demo. */
extern const struct httpd_handler serve_handler;

#endif
