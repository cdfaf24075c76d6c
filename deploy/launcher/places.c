#include "places.h"
#include "crypto.h"
#include "fileio.h"
#include "must.h"
#include "names.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FITS(len) ((len) >= 0 && (len) < PATH_MAX)

static bool
absolute(const char *name, const char *option, char out[PATH_MAX], struct err *err)
{
	char cwd[PATH_MAX];
	int len;
	if (option[0] == '/')
		len = snprintf(out, PATH_MAX, "%s", option);
	else if (getcwd(cwd, sizeof(cwd)) == NULL)
		return err_errno(err, name, "no working folder");
	else
		len = snprintf(out, PATH_MAX, "%s/%s", cwd, option);
	return FITS(len) || err_set(err, ERR_LIMIT, name, "the path is too long");
}

/* The option, else the XDG default, made absolute. */
static bool
state_path(const char *option, char out[PATH_MAX], struct err *err)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int len;
	if (option != NULL)
		return absolute("--state", option, out, err);
	if (xdg != NULL && xdg[0] == '/')
		len = snprintf(out, PATH_MAX, "%s/pointsman", xdg);
	else if (home != NULL && home[0] == '/')
		len = snprintf(out, PATH_MAX, "%s/.local/state/pointsman", home);
	else
		return err_set(err, ERR_CONFIG, "--state", "HOME is not set: say where");
	return FITS(len) || err_set(err, ERR_LIMIT, "--state", "the path is too long");
}

/* One spelling for one folder: everything below depends on it. */
static bool
resolve(char path[PATH_MAX], struct err *err)
{
	char real[PATH_MAX];
	if (realpath(path, real) != NULL)
		return FITS(snprintf(path, PATH_MAX, "%s", real));
	return errno == ENOENT || err_errno(err, path, "cannot use the folder");
}

static bool
find_run(const char *option, struct places *places, struct err *err)
{
	char longest[PATH_MAX], hex[17];
	uint8_t sum[CRYPTO_SHA256_BYTES];
	struct err too_long;
	if (option != NULL)
		return absolute("--run-dir", option, places->run, err) &&
		       resolve(places->run, err) &&
		       names_path(places->run, NAMES_LONGEST, longest, sizeof(longest), err);
	int len = snprintf(places->run, sizeof(places->run), "%s/run", places->state);
	if (FITS(len) &&
	    names_path(places->run, NAMES_LONGEST, longest, sizeof(longest), &too_long))
		return true;
	crypto_sha256(view_of(places->state), sum);
	crypto_hex(sum, 8, hex);
	snprintf(
	    places->run, sizeof(places->run), "/tmp/pointsman-%u-%s", (unsigned)geteuid(), hex);
	return true;
}

bool
places_find(const char *state, const char *run, struct places *out, struct err *err)
{
	return state_path(state, out->state, err) && resolve(out->state, err) &&
	       find_run(run, out, err);
}

/* Who may enter the run folder may speak to every program: a folder of somebody else is refused. */
static bool
own(const char *path, struct err *err)
{
	struct stat st;
	MUST(path != NULL);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_errno(err, path, "cannot make the folder");
	/* What is looked at is what is changed, whatever takes its name meanwhile. */
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno != ENOTDIR && errno != ELOOP)
		return err_errno(err, path, "cannot look at the folder");
	bool ours = fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid();
	bool ok = ours || err_set(err, ERR_IO, path, "is not a folder of this user");
	if (ours && (st.st_mode & 0777) != 0700 && fchmod(fd, 0700) < 0)
		ok = err_errno(err, path, "cannot set mode 0700");
	if (fd >= 0)
		close(fd);
	return ok;
}

bool
places_make(const char *state, const char *run, struct places *out, struct err *err)
{
	return state_path(state, out->state, err) && fileio_mkdirs(out->state, 0700, err) &&
	       places_find(state, run, out, err) && own(out->run, err);
}

bool
places_join(const char *state, const char *run, struct places *out, struct err *err)
{
	return places_find(state, run, out, err) && own(out->run, err);
}
