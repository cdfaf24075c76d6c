#include "url.h"

#include "netaddr.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define HOST_BYTES_MAX 255

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
host_is_name(struct view host)
{
	for (size_t i = 0; i < host.len; i++) {
		if (!is_alnum(host.data[i]) &&
		    (host.data[i] == '\0' || strchr("-._", host.data[i]) == NULL))
			return false;
	}
	return host.len > 0 && host.len <= HOST_BYTES_MAX;
}

static bool
host_is_v6(struct view host)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;
	if (host.len >= sizeof(text))
		return false;
	memcpy(text, host.data, host.len);
	text[host.len] = '\0';
	return inet_pton(AF_INET6, text, &addr) == 1;
}

/* "host", "host:port", "[v6]", "[v6]:port" */
static bool
parse_authority(struct view text, struct url *out, struct err *err)
{
	struct view port = {0};
	ptrdiff_t end;
	if (text.len > 0 && text.data[0] == '[') {
		end = view_find_char(text, ']');
		if (end < 0 || !host_is_v6(view_sub(text, 1, (size_t)end - 1))) {
			return err_set(
			    err, ERR_CONFIG, "url", "the IPv6 address in brackets is wrong");
		}
		out->host = view_sub(text, 1, (size_t)end - 1);
		port = view_from(text, (size_t)end + 1);
		if (port.len > 0 && port.data[0] != ':') {
			return err_set(
			    err, ERR_CONFIG, "url", "only a port may follow the address");
		}
	} else {
		end = view_find_char(text, ':');
		out->host = end < 0 ? text : view_sub(text, 0, (size_t)end);
		port = end < 0 ? port : view_from(text, (size_t)end);
		if (!host_is_name(out->host)) {
			return err_set(
			    err, ERR_CONFIG, "url", "the host is missing or not a host name");
		}
	}
	if (port.len == 0)
		return true;
	uint64_t number;
	if (!view_to_u64(view_from(port, 1), &number) || number == 0 || number > 65535)
		return err_set(err, ERR_CONFIG, "url", "the port must be 1 to 65535");
	out->port = (uint16_t)number;
	return true;
}

/* Printable ASCII without what no URL may hold. */
static bool
is_url_char(char c)
{
	return c > ' ' && c < 0x7f && strchr("\"<>\\^`{|}", c) == NULL;
}

bool
url_parse_base(struct view text, struct url *out, struct err *err)
{
	*out = (struct url){0};
	text = view_trim(text);
	for (size_t i = 0; i < text.len; i++) {
		if (!is_url_char(text.data[i])) {
			return err_set(
			    err, ERR_CONFIG, "url", "byte %zu may not stand in a URL", i + 1);
		}
	}
	if (view_starts_nocase(text, "https://")) {
		out->https = true;
	} else if (!view_starts_nocase(text, "http://")) {
		return err_set(err, ERR_CONFIG, "url", "it must start with http:// or https://");
	}
	out->port = out->https ? 443 : 80;
	struct view rest = view_from(text, out->https ? 8 : 7);
	if (view_find_char(rest, '?') >= 0 || view_find_char(rest, '#') >= 0)
		return err_set(err, ERR_CONFIG, "url", "a base URL has no query and no fragment");
	ptrdiff_t slash = view_find_char(rest, '/');
	struct view authority = slash < 0 ? rest : view_sub(rest, 0, (size_t)slash);
	out->path = slash < 0 ? (struct view){0} : view_from(rest, (size_t)slash);
	if (view_find_char(authority, '@') >= 0) {
		return err_set(
		    err, ERR_CONFIG, "url", "user and password do not belong in the URL");
	}
	return parse_authority(authority, out, err);
}

bool
url_join(struct view base, struct view path, struct view query, struct bytes *out)
{
	while (view_ends(base, "/"))
		base.len--;
	if (view_ends(base, "/v1") && (view_starts(path, "/v1/") || view_eq_str(path, "/v1")))
		path = view_from(path, 3);
	return bytes_append_view(out, base) && bytes_append_view(out, path) &&
	       (query.len == 0 || (bytes_append_char(out, '?') && bytes_append_view(out, query)));
}

bool
url_host_is_denied(struct view host)
{
	char text[HOST_BYTES_MAX + 1];
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	ptrdiff_t zone = view_find_char(host, '%');
	if (zone >= 0)
		host.len = (size_t)zone;
	while (view_ends(host, "."))
		host.len--;
	if (host.len == 0 || host.len > HOST_BYTES_MAX)
		return false;
	memcpy(text, host.data, host.len);
	text[host.len] = '\0';
	if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
		return netaddr_is_denied((const struct sockaddr *)(const void *)&v6);
	/* inet_aton takes every spelling that a resolver takes: 2852039166, 0xa9.254.0251.0376 */
	return inet_aton(text, &v4.sin_addr) != 0 &&
	       netaddr_is_denied((const struct sockaddr *)(const void *)&v4);
}
