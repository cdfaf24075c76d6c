/* banner: what a person reads when everything answers. */
#ifndef PM_BANNER_H
#define PM_BANNER_H

#include "bytes.h"
#include "err.h"
#include <jansson.h>
#include <stdint.h>

/* Appends the banner for `ready` (the content of ready.json) to `out`. The client key and the admin
 * token are shown in clear only when this start minted them. False when `ready` is not what
 * ipc/README.md says or a key file cannot be read. */
MUST_CHECK bool banner_print(
    const json_t *ready, uint16_t port, uint16_t admin_port, struct bytes *out, struct err *err);

#endif
