"""Runs where the openai and anthropic packages are: what the conversion library writes, generated and
golden, against the types that the SDKs declare. Nothing undeclared, nothing missing, nothing of
another type. Prints how much was valid; faults go to stderr.

    sdk_types.py COUNT"""

import collections
import json
import random
import sys
import typing
from pathlib import Path

import pydantic

typing.Iterable = typing.List  # else pydantic looks at the items only when somebody asks

import anthropic.types as anthropic_types  # noqa: E402
import openai.types.chat as chat_types  # noqa: E402
import openai.types.responses as responses_types  # noqa: E402
from anthropic.types.message_create_params import (  # noqa: E402
    MessageCreateParamsNonStreaming, MessageCreateParamsStreaming)
from openai.types.chat.completion_create_params import (  # noqa: E402
    CompletionCreateParamsNonStreaming, CompletionCreateParamsStreaming)
from openai.types.responses.response_create_params import (  # noqa: E402
    ResponseCreateParamsNonStreaming, ResponseCreateParamsStreaming)

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "property"))
import heard  # noqa: E402
import reply  # noqa: E402
import talk  # noqa: E402
from pipe import SEED, WIRES, Pipe, chance  # noqa: E402

# What the wire has and the types have not: of the older version of the API that it is sent with, or
# of vendors whose members everybody knows. `bytes` of a token is declared in the item and not in the
# events before it; a token that is no whole character is lost without.
KNOWN = {
    "anthropic": {"temperature", "top_p", "top_k", "cache_creation"},
    "chat": {"reasoning_content", "thinking_blocks", "stop_reason", "top_k", "annotations"},
    "responses": {"top_k", "store", "name", "status", "bytes"},
}
# Cases about what only newer or odd peers say, and a choice that the API takes and the types lack.
STRANGE = ("T046e-a2r-web-search", "T168h-a2a-nested-result", "T169m-a2a-str-websearch")


def close_types():
    """Makes every TypedDict of the SDKs refuse members that it does not declare."""
    config = pydantic.ConfigDict(extra="forbid")
    for name, module in list(sys.modules.items()):
        if name.startswith(("openai.types", "anthropic.types")):
            for value in vars(module).values():
                if typing.is_typeddict(value):
                    value.__pydantic_config__ = config


close_types()
REQUESTS = {
    ("anthropic", False): MessageCreateParamsNonStreaming,
    ("anthropic", True): MessageCreateParamsStreaming,
    ("chat", False): CompletionCreateParamsNonStreaming,
    ("chat", True): CompletionCreateParamsStreaming,
    ("responses", False): ResponseCreateParamsNonStreaming,
    ("responses", True): ResponseCreateParamsStreaming,
}
ANSWERS = {"anthropic": anthropic_types.Message, "chat": chat_types.ChatCompletion,
           "responses": responses_types.Response}
EVENTS = {"anthropic": anthropic_types.RawMessageStreamEvent,
          "chat": chat_types.ChatCompletionChunk,
          "responses": responses_types.ResponseStreamEvent}
adapters, samples = {}, {}
valid, faults = collections.Counter(), collections.Counter()


def adapter(kind):
    if kind not in adapters:
        adapters[kind] = pydantic.TypeAdapter(kind)
    return adapters[kind]


