#include "assets.h"

const struct asset *
assets_find(struct view path)
{
	if (view_eq_str(path, "/"))
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
