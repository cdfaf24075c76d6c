/* A control plane played on the loop of a test: it knows one admin token. */
#ifndef PM_TEST_WEB_CONTROL_H
#define PM_TEST_WEB_CONTROL_H

#include "bus.h"
#include "crypto.h"
#include "envelope.h"
#include "loop.h"
#include "names.h"
#include <check.h>
#include <string.h>

#define TOKEN "pma-the-admin-token"
#define METRICS_TOKEN "pma-for-metrics-only"

static char dir[64];
static struct loop *loop;
static struct bus_rep *control;
static struct bus_pub *events;
static bool mute; /* no state is told when asked */
static unsigned checks, reloads;
static const char *reload_said = MSG_OK;

static inline bool
is_sha256_of(const char *token, const json_t *body)
{
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	char hex[CRYPTO_SHA256_BYTES * 2 + 1];
	crypto_sha256(view_of(token), sha256);
	crypto_hex(sha256, sizeof(sha256), hex);
	return strcmp(hex, json_string_value(json_object_get(body, "sha256"))) == 0;
}

static inline bool
is_the_token(const json_t *body)
{
	const char *purpose = json_string_value(json_object_get(body, "for"));
	return is_sha256_of(TOKEN, body) || (purpose != NULL && strcmp(purpose, "metrics") == 0 &&
						is_sha256_of(METRICS_TOKEN, body));
}

static inline json_t *
refusal(const char *kind)
{
	return json_pack("{s:s, s:s, s:[{s:s, s:s}]}", "kind", kind, "message", "it is bad",
	    "faults", "path", "api_configs[0].key", "message", "is bad");
}

static inline void
on_question(struct view message, struct bytes *reply, void *ctx)
{
	struct envelope question;
	struct err err;
	const char *type = MSG_ERROR;
	json_t *body = NULL;
	(void)ctx;
	ck_assert(envelope_decode(message, &question, &err));
	if (strcmp(question.type, MSG_CHECK_TOKEN) == 0) {
		checks++;
		type = is_the_token(question.body) ? MSG_OK : MSG_ERROR;
		body = !is_the_token(question.body)         ? refusal("auth")
		       : is_sha256_of(TOKEN, question.body) ? NULL
							    : json_pack("{s:s}", "role", "metrics");
	} else if (strcmp(question.type, MSG_RELOAD) == 0) {
		reloads++;
		type = reload_said;
		body = strcmp(type, MSG_OK) == 0
			   ? json_pack("{s:i, s:b}", "revision", 4, "changed", 1)
			   : refusal("config");
	} else if (strcmp(question.type, MSG_GET_METRICS) == 0 && !mute) {
		type = MSG_METRICS;
		body = json_pack("{s:[[i]], s:[[i, s, i]]}", "pointsman_table_version", 12,
		    "pointsman_tokens_total", 1, "odd", 2);
	} else if (mute) {
		body = refusal("io");
	} else {
		type = MSG_STATE;
		body = json_pack("{s:i}", "revision", 3);
	}
	ck_assert(envelope_encode(type, question.id, body, reply));
	envelope_fini(&question);
}

static inline void
control_start(void)
{
	char path[128];
	struct err err;
	ck_assert(names_path(dir, NAMES_ADMIN, path, sizeof(path), &err));
	control = bus_rep_bind(loop, path, on_question, NULL, &err);
	ck_assert_ptr_nonnull(control);
	ck_assert(names_path(dir, NAMES_EVENTS, path, sizeof(path), &err));
	events = bus_pub_bind(loop, path, &err);
	ck_assert_ptr_nonnull(events);
}

static inline void
control_stop(void)
{
	bus_rep_free(control);
	bus_pub_free(events);
	control = NULL;
	events = NULL;
}

static inline void
publish_state(int revision)
{
	struct bytes message;
	bytes_init(&message, 1024);
	ck_assert(
	    envelope_encode(MSG_STATE, 0, json_pack("{s:i}", "revision", revision), &message));
	bus_pub_send(events, bytes_view(&message));
	bytes_fini(&message);
}

#endif
