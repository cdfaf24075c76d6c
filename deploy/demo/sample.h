/* sample: the smallest JSON that fits a JSON schema. */
#ifndef PM_SAMPLE_H
#define PM_SAMPLE_H

#include "jsonspan.h"
#include "writer.h"

/* Every property is given; strings are `text`, numbers 1, lists empty; the first of an enum is
 * taken. References and combinations are not followed: {}. */
void sample_json(struct jsonspan_value schema, struct view text, struct writer *out);

#endif
