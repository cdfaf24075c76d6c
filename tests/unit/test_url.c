/* url: what a base URL may be, how it is joined, which hosts are never asked. */
#include "url.h"

#include <check.h>

START_TEST(good_bases)
{
	static const struct {
		const char *text, *host, *path;
		uint16_t port;
		bool https;
	} cases[] = {
	    {"https://api.example.com", "api.example.com", "", 443, true},
	    {"  http://localhost:11434/v1/ \t", "localhost", "/v1/", 11434, false},
	    {"HTTPS://a.b-c_d.example./x/y", "a.b-c_d.example.", "/x/y", 443, true},
	    {"http://127.0.0.1", "127.0.0.1", "", 80, false},
	    {"http://[::1]:8080/v1", "::1", "/v1", 8080, false},
	    {"https://[2001:db8::2]", "2001:db8::2", "", 443, true},
	    {"https://a/b%20c;d=e,f@g:h", "a", "/b%20c;d=e,f@g:h", 443, true},
	    {"http://a:65535/", "a", "/", 65535, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct url url;
		struct err err = {0};
		ck_assert_msg(url_parse_base(view_of(cases[i].text), &url, &err), "%s: %s",
		    cases[i].text, err.msg);
		ck_assert_msg(view_eq_str(url.host, cases[i].host), "%s", cases[i].text);
		ck_assert_msg(view_eq_str(url.path, cases[i].path), "%s", cases[i].text);
		ck_assert_uint_eq(url.port, cases[i].port);
		ck_assert(url.https == cases[i].https);
	}
}
END_TEST

START_TEST(bad_bases)
{
	static const char *const texts[] = {"", "a", "example.com", "//a", "ftp://a", "http:/a",
	    "http:a", "http://", "https:///v1", "http://:80", "http://a:0", "http://a:65536",
	    "http://a:x", "http://a:", "http://a:80:80", "http://a:-1", "http://u@a",
	    "http://u:p@a/", "http://a?b", "http://a/?b", "http://a/b#c", "http://a#", "http://a b",
	    "http://a/ b", "http://a\tb", "http://a\nb", "http://a/\x7f", "http://a/\xc3\xa9",
	    "http://\xc3\xa9", "http://a\\b", "http://a/<b>", "http://a/\"b\"", "http://[::1",
	    "http://[]", "http://[::1]x", "http://[::g]", "http://[1.2.3.4]", "http://a,b",
	    "http://a%20b", "http://a{b}", "javascript://a"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct url url;
		struct err err = {0};
		ck_assert_msg(!url_parse_base(view_of(texts[i]), &url, &err), "%s", texts[i]);
		ck_assert_msg(err.kind == ERR_CONFIG && err.msg[0] != '\0', "%s", texts[i]);
	}
	struct url url;
	ck_assert(!url_parse_base(view_make("http://a\0b", 10), &url, NULL));
}
END_TEST

START_TEST(joins)
{
	static const struct {
		const char *base, *path, *query, *want;
	} cases[] = {
	    {"https://a", "/v1/messages", "", "https://a/v1/messages"},
	    {"https://a/", "/v1/messages", "", "https://a/v1/messages"},
	    {"https://a/v1", "/v1/messages", "", "https://a/v1/messages"},
	    {"https://a/v1/", "/v1/messages", "b=c", "https://a/v1/messages?b=c"},
	    {"https://a/x/v1//", "/v1", "", "https://a/x/v1"},
	    {"https://a/v1", "/v1beta/models", "", "https://a/v1/v1beta/models"},
	    {"https://a/v1beta", "/v1/messages", "", "https://a/v1beta/v1/messages"},
	    {"https://a/av1", "/v1/messages", "", "https://a/av1/v1/messages"},
	    {"https://a/v1", "/models", "x", "https://a/v1/models?x"},
	    {"https://a/v1", "", "", "https://a/v1"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes out;
		bytes_init(&out, 1000);
		ck_assert(url_join(
		    view_of(cases[i].base), view_of(cases[i].path), view_of(cases[i].query), &out));
		ck_assert_msg(view_eq_str(bytes_view(&out), cases[i].want), "%s", cases[i].want);
		bytes_fini(&out);
	}
	struct bytes small;
	bytes_init(&small, 10);
	ck_assert(!url_join(VIEW("https://a"), VIEW("/v1"), VIEW("q"), &small));
	bytes_fini(&small);
}
END_TEST

START_TEST(denied_hosts)
{
	static const char *const denied[] = {"169.254.169.254", "169.254.0.1", "0.0.0.0", "0.1.2.3",
	    "::", "fe80::1", "fe80::1%eth0", "febf::1", "224.0.0.1", "239.1.1.1", "255.255.255.255",
	    "240.0.0.1", "ff02::1", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "fd00:ec2::254",
	    "100.100.100.200", "168.63.129.16", "192.0.0.192", "64:ff9b::169.254.169.254",
	    "2002:a9fe:a9fe::1", "2852039166", "0xa9fea9fe", "0xa9.0xfe.0xa9.0xfe",
	    "0251.0376.0251.0376", "169.254.43518", "169.16689662", "169.254.169.254.", "0",
	    "::169.254.169.254"};
	static const char *const allowed[] = {"127.0.0.1", "::1", "10.0.0.1", "192.168.1.1",
	    "8.8.8.8", "2001:db8::1", "::ffff:127.0.0.1", "api.example.com", "localhost",
	    "metadata.google.internal", "169.254.169.254.example.com", "fd00::1", "",
	    "fe80.example.com", "[fe80::1]"};
	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		ck_assert_msg(url_host_is_denied(view_of(denied[i])), "%s", denied[i]);
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		ck_assert_msg(!url_host_is_denied(view_of(allowed[i])), "%s", allowed[i]);
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("url");
	tcase_add_test(tcase, good_bases);
	tcase_add_test(tcase, bad_bases);
	tcase_add_test(tcase, joins);
	tcase_add_test(tcase, denied_hosts);
	Suite *suite = suite_create("url");
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
