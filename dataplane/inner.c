#include "inner.h"
#include "log.h"
#include "names.h"
#include "netaddr.h"
#include <stdio.h>
#include <unistd.h>

static bool
listen_there(struct inner *inner, struct httpd *httpd, const char *run_dir, const char *instance,
    struct err *err)
{
	char name[64];
	(void)snprintf(name, sizeof(name), NAMES_INNER, instance);
	if (!names_path(run_dir, name, inner->path, sizeof(inner->path), err))
		return false;
	inner->fd = netaddr_listen_unix(inner->path, err);
	return inner->fd >= 0 && httpd_listen(httpd, inner->fd, NULL, INNER_TAG, err);
}

void
inner_open(struct inner *inner, struct httpd *httpd, const char *run_dir, const char *instance)
{
	struct err err;
	inner->fd = -1;
	if (listen_there(inner, httpd, run_dir, instance, &err))
		return;
	log_err(LOG_WARN, "inner_socket", &err);
	inner_close(inner);
}

void
inner_close(struct inner *inner)
{
	if (inner->fd < 0)
		return;
	(void)unlink(inner->path);
	close(inner->fd);
	inner->fd = -1;
}
