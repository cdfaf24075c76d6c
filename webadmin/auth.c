#include "auth.h"
#include <string.h>

#define MINTED_CHARS 43 /* 256 bits in base64url */

void
auth_init(struct auth *auth)
{
	*auth = (struct auth){0};
	crypto_random(auth->csrf_key, sizeof(auth->csrf_key));
}

static void
drop(struct auth *auth, size_t index)
{
	auth->count--;
	memmove(&auth->sessions[index], &auth->sessions[index + 1],
	    (auth->count - index) * sizeof(auth->sessions[0]));
}

/* The index, or auth->count. */
static size_t
find(const struct auth *auth, struct view id)
{
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	size_t i = 0;
	if (id.len != AUTH_ID_BYTES - 1)
		return auth->count;
	crypto_sha256(id, sha256);
	while (i < auth->count && !crypto_equal(auth->sessions[i].sha256, sha256, sizeof(sha256)))
		i++;
	return i;
}

void
auth_login(struct auth *auth, const struct auth_user *user, uint64_t now_ms, char id[AUTH_ID_BYTES])
{
	if (auth->count == AUTH_SESSIONS_MAX)
		drop(auth, 0);
	struct auth_session *session = &auth->sessions[auth->count++];
	crypto_random_base64url(32, id);
	crypto_sha256(view_of(id), session->sha256);
	session->born_ms = session->used_ms = now_ms;
	session->user = *user;
}

const struct auth_session *
auth_look(struct auth *auth, struct view id, uint64_t now_ms)
{
	size_t index = find(auth, id);
	if (index == auth->count)
		return NULL;
	struct auth_session *session = &auth->sessions[index];
	if (now_ms - session->born_ms >= AUTH_LIFE_MS ||
	    now_ms - session->used_ms >= AUTH_IDLE_MS) {
		drop(auth, index);
		return NULL;
	}
	return session;
}

const struct auth_session *
auth_use(struct auth *auth, struct view id, uint64_t now_ms, char csrf[AUTH_CSRF_BYTES])
{
	uint8_t mac[CRYPTO_SHA256_BYTES];
	if (auth_look(auth, id, now_ms) == NULL)
		return NULL;
	struct auth_session *session = &auth->sessions[find(auth, id)];
	session->used_ms = now_ms;
	if (csrf != NULL) {
		crypto_hmac_sha256(view_make((const char *)auth->csrf_key, sizeof(auth->csrf_key)),
		    view_make((const char *)session->sha256, sizeof(session->sha256)), mac);
		crypto_hex(mac, sizeof(mac), csrf);
	}
	return session;
}

void
auth_logout(struct auth *auth, struct view id)
{
	size_t index = find(auth, id);
	if (index < auth->count)
		drop(auth, index);
}

size_t
auth_logout_user(struct auth *auth, const char *name)
{
	size_t before = auth->count;
	for (size_t i = auth->count; i > 0; i--) {
		if (name == NULL || strcmp(auth->sessions[i - 1].user.name, name) == 0)
			drop(auth, i - 1);
	}
	for (size_t i = 0; i < AUTH_BEARERS_MAX; i++) {
		if (name == NULL || strcmp(auth->bearers[i].user.name, name) == 0)
			auth->bearers[i].until_ms = 0;
	}
	return before - auth->count;
}

void
auth_bearer_note(struct auth *auth, const uint8_t sha256[CRYPTO_SHA256_BYTES],
    const struct auth_user *user, uint64_t now_ms)
{
	size_t at = 0;
	for (size_t i = 0; i < AUTH_BEARERS_MAX; i++) {
		if (memcmp(auth->bearers[i].sha256, sha256, CRYPTO_SHA256_BYTES) == 0) {
			at = i;
			break;
		}
		if (auth->bearers[i].until_ms < auth->bearers[at].until_ms)
			at = i;
	}
	memcpy(auth->bearers[at].sha256, sha256, CRYPTO_SHA256_BYTES);
	auth->bearers[at].until_ms = now_ms + AUTH_BEARER_MS;
	auth->bearers[at].user = *user;
}

const struct auth_user *
auth_bearer_known(
    const struct auth *auth, const uint8_t sha256[CRYPTO_SHA256_BYTES], uint64_t now_ms)
{
	const struct auth_user *found = NULL;
	for (size_t i = 0; i < AUTH_BEARERS_MAX; i++) {
		if (now_ms < auth->bearers[i].until_ms &&
		    crypto_equal(auth->bearers[i].sha256, sha256, CRYPTO_SHA256_BYTES))
			found = &auth->bearers[i].user;
	}
	return found;
}

void
auth_bearer_forget(struct auth *auth, const uint8_t sha256[CRYPTO_SHA256_BYTES])
{
	for (size_t i = 0; i < AUTH_BEARERS_MAX; i++) {
		if (crypto_equal(auth->bearers[i].sha256, sha256, CRYPTO_SHA256_BYTES))
			auth->bearers[i] = (struct auth_bearer){0};
	}
}

bool
auth_bearer_was(const struct auth *auth, const uint8_t sha256[CRYPTO_SHA256_BYTES])
{
	bool found = false;
	for (size_t i = 0; i < AUTH_BEARERS_MAX; i++) {
		if (crypto_equal(auth->bearers[i].sha256, sha256, CRYPTO_SHA256_BYTES))
			found = true;
	}
	return found;
}

bool
auth_is_minted(struct view token)
{
	static const char *const prefixes[] = {"pma-", "pmu-", "pmm-"};
	bool known = false;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		known = known || view_starts(token, prefixes[i]);
	if (!known || token.len != strlen("pma-") + MINTED_CHARS)
		return false;
	for (size_t i = 0; i < token.len; i++) {
		char c = token.data[i];
		bool word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			    (c >= 'a' && c <= 'z') || c == '-' || c == '_';
		if (!word)
			return false;
	}
	return true;
}
