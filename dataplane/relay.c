#include "relay.h"
#include "crypto.h"
#include "must.h"
#include "refuse.h"
#include <string.h>

#define REFUSAL_BYTES_MAX 4096

void
relay_init(struct relay *relay, struct http_req *req)
{
	*relay = (struct relay){.req = req};
}

void
relay_start(struct relay *relay, const struct relay_head *head)
{
	enum httpd_framing framing = head->has_length ? HTTPD_LENGTH : HTTPD_CHUNKED;
	if (head->status == 204 || head->status == 304)
		framing = HTTPD_EMPTY;
	relay->started = true;
	relay->status = head->status;
	if (relay->req != NULL) {
		httpd_start(relay->req, head->status, head->headers, head->count, framing,
		    framing == HTTPD_LENGTH ? head->length : 0);
	}
}

bool
relay_write(struct relay *relay, struct view bytes)
{
	relay->bytes_out += bytes.len;
	if (relay->req != NULL && bytes.len > 0 && !httpd_write(relay->req, bytes))
		relay->full = true;
	return !relay->full;
}

void
relay_writable(struct relay *relay)
{
	relay->full = false;
}

void
relay_end(struct relay *relay)
{
	struct http_req *req = relay->req;
	relay->req = NULL;
	if (req != NULL)
		httpd_end(req);
}

void
relay_cut(struct relay *relay)
{
	struct http_req *req = relay->req;
	relay->req = NULL;
	if (req != NULL)
		httpd_abort(req, HTTPD_CUT);
}

void
relay_gone(struct relay *relay)
{
	relay->req = NULL;
}

/* Ids must not repeat, in other processes neither; nobody has to be unable to guess them. Each
 * takes 12 bytes of a key made once, mixed with a count (the finish of splitmix64: one to one). */
void
relay_make_id(char out[RELAY_ID_BYTES])
{
	static struct {
		uint64_t count;
		uint32_t process;
	} seed;
	if (seed.count == 0)
		crypto_random(&seed, sizeof(seed));
	uint64_t mixed = ++seed.count * 0x9e3779b97f4a7c15u;
	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
	uint8_t id[12];
	memcpy(id, &mixed, sizeof(mixed));
	memcpy(id + sizeof(mixed), &seed.process, sizeof(seed.process));
	static const char prefix[] = {'r', 'e', 'q', '_'};
	memcpy(out, prefix, sizeof(prefix));
	crypto_hex(id, sizeof(id), out + sizeof(prefix));
}

const char *
relay_id_name(enum protocol protocol)
{
	return protocol == PROTOCOL_ANTHROPIC ? "request-id" : "x-request-id";
}

void
relay_refuse(struct relay *relay, const struct relay_refusal *refusal)
{
	struct http_header headers[4] = {
	    {VIEW("content-type"), VIEW("application/json")},
	    {view_of(relay_id_name(refusal->protocol)), view_of(refusal->id)},
	};
	size_t count = 2;
	struct bytes text;
	struct view body = refusal->body;
	if (relay->req == NULL || relay->started)
		return;
	if (refusal->retry_after != NULL) {
		headers[count++] =
		    (struct http_header){VIEW("retry-after"), view_of(refusal->retry_after)};
	}
	if (refusal->extra_name != NULL) {
		headers[count++] = (struct http_header){
		    view_of(refusal->extra_name), view_of(refusal->extra_value)};
	}
	bytes_init(&text, REFUSAL_BYTES_MAX);
	if (body.len == 0) {
		MUST(refuse_body(refusal->protocol, refusal->status, refusal->message,
		    refusal->param, refusal->id, &text));
		body = bytes_view(&text);
	}
	relay->started = true;
	relay->status = refusal->status;
	relay->bytes_out += body.len;
	httpd_reply(relay->req, refusal->status, headers, count, body);
	relay->req = NULL;
	bytes_fini(&text);
}
