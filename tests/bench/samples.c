#include "samples.h"
#include "must.h"
#include "write_json.h"

#define TOOLS 24
#define TEXT_PIECES 400
#define INPUT_PIECES 100
#define RESULT_LINES 80
#define FILE_LINES 12

/* What models and programs write: quotes, tabs, line ends, and a little beyond ASCII. */
static const char *const lines[] = {
    "static int parse_header(const char *name, size_t len, struct header *out)\n",
    "{\n\tif (name == NULL || len > HEADER_BYTES_MAX)\n\t\treturn fail(\"no header\");\n",
    "\tfor (size_t i = 0; i < len; i++) {\n\t\tif (name[i] == ':' || name[i] == '\\n')\n",
    "\t\t\tbreak; /* the value follows */\n\t}\n\treturn 0;\n}\n\n",
    "   142: The gateway keeps the order of what it was told; nothing is sent twice.\n",
    "Größe und Länge werden geprüft — see the notes of 2026 for the reasons why.\n",
    "{\"name\": \"widget\", \"sizes\": [1, 2, 3], \"path\": \"C:\\\\data\\\\new\"}\n",
    "def total(items):\n    \"\"\"Adds the prices.\"\"\"\n    return sum(i.price for i in items)\n",
};

static void
put_lines(struct write_json *json, unsigned seed, unsigned count)
{
	write_json_open(json);
	for (unsigned i = 0; i < count; i++) {
		seed = seed * 1664525u + 1013904223u;
		write_json_piece_plain(json, view_of(lines[seed >> 29]));
	}
	write_json_close(json);
}

static void
put_tool(struct write_json *json, unsigned number)
{
	static const char *const fields[] = {"file_path", "pattern", "content", "limit", "mode"};
	char name[] = "tool_a";
	name[sizeof(name) - 2] = (char)('a' + number);
	write_json_object(json);
	write_json_key_str(json, "name", name);
	write_json_key(json, "description");
	put_lines(json, number, 6);
	write_json_key_object(json, "input_schema");
	write_json_key_str(json, "type", "object");
	write_json_key_object(json, "properties");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		write_json_key_object(json, fields[i]);
		write_json_key_str(json, "type", i == 3 ? "integer" : "string");
		write_json_key_str(json, "description", "What the tool is to work on.");
		write_json_object_end(json);
	}
	write_json_object_end(json);
	write_json_key_raw(json, "required", VIEW("[\"file_path\"]"));
	write_json_object_end(json);
	write_json_object_end(json);
}

static void
put_input(struct write_json *json, unsigned seed)
{
	write_json_object(json);
	write_json_key_str(json, "file_path", "/srv/project/source/parser/header.c");
	write_json_key(json, "content");
	put_lines(json, seed, FILE_LINES);
	write_json_key_int(json, "limit", seed % 1000);
	write_json_object_end(json);
}

static void
put_text_part(struct write_json *json, unsigned seed, unsigned count)
{
	write_json_object(json);
	write_json_key_str(json, "type", "text");
	write_json_key(json, "text");
	put_lines(json, seed, count);
	write_json_object_end(json);
}

static void
open_turn(struct write_json *json, const char *role)
{
	write_json_object(json);
	write_json_key_str(json, "role", role);
	write_json_key_array(json, "content");
}

static void
close_turn(struct write_json *json)
{
	write_json_array_end(json);
	write_json_object_end(json);
}

/* The model says something and calls a tool, whose result comes back. */
static void
put_step(struct write_json *json, unsigned number)
{
	char id[16];
	struct bytes text;
	bytes_init(&text, sizeof(id));
	MUST(bytes_printf(&text, "toolu_%08u", number));
	open_turn(json, "assistant");
	put_text_part(json, number, 4);
	write_json_object(json);
	write_json_key_str(json, "type", "tool_use");
	write_json_key_plain(json, "id", bytes_view(&text));
	write_json_key_str(json, "name", "tool_b");
	write_json_key(json, "input");
	put_input(json, number);
	write_json_object_end(json);
	close_turn(json);
	open_turn(json, "user");
	write_json_object(json);
	write_json_key_str(json, "type", "tool_result");
	write_json_key_plain(json, "tool_use_id", bytes_view(&text));
	write_json_key(json, "content");
	put_lines(json, number * 7, RESULT_LINES);
	write_json_object_end(json);
	close_turn(json);
	bytes_fini(&text);
}