def undeclared(value, wire, path=""):
    """Members of a model that its class does not declare."""
    if isinstance(value, pydantic.BaseModel):
        for key, item in (value.model_extra or {}).items():
            if key not in KNOWN[wire]:
                yield f"{path}.{key}"
        for key in type(value).model_fields:
            yield from undeclared(getattr(value, key), wire, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from undeclared(item, wire, f"{path}[]")


def check(what, wire, kind, document):
    try:
        value = adapter(kind).validate_json(json.dumps(document), strict=True)
    except pydantic.ValidationError as error:
        for one in error.errors()[:3]:
            where = ".".join("[]" if isinstance(part, int) else str(part)
                             for part in one["loc"])
            fault = f"{wire} {what} {where}: {one['msg']}"
            faults[fault] += 1
            samples.setdefault(fault, json.dumps(document)[:400])
        return
    extra = list(undeclared(value, wire))
    for path in extra:
        faults[f"{wire} {what} {path}: undeclared"] += 1
        samples.setdefault(f"{wire} {what} {path}: undeclared", json.dumps(document)[:400])
    valid[f"{wire} {what}"] += not extra


def plain(document):
    """Lone surrogates and numbers that no type holds (1e400) stand in opaque places only."""
    value = json.loads(document, parse_float=lambda text: min(float(text), 1e300))
    return json.loads(json.dumps(value, ensure_ascii=False).encode(
        "utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))


def check_request(wire, body):
    document = {key: value for key, value in plain(body).items() if key not in KNOWN[wire]}
    for item in document.get("input", ()):
        # The API takes the assistant's messages without these two, as Codex sends them.
        if item.get("role") == "assistant":
            item |= {"id": "msg_1", "status": "completed"}
    check("request", wire, REQUESTS[wire, document.get("stream") is True], document)


def without_echo(document):
    """A response without the client's own words in it."""
    if document is not None and document.get("object") == "response":
        document |= {"tools": [], "tool_choice": "auto"}
        if document["error"]:  # the types know few of the codes
            document["error"]["code"] = "server_error"
    return document


def check_answer(wire, streamed, out):
    if not streamed:
        document = without_echo(plain(out))
        if "error" not in document or wire == "responses" and document["error"] is None:
            check("answer", wire, ANSWERS[wire], document)
        return
    for name, data in heard.events(out):
        if data == "[DONE]" or name in ("ping", "error", "keepalive") or data.startswith(
                '{"error"'):
            continue
        document = plain(data)
        without_echo(document.get("response"))
        # The types know no deltas of custom tools.
        if wire != "chat" or '"custom":{' not in data:
            check("event", wire, EVENTS[wire], document)


def generated(pipe, count):
    for number in range(count):
        dice = chance(number)
        client, upstream = dice.choice(WIRES), dice.choice(WIRES)
        body = talk.encode(talk.render(talk.make(dice, client), client, dice), dice)
        flags = [flag for flag in ("cache_breakpoints", "custom_tools", "developer_role")
                 if dice.random() < 0.5]
        sent, _ = pipe.request(client, upstream, body, flags)
        check_request(upstream, sent)
        answer = reply.make(dice, upstream, dice.choice(((), ("look", "go"))))
        stream = "".join(reply.stream(answer, upstream, dice)).encode()
        for streamed in (True, False):
            out, _, _ = pipe.answer(client, upstream, True,
                                    reply.question(client, streamed, ("look", "go")), stream, 1)
            check_answer(client, streamed, out)


def golden():
    for folder in sorted((TESTS / "golden/convert").iterdir()):
        meta = dict(line.split("=", 1) for line in (folder / "meta").read_text().splitlines()
                    if "=" in line)
        for name in ("out.json", "out.sse"):
            if not (folder / name).exists() or meta["kind"] == "error" or \
                    folder.name in STRANGE:
                continue
            out = (folder / name).read_bytes()
            if meta["kind"] == "request":
                check_request(meta["upstream"], out)
            else:
                check_answer(meta["client"], name.endswith("sse"), out)


def main():
    random.seed(SEED)
    print(f"PM_SEED={SEED}")
    pipe = Pipe()
    golden()
    generated(pipe, int(sys.argv[1]))
    pipe.close()
    print("valid: " + ", ".join(f"{count} {what}s" for what, count in sorted(valid.items())))
    for fault, count in faults.most_common(40):
        print(f"{count} x {fault[:200]}\n    {samples[fault]}", file=sys.stderr)
    return bool(faults) or len(valid) != 9


if __name__ == "__main__":
    sys.exit(main())
