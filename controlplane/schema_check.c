#include "crypto.h"
#include "policy.h"
#include "schedule.h"
#include "schema.h"
#include "secret.h"
#include "table.h"
#include "url.h"
#include "zone.h"
#include <stdio.h>
#include <string.h>

struct view
schema_trim(struct view text)
{
	static const char space[] = " \t\r\n";
	while (text.len > 0 && strchr(space, text.data[0]) != NULL)
		text = view_from(text, 1);
	while (text.len > 0 && strchr(space, text.data[text.len - 1]) != NULL)
		text.len--;
	return text;
}

static struct view
text_of(const json_t *value)
{
	return view_make(json_string_value(value), json_string_length(value));
}

static bool
is_flag(const json_t *value)
{
	return json_is_boolean(value) ||
	       (json_is_number(value) &&
		   (json_number_value(value) == 0 || json_number_value(value) == 1));
}

static bool
only_of(struct view text, const char *more)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		bool plain =
		    (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!plain && (c == '\0' || strchr(more, c) == NULL))
			return false;
	}
	return text.len > 0;
}

static void
check_number(
    const struct schema_row *row, const json_t *value, const char *path, struct faults *faults)
{
	double number = json_number_value(value);
	if (!json_is_number(value) || number < row->min || number > row->max) {
		faults_error(faults, path, "must be a number from %g to %g%s%s", row->min, row->max,
		    row->unit != NULL ? " " : "", row->unit != NULL ? row->unit : "");
	}
}

static void
check_url(const json_t *value, const char *path, struct faults *faults)
{
	struct view text = schema_trim(text_of(value));
	struct url url;
	struct err err;
	if (!view_starts_nocase(text, "http://") && !view_starts_nocase(text, "https://")) {
		faults_error(faults, path, "must start with http:// or https://");
	} else if (!url_parse_base(text, &url, &err)) {
		faults_error(faults, path, "%s", err.msg);
	}
}

static void
check_key(
    const struct schema_row *row, const json_t *value, const char *path, struct faults *faults)
{
	struct view text = schema_trim(text_of(value));
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f) {
			faults_error(faults, path, "must not hold control characters");
			return;
		}
	}
	if (text.len == 0 && strcmp(row->part, SCHEMA_UPSTREAMS) == 0)
		faults_warn(faults, path, "is empty: requests go out without a key");
}

static bool
is_word_of(const struct schema_row *row, struct view text)
{
	struct view rest = view_of(row->words), word;
	while (view_split(&rest, '|', &word)) {
		if (view_eq(word, text))
			return true;
	}
	return false;
}

static void
check_choice(
    const struct schema_row *row, const json_t *value, const char *path, struct faults *faults)
{
	struct view rest = view_of(row->words), first;
	(void)view_split(&rest, '|', &first);
	if (is_word_of(row, text_of(value)))
		return;
	if ((row->flags & SCHEMA_EXACT) != 0)
		faults_error(faults, path, "is none of %s", row->words);
	else
		faults_warn(
		    faults, path, "is none of %s; taken as %.*s", row->words, VIEW_ARGS(first));
}

static void
check_week(const json_t *value, const char *path, struct faults *faults)
{
	if (!json_is_array(value)) {
		faults_error(faults, path, "must be a list of 7 flags, Monday first");
		return;
	}
	for (size_t i = 0; i < json_array_size(value) && i < 7; i++) {
		const json_t *day = json_array_get(value, i);
		if (!is_flag(day) && !json_is_null(day))
			faults_error(faults, path, "day %zu must be true, false, 0 or 1", i + 1);
	}
	if (json_array_size(value) > 7)
		faults_warn(faults, path, "has more than 7 days; the rest is not used");
}

/* "8:00", "08:00"; empty counts as absent. */
static void
check_clock(const json_t *value, const char *path, struct faults *faults)
{
	struct view rest = text_of(value), hour = rest, minute = {0};
	uint64_t h = 0, m = 0;
	if (rest.len == 0)
		return;
	ptrdiff_t colon = view_find_char(rest, ':');
	if (colon >= 0) {
		hour = view_sub(rest, 0, (size_t)colon);
		minute = view_from(rest, (size_t)colon + 1);
	}
	if (hour.len < 1 || hour.len > 2 || minute.len != 2 || !view_to_u64(hour, &h) ||
	    !view_to_u64(minute, &m) || h > 23 || m > 59)
		faults_error(faults, path, "must be a time from 00:00 to 23:59");
}

