#include "operate.h"
#include "clock.h"
#include "must.h"
#include "names.h"
#include "show.h"
#include "status.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- which upstream ---- */

bool
operate_find(const json_t *state, const char *word, char id[OPERATE_ID_BYTES], struct err *err)
{
	const json_t *groups = json_object_get(state, "groups");
	unsigned named = 0;
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *group = json_array_get(groups, i);
		const json_t *list = json_object_get(group, "upstreams");
		const char *prefix = json_string_value(json_object_get(group, "group"));
		for (size_t k = 0; prefix != NULL && k < json_array_size(list); k++) {
			const json_t *entry = json_array_get(list, k);
			const char *own = json_string_value(json_object_get(entry, "id"));
			const char *name = json_string_value(json_object_get(entry, "name"));
			char whole[OPERATE_ID_BYTES];
			if (own == NULL || name == NULL)
				continue;
			(void)snprintf(whole, sizeof(whole), "%s%s%s",
			    strchr(own, ':') != NULL ? "" : prefix,
			    strchr(own, ':') != NULL ? "" : ":", own);
			if (strcmp(whole, word) == 0) {
				memcpy(id, whole, sizeof(whole));
				return true;
			}
			if (strcmp(name, word) != 0 && strcmp(own, word) != 0)
				continue;
			named++;
			memcpy(id, whole, sizeof(whole));
		}
	}
	if (named == 0)
		return err_set(err, ERR_CONFIG, word,
		    "no upstream has this id or name; \"pointsman upstreams\" lists them");
	return named == 1 ||
	       err_set(err, ERR_CONFIG, word,
		   "%u upstreams have this name; give the id that \"pointsman upstreams\" shows",
		   named);
}

/* ---- answers in a sentence ---- */

static void
show_status(const json_t *body, const struct places *places, const struct options *options,
    struct bytes *out)
{
	(void)options;
	status_print(body, places, clock_wall_ms(), out);
}

static void
show_upstreams(const json_t *body, const struct places *places, const struct options *options,
    struct bytes *out)
{
	(void)places, (void)options;
	show_print_upstreams(body, clock_wall_ms(), out);
}

static void
show_explanation(const json_t *body, const struct places *places, const struct options *options,
    struct bytes *out)
{
	(void)places, (void)options;
	show_print_explanation(body, out);
}

static void
show_decisions(const json_t *body, const struct places *places, const struct options *options,
    struct bytes *out)
{
	(void)places, (void)options;
	show_print_decisions(body, out);
}

static void
show_alerts(const json_t *body, const struct places *places, const struct options *options,
    struct bytes *out)
{
	(void)places, (void)options;
	show_print_alerts(body, clock_wall_ms(), out);
}

static int64_t
number(const json_t *body, const char *key)
{
	return json_integer_value(json_object_get(body, key));
}

static const char *
text(const json_t *body, const char *key)
{
	const char *value = json_string_value(json_object_get(body, key));
	return value != NULL ? value : "";
}

static void
show_done(const json_t *body, const struct places *places, const struct options *options,
    struct bytes *out)
{
	bool ok = true;
	switch (options->command) {
	case COMMAND_CLEAR:
		ok = bytes_printf(out,
		    "%" PRId64 " upstreams or models were not well and are now.\n",
		    number(body, "cleared"));
		break;
	case COMMAND_FORGET:
		ok = bytes_printf(
		    out, "%" PRId64 " lessons are forgotten.\n", number(body, "forgotten"));
		break;
	case COMMAND_PROBE:
		ok = bytes_append_str(out, "It is being probed; \"pointsman upstreams\" shows the "
					   "result.\n");
		break;
	case COMMAND_TEST_ALERT:
		ok = bytes_append_str(out, "It is under way; \"pointsman alerts\" shows how far it "
					   "has got.\n");
		break;
	case COMMAND_ENABLE:
	case COMMAND_DISABLE:
		ok = bytes_printf(out, "It is switched %s, and saved so.\n",
		    options->command == COMMAND_ENABLE ? "on" : "off");
		break;
	case COMMAND_RELOAD:
		ok = bytes_printf(out, "The configuration of %s was read again.\n", places->state);
		break;
	case COMMAND_LOGIN:
		ok = bytes_printf(out,
		    "http://localhost:%u/#login=%s\n(once, within %" PRId64 " minutes)\n",
		    options->admin_port, text(body, "code"), number(body, "seconds") / 60);
		break;
	case COMMAND_RUN:
	case COMMAND_STATUS:
	case COMMAND_UPSTREAMS:
	case COMMAND_EXPLAIN:
	case COMMAND_DECISIONS:
	case COMMAND_CHECK:
	case COMMAND_ALERTS:
	case COMMAND_UPGRADE:
	case COMMAND_VERSION:
	case COMMAND_NONE:
		MUST(false);
	}
	MUST(ok);
}

