#include "writer.h"
#include "must.h"
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

void
writer_init(struct writer *out, size_t max_bytes)
{
	bytes_init(&out->bytes, max_bytes);
	out->full = false;
}

void
writer_fini(struct writer *out)
{
	bytes_fini(&out->bytes);
}

void
writer_view(struct writer *out, struct view v)
{
	out->full |= !bytes_append_view(&out->bytes, v);
}

static void
put_string(struct writer *out, struct view v)
{
	writer_view(out, VIEW("\""));
	out->full |= !bytes_append_json(&out->bytes, v);
	writer_view(out, VIEW("\""));
}

void
writer_put(struct writer *out, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	for (; *fmt != '\0'; fmt++) {
		size_t plain = strcspn(fmt, "'$");
		writer_view(out, view_make(fmt, plain));
		fmt += plain;
		if (*fmt == '\0')
			break;
		if (*fmt == '\'') {
			writer_view(out, VIEW("\""));
			continue;
		}
		switch (*++fmt) {
		case 's':
			put_string(out, va_arg(args, struct view));
			break;
		case 'r':
			writer_view(out, va_arg(args, struct view));
			break;
		case 'u':
			out->full |= !bytes_printf(&out->bytes, "%" PRIu64, va_arg(args, uint64_t));
			break;
		case 'i':
			out->full |= !bytes_printf(&out->bytes, "%" PRId64, va_arg(args, int64_t));
			break;
		case 'b':
			writer_view(out, view_of(va_arg(args, int) ? "true" : "false"));
			break;
		default:
			must_fail(__FILE__, __LINE__, "a letter that templates know");
		}
	}
	va_end(args);
}

struct view
writer_text(const struct writer *out)
{
	return bytes_view(&out->bytes);
}
