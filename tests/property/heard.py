"""What a client hears: answers of each protocol read by a strict client of it. Any fault of the
grammar is an AssertionError."""

from source import joined, opaque, parse


def must(condition, what):
    if not condition:
        raise AssertionError(what)


def events(out):
    """(name, data) of each event; comments are none."""
    text = out.decode("utf-8")
    must(text == "" or text.endswith("\n\n"), "the last event has no end")
    for block in text.split("\n\n")[:-1]:
        name, data = "", []
        for line in block.split("\n"):
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data.append(line[6:])
            else:
                must(line.startswith(":"), f"a line that is none: {line!r}")
        if data:
            yield name, "\n".join(data)


def value(text):
    """An input that is complete; one that was cut is None."""
    try:
        return opaque(parse(joined(text) if text.strip() else "{}"))
    except ValueError:
        return None


class Heard:
    def __init__(self):
        self.parts, self.stop, self.usage, self.error = [], None, None, False

    def meaning(self):
        return {"parts": self.parts, "stop": self.stop, "usage": self.usage}


# ---- Anthropic ----

def anthropic_usage(usage):
    return {"new": int(usage["input_tokens"]), "read": int(usage["cache_read_input_tokens"] or 0),
            "write": int(usage["cache_creation_input_tokens"] or 0),
            "output": int(usage["output_tokens"]), "reasoning": int(
                usage.get("output_tokens_details", {}).get("thinking_tokens", 0))}


def anthropic_block(block):
    kind = block["type"]
    if kind == "thinking":
        return "thinking", block["thinking"], block["signature"]
    if kind == "redacted_thinking":
        return "redacted", block["data"]
    if kind == "text":
        must(block["text"] != "", "an empty text block")
        return "text", block["text"]
    if kind != "tool_use":
        return "other", kind  # its own family's clients get blocks of types yet unknown
    return "call", block["id"], block["name"], value(block["input"]) if isinstance(
        block["input"], str) else opaque(block["input"])


def anthropic_whole(out):
    heard, document = Heard(), parse(out)
    if document["type"] == "error":
        heard.error = True
        return heard
    heard.parts = [anthropic_block(block) for block in document["content"]]
    heard.stop, heard.usage = document["stop_reason"], anthropic_usage(document["usage"])
    return heard


DELTAS = {"text_delta": ("text", "text"), "thinking_delta": ("thinking", "thinking"),
          "input_json_delta": ("tool_use", "partial_json"),
          "signature_delta": ("thinking", "signature")}


def anthropic_stream(out):
    heard, block, index, state = Heard(), None, 0, "before"
    for name, text in events(out):
        data = parse(text)
        kind = data["type"]
        must(name == kind, f"event {name} holds {kind}")
        must(state not in ("ended", "failed"), f"{kind} behind the end")
        if kind == "error":
            state, heard.error = "failed", True
        elif kind == "message_start":
            must(state == "before", "a second beginning")
            must(int(data["message"]["usage"]["input_tokens"]) >= 0, "no usage at the beginning")
            state = "open"
        elif kind == "content_block_start":
            must(state == "open" and block is None, "a block inside another")
            must(int(data["index"]) == index, "a gap between blocks")
            block = dict(data["content_block"])
            if block["type"] == "tool_use":
                must(block["input"] == {}, "an input in the beginning of a block")
                block["input"] = ""
        elif kind == "content_block_delta":
            of, key = DELTAS[data["delta"]["type"]]
            must(block is not None and int(data["index"]) == index and block["type"] == of,
                 "a delta without its block")
            if key == "signature":
                block["signature"] = data["delta"]["signature"]
            else:
                block["input" if of == "tool_use" else key] += data["delta"][key]
        elif kind == "content_block_stop":
            must(block is not None and int(data["index"]) == index, "an end without a block")
            heard.parts.append(anthropic_block(block))
            block, index = None, index + 1
        elif kind == "message_delta":
            must(state == "open" and block is None, "a second message_delta, or in a block")
            heard.stop, heard.usage = data["delta"]["stop_reason"], anthropic_usage(data["usage"])
            state = "stopped"
        elif kind == "message_stop":
            must(state == "stopped", "an end without message_delta")
            state = "ended"
        else:
            must(kind == "ping" and state != "before", f"an event {kind}")
    must(state in ("ended", "failed"), "no end")
    return heard


