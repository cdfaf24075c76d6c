/* tls: contexts and their reload, and httpd behind TLS. Certificates are made in a folder that goes
 * with the test. */
#include "tls.h"

#include "clock.h"
#include "fileio.h"
#include "httpd_rig.h"
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ASK "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"

extern char **environ;

static struct rig rig;
static char folder[64], cert_path[96], key_path[96], other_cert_path[96], other_key_path[96];

/* ---- certificates ---- */

static void
make_certificate_for(const char *days, const char *name, const char *cert, const char *key)
{
	char subject[64];
	snprintf(subject, sizeof(subject), "/CN=%s", name);
	const char *args[] = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
	    "ec_paramgen_curve:P-256", "-nodes", "-days", days, "-subj", subject, "-keyout", key,
	    "-out", cert, NULL};
	posix_spawn_file_actions_t quiet;
	pid_t pid;
	int status;
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
	ck_assert_int_eq(
	    posix_spawnp(&pid, "openssl", &quiet, NULL, (char *const *)(uintptr_t)args, environ),
	    0);
	posix_spawn_file_actions_destroy(&quiet);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static void
make_certificate(const char *name, const char *cert, const char *key)
{
	make_certificate_for("2", name, cert, key);
}

static void
make_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/pm_tls_XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(cert_path, sizeof(cert_path), "%s/cert.pem", folder);
	snprintf(key_path, sizeof(key_path), "%s/key.pem", folder);
	snprintf(other_cert_path, sizeof(other_cert_path), "%s/other.pem", folder);
	snprintf(other_key_path, sizeof(other_key_path), "%s/other_key.pem", folder);
	make_certificate("first", cert_path, key_path);
	make_certificate("second", other_cert_path, other_key_path);
}

static void
drop_folder(void)
{
	unlink(cert_path);
	unlink(key_path);
	unlink(other_cert_path);
	unlink(other_key_path);
	rmdir(folder);
}

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

/* ---- a client ---- */

struct tls_client {
	struct rig *rig;
	SSL_CTX *context;
	SSL *ssl;
	int fd;
	struct loop_io io;
	struct bytes got, out;
	bool ready, eof;
	bool goodbye; /* the server said close_notify */
	bool silent;  /* does not read */
};

static void
tls_client_pump(struct tls_client *client)
{
	char block[65536];
	int rc = 1;
	if (!client->ready) {
		rc = SSL_connect(client->ssl);
		client->ready = rc == 1;
	}
	while (client->ready && client->out.len > 0) {
		size_t sent = 0;
		rc = SSL_write_ex(client->ssl, client->out.data, client->out.len, &sent);
		if (rc != 1)
			break;
		bytes_consume(&client->out, sent);
	}
	bool write = rc != 1 && SSL_get_error(client->ssl, rc) == SSL_ERROR_WANT_WRITE;
	while (client->ready && !client->silent && !client->eof) {
		size_t got = 0;
		rc = SSL_read_ex(client->ssl, block, sizeof(block), &got);
		if (rc != 1)
			break;
		ck_assert(bytes_append(&client->got, block, got));
	}
	int error = rc == 1 ? SSL_ERROR_NONE : SSL_get_error(client->ssl, rc);
	if (error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ &&
	    error != SSL_ERROR_WANT_WRITE) {
		client->eof = true;
		client->goodbye = error == SSL_ERROR_ZERO_RETURN;
	}
	loop_io_watch(&client->io,
	    client->eof ? 0 : (client->silent ? 0 : LOOP_READ) | (write ? LOOP_WRITE : 0));
}

static void
on_tls_client_io(struct loop_io *io, unsigned events, void *ctx)
{
	(void)io;
	(void)events;
	tls_client_pump(ctx);
	loop_stop(((struct tls_client *)ctx)->rig->loop);
}

