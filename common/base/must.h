/* must: broken invariants end the process; the launcher starts it again. Never for outside input.
 */
#ifndef PM_MUST_H
#define PM_MUST_H

#include <stdint.h>

/* Aborts with file, line and the condition on stderr, as "out of memory" where errno says that.
 * Stays in release builds. */
#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond))                                                                       \
			must_fail(__FILE__, __LINE__, #cond);                                      \
	} while (0)

/* What a broken MUST calls; never returns. */
_Noreturn void must_fail(const char *file, int line, const char *cond);

/* An object's first member `uint32_t magic`: set on birth, cleared on death, asked at each entry.
 */
#define MAGIC_SET(obj, value) ((obj)->magic = (value))
#define MAGIC_CHECK(obj, value) MUST((obj) != NULL && (obj)->magic == (value))
#define MAGIC_CLEAR(obj) ((obj)->magic = 0)

#endif
