#include "budget.h"

#define CALL 100u

void
budget_earn(struct budget *budget, uint32_t percent)
{
	budget->spent -= budget->spent < percent ? budget->spent : percent;
}

bool
budget_take(struct budget *budget, uint32_t burst)
{
	if (budget->spent + CALL > (uint64_t)burst * CALL)
		return false;
	budget->spent += CALL;
	return true;
}
