#include "metrics.h"
#include "must.h"
#include <stdbool.h>

#define RECORDS "records"
#define REPORTS "reports"
#define CONTROL "controlplane"
#define EACH "each program"

const char *const metrics_kind_words[] = {"counter", "gauge", "histogram"};
const char *const metrics_unit_words[] = {"", "bytes", "seconds", "dollars"};

const uint32_t metrics_bounds_ms[METRICS_BOUNDS] = {
    50, 100, 250, 500, 1000, 2500, 5000, 10000, 20000, 30000, 60000, 120000, 300000, 600000};

/* One row, one line. */
/* clang-format off */
const struct metric_label_row metrics_labels[LABEL_COUNT] = {
    [LABEL_PROTOCOL] = {"protocol", 3, "the client's: anthropic, chat, responses"},
    [LABEL_UPSTREAM_PROTOCOL] = {"upstream_protocol", 3, "the upstream's, with the same words"},
    [LABEL_RESULT] = {"result", 7, "completed, failed, passed (an upstream's error went to the client as it was), refused, client_gone, cancelled (by the owner), interrupted (a data plane died)"},
    [LABEL_BLAME] = {"blame", 8, "nobody, request, key, model, upstream, network, us, client"},
    [LABEL_DIRECTION] = {"direction", 2, "in (from clients), out (to them)"},
    [LABEL_KIND] = {"kind", 5, "input (new), cache_write_5m, cache_write_1h, cache_read, output: their sum is all tokens"},
    [LABEL_USAGE] = {"usage", 3, "what upstreams said of a call's tokens: missing, partial, reported"},
    [LABEL_MODEL] = {"model", METRICS_MODELS_MAX + 1, "as clients ask for it. A name gets its series with its first completed request; until then, and when all places are taken, it counts as (other)"},
    [LABEL_CLIENT_KEY] = {"client_key", METRICS_CLIENT_KEYS_MAX + 1, "id of the client key; the first of them, then (other)"},
    [LABEL_UPSTREAM] = {"upstream", METRICS_UPSTREAMS_MAX + 1, "id as in the state, like claude:7f3a; the first of them, then (other)"},
    [LABEL_NAME] = {"name", METRICS_UPSTREAMS_MAX + 1, "one for each id, as the configuration names it"},
    [LABEL_GROUP] = {"group", 5, "claude, codex, chat, chat_via_claude, retry"},
    [LABEL_TIER] = {"tier", 2, "primary, backup"},
    [LABEL_REASON] = {"reason", METRICS_REASONS_MAX + 1, "how a call ended: ok, status_429, timeout_first_byte, ..."},
    [LABEL_STATE] = {"state", 7, "up, suspect, ramping, half_open, cooling, off (not scheduled now), disabled"},
    [LABEL_PROGRAM] = {"program", METRICS_DATAPLANES_MAX + 2, "controlplane, webadmin, dataplane.0, ..."},
    [LABEL_VERSION] = {"version", 1, "of Pointsman"},
};

