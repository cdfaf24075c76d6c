#include "answer.h"

#include "mem.h"

#define TEXT_BYTES_USUAL 1024

void
answer_init(struct answer *answer)
{
	*answer = (struct answer){0};
	bytes_init(&answer->text, ANSWER_BYTES_MAX);
}

void
answer_drop(struct answer *answer)
{
	bytes_fini(&answer->text);
	mem_free(answer->headers);
	answer->headers = NULL;
	answer->header_count = 0;
}

void
answer_fini(struct answer *answer)
{
	answer_drop(answer);
	answer->status = 0;
}

/* "HTTP/1.1 200 OK" -> 200; 0 for anything else. */
static int
read_status(struct view line)
{
	ptrdiff_t space = view_find_char(line, ' ');
	uint64_t code = 0;
	if (space < 0 || !view_starts(line, "HTTP/"))
		return 0;
	struct view rest = view_from(line, (size_t)space + 1);
	if (!view_to_u64(view_sub(rest, 0, 3), &code) || code < 100 || code > 599)
		return 0;
	return rest.len == 3 || rest.data[3] == ' ' ? (int)code : 0;
}

static bool
is_token(struct view name)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		bool alnum =
		    (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (!alnum && view_find_char(view_of(others), c) < 0)
			return false;
	}
	return name.len > 0;
}

static bool
is_clean(struct view value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.data[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* Two different lengths are an attack on whoever reads only one of them. */
static bool
take_length(struct answer *answer, struct view value)
{
	uint64_t length = 0;
	if (!view_to_u64(value, &length) || (answer->has_length && length != answer->length))
		return false;
	answer->has_length = true;
	answer->length = length;
	return true;
}

static bool
split_lines(struct answer *answer)
{
	struct view rest = bytes_view(&answer->text);
	struct view line;
	bool coded = false;
	(void)view_split(&rest, '\n', &line); /* the status line */
	while (view_split(&rest, '\n', &line)) {
		ptrdiff_t colon = view_find_char(line, ':');
		struct http_header header = {view_sub(line, 0, colon < 0 ? 0 : (size_t)colon),
		    view_trim(view_from(line, (size_t)(colon + 1)))};
		if (!is_token(header.name) || !is_clean(header.value))
			return false;
		if (view_eq_nocase(header.name, "content-length") &&
		    !take_length(answer, header.value))
			return false;
		if (view_eq_nocase(header.name, "transfer-encoding"))
			coded = true;
		answer->headers[answer->header_count++] = header;
	}
	answer->has_length = answer->has_length && !coded;
	return true;
}

static size_t
count_lines(struct view text)
{
	size_t lines = 0;
	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n';
	return lines;
}

static enum answer_result
end_head(struct answer *answer)
{
	struct view text = bytes_view(&answer->text);
	ptrdiff_t end = view_find_char(text, '\n');
	int status = read_status(view_sub(text, 0, end < 0 ? 0 : (size_t)end));
	/* We never ask to switch protocols. */
	if (status == 0 || status == 101)
		return ANSWER_BAD;
	if (status < 200) {
		bytes_clear(&answer->text);
		return ANSWER_MORE;
	}
	size_t lines = count_lines(text);
	if (lines > ANSWER_HEADERS_MAX + 1)
		return ANSWER_TOO_BIG;
	answer->headers = mem_calloc(lines, sizeof(*answer->headers));
	if (!split_lines(answer))
		return ANSWER_BAD;
	answer->status = status;
	return ANSWER_WHOLE;
}

enum answer_result
answer_line(struct answer *answer, struct view line)
{
	if (answer->status != 0)
		return ANSWER_MORE;
	if (line.len > 0 && line.data[line.len - 1] == '\n')
		line.len--;
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	if (line.len == 0)
		return end_head(answer);
	bool room = answer->text.cap > 0 || bytes_reserve(&answer->text, TEXT_BYTES_USUAL);
	if (!room || !bytes_append_view(&answer->text, line) ||
	    !bytes_append_char(&answer->text, '\n'))
		return ANSWER_TOO_BIG;
	return ANSWER_MORE;
}

struct view
answer_header(const struct answer *answer, const char *name)
{
	for (size_t i = 0; i < answer->header_count; i++) {
		if (view_eq_nocase(answer->headers[i].name, name))
			return answer->headers[i].value;
	}
	return (struct view){0};
}
