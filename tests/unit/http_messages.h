/* Requests that a strict server must refuse, and those it must accept: one list for the pure
 * parsers and for the whole server. A message is one whole request; `status` is the answer, 200 =
 * accepted. `body` is what the handler must get. */
#ifndef PM_TEST_HTTP_MESSAGES_H
#define PM_TEST_HTTP_MESSAGES_H

#include "bytes.h"
#include "mem.h"
#include <check.h>
#include <stddef.h>

struct http_message {
	int status;
	struct view text;
	const char *body;
	size_t fill; /* so many 'f' and `tail` follow the text */
	const char *tail;
};

#define REFUSE(status, text)                                                                       \
	{                                                                                          \
		(status), {(text), sizeof(text) - 1}, NULL, 0, ""                                  \
	}
#define ACCEPT(text, body)                                                                         \
	{                                                                                          \
		200, {(text), sizeof(text) - 1}, (body), 0, ""                                     \
	}
#define REFUSE_FILLED(status, text, fill, tail)                                                    \
	{                                                                                          \
		(status), {(text), sizeof(text) - 1}, NULL, (fill), (tail)                         \
	}
#define ACCEPT_FILLED(text, fill, tail)                                                            \
	{                                                                                          \
		200, {(text), sizeof(text) - 1}, "", (fill), (tail)                                \
	}
#define GET "GET / HTTP/1.1\r\n"
#define POST "POST /p HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define CHUNKED POST HOST "Transfer-Encoding: chunked\r\n\r\n"
#define H8 "a: b\r\na: b\r\na: b\r\na: b\r\na: b\r\na: b\r\na: b\r\na: b\r\n"
#define H64 H8 H8 H8 H8 H8 H8 H8 H8

static const struct http_message http_messages[] = {
#include "http_messages.inc"
};

#define HTTP_MESSAGES (sizeof(http_messages) / sizeof(http_messages[0]))

static inline void
http_message_free(struct view text)
{
	mem_free((void *)(uintptr_t)text.data);
}

/* The whole message; the caller http_message_free's it. */
static inline struct view
http_message_text(const struct http_message *message)
{
	struct bytes text;
	bytes_init(&text, 1u << 20);
	ck_assert(bytes_append_view(&text, message->text));
	ck_assert(bytes_reserve(&text, message->fill));
	for (size_t i = 0; i < message->fill; i++)
		text.data[text.len++] = 'f';
	ck_assert(bytes_append_str(&text, message->tail));
	struct view whole = view_make(mem_dup(bytes_view(&text)), text.len);
	bytes_fini(&text);
	return whole;
}

#endif
