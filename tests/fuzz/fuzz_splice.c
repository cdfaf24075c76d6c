/* Any request body: refused, or read and renamed so that the result is a body with the new name and
 * else the same bytes. */
#include "jsonspan.h"
#include "must.h"
#include "splice.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char target[] = "new \"name\"\\\x01";

/* Reads all in odd pieces. */
static void
read_all(const struct splice *splice, struct bytes *out)
{
	char piece[7];
	size_t len;
	while ((len = splice_read(splice, out->len, piece, sizeof(piece))) > 0)
		MUST(bytes_append(out, piece, len));
	MUST(out->len == splice->total_bytes);
}

static void
check_renamed(struct view body, const struct request_facts *before, struct view sent)
{
	struct request_facts after;
	size_t head = (size_t)(before->model_raw.data - body.data);
	struct view tail = view_from(body, head + before->model_raw.len);
	MUST(request_facts_read(sent, &after, NULL));
	MUST(strcmp(after.model, target) == 0);
	MUST(after.stream == before->stream);
	MUST(view_eq(view_sub(sent, 0, head), view_sub(body, 0, head)));
	MUST(view_eq(view_from(sent, head + after.model_raw.len), tail));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view body = view_make((const char *)data, size);
	struct request_facts facts;
	struct splice splice;
	struct bytes sent;
	struct err err = {0};
	char model[256];
	if (!request_facts_read(body, &facts, &err)) {
		MUST(err.kind == ERR_PARSE);
		return 0;
	}
	struct model_rule rule = {facts.model, target, false};
	splice_init(&splice, body, &facts, &rule, 1, model);
	bytes_init(&sent, size + 256);
	read_all(&splice, &sent);
	if (facts.model[0] != '\0')
		check_renamed(body, &facts, bytes_view(&sent));
	else
		MUST(view_eq(bytes_view(&sent), body));
	bytes_fini(&sent);
	splice_fini(&splice);
	return 0;
}
