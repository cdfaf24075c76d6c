/* The files of ui/ as they are compiled in, and the rules that the content policy needs. */
#include "assets.h"
#include "bytes.h"
#include "fileio.h"
#include "inflate.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static const struct asset *
find(const char *name)
{
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/%s", assets_folder, name);
	return assets_find(view_of(path));
}

static struct view
content(const struct asset *asset)
{
	ck_assert_ptr_nonnull(asset);
	return assets_content(asset);
}

static bool
is_foreign(const struct asset *asset)
{
	return view_find(view_of(asset->path), "/npm/") >= 0;
}

START_TEST(the_page_is_at_the_root)
{
	const struct asset *page = assets_find(VIEW("/"));
	ck_assert_ptr_nonnull(page);
	ck_assert_ptr_eq(page, assets_find(VIEW("/index.html")));
	ck_assert_str_eq(page->type, "text/html; charset=utf-8");
	ck_assert_ptr_eq(page, assets_find(VIEW("/token-stats.html")));
	ck_assert_str_eq(find("app.js")->type, "text/javascript; charset=utf-8");
}
END_TEST

START_TEST(nothing_else_is_there)
{
	static const char *const paths[] = {"", "/index", "/index.html/", "/assets", "/assets/",
	    "/assets/../index.html", "/assets/index.html", "/app.js", "/assets/app.js.map",
	    "/assets/%61pp.js", "/etc/passwd", "/assets/app.js", "/assets/0000000000000000/app.js"};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		ck_assert_msg(assets_find(view_of(paths[i])) == NULL, "%s", paths[i]);
}
END_TEST

START_TEST(bytes_are_those_of_the_file)
{
	static const char *const names[] = {"style.css", "words/base.js", "icon.svg"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[512];
		struct bytes file;
		(void)snprintf(path, sizeof(path), "%s/ui/%s", WEBADMIN_DIR, names[i]);
		bytes_init(&file, 1u << 20);
		ck_assert(fileio_read(path, &file, NULL));
		ck_assert_msg(view_eq(bytes_view(&file), content(find(names[i]))), "%s", path);
		bytes_fini(&file);
	}
}
END_TEST

START_TEST(gzip_is_the_same_and_shorter)
{
	size_t shorter = 0;
	for (size_t i = 0; i < assets_count; i++) {
		const struct asset *asset = &assets_all[i];
		struct bytes out;
		if (asset->gzip == NULL)
			continue;
		ck_assert_uint_lt(asset->gzip_len, asset->len);
		bytes_init(&out, 1u << 20);
		ck_assert(inflate_body(CODING_GZIP,
		    view_make((const char *)asset->gzip, asset->gzip_len), &out, NULL));
		ck_assert_msg(view_eq(bytes_view(&out), assets_content(asset)), "%s", asset->path);
		bytes_fini(&out);
		shorter++;
	}
	ck_assert_uint_ge(shorter, 10);
}
END_TEST

START_TEST(gzip_where_it_is_taken)
{
	static const char *const yes[] = {
	    "gzip", "br, gzip", "GZIP;q=0.5", "deflate, gzip ; q=1", "gzip;q=0.001"};
	static const char *const no[] = {
	    "", "br", "gzip;q=0", "gzip; q=0.000", "xgzip", "*", "identity, gzip;q=0.0"};
	ck_assert(!assets_takes_gzip((struct view){0}));
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		ck_assert_msg(assets_takes_gzip(view_of(yes[i])), "%s", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		ck_assert_msg(!assets_takes_gzip(view_of(no[i])), "%s", no[i]);
}
END_TEST

START_TEST(tags_tell_contents_apart)
{
	for (size_t i = 0; i < assets_count; i++) {
		ck_assert_uint_eq(view_of(assets_all[i].digest).len, 16);
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(assets_all[i].digest, assets_all[j].digest);
	}
}
END_TEST

START_TEST(no_markup_from_text)
{
	static const char *const words[] = {"innerHTML", "InnerHTML", "outerHTML",
	    "insertAdjacentHTML", "document.write", "eval(", "Function("};
	for (size_t i = 0; i < assets_count; i++)
		for (size_t j = 0; j < sizeof(words) / sizeof(words[0]); j++)
			ck_assert_msg(is_foreign(&assets_all[i]) ||
					  view_find(assets_content(&assets_all[i]), words[j]) < 0,
			    "%s has %s", assets_all[i].path, words[j]);
}
END_TEST

START_TEST(nothing_inline_in_the_page)
{
	static const char *const words[] = {"<style", "style=", " on", "javascript:", "<script>"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		ck_assert_msg(view_find(content(assets_find(VIEW("/"))), words[i]) < 0,
		    "the page has %s", words[i]);
}
END_TEST

static void
leave(struct view *folder)
{
	while (folder->len > 0 && folder->data[--folder->len] != '/')
		;
}

/* A path as it is written in a module, from that module's folder: "../kit.js" in pages/. */
static const struct asset *
resolve(const struct asset *from, struct view name)
{
	char path[512];
	struct view folder = view_of(from->path);
	leave(&folder);
	if (view_starts(name, "./"))
		name = view_from(name, 2);
	for (; view_starts(name, "../"); name = view_from(name, 3))
		leave(&folder);
	(void)snprintf(path, sizeof(path), "%.*s/%.*s", VIEW_ARGS(folder), VIEW_ARGS(name));
	return assets_find(view_of(path));
}

/* How often `before` stands in that asset; each time a file that is there must be named behind it.
 */
static unsigned
check_references(const struct asset *asset, const char *before, bool absolute)
{
	unsigned count = 0;
	ptrdiff_t at;
	struct view text = assets_content(asset);
	while ((at = view_find(text, before)) >= 0) {
		text = view_from(text, (size_t)at + view_of(before).len);
		struct view name = view_sub(text, 0, (size_t)view_find_char(text, '"'));
		ck_assert_msg((absolute ? assets_find(name) : resolve(asset, name)) != NULL,
		    "%s names %.*s, which is not there", asset->path, VIEW_ARGS(name));
		count++;
	}
	return count;
}

START_TEST(all_that_is_named_is_there)
{
	const struct asset *page = assets_find(VIEW("/"));
	unsigned imports = 0;
	ck_assert_uint_ge(
	    check_references(page, "href=\"", true) + check_references(page, "src=\"", true), 3);
	for (size_t i = 0; i < assets_count; i++)
		if (!is_foreign(&assets_all[i]))
			imports += check_references(&assets_all[i], "from \"", false) +
				   check_references(&assets_all[i], "import(\"", false);
	ck_assert_uint_ge(imports, 20);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("assets");
	TCase *tcase = tcase_create("assets");
	tcase_add_test(tcase, the_page_is_at_the_root);
	tcase_add_test(tcase, nothing_else_is_there);
	tcase_add_test(tcase, bytes_are_those_of_the_file);
	tcase_add_test(tcase, gzip_is_the_same_and_shorter);
	tcase_add_test(tcase, gzip_where_it_is_taken);
	tcase_add_test(tcase, tags_tell_contents_apart);
	tcase_add_test(tcase, no_markup_from_text);
	tcase_add_test(tcase, nothing_inline_in_the_page);
	tcase_add_test(tcase, all_that_is_named_is_there);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
