#include "crypto.h"
#include "mem.h"
#include "must.h"
#include "netaddr.h"
#include "upstream_private.h"
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRANSFER_MAGIC 0x78666572u
/* Below this libcurl sends head and body by one call. */
#define SMALL_BODY_BYTES 65536
#define UPLOAD_BYTES_MIN 16384
#define UPLOAD_BYTES_MAX ((size_t)256 * 1024)

#define EASY(option, value) MUST(curl_easy_setopt(easy, option, value) == CURLE_OK)

struct transfer {
	uint32_t magic;
	struct upstreams *upstreams;
	struct lane *lane;
	CURL *easy; /* NULL once ended */
	const struct transfer_events *events;
	void *ctx;
	struct answer answer;
	struct bytes headers;
	struct curl_slist *header_list; /* one block of nodes */
	char *small_body;
	char *upload; /* libcurl's buffer for a large body, NULL before the first read */
	size_t upload_bytes;
	uint64_t body_bytes, body_at;
	unsigned requests; /* how often libcurl was about to send this one */
	bool any_address, denied, starved, stopped;
	enum transport forced; /* why we stopped it */
	char detail[CURL_ERROR_SIZE];
};

/* ---- how it ended ---- */

/* The connection was an old one and died without a byte of an answer. */
static bool
is_stale(const struct transfer *transfer, CURLcode code)
{
	long connects = 1;
	if (transfer->answer.status != 0 || transfer->answer.text.len > 0)
		return false;
	if (transfer->requests > 1 || code == CURLE_SEND_FAIL_REWIND)
		return true;
	(void)curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connects);
	return transfer->requests == 1 && connects == 0 &&
	       (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING);
}

static enum transport
connect_failure(const struct transfer *transfer)
{
	if (transfer->starved)
		return TRANSPORT_INTERNAL;
	return transfer->denied ? TRANSPORT_DENIED : TRANSPORT_CONNECT;
}

static enum transport
code_to_transport(const struct transfer *transfer, CURLcode code)
{
	static const struct {
		CURLcode code;
		enum transport transport;
	} rows[] = {
	    {CURLE_COULDNT_RESOLVE_HOST, TRANSPORT_RESOLVE},
	    {CURLE_COULDNT_RESOLVE_PROXY, TRANSPORT_RESOLVE},
	    {CURLE_OPERATION_TIMEDOUT, TRANSPORT_TIMEOUT_CONNECT}, /* its own 300 s */
	    {CURLE_SSL_CONNECT_ERROR, TRANSPORT_TLS},
	    {CURLE_PEER_FAILED_VERIFICATION, TRANSPORT_TLS},
	    {CURLE_SSL_CACERT_BADFILE, TRANSPORT_TLS}, {CURLE_SSL_CERTPROBLEM, TRANSPORT_TLS},
	    {CURLE_SSL_CIPHER, TRANSPORT_TLS}, {CURLE_SSL_INVALIDCERTSTATUS, TRANSPORT_TLS},
	    {CURLE_SEND_ERROR, TRANSPORT_SEND}, {CURLE_RECV_ERROR, TRANSPORT_RECEIVE},
	    {CURLE_GOT_NOTHING, TRANSPORT_RECEIVE}, {CURLE_PARTIAL_FILE, TRANSPORT_RECEIVE},
	    {CURLE_UNSUPPORTED_PROTOCOL, TRANSPORT_BAD_ANSWER}, /* HTTP/0.9 and worse */
	    {CURLE_WEIRD_SERVER_REPLY, TRANSPORT_BAD_ANSWER},
	    {CURLE_BAD_CONTENT_ENCODING, TRANSPORT_BAD_ANSWER},
	    {CURLE_OUT_OF_MEMORY, TRANSPORT_HEAD_TOO_BIG}, /* its word for a head over 100 kB */
	};
	if (transfer->stopped)
		return transfer->forced;
	if (code == CURLE_OK)
		return transfer->answer.status != 0 ? TRANSPORT_OK : TRANSPORT_BAD_ANSWER;
	if (is_stale(transfer, code))
		return TRANSPORT_STALE;
	if (code == CURLE_COULDNT_CONNECT)
		return connect_failure(transfer);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].code == code)
			return rows[i].transport;
	}
	return TRANSPORT_INTERNAL;
}

