/* outside: whom data planes tell something beside upstreams. */
#ifndef PM_OUTSIDE_H
#define PM_OUTSIDE_H

#include "secret.h"
#include <stdbool.h>
#include <stdint.h>

#define OUTSIDE_URL_BYTES_MAX 2048
#define OUTSIDE_SERVICE_BYTES_MAX 256
#define OUTSIDE_BODY_BYTES_MAX 16384
#define OUTSIDE_WORD_BYTES_MAX 32

/* An alert that one data plane brings to the owner's webhook. An order as in activations: carried
 * out when `seq` is above the last one that it carried out, and told in its reports. */
struct table_alert {
	uint64_t seq; /* 0 = none */
	uint64_t by;  /* boot_id of who shall */
	struct secret url;
	struct secret authorization; /* a header; empty = none */
	bool any_address;            /* the owner allows an address that is denied otherwise */
	char *body;                  /* JSON; NULL = none */
	char *zero; /* the member of an answer that must be 0, since its status does not say so;
		     * NULL = its status counts */
};

/* Where spans of requests go: OTLP/HTTP with JSON. */
struct table_tracing {
	char *endpoint;        /* "/v1/traces" is added; NULL = no tracing */
	struct secret headers; /* more of them: "name=value,name=value" */
	char *service;         /* service.name; NULL = none */
	uint32_t sample_ppm;   /* of requests that no caller has decided about */
	bool any_address;      /* as above */
};
#define OUTSIDE_SAMPLE_ALL 1000000u

#endif