const struct metric_row metrics_rows[METRIC_COUNT] = {
    [METRIC_BUILD] = {"pointsman_build_info", METRIC_GAUGE, METRIC_ONE, {LABEL_VERSION}, "1; the version is its label.", "webadmin"},
    [METRIC_CONTROLPLANE_UP] = {"pointsman_controlplane_up", METRIC_GAUGE, METRIC_ONE, {LABEL_NONE}, "1 when the control plane has answered this scrape; else only webadmin's own figures are told.", "webadmin"},

    [METRIC_REQUESTS] = {"pointsman_requests_total", METRIC_COUNTER, METRIC_ONE, {LABEL_PROTOCOL, LABEL_RESULT}, "Requests for an answer that have ended.", RECORDS},
    [METRIC_FAULTS] = {"pointsman_request_faults_total", METRIC_COUNTER, METRIC_ONE, {LABEL_PROTOCOL, LABEL_BLAME}, "Those of them that did not complete, by who is at fault.", RECORDS},
    [METRIC_OTHER_REQUESTS] = {"pointsman_other_requests_total", METRIC_COUNTER, METRIC_ONE, {LABEL_PROTOCOL}, "Requests for a count of tokens or a list of models; they count nowhere else here.", RECORDS},
    [METRIC_FIRST_BYTE] = {"pointsman_request_first_byte_seconds", METRIC_HISTOGRAM, METRIC_MS, {LABEL_PROTOCOL}, "From a request's arrival to the first byte of its answer; of those that were answered.", RECORDS},
    [METRIC_DURATION] = {"pointsman_request_duration_seconds", METRIC_HISTOGRAM, METRIC_MS, {LABEL_PROTOCOL}, "From a request's arrival to its end.", RECORDS},
    [METRIC_BODY_BYTES] = {"pointsman_body_bytes_total", METRIC_COUNTER, METRIC_BYTES, {LABEL_PROTOCOL, LABEL_DIRECTION}, "Bytes of bodies of requests and answers.", RECORDS},
    [METRIC_TOKENS] = {"pointsman_tokens_total", METRIC_COUNTER, METRIC_ONE, {LABEL_PROTOCOL, LABEL_KIND}, "Tokens that upstreams said they used, of all calls.", RECORDS},
    [METRIC_REASONING] = {"pointsman_reasoning_tokens_total", METRIC_COUNTER, METRIC_ONE, {LABEL_PROTOCOL}, "Tokens of reasoning; part of the output.", RECORDS},
    [METRIC_WEB_SEARCHES] = {"pointsman_web_searches_total", METRIC_COUNTER, METRIC_ONE, {LABEL_PROTOCOL}, "Web searches of upstreams.", RECORDS},
    [METRIC_COST] = {"pointsman_cost_dollars_total", METRIC_COUNTER, METRIC_NANO_USD, {LABEL_PROTOCOL}, "Cost of all calls that have a price.", RECORDS},
    [METRIC_UNPRICED] = {"pointsman_unpriced_calls_total", METRIC_COUNTER, METRIC_ONE, {LABEL_PROTOCOL}, "Calls that used something and have no price.", RECORDS},
    [METRIC_USAGE] = {"pointsman_calls_usage_total", METRIC_COUNTER, METRIC_ONE, {LABEL_USAGE}, "Upstream calls by what was told of their tokens.", RECORDS},
    [METRIC_ODD_USAGE] = {"pointsman_odd_usage_calls_total", METRIC_COUNTER, METRIC_ONE, {LABEL_NONE}, "Upstream calls whose counts contradict each other.", RECORDS},
    [METRIC_RETRIES] = {"pointsman_retries_total", METRIC_COUNTER, METRIC_ONE, {LABEL_PROTOCOL}, "Upstream calls behind a request's first one, hedges aside.", RECORDS},
    [METRIC_HEDGES] = {"pointsman_hedges_total", METRIC_COUNTER, METRIC_ONE, {LABEL_PROTOCOL}, "Upstream calls beside one that was silent.", RECORDS},
    [METRIC_HEDGES_WON] = {"pointsman_hedges_won_total", METRIC_COUNTER, METRIC_ONE, {LABEL_PROTOCOL}, "Hedges that gave the answer.", RECORDS},
    [METRIC_RESCUED] = {"pointsman_rescued_requests_total", METRIC_COUNTER, METRIC_ONE, {LABEL_PROTOCOL}, "Requests that completed although an upstream call of theirs had failed.", RECORDS},
    [METRIC_COMPLETED_BY] = {"pointsman_completed_requests_total", METRIC_COUNTER, METRIC_ONE, {LABEL_PROTOCOL, LABEL_UPSTREAM_PROTOCOL}, "Completed requests by both protocols; where these differ it was converted.", RECORDS},
    [METRIC_LOSSY_BY] = {"pointsman_lossy_requests_total", METRIC_COUNTER, METRIC_ONE, {LABEL_PROTOCOL, LABEL_UPSTREAM_PROTOCOL}, "Requests of which conversion lost something; what is in the record.", RECORDS},
    [METRIC_MODEL_REQUESTS] = {"pointsman_model_requests_total", METRIC_COUNTER, METRIC_ONE, {LABEL_MODEL, LABEL_RESULT}, "Requests that have ended, by model.", RECORDS},
    [METRIC_MODEL_TOKENS] = {"pointsman_model_tokens_total", METRIC_COUNTER, METRIC_ONE, {LABEL_MODEL, LABEL_KIND}, "Tokens by model.", RECORDS},
    [METRIC_MODEL_COST] = {"pointsman_model_cost_dollars_total", METRIC_COUNTER, METRIC_NANO_USD, {LABEL_MODEL}, "Cost by model.", RECORDS},
    [METRIC_KEY_INFO] = {"pointsman_client_key_info", METRIC_GAUGE, METRIC_ONE, {LABEL_CLIENT_KEY, LABEL_NAME}, "1; the name of a client key is its label.", CONTROL},
    [METRIC_KEY_REQUESTS] = {"pointsman_client_key_requests_total", METRIC_COUNTER, METRIC_ONE, {LABEL_CLIENT_KEY, LABEL_RESULT}, "Requests that have ended, by client key.", RECORDS},
    [METRIC_KEY_TOKENS] = {"pointsman_client_key_tokens_total", METRIC_COUNTER, METRIC_ONE, {LABEL_CLIENT_KEY, LABEL_KIND}, "Tokens by client key.", RECORDS},
    [METRIC_KEY_COST] = {"pointsman_client_key_cost_dollars_total", METRIC_COUNTER, METRIC_NANO_USD, {LABEL_CLIENT_KEY}, "Cost by client key.", RECORDS},

    [METRIC_UPSTREAM_INFO] = {"pointsman_upstream_info", METRIC_GAUGE, METRIC_ONE, {LABEL_UPSTREAM, LABEL_NAME, LABEL_GROUP, LABEL_TIER}, "1; the name of an upstream is its label.", CONTROL},
    [METRIC_UPSTREAM_CALLS] = {"pointsman_upstream_calls_total", METRIC_COUNTER, METRIC_ONE, {LABEL_UPSTREAM, LABEL_BLAME}, "Upstream calls that have ended, by who is at fault; nobody: a good answer, or one that was called off.", RECORDS},
    [METRIC_UPSTREAM_FIRST_BYTE] = {"pointsman_upstream_first_byte_seconds", METRIC_HISTOGRAM, METRIC_MS, {LABEL_UPSTREAM}, "From an upstream call's begin to the head of its answer; of those that were answered.", RECORDS},
    [METRIC_UPSTREAM_TOKENS] = {"pointsman_upstream_tokens_total", METRIC_COUNTER, METRIC_ONE, {LABEL_UPSTREAM, LABEL_KIND}, "Tokens by upstream.", RECORDS},
    [METRIC_UPSTREAM_COST] = {"pointsman_upstream_cost_dollars_total", METRIC_COUNTER, METRIC_NANO_USD, {LABEL_UPSTREAM}, "Cost by upstream.", RECORDS},
    [METRIC_CALLS_BY_REASON] = {"pointsman_calls_total", METRIC_COUNTER, METRIC_ONE, {LABEL_REASON}, "Upstream calls by how they ended.", RECORDS},
    [METRIC_CALLS_UNLISTED] = {"pointsman_unlisted_calls_total", METRIC_COUNTER, METRIC_ONE, {LABEL_NONE}, "Upstream calls beyond the 16 that a record tells one by one; of them only what they used counts elsewhere here.", RECORDS},
    [METRIC_UPSTREAM_STATE] = {"pointsman_upstream_state", METRIC_GAUGE, METRIC_ONE, {LABEL_UPSTREAM, LABEL_STATE}, "1 for the state that an upstream is in, 0 for the others.", CONTROL},
    [METRIC_UPSTREAM_REST] = {"pointsman_upstream_rest_seconds", METRIC_GAUGE, METRIC_MS, {LABEL_UPSTREAM}, "How long an upstream is still to rest; 0 when it does not.", CONTROL},
    [METRIC_UPSTREAM_MODELS_RESTING] = {"pointsman_upstream_models_resting", METRIC_GAUGE, METRIC_ONE, {LABEL_UPSTREAM}, "How many models rest at an upstream.", CONTROL},
    [METRIC_UPSTREAMS] = {"pointsman_upstreams", METRIC_GAUGE, METRIC_ONE, {LABEL_GROUP, LABEL_STATE}, "How many upstreams there are.", CONTROL},

    [METRIC_TABLE_VERSION] = {"pointsman_table_version", METRIC_GAUGE, METRIC_ONE, {LABEL_NONE}, "Number of the routing table that was published last; it begins anew with the control plane.", CONTROL},
    [METRIC_CONFIG_GOOD] = {"pointsman_config_good", METRIC_GAUGE, METRIC_ONE, {LABEL_NONE}, "0 while the configuration on disk is refused and the last good one serves.", CONTROL},
    [METRIC_DATAPLANES] = {"pointsman_dataplanes", METRIC_GAUGE, METRIC_ONE, {LABEL_NONE}, "Data planes that report.", CONTROL},
    [METRIC_DATAPLANE_TABLE_VERSION] = {"pointsman_dataplane_table_version", METRIC_GAUGE, METRIC_ONE, {LABEL_PROGRAM}, "Number of the table that a data plane serves by; 0 while it is one of an earlier control plane.", REPORTS},
    [METRIC_DATAPLANE_IN_FLIGHT] = {"pointsman_dataplane_in_flight", METRIC_GAUGE, METRIC_ONE, {LABEL_PROGRAM}, "Requests in work.", REPORTS},
    [METRIC_DATAPLANE_CONNECTIONS] = {"pointsman_dataplane_connections", METRIC_GAUGE, METRIC_ONE, {LABEL_PROGRAM}, "Connections of clients.", REPORTS},
    [METRIC_DATAPLANE_REQUESTS] = {"pointsman_dataplane_requests_total", METRIC_COUNTER, METRIC_ONE, {LABEL_PROGRAM}, "Requests that a data plane has taken, of any kind, whether or not they are stored yet.", REPORTS},
    [METRIC_DATAPLANE_CALLS] = {"pointsman_dataplane_calls_total", METRIC_COUNTER, METRIC_ONE, {LABEL_PROGRAM}, "Upstream calls that it has begun.", REPORTS},
    [METRIC_DATAPLANE_REPORT_AGE] = {"pointsman_dataplane_report_age_seconds", METRIC_GAUGE, METRIC_MS, {LABEL_PROGRAM}, "How long ago it reported; after 10 s it is left out.", REPORTS},
    [METRIC_JOURNAL_WAITING] = {"pointsman_journal_waiting_records", METRIC_GAUGE, METRIC_ONE, {LABEL_PROGRAM}, "Records that have ended and are not stored yet.", REPORTS},
    [METRIC_JOURNAL_OPEN] = {"pointsman_journal_open_records", METRIC_GAUGE, METRIC_ONE, {LABEL_PROGRAM}, "Records of answers under way.", REPORTS},
    [METRIC_JOURNAL_USED] = {"pointsman_journal_used_bytes", METRIC_GAUGE, METRIC_BYTES, {LABEL_PROGRAM}, "Room that waiting records take in the journal.", REPORTS},
    [METRIC_JOURNAL_LOST] = {"pointsman_journal_lost_records_total", METRIC_COUNTER, METRIC_ONE, {LABEL_PROGRAM}, "Records that had no room in the journal, or were damaged there.", REPORTS},
    [METRIC_JOURNAL_INTERRUPTED] = {"pointsman_journal_interrupted_records_total", METRIC_COUNTER, METRIC_ONE, {LABEL_PROGRAM}, "Records of a dead data plane that its successor found open.", REPORTS},
    [METRIC_SPANS_SENT] = {"pointsman_spans_sent_total", METRIC_COUNTER, METRIC_ONE, {LABEL_PROGRAM}, "Spans of tracing that the collector has taken.", REPORTS},
    [METRIC_SPANS_DROPPED] = {"pointsman_spans_dropped_total", METRIC_COUNTER, METRIC_ONE, {LABEL_PROGRAM}, "Spans that had no room in the queue, or that the collector has not taken.", REPORTS},
    [METRIC_STATISTICS_AWAY] = {"pointsman_statistics_away", METRIC_GAUGE, METRIC_ONE, {LABEL_NONE}, "1 while the statistics cannot be written: records wait in the journals, and the figures made of them stand still.", CONTROL},
    [METRIC_RECORDS_STORED] = {"pointsman_records_stored_total", METRIC_COUNTER, METRIC_ONE, {LABEL_NONE}, "Records that were stored, each once.", RECORDS},
    [METRIC_RECORDS_REFUSED] = {"pointsman_records_refused_total", METRIC_COUNTER, METRIC_ONE, {LABEL_NONE}, "Records that could not be read.", RECORDS},
    [METRIC_RECORDS_MISSING] = {"pointsman_records_missing_total", METRIC_COUNTER, METRIC_ONE, {LABEL_NONE}, "Numbers of a journal that never came.", RECORDS},
    [METRIC_PROCESS_START] = {"pointsman_process_start_time_seconds", METRIC_GAUGE, METRIC_MS, {LABEL_PROGRAM}, "When the program started, since 1970.", EACH},
    [METRIC_PROCESS_UPTIME] = {"pointsman_process_uptime_seconds", METRIC_GAUGE, METRIC_MS, {LABEL_PROGRAM}, "How long it has been running.", EACH},
    [METRIC_PROCESS_CPU] = {"pointsman_process_cpu_seconds_total", METRIC_COUNTER, METRIC_MS, {LABEL_PROGRAM}, "Processor time, user and system.", EACH},
    [METRIC_PROCESS_MEMORY] = {"pointsman_process_resident_memory_bytes", METRIC_GAUGE, METRIC_BYTES, {LABEL_PROGRAM}, "Resident memory.", EACH},
    [METRIC_PROCESS_FDS] = {"pointsman_process_open_fds", METRIC_GAUGE, METRIC_ONE, {LABEL_PROGRAM}, "Open descriptors.", EACH},
    [METRIC_PROCESS_FDS_MAX] = {"pointsman_process_max_fds", METRIC_GAUGE, METRIC_ONE, {LABEL_PROGRAM}, "How many it may have open.", EACH},
    [METRIC_PROCESS_STALL] = {"pointsman_process_loop_stall_seconds", METRIC_GAUGE, METRIC_MS, {LABEL_PROGRAM}, "The longest turn of its event loop within the last half to whole minute: so long others had to wait.", EACH},
};
/* clang-format on */

