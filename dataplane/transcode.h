/* transcode: one upstream call through dataplane/convert. PURE. */
#ifndef PM_TRANSCODE_H
#define PM_TRANSCODE_H

#include "convert.h"
#include "table.h"
#include "view.h"
#include <stddef.h>
#include <stdint.h>

struct transcode_call {
	enum protocol client;
	const struct table *table;
	const struct upstream_entry *entry;
	struct view body;  /* the client's; must outlive the conversion */
	const char *id;    /* the exchange's */
	bool strict;       /* what would be lost is refused */
	bool streams;      /* the upstream is asked for a stream, whatever the client wants */
	bool thinks;       /* thinking is on where the client says nothing of it */
	const char *model; /* as the upstream gets it */
	int64_t wall_ms;
};

/* The conversion of the request to the entry's protocol (which may be the client's own), its body
 * appended to `body`. NULL and `err` when it cannot be carried:
 * ERR_PARSE, ERR_PEER (`at` names the field) or ERR_LIMIT. */
struct convert *transcode_new(
    const struct transcode_call *call, struct bytes *body, struct err *err);
/* The conversion of an answer alone, of an entry that speaks the client's protocol and gets the
 * request as it is: from a stream to a whole one or back. NULL and `err` as above. */
struct convert *transcode_answer(const struct transcode_call *call, struct err *err);
/* Where an entry of another protocol than the client's is asked for answers. Static. */
struct view transcode_path(const struct upstream_entry *entry);
/* A body that holds opaque state that we have put there: only who minted it may get it. */
bool transcode_has_state(struct view body);
/* What could not be carried over so far, for x-pointsman-loss; "" when nothing. */
void transcode_loss(const struct convert *convert, char *out, size_t out_len);

#endif
