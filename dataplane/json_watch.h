/* json_watch: looks out for the members `usage`, `model` and `id` of a JSON text that comes in
 * pieces and may be of any size, in bounded memory. PURE.
 *
 * Only members of the top object count, and those of its member `response` or `message`; of usage
 * also a member of `choices` (some vendors), and of the items in `output` and of `item` their type.
 * What a model has written, however it looks, lies deeper or in a string. */
#ifndef PM_JSON_WATCH_H
#define PM_JSON_WATCH_H

#include "bytes.h"
#include "view.h"
#include <stdbool.h>
#include <stdint.h>

#define JSON_WATCH_BYTES_MAX 32768 /* of a usage object; a longer one is not told */
#define JSON_WATCH_NAME_MAX 128

/* A text as in the source. */
struct json_watch_text {
	char bytes[JSON_WATCH_NAME_MAX + 1]; /* what is longer is cut */
	uint8_t len;
};

struct json_watch {
	uint32_t depth;   /* of the present place; 1 = inside of the top object */
	uint64_t objects; /* bit d: the container at depth d is an object; deeper than 63 nothing
			     counts */
	bool in_string, escaped;
	bool key_next; /* the next string is a member's name */
	enum json_watch_use {
		JSON_WATCH_TEXT,
		JSON_WATCH_KEY,
		JSON_WATCH_NAME,
		JSON_WATCH_TYPE
	} use;                        /* of the present string */
	struct json_watch_text *into; /* NAME: which it is */
	bool inner;                   /* inside of `response` or `message` */
	enum json_watch_list {
		JSON_WATCH_NO_LIST,
		JSON_WATCH_CHOICES,
		JSON_WATCH_OUTPUT,
		JSON_WATCH_ITEM,
	} list;                /* the last of them that was opened */
	uint32_t member_depth; /* ... and where its objects' members are */
	char key[12];
	uint8_t key_len;
	uint8_t type_len;       /* of an item's type, as far as it is that of a search */
	uint32_t capture_depth; /* 0 = nothing is being kept */
	bool overlong;
	struct bytes captured;
	struct json_watch_text model, id; /* the first ones */
	bool has_usage, usage_inner;      /* `captured` is whole; it was the inner object's */
	uint32_t searches;                /* items of `output` that are a "web_search_call" */
	bool item_is_search;              /* `item` is one */
};

void json_watch_init(struct json_watch *watch);
void json_watch_fini(struct json_watch *watch);
/* For a new text; memory is kept. */
void json_watch_reset(struct json_watch *watch);
/* The next piece. Stops behind a usage object (has_usage; take it, then feed the rest). Returns how
 * many bytes were used. */
size_t json_watch_feed(struct json_watch *watch, struct view bytes);

#endif
