#include "assets.h"

const struct asset *
assets_find(struct view path)
{
	if (view_eq_str(path, "/") || view_eq_str(path, "/token-stats.html"))
		path = VIEW("/index.html");
	for (size_t i = 0; i < assets_count; i++)
		if (view_eq_str(path, assets_all[i].path))
			return &assets_all[i];
	return NULL;
}

struct view
assets_content(const struct asset *asset)
{
	return view_make((const char *)asset->data, asset->len);
}

/* "q=0", "q=0.0": not at all. */
static bool
is_refused(struct view parameters)
{
	struct view parameter;
	while (view_split(&parameters, ';', &parameter)) {
		parameter = view_trim(parameter);
		if (!view_starts_nocase(parameter, "q="))
			continue;
		for (size_t i = 2; i < parameter.len; i++)
			if (parameter.data[i] != '0' && parameter.data[i] != '.')
				return false;
		return true;
	}
	return false;
}

bool
assets_takes_gzip(struct view value)
{
	struct view coding, name;
	while (view_split(&value, ',', &coding))
		if (view_split(&coding, ';', &name) && view_eq_nocase(view_trim(name), "gzip"))
			return !is_refused(coding);
	return false;
}
