/* change: from an edited document to a configuration that serves, or to what is wrong with it. */
#ifndef PM_CHANGE_H
#define PM_CHANGE_H

#include "reload.h"
#include <jansson.h>

#define CHANGE_SHOWN_MAX 200

struct change {
	json_t *root; /* the edited document: owned */
	struct bytes text;
	struct config *config; /* of that text; NULL when it is refused */
	struct faults faults;
	json_t *changes; /* against what serves; NULL while not known */
};

/* A change of what serves: a copy to be edited. Without a configuration an empty document. */
void change_init(struct change *change, const struct reload *reload);
/* The edited document made whole (ids, masks put back), printed, parsed and checked. False: see
 * change->faults. */
MUST_CHECK bool change_check(struct change *change, const struct reload *reload);
/* Takes it when it says anything new; *changed tells. On failure nothing has changed. */
MUST_CHECK bool change_take(struct change *change, struct reload *reload,
    const struct history_who *who, bool *changed, struct err *err);
void change_fini(struct change *change);

#endif
