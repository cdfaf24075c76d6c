#include "show.h"
#include "grid.h"
#include "must.h"
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINE_BYTES 320

static const char *
text(const json_t *json, const char *key)
{
	const char *value = json_string_value(json_object_get(json, key));
	return value != NULL && value[0] != '\0' ? value : "-";
}

static int64_t
number(const json_t *json, const char *key)
{
	return json_integer_value(json_object_get(json, key));
}

void
show_duration(int64_t ms, char out[48])
{
	int64_t s = ms > 0 ? ms / 1000 : 0;
	if (s >= 86400)
		snprintf(out, 48, "%" PRId64 " d %" PRId64 " h", s / 86400, s / 3600 % 24);
	else if (s >= 3600)
		snprintf(out, 48, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
	else if (s >= 60)
		snprintf(out, 48, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	else
		snprintf(out, 48, "%" PRId64 " s", s);
}

static void
moment(int64_t wall_ms, char out[32])
{
	time_t at = (time_t)(wall_ms / 1000);
	struct tm tm;
	if (localtime_r(&at, &tm) == NULL || strftime(out, 32, "%a %Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(out, 32, "-");
}

static void
print_text(struct bytes *out, const char *line)
{
	grid_clean(out, view_of(line));
}

/* ---- upstreams ---- */

/* "rests 4 min 10 s: status_529 three times in a row (blame: upstream)". */
static void
health_words(const json_t *entry, int64_t now_ms, char out[LINE_BYTES])
{
	const json_t *health = json_object_get(entry, "health");
	const char *state = text(health, "state");
	char left[48];
	show_duration(number(health, "until_ms") - now_ms, left);
	if (!json_is_true(json_object_get(entry, "enabled"))) {
		snprintf(out, LINE_BYTES, "disabled");
	} else if (!json_is_true(json_object_get(entry, "scheduled"))) {
		snprintf(out, LINE_BYTES, "not scheduled now");
	} else if (strcmp(state, "cooling") == 0) {
		snprintf(out, LINE_BYTES, "rests %s more: %s, %" PRId64 " in a row (blame: %s%s)",
		    left, text(health, "reason"), number(health, "errors"), text(health, "blame"),
		    json_is_true(json_object_get(health, "whole_address")) ? ", its whole address"
									   : "");
	} else if (strcmp(state, "up") == 0 || strcmp(state, "-") == 0) {
		snprintf(out, LINE_BYTES, "well");
	} else if (strcmp(state, "suspect") == 0) {
		snprintf(out, LINE_BYTES, "suspect: %s, %" PRId64 " in a row",
		    text(health, "reason"), number(health, "errors"));
	} else {
		snprintf(out, LINE_BYTES,
		    "recovering: at most %" PRId64 " at a time in each data plane",
		    number(health, "ramp"));
	}
}

static void
print_models(const json_t *health, int64_t now_ms, struct bytes *out)
{
	const json_t *models = json_object_get(health, "models");
	for (size_t i = 0; i < json_array_size(models); i++) {
		const json_t *model = json_array_get(models, i);
		char line[LINE_BYTES], left[48];
		show_duration(number(model, "until_ms") - now_ms, left);
		snprintf(line, sizeof(line), "      model %s: %s, %s more", text(model, "model"),
		    text(model, "state"), left);
		print_text(out, line);
		MUST(bytes_append_char(out, '\n'));
	}
}

static void
print_activation(const json_t *entry, struct bytes *out)
{
	const json_t *activation = json_object_get(entry, "activation");
	const json_t *last = json_object_get(activation, "last");
	char next[32], at[32];
	if (!json_is_object(activation))
		return;
	moment(number(activation, "next_ms"), next);
	moment(number(last, "at_ms"), at);
	MUST(bytes_printf(out, "      activation: next %s; ", next));
	if (json_is_object(last))
		MUST(bytes_printf(out, "last %s, %s (%s)\n", at,
		    json_is_true(json_object_get(last, "success")) ? "went well" : "failed",
		    text(last, "reason")));
	else
		MUST(bytes_append_str(out, "none yet\n"));
}

static void
print_upstream(const json_t *entry, const char *group, int64_t now_ms, struct bytes *out)
{
	const json_t *health = json_object_get(entry, "health");
	const json_t *changes = json_object_get(entry, "schedule_changes_ms");
	char words[LINE_BYTES], line[2 * LINE_BYTES], at[32];
	const char *id = text(entry, "id");
	health_words(entry, now_ms, words);
	snprintf(line, sizeof(line), "  %s%s%s  %s (%s): %s", strchr(id, ':') != NULL ? "" : group,
	    strchr(id, ':') != NULL ? "" : ":", id, text(entry, "name"), text(entry, "tier"),
	    words);
	print_text(out, line);
	if (json_is_object(health))
		MUST(bytes_printf(out,
		    "; %" PRId64 " answers, %" PRId64 " failures, %" PRId64 " ms to the first byte",
		    number(health, "successes"), number(health, "failures"),
		    number(health, "ttfb_ms")));
	MUST(bytes_append_char(out, '\n'));
	if (json_is_integer(changes)) {
		moment(json_integer_value(changes), at);
		MUST(bytes_printf(out, "      its schedule changes on %s\n", at));
	}
	print_models(health, now_ms, out);
	print_activation(entry, out);
}

static void
print_lessons(const json_t *state, int64_t now_ms, struct bytes *out)
{
	const json_t *lessons = json_object_get(state, "lessons");
	if (json_array_size(lessons) > 0)
		MUST(bytes_append_str(out, "Learned, left out for the upstream and model:\n"));
	for (size_t i = 0; i < json_array_size(lessons); i++) {
		const json_t *lesson = json_array_get(lessons, i);
		char line[2 * LINE_BYTES], left[48];
		show_duration(number(lesson, "until_ms") - now_ms, left);
		snprintf(line, sizeof(line), "  %s, %s: %s %s, for %s more",
		    text(lesson, "upstream"), text(lesson, "model"), text(lesson, "kind"),
		    text(lesson, "name"), left);
		print_text(out, line);
		MUST(bytes_append_char(out, '\n'));
	}
}

void
show_print_upstreams(const json_t *state, int64_t now_ms, struct bytes *out)
{
	const json_t *groups = json_object_get(state, "groups");
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *group = json_array_get(groups, i);
		const json_t *list = json_object_get(group, "upstreams");
		if (json_array_size(list) == 0)
			continue;
		MUST(bytes_printf(out, "%s, in %s:\n", text(group, "group"), text(group, "pick")));
		for (size_t k = 0; k < json_array_size(list); k++)
			print_upstream(json_array_get(list, k), text(group, "group"), now_ms, out);
	}
	print_lessons(state, now_ms, out);
}

/* ---- explain ---- */

static void
print_places(const json_t *group, int64_t at_ms, struct bytes *out)
{
	const json_t *list = json_object_get(group, "upstreams");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		const json_t *until = json_object_get(entry, "until_ms");
		char line[2 * LINE_BYTES], place[16] = "-", left[48];
		if (number(entry, "place") > 0)
			snprintf(place, sizeof(place), "%" PRId64, number(entry, "place"));
		snprintf(line, sizeof(line), "  %3s  %s  %s (%s): %s", place, text(entry, "id"),
		    text(entry, "name"), text(entry, "tier"), text(entry, "why"));
		print_text(out, line);
		if (json_is_integer(until)) {
			show_duration(json_integer_value(until) - at_ms, left);
			MUST(bytes_printf(out, ", %s more", left));
		}
		MUST(bytes_append_char(out, '\n'));
	}
}

void
show_print_explanation(const json_t *explanation, struct bytes *out)
{
	const json_t *groups = json_object_get(explanation, "groups");
	const char *serves = json_string_value(json_object_get(explanation, "serves"));
	char at[32], line[2 * LINE_BYTES];
	moment(number(explanation, "at_ms"), at);
	snprintf(line, sizeof(line), "On %s%s%s: %s", at,
	    strcmp(text(explanation, "model"), "-") != 0 ? ", for " : "",
	    strcmp(text(explanation, "model"), "-") != 0 ? text(explanation, "model") : "",
	    serves != NULL ? serves : "nobody");
	print_text(out, line);
	MUST(bytes_append_str(out, " serves.\n"));
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *group = json_array_get(groups, i);
		MUST(bytes_printf(out, "%s, in %s:\n", text(group, "group"), text(group, "pick")));
		print_places(group, number(explanation, "at_ms"), out);
	}
}

/* ---- decisions ---- */

static void
print_attempts(const json_t *record, struct bytes *out)
{
	const json_t *attempts = json_object_get(record, "attempts");
	for (size_t i = 0; i < json_array_size(attempts); i++) {
		const json_t *attempt = json_array_get(attempts, i);
		char line[2 * LINE_BYTES];
		snprintf(line, sizeof(line),
		    "      +%" PRId64 " ms  %s%s  %s  %" PRId64 " %s (blame: %s), %" PRId64 " ms",
		    number(attempt, "began_ms"), text(attempt, "upstream"),
		    json_is_true(json_object_get(attempt, "hedge")) ? " (hedge)" : "",
		    text(attempt, "model"), number(attempt, "status"), text(attempt, "reason"),
		    text(attempt, "blame"), number(attempt, "ms"));
		print_text(out, line);
		MUST(bytes_append_char(out, '\n'));
	}
}

void
show_print_decisions(const json_t *decisions, struct bytes *out)
{
	const json_t *records = json_object_get(decisions, "records");
	if (json_array_size(records) == 0)
		MUST(bytes_append_str(out, "No request fits.\n"));
	for (size_t i = 0; i < json_array_size(records); i++) {
		const json_t *record = json_array_get(records, i);
		char line[2 * LINE_BYTES], at[32];
		moment(number(record, "at_ms"), at);
		snprintf(line, sizeof(line),
		    "%s  %s  %s %s  %" PRId64 " %s (%s), %" PRId64 " ms; first by %s", at,
		    text(record, "id"), text(record, "path"), text(record, "model"),
		    number(record, "status"), text(record, "result"), text(record, "reason"),
		    number(record, "ms"), text(record, "why"));
		print_text(out, line);
		if (strcmp(text(record, "session_source"), "none") != 0)
			MUST(bytes_printf(out, ", session %s by %s", text(record, "session"),
			    text(record, "session_source")));
		MUST(bytes_append_char(out, '\n'));
		print_attempts(record, out);
	}
}

/* ---- alerts ---- */

static void
print_ways(const json_t *alerts, struct bytes *out)
{
	const char *host = json_string_value(json_object_get(alerts, "webhook"));
	char line[LINE_BYTES];
	snprintf(line, sizeof(line), "Alerts go to: %s%s%s%s%s",
	    json_is_true(json_object_get(alerts, "log")) ? "the log; " : "",
	    host != NULL ? "a webhook at " : "", host != NULL ? host : "", host != NULL ? "; " : "",
	    json_is_true(json_object_get(alerts, "command")) ? "the command" : "");
	print_text(out, line);
	MUST(bytes_append_char(out, '\n'));
}

static void
print_delivery(const json_t *notice, const char *way, struct bytes *out)
{
	const json_t *delivery = json_object_get(notice, way);
	char line[LINE_BYTES];
	if (!json_is_object(delivery))
		return;
	snprintf(line, sizeof(line), "      %s: %s, %" PRId64 " tries (%s)", way,
	    text(delivery, "state"), number(delivery, "tries"), text(delivery, "reason"));
	print_text(out, line);
	MUST(bytes_append_char(out, '\n'));
}

static void
print_notice(const json_t *notice, struct bytes *out)
{
	char line[4 * LINE_BYTES], at[32];
	moment(number(notice, "at_ms"), at);
	snprintf(
	    line, sizeof(line), "  %s  %s: %s", at, text(notice, "event"), text(notice, "text"));
	print_text(out, line);
	MUST(bytes_append_char(out, '\n'));
	print_delivery(notice, "webhook", out);
	print_delivery(notice, "command", out);
}

void
show_print_alerts(const json_t *state, int64_t now_ms, struct bytes *out)
{
	const json_t *alerts = json_object_get(state, "alerts");
	const json_t *active = json_object_get(alerts, "active");
	const json_t *recent = json_object_get(alerts, "recent");
	print_ways(alerts, out);
	MUST(bytes_append_str(
	    out, json_array_size(active) > 0 ? "Wrong now:\n" : "Nothing is wrong now.\n"));
	for (size_t i = 0; i < json_array_size(active); i++) {
		const json_t *one = json_array_get(active, i);
		char line[4 * LINE_BYTES], lasted[48];
		show_duration(now_ms - number(one, "since_ms"), lasted);
		snprintf(line, sizeof(line), "  %s %s (%s), for %s: %s", text(one, "kind"),
		    text(one, "subject"), text(one, "name"), lasted, text(one, "detail"));
		print_text(out, line);
		MUST(bytes_append_char(out, '\n'));
	}
	if (json_array_size(recent) > 0)
		MUST(bytes_append_str(out, "The latest:\n"));
	for (size_t i = 0; i < json_array_size(recent); i++)
		print_notice(json_array_get(recent, i), out);
}
