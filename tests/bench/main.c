#include "fileio.h"
#include "load.h"
#include "mem.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define BODY_BYTES_MAX (64u << 20)

static const char usage[] =
    "Usage: bench-load --port N --path PATH --body FILE --connections N --ms N [OPTION...]\n"
    "  --header 'NAME: VALUE'  sent with each request (may be repeated)\n"
    "  --warm-ms N             calls that end earlier are not counted\n"
    "  --rate N                calls a second (open loop); 0 = closed loop\n"
    "  --events N              streams instead of calls, each with N marked events\n"
    "  --ramp-ms N             ... and that begin spread over this time\n"
    "  --expect FILE           each body has to be these bytes\n"
    "  --event-mark TEXT --terminal-mark TEXT   how those events and the last one begin\n";

bool
make_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static uint64_t
number(const char *text)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0') {
		fprintf(stderr, "not a number: %s\n", text);
		exit(2);
	}
	return value;
}

enum option_id {
	PORT = 1,
	PATH,
	BODY,
	CONNECTIONS,
	MS,
	HEADER,
	WARM,
	RATE,
	EVENTS,
	RAMP,
	EXPECT,
	EVENT_MARK,
	TERMINAL_MARK
};

static const struct option options[] = {
    {"port", required_argument, NULL, PORT},
    {"path", required_argument, NULL, PATH},
    {"body", required_argument, NULL, BODY},
    {"connections", required_argument, NULL, CONNECTIONS},
    {"ms", required_argument, NULL, MS},
    {"header", required_argument, NULL, HEADER},
    {"warm-ms", required_argument, NULL, WARM},
    {"rate", required_argument, NULL, RATE},
    {"events", required_argument, NULL, EVENTS},
    {"ramp-ms", required_argument, NULL, RAMP},
    {"expect", required_argument, NULL, EXPECT},
    {"event-mark", required_argument, NULL, EVENT_MARK},
    {"terminal-mark", required_argument, NULL, TERMINAL_MARK},
    {0},
};

struct wish {
	const char *path, *body, *expected;
	struct bytes headers;
};

static void
set_number(struct load *load, enum option_id id, uint64_t value)
{
	switch (id) {
	case PORT:
		load->addr.sin_port = htons((uint16_t)value);
		break;
	case CONNECTIONS:
		load->client_count = value;
		break;
	case MS:
		load->duration_ms = value;
		break;
	case WARM:
		load->warm_ms = value;
		break;
	case RATE:
		load->rate = value;
		break;
	case EVENTS:
		load->events_wanted = value;
		load->streams = value > 0;
		break;
	case RAMP:
		load->ramp_us = value * 1000;
		break;
	case PATH:
	case BODY:
	case EXPECT:
	case HEADER:
	case EVENT_MARK:
	case TERMINAL_MARK:
		break;
	}
}

static bool
read_options(struct load *load, struct wish *wish, int argc, char **argv)
{
	int id;
	while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (id == '?')
			return false;
		if (id == PATH)
			wish->path = optarg;
		else if (id == BODY)
			wish->body = optarg;
		else if (id == EXPECT)
			wish->expected = optarg;
		else if (id == EVENT_MARK)
			load->event_mark = optarg;
		else if (id == TERMINAL_MARK)
			load->terminal_mark = optarg;
		else if (id == HEADER) {
			if (!bytes_printf(&wish->headers, "%s\r\n", optarg))
				return false;
		} else
			set_number(load, (enum option_id)id, number(optarg));
	}
	return optind == argc && wish->path != NULL && wish->body != NULL &&
	       load->client_count > 0 && load->duration_ms > 0 && load->addr.sin_port != 0;
}

static bool
make_request(struct load *load, struct wish *wish, struct err *err)
{
	struct bytes body;
	bytes_init(&body, BODY_BYTES_MAX);
	bytes_init(&load->request, BODY_BYTES_MAX + (64u << 10));
	bytes_init(&load->expected, BODY_BYTES_MAX);
	bool ok =
	    fileio_read(wish->body, &body, err) &&
	    (wish->expected == NULL || fileio_read(wish->expected, &load->expected, err)) &&
	    bytes_printf(&load->request,
		"POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/json\r\n"
		"%sContent-Length: %zu\r\n\r\n",
		wish->path, ntohs(load->addr.sin_port), bytes_str(&wish->headers), body.len) &&
	    bytes_append_view(&load->request, bytes_view(&body));
	bytes_fini(&body);
	return ok;
}

static void
print(struct load *load)
{
	uint64_t counted_us = load->ended_us - load->warm_us;
	double rate = (double)load->calls.count * 1e6 / (double)(counted_us > 0 ? counted_us : 1);
	printf("{\"calls\": %zu, \"rate\": %.1f, \"bytes_in\": %llu, \"failed\": %llu, "
	       "\"torn\": %llu, \"unanswered\": %llu, \"differing\": %llu, \"why\": \"%s\", ",
	    load->calls.count, rate, (unsigned long long)load->bytes_in,
	    (unsigned long long)load->failed, (unsigned long long)load->torn,
	    (unsigned long long)load->unanswered, (unsigned long long)load->differing, load->why);
	printf("\"p50_us\": %u, \"p99_us\": %u, ", samples_quantile(&load->calls, 0.5),
	    samples_quantile(&load->calls, 0.99));
	printf("\"streams\": %zu, \"first_p50_us\": %u, \"first_p99_us\": %u, \"events\": %zu, "
	       "\"late_p50_us\": %u, \"late_p99_us\": %u}\n",
	    load->first.count, samples_quantile(&load->first, 0.5),
	    samples_quantile(&load->first, 0.99), load->late.count,
	    samples_quantile(&load->late, 0.5), samples_quantile(&load->late, 0.99));
}

int
main(int argc, char **argv)
{
	struct load load = {.event_mark = "data: ", .terminal_mark = "data: [DONE]"};
	struct wish wish = {0};
	struct err err = {0};
	load.addr.sin_family = AF_INET;
	load.addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bytes_init(&wish.headers, 16u << 10);
	if (!read_options(&load, &wish, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	if (!make_request(&load, &wish, &err)) {
		fprintf(stderr, "%s: %s\n", err.at, err.msg);
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	load.clients = mem_calloc(load.client_count, sizeof(struct client));
	for (size_t i = 0; i < load.client_count; i++)
		load.clients[i].fd = -1;
	load_run(&load);
	print(&load);
	bool good = load.failed == 0 && load.torn == 0 && load.differing == 0 &&
		    load.calls.count + load.first.count > 0;
	mem_free(load.clients);
	mem_free(load.calls.items);
	mem_free(load.first.items);
	mem_free(load.late.items);
	bytes_fini(&load.request);
	bytes_fini(&load.expected);
	bytes_fini(&wish.headers);
	return good ? 0 : 1;
}
