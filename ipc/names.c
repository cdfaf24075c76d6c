#include "names.h"
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

const char *
names_socket_of(const char *type)
{
	static const char *const statistics[] = {MSG_GET_STATS, MSG_GET_REQUESTS,
	    MSG_GET_TOKEN_STATS, MSG_RESET_STATS, MSG_REPRICE, MSG_GET_REPRICE, MSG_GET_SPENT};
	for (size_t i = 0; i < sizeof(statistics) / sizeof(statistics[0]); i++) {
		if (strcmp(type, statistics[i]) == 0)
			return NAMES_STATS;
	}
	return NAMES_ADMIN;
}

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
