"""Answers that chance makes, as each protocol's upstream sends them: whole, and as a stream.

An answer is a dict: "parts", "stop", "usage". Parts: ("thinking", text, signature),
("redacted", data), ("text", text), ("refusal", text), ("call", id, name, input)."""

import json

from source import Raw, object_text, text, write
from talk import some

STOPS = {"end": ("end_turn", "stop"), "length": ("max_tokens", "length"),
         "calls": ("tool_use", "tool_calls")}


def make(chance, wire, tools):
    parts = []
    if wire == "chat":
        if chance.random() < 0.3:
            parts.append(("thinking", text(chance), ""))
    else:
        for _ in range(chance.choice((0, 0, 1, 2))):
            redacted = wire == "anthropic" and chance.random() < 0.3
            parts.append(("redacted", f"data{chance.randrange(99)}==") if redacted else
                         ("thinking", chance.choice(("", text(chance))),
                          f"sig{chance.randrange(99)}/+="))
    if chance.random() < 0.8:
        parts.append(("text", text(chance)))
    if tools:
        for number in range(chance.choice((0, 1, 1, 2, 3))):
            parts.append(("call", f"call_{number}_{chance.randrange(99)}", chance.choice(tools),
                          object_text(chance)))
        if wire != "chat" and parts and parts[-1][0] == "call" and chance.random() < 0.2:
            parts.append(("text", text(chance)))
    if not any(part[0] in ("text", "call") for part in parts):
        parts.append(("text", text(chance)))
    calls = any(part[0] == "call" for part in parts)
    return {"parts": parts, "stop": "length" if chance.random() < 0.1 else
            "calls" if calls else "end",
            "usage": {"new": chance.randrange(1000), "read": chance.randrange(500),
                      "write": chance.choice((0, 0, chance.randrange(300))),
                      "output": 300 + chance.randrange(700), "reasoning": chance.randrange(200)}}


def pieces(chance, value):
    """A text in pieces; the halves of a surrogate pair may part."""
    if chance.random() < 0.2:
        units = value.encode("utf-16-le", "surrogatepass")
        value = [units[i:i + 2].decode("utf-16-le", "surrogatepass")
                 for i in range(0, len(units), 2)]
    out = []
    while value:
        size = chance.choice((1, 2, 3, 5, 8, len(value)))
        out.append("".join(value[:size]))
        value = value[size:]
    return out


def event(name, data, chance):
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {data if isinstance(data, str) else write(data, chance)}\n\n"


# ---- Anthropic ----

def anthropic_usage(usage):
    return {"input_tokens": usage["new"], "cache_read_input_tokens": usage["read"],
            "cache_creation_input_tokens": usage["write"], "output_tokens": usage["output"],
            "output_tokens_details": {"thinking_tokens": usage["reasoning"]}}


def anthropic_block(part):
    if part[0] == "thinking":
        return {"type": "thinking", "thinking": part[1], "signature": part[2]}
    if part[0] == "redacted":
        return {"type": "redacted_thinking", "data": part[1]}
    if part[0] == "text":
        return {"type": "text", "text": part[1]}
    return {"type": "tool_use", "id": part[1], "name": part[2], "input": part[3]}


def anthropic_message(answer, content, stop):
    return {"id": "msg_up", "type": "message", "role": "assistant", "model": "claude-x",
            "content": content, "stop_reason": stop, "stop_sequence": None,
            "usage": anthropic_usage(answer["usage"])}


def anthropic_stream(answer, chance):
    def out(kind, **members):
        return event(kind, {"type": kind, **members}, chance)
    start = anthropic_message(answer, [], None)
    start["usage"]["output_tokens"] = 1
    yield out("message_start", message=start)
    for index, part in enumerate(answer["parts"]):
        block, deltas = anthropic_block(part), []
        if part[0] == "thinking":
            block = {**block, "thinking": "", "signature": ""}
            deltas = [("thinking_delta", "thinking", piece) for piece in pieces(chance, part[1])]
            deltas.append(("signature_delta", "signature", part[2]))
        elif part[0] == "text":
            block = {**block, "text": ""}
            deltas = [("text_delta", "text", piece) for piece in pieces(chance, part[1])]
        elif part[0] == "call" and chance.random() < 0.9:
            block = {**block, "input": {}}
            source = "" if part[3] == "{}" and chance.random() < 0.5 else str(part[3])
            deltas = [("input_json_delta", "partial_json", piece)
                      for piece in ["", *pieces(chance, source)]]
        yield out("content_block_start", index=index, content_block=block)
        for kind, key, piece in deltas:
            yield out("content_block_delta", index=index, delta={"type": kind, key: piece})
            if chance.random() < 0.05:
                yield out("ping")
        yield out("content_block_stop", index=index)
    yield out("message_delta", delta={"stop_reason": STOPS[answer["stop"]][0],
                                      "stop_sequence": None},
              usage=anthropic_usage(answer["usage"]))
    yield out("message_stop")


