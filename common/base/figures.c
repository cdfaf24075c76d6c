#include "figures.h"
#include "bytes.h"
#include "fileio.h"
#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define FDS_FOLDER "/proc/self/fd"

uint64_t
figures_rss_bytes(void)
{
	struct bytes text;
	struct view rest, size, resident;
	uint64_t pages = 0;
	bytes_init(&text, 256);
	if (fileio_read("/proc/self/statm", &text, NULL)) {
		rest = bytes_view(&text);
		if (view_split(&rest, ' ', &size) && view_split(&rest, ' ', &resident))
			(void)view_to_u64(resident, &pages);
	}
	bytes_fini(&text);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The folder itself is open meanwhile, and has "." and "..". */
static uint64_t
count_fds(void)
{
	uint64_t count = 0;
	DIR *folder = opendir(FDS_FOLDER);
	if (folder == NULL)
		return 0;
	while (count < FIGURES_FDS_COUNTED + 3 && readdir(folder) != NULL)
		count++;
	(void)closedir(folder);
	return count > 3 ? count - 3 : 0;
}

static uint64_t
open_fds(void)
{
	struct stat folder;
	/* Newer kernels tell their number as the folder's size. */
	if (stat(FDS_FOLDER, &folder) == 0 && folder.st_size > 0)
		return (uint64_t)folder.st_size;
	return count_fds();
}

static uint64_t
milliseconds(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000 + (uint64_t)time->tv_usec / 1000;
}

struct figures
figures_take(void)
{
	struct rusage usage = {0};
	struct rlimit limit = {0};
	struct figures figures = {.rss_bytes = figures_rss_bytes(), .open_fds = open_fds()};
	if (getrusage(RUSAGE_SELF, &usage) == 0) {
		uint64_t user_ms = milliseconds(&usage.ru_utime);
		figures.cpu_ms = user_ms + milliseconds(&usage.ru_stime);
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		figures.fds_max = (uint64_t)limit.rlim_cur;
	return figures;
}

void
figures_raise_fds_max(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}
