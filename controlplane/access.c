#include "access.h"
#include "crypto.h"
#include "must.h"
#include "schema.h"
#include <stdio.h>
#include <string.h>

static const char admin_name[] = "admin";

static bool
read_admin(
    const struct config *config, uint8_t sha256[CRYPTO_SHA256_BYTES], struct access_user *out)
{
	if (config == NULL || !config_admin_sha256(config, sha256))
		return false;
	*out = (struct access_user){.role = "admin"};
	(void)snprintf(out->name, sizeof(out->name), "%s", admin_name);
	stamp_of(sha256, out->stamp);
	return true;
}

/* False for one who is disabled. */
static bool
read_user(const json_t *entry, uint8_t sha256[CRYPTO_SHA256_BYTES], struct access_user *out)
{
	const char *hex = schema_text(entry, SCHEMA_USERS, "token_sha256");
	*out = (struct access_user){.role = "viewer"};
	if (schema_choice(entry, SCHEMA_USERS, "role") == 1)
		out->role = "admin";
	(void)snprintf(
	    out->name, sizeof(out->name), "%s", schema_text(entry, SCHEMA_USERS, "name"));
	MUST(crypto_unhex(view_of(hex), sha256, CRYPTO_SHA256_BYTES));
	stamp_of(sha256, out->stamp);
	return schema_flag(entry, SCHEMA_USERS, "enabled");
}

bool
access_find(const struct config *config, const uint8_t sha256[32], struct access_user *out)
{
	uint8_t known[CRYPTO_SHA256_BYTES];
	if (read_admin(config, known, out) && crypto_equal(known, sha256, sizeof(known)))
		return true;
	const json_t *list = config != NULL ? schema_section_get(config->root, SCHEMA_USERS) : NULL;
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (read_user(json_array_get(list, i), known, out) &&
		    crypto_equal(known, sha256, sizeof(known)))
			return true;
	}
	return false;
}

bool
access_find_metrics(const struct config *config, const uint8_t sha256[32], struct access_user *out)
{
	uint8_t known[CRYPTO_SHA256_BYTES];
	*out = (struct access_user){.role = "metrics"};
	(void)snprintf(out->name, sizeof(out->name), "metrics");
	return config != NULL && config_metrics_sha256(config, known) &&
	       crypto_equal(known, sha256, sizeof(known));
}

json_t *
access_encode(const struct config *config)
{
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	struct access_user user;
	json_t *out = json_array();
	const json_t *list = config != NULL ? schema_section_get(config->root, SCHEMA_USERS) : NULL;
	for (size_t i = 0; i <= json_array_size(list); i++) {
		bool there = i == 0 ? read_admin(config, sha256, &user)
				    : read_user(json_array_get(list, i - 1), sha256, &user);
		if (there)
			MUST(json_array_append_new(
				 out, json_pack("{s:s, s:s, s:s}", "name", user.name, "role",
					  user.role, "stamp", user.stamp)) == 0);
	}
	return out;
}

/* ---- codes ---- */

void
access_mint_code(struct access_codes *codes, uint64_t now_ms, char out[ACCESS_CODE_BYTES])
{
	size_t at = 0;
	for (size_t i = 1; i < ACCESS_CODES_MAX; i++) {
		if (codes->items[i].until_ms < codes->items[at].until_ms)
			at = i;
	}
	crypto_random_base64url(16, out);
	crypto_sha256(view_of(out), codes->items[at].sha256);
	codes->items[at].until_ms = now_ms + ACCESS_CODE_MS;
}

bool
access_use_code(struct access_codes *codes, const struct config *config, const uint8_t sha256[32],
    uint64_t now_ms, struct access_user *out)
{
	uint8_t admin[CRYPTO_SHA256_BYTES];
	for (size_t i = 0; i < ACCESS_CODES_MAX; i++) {
		if (now_ms >= codes->items[i].until_ms ||
		    !crypto_equal(codes->items[i].sha256, sha256, CRYPTO_SHA256_BYTES))
			continue;
		codes->items[i].until_ms = 0;
		return read_admin(config, admin, out);
	}
	return false;
}
