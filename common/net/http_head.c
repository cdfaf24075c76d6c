#include "http_head.h"

#include <string.h>
#include <strings.h>

/* Sets of bytes, one bit each. */
typedef const uint32_t byte_set[8];
/* RFC 9110 token */
static byte_set token_set = {0x00000000, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff, 0, 0, 0, 0};
/* What may stand in a line: tab, space, printable ASCII, bytes above 0x7f. */
static byte_set text_set = {
    0x00000200, 0xffffffff, 0xffffffff, 0x7fffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff};
/* Printable ASCII without " # < > \ */
static byte_set target_set = {0x00000000, 0xaffffff2, 0xefffffff, 0x7fffffff, 0, 0, 0, 0};
/* A host name or IPv4 address, wider than DNS, narrower than RFC 3986 */
static byte_set host_set = {0x00000000, 0x03ff6000, 0x87fffffe, 0x47fffffe, 0, 0, 0, 0};

/* Method and version beside the target in a request line. */
#define REQUEST_LINE_REST_BYTES 64

/* What the header lines said, before it is judged as a whole. */
struct facts {
	struct view host, authority;
	unsigned hosts, lengths, encodings;
	bool chunked, close, keep;
};

static bool
in_set(byte_set set, char c)
{
	unsigned char u = (unsigned char)c;
	return (set[u >> 5] >> (u & 31) & 1) != 0;
}

static bool
all_in_set(byte_set set, struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (!in_set(set, v.data[i]))
			return false;
	}
	return true;
}

static bool
bad(struct http_head *head, int status, const char *why)
{
	head->status = status;
	head->why = why;
	return false;
}

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* "host", "host:port", "[v6]:port"; the port may be empty but not above 65535. */
static bool
is_authority(struct view v)
{
	size_t i = 0;
	if (v.len > 0 && v.data[0] == '[') {
		for (i = 1;
		     i < v.len && (is_hex(v.data[i]) || v.data[i] == ':' || v.data[i] == '.');)
			i++;
		if (i < 3 || i == v.len || v.data[i++] != ']')
			return false;
	} else {
		while (i < v.len && in_set(host_set, v.data[i]))
			i++;
		if (i == 0)
			return false;
	}
	if (i == v.len)
		return true;
	uint64_t port = 0;
	struct view digits = view_from(v, i + 1);
	return v.data[i] == ':' &&
	       (digits.len == 0 || (view_to_u64(digits, &port) && port <= 65535));
}

/* "http://host[:port]" is cut off the absolute form. */
static bool
take_authority(struct http_head *head, struct view *target, struct facts *facts)
{
	size_t scheme = view_starts_nocase(*target, "http://")    ? 7
			: view_starts_nocase(*target, "https://") ? 8
								  : 0;
	if (scheme == 0)
		return bad(head, 400, "the request target must start with '/'");
	size_t end = scheme;
	while (end < target->len && target->data[end] != '/' && target->data[end] != '?')
		end++;
	facts->authority = view_sub(*target, scheme, end - scheme);
	*target = view_from(*target, end);
	return is_authority(facts->authority) ||
	       bad(head, 400, "bad authority in the request target");
}

static bool
parse_target(struct http_head *head, struct view target, struct facts *facts)
{
	if (!all_in_set(target_set, target))
		return bad(head, 400, "bad byte in the request target");
	for (size_t i = 0; i < target.len; i++) {
		if (target.data[i] == '%' && (i + 2 >= target.len || !is_hex(target.data[i + 1]) ||
						 !is_hex(target.data[i + 2])))
			return bad(head, 400, "bad percent encoding in the request target");
	}
	if (view_eq_str(target, "*")) {
		head->path = target;
		return head->method == HTTP_OPTIONS || bad(head, 400, "'*' is for OPTIONS only");
	}
	if ((target.len == 0 || target.data[0] != '/') && !take_authority(head, &target, facts))
		return false;
	ptrdiff_t mark = view_find_char(target, '?');
	head->path = mark < 0 ? target : view_sub(target, 0, (size_t)mark);
	if (mark >= 0)
		head->query = view_from(target, (size_t)mark + 1);
	return true;
}

static bool
parse_method(struct http_head *head)
{
	static const char *const names[] = {
	    [HTTP_GET] = "GET",
	    [HTTP_HEAD] = "HEAD",
	    [HTTP_POST] = "POST",
	    [HTTP_PUT] = "PUT",
	    [HTTP_DELETE] = "DELETE",
	    [HTTP_PATCH] = "PATCH",
	    [HTTP_OPTIONS] = "OPTIONS",
	};
	if (head->method_name.len == 0 || !all_in_set(token_set, head->method_name))
		return bad(head, 400, "bad method");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (view_eq_str(head->method_name, names[i])) {
			head->method = (enum http_method)i;
			return true;
		}
	}
	return bad(head, 501, "method not implemented");
}

