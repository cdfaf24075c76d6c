/* notify: tells the service manager how we are (sd_notify(3)'s protocol: a datagram of lines to the
 * socket in NOTIFY_SOCKET). Without a manager nothing happens. */
#ifndef PM_NOTIFY_H
#define PM_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* "READY=1\nSTATUS=..."; never waits. False when nobody was told. */
bool notify_send(const char *lines);
/* How often the manager wants to hear WATCHDOG=1 at the least; 0 = it does not. */
uint64_t notify_watchdog_ms(void);
/* Takes the manager's words out of the environment: for a child, whose word would count as ours. */
void notify_forget(void);

#endif
