/* Any request body: refused, or changed in all ways there are so that it is still JSON, with the
 * new model's name and, where nothing was asked for, the same bytes. */
#include "jsonspan.h"
#include "must.h"
#include "rewrite.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char source[] = "*", target[] = "new \"name\"\\\x01", id[] = "claude:a", any[] = "";
static char model[] = "new \"name\"\\\x01";

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
send(struct rewrite_call *call, size_t size, struct bytes *out)
{
	struct rewrite rewrite;
	bytes_init(out, size * 2 + 4096);
	MUST(rewrite_init(&rewrite, call, NULL));
	read_all(&rewrite.splice, out);
	rewrite_fini(&rewrite);
}

static void
check_plain(const struct rewrite_call *asked, size_t size)
{
	struct rewrite_call own = *asked, *call = &own;
	struct bytes sent;
	struct table table = {.refs = 1};
	call->table = &table;
	send(call, size, &sent);
	MUST(view_eq(bytes_view(&sent), call->body));
	bytes_fini(&sent);
}

static void
check_changed(const struct rewrite_call *asked, size_t size)
{
	struct rewrite_call own = *asked, *call = &own;
	struct lesson_of lessons[] = {
	    {id, model, {LESSON_FIELD, "x", INT64_MAX}},
	    {id, model, {LESSON_FIELD, "tools.x", INT64_MAX}},
	    {id, model, {LESSON_FIELD, "metadata.x", INT64_MAX}},
	    {id, model, {LESSON_THINKING, "", INT64_MAX}},
	    {id, model, {LESSON_ENCRYPTED, "", INT64_MAX}},
	};
	struct model_rule rule = {source, target, true};
	struct table table = {.refs = 1,
	    .model_rules = &rule,
	    .model_rule_count = 1,
	    .cache_marks_max = 1,
	    .lessons = lessons,
	    .lesson_count = sizeof(lessons) / sizeof(lessons[0])};
	struct request_facts after;
	struct bytes sent;
	call->table = &table;
	send(call, size, &sent);
	MUST(request_facts_read(bytes_view(&sent), &after, NULL));
	if (call->facts->model[0] != '\0')
		MUST(strcmp(after.model, target) == 0);
	MUST(after.stream == call->facts->stream);
	bytes_fini(&sent);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view body = view_make((const char *)data, size);
	struct request_facts facts;
	struct err err = {0};
	if (!request_facts_read(body, &facts, &err)) {
		MUST(err.kind == ERR_PARSE);
		return 0;
	}
	struct upstream_entry entry = {.id = id, .name = any, .protocol = PROTOCOL_ANTHROPIC};
	struct rewrite_call call = {.entry = &entry,
	    .protocol = size % 2 == 0 ? PROTOCOL_ANTHROPIC : PROTOCOL_RESPONSES,
	    .body = body,
	    .facts = &facts,
	    .generates = true};
	check_plain(&call, size);
	check_changed(&call, size);
	return 0;
}
