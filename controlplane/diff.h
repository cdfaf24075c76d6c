/* diff: what is another in one document than in another, with secrets masked. Pure. */
#ifndef PM_DIFF_H
#define PM_DIFF_H

#include <jansson.h>
#include <stddef.h>

/* [{path, from, to}], at most `max` (then one more, {path: "...", from: null, to: how many}); new
 * reference. Entries of lists are the same when their ids are; a path names the place in `to`, or
 * in `from` of what is gone; null is what is absent. A list in another order is one change of its
 * own, from ids to ids. */
json_t *diff_changes(const json_t *from, const json_t *to, size_t max);

#endif
