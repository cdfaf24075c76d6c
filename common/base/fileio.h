/* fileio: whole files, atomically. */
#ifndef PM_FILEIO_H
#define PM_FILEIO_H

#include "bytes.h"
#include "err.h"
#include <stddef.h>
#include <sys/types.h>

/* Appends the file's content to `out` (limit: out->max). A missing file is ERR_IO with errno ENOENT
 * left in errno. err->at is the path. */
MUST_CHECK bool fileio_read(const char *path, struct bytes *out, struct err *err);
/* Temporary file in the same folder, write, fsync, rename, fsync of the folder. The old file stays
 * whole on any failure. What cannot be synced any more once the new one is in its place is only
 * told in the log. */
MUST_CHECK bool fileio_write(const char *path, struct view data, mode_t mode, struct err *err);
/* Removes what fileio_write left in this folder when it was killed: only while nobody else writes
 * there. A half file may hold keys. */
void fileio_sweep(const char *folder);
/* mkdir -p; only the last folder gets `mode`, parents 0700. An existing folder is fine. */
MUST_CHECK bool fileio_mkdirs(const char *path, mode_t mode, struct err *err);

#endif