static void
check_addresses(const json_t *value, const char *path, struct faults *faults)
{
	if (!json_is_array(value)) {
		faults_error(faults, path, "must be a list of addresses");
		return;
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (!only_of(text_of(json_array_get(value, i)), ".:-_%[]")) {
			faults_error(
			    faults, path, "entry %zu is no IP address or host name", i + 1);
		}
	}
}

static bool
is_status(struct view key)
{
	uint64_t status;
	if (view_eq_str(key, "default"))
		return true;
	if (key.len == 3 && key.data[0] >= '1' && key.data[0] <= '5' && view_ends(key, "xx"))
		return true;
	return view_to_u64(key, &status) && key.len == 3 && status >= 100 && status <= 599;
}

static bool
is_one_of(struct view word, const char *const *words)
{
	while (*words != NULL && !view_eq_str(word, *words))
		words++;
	return *words != NULL;
}

static void
check_strategies(
    const struct schema_row *row, json_t *value, const char *path, struct faults *faults)
{
	if (!json_is_object(value)) {
		faults_error(faults, path, "must be an object");
		return;
	}
	const char *key;
	json_t *item;
	json_object_foreach(value, key, item)
	{
		char at[128];
		snprintf(at, sizeof(at), "%s.%s", path, key);
		struct view word = text_of(item);
		if (row->type == SCHEMA_STATUS_MAP && !is_status(view_of(key))) {
			faults_error(faults, at,
			    "the word must be a status from 100 to 599, a "
			    "class like 5xx, or default");
		}
		if (row->type == SCHEMA_NETWORK_MAP && strcmp(key, "default") != 0 &&
		    !is_one_of(view_of(key), policy_network_words))
			faults_warn(faults, at, "unknown network error, kept without effect");
		if (!is_one_of(word, policy_strategy_words)) {
			faults_error(
			    faults, at, "must be strategy_retry, switch_api or normal_retry");
		}
	}
}

static bool
is_model(struct view text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
			return false;
	}
	return text.len > 0 && text.len <= TABLE_NAME_BYTES_MAX;
}

static void
check_models_list(const json_t *value, const char *path, struct faults *faults)
{
	if (!json_is_array(value) || json_array_size(value) > TABLE_MODELS_MAX) {
		faults_error(faults, path, "must be a list of at most %d models", TABLE_MODELS_MAX);
		return;
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (!is_model(text_of(json_array_get(value, i))))
			faults_error(faults, path, "entry %zu is no name of a model", i + 1);
	}
}

static size_t
count_stars(struct view text)
{
	size_t stars = 0;
	for (size_t i = 0; i < text.len; i++)
		stars += text.data[i] == '*';
	return stars;
}

static void
check_models_map(json_t *value, const char *path, struct faults *faults)
{
	const char *from;
	json_t *to;
	if (!json_is_object(value) || json_object_size(value) > TABLE_MODELS_MAX) {
		faults_error(
		    faults, path, "must be an object of at most %d models", TABLE_MODELS_MAX);
		return;
	}
	json_object_foreach(value, from, to)
	{
		char at[128];
		size_t stars = count_stars(view_of(from));
		snprintf(at, sizeof(at), "%s.%s", path, from);
		if (!is_model(view_of(from)) || !is_model(text_of(to)))
			faults_error(faults, at, "must map one name of a model to another");
		else if (stars > 1 || count_stars(text_of(to)) > stars)
			faults_error(
			    faults, at, "may hold one *, and its target one only where it does");
	}
}

static bool
is_day(struct view text)
{
	int year;
	unsigned month, day;
	return zone_day_read(text, &year, &month, &day);
}

