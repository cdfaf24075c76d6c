/* ids: each entry of each list of the configuration has an id, by which it is found again. */
#ifndef PM_IDS_H
#define PM_IDS_H

#include <jansson.h>

/* Gives an id to every entry without one. The same entry gets the same id in each run, so that
 * nothing need be written for it; keys are left out of it, since ids are shown. `root` has been
 * checked. */
void ids_stamp(json_t *root);

#endif