# ---- Chat Completions ----

def chat_usage(usage):
    prompt = usage["new"] + usage["read"] + usage["write"]
    return {"prompt_tokens": prompt, "completion_tokens": usage["output"],
            "total_tokens": prompt + usage["output"],
            "prompt_tokens_details": {"cached_tokens": usage["read"],
                                      "cache_write_tokens": usage["write"]},
            "completion_tokens_details": {"reasoning_tokens": usage["reasoning"]}}


def chat_call(part):
    return {"id": part[1], "type": "function",
            "function": {"name": part[2], "arguments": str(part[3])}}


def chat_message(answer):
    parts = answer["parts"]
    thought = "".join(part[1] for part in parts if part[0] == "thinking")
    words = "".join(part[1] for part in parts if part[0] == "text")
    calls = [chat_call(part) for part in parts if part[0] == "call"]
    return some({"role": "assistant", "content": words or Raw("null"),
                 "reasoning_content": thought or None, "tool_calls": calls or None})


def chat_chunk(chance, delta, finish=None, **members):
    return event("", {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "g",
                      "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
                      **members}, chance)


def chat_call_deltas(parts, chance):
    """Deltas of all calls: one call after the other, or all at once."""
    rows = []
    for index, part in enumerate(parts):
        first = {"index": index, **chat_call(part)}
        first["function"] = {"name": part[2], "arguments": ""}
        rows.append([first] + [{"index": index, "function": {"arguments": piece}}
                               for piece in pieces(chance, str(part[3]))])
    if chance.random() < 0.5:
        return [delta for row in rows for delta in row]
    mixed, begun = [], 0
    while any(rows):
        index = chance.choice([i for i, row in enumerate(rows[:begun + 1]) if row])
        begun = max(begun, index + 1)  # calls begin in order
        mixed.append(rows[index].pop(0))
    return mixed


def chat_stream(answer, chance):
    place, finish = chance.randrange(3), STOPS[answer["stop"]][1]
    usage = chat_usage(answer["usage"])
    yield chat_chunk(chance, {"role": "assistant", "content": chance.choice(("", Raw("null")))})
    for part in answer["parts"]:
        if part[0] in ("thinking", "text"):
            key = "content" if part[0] == "text" else chance.choice(
                ("reasoning_content", "reasoning"))
            for piece in pieces(chance, part[1]):
                yield chat_chunk(chance, {key: piece})
    calls = [part for part in answer["parts"] if part[0] == "call"]
    for delta in chat_call_deltas(calls, chance):
        yield chat_chunk(chance, {"tool_calls": [delta]})
    yield chat_chunk(chance, {}, finish, **({"usage": usage} if place == 0 else {}))
    if place == 1:
        yield event("", {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "g",
                         "choices": [], "usage": usage}, chance)
    if place == 2:
        yield event("", {"choices": [], "usage": usage}, chance)
    yield event("", "[DONE]", chance)


# ---- Responses ----

def responses_usage(usage):
    prompt = usage["new"] + usage["read"] + usage["write"]
    return {"input_tokens": prompt, "input_tokens_details": {
        "cached_tokens": usage["read"], "cache_write_tokens": usage["write"]},
            "output_tokens": usage["output"],
            "output_tokens_details": {"reasoning_tokens": usage["reasoning"]},
            "total_tokens": prompt + usage["output"]}


def responses_item(part, index):
    if part[0] == "thinking":
        return {"id": f"rs_{index}", "type": "reasoning", "encrypted_content": part[2],
                "summary": [{"type": "summary_text", "text": part[1]}] if part[1] else []}
    if part[0] == "text":
        return {"id": f"msg_{index}", "type": "message", "role": "assistant",
                "status": "completed", "content": [
                    {"type": "output_text", "text": part[1], "annotations": []}]}
    return {"id": f"fc_{index}", "type": "function_call", "status": "completed",
            "call_id": part[1], "name": part[2], "arguments": str(part[3])}


def responses_object(answer, output):
    short = answer["stop"] == "length"
    return {"id": "resp_up", "object": "response", "created_at": 1, "model": "g", "error": None,
            "status": "incomplete" if short else "completed", "output": output,
            "incomplete_details": {"reason": "max_output_tokens"} if short else None,
            "usage": responses_usage(answer["usage"])}


