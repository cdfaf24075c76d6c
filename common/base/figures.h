/* figures: what this process uses of the machine. */
#ifndef PM_FIGURES_H
#define PM_FIGURES_H

#include <stdint.h>

struct figures {
	uint64_t cpu_ms;    /* user and system, of all threads */
	uint64_t rss_bytes; /* resident */
	uint64_t open_fds;
	uint64_t fds_max;
};

/* Cheap enough for once a second. Before Linux 6.2 descriptors must be counted one by one: more
 * than FIGURES_FDS_COUNTED are told as that many. */
struct figures figures_take(void);
#define FIGURES_FDS_COUNTED 4096
/* As many descriptors as it may have. */
void figures_raise_fds_max(void);
/* Only the resident memory. */
uint64_t figures_rss_bytes(void);

#endif
