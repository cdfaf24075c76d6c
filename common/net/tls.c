#include "tls.h"

#include "crypto.h"
#include "loop.h"
#include "mem.h"
#include "must.h"
#include "transport.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/stat.h>

#define TICKET_KEY_BYTES 80
#define KEY_BYTES_MAX 16384

/* What tells a new file from the old one. */
struct file_mark {
	struct timespec changed;
	ino_t inode;
	off_t size;
};

struct tls_context {
	SSL_CTX *ssl;
	char *cert_path, *key_path;
	struct file_mark cert_mark, key_mark;
};

/* ---- the context ---- */

/* err from OpenSSL's own queue, which is emptied. */
static bool
fail(struct err *err, const char *path, const char *what)
{
	char text[160] = "no reason given";
	unsigned long code = ERR_peek_last_error();
	if (code != 0)
		ERR_error_string_n(code, text, sizeof(text));
	ERR_clear_error();
	return err_set(err, ERR_CONFIG, path, "%s: %s", what, text);
}

static struct file_mark
mark(const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return (struct file_mark){0};
	return (struct file_mark){st.st_mtim, st.st_ino, st.st_size};
}

static bool
same_mark(struct file_mark a, struct file_mark b)
{
	return a.changed.tv_sec == b.changed.tv_sec && a.changed.tv_nsec == b.changed.tv_nsec &&
	       a.inode == b.inode && a.size == b.size;
}

/* Tickets are sealed with keys made from the private key, so that every process with the same
 * certificate resumes the others' sessions, over reloads too, without a word between them. */
static bool
set_ticket_keys(SSL_CTX *ssl)
{
	unsigned char key[KEY_BYTES_MAX], keys[CRYPTO_SHA256_BYTES * 3];
	unsigned char *end = key;
	EVP_PKEY *pkey = SSL_CTX_get0_privatekey(ssl);
	int size = i2d_PrivateKey(pkey, NULL);
	if (size <= 0 || size > KEY_BYTES_MAX || i2d_PrivateKey(pkey, &end) != size)
		return false;
	struct view secret = view_make((const char *)key, (size_t)size);
	for (size_t i = 0; i < 3; i++) {
		char label[] = "session tickets 0";
		label[sizeof(label) - 2] = (char)('0' + i);
		crypto_hmac_sha256(secret, view_of(label), keys + i * CRYPTO_SHA256_BYTES);
	}
	bool ok = SSL_CTX_set_tlsext_ticket_keys(ssl, keys, TICKET_KEY_BYTES) == 1;
	crypto_wipe(key, sizeof(key));
	crypto_wipe(keys, sizeof(keys));
	return ok;
}

/* HTTP/1.1 is all there is: chosen when offered, else the extension is ignored. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
    unsigned int in_len, void *arg)
{
	static const unsigned char name[] = "http/1.1";
	(void)ssl;
	(void)arg;
	for (unsigned i = 0; i < in_len && in[i] < in_len - i; i += in[i] + 1u) {
		if (in[i] == sizeof(name) - 1 && memcmp(in + i + 1, name, in[i]) == 0) {
			*out = in + i + 1;
			*out_len = in[i];
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_NOACK;
}

static bool
configure(SSL_CTX *ssl, const struct tls_context *ctx, struct err *err)
{
	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF |
				     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	/* Buffers go while nothing is under way: 16 KB instead of 49 KB for an open stream. */
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_select_cb(ssl, on_alpn, NULL);
	if (SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_num_tickets(ssl, 1) != 1)
		return fail(err, "tls", "TLS cannot be set up");
	if (SSL_CTX_use_certificate_chain_file(ssl, ctx->cert_path) != 1)
		return fail(err, ctx->cert_path, "no usable certificate chain");
	if (SSL_CTX_use_PrivateKey_file(ssl, ctx->key_path, SSL_FILETYPE_PEM) != 1)
		return fail(err, ctx->key_path, "no usable private key");
	if (SSL_CTX_check_private_key(ssl) != 1)
		return fail(err, ctx->key_path, "the key does not belong to the certificate");
	return set_ticket_keys(ssl) || fail(err, ctx->key_path, "no ticket keys from this key");
}

