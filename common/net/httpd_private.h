/* httpd_private: what the files of httpd share. httpd.c accepts; httpd_conn.c is the life of a
 * connection: reading, sending, deadlines, closing; httpd_input.c makes requests of bytes;
 * httpd_req.c and httpd_answer.c are the handler's side; httpd_out.c is the output queue. */
#ifndef PM_HTTPD_PRIVATE_H
#define PM_HTTPD_PRIVATE_H

#include "bytes.h"
#include "http_body.h"
#include "http_head.h"
#include "httpd.h"
#include "transport.h"
#include <netinet/in.h>

#define HTTPD_LISTENERS_MAX 16
#define HTTPD_READ_BYTES 65536
#define HTTPD_LINGER_MS 1000
#define HTTPD_LINGER_BYTES 65536

/* ---- output queue: blocks, freed as they are sent ---- */
struct out_block;
struct out {
	struct out_block *first, *last;
	size_t queued; /* bytes of all blocks not yet sent */
	size_t chunk;  /* offset in `last` of the open chunk's header */
	bool open;     /* a chunk is open in `last` */
};
void out_append(struct out *out, struct view data);
/* Adds to the open chunk, or opens one. */
void out_append_chunk(struct out *out, struct view data);
/* Closes the open chunk; nothing when none is open. */
void out_seal(struct out *out);
/* Sends as much as the transport takes; *sent tells how much. An empty queue is OK. */
enum transport_result out_send(struct out *out, struct transport *transport, size_t *sent);
void out_clear(struct out *out);

/* ---- connection ---- */
enum conn_state {
	CONN_HANDSHAKE, /* TLS */
	CONN_IDLE,      /* before the first byte of a request */
	CONN_HEAD,
	CONN_BODY,   /* from the end of the head to the end of the body; on_head runs here */
	CONN_BUSY,   /* with the handler: whole request read, or answer begun */
	CONN_FLUSH,  /* closing: the rest of the output leaves */
	CONN_LINGER, /* closing: said goodbye, the peer's last bytes are dropped */
	CONN_DEAD,   /* socket closed, memory freed by the task */
};

enum conn_end {
	CONN_END_CLOSE,  /* the peer knows that this is the end */
	CONN_END_LINGER, /* the peer may still be sending */
	CONN_END_CUT,    /* as linger, without TLS goodbye: the answer is not whole */
	CONN_END_RESET,
};

union peer_addr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct conn {
	uint32_t magic;
	enum conn_state state;
	enum conn_end end; /* in FLUSH and later */
	bool eof;          /* the peer has said that it sends no more */
	unsigned blocked;  /* output waits for this event; 0 = none waits */
	struct httpd *httpd;
	struct conn *next, *prev;
	struct loop_io io;
	struct loop_timer timer;
	uint64_t timer_due_ms;
	struct loop_task task; /* end of turn: go on, flush, settle, or free */
	struct transport transport;
	union peer_addr peer;
	char peer_name[56]; /* made when first asked for */
	int tag;
	unsigned requests;
	bool known;           /* a handler has said so: httpd_known() */
	uint64_t since_ms;    /* start of the present state's deadline */
	uint64_t progress_ms; /* the kernel, or the peer, last took output */
	int kernel_queued;    /* what the peer had not taken then */
	size_t linger_left;   /* bytes still dropped for a peer's sake */
	struct bytes in;      /* received, not yet used */
	size_t in_pos, head_seen;
	struct http_req *req;
	struct out out;
};

struct http_req {
	uint32_t magic;
	struct conn *conn;
	struct http_head head; /* its views point into `text` */
	struct bytes body;
	size_t body_max;
	uint64_t body_left; /* by Content-Length */
	uint64_t promised;  /* how large the body may get while it is read */
	struct http_chunks chunks;
	uint64_t serial, started_ms;
	void *ctx;
	bool seen;        /* the handler knows this request */
	bool body_unread; /* answered before the body's end */
	/* the answer */
	bool started, chunked, close, paused;
	bool no_body;     /* HEAD, 204, 304 */
	bool counted;     /* `left` says how many bytes may follow */
	bool until_close; /* HTTP/1.0: the end of the connection is the end of the body */
	uint64_t left;
	struct http_header headers[]; /* then the head's text */
};

