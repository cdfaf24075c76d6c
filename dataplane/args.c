#include "args.h"
#include "view.h"
#include <getopt.h>
#include <stdio.h>

#define DRAIN_S_DEFAULT 10

static bool
parse_number(const char *text, unsigned max, unsigned *out)
{
	uint64_t number;
	if (!view_to_u64(view_of(text), &number) || number > max)
		return false;
	*out = (unsigned)number;
	return true;
}

bool
args_parse(int argc, char **argv, struct args *out)
{
	static const struct option longs[] = {
	    {"run-dir", required_argument, NULL, 'r'},
	    {"instance", required_argument, NULL, 'i'},
	    {"log-level", required_argument, NULL, 'l'},
	    {"drain-s", required_argument, NULL, 'd'},
	    {NULL, 0, NULL, 0},
	};
	int option;
	bool ok = true;
	*out = (struct args){.level = LOG_INFO, .drain_s = DRAIN_S_DEFAULT};
	while (ok && (option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option == 'r') {
			out->run_dir = optarg;
		} else if (option == 'i') {
			ok = parse_number(optarg, 999, &out->instance);
		} else if (option == 'l') {
			ok = log_level_parse(view_of(optarg), &out->level);
		} else if (option == 'd') {
			ok = parse_number(optarg, 86400, &out->drain_s);
		} else {
			ok = false;
		}
	}
	if (ok && out->run_dir != NULL && optind == argc)
		return true;
	(void)fprintf(stderr, "usage: dataplane --run-dir DIR [--instance N] "
			      "[--log-level debug|info|warn|error] [--drain-s N]\n");
	return false;
}
