#include "secret.h"
#include "crypto.h"
#include "mem.h"
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

bool
secret_set(struct secret *secret, struct view v)
{
	if (v.len > SECRET_BYTES_MAX)
		return false;
	secret->hidden = v.len > 0 ? mem_dup(v) : NULL;
	secret->len = v.len;
	return true;
}

void
secret_fini(struct secret *secret)
{
	if (secret->hidden != NULL)
		crypto_wipe(secret->hidden, secret->len);
	mem_free(secret->hidden);
	*secret = (struct secret){0};
}

struct view
secret_reveal(const struct secret *secret)
{
	return view_make(secret->hidden, secret->len);
}

bool
secret_is_empty(const struct secret *secret)
{
	return secret->len == 0;
}

void
secret_mask(const struct secret *secret, char out[SECRET_MASK_BYTES])
{
	if (secret->len < 16) {
		snprintf(out, SECRET_MASK_BYTES, "%s", secret->len > 0 ? "set" : "");
		return;
	}
	snprintf(out, SECRET_MASK_BYTES, "%.3s...%.4s", secret->hidden,
	    secret->hidden + secret->len - 4);
	/* Masks are shown in pages and JSON: bytes that could spoil those do not get there. */
	for (char *c = out; *c != '\0'; c++) {
		if (*c <= ' ' || *c > '~')
			*c = '?';
	}
}

void
secret_guard_process(void)
{
	const struct rlimit none = {0, 0};
	(void)setrlimit(RLIMIT_CORE, &none);
	if (!SANITIZED)
		(void)prctl(PR_SET_DUMPABLE, 0);
}
