#include "api_schemas.h"

/* Shapes of bodies and answers that are not made from the words of the configuration. */
static const struct api_schema schemas[] = {
    {"File", "{\"type\":\"string\"}"},
    {"Events", "{\"type\":\"string\",\"contentMediaType\":\"text/event-stream\"}"},
    {"Played", "{\"description\":\"The answer as its client would get it.\"}"},
    {"Object", "{\"type\":\"object\"}"},
    {"Error",
	"{\"type\":\"object\",\"required\":[\"success\",\"message\"],\"properties\":{"
	"\"success\":{\"const\":false},\"kind\":{\"type\":\"string\"},"
	"\"message\":{\"type\":\"string\"},\"faults\":{\"$ref\":\"#/components/schemas/Faults\"},"
	"\"revision\":{\"type\":\"integer\"},\"etag\":{\"type\":\"string\"}}}"},
    {"Faults",
	"{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"path\",\"message\"],"
	"\"properties\":{\"path\":{\"type\":\"string\"},\"message\":{\"type\":\"string\"}}}}"},
    {"Changes",
	"{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"path\",\"from\","
	"\"to\"],\"properties\":{\"path\":{\"type\":\"string\"}}}}"},
    {"Done",
	"{\"type\":\"object\",\"required\":[\"success\"],\"properties\":{\"success\":{\"const\":"
	"true}}}"},
    {"Session",
	"{\"type\":\"object\",\"required\":[\"logged_in\",\"user\",\"role\",\"csrf_token\","
	"\"version\",\"api_port\"],\"properties\":{\"logged_in\":{\"type\":\"boolean\"},"
	"\"user\":{\"type\":[\"string\",\"null\"]},\"role\":{\"enum\":[\"admin\",\"viewer\","
	"null]},\"csrf_token\":{\"type\":[\"string\",\"null\"]}}}"},
    {"Sessions", "{\"type\":\"object\",\"required\":[\"success\",\"sessions\"],\"properties\":{"
		 "\"sessions\":{\"type\":\"array\"}}}"},
    {"Token", "{\"type\":\"object\",\"required\":[\"token\"],\"properties\":{\"token\":{\"type\":"
	      "\"string\",\"minLength\":1,\"maxLength\":1024}}}"},
    {"Login", "{\"type\":\"object\",\"required\":[\"success\",\"csrf_token\",\"user\",\"role\"],"
	      "\"properties\":{\"csrf_token\":{\"type\":\"string\"}}}"},
    {"Minted",
	"{\"type\":\"object\",\"required\":[\"success\",\"token\"],\"properties\":{\"token\":{"
	"\"type\":\"string\"}}}"},
    {"State",
	"{\"type\":\"object\",\"required\":[\"version\",\"epoch\",\"revision\",\"etag\",\"groups\","
	"\"dataplanes\",\"age_ms\"],\"properties\":{\"revision\":{\"type\":\"integer\"},"
	"\"groups\":{\"type\":\"array\"},\"age_ms\":{\"type\":\"integer\"}}}"},
    {"Reloaded",
	"{\"type\":\"object\",\"required\":[\"success\",\"message\",\"revision\",\"changed\"],"
	"\"properties\":{\"changed\":{\"type\":\"boolean\"},\"sections\":{\"type\":\"array\"}}}"},
    {"Explanation", "{\"type\":\"object\",\"required\":[\"success\",\"at_ms\",\"model\",\"serves\","
		    "\"groups\"]}"},
    {"Requests", "{\"type\":\"object\",\"required\":[\"success\",\"records\"],\"properties\":{"
		 "\"records\":{\"type\":\"array\"}}}"},
    {"Stats", "{\"type\":\"object\",\"required\":[\"success\",\"rows\",\"totals\"],\"properties\":{"
	      "\"rows\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Sums\"}},"
	      "\"totals\":{\"$ref\":\"#/components/schemas/Sums\"}}}"},
    {"Sums", "{\"type\":\"object\",\"description\":\"Beside these what "
	     "by asks "
	     "for.\",\"required\":[\"requests\",\"completed\",\"failed\",\"gone\",\"interrupted\","
	     "\"calls\",\"failed_calls\",\"unknown_calls\",\"input\",\"cache_write_5m\",\"cache_"
	     "write_1h\",\"cache_read\",\"output\",\"reasoning\",\"web_searches\",\"cost_nano_"
	     "usd\",\"unpriced_calls\",\"ms\",\"bytes_in\",\"bytes_out\",\"cache_saved_nano_usd\","
	     "\"cancelled\"],\"properties\":{"
	     "\"gone\":{\"type\":\"integer\",\"description\":\"Whose client left.\"},"
	     "\"cancelled\":{\"type\":\"integer\",\"description\":\"Ended by the owner.\"},"
	     "\"cache_saved_nano_usd\":{\"type\":\"integer\",\"description\":\"What the prompts "
	     "would have cost as new input, less what they cost, by the prices of each call's "
	     "moment. Below 0 where writing to a cache cost more than reading has brought.\"},"
	     "\"cost_nano_usd\":{\"type\":\"integer\"}}}"},
    {"Usage",
	"{\"type\":\"object\",\"required\":[\"success\",\"periods\",\"keys\"],\"properties\":{"
	"\"keys\":{\"type\":\"array\"}}}"},
    {"Lessons", "{\"type\":\"object\",\"required\":[\"success\",\"lessons\"],\"properties\":{"
		"\"lessons\":{\"type\":\"array\"}}}"},
    {"List",
	"{\"type\":\"object\",\"required\":[\"success\",\"revision\",\"etag\"],\"properties\":{"
	"\"revision\":{\"type\":\"integer\"},\"etag\":{\"type\":\"string\"},"
	"\"entries\":{\"type\":\"array\"},\"groups\":{\"type\":\"array\"}}}"},
    {"Entry",
	"{\"type\":\"object\",\"required\":[\"success\",\"revision\",\"etag\",\"id\",\"entry\"],"
	"\"properties\":{\"id\":{\"type\":\"string\"},\"entry\":{\"type\":\"object\"}}}"},
    {"Changed", "{\"type\":\"object\",\"required\":[\"success\",\"revision\",\"etag\",\"version\","
		"\"changed\",\"changes\"],\"properties\":{\"success\":{\"const\":true},"
		"\"revision\":{\"type\":\"integer\"},\"etag\":{\"type\":\"string\"},"
		"\"version\":{\"type\":\"integer\"},\"changed\":{\"type\":\"boolean\"},"
		"\"changes\":{\"$ref\":\"#/components/schemas/Changes\"},"
		"\"id\":{\"type\":\"string\"},\"entry\":{\"type\":\"object\"}}}"},
    {"Added", "{\"allOf\":[{\"$ref\":\"#/components/schemas/Changed\"}],\"properties\":{\"key\":{"
	      "\"type\":\"string\"},\"token\":{\"type\":\"string\"}}}"},
    {"Order", "{\"type\":\"object\",\"required\":[\"ids\"],\"properties\":{\"group\":{\"type\":"
	      "\"string\"},\"ids\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}"},
    {"Move",
	"{\"type\":\"object\",\"required\":[\"to\"],\"properties\":{\"to\":{\"anyOf\":[{\"enum\":["
	"\"up\",\"down\",\"top\",\"bottom\"]},{\"type\":\"integer\",\"minimum\":0}]}}}"},
    {"Settings",
	"{\"type\":\"object\",\"required\":[\"success\",\"revision\",\"etag\",\"sections\","
	"\"rows\"],\"properties\":{\"rows\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
	"\"required\":[\"path\",\"section\",\"key\",\"type\",\"words\",\"min\",\"max\",\"unit\","
	"\"default\",\"old_default\",\"required\",\"unused\",\"help\"]}}}}"},
    {"SettingsPatch",
	"{\"type\":\"object\",\"description\":\"From a word's path to its value; null is "
	"the default\"}"},
    {"Section", "{\"type\":\"object\",\"required\":[\"success\",\"revision\",\"etag\",\"section\","
		"\"value\",\"effective\"],\"properties\":{\"effective\":{\"type\":\"object\"}}}"},
    {"Config",
	"{\"type\":\"object\",\"required\":[\"success\",\"revision\",\"etag\",\"document\","
	"\"config_path\",\"config_error\"],\"properties\":{\"document\":{\"type\":\"object\"}}}"},
    {"Checked",
	"{\"type\":\"object\",\"required\":[\"success\",\"valid\",\"faults\",\"warnings\","
	"\"changes\"],\"properties\":{\"valid\":{\"type\":\"boolean\"},\"faults\":{\"$ref\":"
	"\"#/components/schemas/Faults\"}}}"},
    {"Revisions", "{\"type\":\"object\",\"required\":[\"success\",\"revisions\"],\"properties\":{"
		  "\"revisions\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":["
		  "\"revision\",\"at_ms\",\"who\",\"via\",\"what\",\"bytes\"]}}}}"},
    {"Revision",
	"{\"type\":\"object\",\"required\":[\"success\",\"revision\",\"at_ms\",\"who\",\"via\","
	"\"what\",\"document\",\"changes\"]}"},
    {"Diff",
	"{\"type\":\"object\",\"required\":[\"success\",\"changes\"],\"properties\":{\"changes\":{"
	"\"$ref\":\"#/components/schemas/Changes\"}}}"},
    {"Audit",
	"{\"type\":\"object\",\"required\":[\"success\",\"entries\"],\"properties\":{\"entries\":{"
	"\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"seq\",\"at_ms\",\"who\","
	"\"action\",\"changes\"]}}}}"},
    {"Import", "{\"type\":\"object\",\"required\":[\"text\"],\"properties\":{\"text\":{\"type\":"
	       "\"string\"},\"format\":{\"enum\":[\"auto\",\"pointsman\",\"cc-switch\","
	       "\"claude-code-router\",\"litellm\"]},\"apply\":{\"type\":\"boolean\"}}}"},
    {"Imported", "{\"type\":\"object\",\"required\":[\"success\",\"format\",\"items\",\"skipped\"],"
		 "\"properties\":{\"items\":{\"type\":\"array\"},\"skipped\":{\"$ref\":"
		 "\"#/components/schemas/Faults\"}}}"},
    {"Test", "{\"type\":\"object\",\"properties\":{\"model\":{\"type\":\"string\"},\"prompt\":{"
	     "\"type\":\"string\"},\"max_tokens\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":"
	     "100000},\"wait_seconds\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":60}}}"},
    {"TestEntry",
	"{\"type\":\"object\",\"required\":[\"group\",\"base_url\",\"key\"],\"properties\":{"
	"\"group\":{\"enum\":[\"claude\",\"codex\",\"chat\",\"chat_via_claude\",\"retry\"]},"
	"\"base_url\":{\"type\":\"string\"},\"key\":{\"type\":\"string\"},\"test\":{\"$ref\":"
	"\"#/components/schemas/Test\"}}}"},
    {"Tested", "{\"type\":\"object\",\"required\":[\"success\",\"test\"],\"properties\":{\"test\":{"
	       "\"type\":\"object\",\"required\":[\"seq\",\"done\"]}}}"},
    {"OldList",
	"{\"type\":\"object\",\"required\":[\"configs\"],\"properties\":{\"configs\":{\"type\":"
	"\"array\",\"items\":{\"type\":\"object\"}}}}"},
    {"OldDone", "{\"type\":\"object\",\"required\":[\"success\",\"message\"],\"properties\":{"
		"\"success\":{\"type\":\"boolean\"},\"message\":{\"type\":\"string\"},\"faults\":{"
		"\"$ref\":\"#/components/schemas/Faults\"}}}"},
    {"OldMove", "{\"type\":\"object\",\"required\":[\"direction\"],\"properties\":{\"direction\":{"
		"\"enum\":[\"up\",\"down\",\"top\",\"bottom\"]}}}"},
    {"OldIndex",
	"{\"type\":\"object\",\"properties\":{\"index\":{\"type\":\"integer\",\"minimum\":0}}}"},
    {"OldSettings", "{\"type\":\"object\",\"properties\":{\"settings\":{\"type\":\"object\"},"
		    "\"strategies\":{\"type\":\"object\"}}}"},
};

const struct api_schema *
api_schemas(size_t *count)
{
	*count = sizeof(schemas) / sizeof(schemas[0]);
	return schemas;
}
