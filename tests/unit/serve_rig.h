/* serve_rig: the control plane as its peers see it, over its four sockets, in one process and on
 * one loop. */
#ifndef PM_SERVE_RIG_H
#define PM_SERVE_RIG_H

#include "bus.h"
#include "clock.h"
#include "envelope.h"
#include "fileio.h"
#include "log.h"
#include "names.h"
#include "serve.h"
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEST_LIMIT_MS 8000
#define UP "\"base_url\": \"https://a.test\", \"key\": \"sk-secretcanary-0123456789\""

static char dir[64], state_dir[96], run_dir[96], config_path[128];
static struct loop *loop;
static struct loop_timer limit;
static struct serve *serve;
static struct bus_req *data, *admin;
static struct bus_sub *tables, *events;
static struct envelope answer, news;
static const char *awaited; /* the published type that ends the wait */
static uint64_t next_id;

static inline void
on_limit(struct loop_timer *timer, void *ctx)
{
	(void)timer, (void)ctx;
	ck_abort_msg("nothing came within %d ms", TEST_LIMIT_MS);
}

/* Takes the message that the test waits for, and lets the rest pass. */
static inline void
on_published(struct view message, void *ctx)
{
	struct envelope envelope;
	struct err err;
	(void)ctx;
	ck_assert(envelope_decode(message, &envelope, &err));
	if (awaited == NULL || strcmp(envelope.type, awaited) != 0) {
		envelope_fini(&envelope);
		return;
	}
	awaited = NULL;
	news = envelope;
	loop_stop(loop);
}

static inline void
on_answer(struct view message, void *ctx)
{
	struct err err;
	(void)ctx;
	ck_assert_msg(message.len > 0, "no answer in time");
	ck_assert(envelope_decode(message, &answer, &err));
	loop_stop(loop);
}

static inline const json_t *
await(const char *type)
{
	envelope_fini(&news);
	awaited = type;
	loop_run(loop);
	return news.body;
}

/* Asks, checks the type of the answer and returns its body, borrowed until the next question. */
static inline const json_t *
ask(struct bus_req *req, const char *type, json_t *body, const char *expected)
{
	struct bytes message;
	envelope_fini(&answer);
	bytes_init(&message, NAMES_MESSAGE_BYTES_MAX);
	ck_assert(envelope_encode(type, ++next_id, body, &message));
	ck_assert(bus_req_ask(req, bytes_view(&message), TEST_LIMIT_MS, on_answer, NULL));
	bytes_fini(&message);
	loop_run(loop);
	ck_assert_str_eq(answer.type, expected);
	ck_assert_uint_eq(answer.id, next_id);
	return answer.body;
}

static inline void
put(const char *content)
{
	struct err err;
	ck_assert(fileio_write(config_path, view_of(content), 0600, &err));
}

static inline void
start(const char *demo_url)
{
	struct err err;
	struct serve_options options = {state_dir, run_dir, demo_url};
	serve = serve_new(loop, &options, &err);
	ck_assert_msg(serve != NULL, "%s: %s", err.at, err.msg);
}

static inline void
connect_to(struct bus_req **req, const char *name)
{
	char path[128];
	struct err err;
	ck_assert(names_path(run_dir, name, path, sizeof(path), &err));
	*req = bus_req_connect(loop, path, &err);
	ck_assert_ptr_nonnull(*req);
}

static inline void
subscribe_to(struct bus_sub **sub, const char *name)
{
	char path[128];
	struct err err;
	ck_assert(names_path(run_dir, name, path, sizeof(path), &err));
	*sub = bus_sub_connect(loop, path, on_published, NULL, &err);
	ck_assert_ptr_nonnull(*sub);
}

static inline void
setup(void)
{
	struct err err;
	snprintf(dir, sizeof(dir), "/tmp/pm-serve-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(state_dir, sizeof(state_dir), "%s/s", dir);
	snprintf(run_dir, sizeof(run_dir), "%s/r", dir);
	snprintf(config_path, sizeof(config_path), "%s/json_data", state_dir);
	ck_assert(fileio_mkdirs(config_path, 0700, &err));
	ck_assert(fileio_mkdirs(run_dir, 0700, &err));
	snprintf(config_path, sizeof(config_path), "%s/json_data/all_configs.json", state_dir);
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	loop = loop_new(&err);
	ck_assert_ptr_nonnull(loop);
	loop_timer_init(&limit, loop, on_limit, NULL);
	loop_timer_arm(&limit, TEST_LIMIT_MS);
	connect_to(&data, NAMES_DATA);
	connect_to(&admin, NAMES_ADMIN);
	subscribe_to(&tables, NAMES_TABLE);
	subscribe_to(&events, NAMES_EVENTS);
}

static inline void
teardown(void)
{
	char path[128];
	static const char *const names[] = {"s/json_data/all_configs.json",
	    "s/json_data/all_configs.json.bak", "s/json_data/all_configs.json.good", "s/json_data",
	    "s/client-key", "s/admin-token", "s/health.json", "s", "r/ready.json", "r", ""};
	envelope_fini(&answer);
	envelope_fini(&news);
	bus_req_free(data);
	bus_req_free(admin);
	bus_sub_free(tables);
	bus_sub_free(events);
	serve_free(serve);
	loop_timer_fini(&limit);
	loop_free(loop);
	clock_replace(NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (unlink(path) != 0)
			rmdir(path);
	}
}

static inline const json_t *
group_of(const json_t *state, size_t group)
{
	const json_t *item = json_array_get(json_object_get(state, "groups"), group);
	return json_object_get(item, "upstreams");
}

static inline json_int_t
number_of(const json_t *body, const char *key)
{
	const json_t *value = json_object_get(body, key);
	ck_assert_msg(json_is_integer(value), "no number %s", key);
	return json_integer_value(value);
}

static inline const char *
word_of(const json_t *body, const char *key)
{
	const char *word = json_string_value(json_object_get(body, key));
	ck_assert_msg(word != NULL, "no word %s", key);
	return word;
}

#endif
