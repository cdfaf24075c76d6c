"""What a request says, read from its JSON: the same for every protocol, so that requests can be
compared across them. It knows the protocols from their documentation, not from the library.

Documented merges: a system turn is one whatever its name; roles may be split or joined; results
stand first among what the user says; texts of one assistant turn without anything between them are
one text; a failed result is one whose text says so; calls are known by their order."""

import json

from source import Object, opaque, parse

FREEFORM = opaque(parse('{"type":"object","properties":{"input":{"type":"string"}},'
                        '"required":["input"],"additionalProperties":false}'))
ERROR = "[tool error] "


class Reader:
    def __init__(self, document):
        self.document = document
        self.said = []   # (role, part)
        self.calls = {}  # id -> number, of the newest call with it
        self.count = 0
        self.names = {}  # (space, name) -> number of the tool
        self.tools = []

    def say(self, role, *part):
        self.said.append((role, part))

    def call(self, call_id, name, value, space=""):
        self.calls[call_id] = self.count
        self.say("assistant", "call", self.count, self.names.get((space, name), name), value)
        self.count += 1

    def result(self, call_id, failed, texts):
        texts = [text for text in texts if text]
        if failed:
            texts = [ERROR + (texts[0] if texts else "")] + texts[1:]
        if texts == [ERROR]:
            texts = [ERROR]
        self.say("user", "result", self.calls.get(call_id, call_id), tuple(texts))

    def tool(self, kind, name, description, schema, strict, space=""):
        self.names.setdefault((space, name), len(self.names))
        self.tools.append((kind, description, schema if schema is None else opaque(schema),
                           bool(strict)))

    def meaning(self, **parameters):
        return {"said": settle(self.said), "tools": self.tools,
                **{key: value for key, value in parameters.items() if value is not None}}


def settle(said):
    """The documented merges."""
    out, first = [], 0
    for role, part in said:
        if role != "user":
            first = len(out) + 1
        if part[0] == "result":
            out.insert(first, (role, part))
            first += 1
        elif role == "assistant" and part[0] == "text" and out and out[-1][0] == role and \
                out[-1][1][0] == "text":
            out[-1] = (role, ("text", out[-1][1][1] + part[1], False))
        else:
            out.append((role, part))
    return out


def number(value):
    return None if value is None else str(value)


def arguments(text):
    return opaque(parse(text if text.strip() else "{}"))


def data_url(url):
    if url.startswith("data:"):
        kind, _, data = url[5:].partition(";base64,")
        return kind, data
    return "url", url


# ---- Anthropic ----

def anthropic_block(reader, role, block):
    kind = block["type"]
    if kind == "text":
        reader.say(role, "text", block["text"], "cache_control" in block)
    elif kind in ("image", "document"):
        source = block["source"]
        data = ("url", source["url"]) if source["type"] == "url" else (
            source["media_type"], source["data"])
        reader.say(role, kind, *data, block.get("title"))
    elif kind == "tool_use":
        reader.call(block["id"], block["name"], opaque(block["input"]))
    elif kind == "tool_result":
        content = block.get("content") or []
        texts = [content] if isinstance(content, str) else [item["text"] for item in content]
        reader.result(block["tool_use_id"], block.get("is_error"), texts)
    else:
        reader.say(role, kind, opaque(block))


def blocks(content):
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def anthropic(document):
    reader = Reader(document)
    choice = document.get("tool_choice") or {}
    output = document.get("output_config") or {}
    for tool in document.get("tools") or []:
        reader.tool("function", tool["name"], tool.get("description"), tool["input_schema"],
                    tool.get("strict"))
    for block in blocks(document.get("system") or []):
        anthropic_block(reader, "system", block)
    for message in document["messages"]:
        for block in blocks(message["content"]):
            anthropic_block(reader, message["role"], block)
    thinks = document.get("thinking", {}).get("type")
    return reader.meaning(
        choice=reader.names.get(("", choice.get("name"))) if choice.get("type") == "tool"
        else choice.get("type"),
        serial=choice.get("disable_parallel_tool_use"), max_tokens=int(document["max_tokens"]),
        temperature=number(document.get("temperature")), top_p=number(document.get("top_p")),
        stops=document.get("stop_sequences") or None,
        effort=output.get("effort") if thinks else None,
        schema="format" in output and opaque(output["format"]["schema"]) or None,
        user=document.get("metadata", {}).get("user_id"),
        default_tier=document.get("service_tier") == "standard_only" or None,
        stream=document.get("stream") or None)


# ---- Chat Completions ----

def chat_part(reader, role, part):
    if part["type"] == "text":
        reader.say(role, "text", part["text"], "prompt_cache_breakpoint" in part)
    elif part["type"] == "image_url":
        reader.say(role, "image", *data_url(part["image_url"]["url"]), None)
    elif part["type"] == "file":
        reader.say(role, "document", *data_url(part["file"]["file_data"]),
                   part["file"]["filename"])
    else:
        reader.say(role, part["type"], opaque(part))