size_t
metrics_label_count(enum metric metric)
{
	size_t count = 0;
	while (count < METRICS_LABELS_MAX && metrics_rows[metric].labels[count] != LABEL_NONE)
		count++;
	return count;
}

unsigned
metrics_series_max(enum metric metric)
{
	const struct metric_row *row = &metrics_rows[metric];
	unsigned count = row->kind == METRIC_HISTOGRAM ? METRICS_BOUNDS + 3 : 1;
	bool one_each = false;
	for (size_t i = 0; i < metrics_label_count(metric); i++) {
		/* Of one upstream there is one name, and so on. */
		if (!one_each)
			count *= metrics_labels[row->labels[i]].values_max;
		one_each =
		    one_each || (i + 1 < METRICS_LABELS_MAX && row->labels[i + 1] == LABEL_NAME);
	}
	return count;
}

void
metrics_observe(struct metric_histogram *histogram, uint64_t ms)
{
	size_t at = 0;
	while (at < METRICS_BOUNDS && ms > metrics_bounds_ms[at])
		at++;
	histogram->counts[at]++;
	histogram->sum_ms += ms;
}

/* The list of a metric, made when it is not there. */
static json_t *
list_of(json_t *samples, enum metric metric)
{
	json_t *list = json_object_get(samples, metrics_rows[metric].name);
	if (list == NULL) {
		list = json_array();
		MUST(json_object_set_new_nocheck(samples, metrics_rows[metric].name, list) == 0);
	}
	return list;
}