# ---- Chat Completions ----

def chat_usage(usage):
    read = int(usage["prompt_tokens_details"]["cached_tokens"])
    wrote = int(usage["prompt_tokens_details"]["cache_write_tokens"])
    must(int(usage["total_tokens"]) == int(usage["prompt_tokens"]) +
         int(usage["completion_tokens"]), "a total that is none")
    return {"new": int(usage["prompt_tokens"]) - read - wrote, "read": read, "write": wrote,
            "output": int(usage["completion_tokens"]),
            "reasoning": int(usage["completion_tokens_details"]["reasoning_tokens"])}


def chat_message(message):
    parts = [("thinking", block["thinking"], block["signature"])
             if block["type"] == "thinking" else ("redacted", block["data"])
             for block in message.get("thinking_blocks") or []]
    shown = "\n\n".join(part[1] for part in parts if part[0] == "thinking" and part[1])
    must(joined(message.get("reasoning_content") or "") == joined(shown),
         "shown thinking is another")
    if message.get("content"):
        parts.append(("text", message["content"]))
    if message.get("refusal"):
        parts.append(("refusal", message["refusal"]))
    for call in message.get("tool_calls") or []:
        parts.append(("call", call["id"], call["function"]["name"],
                      value(call["function"]["arguments"])))
    return parts


def chat_whole(out):
    heard, document = Heard(), parse(out)
    if "error" in document:
        heard.error = True
        return heard
    choice, = document["choices"]
    heard.parts, heard.stop = chat_message(choice["message"]), choice["finish_reason"]
    heard.usage = chat_usage(document["usage"])
    return heard


def chat_add(message, delta):
    for key in ("content", "reasoning_content", "refusal"):
        if delta.get(key):
            message[key] = (message.get(key) or "") + delta[key]
    if "thinking_blocks" in delta:
        message["thinking_blocks"] = delta["thinking_blocks"]
    calls = message.setdefault("tool_calls", [])
    for part in delta.get("tool_calls") or []:
        index = int(part["index"])
        if index == len(calls):
            must(part["id"] and part["type"] == "function" and part["function"]["name"],
                 "a call without a beginning")
            calls.append({"id": part["id"], "function": dict(part["function"])})
        else:
            must(index == len(calls) - 1 and "id" not in part, "calls that interleave")
            calls[index]["function"]["arguments"] += part["function"]["arguments"]


def chat_stream(out):
    heard, message, state = Heard(), {}, "before"
    for name, text in events(out):
        must(name == "" and state not in ("ended", "failed"), "an event behind the end")
        if text == "[DONE]":
            must(state == "finished", "an end without finish_reason")
            state = "ended"
            continue
        data = parse(text)
        if "error" in data:
            state, heard.error = "failed", True
            continue
        if not data["choices"]:
            must(state == "finished" and heard.usage is None, "usage twice or too early")
            heard.usage = chat_usage(data["usage"])
            continue
        must(state in ("before", "open"), "words behind the finish")
        must(data["usage"] is None, "usage in the middle")
        choice, = data["choices"]
        must(state == "open" or choice["delta"]["role"] == "assistant", "no role first")
        state = "open"
        chat_add(message, choice["delta"])
        if choice["finish_reason"] is not None:
            state, heard.stop = "finished", choice["finish_reason"]
    must(state in ("ended", "failed"), "no end")
    heard.parts = chat_message(message) if state == "ended" else []
    return heard


# ---- Responses ----

