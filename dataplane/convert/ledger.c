#include "ledger.h"
#include "model.h"

#include <stdio.h>
#include <string.h>

#define HEADER_BYTES_MAX 1024

void
ledger_init(struct ledger *ledger, bool strict, const char *target)
{
	memset(ledger, 0, sizeof(*ledger));
	ledger->strict = strict;
	ledger->target = target;
}

static void
note(struct ledger *ledger, const char *path)
{
	for (size_t i = 0; i < ledger->count; i++) {
		if (strcmp(ledger->entries[i].path, path) == 0)
			return;
	}
	if (ledger->count == LEDGER_ENTRIES_MAX) {
		ledger->more++;
		return;
	}
	struct ledger_entry *entry = &ledger->entries[ledger->count++];
	memcpy(entry->path, path, strlen(path) + 1);
}

bool
ledger_lose(struct ledger *ledger, struct err *err, const char *fmt, ...)
{
	char path[sizeof(ledger->entries[0].path)];
	va_list args;
	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	note(ledger, path);
	if (ledger->strict)
		return err_set(err, ERR_PEER, path, "the %s protocol has no place for %s",
		    ledger->target, path);
	return true;
}

void
ledger_note(struct ledger *ledger, const char *fmt, ...)
{
	char path[sizeof(ledger->entries[0].path)];
	va_list args;
	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	note(ledger, path);
}

bool
ledger_refuse(struct err *err, const char *path, const char *fmt, ...)
{
	char text[192];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return err_set(err, ERR_PEER, path, "%s", text);
}

bool
ledger_leftovers(struct ledger *ledger, const struct request *request, struct err *err)
{
	for (const struct leftover *it = request->leftovers; it != NULL; it = it->next) {
		if (it->vital)
			return ledger_refuse(err, it->name,
			    "%s cannot be carried over to the %s protocol", it->name,
			    ledger->target);
		if (!ledger_lose(ledger, err, "%s", it->name))
			return false;
	}
	return true;
}

/* A path may hold bytes of the client's own JSON keys: only those that a header can carry. */
static bool
append_clean(struct bytes *out, const char *path)
{
	for (; *path != '\0'; path++) {
		char c = *path > ' ' && *path < 127 && *path != ',' ? *path : '?';
		if (!bytes_append_char(out, c))
			return false;
	}
	return true;
}

bool
ledger_header(const struct ledger *ledger, struct bytes *out)
{
	size_t start = out->len;
	size_t shown = 0;
	for (; shown < ledger->count; shown++) {
		const char *path = ledger->entries[shown].path;
		if (out->len - start + strlen(path) + 2 > HEADER_BYTES_MAX)
			break;
		if (shown > 0 && !bytes_append_str(out, ", "))
			return false;
		if (!append_clean(out, path))
			return false;
	}
	size_t hidden = ledger->count - shown + ledger->more;
	return hidden == 0 || bytes_printf(out, ", +%zu", hidden);
}
