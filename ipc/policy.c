#include "policy.h"

const char *const policy_pick_words[] = {
    "order", "weighted", "least_in_flight", "lowest_latency", NULL};
const char *const policy_hedge_words[] = {"off", "after", "auto", NULL};
const char *const policy_convert_words[] = {"alone", "backup", "off", NULL};
const char *const policy_loss_words[] = {"lenient", "strict", NULL};
const char *const policy_strategy_words[] = {"switch_api", "strategy_retry", "normal_retry", NULL};
const char *const policy_network_words[] = {"ConnectError", "ConnectTimeout", "WriteError",
    "ReadError", "ReadTimeout", "ProtocolError", NULL};

enum strategy
strategies_of_status(const struct strategies *strategies, unsigned status)
{
	for (size_t i = 0; i < strategies->count; i++) {
		if (status >= strategies->ranges[i].first && status <= strategies->ranges[i].last)
			return strategies->ranges[i].strategy;
	}
	return STRATEGY_SWITCH_API;
}
