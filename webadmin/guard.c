#include "guard.h"

bool
guard_host(struct view host)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
	struct view name = guard_peer(host);
	struct view port = view_from(host, name.len);
	uint64_t number;
	if (port.len > 0 && (!view_to_u64(view_from(port, 1), &number) || number > 65535))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (view_eq_nocase(name, names[i]))
			return true;
	return false;
}

bool
guard_origin(struct view origin, struct view host)
{
	static const char *const schemes[] = {"http://", "https://"};
	if (origin.data == NULL)
		return true;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (view_starts(origin, schemes[i]) &&
		    view_eq(view_from(origin, view_of(schemes[i]).len), host))
			return true;
	return false;
}

bool
guard_json(struct view content_type)
{
	struct view type;
	return view_split(&content_type, ';', &type) &&
	       view_eq_nocase(view_trim(type), "application/json");
}

struct view
guard_cookie(struct view cookies, const char *name)
{
	struct view pair, found;
	while (view_split(&cookies, ';', &pair)) {
		pair = view_trim(pair);
		if (view_split(&pair, '=', &found) && view_eq_str(found, name))
			return pair;
	}
	return (struct view){0};
}

struct view
guard_bearer(struct view authorization)
{
	if (!view_starts_nocase(authorization, "bearer "))
		return (struct view){0};
	return view_trim(view_from(authorization, sizeof("bearer ") - 1));
}

struct view
guard_peer(struct view peer)
{
	/* The last colon, unless it stands inside of brackets. */
	for (size_t len = peer.len; len > 0 && peer.data[len - 1] != ']'; len--)
		if (peer.data[len - 1] == ':')
			return view_sub(peer, 0, len - 1);
	return peer;
}
