/* When a certificate ends. */
#include "tls.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

#define CHAIN_MAX 32

/* Wall clock ms; false where the certificate's time is none. */
static bool
end_of(const X509 *cert, int64_t *at_ms)
{
	struct tm tm;
	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		return false;
	*at_ms = (int64_t)timegm(&tm) * 1000;
	return true;
}

bool
tls_chain_expiry(const char *cert_path, int64_t *at_ms, struct err *err)
{
	bool any = false, ok = true;
	BIO *file = BIO_new_file(cert_path, "r");
	for (int i = 0; file != NULL && ok && i < CHAIN_MAX; i++) {
		int64_t one_ms = 0;
		X509 *cert = PEM_read_bio_X509(file, NULL, NULL, NULL);
		if (cert == NULL)
			break;
		ok = end_of(cert, &one_ms);
		if (!any || one_ms < *at_ms)
			*at_ms = one_ms;
		any = true;
		X509_free(cert);
	}
	BIO_free(file);
	ERR_clear_error();
	if (file == NULL)
		return err_set(err, ERR_IO, cert_path, "cannot be opened");
	return (any && ok) ||
	       err_set(err, ERR_PARSE, cert_path, "holds no certificate that can be read");
}
