/* adminlink: questions to controlplane, and the state that it told last. */
#ifndef PM_ADMINLINK_H
#define PM_ADMINLINK_H

#include "envelope.h"
#include "err.h"
#include "loop.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define ADMINLINK_WAITING_MAX 32
#define ADMINLINK_ANSWER_MS 2000
#define ADMINLINK_POLL_MS 1000

struct adminlink;

/* `socket`: NAMES_ADMIN, or NAMES_STATS, which tells no state. */
struct adminlink *adminlink_new(
    struct loop *loop, const char *run_dir, const char *socket, struct err *err);
/* Whoever still waits is told that no answer came. NULL is fine. */
void adminlink_free(struct adminlink *link);

/* `answer` is borrowed; NULL: none came in time. */
typedef void adminlink_answer_fn(const struct envelope *answer, void *ctx);
/* Takes `body` (NULL = {}). `fn` is called once, later, whatever happens; one question is under way
 * at a time, the others wait in order. False, and no call, when ADMINLINK_WAITING_MAX wait. */
MUST_CHECK bool adminlink_ask(
    struct adminlink *link, const char *type, json_t *body, adminlink_answer_fn *fn, void *ctx);

/* The last state (borrowed until the next turn), or NULL when none has ever come. *age_ms says how
 * long ago. */
const json_t *adminlink_state(const struct adminlink *link, uint64_t *age_ms);
/* The same with the loop's time at which it came. */
const json_t *adminlink_state_at(const struct adminlink *link, uint64_t *at_ms);
/* `fn` is called when a state has come, at most one function. */
void adminlink_on_state(struct adminlink *link, void (*fn)(void *ctx), void *ctx);
/* The control plane has left the last question unanswered. */
bool adminlink_is_silent(const struct adminlink *link);

#endif
