/* The files of ui/ as they are compiled in, and the rules that the content policy needs. */
#include "assets.h"
#include "bytes.h"
#include "fileio.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct view
content(const char *path)
{
	const struct asset *asset = assets_find(view_of(path));
	ck_assert_msg(asset != NULL, "%s", path);
	return assets_content(asset);
}

START_TEST(the_page_is_at_the_root)
{
	const struct asset *page = assets_find(VIEW("/"));
	ck_assert_ptr_nonnull(page);
	ck_assert_ptr_eq(page, assets_find(VIEW("/index.html")));
	ck_assert_str_eq(page->type, "text/html; charset=utf-8");
	ck_assert_str_eq(
	    assets_find(VIEW("/assets/app.js"))->type, "text/javascript; charset=utf-8");
}
END_TEST

START_TEST(nothing_else_is_there)
{
	static const char *const paths[] = {"", "/index", "/index.html/", "/assets", "/assets/",
	    "/assets/../index.html", "/assets/index.html", "/app.js", "/assets/app.js.map",
	    "/assets/%61pp.js", "/etc/passwd"};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		ck_assert_msg(assets_find(view_of(paths[i])) == NULL, "%s", paths[i]);
}
END_TEST

START_TEST(bytes_are_those_of_the_file)
{
	static const char *const names[] = {"style.css", "words.js", "icon.svg"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[512], url[64];
		struct bytes file;
		(void)snprintf(path, sizeof(path), "%s/ui/%s", WEBADMIN_DIR, names[i]);
		(void)snprintf(url, sizeof(url), "/assets/%s", names[i]);
		bytes_init(&file, 1u << 20);
		ck_assert(fileio_read(path, &file, NULL));
		ck_assert_msg(view_eq(bytes_view(&file), content(url)), "%s", path);
		bytes_fini(&file);
	}
}
END_TEST

START_TEST(tags_tell_contents_apart)
{
	for (size_t i = 0; i < assets_count; i++) {
		struct view tag = view_of(assets_all[i].etag);
		ck_assert_uint_eq(tag.len, 18);
		ck_assert(tag.data[0] == '"' && tag.data[17] == '"');
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(assets_all[i].etag, assets_all[j].etag);
	}
}
END_TEST

START_TEST(no_markup_from_text)
{
	static const char *const words[] = {
	    "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("};
	for (size_t i = 0; i < assets_count; i++)
		for (size_t j = 0; j < sizeof(words) / sizeof(words[0]); j++)
			ck_assert_msg(view_find(assets_content(&assets_all[i]), words[j]) < 0,
			    "%s has %s", assets_all[i].path, words[j]);
}
END_TEST

START_TEST(nothing_inline_in_the_page)
{
	static const char *const words[] = {"<style", "style=", " on", "javascript:", "<script>"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		ck_assert_msg(view_find(content("/"), words[i]) < 0, "the page has %s", words[i]);
}
END_TEST

/* Calls for each text between `before` and a quote. */
static unsigned
check_references(struct view text, const char *before, const char *prefix)
{
	unsigned count = 0;
	ptrdiff_t at;
	while ((at = view_find(text, before)) >= 0) {
		char path[256];
		text = view_from(text, (size_t)at + view_of(before).len);
		struct view name = view_sub(text, 0, (size_t)view_find_char(text, '"'));
		(void)snprintf(path, sizeof(path), "%s%.*s", prefix, VIEW_ARGS(name));
		ck_assert_msg(assets_find(view_of(path)) != NULL, "%s is not there", path);
		count++;
	}
	return count;
}

START_TEST(all_that_is_named_is_there)
{
	unsigned links = check_references(content("/"), "href=\"", "") +
			 check_references(content("/"), "src=\"", "");
	unsigned imports = 0;
	for (size_t i = 0; i < assets_count; i++)
		imports +=
		    check_references(assets_content(&assets_all[i]), "from \"./", "/assets/");
	ck_assert_uint_ge(links, 3);
	ck_assert_uint_ge(imports, 4);
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
