#include "names.h"
#include <stdio.h>
#include <sys/un.h>

bool
names_path(const char *run_dir, const char *name, char *out, size_t out_len, struct err *err)
{
	const size_t path_max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
	int len = snprintf(out, out_len, "%s/%s", run_dir, name);
	if (len < 0 || (size_t)len >= out_len || (size_t)len > path_max)
		return err_set(err, ERR_LIMIT, name,
		    "the path of the run folder is too long for a socket (%d bytes, at most %zu)",
		    len, path_max);
	return true;
}
