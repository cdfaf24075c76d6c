#include "programs.h"
#include "mem.h"
#include "must.h"
#include "roster.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool
programs_folder(char out[PATH_MAX], struct err *err)
{
	ssize_t len = readlink("/proc/self/exe", out, PATH_MAX - 1);
	if (len < 0)
		return err_errno(err, "/proc/self/exe", "cannot find the own program");
	out[len] = '\0';
	char *slash = strrchr(out, '/');
	if (slash != NULL)
		*slash = '\0';
	return true;
}

bool
programs_find(const char *folder, const char *name, char out[PATH_MAX], struct err *err)
{
	static const char *const places[] = {"", "/../libexec/pointsman"};
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int len = snprintf(out, PATH_MAX, "%s%s/%s", folder, places[i], name);
		if (len > 0 && len < PATH_MAX && access(out, X_OK) == 0)
			return true;
	}
	return err_set(err, ERR_CONFIG, name, "the program is neither in %.80s nor in %.80s%s",
	    folder, folder, places[1]);
}

static void
add_arg(struct child_plan *plan, const char *arg)
{
	size_t i = 0;
	while (plan->argv[i] != NULL)
		i++;
	MUST(i + 1 < CHILD_ARGS_MAX);
	plan->argv[i] = arg;
}

static void
add_option(struct child_plan *plan, const char *option, const char *value)
{
	add_arg(plan, option);
	add_arg(plan, value);
}

static void
add_log_level(struct program *program, const struct programs_wish *wish)
{
	if (wish->log_level != NULL)
		add_option(&program->plan, "--log-level", wish->log_level);
}

static void
fill_controlplane(struct program *program, const struct programs_wish *wish)
{
	program->plan.slot = ROSTER_CONTROLPLANE;
	snprintf(program->ready, sizeof(program->ready), "ready.json");
	add_option(&program->plan, "--state", wish->places->state);
	add_option(&program->plan, "--run-dir", wish->places->run);
	if (wish->demo_url[0] != '\0')
		add_option(&program->plan, "--demo-url", wish->demo_url);
	add_log_level(program, wish);
}

static void
fill_webadmin(struct program *program, const struct programs_wish *wish)
{
	program->plan.slot = ROSTER_WEBADMIN;
	snprintf(program->ready, sizeof(program->ready), "webadmin.ready");
	add_option(&program->plan, "--run-dir", wish->places->run);
	add_option(&program->plan, "--state", wish->places->state);
	add_option(&program->plan, "--api-port", wish->api_port);
	add_log_level(program, wish);
	for (size_t place = 0; place < SOCKETS_ADDRESSES_MAX; place++)
		child_plan_fd(&program->plan, wish->sockets->admin[place], "admin");
	child_plan_fd(&program->plan, wish->sockets->web, "web");
}

static void
fill_demo(struct program *program, const struct programs_wish *wish)
{
	program->plan.slot = ROSTER_DEMO;
	add_option(&program->plan, "--ledger", wish->ledger);
	child_plan_fd(&program->plan, wish->sockets->demo, "demo");
}

static void
fill_dataplane(struct program *program, const struct programs_wish *wish)
{
	unsigned number = program->number;
	program->plan.slot = ROSTER_DATAPLANE + number;
	snprintf(program->name, sizeof(program->name), "dataplane.%u", number);
	snprintf(program->ready, sizeof(program->ready), "dataplane.%u.ready", number);
	snprintf(program->instance, sizeof(program->instance), "%u", number);
	add_option(&program->plan, "--run-dir", wish->places->run);
	add_option(&program->plan, "--instance", program->instance);
	add_option(&program->plan, "--drain-s", wish->drain_s);
	add_log_level(program, wish);
	for (size_t place = 0; place < SOCKETS_ADDRESSES_MAX; place++)
		child_plan_fd(&program->plan, wish->sockets->api[program->set][place], "api");
}

static const struct {
	const char *file;
	void (*fill)(struct program *program, const struct programs_wish *wish);
} kinds[] = {
    [PROGRAM_CONTROLPLANE] = {"controlplane", fill_controlplane},
    [PROGRAM_DEMO] = {"demo-upstream", fill_demo},
    [PROGRAM_WEBADMIN] = {"webadmin", fill_webadmin},
    [PROGRAM_DATAPLANE] = {"dataplane", fill_dataplane},
};

static struct program *
make(const struct programs_wish *wish, const char *path, int exec_fd, enum program_kind kind,
    unsigned set, unsigned number)
{
	MUST(set < SOCKETS_DATAPLANES_MAX && number < ROSTER_DATAPLANES);
	struct program *program = MEM_NEW(struct program);
	snprintf(program->path, sizeof(program->path), "%s", path);
	program->plan.exec_fd = exec_fd;
	program->kind = kind;
	program->set = set;
	program->number = number;
	snprintf(program->name, sizeof(program->name), "%s", kinds[kind].file);
	program->plan.roster_fd = wish->roster_fd;
	add_arg(&program->plan, program->path);
	kinds[kind].fill(program, wish);
	return program;
}

struct program *
program_new(const struct programs_wish *wish, const char *folder, enum program_kind kind,
    unsigned set, unsigned number, struct err *err)
{
	char path[PATH_MAX];
	if (!programs_find(folder, kinds[kind].file, path, err))
		return NULL;
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0) {
		err_errno(err, path, "cannot open");
		return NULL;
	}
	return make(wish, path, fd, kind, set, number);
}

struct program *
program_held(const struct programs_wish *wish, const char *folder, int exec_fd,
    enum program_kind kind, unsigned set, unsigned number)
{
	char path[PATH_MAX];
	struct err gone;
	if (!programs_find(folder, kinds[kind].file, path, &gone))
		snprintf(path, sizeof(path), "%s", kinds[kind].file); /* only a name by now */
	return make(wish, path, exec_fd, kind, set, number);
}

void
program_free(struct program *program)
{
	if (program == NULL)
		return;
	if (program->plan.exec_fd >= 0)
		close(program->plan.exec_fd);
	mem_free(program);
}
