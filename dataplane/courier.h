/* courier: brings the records of the journal to controlplane's statistics, a batch at a time, and
 * lets the journal forget what is stored there. While nobody stores, they wait in the journal. */
#ifndef PM_COURIER_H
#define PM_COURIER_H

#include "err.h"
#include "journal.h"
#include "loop.h"

struct courier;

/* The journal is borrowed. */
struct courier *courier_new(
    struct loop *loop, const char *run_dir, struct journal *journal, struct err *err);
void courier_free(struct courier *courier); /* NULL is fine */
/* A record has been added. It leaves within COURIER_WAIT_MS, so that those of one moment go
 * together. */
#define COURIER_WAIT_MS 100
void courier_note(struct courier *courier);
/* Another controlplane is there: what the one before was asked is asked again at once. */
void courier_renew(struct courier *courier);

#endif
