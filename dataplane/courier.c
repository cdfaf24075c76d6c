#include "courier.h"
#include "bus.h"
#include "envelope.h"
#include "jget.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include "names.h"
#include <inttypes.h>
#include <string.h>

#define ANSWER_MS 10000 /* a slow disk is no reason to ask again */
#define RETRY_MS 1000
#define BATCH_BYTES_MAX ((size_t)512 * 1024)
#define HEAD_BYTES_MAX 256

struct courier {
	struct loop *loop;
	struct journal *journal;
	struct bus_req *req;
	struct loop_timer timer;
	uint64_t message_id;
	uint64_t last; /* number of the last record that is under way */
	bool away;     /* said so in the log */
};

static void
set_away(struct courier *courier, const char *why)
{
	struct log_line line;
	if (courier->away == (why != NULL))
		return;
	courier->away = why != NULL;
	struct journal_counts counts = journal_counts(courier->journal);
	log_begin(&line, why != NULL ? LOG_WARN : LOG_INFO,
	    why != NULL ? "statistics_away" : "statistics_back");
	log_int(&line, "waiting", (int64_t)counts.pending);
	log_int(&line, "dropped", (int64_t)counts.dropped);
	if (why != NULL)
		log_str(&line, "msg", why);
	log_end(&line);
}

/* The number up to which all is stored; false when the answer is another. */
static bool
read_stored(struct view message, uint64_t *seq, struct err *err)
{
	struct envelope answer;
	int64_t number = -1;
	struct view text = {0};
	if (!envelope_decode(message, &answer, err))
		return false;
	bool ok = strcmp(answer.type, MSG_STORED) == 0 &&
		  jget_int(answer.body, "", "seq", 0, INT64_MAX, &number, err) && number >= 0;
	if (!ok && strcmp(answer.type, MSG_ERROR) == 0 &&
	    jget_str(answer.body, "", "message", &text, err)) {
		err_set(err, ERR_PEER, "", "%.*s", VIEW_ARGS(text));
	} else if (!ok) {
		err_set(err, ERR_PEER, "", "the answer is none");
	}
	envelope_fini(&answer);
	*seq = (uint64_t)number;
	return ok;
}

static void
on_answer(struct view message, void *ctx)
{
	struct courier *courier = ctx;
	uint64_t seq;
	struct err err;
	if (message.len == 0) {
		set_away(courier, "no answer");
		loop_timer_arm(&courier->timer, RETRY_MS);
	} else if (!read_stored(message, &seq, &err)) {
		set_away(courier, err.msg);
		loop_timer_arm(&courier->timer, RETRY_MS);
	} else {
		set_away(courier, NULL);
		journal_acked(courier->journal, seq < courier->last ? seq : courier->last);
		if (journal_counts(courier->journal).pending > 0)
			loop_timer_arm(&courier->timer, seq < courier->last ? RETRY_MS : 0);
	}
}

static void
send_batch(struct courier *courier)
{
	uint64_t first;
	struct bytes records, body, message;
	bytes_init(&records, BATCH_BYTES_MAX);
	bytes_init(&body, BATCH_BYTES_MAX + HEAD_BYTES_MAX);
	bytes_init(&message, BATCH_BYTES_MAX + (size_t)2 * HEAD_BYTES_MAX);
	if (journal_batch(courier->journal, BATCH_BYTES_MAX, STATS_BATCH_MAX, &records, &first,
		&courier->last)) {
		MUST(bytes_printf(&body,
		    "{\"journal\":%" PRId64 ",\"first\":%" PRIu64 ",\"records\":[",
		    (int64_t)journal_id(courier->journal), first));
		MUST(bytes_append_view(&body, bytes_view(&records)));
		MUST(bytes_append_str(&body, "]}"));
		MUST(envelope_write(
		    MSG_RECORDS, ++courier->message_id, bytes_view(&body), &message));
		MUST(
		    bus_req_ask(courier->req, bytes_view(&message), ANSWER_MS, on_answer, courier));
	}
	bytes_fini(&records);
	bytes_fini(&body);
	bytes_fini(&message);
}

static void
on_timer(struct loop_timer *timer, void *ctx)
{
	struct courier *courier = ctx;
	(void)timer;
	if (!bus_req_busy(courier->req))
		send_batch(courier);
}

void
courier_note(struct courier *courier)
{
	if (!courier->timer.armed && !bus_req_busy(courier->req))
		loop_timer_arm(&courier->timer, COURIER_WAIT_MS);
}

void
courier_renew(struct courier *courier)
{
	bus_req_give_up(courier->req);
	if (journal_counts(courier->journal).pending > 0)
		loop_timer_arm(&courier->timer, 0);
}

struct courier *
courier_new(struct loop *loop, const char *run_dir, struct journal *journal, struct err *err)
{
	char path[128];
	struct courier *courier = MEM_NEW(struct courier);
	courier->loop = loop;
	courier->journal = journal;
	loop_timer_init(&courier->timer, loop, on_timer, courier);
	if (!names_path(run_dir, NAMES_STATS, path, sizeof(path), err) ||
	    (courier->req = bus_req_connect(loop, path, err)) == NULL) {
		courier_free(courier);
		return NULL;
	}
	/* What an earlier process has left. */
	loop_timer_arm(&courier->timer, 0);
	return courier;
}

void
courier_free(struct courier *courier)
{
	if (courier == NULL)
		return;
	loop_timer_fini(&courier->timer);
	if (courier->req != NULL)
		bus_req_free(courier->req);
	mem_free(courier);
}
