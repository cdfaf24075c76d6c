/* settings: every word of the configuration with what it is set to: the table from which forms are
 * made. Pure. */
#ifndef PM_SETTINGS_H
#define PM_SETTINGS_H

#include <jansson.h>

/* {sections: [{section, part, list, max}], rows: [{path, section, key, type, ...}]} for a document
 * (NULL = none); new reference. The words of lists come once, without a value. */
json_t *settings_encode(const json_t *root);
/* What holds in a section that is an object: its words over the defaults; new reference, NULL when
 * there is no such section. */
json_t *settings_effective(const json_t *root, const char *section);

#endif
