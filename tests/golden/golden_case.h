/* golden_case: one folder of tests/golden/convert, read. */
#ifndef PM_GOLDEN_CASE_H
#define PM_GOLDEN_CASE_H

#include "bytes.h"
#include "convert.h"
#include <stdbool.h>

enum case_kind { CASE_REQUEST, CASE_REPLY, CASE_STREAM, CASE_ERROR };

struct golden_case {
	char folder[512];
	enum case_kind kind;
	struct convert_options options;
	char upstream_id[64], model[128];
	char expect_error[128];
	char loss[1200];
	bool has_loss; /* "loss=" stands there, perhaps empty */
	int status, out_status;
	bool thinking_always; /* of the model */
	struct caps caps;     /* then its row */
};

/* `folder` holds "meta". False with a line on stderr when it can't be read or has an unknown key.
 */
bool golden_case_read(struct golden_case *test, const char *folder);
/* A file of the folder; false when it is not there. */
bool golden_case_file(const struct golden_case *test, const char *name, struct bytes *out);
bool golden_case_write(const struct golden_case *test, const char *name, struct view text);

#endif
