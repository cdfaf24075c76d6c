#include "stats_budgets.h"
#include "log.h"
#include "mem.h"
#include <string.h>

bool
stats_spending_read(
    struct stats_spending *out, struct stats_store *store, const struct stats_settings *settings)
{
	struct err err;
	*out = (struct stats_spending){.periods = settings->periods};
	if (stats_query_spent(store, settings, &out->list, &out->count, &err))
		return true;
	*out = (struct stats_spending){0};
	log_err(LOG_WARN, "budgets_unknown", &err);
	return false;
}

void
stats_spending_fini(struct stats_spending *spending)
{
	mem_free(spending->list);
	*spending = (struct stats_spending){0};
}

struct stats_spent
stats_spending_of(const struct stats_spending *spending, const char *key)
{
	for (size_t i = 0; i < spending->count; i++) {
		if (strcmp(spending->list[i].key, key) == 0)
			return spending->list[i];
	}
	return (struct stats_spent){0};
}

void
stats_spending_fill(const struct stats_spending *spending, struct client_key *key)
{
	bool limited = false;
	for (unsigned i = 0; i < PERIODS; i++)
		limited = limited || key->tokens_per[i] > 0 || key->nano_usd_per[i] > 0;
	if (!limited)
		return;
	struct stats_spent spent = stats_spending_of(spending, key->id);
	key->spent_known = true;
	memcpy(key->spent_start_ms, spending->periods.start_ms, sizeof(key->spent_start_ms));
	memcpy(key->spent_tokens, spent.tokens, sizeof(key->spent_tokens));
	memcpy(key->spent_nano, spent.nano, sizeof(key->spent_nano));
}
