#include "ledger.h"
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct line {
	char *data;
	size_t len;
};

struct ledger {
	int fd; /* -1: none (any more) */
	uint64_t file_bytes;
	uint64_t newest; /* n of the newest line */
	struct writer line;
	struct line kept[LEDGER_KEPT_LINES_MAX]; /* line n is at n % LEDGER_KEPT_LINES_MAX */
	uint64_t oldest;                         /* n of the oldest kept one */
	size_t kept_bytes;
};

struct ledger *
ledger_new(const char *path, struct err *err)
{
	struct stat info;
	int fd = -1;
	if (path != NULL) {
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (fd < 0 || fstat(fd, &info) != 0) {
			(void)err_errno(err, path, "the ledger cannot be opened");
			if (fd >= 0)
				close(fd);
			return NULL;
		}
	}
	struct ledger *ledger = MEM_NEW(struct ledger);
	ledger->fd = fd;
	ledger->file_bytes = fd >= 0 ? (uint64_t)info.st_size : 0;
	ledger->oldest = 1;
	writer_init(&ledger->line, LEDGER_LINE_BYTES_MAX);
	return ledger;
}

void
ledger_free(struct ledger *ledger)
{
	if (ledger == NULL)
		return;
	for (uint64_t n = ledger->oldest; n <= ledger->newest; n++)
		mem_free(ledger->kept[n % LEDGER_KEPT_LINES_MAX].data);
	if (ledger->fd >= 0)
		close(ledger->fd);
	writer_fini(&ledger->line);
	mem_free(ledger);
}

struct writer *
ledger_begin(struct ledger *ledger, uint64_t seq, const char *event)
{
	if (ledger == NULL)
		return NULL;
	struct writer *line = &ledger->line;
	bytes_clear(&line->bytes);
	line->full = false;
	writer_put(line, "{'n':$u,'ts_ms':$i,'seq':$u,'event':$s", ledger->newest + 1,
	    clock_wall_ms(), seq, view_of(event));
	return line;
}

static void
write_file(struct ledger *ledger, struct view line)
{
	static const char full[] = "{\"event\":\"full\"}\n";
	bool fits = ledger->file_bytes + line.len + sizeof(full) <= LEDGER_FILE_BYTES_MAX;
	struct view text = fits ? line : VIEW(full);
	ssize_t done;
	do {
		done = write(ledger->fd, text.data, text.len);
	} while (done < 0 && errno == EINTR);
	ledger->file_bytes += text.len;
	if (fits && done == (ssize_t)text.len)
		return;
	log_msg(LOG_ERROR, "ledger_stopped", "%s",
	    fits ? "a line could not be written" : "the file is as big as it may be");
	close(ledger->fd);
	ledger->fd = -1;
}

static void
forget_oldest(struct ledger *ledger)
{
	struct line *line = &ledger->kept[ledger->oldest++ % LEDGER_KEPT_LINES_MAX];
	ledger->kept_bytes -= line->len;
	mem_free(line->data);
	*line = (struct line){0};
}

void
ledger_end(struct ledger *ledger)
{
	struct writer *line = &ledger->line;
	writer_put(line, "}\n");
	if (line->full) {
		log_msg(LOG_ERROR, "ledger_line", "a line was too long and is missing");
		return;
	}
	struct view text = writer_text(line);
	if (ledger->fd >= 0)
		write_file(ledger, text);
	while (ledger->oldest <= ledger->newest &&
	       (ledger->newest + 1 - ledger->oldest == LEDGER_KEPT_LINES_MAX ||
		   ledger->kept_bytes + text.len > LEDGER_KEPT_BYTES_MAX))
		forget_oldest(ledger);
	ledger->newest++;
	ledger->kept[ledger->newest % LEDGER_KEPT_LINES_MAX] =
	    (struct line){mem_dup(text), text.len};
	ledger->kept_bytes += text.len;
}

uint64_t
ledger_read(const struct ledger *ledger, uint64_t since, struct bytes *out)
{
	uint64_t n = since;
	if (since + 1 < ledger->oldest)
		n = ledger->oldest - 1;
	while (n < ledger->newest) {
		const struct line *line = &ledger->kept[(n + 1) % LEDGER_KEPT_LINES_MAX];
		if (!bytes_append(out, line->data, line->len))
			break;
		n++;
	}
	return n;
}
