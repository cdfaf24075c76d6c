"""What the three protocols look like to a client: requests, whole answers, streams, errors."""

import json

PATHS = {
    "anthropic": "/v1/messages",
    "chat": "/v1/chat/completions",
    "responses": "/openai/responses",
}
PROTOCOLS = tuple(PATHS)


def ask(protocol, prompt="hi", stream=True, model="demo", **more):
    """A request body as bytes."""
    if protocol == "responses":
        body = {"model": model, "input": [
            {"type": "message", "role": "user",
             "content": [{"type": "input_text", "text": prompt}]}]}
    else:
        body = {"model": model, "messages": [{"role": "user", "content": prompt}]}
    if protocol == "anthropic":
        body["max_tokens"] = 1000
    if stream:
        body["stream"] = True
    body.update(more)
    return json.dumps(body).encode()


HALF = {"type": None}  # stands for an event that was cut in its middle


def read(data):
    """The JSON of an event; HALF when it is not all there, {} for [DONE]."""
    try:
        return json.loads(data) if data != "[DONE]" else {}
    except ValueError:
        return HALF


def events(body):
    """(event name or None, data) of each whole event of a stream."""
    found = []
    for block in body.decode().replace("\r\n", "\n").split("\n\n")[:-1]:
        name, data = None, []
        for line in block.split("\n"):
            field, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            if field == "event":
                name = value
            elif field == "data":
                data.append(value)
        if data:
            found.append((name, "\n".join(data)))
    return found


def stream_text(protocol, body):
    """(text, ended): what a stream says and whether its protocol's own end came."""
    text, ended = "", False
    for name, data in events(body):
        item = read(data)
        kind = item.get("type")
        if protocol == "anthropic":
            assert name == kind or item is HALF, (name, kind)
            if kind == "content_block_delta" and item["delta"]["type"] == "text_delta":
                text += item["delta"]["text"]
            ended = ended or kind == "message_stop"
        elif protocol == "responses":
            if kind == "response.output_text.delta":
                text += item["delta"]
            ended = ended or kind == "response.completed"
        else:
            for choice in item.get("choices", []):
                text += choice["delta"].get("content") or ""
                ended = ended or choice.get("finish_reason") == "stop"
    return text, ended


def whole_text(protocol, body):
    item = json.loads(body)
    if protocol == "anthropic":
        assert item["type"] == "message", item
        return "".join(part["text"] for part in item["content"] if part["type"] == "text")
    if protocol == "responses":
        assert item["status"] == "completed", item
        return "".join(part["text"] for entry in item["output"] if entry["type"] == "message"
                       for part in entry["content"])
    assert item["choices"][0]["finish_reason"] == "stop", item
    return item["choices"][0]["message"]["content"]


def said(protocol, answer, stream=True):
    """The text of one clean answer; anything else is an AssertionError."""
    assert answer.status == 200 and answer.whole, answer
    kind = answer.header("content-type") or ""
    if not stream:
        assert kind.startswith("application/json"), answer
        return whole_text(protocol, answer.body)
    assert kind.startswith("text/event-stream"), answer
    text, ended = stream_text(protocol, answer.body)
    assert ended and error_event(protocol, answer.body) is None, answer
    return text


def error(protocol, answer):
    """The type (or code) and message of an error answer in its protocol's own shape."""
    assert (answer.header("content-type") or "").startswith("application/json"), answer
    item = json.loads(answer.body)
    if protocol == "anthropic":
        assert item["type"] == "error", item
        assert isinstance(item["error"]["type"], str) and item["error"]["message"], item
        return item["error"]["type"], item["error"]["message"]
    assert "type" not in item, item
    assert set(item["error"]) == {"message", "type", "param", "code"}, item
    assert isinstance(item["error"]["type"], str) and item["error"]["message"], item
    return item["error"]["type"], item["error"]["message"]


def error_event(protocol, body):
    """The error event of a stream in the protocol's own shape, or None."""
    for name, data in events(body):
        item = read(data)
        if protocol == "anthropic" and name == "error":
            assert item["type"] == "error" and item["error"]["message"], item
            return item
        if protocol == "responses" and item.get("type") == "response.failed":
            assert name == "response.failed" and item["response"]["error"]["code"], item
            return item
        if protocol == "chat" and "error" in item:
            assert item["error"]["message"], item
            return item
    return None
