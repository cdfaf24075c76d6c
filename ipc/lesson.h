/* lesson: something that one upstream refuses in requests for one model, learned from a 400 that
 * named it: what is sent there without it until the lesson ends. */
#ifndef PM_LESSON_H
#define PM_LESSON_H

#include <stdint.h>

#define LESSON_NAME_BYTES 96

enum lesson_kind {
	LESSON_BETA,      /* a value of the anthropic-beta header */
	LESSON_FIELD,     /* a top-level member of the body, or of its objects: "a.b" */
	LESSON_THINKING,  /* signed thinking that it cannot verify: thinking blocks of the past */
	LESSON_ENCRYPTED, /* encrypted reasoning that it cannot read: reasoning items of the past */
};
/* "beta", "field", "thinking", "encrypted"; NULL at the end. */
extern const char *const lesson_kind_words[];

struct lesson {
	enum lesson_kind kind;
	char name[LESSON_NAME_BYTES]; /* "" where the kind says all */
	int64_t until_ms;             /* wall clock */
};

/* With whom it was learned. */
struct lesson_of {
	char *upstream; /* upstream_entry.id */
	char *model;    /* as the upstream is asked for it; "" = any */
	struct lesson lesson;
};

#endif
