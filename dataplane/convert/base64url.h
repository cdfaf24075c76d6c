/* base64url: RFC 4648 section 5 without padding. */
#ifndef PM_BASE64URL_H
#define PM_BASE64URL_H

#include "bytes.h"
#include "err.h"
#include "view.h"

MUST_CHECK bool base64url_encode(struct view in, struct bytes *out);
/* Strict: the alphabet only, no padding, no stray bits. */
MUST_CHECK bool base64url_decode(struct view in, struct bytes *out);

#endif
