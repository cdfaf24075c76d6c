#include "keys.h"
#include "clock.h"
#include "crypto.h"
#include "fileio.h"
#include "schema.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define RANDOM_BYTES 32

static bool
mint(const char *prefix, const char *state_dir, const char *file, uint8_t sha256[32],
    struct err *err)
{
	char path[PATH_MAX], key[64];
	int len = snprintf(path, sizeof(path), "%s/%s", state_dir, file);
	if (len < 0 || (size_t)len >= sizeof(path))
		return err_set(err, ERR_LIMIT, file, "the path is too long");
	snprintf(key, sizeof(key), "%s", prefix);
	crypto_random_base64url(RANDOM_BYTES, key + strlen(prefix));
	crypto_sha256(view_of(key), sha256);
	size_t key_len = strlen(key);
	key[key_len] = '\n';
	bool ok = fileio_write(path, view_make(key, key_len + 1), 0600, err);
	crypto_wipe(key, sizeof(key));
	return ok;
}

bool
keys_ensure(struct config *config, const char *state_dir, bool *minted, struct err *err)
{
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	bool has_list = schema_section_get(config->root, SCHEMA_CLIENT_KEYS) != NULL;
	bool has_admin = config_admin_sha256(config, sha256);
	*minted = false;
	if (config->client_key_count == 0 && !(has_list && has_admin)) {
		if (!mint("pm-", state_dir, KEYS_CLIENT_FILE, sha256, err))
			return false;
		config_add_client_key(config, "first key", sha256, clock_wall_ms());
		*minted = true;
	}
	if (!has_admin) {
		if (!mint("pma-", state_dir, KEYS_ADMIN_FILE, sha256, err))
			return false;
		config_set_admin_sha256(config, sha256);
		*minted = true;
	}
	return true;
}
