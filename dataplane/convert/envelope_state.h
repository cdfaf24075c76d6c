/* envelope_state: opaque state of one upstream (thinking signatures, encrypted reasoning) in a
 * tagged, versioned string that a foreign client echoes: "pmt1." wire "." upstream "."
 * base64url({"k":"t"|"r","x":text,"s":signature,"i":item id}) where upstream is 12 hex digits of
 * the upstream id's hash: opaque state goes back to its minter only. */
#ifndef PM_ENVELOPE_STATE_H
#define PM_ENVELOPE_STATE_H

#include "arena.h"
#include "bytes.h"
#include "err.h"
#include "model.h"
#include <stdbool.h>

/* Wraps a THINKING or REDACTED part (text, signature, item id) minted by `wire`/`upstream`. The
 * text written is a _text (no byte of it needs escaping). False at out's limit. */
MUST_CHECK bool envelope_state_wrap(
    enum wire wire, struct view upstream_plain, const struct part *part, struct bytes *out);
enum envelope_state_result {
	ENVELOPE_STATE_OURS,    /* part filled (arena memory): it goes back to its minter */
	ENVELOPE_STATE_FOREIGN, /* ours, but of another wire or upstream: drop it */
	ENVELOPE_STATE_NONE,    /* no envelope: a vendor's own blob or anything else */
	ENVELOPE_STATE_BROKEN,  /* our prefix, but damaged: drop and note */
};
enum envelope_state_result envelope_state_unwrap(struct view text, enum wire wire,
    struct view upstream_plain, struct arena *arena, struct part *out);

#endif