void
samples_request(size_t wanted_bytes, bool stream, struct bytes *out)
{
	struct write_json json;
	write_json_init(&json, out);
	write_json_object(&json);
	write_json_key_str(&json, "model", "claude-sonnet-4-5");
	write_json_key_int(&json, "max_tokens", 32000);
	write_json_key_bool(&json, "stream", stream);
	write_json_key_array(&json, "system");
	put_text_part(&json, 1, 60);
	write_json_array_end(&json);
	write_json_key_array(&json, "tools");
	for (unsigned i = 0; i < TOOLS; i++)
		put_tool(&json, i);
	write_json_array_end(&json);
	write_json_key_array(&json, "messages");
	open_turn(&json, "user");
	put_text_part(&json, 3, 10);
	close_turn(&json);
	for (unsigned i = 0; out->len < wanted_bytes; i++)
		put_step(&json, i);
	write_json_array_end(&json);
	write_json_object_end(&json);
	MUST(write_json_ok(&json));
}

/* A run of `len` bytes of the inside of a JSON string, so that no escape is cut. */
static struct view
take_piece(struct view *rest, size_t len)
{
	while (len < rest->len && (rest->data[len - 1] == '\\' || (rest->data[len] & 0xc0) == 0x80))
		len++;
	struct view piece = view_sub(*rest, 0, len);
	*rest = view_from(*rest, len);
	return piece;
}

static void
put_delta(struct bytes *out, int block, const char *kind, const char *key, struct view piece)
{
	MUST(bytes_printf(out,
	    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":%d,"
	    "\"delta\":{\"type\":\"%s\",\"%s\":\"%.*s\"}}\n\n",
	    block, kind, key, VIEW_ARGS(piece)));
}

/* `pieces` deltas of one block; `source` is the inside of a JSON string. */
static void
put_deltas(struct bytes *out, int block, struct view source, unsigned pieces)
{
	struct view rest = source;
	for (unsigned i = 0; i < pieces && rest.len > 0; i++)
		put_delta(out, block, block == 0 ? "text_delta" : "input_json_delta",
		    block == 0 ? "text" : "partial_json", take_piece(&rest, 18));
	if (rest.len > 0)
		put_delta(out, block, block == 0 ? "text_delta" : "input_json_delta",
		    block == 0 ? "text" : "partial_json", rest);
}

static void
put_text_block(struct bytes *out)
{
	struct write_json json;
	struct bytes text;
	bytes_init(&text, 1u << 20);
	write_json_init(&json, &text);
	put_lines(&json, 5, TEXT_PIECES / 4);
	struct view inside = view_sub(bytes_view(&text), 1, text.len - 2);
	put_deltas(out, 0, take_piece(&inside, (size_t)TEXT_PIECES * 18), TEXT_PIECES);
	bytes_fini(&text);
}

static void
put_call_block(struct bytes *out)
{
	struct write_json json;
	struct bytes input, escaped;
	bytes_init(&input, 1u << 20);
	bytes_init(&escaped, 1u << 20);
	write_json_init(&json, &input);
	put_input(&json, 11);
	MUST(bytes_append_json(&escaped, bytes_view(&input)));
	put_deltas(out, 1, bytes_view(&escaped), INPUT_PIECES);
	bytes_fini(&input);
	bytes_fini(&escaped);
}

void
samples_stream(struct bytes *out)
{
	MUST(bytes_append_str(out,
	    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\","
	    "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-sonnet-4-5\","
	    "\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,"
	    "\"usage\":{\"input_tokens\":9000,\"output_tokens\":1}}}\n\n"
	    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
	    "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"));
	put_text_block(out);
	MUST(bytes_append_str(out,
	    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
	    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,"
	    "\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"tool_b\","
	    "\"input\":{}}}\n\n"));
	put_call_block(out);
	MUST(bytes_append_str(out,
	    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n"
	    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
	    "\"tool_use\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":2000}}\n\n"
	    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
}
