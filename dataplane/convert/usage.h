/* usage: what an upstream says that a call has used. */
#ifndef PM_USAGE_H
#define PM_USAGE_H

#include <stdint.h>

/* -1 = not told. The parts add up: input_new + cache_read + cache_write is the whole prompt;
 * output includes reasoning. */
struct usage {
	int64_t input_new, cache_read, cache_write, cache_write_5m, cache_write_1h;
	int64_t output, reasoning;
	int64_t web_searches;
};
void usage_init(struct usage *usage); /* all -1 */
/* The whole prompt, as far as it is told. */
int64_t usage_prompt(const struct usage *usage);
/* Takes every told member of `from`; but not a prompt of nothing where there was one: some events
 * have zeros for what they do not tell again. */
void usage_merge(struct usage *into, const struct usage *from);
/* The same of a protocol whose prompt includes what the cache had: what `from` does not tell again
 * of the cache is still a part of the prompt that it tells. */
void usage_merge_prompt(struct usage *into, const struct usage *from);
/* Adds every told member of `from`; what neither has told stays so. */
void usage_add(struct usage *into, const struct usage *from);

#endif