static void
put_number(json_t *row, uint64_t value)
{
	json_int_t number = value > INT64_MAX ? INT64_MAX : (json_int_t)value;
	MUST(json_array_append_new(row, json_integer(number)) == 0);
}

static void
put_labels(json_t *row, enum metric metric, const char *const *labels)
{
	for (size_t i = 0; i < metrics_label_count(metric); i++) {
		json_t *text = json_string(labels[i]);
		/* What is no UTF-8 has no JSON form. */
		MUST(json_array_append_new(row, text != NULL ? text : json_string("?")) == 0);
	}
}

void
metrics_put(json_t *samples, enum metric metric, int64_t value, const char *const *labels)
{
	json_t *row = json_array();
	MUST(metrics_rows[metric].kind != METRIC_HISTOGRAM);
	MUST(json_array_append_new(row, json_integer(value)) == 0);
	put_labels(row, metric, labels);
	MUST(json_array_append_new(list_of(samples, metric), row) == 0);
}

void
metrics_put_histogram(json_t *samples, enum metric metric, const struct metric_histogram *histogram,
    const char *const *labels)
{
	json_t *row = json_array();
	MUST(metrics_rows[metric].kind == METRIC_HISTOGRAM);
	put_number(row, histogram->sum_ms);
	for (size_t i = 0; i <= METRICS_BOUNDS; i++)
		put_number(row, histogram->counts[i]);
	put_labels(row, metric, labels);
	MUST(json_array_append_new(list_of(samples, metric), row) == 0);
}
