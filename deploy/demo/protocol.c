#include "protocol.h"
#include <string.h>

const char *
protocol_name(enum protocol protocol)
{
	static const char *const names[] = {"messages", "chat", "responses"};
	return names[protocol];
}

static const struct {
	const char *suffix;
	enum protocol_endpoint endpoint;
	enum protocol protocol;
} targets[] = {
    {"/messages/count_tokens", ENDPOINT_COUNT_TOKENS, PROTOCOL_MESSAGES},
    {"/messages", ENDPOINT_ANSWER, PROTOCOL_MESSAGES},
    {"/chat/completions", ENDPOINT_ANSWER, PROTOCOL_CHAT},
    {"/responses", ENDPOINT_ANSWER, PROTOCOL_RESPONSES},
    {"/models", ENDPOINT_MODELS, PROTOCOL_CHAT},
    {"/health", ENDPOINT_HEALTH, PROTOCOL_CHAT},
    {"/healthz", ENDPOINT_HEALTH, PROTOCOL_CHAT},
    {"/api/hello", ENDPOINT_HEALTH, PROTOCOL_CHAT},
};

struct protocol_target
protocol_target(struct view path)
{
	struct protocol_target target = {ENDPOINT_NONE, PROTOCOL_CHAT, path, VIEW("")};
	ptrdiff_t models = view_find(path, "/models/");
	if (models >= 0) {
		target.endpoint = ENDPOINT_MODELS;
		target.model = view_from(path, (size_t)models + strlen("/models/"));
		target.prefix = view_sub(path, 0, (size_t)models);
	}
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		if (target.endpoint != ENDPOINT_NONE || !view_ends(path, targets[i].suffix))
			continue;
		target.endpoint = targets[i].endpoint;
		target.protocol = targets[i].protocol;
		target.prefix = view_sub(path, 0, path.len - strlen(targets[i].suffix));
	}
	if (target.endpoint == ENDPOINT_NONE && path.len <= 1)
		target.endpoint = ENDPOINT_HEALTH;
	if (view_ends(target.prefix, "/v1"))
		target.prefix.len -= strlen("/v1");
	if (view_ends(target.prefix, "/"))
		target.prefix.len--;
	return target;
}
