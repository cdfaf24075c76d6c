#include "state_file.h"
#include "fileio.h"
#include "jget.h"
#include "mem.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#define FILE_BYTES_MAX ((size_t)16 * 1024 * 1024)

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
	if (ok)
		ok = jget_parse(bytes_view(&text), out, err);
	else
		ok = errno == ENOENT;
	bytes_fini(&text);
	return ok;
}