static int
connect_raw(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(rig.port)};
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(
	    connect(fd, (const struct sockaddr *)(const void *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

/* `session` (may be NULL) is offered for resumption. */
static void
tls_client_open(struct tls_client *client, int version, SSL_SESSION *session)
{
	static const unsigned char alpn[] = "\x02h2\x08http/1.1";
	*client = (struct tls_client){.rig = &rig, .fd = connect_raw()};
	bytes_init(&client->got, RIG_GOT_MAX);
	bytes_init(&client->out, RIG_GOT_MAX);
	client->context = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_min_proto_version(client->context, version);
	SSL_CTX_set_max_proto_version(client->context, version);
	SSL_CTX_set_mode(
	    client->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	client->ssl = SSL_new(client->context);
	SSL_set_alpn_protos(client->ssl, alpn, sizeof(alpn) - 1);
	SSL_set_fd(client->ssl, client->fd);
	if (session != NULL)
		SSL_set_session(client->ssl, session);
	loop_io_init(&client->io, rig.loop, client->fd, on_tls_client_io, client);
	tls_client_pump(client);
}

static void
tls_client_send(struct tls_client *client, struct view data)
{
	ck_assert(bytes_append_view(&client->out, data));
	tls_client_pump(client);
}

static bool
tls_client_has(const struct tls_client *client, const char *needle)
{
	return view_find(bytes_view(&client->got), needle) >= 0;
}

static void
tls_client_close(struct tls_client *client)
{
	loop_io_fini(&client->io);
	SSL_free(client->ssl);
	SSL_CTX_free(client->context);
	close(client->fd);
	bytes_fini(&client->got);
	bytes_fini(&client->out);
}

/* The name in the certificate that the server showed. */
static void
assert_served_by(const struct tls_client *client, const char *name)
{
	char text[64] = "";
	X509 *cert = SSL_get1_peer_certificate(client->ssl);
	ck_assert_ptr_nonnull(cert);
	X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, text, sizeof(text));
	X509_free(cert);
	ck_assert_str_eq(text, name);
}

/* ---- the server ---- */

static struct tls_context *tls;

static void
start(void)
{
	struct err err = {0};
	make_folder();
	tls = tls_context_new(cert_path, key_path, &err);
	ck_assert_msg(tls != NULL, "%s: %s", err.at, err.msg);
	rig_init(&rig);
	rig.limits.tls_ms = 300;
	rig_start(&rig, tls);
}

static void
stop(void)
{
	rig_fini(&rig);
	tls_context_free(tls);
	drop_folder();
}

START_TEST(requests_and_answers)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	start();
	for (size_t i = 0; i < 2; i++) {
		struct tls_client client;
		const unsigned char *proto;
		unsigned proto_len;
		tls_client_open(&client, versions[i], NULL);
		tls_client_send(&client, VIEW(ASK));
		RIG_UNTIL(&rig, tls_client_has(&client, "GET /a\n"));
		SSL_get0_alpn_selected(client.ssl, &proto, &proto_len);
		ck_assert(view_eq_str(view_make((const char *)proto, proto_len), "http/1.1"));
		for (unsigned k = 0; k < 1000; k++)
			ck_assert(bytes_append_str(&client.out, ASK));
		bytes_clear(&client.got);
		tls_client_send(
		    &client, VIEW("GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
		RIG_UNTIL(&rig, client.eof);
		ck_assert(client.goodbye && tls_client_has(&client, "GET /last\n"));
		ck_assert_uint_eq(rig.requests, (i + 1) * 1002);
		tls_client_close(&client);
	}
	stop();
}
END_TEST

START_TEST(large_bodies)
{
	struct tls_client client;
	struct bytes body;
	start();
	bytes_init(&body, 5000000);
	ck_assert(bytes_reserve(&body, 5000000));
	for (body.len = 0; body.len < 5000000; body.len++)
		body.data[body.len] = (char)('a' + body.len * 7 % 26);
	tls_client_open(&client, TLS1_3_VERSION, NULL);
	tls_client_send(
	    &client, VIEW("POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n"));
	tls_client_send(&client, bytes_view(&body));
	RIG_UNTIL(&rig, rig.held != NULL);
	ck_assert(view_eq(bytes_view(&rig.last_body), bytes_view(&body)));
	httpd_reply(rig.held, 200, NULL, 0, bytes_view(&body));
	RIG_UNTIL(&rig, client.got.len > 5000000);
	ptrdiff_t end = view_find(bytes_view(&client.got), "\r\n\r\n");
	RIG_UNTIL(&rig, client.got.len == (size_t)end + 4 + 5000000);
	ck_assert(view_eq(view_from(bytes_view(&client.got), (size_t)end + 4), bytes_view(&body)));
	tls_client_close(&client);
	bytes_fini(&body);
	stop();
}
END_TEST

START_TEST(backpressure)
{
	struct tls_client client;
	start();
	rig.to_stream = 20u << 20;
	tls_client_open(&client, TLS1_3_VERSION, NULL);
	RIG_UNTIL(&rig, client.ready);
	tls_client_send(&client, VIEW("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"));
	client.silent = true;
	loop_io_watch(&client.io, 0);
	RIG_UNTIL(&rig, rig.requests == 1);
	for (unsigned i = 0; i < 100; i++)
		rig_step(&rig);
	ck_assert_uint_gt(rig.to_stream, 0);
	ck_assert_uint_le(rig.queued_max, rig.limits.out_high_bytes + 8192 + 64);
	client.silent = false;
	tls_client_pump(&client);
	RIG_UNTIL(&rig, view_ends(bytes_view(&client.got), "\r\n0\r\n\r\n"));
	ck_assert_uint_ge(client.got.len, 20u << 20);
	tls_client_close(&client);
	stop();
}
END_TEST

/* What is read ahead stays bounded, and what the library holds is not forgotten. */
START_TEST(pipelined_behind_a_held_one)
{
	struct tls_client client;
	start();
	tls_client_open(&client, TLS1_3_VERSION, NULL);
	for (unsigned i = 0; i < 5000; i++)
		ck_assert(bytes_append_str(
		    &client.out, i == 0 ? "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n" : ASK));
	tls_client_pump(&client);
	RIG_UNTIL(&rig, rig.held != NULL);
	for (unsigned i = 0; i < 10; i++)
		rig_step(&rig);
	ck_assert_uint_eq(rig.requests, 1);
	httpd_reply(rig.held, 200, NULL, 0, VIEW("held\n"));
	RIG_UNTIL(&rig, rig.requests == 5000);
	tls_client_close(&client);
	stop();
}
END_TEST

/* A request of 18 KB in two records: the end of the second is read ahead no more, and no event will
 * tell of it. */
START_TEST(half_a_record_is_not_forgotten)
{
	static const size_t records[] = {3000, 15050};
	struct tls_client client;
	char ask[20000];
	start();
	int len =
	    snprintf(ask, sizeof(ask), "GET /b HTTP/1.1\r\nHost: a\r\nX: %018017d\r\n\r\n", 0);
	ck_assert_int_eq(len, 18050);
	tls_client_open(&client, TLS1_3_VERSION, NULL);
	tls_client_send(&client, VIEW("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
	RIG_UNTIL(&rig, rig.held != NULL);
	for (size_t i = 0, at = 0; i < 2; at += records[i++]) {
		tls_client_send(&client, view_make(ask + at, records[i]));
		for (unsigned steps = 0; steps < 10; steps++)
			rig_step(&rig);
	}
	httpd_reply(rig.held, 200, NULL, 0, VIEW("held\n"));
	RIG_UNTIL(&rig, tls_client_has(&client, "GET /b\n"));
	tls_client_close(&client);
	stop();
}
END_TEST

START_TEST(leavers)
{
	start();
	for (unsigned how = 0; how < 3; how++) {
		struct tls_client client;
		tls_client_open(&client, TLS1_3_VERSION, NULL);
		tls_client_send(&client, VIEW("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
		RIG_UNTIL(&rig, rig.held != NULL);
		if (how == 0)
			SSL_shutdown(client.ssl);
		else if (how == 1)
			shutdown(client.fd, SHUT_WR);
		else
			tls_client_close(&client);
		RIG_UNTIL(&rig, rig.gone == how + 1);
		if (how < 2)
			tls_client_close(&client);
		RIG_UNTIL(&rig, rig_counts(&rig).connections == 0);
	}
	stop();
}
END_TEST

/* A cut answer must not end like a whole one. */
START_TEST(a_cut_has_no_goodbye)
{
	struct tls_client client;
	start();
	tls_client_open(&client, TLS1_3_VERSION, NULL);
	tls_client_send(&client, VIEW("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
	RIG_UNTIL(&rig, rig.held != NULL);
	ck_assert_int_eq(httpd_detach(rig.held), -1);
	httpd_start(rig.held, 200, NULL, 0, HTTPD_CHUNKED, 0);
	ck_assert(httpd_write(rig.held, VIEW("half")));
	httpd_abort(rig.held, HTTPD_CUT);
	RIG_UNTIL(&rig, client.eof);
	ck_assert(!client.goodbye && tls_client_has(&client, "4\r\nhalf\r\n"));
	tls_client_close(&client);
	stop();
}
END_TEST

START_TEST(handshakes_end)
{
	static const char *const texts[] = {"", "\x16\x03\x01", ASK, "\x16\x03\x01\x02\x00\x01"};
	start();
	for (size_t i = 0; i < 4; i++) {
		char sink[256];
		int fd = connect_raw();
		uint64_t start_ms = clock_mono_ms();
		ck_assert_int_eq(
		    send(fd, texts[i], strlen(texts[i]), 0), (ssize_t)strlen(texts[i]));
		RIG_UNTIL(
		    &rig, rig_counts(&rig).accepted == i + 1 && rig_counts(&rig).connections == 0);
		ck_assert_uint_lt(clock_mono_ms() - start_ms, 1000);
		(void)!recv(fd, sink, sizeof(sink), 0);
		close(fd);
	}
	struct tls_client client;
	tls_client_open(&client, TLS1_1_VERSION, NULL);
	RIG_UNTIL(&rig, client.eof);
	ck_assert(!client.ready);
	tls_client_close(&client);
	stop();
}
END_TEST

/* ---- reload ---- */

static SSL_SESSION *
talk(SSL_SESSION *session, const char *name, bool resumed)
{
	struct tls_client client;
	tls_client_open(&client, TLS1_3_VERSION, session);
	tls_client_send(&client, VIEW(ASK));
	RIG_UNTIL(&rig, tls_client_has(&client, "GET /a\n"));
	ck_assert_int_eq(SSL_session_reused(client.ssl), resumed);
	assert_served_by(&client, name);
	SSL_SESSION *fresh = SSL_get1_session(client.ssl);
	SSL_shutdown(client.ssl); /* else the library takes the session for broken */
	tls_client_close(&client);
	SSL_SESSION_free(session);
	return fresh;
}

START_TEST(reload)
{
	struct tls_client old;
	struct err err = {0};
	bool changed = true;
	start();
	tls_client_open(&old, TLS1_3_VERSION, NULL);
	RIG_UNTIL(&rig, old.ready);
	ck_assert(tls_context_check(tls, &changed, &err) && !changed);
	/* Half of a change: the old certificate stays, and the fault is told once. */
	ck_assert_int_eq(rename(other_cert_path, cert_path), 0);
	ck_assert(!tls_context_check(tls, &changed, &err) && changed);
	ck_assert_str_eq(err.at, key_path);
	ck_assert(tls_context_check(tls, &changed, &err) && !changed);
	SSL_SESSION_free(talk(NULL, "first", false));
	ck_assert_int_eq(rename(other_key_path, key_path), 0);
	ck_assert(tls_context_check(tls, &changed, &err) && changed);
	SSL_SESSION_free(talk(NULL, "second", false));
	tls_client_send(&old, VIEW(ASK));
	RIG_UNTIL(&rig, tls_client_has(&old, "GET /a\n"));
	assert_served_by(&old, "first");
	tls_client_close(&old);
	/* Rubbish and absence. */
	write_file(cert_path, "-----BEGIN CERTIFICATE-----\nrubbish\n");
	ck_assert(!tls_context_reload(tls, &err));
	ck_assert(err.kind == ERR_CONFIG && strcmp(err.at, cert_path) == 0);
	unlink(cert_path);
	ck_assert(!tls_context_reload(tls, &err));
	SSL_SESSION_free(talk(NULL, "second", false));
	ck_assert_ptr_null(tls_context_new(cert_path, key_path, &err));
	stop();
}
END_TEST

/* Tickets are good in every process with the same key, and after a reload. */
START_TEST(resumption)
{
	struct err err = {0};
	start();
	SSL_SESSION *session = talk(NULL, "first", false);
	session = talk(session, "first", true);
	ck_assert(tls_context_reload(tls, &err));
	session = talk(session, "first", true);
	rig_fini(&rig);
	tls_context_free(tls);
	tls = tls_context_new(cert_path, key_path, &err);
	rig_init(&rig);
	rig_start(&rig, tls);
	session = talk(session, "first", true);
	rig_fini(&rig);
	tls_context_free(tls);
	tls = tls_context_new(other_cert_path, other_key_path, &err);
	rig_init(&rig);
	rig_start(&rig, tls);
	SSL_SESSION_free(talk(session, "second", false));
	stop();
}
END_TEST

START_TEST(the_end_of_a_certificate)
{
	struct err err;
	int64_t at_ms = 0;
	struct bytes both;
	char chain[112], chain_key[112];
	make_folder();
	ck_assert_msg(tls_chain_expiry(cert_path, &at_ms, &err), "%s", err.msg);
	int64_t left_ms = at_ms - clock_wall_ms();
	ck_assert_int_le(left_ms, 2 * INT64_C(86400000));
	ck_assert_int_gt(left_ms, 2 * INT64_C(86400000) - 600000);
	/* A key is no certificate; nor is what is not there. */
	ck_assert(!tls_chain_expiry(key_path, &at_ms, &err));
	ck_assert(!tls_chain_expiry("/nonexistent/c.pem", &at_ms, &err));
	/* Of a chain the first to end counts, wherever it stands. */
	snprintf(chain, sizeof(chain), "%s/chain.pem", folder);
	snprintf(chain_key, sizeof(chain_key), "%s/chain_key.pem", folder);
	make_certificate_for("1", "sooner", chain, chain_key);
	bytes_init(&both, 65536);
	ck_assert(fileio_read(other_cert_path, &both, &err));
	ck_assert(fileio_read(chain, &both, &err));
	ck_assert(fileio_write(chain, bytes_view(&both), 0600, &err));
	bytes_fini(&both);
	ck_assert(tls_chain_expiry(chain, &at_ms, &err));
	ck_assert_int_le(at_ms - clock_wall_ms(), INT64_C(86400000));
	ck_assert_int_gt(at_ms, clock_wall_ms());
	unlink(chain);
	unlink(chain_key);
	drop_folder();
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("tls");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, requests_and_answers);
	tcase_add_test(tcase, large_bodies);
	tcase_add_test(tcase, backpressure);
	tcase_add_test(tcase, pipelined_behind_a_held_one);
	tcase_add_test(tcase, half_a_record_is_not_forgotten);
	tcase_add_test(tcase, leavers);
	tcase_add_test(tcase, a_cut_has_no_goodbye);
	tcase_add_test(tcase, handshakes_end);
	tcase_add_test(tcase, reload);
	tcase_add_test(tcase, the_end_of_a_certificate);
	tcase_add_test(tcase, resumption);
	Suite *suite = suite_create("tls");
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
