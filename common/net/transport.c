#include "transport.h"

#include "loop.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static enum transport_result
failure(struct transport *transport, unsigned wants)
{
	transport->wants = wants;
	return errno == EAGAIN || errno == EINTR ? TRANSPORT_AGAIN : TRANSPORT_FAIL;
}

static enum transport_result
plain_handshake(struct transport *transport)
{
	(void)transport;
	return TRANSPORT_OK;
}

static enum transport_result
plain_read(struct transport *transport, void *data, size_t len, size_t *got)
{
	ssize_t rc = recv(transport->fd, data, len, 0);
	if (rc < 0)
		return failure(transport, LOOP_READ);
	*got = (size_t)rc;
	return rc > 0 ? TRANSPORT_OK : TRANSPORT_EOF;
}

static enum transport_result
plain_write(struct transport *transport, const struct iovec *parts, int count, size_t *sent)
{
	ssize_t rc = count == 1 ? send(transport->fd, parts->iov_base, parts->iov_len, MSG_NOSIGNAL)
				: writev(transport->fd, parts, count);
	if (rc < 0)
		return failure(transport, LOOP_WRITE);
	*sent = (size_t)rc;
	return TRANSPORT_OK;
}

static void
plain_goodbye(struct transport *transport)
{
	(void)transport;
}

static void
plain_fini(struct transport *transport)
{
	(void)transport;
}

void
transport_init_plain(struct transport *transport, int fd)
{
	static const struct transport_ops ops = {
	    plain_handshake,
	    plain_read,
	    plain_write,
	    plain_goodbye,
	    plain_fini,
	};
	*transport = (struct transport){.ops = &ops, .fd = fd};
}

void
transport_fini(struct transport *transport, bool reset)
{
	transport->ops->fini(transport);
	if (transport->fd < 0)
		return;
	if (reset) {
		const struct linger none = {.l_onoff = 1, .l_linger = 0};
		(void)setsockopt(transport->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	}
	close(transport->fd);
	transport->fd = -1;
}
