#include "control.h"
#include "fileio.h"
#include "jget.h"
#include "mem.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LEDGER_ANSWER_BYTES_MAX (8u << 20)

bool
control_is_path(struct view path)
{
	return view_starts(path, "/demo/");
}

static void
reply(struct http_req *req, int status, const char *type, struct view body)
{
	const struct http_header header = {VIEW("content-type"), view_of(type)};
	httpd_reply(req, status, &header, 1, body);
}

static void
reply_error(struct http_req *req, int status, const struct err *err)
{
	struct writer out;
	writer_init(&out, 4096);
	writer_put(&out, "{'error':$s,'at':$s}", view_of(err->msg), view_of(err->at));
	reply(req, status, "application/json", writer_text(&out));
	writer_fini(&out);
}

/* The raw value of a query parameter; data NULL when absent. */
static struct view
query_value(const struct http_req *req, const char *key)
{
	struct view rest = httpd_query(req), pair;
	while (view_split(&rest, '&', &pair)) {
		size_t len = strlen(key);
		if (view_starts(pair, key) && view_starts(view_from(pair, len), "="))
			return view_from(pair, len + 1);
	}
	return (struct view){NULL, 0};
}

static void
reply_rules(struct demo *demo, struct http_req *req)
{
	struct writer out;
	writer_init(&out, 1u << 20);
	writer_put(&out, "{'rules':");
	rules_write(demo->rules, &out);
	writer_put(&out, "}");
	reply(req, 200, "application/json", writer_text(&out));
	writer_fini(&out);
}

static void
add_rule(struct demo *demo, struct http_req *req, uint64_t counted)
{
	struct err err = {0};
	json_t *order = NULL;
	if (jget_parse(httpd_body(req), &order, &err) &&
	    rules_add(demo->rules, order, counted, &err))
		reply_rules(demo, req);
	else
		reply_error(req, 400, &err);
	json_decref(order);
}

static void
remove_rules(struct demo *demo, struct http_req *req)
{
	struct view prefix = query_value(req, "prefix");
	char *name = prefix.data != NULL ? mem_dup(prefix) : NULL;
	(void)rules_remove(demo->rules, name);
	mem_free(name);
	reply_rules(demo, req);
}

static void
reply_ledger(struct demo *demo, struct http_req *req)
{
	struct bytes lines;
	char next[24];
	uint64_t since = 0;
	(void)view_to_u64(query_value(req, "since"), &since);
	bytes_init(&lines, LEDGER_ANSWER_BYTES_MAX);
	if (demo->ledger != NULL)
		since = ledger_read(demo->ledger, since, &lines);
	snprintf(next, sizeof(next), "%llu", (unsigned long long)since);
	const struct http_header headers[] = {
	    {VIEW("content-type"), VIEW("application/x-ndjson")},
	    {VIEW("x-demo-next"), view_of(next)},
	};
	httpd_reply(req, 200, headers, 2, bytes_view(&lines));
	bytes_fini(&lines);
}

static uint64_t
rss_bytes(void)
{
	struct bytes text;
	struct view rest, total, resident = {0};
	uint64_t pages = 0;
	bytes_init(&text, 4096);
	if (fileio_read("/proc/self/statm", &text, NULL)) {
		rest = bytes_view(&text);
		if (view_split(&rest, ' ', &total) && view_split(&rest, ' ', &resident))
			(void)view_to_u64(resident, &pages);
	}
	bytes_fini(&text);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void
reply_state(struct demo *demo, struct http_req *req)
{
	struct httpd_counts http;
	struct writer out;
	uint64_t running = 0;
	for (const struct exchange *x = demo->first; x != NULL; x = x->next)
		running += x->play;
	httpd_counts_get(demo->httpd, &http);
	writer_init(&out, 4096);
	writer_put(&out, "{'pid':$i,'seq':$u,'in_flight':$u,'streams':$u,'requests':$u,",
	    (int64_t)getpid(), demo->seq, demo->counts.in_flight, demo->counts.streams,
	    demo->counts.requests);
	writer_put(&out, "'complete':$u,'errors':$u,'cut':$u,'client_gone':$u,",
	    demo->counts.complete, demo->counts.errors, demo->counts.cut, demo->counts.client_gone);
	writer_put(&out, "'events':$u,'in_flight_events':$u,'bytes':$u,", demo->counts.events,
	    running, demo->counts.bytes);
	writer_put(&out, "'accepted':$u,'connections':$u,'rss_bytes':$u}", http.accepted,
	    (uint64_t)http.connections, rss_bytes());
	reply(req, 200, "application/json", writer_text(&out));
	writer_fini(&out);
}

void
control_request(struct demo *demo, struct http_req *req)
{
	const struct err hidden = {ERR_AUTH, "", "only for loopback peers"};
	const struct err unknown = {ERR_PARSE, "", "no such path or method"};
	struct view path = httpd_path(req);
	enum http_method method = httpd_method(req);
	if (!httpd_peer_is_loopback(req))
		reply_error(req, 403, &hidden);
	else if (view_eq_str(path, "/demo/faults") && method == HTTP_POST)
		add_rule(demo, req, 0);
	else if (view_eq_str(path, "/demo/script") && method == HTTP_POST)
		add_rule(demo, req, 1);
	else if (view_eq_str(path, "/demo/faults") && method == HTTP_DELETE)
		remove_rules(demo, req);
	else if (view_eq_str(path, "/demo/faults") && method == HTTP_GET)
		reply_rules(demo, req);
	else if (view_eq_str(path, "/demo/ledger") && method == HTTP_GET)
		reply_ledger(demo, req);
	else if (view_eq_str(path, "/demo/state") && method == HTTP_GET)
		reply_state(demo, req);
	else
		reply_error(req, 404, &unknown);
}
