#include "state_file.h"
#include "crypto.h"
#include "fileio.h"
#include "jget.h"
#include "mem.h"
#include "must.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define SEAL "sha256"
#define HEX_BYTES (2 * CRYPTO_SHA256_BYTES + 1)

/* ---- seals ---- */

/* Of the text that is printed, which what is read back gives again. */
static void
sum_of(const json_t *json, char hex[HEX_BYTES])
{
	uint8_t hash[CRYPTO_SHA256_BYTES];
	size_t len;
	char *text = jget_dump(json, &len);
	crypto_sha256(view_make(text, len), hash);
	crypto_hex(hash, sizeof(hash), hex);
	mem_free(text);
}

void
state_seal(json_t *json)
{
	char hex[HEX_BYTES];
	sum_of(json, hex);
	MUST(json_object_set_new(json, SEAL, json_string(hex)) == 0);
}

/* A seal under another name, because that was spoiled. */
static bool
has_stray_seal(json_t *json)
{
	const char *key;
	json_t *value;
	json_object_foreach(json, key, value)
	{
		if (json_string_length(value) == HEX_BYTES - 1)
			return true;
	}
	return false;
}

bool
state_unseal(json_t *json, struct err *err)
{
	char hex[HEX_BYTES];
	json_t *seal = json_object_get(json, SEAL);
	if (seal == NULL)
		return !has_stray_seal(json) ||
		       err_set(err, ERR_PARSE, SEAL, "is missing: the text is damaged");
	json_incref(seal);
	(void)json_object_del(json, SEAL);
	sum_of(json, hex);
	bool same = json_is_string(seal) && strcmp(json_string_value(seal), hex) == 0;
	json_decref(seal);
	return same || err_set(err, ERR_PARSE, SEAL, "is that of another text: it is damaged");
}

/* ---- files ---- */

static bool
path_of(const char *state_dir, const char *name, char out[PATH_MAX], struct err *err)
{
	int len = snprintf(out, PATH_MAX, "%s/%s", state_dir, name);
	return (len >= 0 && len < PATH_MAX) ||
	       err_set(err, ERR_LIMIT, "--state", "the path is too long");
}

bool
state_file_write(const char *state_dir, const char *name, json_t *json, struct err *err)
{
	char path[PATH_MAX];
	size_t len;
	bool ok = path_of(state_dir, name, path, err);
	if (ok) {
		state_seal(json);
		char *text = jget_dump(json, &len);
		ok = fileio_write(path, view_make(text, len), 0600, err);
		mem_free(text);
	}
	json_decref(json);
	return ok;
}

bool
state_file_read(const char *state_dir, const char *name, json_t **out, struct err *err)
{
	char path[PATH_MAX];
	struct bytes text;
	*out = NULL;
	if (!path_of(state_dir, name, path, err))
		return false;
	bytes_init(&text, FILE_BYTES_MAX);
	errno = 0;
	bool ok = fileio_read(path, &text, err);
	bool missing = !ok && errno == ENOENT;
	ok = ok && jget_parse(bytes_view(&text), out, err) && state_unseal(*out, err);
	if (!ok) {
		json_decref(*out);
		*out = NULL;
	}
	bytes_fini(&text);
	return ok || missing;
}