def responses_body(part, item, where, chance):
    """(type, members) of what stands between an item's beginning and its end."""
    if part[0] == "thinking" and part[1]:
        yield "reasoning_summary_part.added", {"summary_index": 0, "part": {
            "type": "summary_text", "text": ""}}
        for piece in pieces(chance, part[1]):
            yield "reasoning_summary_text.delta", {"summary_index": 0, "delta": piece}
        yield "reasoning_summary_text.done", {"summary_index": 0, "text": part[1]}
    if part[0] == "text":
        whole = item["content"][0]
        yield "content_part.added", {"content_index": 0, "part": {**whole, "text": ""}}
        for piece in pieces(chance, part[1]):
            yield "output_text.delta", {"content_index": 0, "delta": piece, "logprobs": []}
        yield "output_text.done", {"content_index": 0, "text": part[1]}
        yield "content_part.done", {"content_index": 0, "part": whole}
    if part[0] == "call":
        told = pieces(chance, str(part[3])) if where != "done" else []
        for piece in told:
            yield "function_call_arguments.delta", {"delta": piece}
        if where != "item":
            yield "function_call_arguments.done", {"arguments": str(part[3])}


def responses_stream(answer, chance):
    count = -1
    def out(kind, **members):
        nonlocal count
        count += 1
        kind = f"response.{kind}"
        return event(kind, {"type": kind, "sequence_number": count, **members}, chance)
    items = [responses_item(part, index) for index, part in enumerate(answer["parts"])]
    begun = {**responses_object(answer, []), "status": "in_progress", "usage": None,
             "incomplete_details": None}
    yield out("created", response=begun)
    yield out("in_progress", response=begun)
    # Some tell the last item at the end alone.
    untold = len(items) > 1 and answer["parts"][-1][0] in ("text", "call") and chance.random() < 0.2
    for index, (part, item) in enumerate(zip(answer["parts"], items[:-1] if untold else items)):
        empty = {key: value for key, value in {
            "arguments": "", "content": [], "summary": []}.items() if key in item}
        early = {"encrypted_content": "early"} if part[0] == "thinking" else {
            "status": "in_progress"}
        yield out("output_item.added", output_index=index, item={**item, **empty, **early})
        for kind, members in responses_body(part, item, chance.choice(("all", "done", "item")),
                                            chance):
            yield out(kind, item_id=item["id"], output_index=index, **members)
        yield out("output_item.done", output_index=index, item=item)
    # Some leave items out of it, or tell them in an order of their own.
    full = items if chance.random() < 0.6 else chance.sample(items, chance.randrange(len(items) + 1))
    if untold:
        full = [item for item in items if item["type"] != "reasoning" or chance.random() < 0.5]
    yield out("incomplete" if answer["stop"] == "length" else "completed",
              response=responses_object(answer, full))


# ---- all ----

def stream(answer, wire, chance):
    """The events, each as text."""
    return list({"anthropic": anthropic_stream, "chat": chat_stream,
                 "responses": responses_stream}[wire](answer, chance))


def whole(answer, wire, chance):
    if wire == "anthropic":
        document = anthropic_message(answer, [anthropic_block(part) for part in answer["parts"]],
                                     STOPS[answer["stop"]][0])
    elif wire == "chat":
        document = {"id": "c", "object": "chat.completion", "created": 1, "model": "g",
                    "choices": [{"index": 0, "message": chat_message(answer),
                                 "finish_reason": STOPS[answer["stop"]][1]}],
                    "usage": chat_usage(answer["usage"])}
    else:
        document = responses_object(answer, [
            responses_item(part, index) for index, part in enumerate(answer["parts"])])
    return write(document, chance)


def question(client, stream_wanted, tools):
    """A request for which an answer with these tools comes, as JSON text."""
    schema = {"type": "object", "properties": {}}
    document = {
        "anthropic": {"model": "m", "max_tokens": 99,
                      "messages": [{"role": "user", "content": "hi"}],
                      "tools": [{"name": name, "input_schema": schema} for name in tools]},
        "chat": {"model": "m", "messages": [{"role": "user", "content": "hi"}],
                 "stream_options": {"include_usage": True},
                 "tools": [{"type": "function", "function": {"name": name, "parameters": schema}}
                           for name in tools]},
        "responses": {"model": "m", "input": [{"role": "user", "content": "hi"}],
                      "tools": [{"type": "function", "name": name, "parameters": schema,
                                 "strict": False} for name in tools]}}[client]
    return json.dumps({**document, "stream": stream_wanted}).encode()