static void
check_words(
    const struct schema_row *row, const json_t *value, const char *path, struct faults *faults)
{
	if (!json_is_array(value)) {
		faults_error(faults, path, "must be a list of words");
		return;
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		char at[128];
		snprintf(at, sizeof(at), "%s[%zu]", path, i);
		if (!is_word_of(row, text_of(json_array_get(value, i))))
			faults_error(faults, at, "is none of %s", row->words);
	}
}

static void
check_string(
    const struct schema_row *row, const json_t *value, const char *path, struct faults *faults)
{
	struct view text = text_of(value);
	uint8_t hash[CRYPTO_SHA256_BYTES];
	if (!json_is_string(value)) {
		faults_error(faults, path, "must be a text");
	} else if (row->max > 0 && ((double)text.len < row->min || (double)text.len > row->max)) {
		faults_error(faults, path, "must have %g to %g bytes", row->min, row->max);
	} else if (row->type == SCHEMA_CHOICE) {
		check_choice(row, value, path, faults);
	} else if (row->type == SCHEMA_URL) {
		check_url(value, path, faults);
	} else if (row->type == SCHEMA_KEY) {
		check_key(row, value, path, faults);
	} else if (row->type == SCHEMA_DAY && !is_day(text)) {
		faults_error(faults, path, "must be a day like 2026-11-26");
	} else if (row->type == SCHEMA_CLOCK) {
		check_clock(value, path, faults);
	} else if (row->type == SCHEMA_ID && (text.len > 64 || !only_of(text, "._-"))) {
		faults_error(faults, path, "must be 1 to 64 of A-Z a-z 0-9 . _ -");
	} else if (row->type == SCHEMA_SHA256 && !crypto_unhex(text, hash, sizeof(hash))) {
		faults_error(faults, path, "must be a SHA-256 in hex (64 digits)");
	} else if (row->type == SCHEMA_PATH && !view_starts(text, "/")) {
		faults_error(faults, path, "must be an absolute path");
	}
}

static void
check_groups(const json_t *value, const char *path, struct faults *faults)
{
	char at[192];
	enum group group;
	if (!json_is_array(value))
		faults_error(faults, path, "must be a list of claude, codex, chat");
	for (size_t i = 0; i < json_array_size(value); i++) {
		struct view word = text_of(json_array_get(value, i));
		snprintf(at, sizeof(at), "%s[%zu]", path, i);
		if (word.data == NULL || !group_parse(word, &group) || group > GROUP_CHAT)
			faults_error(faults, at, "must be claude, codex or chat");
	}
}

void
schema_check(const struct schema_row *row, json_t *value, const char *path, struct faults *faults)
{
	switch (row->type) {
	case SCHEMA_ANY:
		break;
	case SCHEMA_FLAG:
		if (!is_flag(value))
			faults_error(faults, path, "must be true or false");
		break;
	case SCHEMA_INT:
	case SCHEMA_NUMBER:
		check_number(row, value, path, faults);
		break;
	case SCHEMA_WEEK:
		check_week(value, path, faults);
		break;
	case SCHEMA_HOURS:
		schedule_check_hours(value, path, faults);
		break;
	case SCHEMA_DATES:
		schedule_check_dates(value, path, faults);
		break;
	case SCHEMA_ZONE:
		schedule_check_zone(value, path, faults);
		break;
	case SCHEMA_ADDRESSES:
		check_addresses(value, path, faults);
		break;
	case SCHEMA_MODELS_LIST:
		check_models_list(value, path, faults);
		break;
	case SCHEMA_GROUPS:
		check_groups(value, path, faults);
		break;
	case SCHEMA_MODELS_MAP:
		check_models_map(value, path, faults);
		break;
	case SCHEMA_WORDS:
		check_words(row, value, path, faults);
		break;
	case SCHEMA_STATUS_MAP:
	case SCHEMA_NETWORK_MAP:
		check_strategies(row, value, path, faults);
		break;
	case SCHEMA_TEXT:
	case SCHEMA_CHOICE:
	case SCHEMA_ID:
	case SCHEMA_URL:
	case SCHEMA_KEY:
	case SCHEMA_SHA256:
	case SCHEMA_PATH:
	case SCHEMA_CLOCK:
	case SCHEMA_DAY:
	case SCHEMA_TYPES:
		check_string(row, value, path, faults);
		break;
	}
}