/* ---- libcurl's callbacks for one transfer ---- */

static size_t
stop(struct transfer *transfer, enum transport transport)
{
	transfer->stopped = true;
	transfer->forced = transport;
	return 0;
}

static size_t
on_header(char *data, size_t size, size_t count, void *ctx)
{
	struct transfer *transfer = ctx;
	size_t len = size * count;
	switch (answer_line(&transfer->answer, view_make(data, len))) {
	case ANSWER_MORE:
		return len;
	case ANSWER_WHOLE:
		if (transfer->events->on_head(&transfer->answer, transfer->ctx))
			return len;
		return stop(transfer, TRANSPORT_CANCELLED);
	case ANSWER_TOO_BIG:
		return stop(transfer, TRANSPORT_HEAD_TOO_BIG);
	case ANSWER_BAD:
	default:
		return stop(transfer, TRANSPORT_BAD_ANSWER);
	}
}

static size_t
on_write(char *data, size_t size, size_t count, void *ctx)
{
	struct transfer *transfer = ctx;
	size_t len = size * count;
	switch (transfer->events->on_bytes(view_make(data, len), transfer->ctx)) {
	case TRANSFER_GO:
		return len;
	case TRANSFER_PAUSE:
		return CURL_WRITEFUNC_PAUSE;
	case TRANSFER_STOP:
	default:
		return stop(transfer, TRANSPORT_CANCELLED);
	}
}

static size_t
on_read(char *out, size_t size, size_t count, void *ctx)
{
	struct transfer *transfer = ctx;
	if (transfer->body_at == 0) {
		transfer->upload = out;
		transfer->upload_bytes = size * count;
	}
	size_t got = transfer->events->read(transfer->body_at, out, size * count, transfer->ctx);
	transfer->body_at += got;
	return got;
}

/* Before each sending of the request. libcurl sends a request that died on an old connection again
 * without a word, which upstreams bill: whether to try again is for us to say. */
