/* budget: how many further calls may be made beside the clients' own. PURE.
 *
 * Each client call pays in a share of one further call, up to a bound that is also there at the
 * start; each further call costs one. So in the long run there are never more than `percent` of
 * 100, whatever fails, and yet a few in a row are no matter. */
#ifndef PM_BUDGET_H
#define PM_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget {
	uint64_t spent; /* in hundredths of a call: how much of the bound is gone */
};

/* A client call has come. */
void budget_earn(struct budget *budget, uint32_t percent);
/* True when there is enough for one further call, which is then paid. The bound is `burst` calls.
 */
bool budget_take(struct budget *budget, uint32_t burst);

#endif