struct listener {
	struct httpd *httpd;
	struct loop_io io;
	struct tls_context *tls;
	int tag;
};

struct httpd {
	uint32_t magic;
	struct loop *loop;
	struct httpd_limits limits;
	struct httpd_handler handler;
	void *ctx;
	struct listener listeners[HTTPD_LISTENERS_MAX];
	unsigned listener_count;
	struct loop_timer accept_timer; /* accepting pauses */
	uint64_t paused_logged_ms, full_logged_ms, shed_ms;
	int fd_high; /* descriptors from this one on are kept for others than clients */
	struct loop_timer deaf_timer; /* looks for leavers among connections not read from */
	struct conn *conns;
	struct httpd_counts counts;
	uint64_t drain_began_ms;
	uint32_t drain_idle_ms; /* what connections without a request are given then */
	bool draining;
	void (*on_drained)(void *ctx);
	void *drained_ctx;
	struct loop_task drain_task;
	struct http_header *headers; /* the parser's array, limits.headers long */
	struct bytes text;           /* a head being written */
	int64_t date_s;
	char date[80];
	char *read; /* HTTPD_READ_BYTES, shared by all connections */
};

#define HTTPD_MAGIC 0x68747064u
#define CONN_MAGIC 0x636f6e6eu
#define REQ_MAGIC 0x72657131u

/* ---- httpd.c ---- */
/* One connection less. */
void httpd_conn_closed(struct httpd *httpd);
/* Some connection is in work and not read from: look once a second whether its peer is there. */
void httpd_watch_deaf(struct httpd *httpd);

/* ---- httpd_conn.c ---- */
/* Owns `fd`. `over_limit`: is told 503 and closed. */
void conn_new(struct listener *listener, int fd, const union peer_addr *peer, bool over_limit);
/* At the end of this turn: use waiting input, send output, watch what is needed. */
void conn_wake(struct conn *conn);
/* When an idle connection is to be closed while draining. */
uint64_t conn_drained_ms(const struct conn *conn);
/* Reads and uses what has arrived. */
void conn_read(struct conn *conn);
/* The answer is whole and the connection stays: on to the next request. Frees the request. */
void conn_next(struct conn *conn);
/* Frees the request and closes when the output has left. */
void conn_finish(struct conn *conn, enum conn_end end);
/* Answers with an error of our own, then closes; a handler that knows the request is told on_gone.
 */
void conn_refuse(struct conn *conn, int status, const char *why);
/* Closes the socket now; a handler with a request here is told on_gone. */
void conn_close(struct conn *conn, bool reset);
/* Only when closed. */
void conn_free(struct conn *conn);

/* ---- httpd_input.c ---- */
/* Uses new bytes, which follow those that wait; what can't be used yet is kept. */
void input_take(struct conn *conn, struct view data);
/* Uses what waits. */
void input_go_on(struct conn *conn);
/* `len` bytes were read straight into the body. */
void input_body_grew(struct conn *conn, size_t len);
/* Bytes received and not used yet. */
size_t input_waiting(const struct conn *conn);
/* Output waits above the mark: no further request is begun, so that a client that asks without
 * reading answers costs no more. */
bool input_is_clogged(const struct conn *conn);

/* ---- httpd_req.c ---- */
/* Copies the head and its text. */
struct http_req *req_new(struct conn *conn, const struct http_head *head, struct view text);
void req_free(struct http_req *req);

/* ---- httpd_answer.c ---- */
/* Queues an answer that announces the end of the connection. `words`: the handler's own JSON body;
 * empty = ours, made of `why`. */
void answer_refuse(struct conn *conn, int status, const char *why, struct view words);

#endif