static bool
parse_version(struct http_head *head, struct view version)
{
	if (version.len != 8 || !view_starts(version, "HTTP/") || version.data[6] != '.' ||
	    version.data[5] < '0' || version.data[5] > '9' || version.data[7] < '0' ||
	    version.data[7] > '9')
		return bad(head, 400, "bad request line");
	if (version.data[5] != '1' || version.data[7] > '1')
		return bad(head, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
	head->minor = (unsigned)(version.data[7] - '0');
	return true;
}

static bool
parse_request_line(struct http_head *head, struct view line, size_t target_max, struct facts *facts)
{
	ptrdiff_t space = view_find_char(line, ' ');
	if (space < 0)
		return bad(head, 400, "bad request line");
	head->method_name = view_sub(line, 0, (size_t)space);
	line = view_from(line, (size_t)space + 1);
	space = view_find_char(line, ' ');
	if (space < 0)
		return bad(head, 400, "bad request line");
	struct view target = view_sub(line, 0, (size_t)space);
	if (!parse_version(head, view_from(line, (size_t)space + 1)) || !parse_method(head))
		return false;
	if (target.len > target_max)
		return bad(head, 414, "request target too long");
	return parse_target(head, target, facts);
}

static bool
on_length(struct http_head *head, struct view value, struct facts *facts)
{
	if (facts->lengths++ > 0 || !view_to_u64(value, &head->length) || head->length > INT64_MAX)
		return bad(head, 400, "bad Content-Length");
	head->has_length = true;
	return true;
}

static bool
on_encoding(struct http_head *head, struct view value, struct facts *facts)
{
	if (facts->encodings++ > 0)
		return bad(head, 400, "more than one Transfer-Encoding");
	facts->chunked = view_eq_nocase(value, "chunked");
	return true;
}

static bool
on_expect(struct http_head *head, struct view value)
{
	if (!view_eq_nocase(value, "100-continue"))
		return bad(head, 417, "only 100-continue can be expected");
	head->expect_continue = head->minor == 1;
	return true;
}

static void
on_connection(struct view value, struct facts *facts)
{
	struct view option;
	while (view_split(&value, ',', &option)) {
		option = view_trim(option);
		facts->close = facts->close || view_eq_nocase(option, "close");
		facts->keep = facts->keep || view_eq_nocase(option, "keep-alive");
	}
}

/* Takes note of the headers that decide framing and connection. */
static bool
note_header(struct http_head *head, const struct http_header *header, struct facts *facts)
{
	struct view name = header->name;
	if (name.len == 4 && view_eq_nocase(name, "host")) {
		facts->host = header->value;
		return facts->hosts++ == 0 || bad(head, 400, "more than one Host");
	}
	if (name.len == 6 && view_eq_nocase(name, "expect"))
		return on_expect(head, header->value);
	if (name.len == 10 && view_eq_nocase(name, "connection"))
		on_connection(header->value, facts);
	if (name.len == 14 && view_eq_nocase(name, "content-length"))
		return on_length(head, header->value, facts);
	if (name.len == 17 && view_eq_nocase(name, "transfer-encoding"))
		return on_encoding(head, header->value, facts);
	return true;
}

/* `lines` are whole header lines, each with its CRLF; line ends and bytes were checked by scan. */
static bool
parse_headers(struct http_head *head, struct view lines, struct facts *facts)
{
	while (lines.len > 0) {
		size_t end = (size_t)view_find_char(lines, '\r');
		size_t colon = 0;
		while (in_set(token_set, lines.data[colon]))
			colon++;
		if (colon == 0 || lines.data[colon] != ':')
			return bad(head, 400, "bad header name");
		if (head->header_count == head->headers_max)
			return bad(head, 431, "too many headers");
		struct http_header *header = &head->headers[head->header_count++];
		header->name = view_sub(lines, 0, colon);
		header->value = view_trim(view_sub(lines, colon + 1, end - colon - 1));
		if (!note_header(head, header, facts))
			return false;
		lines = view_from(lines, end + 2);
	}
	return true;
}

static bool
eq_nocase(struct view a, struct view b)
{
	return a.len == b.len && strncasecmp(a.data, b.data, a.len) == 0;
}

static bool
judge(struct http_head *head, const struct facts *facts)
{
	if (facts->hosts == 0 && head->minor == 1)
		return bad(head, 400, "Host is missing");
	if (facts->hosts > 0 && !is_authority(facts->host))
		return bad(head, 400, "bad Host");
	if (facts->hosts > 0 && facts->authority.data != NULL &&
	    !eq_nocase(facts->host, facts->authority))
		return bad(head, 400, "Host and request target differ");
	if (facts->encodings > 0 && (head->has_length || head->minor == 0))
		return bad(head, 400, "Transfer-Encoding with Content-Length or HTTP/1.0");
	if (facts->encodings > 0 && !facts->chunked)
		return bad(head, 501, "Transfer-Encoding must be chunked");
	head->chunked = facts->chunked;
	head->keep_alive = !facts->close && (head->minor == 1 || facts->keep);
	return true;
}

/* Where the scan stands. */
struct scan {
	struct view data;
	size_t start; /* of the request line */
	size_t lines; /* start of the header lines; 0 = the request line is not complete */
	size_t pos;
	size_t head_max; /* the empty line ends here at the latest */
	size_t line_max; /* the request line too */
};

static enum http_head_state
scan_too_long(struct http_head *head, const struct scan *scan)
{
	if (scan->lines == 0 && scan->line_max < scan->head_max) {
		(void)bad(head, 414, "request target too long");
	} else {
		(void)bad(head, 431, "head too large");
	}
	return HTTP_HEAD_BAD;
}

/* Moves behind the next CRLF; DONE means one line more. A line holds text only. */
static enum http_head_state
scan_line(struct http_head *head, struct scan *scan)
{
	const char *data = scan->data.data;
	size_t max =
	    scan->lines == 0 && scan->line_max < scan->head_max ? scan->line_max : scan->head_max;
	size_t stop = scan->data.len < max ? scan->data.len : max;
	while (scan->pos < stop && in_set(text_set, data[scan->pos]))
		scan->pos++;
	if (scan->pos < stop && data[scan->pos] != '\r') {
		(void)bad(head, 400, "control byte or bare line feed");
		return HTTP_HEAD_BAD;
	}
	if (scan->pos + 1 >= stop)
		return stop == max ? scan_too_long(head, scan) : HTTP_HEAD_MORE;
	if (data[scan->pos + 1] != '\n') {
		(void)bad(head, 400, "bare carriage return");
		return HTTP_HEAD_BAD;
	}
	scan->pos += 2;
	return HTTP_HEAD_DONE;
}

/* To the end of the head. The request line is judged as soon as it is there, so that what is no
 * HTTP at all is refused at once. What comes first in the bytes is told first, whatever the split.
 */
static enum http_head_state
scan_head(struct http_head *head, struct scan *scan, size_t target_max, struct facts *facts)
{
	for (;;) {
		size_t line = scan->pos; /* after a resume it may start inside of a line */
		enum http_head_state state = scan_line(head, scan);
		if (state != HTTP_HEAD_DONE)
			return state;
		if (scan->lines == 0) {
			size_t len = scan->pos - 2 - scan->start;
			if (!parse_request_line(
				head, view_sub(scan->data, scan->start, len), target_max, facts))
				return HTTP_HEAD_BAD;
			scan->lines = scan->pos;
		} else if (scan->pos - 2 == line && scan->data.data[line - 1] == '\n') {
			return HTTP_HEAD_DONE;
		}
	}
}

enum http_head_state
http_head_parse(
    struct http_head *head, struct view data, size_t *seen, const struct http_head_limits *limits)
{
	struct facts facts = {0};
	struct scan scan = {.data = data, .head_max = limits->head_bytes, .pos = *seen};
	*head = (struct http_head){.headers = head->headers, .headers_max = head->headers_max};
	if (view_starts(data, "\r\n"))
		scan.start = 2;
	if (scan.pos < scan.start)
		scan.pos = scan.start;
	scan.line_max = scan.start + limits->target_bytes + REQUEST_LINE_REST_BYTES;
	ptrdiff_t first = view_find_char(view_sub(data, scan.start, scan.pos - scan.start), '\n');
	bool resumed = first >= 0;
	if (resumed)
		scan.lines = scan.start + (size_t)first + 1;
	enum http_head_state state = scan_head(head, &scan, limits->target_bytes, &facts);
	*seen = scan.pos;
	if (state != HTTP_HEAD_DONE)
		return state;
	struct view line = view_sub(data, scan.start, scan.lines - 2 - scan.start);
	struct view lines = view_sub(data, scan.lines, scan.pos - 2 - scan.lines);
	if ((resumed && !parse_request_line(head, line, limits->target_bytes, &facts)) ||
	    !parse_headers(head, lines, &facts) || !judge(head, &facts))
		return HTTP_HEAD_BAD;
	head->head_len = scan.pos;
	return HTTP_HEAD_DONE;
}
