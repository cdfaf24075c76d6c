/* transport: the bytes of one accepted connection, plain or TLS. */
#ifndef PM_TRANSPORT_H
#define PM_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

struct tls_context;
struct transport;

enum transport_result {
	TRANSPORT_OK,
	TRANSPORT_AGAIN, /* wait for transport.wants */
	TRANSPORT_EOF,   /* the peer will send no more */
	TRANSPORT_FAIL,  /* the connection is broken */
};

struct transport_ops {
	/* OK when both sides are ready for data. */
	enum transport_result (*handshake)(struct transport *transport);
	/* OK with *got > 0. */
	enum transport_result (*read)(
	    struct transport *transport, void *data, size_t len, size_t *got);
	/* OK with *sent > 0, which may be less than given; the same bytes come first again. */
	enum transport_result (*write)(
	    struct transport *transport, const struct iovec *parts, int count, size_t *sent);
	/* The protocol's own end of sending; the socket's is shutdown(). */
	void (*goodbye)(struct transport *transport);
	void (*fini)(struct transport *transport);
};

struct transport {
	const struct transport_ops *ops;
	int fd;
	unsigned wants; /* behind AGAIN: LOOP_READ or LOOP_WRITE */
	bool unread;    /* bytes wait inside of the library, where no event tells of them */
	void *tls;
};

/* The transport owns `fd` from here on. */
void transport_init_plain(struct transport *transport, int fd);
/* In tls.c. `context` is borrowed; false (and a plain transport) when the library has no memory. */
bool transport_init_tls(struct transport *transport, int fd, struct tls_context *context);
/* Closes the socket (fd -1: already taken away); `reset` drops what is not sent and tells the peer
 * by an RST. */
void transport_fini(struct transport *transport, bool reset);

#endif
