/* usage_filter: takes the event that tells the use of tokens out of a Chat stream whose client has
 * not asked for it (we have, see rewrite.h). PURE.
 *
 * OpenAI's form of it: the last chunk before [DONE], with an empty "choices" and "usage". Vendors
 * that put usage into the chunk with the finish_reason keep it there: clients skip what they do not
 * know, but some fall over a chunk without choices. */
#ifndef PM_USAGE_FILTER_H
#define PM_USAGE_FILTER_H

#include "bytes.h"
#include "view.h"

#define USAGE_FILTER_BYTES_MAX ((size_t)16 * 1024) /* a longer event passes */

struct usage_filter {
	struct bytes held; /* the beginning of an event */
	bool off;          /* an event was too long: all passes from there on */
};

void usage_filter_init(struct usage_filter *filter);
void usage_filter_fini(struct usage_filter *filter);
/* Bytes of the stream from the piece on in which its finish_reason stood (before that the event
 * cannot come, and bytes pass without this). What is to pass is appended to `out`, which must have
 * room for `in` and what is held. */
void usage_filter_feed(struct usage_filter *filter, struct view in, struct bytes *out);
/* The stream has ended: the rest of what was held. */
void usage_filter_end(struct usage_filter *filter, struct bytes *out);

#endif