static int
on_prerequest(void *ctx, char *ip, char *local_ip, int port, int local_port)
{
	struct transfer *transfer = ctx;
	(void)ip;
	(void)local_ip;
	(void)port;
	(void)local_port;
	transfer->requests++;
	return transfer->requests > 1 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static curl_socket_t
on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *transfer = ctx;
	(void)purpose;
	if (!transfer->any_address && netaddr_is_denied(&address->addr)) {
		transfer->denied = true;
		return CURL_SOCKET_BAD;
	}
	int type = address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK;
	int fd = socket(address->family, type, address->protocol);
	if (fd < 0) {
		transfer->starved = true;
	} else {
		socks_opened(&transfer->upstreams->socks, fd);
	}
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* A connection outlives the transfer that opened it. */
static int
on_close(void *ctx, curl_socket_t fd)
{
	struct upstreams *upstreams = ctx;
	socks_closed(&upstreams->socks, fd);
	return close(fd);
}

/* ---- one transfer ---- */

static void
drop_request(struct transfer *transfer)
{
	if (transfer->headers.data != NULL)
		crypto_wipe(transfer->headers.data, transfer->headers.cap);
	bytes_fini(&transfer->headers);
	mem_free(transfer->header_list);
	transfer->header_list = NULL;
	mem_free(transfer->small_body);
	transfer->small_body = NULL;
}

/* Out of libcurl's hands. */
static void
detach(struct transfer *transfer, bool whole)
{
	pool_leave(transfer->lane, transfer->easy, whole);
	transfer->easy = NULL;
	drop_request(transfer);
}

void
transfer_ended(struct transfer *transfer, CURLcode code)
{
	MAGIC_CHECK(transfer, TRANSFER_MAGIC);
	enum transport transport = code_to_transport(transfer, code);
	if (transport != TRANSPORT_OK && transfer->detail[0] == '\0') {
		(void)snprintf(
		    transfer->detail, sizeof(transfer->detail), "%s", curl_easy_strerror(code));
	}
	detach(transfer, code == CURLE_OK);
	transfer->events->on_done(transport, transfer->detail, transfer->ctx);
}

static void
set_callbacks(struct transfer *transfer)
{
	CURL *easy = transfer->easy;
	EASY(CURLOPT_PRIVATE, transfer);
	EASY(CURLOPT_ERRORBUFFER, transfer->detail);
	EASY(CURLOPT_HEADERFUNCTION, on_header);
	EASY(CURLOPT_HEADERDATA, transfer);
	EASY(CURLOPT_WRITEFUNCTION, on_write);
	EASY(CURLOPT_WRITEDATA, transfer);
	EASY(CURLOPT_PREREQFUNCTION, on_prerequest);
	EASY(CURLOPT_PREREQDATA, transfer);
	EASY(CURLOPT_OPENSOCKETFUNCTION, on_open);
	EASY(CURLOPT_OPENSOCKETDATA, transfer);
	EASY(CURLOPT_CLOSESOCKETFUNCTION, on_close);
	EASY(CURLOPT_CLOSESOCKETDATA, transfer->upstreams);
}

static void
set_connection(struct transfer *transfer, const struct transfer_call *call)
{
	static const struct {
		CURLoption option;
		long value;
	} fixed[] = {
	    {CURLOPT_NOSIGNAL, 1},
	    {CURLOPT_QUICK_EXIT, 1}, /* else a slow DNS blocks the loop */
	    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
	    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
	    {CURLOPT_PATH_AS_IS, 1},
	    {CURLOPT_HTTP_CONTENT_DECODING, 0},
	    {CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BYTES_MIN},
	    {CURLOPT_TCP_KEEPALIVE, 1},
	    {CURLOPT_TCP_KEEPIDLE, 60},
	    {CURLOPT_TCP_KEEPINTVL, 30},
	    {CURLOPT_MAXAGE_CONN, 30},
	    {CURLOPT_MAXLIFETIME_CONN, 300},
	};
	CURL *easy = transfer->easy;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		EASY(fixed[i].option, fixed[i].value);
	EASY(CURLOPT_NOPROXY, "*");
	EASY(CURLOPT_PROTOCOLS_STR, "http,https");
	/* With a CAPATH each connection reads the whole bundle again: 23 ms and 0.9 MB. */
	EASY(CURLOPT_CAPATH, NULL);
	EASY(CURLOPT_CAINFO, transfer->upstreams->ca_file);
	EASY(CURLOPT_FRESH_CONNECT, call->fresh ? 1L : 0L);
	if (call->unix_path != NULL) {
		EASY(CURLOPT_UNIX_SOCKET_PATH, call->unix_path);
		EASY(CURLOPT_FORBID_REUSE, 1L); /* a new one costs nothing and is never stale */
	}
}

static void
set_body(struct transfer *transfer)
{
	CURL *easy = transfer->easy;
	uint64_t bytes = transfer->body_bytes;
	EASY(CURLOPT_POST, 1L);
	EASY(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)bytes);
	if (bytes < SMALL_BODY_BYTES) {
		transfer->small_body = mem_alloc((size_t)bytes + 1);
		while (transfer->body_at < bytes) {
			char *out = transfer->small_body + transfer->body_at;
			size_t left = (size_t)(bytes - transfer->body_at);
			MUST(on_read(out, 1, left, transfer) > 0);
		}
		EASY(CURLOPT_POSTFIELDS, transfer->small_body);
		return;
	}
	uint64_t buffer = bytes < UPLOAD_BYTES_MAX ? bytes : UPLOAD_BYTES_MAX;
	EASY(CURLOPT_UPLOAD_BUFFERSIZE, (long)buffer);
	EASY(CURLOPT_READFUNCTION, on_read);
	EASY(CURLOPT_READDATA, transfer);
}

/* The nodes are ours, in one block: libcurl only walks them. */
static struct curl_slist *
make_nodes(const struct bytes *headers)
{
	size_t count = 0;
	for (size_t i = 0; i < headers->len; i++)
		count += headers->data[i] == '\0';
	struct curl_slist *nodes = mem_calloc(count + 1, sizeof(*nodes));
	char *text = headers->data;
	for (size_t i = 0; i < count; i++) {
		nodes[i].data = text;
		nodes[i].next = &nodes[i + 1];
		text += view_of(text).len + 1;
	}
	/* Else libcurl waits up to a second for "100 Continue" before a large body. */
	static char no_expect[] = "Expect:";
	nodes[count].data = no_expect;
	return nodes;
}

