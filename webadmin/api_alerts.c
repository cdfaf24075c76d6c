/* What the admin side sees of alerts, and the button that sends one. */
#include "adminlink.h"
#include "api_private.h"
#include "names.h"

void
api_show_alerts(struct call *call)
{
	uint64_t age_ms;
	const json_t *state = adminlink_state(call->api->link, &age_ms);
	if (state == NULL)
		api_fail(call, 503, "the control plane does not answer");
	else
		api_finish(call, 200,
		    json_pack(
			"{s:b, s:O}", "success", 1, "alerts", json_object_get(state, "alerts")));
}

void
api_test_alert(struct call *call)
{
	api_ask(call, MSG_TEST_ALERT, json_object());
}
