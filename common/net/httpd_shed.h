/* httpd_shed: who makes room when there are too many connections or too few descriptors. What runs
 * is never cut for somebody new. First those go that a handler does not know (httpd_known) and that
 * have not asked for anything within a second, then those that are known and have been idle for
 * ten; where there is none of them, the new one is refused. */
#ifndef PM_HTTPD_SHED_H
#define PM_HTTPD_SHED_H

#include <stdbool.h>

struct httpd;

/* How many connections the descriptors of this process allow, less a reserve for its own files and
 * for its calls. */
unsigned shed_connections_max(void);
/* Descriptors from this one on are kept for others than clients. The kernel gives the lowest, so
 * that a new one tells how many are in use, whoever uses them. */
int shed_fd_high(void);
/* May a connection that came with descriptor `fd` stay? Others may have been closed for it. */
bool shed_has_room(struct httpd *httpd, int fd);

#endif