def chat_message(reader, message):
    role = {"developer": "system"}.get(message["role"], message["role"])
    content = message.get("content")
    if role == "tool":
        reader.result(message["tool_call_id"], False, [
            part["text"] for part in blocks(content)])
        return
    for part in blocks(content or []):
        chat_part(reader, role, part)
    for call in message.get("tool_calls") or []:
        inner = call[call["type"]]
        reader.call(call["id"], inner["name"], ("text", inner["input"])
                    if call["type"] == "custom" else arguments(inner["arguments"]))


def openai_choice(reader, choice, nested):
    if not isinstance(choice, Object):
        return {"required": "any"}.get(choice, choice)
    inner = choice[choice["type"]] if nested else choice
    return reader.names.get((inner.get("namespace", ""), inner["name"]))


def chat(document):
    reader = Reader(document)
    for tool in document.get("tools") or []:
        inner = tool[tool["type"]]
        reader.tool(tool["type"], inner["name"], inner.get("description"),
                    inner.get("parameters"), inner.get("strict"))
    for message in document["messages"]:
        chat_message(reader, message)
    form = document.get("response_format") or {}
    limit = document.get("max_completion_tokens", document.get("max_tokens"))
    return reader.meaning(
        choice=openai_choice(reader, document.get("tool_choice"), True),
        serial=document.get("parallel_tool_calls") is False or None, max_tokens=int(limit),
        temperature=number(document.get("temperature")), top_p=number(document.get("top_p")),
        stops=document.get("stop") or None, effort=document.get("reasoning_effort"),
        schema=form and opaque(form["json_schema"]["schema"]) or None,
        user=document.get("safety_identifier", document.get("user")),
        default_tier=document.get("service_tier") == "default" or None,
        stream=document.get("stream") or None)


# ---- Responses ----

def responses_part(reader, role, part):
    kind = part["type"]
    if kind in ("input_text", "output_text"):
        reader.say(role, "text", part["text"], "prompt_cache_breakpoint" in part)
    elif kind == "input_image":
        reader.say(role, "image", *data_url(part["image_url"]), None)
    elif kind == "input_file":
        reader.say(role, "document", *data_url(part["file_data"]), part["filename"])
    else:
        reader.say(role, kind, opaque(part))


def responses_item(reader, item):
    kind = item.get("type", "message")
    if kind == "message":
        role = {"developer": "system"}.get(item["role"], item["role"])
        for part in blocks(item["content"]):
            responses_part(reader, role, {**part, "type": "input_text"}
                           if part["type"] == "text" else part)
    elif kind == "function_call":
        reader.call(item["call_id"], item["name"], arguments(item["arguments"]),
                    item.get("namespace", ""))
    elif kind == "custom_tool_call":
        reader.call(item["call_id"], item["name"], ("text", item["input"]))
    elif kind in ("function_call_output", "custom_tool_call_output"):
        reader.result(item["call_id"], False, [part["text"] for part in blocks(item["output"])])
    else:
        reader.say("assistant", kind, opaque(item))


def responses(document):
    reader = Reader(document)
    for tool in document.get("tools") or []:
        inside = tool["type"] == "namespace"
        for one in tool["tools"] if inside else [tool]:
            reader.tool(one["type"], one["name"], one.get("description"), one.get("parameters"),
                        one.get("strict"), tool["name"] if inside else "")
    for item in document["input"]:
        responses_item(reader, item)
    form = (document.get("text") or {}).get("format")
    return reader.meaning(
        choice=openai_choice(reader, document.get("tool_choice"), False),
        serial=document.get("parallel_tool_calls") is False or None,
        max_tokens=int(document["max_output_tokens"]),
        temperature=number(document.get("temperature")), top_p=number(document.get("top_p")),
        effort=(document.get("reasoning") or {}).get("effort"),
        schema=form and opaque(form["schema"]) or None,
        user=document.get("safety_identifier", document.get("user")),
        default_tier=document.get("service_tier") == "default" or None,
        stream=document.get("stream") or None)


def read(wire, body):
    document = parse(body)
    return {"anthropic": anthropic, "chat": chat, "responses": responses}[wire](document)


# ---- what a target can't say as the source did ----

def without_custom(meaning):
    """Custom tools as functions of one text."""
    def call(part):
        if part[0] != "call" or part[3][0] != "text":
            return part
        return *part[:3], opaque(parse(json.dumps({"input": part[3][1]})))
    return {**meaning, "said": [(role, call(part)) for role, part in meaning["said"]],
            "tools": [("function", description, FREEFORM, False) if kind == "custom" else
                      (kind, description, schema, strict)
                      for kind, description, schema, strict in meaning["tools"]]}


def without_marks(meaning):
    return {**meaning, "said": [
        (role, (*part[:2], False) if part[0] == "text" else part)
        for role, part in meaning["said"]]}


def without_thoughts(meaning):
    return {**meaning, "said": [
        (role, part) for role, part in meaning["said"]
        if part[0] not in ("thinking", "redacted_thinking", "reasoning")]}


def as_anthropic(meaning):
    """A call at a time is said beside the choice, and nothing is beside "none"."""
    meaning = dict(meaning)
    if meaning.get("serial"):
        if meaning.get("choice") == "none":
            del meaning["serial"]
        else:
            meaning.setdefault("choice", "auto")
    return meaning
