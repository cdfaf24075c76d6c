#include "golden_tap.h"
#include "must.h"
#include <string.h>

static void
tell(const char *who, const struct usage *usage, const char *model, struct bytes *why)
{
	MUST(bytes_printf(why,
	    "    %s: in %lld read %lld write %lld (%lld %lld) out %lld (%lld) "
	    "searches %lld model %s\n",
	    who, (long long)usage->input_new, (long long)usage->cache_read,
	    (long long)usage->cache_write, (long long)usage->cache_write_5m,
	    (long long)usage->cache_write_1h, (long long)usage->output, (long long)usage->reasoning,
	    (long long)usage->web_searches, model));
}

static struct usage
told_or_zero(const struct usage *usage)
{
	int64_t counts[sizeof(*usage) / sizeof(int64_t)];
	struct usage out;
	memcpy(counts, usage, sizeof(counts));
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		counts[i] = counts[i] > 0 ? counts[i] : 0;
	memcpy(&out, counts, sizeof(out));
	return out;
}

bool
golden_tap_agrees(
    const struct tap *tap, const struct convert *convert, bool complete, struct bytes *why)
{
	const struct usage *converted = convert_usage(convert);
	struct usage heard = tap->found.usage;
	struct tap_usage named = {0};
	tap_set_model(&named, convert_model(convert));
	/* An answer that tells no tokens tells no searches either. */
	if (!tap->found.told)
		heard.web_searches = converted->web_searches;
	/* Of a failure the conversion says no more, but its upstream may. */
	bool more = !complete && tap->found.told &&
		    usage_prompt(&heard) >= usage_prompt(converted) &&
		    heard.output >= converted->output;
	/* What conversion adds up, of an answer that was continued, is 0 where nothing was told. */
	struct usage ours = told_or_zero(&heard), theirs = told_or_zero(converted);
	bool same = memcmp(&ours, &theirs, sizeof(ours)) == 0;
	if ((same || more) &&
	    (named.model[0] == '\0' || strcmp(named.model, tap->found.model) == 0))
		return true;
	tell("tap      ", &tap->found.usage, tap->found.model, why);
	tell("converted", converted, named.model, why);
	return false;
}