static void
set_request(struct transfer *transfer, const struct transfer_call *call)
{
	CURL *easy = transfer->easy;
	struct view method = view_of(call->method);
	EASY(CURLOPT_URL, call->url);
	transfer->header_list = make_nodes(&transfer->headers);
	EASY(CURLOPT_HTTPHEADER, transfer->header_list);
	bool post = view_eq_str(method, "POST");
	if (post || call->body_bytes > 0 || view_eq_str(method, "PUT") ||
	    view_eq_str(method, "PATCH"))
		set_body(transfer);
	if (view_eq_str(method, "HEAD")) {
		EASY(CURLOPT_NOBODY, 1L);
	} else if (!post && !view_eq_str(method, "GET")) {
		EASY(CURLOPT_CUSTOMREQUEST, call->method);
	}
}

struct transfer *
transfer_start(struct upstreams *upstreams, const struct transfer_call *call)
{
	struct transfer *transfer = MEM_NEW(struct transfer);
	MAGIC_SET(transfer, TRANSFER_MAGIC);
	transfer->upstreams = upstreams;
	transfer->easy = pool_easy(upstreams);
	transfer->events = call->events;
	transfer->ctx = call->ctx;
	transfer->body_bytes = call->body_bytes;
	transfer->any_address = call->any_address || call->unix_path != NULL;
	transfer->headers = *call->headers;
	bytes_init(call->headers, 0);
	answer_init(&transfer->answer);
	set_callbacks(transfer);
	set_connection(transfer, call);
	set_request(transfer, call);
	transfer->lane = pool_enter(upstreams, transfer->easy);
	return transfer;
}

bool
transfer_connected(const struct transfer *transfer)
{
	return transfer->requests > 0;
}

bool
transfer_sent(const struct transfer *transfer)
{
	curl_off_t sent = 0;
	if (transfer->easy == NULL || transfer->body_bytes < SMALL_BODY_BYTES)
		return transfer->body_at == transfer->body_bytes;
	/* What it has read may still lie in its own buffer. */
	(void)curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
	return (uint64_t)sent == transfer->body_bytes;
}

void
transfer_resume(struct transfer *transfer)
{
	MAGIC_CHECK(transfer, TRANSFER_MAGIC);
	if (transfer->easy != NULL)
		pool_resume(transfer->lane, transfer->easy);
}

/* libcurl keeps its upload buffer until the end of the call, which may be an hour away. What it
 * will not read again need not stay in memory: whole pages inside the buffer become empty ones. */
static void
drop_upload_pages(struct transfer *transfer)
{
	curl_off_t sent = 0;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t skip = (page - (uintptr_t)transfer->upload % page) % page;
	(void)curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
	if (transfer->upload != NULL && (uint64_t)sent == transfer->body_bytes &&
	    transfer->upload_bytes >= skip + page) {
		size_t len = (transfer->upload_bytes - skip) / page * page;
		(void)madvise(transfer->upload + skip, len, MADV_DONTNEED);
	}
	transfer->upload = NULL;
}

bool
transfer_drop_request(struct transfer *transfer)
{
	MAGIC_CHECK(transfer, TRANSFER_MAGIC);
	if (transfer->easy == NULL)
		return true;
	if (transfer->header_list != NULL) {
		CURL *easy = transfer->easy;
		EASY(CURLOPT_HTTPHEADER, NULL);
		drop_request(transfer);
	}
	if (transfer->body_bytes >= SMALL_BODY_BYTES)
		drop_upload_pages(transfer);
	return transfer->body_at == transfer->body_bytes;
}

void
transfer_stop(struct transfer *transfer)
{
	MAGIC_CHECK(transfer, TRANSFER_MAGIC);
	if (transfer->easy != NULL)
		detach(transfer, false);
}

void
transfer_free(struct transfer *transfer)
{
	if (transfer == NULL)
		return;
	transfer_stop(transfer);
	answer_fini(&transfer->answer);
	MAGIC_CLEAR(transfer);
	mem_free(transfer);
}
