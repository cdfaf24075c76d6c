/* effort: how much a model shall think: the words that OpenAI's protocols and Anthropic's have for
 * it, and what they are in tokens. */
#ifndef PM_EFFORT_H
#define PM_EFFORT_H

#include "caps.h"
#include "jsonspan.h"
#include "model.h"

#define EFFORT_BUDGET_MIN 1024 /* a budget of fewer tokens is refused */

/* EFFORT_ABSENT: no word of ours. */
enum effort effort_of_word(struct jsonspan_value word);
/* NULL for EFFORT_ABSENT. */
const char *effort_word(enum effort effort);
enum effort effort_of_budget(int64_t budget_tokens);
int64_t effort_budget(enum effort effort, const struct caps *caps);
/* The nearest effort that the model knows. */
enum effort effort_known(enum effort effort, const struct caps *caps);
/* What the request asks for, by level, by budget or by switching thinking off. */
enum effort effort_wanted(const struct request *request, const struct caps *caps);

#endif
