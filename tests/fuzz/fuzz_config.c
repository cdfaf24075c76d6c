/* Any bytes as a configuration: refused with a fault, or taken, made into a table, printed and
 * taken again as the same. */
#include "assemble.h"
#include "config.h"
#include "must.h"
#include <stddef.h>
#include <stdint.h>

#define NOW_MS INT64_C(1000000000000) /* the weeks of 1970 began before zero */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
print_and_parse_again(struct config *config, const struct table *table)
{
	struct bytes text;
	struct config *again;
	struct faults faults = {0};
	bytes_init(&text, 4 * CONFIG_BYTES_MAX);
	MUST(config_print(config->root, &text));
	MUST(config_parse(bytes_view(&text), &again, &faults));
	struct table *same = assemble_table(again, NOW_MS, "http://127.0.0.1:1");
	MUST(assemble_equal(table, same));
	table_unref(same);
	config_free(again);
	faults_fini(&faults);
	bytes_fini(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config;
	struct faults faults = {0};
	if (config_parse(view_make((const char *)data, size), &config, &faults)) {
		struct table *table = assemble_table(config, NOW_MS, "http://127.0.0.1:1");
		json_t *json = table_encode(table);
		struct table *decoded;
		struct err err;
		MUST(table_decode(json, &decoded, &err));
		json_decref(json);
		table_unref(decoded);
		print_and_parse_again(config, table);
		table_unref(table);
		config_free(config);
	} else {
		MUST(faults.errors > 0);
	}
	json_decref(faults_encode(&faults));
	faults_fini(&faults);
	return 0;
}
