/* Files that a crash has cut or a disk has spoiled: each is cut at every byte and has every byte
 * changed. It is refused whole, or it says exactly what it said; of the owner's own file, whatever
 * is taken is what the file says. */
#include "activation.h"
#include "alert_outbox.h"
#include "crypto.h"
#include "fileio.h"
#include "health_file.h"
#include "health_rig.h"
#include "jget.h"
#include "lessons_kept.h"
#include "log.h"
#include "reload.h"
#include "suite.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FILE_BYTES 8192

static const char document[] =
    "{\n  \"api_configs\": [\n    {\"id\": \"a1\", \"name\": \"main\", \"base_url\": "
    "\"https://a.test\", \"key\": \"sk-canary\", \"type\": \"primary\", \"mine\": [1.5, null]},\n"
    "    {\"id\": \"b2\", \"base_url\": \"https://b.test\", \"key\": \"k\\u00e9\", "
    "\"type\": \"backup\"}\n  ],\n  \"timeout_settings\": {\"connect_timeout\": 10},\n"
    "  \"client_keys\": [{\"id\": \"c3\", \"name\": \"x\", \"sha256\": \"" HEX "\"}],\n"
    "  \"admin\": {\"token_sha256\": \"" HEX "\", \"users\": [{\"id\": \"u4\", \"name\": "
    "\"ann\", \"role\": \"viewer\", \"token_sha256\": \"" HEX "\"}]}\n}\n";

static char dir[64], path[160], good[160], past[160];
static struct err err;
static struct reload reload;

/* ---- the ways to spoil a text: number `way` of 3 * len, into `out` ---- */

static size_t
spoil(const char *text, size_t len, size_t way, char *out)
{
	size_t at = way / 3;
	memcpy(out, text, len);
	if (way % 3 == 0)
		return at; /* cut */
	unsigned flipped = (unsigned char)out[at] ^ (1u << (at % 8));
	out[at] = way % 3 == 1 ? (char)flipped : '\0';
	return len;
}

