/* Trials: which upstream is meant, and the order. */
#include "change.h"
#include "clock.h"
#include "ids.h"
#include "jget.h"
#include "mask.h"
#include "must.h"
#include "names.h"
#include "schema.h"
#include "serve_private.h"
#include <string.h>

#define TOKENS_DEFAULT 64

static struct answer
told(const struct serve *serve, uint64_t seq)
{
	struct err err;
	json_t *trial = trials_encode(&serve->trials, seq);
	if (trial != NULL)
		return (struct answer){MSG_OK, json_pack("{s:o}", "test", trial)};
	err_set(&err, ERR_ABSENT, "seq", "there is no such test");
	return serve_refuse(&err);
}

struct answer
serve_get_test(struct serve *serve, const json_t *body)
{
	int64_t seq = 0;
	struct err err;
	if (!jget_int(body, "", "seq", 0, INT64_MAX, &seq, &err))
		return serve_refuse(&err);
	return told(serve, (uint64_t)seq);
}

/* A configuration of nothing but an entry that is not saved, with the key of the saved one where it
 * has that one's mask. NULL, and the answer says what is wrong with it. */
static struct config *
config_of_entry(
    const struct serve *serve, enum group group, const json_t *entry, struct faults *faults)
{
	const char *list = config_list(group)->name;
	struct bytes text;
	struct config *config = NULL;
	json_t *root = json_pack("{s:[O]}", list, (json_t *)(uintptr_t)entry), *copy;
	MUST(root != NULL && (copy = json_deep_copy(root)) != NULL);
	json_decref(root);
	if (serve->reload.config != NULL) {
		json_t *server = json_object_get(serve->reload.config->root, SCHEMA_SERVER);
		if (server != NULL)
			MUST(json_object_set(copy, SCHEMA_SERVER, server) == 0);
		mask_restore(copy, serve->reload.config->root, faults);
	}
	bytes_init(&text, CONFIG_BYTES_MAX);
	if (faults->errors == 0 && config_print(copy, &text))
		(void)!config_parse(bytes_view(&text), &config, faults);
	store_wipe(&text);
	json_decref(copy);
	return config;
}

/* The model that is asked for when none is named: the first one by name that it serves, else that
 * of activations. */
static struct view
model_of(
    const struct config *config, const struct config_upstream *upstream, enum protocol protocol)
{
	static const char *const words[] = {
	    [PROTOCOL_ANTHROPIC] = "model_anthropic",
	    [PROTOCOL_CHAT] = "model_chat",
	    [PROTOCOL_RESPONSES] = "model_responses",
	};
	const json_t *models = json_object_get(upstream->entry, "models");
	for (size_t i = 0; i < json_array_size(models); i++) {
		const char *name = json_string_value(json_array_get(models, i));
		if (name != NULL && strchr(name, '*') == NULL)
			return view_of(name);
	}
	const json_t *own =
	    config != NULL ? schema_section_get(config->root, SCHEMA_ACTIVATION) : NULL;
	const char *set = schema_text(own, SCHEMA_ACTIVATION, words[protocol]);
	if (set != NULL)
		return view_of(set);
	const char *fallback = schema_find(SCHEMA_ACTIVATION, words[protocol])->fallback;
	return view_sub(view_of(fallback), 1, strlen(fallback) - 2); /* a JSON text */
}

static struct answer
order(struct serve *serve, const struct config_upstream *upstream, enum group group,
    const json_t *body)
{
	unsigned spoken = schema_choice(upstream->entry, SCHEMA_UPSTREAMS, "protocol");
	struct trial_wish wish = {.upstream = upstream,
	    .protocol = spoken == 0 ? config_list(group)->protocol : (enum protocol)(spoken - 1),
	    .by = serve->dataplanes.prober};
	int64_t max_tokens = TOKENS_DEFAULT;
	struct err err;
	wish.model = model_of(serve->reload.config, upstream, wish.protocol);
	wish.prompt = VIEW("Say hello in one word.");
	if (!jget_str(body, "", "model", &wish.model, &err) ||
	    !jget_str(body, "", "prompt", &wish.prompt, &err) ||
	    !jget_int(body, "", "max_tokens", 1, 100000, &max_tokens, &err))
		return serve_refuse(&err);
	wish.max_tokens = (uint32_t)max_tokens;
	if (wish.model.len == 0 || wish.model.len > TABLE_NAME_BYTES_MAX || wish.prompt.len == 0 ||
	    wish.prompt.len > TABLE_PROMPT_BYTES_MAX)
		err_set(&err, ERR_CONFIG, "test", "the model or the prompt is missing or too long");
	else if (wish.by == 0)
		err_set(&err, ERR_TIMEOUT, "", "no data plane is there to ask it");
	else {
		uint64_t seq =
		    trials_order(&serve->trials, &wish, loop_now_ms(serve->loop), clock_wall_ms());
		if (seq != 0) {
			serve_refresh(serve);
			return told(serve, seq);
		}
		err_set(&err, ERR_LIMIT, "", "as many tests as may be are under way");
	}
	return serve_refuse(&err);
}

static struct answer
try_entry(struct serve *serve, const json_t *body, const json_t *entry)
{
	struct faults faults = {0};
	struct answer answer;
	enum group group;
	struct err err;
	const char *name = json_string_value(json_object_get(body, "group"));
	if (name == NULL || !group_parse(view_of(name), &group)) {
		err_set(&err, ERR_CONFIG, "group", "there is no such group");
		return serve_refuse(&err);
	}
	struct config *config = config_of_entry(serve, group, entry, &faults);
	if (config != NULL) {
		answer = order(serve, &config->upstreams[group].items[0], group, body);
	} else {
		err_set(&err, ERR_CONFIG, "entry", "the upstream is not well described");
		answer = serve_refuse(&err);
		MUST(json_object_set_new(answer.body, "faults", faults_encode(&faults)) == 0);
	}
	config_free(config);
	faults_fini(&faults);
	return answer;
}

struct answer
serve_test_upstream(struct serve *serve, const json_t *body)
{
	const json_t *entry = json_object_get(body, "entry");
	const char *id = json_string_value(json_object_get(body, "id"));
	struct view rest = view_of(id), word;
	enum group group;
	struct err err;
	if (json_is_object(entry))
		return try_entry(serve, body, entry);
	const struct config_upstream *upstream = id != NULL && serve->reload.config != NULL
						     ? config_find(serve->reload.config, id)
						     : NULL;
	if (upstream == NULL || !view_split(&rest, ':', &word) || !group_parse(word, &group)) {
		err_set(&err, ERR_ABSENT, "id", "there is no such upstream");
		return serve_refuse(&err);
	}
	return order(serve, upstream, group, body);
}