def responses_usage(usage):
    read = int(usage["input_tokens_details"]["cached_tokens"])
    wrote = int(usage["input_tokens_details"]["cache_write_tokens"])
    must(int(usage["total_tokens"]) == int(usage["input_tokens"]) + int(usage["output_tokens"]),
         "a total that is none")
    return {"new": int(usage["input_tokens"]) - read - wrote, "read": read, "write": wrote,
            "output": int(usage["output_tokens"]),
            "reasoning": int(usage["output_tokens_details"]["reasoning_tokens"])}


def responses_item(item):
    kind = item["type"]
    if kind == "reasoning":
        must(len(item["summary"]) <= 1, "several summaries")
        shown = item["summary"][0]["text"] if item["summary"] else ""
        return "thinking", shown, item["encrypted_content"]
    if kind == "message":
        part, = item["content"]
        return ("refusal", part["refusal"]) if part["type"] == "refusal" else (
            "text", part["text"])
    must(kind == "function_call", f"an item of type {kind}")
    return ("call", item["call_id"], item["name"],
            value(item["arguments"]) if item["status"] == "completed" else None)


def responses_object(heard, document):
    heard.parts = [responses_item(item) for item in document["output"]]
    heard.stop = document["status"] if document["status"] == "completed" else \
        document["incomplete_details"]["reason"]
    heard.usage = responses_usage(document["usage"])


def responses_whole(out):
    heard, document = Heard(), parse(out)
    if "status" not in document or document["status"] == "failed":
        must(document["error"], "no error")
        heard.error = True
        return heard
    responses_object(heard, document)
    return heard


class Items:
    """The items of a stream, as they grow."""

    def __init__(self):
        self.done, self.open, self.words = [], None, ""

    def take(self, kind, data):
        index = int(data["output_index"])
        must(index == len(self.done), "an item out of order")
        if kind == "output_item.added":
            must(self.open is None, "an item inside another")
            self.open, self.words = data["item"], ""
            return
        must(self.open is not None, f"{kind} without an item")
        if kind == "output_item.done":
            item = data["item"]
            for key in ("id", "type", "call_id", "name"):
                must(item.get(key) == self.open.get(key), f"another {key} when done")
            self.done.append(item)
            self.open = None
            return
        must(data["item_id"] == self.open["id"], "a strange id")
        if kind.endswith(".delta"):
            self.words += data["delta"]
        elif kind.endswith("text.done") or kind == "refusal.done":
            must(data.get("text", data.get("refusal")) == joined(self.words),
                 "another text when done")
        elif kind == "function_call_arguments.done" and data["arguments"] != "{}":
            must(data["arguments"] == joined(self.words), "other arguments when done")


def responses_stream(out):
    heard, items, state, count = Heard(), Items(), "before", 0
    for name, text in events(out):
        data = parse(text)
        kind = data["type"].removeprefix("response.")
        must(name == data["type"] and int(data["sequence_number"]) == count, "a wrong number")
        count += 1
        must(state not in ("ended", "failed"), f"{kind} behind the end")
        if state == "before":
            must(kind == "created", "another beginning")
            state = "open"
        elif kind == "error":
            state = "error"
        elif kind == "failed":
            must(state == "error", "failed without an error")
            state, heard.error = "failed", True
        elif kind in ("completed", "incomplete"):
            must(state == "open" and items.open is None, "an end inside an item")
            must([opaque(item) for item in data["response"]["output"]] ==
                 [opaque(item) for item in items.done], "another output when complete")
            must(data["response"]["status"] == kind, "another status")
            responses_object(heard, data["response"])
            state = "ended"
        elif kind not in ("in_progress", "keepalive"):
            must(state == "open", f"{kind} behind an error")
            items.take(kind, data)
    must(state in ("ended", "failed"), "no end")
    return heard


def listen(wire, streamed, out):
    heard = {("anthropic", True): anthropic_stream, ("anthropic", False): anthropic_whole,
            ("chat", True): chat_stream, ("chat", False): chat_whole,
            ("responses", True): responses_stream, ("responses", False): responses_whole}[
                (wire, streamed)](out)
    heard.parts = [tuple(joined(item) if isinstance(item, str) else item for item in part)
                   for part in heard.parts]
    return heard