bool
tls_context_reload(struct tls_context *ctx, struct err *err)
{
	/* Taken before reading: a file that changes meanwhile is read again by the next check. */
	ctx->cert_mark = mark(ctx->cert_path);
	ctx->key_mark = mark(ctx->key_path);
	ERR_clear_error();
	SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());
	if (ssl == NULL)
		return fail(err, "tls", "TLS cannot be set up");
	if (!configure(ssl, ctx, err)) {
		SSL_CTX_free(ssl);
		return false;
	}
	SSL_CTX_free(ctx->ssl); /* open connections keep their own reference */
	ctx->ssl = ssl;
	return true;
}

bool
tls_context_check(struct tls_context *ctx, bool *changed, struct err *err)
{
	*changed = !same_mark(ctx->cert_mark, mark(ctx->cert_path)) ||
		   !same_mark(ctx->key_mark, mark(ctx->key_path));
	return !*changed || tls_context_reload(ctx, err);
}

struct tls_context *
tls_context_new(const char *cert_path, const char *key_path, struct err *err)
{
	struct tls_context *ctx = MEM_NEW(struct tls_context);
	ctx->cert_path = mem_dup_str(cert_path);
	ctx->key_path = mem_dup_str(key_path);
	if (tls_context_reload(ctx, err))
		return ctx;
	tls_context_free(ctx);
	return NULL;
}

void
tls_context_free(struct tls_context *ctx)
{
	if (ctx == NULL)
		return;
	SSL_CTX_free(ctx->ssl);
	mem_free(ctx->cert_path);
	mem_free(ctx->key_path);
	mem_free(ctx);
}

/* ---- the transport ---- */

static enum transport_result
outcome(struct transport *transport, int rc)
{
	int reason = SSL_get_error(transport->tls, rc);
	transport->unread = false;
	if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) {
		transport->wants = reason == SSL_ERROR_WANT_READ ? LOOP_READ : LOOP_WRITE;
		return TRANSPORT_AGAIN;
	}
	/* After SSL and SYSCALL errors the session must not be used, not even for a goodbye. */
	if (reason != SSL_ERROR_ZERO_RETURN)
		SSL_set_quiet_shutdown(transport->tls, 1);
	return reason == SSL_ERROR_ZERO_RETURN ? TRANSPORT_EOF : TRANSPORT_FAIL;
}

static enum transport_result
tls_handshake(struct transport *transport)
{
	ERR_clear_error();
	int rc = SSL_accept(transport->tls);
	return rc == 1 ? TRANSPORT_OK : outcome(transport, rc);
}

static enum transport_result
tls_read(struct transport *transport, void *data, size_t len, size_t *got)
{
	ERR_clear_error();
	int rc = SSL_read_ex(transport->tls, data, len, got);
	if (rc != 1)
		return outcome(transport, rc);
	transport->unread = SSL_pending(transport->tls) > 0;
	return TRANSPORT_OK;
}

static enum transport_result
tls_write(struct transport *transport, const struct iovec *parts, int count, size_t *sent)
{
	*sent = 0;
	for (int i = 0; i < count; i++) {
		size_t part = 0;
		ERR_clear_error();
		int rc = SSL_write_ex(transport->tls, parts[i].iov_base, parts[i].iov_len, &part);
		if (rc != 1) {
			bool unread = transport->unread;
			enum transport_result result = outcome(transport, rc);
			transport->unread = unread;
			return *sent > 0 && result == TRANSPORT_AGAIN ? TRANSPORT_OK : result;
		}
		*sent += part;
		if (part < parts[i].iov_len)
			break;
	}
	return TRANSPORT_OK;
}

static void
tls_goodbye(struct transport *transport)
{
	ERR_clear_error();
	(void)SSL_shutdown(transport->tls);
}

static void
tls_fini(struct transport *transport)
{
	SSL_free(transport->tls);
	transport->tls = NULL;
}

bool
transport_init_tls(struct transport *transport, int fd, struct tls_context *context)
{
	static const struct transport_ops ops = {
	    tls_handshake,
	    tls_read,
	    tls_write,
	    tls_goodbye,
	    tls_fini,
	};
	transport_init_plain(transport, fd);
	SSL *ssl = SSL_new(context->ssl);
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		return false;
	}
	transport->ops = &ops;
	transport->tls = ssl;
	return true;
}
