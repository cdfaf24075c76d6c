/* alert_command: runs the owner's program for an alert: <state>/alert-command, an executable file
 * of this user or of root that nobody else may write. Which program that is stands nowhere in the
 * configuration, so that nobody who may only edit that can have one run.
 *
 * It is started by posix_spawn, which copies no memory, without a shell, arguments or our
 * descriptors; it reads the alert as JSON from its standard input, its outputs are dropped. Who
 * takes more than ALERT_COMMAND_MS is killed, and all of its process group. */
#ifndef PM_ALERT_COMMAND_H
#define PM_ALERT_COMMAND_H

#include "err.h"
#include "loop.h"
#include "view.h"
#include <stdbool.h>
#include <stdint.h>

#define ALERT_COMMAND_FILE "alert-command"
#define ALERT_COMMAND_MS 10000

struct alert_command;

/* Its end: "ok", "exit", "signal", "timeout"; `status` is the exit status or the signal. */
typedef void alert_command_fn(bool success, uint32_t status, const char *reason, void *ctx);

/* NULL and `err` when it cannot be run. `on_end` is called once, never from within this, and frees
 * it first: the handle is gone then. */
struct alert_command *alert_command_start(struct loop *loop, const char *state_dir,
    struct view json, alert_command_fn *on_end, void *ctx, struct err *err);
/* Kills it; `on_end` is not called. NULL is fine. */
void alert_command_free(struct alert_command *command);

#endif
