/* tls: server side TLS for httpd (with crypto the only OpenSSL includer). */
#ifndef PM_TLS_H
#define PM_TLS_H

#include "err.h"
#include <stdint.h>

struct tls_context;

/* Loads chain and key (PEM); TLS >= 1.2, resumption by tickets. */
struct tls_context *tls_context_new(const char *cert_path, const char *key_path, struct err *err);
/* Reads the files anew: new connections get the new certificate, open ones go on; on any fault the
 * old one stays and err says why. */
MUST_CHECK bool tls_context_reload(struct tls_context *ctx, struct err *err);
/* Reloads when the files' times changed since the last load; *changed tells. Cheap: two stats. */
MUST_CHECK bool tls_context_check(struct tls_context *ctx, bool *changed, struct err *err);
void tls_context_free(struct tls_context *ctx);

/* When the first certificate of a chain file (PEM) to expire does so, wall clock ms. False: the
 * file cannot be read, or holds none. */
MUST_CHECK bool tls_chain_expiry(const char *cert_path, int64_t *at_ms, struct err *err);

#endif