/* ---- questions ---- */

static void
put(json_t *body, const char *key, const char *value)
{
	if (value != NULL)
		MUST(json_object_set_new(body, key, json_string(value)) == 0);
}

static json_t *
body_of(const struct options *options, const char *id)
{
	json_t *body = json_object();
	switch (options->command) {
	case COMMAND_EXPLAIN:
		put(body, "at", options->at);
		put(body, "model", options->model);
		put(body, "session", options->session);
		put(body, "group", options->group);
		if (options->group == NULL)
			put(body, "path", options->path != NULL ? options->path : "/v1/messages");
		break;
	case COMMAND_DECISIONS:
		put(body, "id", options->id);
		put(body, "upstream", id);
		MUST(json_object_set_new(body, "limit",
			 json_integer(options->limit != 0 ? options->limit : 20)) == 0);
		break;
	case COMMAND_CLEAR:
		put(body, "group", options->group);
		put(body, "id", id);
		break;
	case COMMAND_FORGET:
		put(body, "upstream", id);
		put(body, "model", options->model);
		put(body, "kind", options->kind);
		put(body, "name", options->name);
		break;
	case COMMAND_PROBE:
		put(body, "id", id);
		break;
	case COMMAND_ENABLE:
	case COMMAND_DISABLE:
		put(body, "id", id);
		MUST(json_object_set_new(
			 body, "enabled", json_boolean(options->command == COMMAND_ENABLE)) == 0);
		break;
	case COMMAND_RUN:
	case COMMAND_STATUS:
	case COMMAND_UPSTREAMS:
	case COMMAND_ALERTS:
	case COMMAND_TEST_ALERT:
	case COMMAND_RELOAD:
	case COMMAND_CHECK:
	case COMMAND_LOGIN:
	case COMMAND_UPGRADE:
	case COMMAND_VERSION:
	case COMMAND_NONE:
		break;
	}
	return body;
}

struct ask
operate_ask(const struct options *options, const char *id)
{
	static const struct ask asks[] = {
	    [COMMAND_STATUS] = {MSG_GET_STATE, MSG_STATE, NULL, show_status},
	    [COMMAND_UPSTREAMS] = {MSG_GET_STATE, MSG_STATE, NULL, show_upstreams},
	    [COMMAND_EXPLAIN] = {MSG_EXPLAIN, MSG_EXPLANATION, NULL, show_explanation},
	    [COMMAND_DECISIONS] = {MSG_GET_REQUESTS, MSG_REQUESTS, NULL, show_decisions},
	    [COMMAND_CLEAR] = {MSG_CLEAR_COOLDOWN, MSG_OK, NULL, show_done},
	    [COMMAND_PROBE] = {MSG_PROBE_NOW, MSG_OK, NULL, show_done},
	    [COMMAND_ENABLE] = {MSG_SET_ENABLED, MSG_OK, NULL, show_done},
	    [COMMAND_DISABLE] = {MSG_SET_ENABLED, MSG_OK, NULL, show_done},
	    [COMMAND_FORGET] = {MSG_FORGET_LESSON, MSG_OK, NULL, show_done},
	    [COMMAND_LOGIN] = {MSG_MINT_LOGIN, MSG_OK, NULL, show_done},
	    [COMMAND_ALERTS] = {MSG_GET_STATE, MSG_STATE, NULL, show_alerts},
	    [COMMAND_TEST_ALERT] = {MSG_TEST_ALERT, MSG_OK, NULL, show_done},
	    [COMMAND_RELOAD] = {MSG_RELOAD, MSG_OK, NULL, show_done},
	};
	struct ask ask = asks[options->command];
	ask.body = body_of(options, id);
	return ask;
}
