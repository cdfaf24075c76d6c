#include "programs.h"
#include "must.h"
#include "roster.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The folder of this program's own file. */
static bool
own_folder(char out[PATH_MAX], struct err *err)
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
programs_find(const char *name, char out[PATH_MAX], struct err *err)
{
	static const char *const folders[] = {"", "/../libexec/pointsman"};
	char own[PATH_MAX];
	if (!own_folder(own, err))
		return false;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		int len = snprintf(out, PATH_MAX, "%s%s/%s", own, folders[i], name);
		if (len > 0 && len < PATH_MAX && access(out, X_OK) == 0)
			return true;
	}
	return err_set(err, ERR_CONFIG, name, "the program is neither in %.80s nor in %.80s%s", own,
	    own, folders[1]);
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

/* What all have: a name, a path, a slot. */
static bool
start_entry(struct program *program, const struct programs_wish *wish, const char *file,
    unsigned slot, struct err *err)
{
	*program = (struct program){0};
	snprintf(program->name, sizeof(program->name), "%s", file);
	program->plan.roster_fd = wish->roster_fd;
	program->plan.slot = slot;
	add_arg(&program->plan, program->path);
	return programs_find(file, program->path, err);
}

static void
add_log_level(struct program *program, const struct programs_wish *wish)
{
	if (wish->log_level != NULL)
		add_option(&program->plan, "--log-level", wish->log_level);
}

static bool
fill_controlplane(struct program *program, const struct programs_wish *wish, struct err *err)
{
	if (!start_entry(program, wish, "controlplane", ROSTER_CONTROLPLANE, err))
		return false;
	snprintf(program->ready, sizeof(program->ready), "ready.json");
	add_option(&program->plan, "--state", wish->places->state);
	add_option(&program->plan, "--run-dir", wish->places->run);
	if (wish->demo_url[0] != '\0')
		add_option(&program->plan, "--demo-url", wish->demo_url);
	add_log_level(program, wish);
	return true;
}

static bool
fill_webadmin(struct program *program, const struct programs_wish *wish, struct err *err)
{
	if (!start_entry(program, wish, "webadmin", ROSTER_WEBADMIN, err))
		return false;
	snprintf(program->ready, sizeof(program->ready), "webadmin.ready");
	add_option(&program->plan, "--run-dir", wish->places->run);
	add_option(&program->plan, "--state", wish->places->state);
	add_option(&program->plan, "--api-port", wish->api_port);
	add_log_level(program, wish);
	for (size_t place = 0; place < SOCKETS_ADDRESSES_MAX; place++)
		child_plan_fd(&program->plan, wish->sockets->admin[place], "admin");
	child_plan_fd(&program->plan, wish->sockets->web, "web");
	return true;
}

static bool
fill_demo(struct program *program, const struct programs_wish *wish, struct err *err)
{
	if (!start_entry(program, wish, "demo-upstream", ROSTER_DEMO, err))
		return false;
	add_option(&program->plan, "--ledger", wish->ledger);
	child_plan_fd(&program->plan, wish->sockets->demo, "demo");
	return true;
}

static bool
fill_dataplane(
    struct program *program, const struct programs_wish *wish, unsigned instance, struct err *err)
{
	if (!start_entry(program, wish, "dataplane", ROSTER_DATAPLANE + instance, err))
		return false;
	snprintf(program->name, sizeof(program->name), "dataplane.%u", instance);
	snprintf(program->ready, sizeof(program->ready), "dataplane.%u.ready", instance);
	snprintf(program->instance, sizeof(program->instance), "%u", instance);
	add_option(&program->plan, "--run-dir", wish->places->run);
	add_option(&program->plan, "--instance", program->instance);
	add_option(&program->plan, "--drain-s", wish->drain_s);
	add_log_level(program, wish);
	for (size_t place = 0; place < SOCKETS_ADDRESSES_MAX; place++)
		child_plan_fd(&program->plan, wish->sockets->api[instance][place], "api");
	return true;
}

bool
programs_list(const struct programs_wish *wish, struct program out[PROGRAMS_MAX], size_t *count,
    struct err *err)
{
	size_t used = 0;
	MUST(wish->dataplanes <= SOCKETS_DATAPLANES_MAX);
	if (wish->controlplane && !fill_controlplane(&out[used++], wish, err))
		return false;
	if (wish->demo_url[0] != '\0' && !fill_demo(&out[used++], wish, err))
		return false;
	if (wish->webadmin && !fill_webadmin(&out[used++], wish, err))
		return false;
	for (unsigned i = 0; i < wish->dataplanes; i++)
		if (!fill_dataplane(&out[used++], wish, i, err))
			return false;
	*count = used;
	return true;
}
