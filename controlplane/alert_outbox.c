#include "alert_outbox.h"
#include <stdio.h>
#include <string.h>

const char *const alert_way_words[] = {"webhook", "command", NULL};
const char *const alert_state_words[] = {
    "unwanted", "waiting", "running", "sent", "given_up", NULL};

static const int64_t pauses_ms[ALERT_TRIES_MAX - 1] = {2000, 10000, 60000, 300000};

static bool
is_open(const struct alert_delivery *delivery)
{
	return delivery->state == ALERT_WAITING || delivery->state == ALERT_RUNNING;
}

static void
make_room(struct alert_outbox *outbox)
{
	bool open = false;
	for (size_t way = 0; way < ALERT_WAYS; way++)
		open = open || is_open(&outbox->items[0].ways[way]);
	outbox->dropped += open;
	outbox->count--;
	memmove(&outbox->items[0], &outbox->items[1], outbox->count * sizeof(outbox->items[0]));
}

struct alert_notice *
alert_outbox_add(struct alert_outbox *outbox, enum alert_event event,
    const struct alert_cause *cause, const bool wanted[ALERT_WAYS], uint64_t id, int64_t now_ms)
{
	if (outbox->count == ALERT_NOTICES_MAX)
		make_room(outbox);
	struct alert_notice *notice = &outbox->items[outbox->count++];
	*notice = (struct alert_notice){.id = id, .event = event, .cause = *cause, .at_ms = now_ms};
	for (size_t way = 0; way < ALERT_WAYS; way++)
		notice->ways[way].state = wanted[way] ? ALERT_WAITING : ALERT_UNWANTED;
	outbox->revision++;
	return notice;
}

static void
end_with(struct alert_outbox *outbox, struct alert_delivery *delivery, enum alert_state state,
    uint32_t status, const char *reason, int64_t now_ms)
{
	outbox->given_up += state == ALERT_GIVEN_UP;
	delivery->state = state;
	delivery->status = status;
	delivery->at_ms = now_ms;
	(void)snprintf(delivery->reason, sizeof(delivery->reason), "%s", reason);
}

static void
fail(struct alert_outbox *outbox, enum alert_way way, struct alert_delivery *delivery,
    uint32_t status, const char *reason, int64_t now_ms)
{
	bool last = delivery->tries >= ALERT_TRIES_MAX;
	uint32_t pause = delivery->tries > 0 ? delivery->tries - 1 : 0;
	end_with(outbox, delivery, last ? ALERT_GIVEN_UP : ALERT_WAITING, status, reason, now_ms);
	if (pause >= ALERT_TRIES_MAX - 1)
		pause = ALERT_TRIES_MAX - 2;
	outbox->next_ms[way] = now_ms + pauses_ms[pause];
	outbox->revision++;
}

static void
tick_one(
    struct alert_outbox *outbox, struct alert_notice *notice, enum alert_way way, int64_t now_ms)
{
	struct alert_delivery *delivery = &notice->ways[way];
	bool set_back = now_ms < delivery->asked_ms;
	if (delivery->state == ALERT_RUNNING &&
	    (set_back || now_ms - delivery->asked_ms >= ALERT_LOST_MS))
		fail(outbox, way, delivery, 0, "no_result", now_ms);
	if (delivery->state == ALERT_WAITING && now_ms - notice->at_ms >= ALERT_OLD_MS) {
		/* What the last try said is more than that it is old. */
		end_with(outbox, delivery, ALERT_GIVEN_UP, delivery->status,
		    delivery->reason[0] != '\0' ? delivery->reason : "too_old", now_ms);
		outbox->revision++;
	}
}

void
alert_outbox_tick(struct alert_outbox *outbox, int64_t now_ms)
{
	for (size_t way = 0; way < ALERT_WAYS; way++) {
		/* A clock that was set back. */
		if (outbox->next_ms[way] > now_ms + pauses_ms[ALERT_TRIES_MAX - 2])
			outbox->next_ms[way] = now_ms;
		for (size_t i = 0; i < outbox->count; i++)
			tick_one(outbox, &outbox->items[i], (enum alert_way)way, now_ms);
	}
}

struct alert_notice *
alert_outbox_running(struct alert_outbox *outbox, enum alert_way way)
{
	for (size_t i = 0; i < outbox->count; i++) {
		if (outbox->items[i].ways[way].state == ALERT_RUNNING)
			return &outbox->items[i];
	}
	return NULL;
}

struct alert_notice *
alert_outbox_begin(struct alert_outbox *outbox, enum alert_way way, uint64_t by, int64_t now_ms)
{
	if (now_ms < outbox->next_ms[way] || alert_outbox_running(outbox, way) != NULL)
		return NULL;
	for (size_t i = 0; i < outbox->count; i++) {
		struct alert_delivery *delivery = &outbox->items[i].ways[way];
		if (delivery->state != ALERT_WAITING)
			continue;
		/* Above all that were given before, even where the file of them is lost. */
		uint64_t least = now_ms > 0 ? (uint64_t)now_ms : 0;
		outbox->last_seq[way] =
		    outbox->last_seq[way] >= least ? outbox->last_seq[way] + 1 : least;
		delivery->state = ALERT_RUNNING;
		delivery->seq = outbox->last_seq[way];
		delivery->by = by;
		delivery->asked_ms = now_ms;
		delivery->tries++;
		outbox->revision++;
		return &outbox->items[i];
	}
	return NULL;
}

bool
alert_outbox_end(struct alert_outbox *outbox, enum alert_way way, uint64_t seq, bool success,
    uint32_t status, const char *reason, int64_t now_ms)
{
	struct alert_notice *notice = alert_outbox_running(outbox, way);
	if (notice == NULL || notice->ways[way].seq != seq)
		return false;
	if (success) {
		end_with(outbox, &notice->ways[way], ALERT_SENT, status, reason, now_ms);
		outbox->next_ms[way] = 0;
		outbox->revision++;
	} else {
		fail(outbox, way, &notice->ways[way], status, reason, now_ms);
	}
	return true;
}

bool
alert_outbox_waits(const struct alert_outbox *outbox, enum alert_kind kind)
{
	for (size_t i = 0; i < outbox->count; i++) {
		const struct alert_notice *notice = &outbox->items[i];
		for (size_t way = 0; way < ALERT_WAYS; way++) {
			if (notice->cause.kind == kind && is_open(&notice->ways[way]))
				return true;
		}
	}
	return false;
}

void
alert_outbox_close(struct alert_outbox *outbox, enum alert_way way, int64_t now_ms)
{
	for (size_t i = 0; i < outbox->count; i++) {
		struct alert_delivery *delivery = &outbox->items[i].ways[way];
		if (!is_open(delivery))
			continue;
		end_with(outbox, delivery, ALERT_GIVEN_UP, 0, "switched_off", now_ms);
		outbox->revision++;
	}
}