static void
put(const char *file, const char *text, size_t len)
{
	/* Not synced and not renamed: thousands of files. */
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static size_t
get(const char *file, char out[FILE_BYTES])
{
	struct bytes text;
	bytes_init(&text, FILE_BYTES);
	ck_assert_msg(fileio_read(file, &text, &err), "%s: %s", file, err.msg);
	size_t len = text.len;
	memcpy(out, text.data, len);
	bytes_fini(&text);
	return len;
}

static void
setup(void)
{
	/* In memory where that is to be had: thousands of synced writes. */
	(void)snprintf(dir, sizeof(dir), "%s/pm-spoiled-XXXXXX",
	    access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/json_data", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/json_data/all_configs.json", dir);
	(void)snprintf(good, sizeof(good), "%s/json_data/all_configs.json.good", dir);
	(void)snprintf(past, sizeof(past), "%s/json_data/history", dir);
	reload = (struct reload){0};
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

static void
teardown(void)
{
	reload_fini(&reload);
	suite_remove_tree(dir);
}

/* Does `whole` have all that is in `part`, where only ids may be new? */
static bool
has_all(const json_t *whole, const json_t *part)
{
	const char *key;
	json_t *value;
	if (json_is_array(part)) {
		bool same = json_array_size(whole) == json_array_size(part);
		for (size_t i = 0; same && i < json_array_size(part); i++)
			same = has_all(json_array_get(whole, i), json_array_get(part, i));
		return same;
	}
	if (!json_is_object(part))
		return json_equal(whole, part) == 1;
	size_t more = json_object_size(whole) - json_object_size(part);
	bool stamped = more == 1 && json_object_get(part, "id") == NULL;
	json_object_foreach((json_t *)(uintptr_t)part, key, value)
	{
		if (!has_all(json_object_get(whole, key), value))
			return false;
	}
	return more == 0 || stamped;
}

/* What serves is what the text says, and beside that the keys of before where it has none. */
static void
check_as_written(const json_t *root, const char *text, size_t len, size_t way)
{
	json_t *said;
	ck_assert_msg(jget_parse(view_make(text, len), &said, &err), "%zu", way);
	json_t *shown = json_copy((json_t *)(uintptr_t)root);
	json_t *admin = json_copy(json_object_get(shown, "admin"));
	if (json_object_get(said, "client_keys") == NULL)
		ck_assert_int_eq(json_object_del(shown, "client_keys"), 0);
	if (json_object_get(said, "admin") == NULL) {
		ck_assert_int_eq(json_object_del(shown, "admin"), 0);
	} else if (json_object_get(json_object_get(said, "admin"), "token_sha256") == NULL) {
		ck_assert_int_eq(json_object_del(admin, "token_sha256"), 0);
		ck_assert_int_eq(json_object_set(shown, "admin", admin), 0);
	}
	ck_assert_msg(has_all(shown, said), "%zu: another configuration serves", way);
	json_decref(admin);
	json_decref(shown);
	json_decref(said);
}

static void
check_is_document(size_t way)
{
	json_t *root;
	ck_assert(jget_parse(VIEW(document), &root, &err));
	ck_assert_msg(reload.config != NULL, "%zu: nobody is served", way);
	ck_assert_msg(json_equal(root, reload.config->root), "%zu: another one serves", way);
	json_decref(root);
}

static void
check_file(const char *file, const char *text, size_t len, size_t way)
{
	char now[FILE_BYTES];
	size_t now_len = get(file, now);
	ck_assert_msg(now_len == len && memcmp(now, text, len) == 0, "%zu: %s", way, file);
}

/* The keys are those of the document: nobody is locked out, nobody let in. */
static void
check_access(size_t way)
{
	uint8_t hash[32], wanted[32];
	ck_assert(crypto_unhex(VIEW(HEX), wanted, sizeof(wanted)));
	ck_assert_msg(!reload.minted, "%zu: keys were made", way);
	ck_assert_msg(config_admin_sha256(reload.config, hash), "%zu: no admin", way);
}

/* ---- the owner's file ---- */

START_TEST(a_spoiled_configuration_is_refused_or_as_written_while_it_serves)
{
	char bad[FILE_BYTES], kept[FILE_BYTES];
	size_t refused = 0, taken = 0, len = sizeof(document) - 1, kept_len;
	put(path, document, len);
	ck_assert(reload_start(&reload, dir, &err));
	for (size_t way = 0; way < 3 * len; way++) {
		const struct config *before = reload.config;
		size_t bad_len = spoil(document, len, way, bad);
		kept_len = get(good, kept);
		put(path, bad, bad_len);
		enum reload_result result = reload_again(&reload);
		if (result == RELOAD_REFUSED) {
			refused++;
			ck_assert_ptr_eq(before, reload.config);
			ck_assert_int_ne(reload.err.kind, ERR_NONE);
			ck_assert_uint_gt(reload.faults.errors, 0);
			check_file(path, bad, bad_len, way);
			check_file(good, kept, kept_len, way);
		} else {
			taken++;
			ck_assert_int_eq(reload.err.kind, ERR_NONE);
			check_as_written(reload.config->root, bad, bad_len, way);
		}
		check_access(way);
	}
	ck_assert_uint_gt(taken, 100);
	ck_assert_uint_gt(refused, len);
}
END_TEST

START_TEST(a_spoiled_configuration_is_refused_or_as_written_at_a_start)
{
	char bad[FILE_BYTES], seal[FILE_BYTES], seal_path[192];
	size_t len = sizeof(document) - 1;
	put(path, document, len);
	ck_assert(reload_start(&reload, dir, &err));
	(void)snprintf(seal_path, sizeof(seal_path), "%s.sha256", good);
	size_t seal_len = get(seal_path, seal);
	for (size_t way = 0; way < 3 * len; way++) {
		size_t bad_len = spoil(document, len, way, bad);
		put(path, bad, bad_len);
		put(good, document, len);
		put(seal_path, seal, seal_len);
		suite_remove_tree(past);
		reload_fini(&reload);
		ck_assert(reload_start(&reload, dir, &err));
		if (reload.source == RELOAD_FILE) {
			check_as_written(reload.config->root, bad, bad_len, way);
		} else {
			check_is_document(way);
			check_file(path, bad, bad_len, way);
			check_file(good, document, len, way);
		}
		check_access(way);
	}
}
END_TEST

/* ---- the copies of it ---- */

/* With a file of the owner that is no JSON, and one of the copies spoiled. */
static void
check_copies(const char *spoiled)
{
	char whole[FILE_BYTES], bad[FILE_BYTES];
	put(path, document, sizeof(document) - 1);
	ck_assert(reload_start(&reload, dir, &err));
	size_t len = get(spoiled, whole);
	put(path, "{", 1);
	for (size_t way = 0; way < 3 * len; way++) {
		size_t bad_len = spoil(whole, len, way, bad);
		put(spoiled, bad, bad_len);
		reload_fini(&reload);
		ck_assert(reload_start(&reload, dir, &err));
		ck_assert_int_eq(reload.source, RELOAD_GOOD);
		check_is_document(way);
		check_access(way);
		json_t *kept = history_read(&reload.history, 1, &err);
		ck_assert(kept == NULL || json_equal(kept, reload.config->root) == 1);
		json_decref(kept);
	}
}

START_TEST(a_spoiled_good_copy_is_not_served)
{
	check_copies(good);
}
END_TEST

START_TEST(a_spoiled_seal_of_the_good_copy_costs_nothing)
{
	char seal[192];
	(void)snprintf(seal, sizeof(seal), "%s.sha256", good);
	check_copies(seal);
}
END_TEST

START_TEST(a_spoiled_revision_is_left_out)
{
	char first[192];
	(void)snprintf(first, sizeof(first), "%s/1.json", past);
	check_copies(first);
}
END_TEST

/* ---- our own state ---- */

struct kind {
	const char *name;
	bool (*read)(const char *folder);  /* anew, whatever was there before */
	bool (*write)(const char *folder); /* what was read, or made by make() */
	void (*make)(void);
	void (*forget)(void);
};

static struct health health;
static struct activation activation;
static struct lessons_kept lessons;
static struct alert_rules rules;
static struct alert_outbox outbox;

static void
forget_health(void)
{
	health_fini(&health);
	rig_init(&health);
}

static void
make_health(void)
{
	struct report_outcome outcome = rig_outcome("claude:a", BLAME_KEY, 401);
	rig_init(&health);
	outcome.count = 3;
	health_note(&health, &outcome, 100000);
	outcome = rig_outcome("claude:c", BLAME_MODEL, 404);
	health_note(&health, &outcome, 100000);
}

static bool
read_health(const char *folder)
{
	return health_file_read(&health, folder, 120000, 1000000, &err);
}

static bool
write_health(const char *folder)
{
	return health_file_write(&health, folder, 120000, 1000000, &err);
}

static void
forget_activation(void)
{
	activation_fini(&activation);
	activation = (struct activation){0};
}

static void
make_activation(void)
{
	activation.last_seq = 12;
	activation.last_ms = 1700000000000;
	activation.items = mem_calloc(2, sizeof(*activation.items));
	activation.count = 2;
	for (size_t i = 0; i < 2; i++) {
		activation.items[i] = (struct activation_item){.id = mem_dup_str("claude:a"),
		    .day = 20260401,
		    .done = i == 0,
		    .tries = 3,
		    .seq = 12,
		    .by = 77,
		    .reason = "status_500"};
	}
}

static bool
read_activation(const char *folder)
{
	return activation_read(&activation, folder, &err);
}

static bool
write_activation(const char *folder)
{
	return activation_write(&activation, folder, &err);
}

static void
forget_lessons(void)
{
	lessons_kept_fini(&lessons);
}

static void
make_lessons(void)
{
	static char id[] = "claude:a", model[] = "m";
	struct lesson_of of = {.upstream = id, .model = model, .lesson = {.kind = LESSON_FIELD}};
	(void)snprintf(of.lesson.name, sizeof(of.lesson.name), "thinking");
	lessons_kept_add(&lessons, &of, 1000, 100);
	(void)snprintf(of.lesson.name, sizeof(of.lesson.name), "top_k");
	lessons_kept_add(&lessons, &of, 1000, 200);
}

static bool
read_lessons(const char *folder)
{
	return lessons_kept_read(&lessons, folder, &err);
}

static bool
write_lessons(const char *folder)
{
	return lessons_kept_write(&lessons, folder, &err);
}

static void
forget_alerts(void)
{
	alert_rules_fini(&rules);
	rules = (struct alert_rules){0};
	outbox = (struct alert_outbox){0};
}

static void
make_alerts(void)
{
	const struct alert_limits limits = {.after_ms = 0};
	const struct alert_seen seen = {ALERT_DISK, "/s", "", "3 MiB are left", ALERT_BAD};
	const bool wanted[ALERT_WAYS] = {true, false};
	alert_rules_see(&rules, &limits, &seen, 5000);
	(void)alert_outbox_add(&outbox, ALERT_RAISED, &rules.causes[0], wanted, 7, 5000);
}

static bool
read_alerts(const char *folder)
{
	return alert_file_read(&rules, &outbox, folder, &err);
}

static bool
write_alerts(const char *folder)
{
	return alert_file_write(&rules, &outbox, folder, &err);
}

static const struct kind kinds[] = {
    {"health.json", read_health, write_health, make_health, forget_health},
    {"activation.json", read_activation, write_activation, make_activation, forget_activation},
    {"lessons.json", read_lessons, write_lessons, make_lessons, forget_lessons},
    {"alerts.json", read_alerts, write_alerts, make_alerts, forget_alerts},
};

START_TEST(a_spoiled_state_is_refused_whole)
{
	const struct kind *kind = &kinds[_i];
	char file[160], whole[FILE_BYTES], bad[FILE_BYTES], read_back[FILE_BYTES];
	char other[96], other_file[160];
	(void)snprintf(file, sizeof(file), "%s/%s", dir, kind->name);
	(void)snprintf(other, sizeof(other), "%s/other", dir);
	(void)snprintf(other_file, sizeof(other_file), "%s/%s", other, kind->name);
	ck_assert_int_eq(mkdir(other, 0700), 0);
	kind->make();
	ck_assert(kind->write(dir));
	size_t len = get(file, whole), same = 0;
	kind->forget();
	ck_assert_msg(kind->read(dir), "%s %s", err.at, err.msg);
	ck_assert(kind->write(other));
	size_t read_len = get(other_file, read_back);
	for (size_t way = 0; way < 3 * len; way++) {
		size_t bad_len = spoil(whole, len, way, bad);
		kind->forget();
		put(file, bad, bad_len);
		if (!kind->read(dir))
			continue;
		same++;
		ck_assert(kind->write(other));
		check_file(other_file, read_back, read_len, way);
	}
	ck_assert_uint_lt(same, len / 10);
	kind->forget();
	health_fini(&health);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("spoiled");
	TCase *tests = tcase_create("spoiled");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 100);
	tcase_add_test(tests, a_spoiled_configuration_is_refused_or_as_written_while_it_serves);
	tcase_add_test(tests, a_spoiled_configuration_is_refused_or_as_written_at_a_start);
	tcase_add_test(tests, a_spoiled_good_copy_is_not_served);
	tcase_add_test(tests, a_spoiled_seal_of_the_good_copy_costs_nothing);
	tcase_add_test(tests, a_spoiled_revision_is_left_out);
	tcase_add_loop_test(
	    tests, a_spoiled_state_is_refused_whole, 0, sizeof(kinds) / sizeof(kinds[0]));
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
