/* /metrics, and what is to be found there. */
#include "api_private.h"
#include "clock.h"
#include "figures.h"
#include "log.h"
#include "metrics.h"
#include "metrics_text.h"
#include "must.h"
#include "names.h"
#include <string.h>

#define PROGRAM "webadmin"

static void
put(json_t *samples, enum metric metric, int64_t value, const char *label)
{
	metrics_put(samples, metric, value, &label);
}

/* This program's own. */
static json_t *
own_samples(const struct call *call, bool answered)
{
	json_t *samples = json_object();
	struct figures figures = figures_take();
	int64_t started_ms = call->api->started_ms;
	int64_t uptime_ms = clock_wall_ms() - started_ms;
	put(samples, METRIC_BUILD, 1, PM_VERSION);
	put(samples, METRIC_CONTROLPLANE_UP, answered, NULL);
	put(samples, METRIC_PROCESS_START, started_ms, PROGRAM);
	put(samples, METRIC_PROCESS_UPTIME, uptime_ms > 0 ? uptime_ms : 0, PROGRAM);
	put(samples, METRIC_PROCESS_CPU, (int64_t)figures.cpu_ms, PROGRAM);
	put(samples, METRIC_PROCESS_MEMORY, (int64_t)figures.rss_bytes, PROGRAM);
	put(samples, METRIC_PROCESS_FDS, (int64_t)figures.open_fds, PROGRAM);
	put(samples, METRIC_PROCESS_FDS_MAX, (int64_t)figures.fds_max, PROGRAM);
	put(samples, METRIC_PROCESS_STALL, (int64_t)loop_stall_ms(call->api->loop), PROGRAM);
	return samples;
}

static void
on_metrics(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	struct bytes text;
	size_t odd;
	bool answered = answer != NULL && strcmp(answer->type, MSG_METRICS) == 0;
	json_t *own = own_samples(call, answered);
	const json_t *parts[] = {answered ? answer->body : NULL, own};
	bytes_init(&text, METRICS_TEXT_BYTES_MAX);
	if (metrics_text_write(parts, 2, &text, &odd))
		api_finish_text(call, METRICS_TEXT_TYPE, bytes_view(&text));
	else
		api_fail(call, 500, "there are too many metrics");
	if (odd > 0)
		log_msg(LOG_WARN, "metrics_refused", "%zu samples have an unknown shape", odd);
	bytes_fini(&text);
	json_decref(own);
}

void
api_show_metrics(struct call *call)
{
	if (!adminlink_ask(call->api->link, MSG_GET_METRICS, NULL, on_metrics, call))
		on_metrics(NULL, call);
}

void
api_describe_metrics(struct call *call)
{
	json_t *body = metrics_text_describe();
	MUST(json_object_set_new(body, "success", json_true()) == 0);
	api_finish(call, 200, body);
}
