/* url: any bytes: no fault; what is accepted has a host, a port and only harmless bytes. */
#include "url.h"

#include "must.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = view_make((const char *)data, size);
	struct url url, again;
	struct err err;
	(void)url_host_is_denied(text);
	if (!url_parse_base(text, &url, &err)) {
		MUST(err.kind == ERR_CONFIG);
		return 0;
	}
	MUST(url.host.len > 0 && url.port > 0);
	MUST(url.path.len == 0 || url.path.data[0] == '/');
	for (size_t i = 0; i < url.host.len; i++)
		MUST(url.host.data[i] > ' ' && url.host.data[i] < 0x7f && url.host.data[i] != '@' &&
		     url.host.data[i] != '/');
	(void)url_host_is_denied(url.host);
	struct bytes joined;
	bytes_init(&joined, size + 16);
	MUST(url_join(view_trim(text), VIEW("/v1/x"), VIEW("q=1"), &joined));
	/* A joined URL has a query; without it, it is a base again, to the same host. */
	struct view base = view_sub(bytes_view(&joined), 0, joined.len - 4);
	MUST(url_parse_base(base, &again, &err));
	MUST(view_eq(url.host, again.host) && url.port == again.port && url.https == again.https);
	bytes_fini(&joined);
	return 0;
}
