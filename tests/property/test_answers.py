"""Answers from every upstream to every client: told whole and as a stream, cut anywhere, echoed in
the next request, broken.

    test_answers.py [COUNT]        PM_SEED repeats a run"""

import base64
import json
import sys
import time

import heard
import reply
from pipe import SEED, WIRES, Pipe, chance
from source import opaque, parse

PATHS = [(client, upstream) for client in WIRES for upstream in WIRES]
NAMES = ("look", "ns.tool", "mcp__server_with_a_name__" + "x" * 50 + "_one",
         "mcp__server_with_a_name__" + "x" * 50 + "_two")


class Failure(Exception):
    pass


def opened(signature):
    """What is inside the library's own envelope: (text, signature)."""
    if not signature.startswith("pmt1."):
        return None
    inside = signature.split(".")[3]
    return json.loads(base64.urlsafe_b64decode(inside + "=" * (-len(inside) % 4)))


def plain(parts):
    """Parts as the upstream made them: thinking out of its envelope."""
    out = []
    for part in parts:
        if part[0] in ("thinking", "redacted"):
            inside = opened(part[-1])
            if inside is not None and inside["k"] == "r":
                part = "redacted", inside["s"]
            elif inside is not None:
                if part[1] != inside["x"]:
                    raise Failure("what is shown of thinking is not what is in its envelope")
                part = "thinking", inside["x"], inside["s"]
        out.append(part)
    return out


def expected(answer, client, names):
    parts = [(*part[:2], names[part[2]], opaque(parse(part[3]))) if part[0] == "call" else part
             for part in answer["parts"]]
    calls = [part for part in parts if part[0] == "call"]
    if client == "chat":
        words = "".join(part[1] for part in parts if part[0] == "text")
        thinks = [part for part in parts if part[0] in ("thinking", "redacted")]
        parts = thinks + ([("text", words)] if words else []) + calls
    stop = {"anthropic": reply.STOPS[answer["stop"]][0], "chat": reply.STOPS[answer["stop"]][1],
            "responses": "max_output_tokens" if answer["stop"] == "length" else "completed"}
    return {"parts": parts, "stop": stop[client], "usage": answer["usage"]}


def same(left, right, what, *texts):
    if left != right:
        raise Failure(f"{what}\n  expected {left}\n  got      {right}\n" +
                      "\n".join(text.decode("utf-8", "replace") for text in texts))


def wire_names(pipe, client, upstream):
    """The client's names of the tools by the upstream's."""
    sent, _ = pipe.request(client, upstream, reply.question(client, True, NAMES))
    tools = json.loads(sent)["tools"]
    return {tool.get("name") or tool["function"]["name"]: name
            for tool, name in zip(tools, NAMES)}


def check_told(pipe, client, upstream, answer, names, dice):
    """The same to every client, whole or streamed, from a stream or a whole; what it hears can be
    heard again from it as an upstream."""
    wanted = expected(answer, client, names)
    stream = "".join(reply.stream(answer, upstream, dice)).encode()
    whole = reply.whole(answer, upstream, dice).encode()
    usage = tuple(answer["usage"][key] for key in ("new", "read", "write", "output", "reasoning"))
    for streamed in (True, False):
        question = reply.question(client, streamed, NAMES)
        for sse, body in ((True, stream), (False, whole)):
            what = f"{upstream} {'stream' if sse else 'whole'} -> {client} " \
                   f"{'stream' if streamed else 'whole'}"
            out, complete, counted = pipe.answer(client, upstream, sse, question, body,
                                                 ways=4 if streamed and sse else 1)
            try:
                told = heard.listen(client, streamed, out)
            except (AssertionError, KeyError, ValueError, IndexError) as fault:
                raise Failure(f"{what}: {fault!r}\n{body.decode()}\n{out.decode()}") from fault
            if told.error or not complete:
                raise Failure(f"{what} failed\n{body.decode()}\n{out.decode()}")
            same(wanted, {**told.meaning(), "parts": plain(told.parts)}, what, body, out)
            same(usage, counted, what + " usage")
    return pipe.answer(client, upstream, True, reply.question(client, True, NAMES), stream, 1)[0]


def check_again(pipe, client, answer, names, out, dice):
    """A client's stream is an upstream's: another client hears the same of it."""
    third = dice.choice(WIRES)
    again, complete, _ = pipe.answer(third, client, True, reply.question(third, True, ()), out)
    told = heard.listen(third, True, again)
    if told.error or not complete:
        raise Failure(f"{client}'s own stream is no answer\n{out.decode()}")
    first = heard.listen(client, True, out)
    mine, theirs = [[part for part in side.parts if part[0] in ("text", "call")]
                    for side in (first, told)]
    if "chat" in (client, third):  # has one text, before its calls
        mine, theirs = [("".join(part[1] for part in side if part[0] == "text"),
                         [part for part in side if part[0] == "call"])
                        for side in (mine, theirs)]
    same(mine, theirs, f"{client} heard by {third}", out, again)
    same(first.usage, told.usage, f"{client} heard by {third}: usage", out, again)


def echo(client, parts):
    """The client's next request: its answer, the results of its calls."""
    calls = [part for part in parts if part[0] == "call"]
    first = json.loads(reply.question(client, False, NAMES))
    if client == "responses":
        items = first["input"]
        for part in parts:
            if part[0] == "thinking":
                items.append({"type": "reasoning", "content": None, "summary": [
                    {"type": "summary_text", "text": part[1]}] if part[1] else [],
                              "encrypted_content": part[2]})
            elif part[0] == "text":
                items.append({"role": "assistant", "content": part[1]})
            else:
                items.append({"type": "function_call", "call_id": part[1], "name": part[2],
                              "arguments": "{}"})
        items += [{"type": "function_call_output", "call_id": call[1], "output": "r"}
                  for call in calls] or [{"role": "user", "content": "on"}]
        return first
    if client == "chat":
        blocks = [{"type": "thinking", "thinking": part[1], "signature": part[2]}
                  if part[0] == "thinking" else {"type": "redacted_thinking", "data": part[1]}
                  for part in parts if part[0] in ("thinking", "redacted")]
        first["messages"].append({
            "role": "assistant", "thinking_blocks": blocks, "content": "".join(
                part[1] for part in parts if part[0] == "text") or None,
            "tool_calls": [{"id": call[1], "type": "function", "function": {
                "name": call[2], "arguments": "{}"}} for call in calls]})
        first["messages"] += [{"role": "tool", "tool_call_id": call[1], "content": "r"}
                              for call in calls] or [{"role": "user", "content": "on"}]
        return first
    blocks = []
    for part in parts:
        blocks.append({"thinking": lambda: {"type": "thinking", "thinking": part[1],
                                            "signature": part[2]},
                       "redacted": lambda: {"type": "redacted_thinking", "data": part[1]},
                       "text": lambda: {"type": "text", "text": part[1]},
                       "call": lambda: {"type": "tool_use", "id": part[1], "name": part[2],
                                        "input": {}}}[part[0]]())
    first["messages"] += [{"role": "assistant", "content": blocks}, {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": call[1], "content": "r"}
        for call in calls] or "on"}]
    return first


def thoughts_sent(upstream, sent):
    document = parse(sent)
    if upstream == "responses":
        return [("thinking", (item["summary"] or [{"text": ""}])[0]["text"],
                 item["encrypted_content"]) for item in document["input"]
                if item["type"] == "reasoning"]
    if upstream == "anthropic":
        return [heard.anthropic_block(block) for message in document["messages"]
                if not isinstance(message["content"], str) for block in message["content"]
                if block["type"] in ("thinking", "redacted_thinking")]
    return [("thinking", message["reasoning_content"], "") for message in document["messages"]
            if "reasoning_content" in message]


def check_echo(pipe, client, upstream, answer, out):
    """Thinking comes back to the upstream that made it, block by block, and to no other."""
    if answer["stop"] == "length":
        return
    parts = heard.listen(client, True, out).parts
    body = json.dumps(echo(client, parts)).encode()
    sent, lost = pipe.request(client, upstream, body, ("reasoning_content",))
    if sent is None:
        raise Failure(f"{client}'s echo for {upstream} refused at {lost}\n{body.decode()}")
    thoughts = [part for part in answer["parts"] if part[0] in ("thinking", "redacted")]
    if upstream == "chat":
        thoughts = [("thinking", part[1], "") for part in thoughts]
    same(thoughts, thoughts_sent(upstream, sent), f"{client} echoes {upstream}'s thinking",
         body, sent)
    for other in WIRES:
        if other != upstream:
            sent, _ = pipe.request(client, other, body)
            if sent is None or b"sig" in sent or b"pmt1.a" in sent or b"pmt1.c" in sent:
                raise Failure(f"{upstream}'s thinking goes to {other}\n{sent}")


def check_ids(pipe, client, upstream, answer, dice):
    """Each call has an id of its own, whatever the upstream gives and the history holds."""
    def carelessly(part):
        ids = ("call_0", "call_1", "functions.look:0", *([] if upstream == "responses" else [""]))
        return (part[0], dice.choice(ids), *part[2:]) if part[0] == "call" else part

    odd = {**answer, "parts": [carelessly(part) for part in answer["parts"]]}
    body = "".join(reply.stream(odd, upstream, dice)).encode()
    history = echo(client, [("call", "call_1", NAMES[0])])
    for streamed in (True, False):
        question = json.dumps({**history, "stream": streamed}).encode()
        out, complete, _ = pipe.answer(client, upstream, True, question, body, ways=1)
        told = heard.listen(client, streamed, out) if complete else None
        ids = [part[1] for part in told.parts if part[0] == "call"] if told else []
        calls = sum(part[0] == "call" for part in odd["parts"])
        if len(ids) != calls or len({*ids, "call_1", ""}) != calls + 2:
            raise Failure(f"{upstream} -> {client}: ids {ids}\n{body.decode()}\n{out.decode()}")


def check_deaths(pipe, client, upstream, answer, dice):
    stream = "".join(reply.stream(answer, upstream, dice)).encode()
    for streamed in (True, False):
        for out in pipe.deaths(client, upstream, reply.question(client, streamed, NAMES), stream):
            told = heard.listen(client, streamed, out) if streamed or out else None
            if told is None or not told.error or told.stop is not None or told.usage is not None:
                raise Failure(f"{upstream} died, {client} hears no error, or a success too\n"
                              f"{stream.decode()}\n{out.decode()}")


def mutated(events, dice):
    """A stream as a broken upstream or network sends it."""
    events = list(events)
    for _ in range(dice.choice((1, 1, 2, 4))):
        at = dice.randrange(len(events))
        kind = dice.randrange(5)
        if kind == 0:
            del events[at]
        elif kind == 1:
            events.insert(at, events[at])
        elif kind == 2:
            other = dice.randrange(len(events))
            events[at], events[other] = events[other], events[at]
        elif kind == 3:
            del events[at:]
        else:
            text = events[at]
            cut = dice.randrange(len(text))
            events[at] = text[:cut] + text[cut + dice.randrange(1, 9):]
        if not events:
            return ""
    return "".join(events)


def check_broken(pipe, client, upstream, answer, dice):
    """Whatever comes, the client's grammar holds: an end or an error, never both."""
    body = mutated(reply.stream(answer, upstream, dice), dice).encode("utf-8", "replace")
    for streamed in (True, False):
        question = reply.question(client, streamed, NAMES)
        out, complete, _ = pipe.answer(client, upstream, True, question, body, ways=2)
        try:
            told = heard.listen(client, streamed, out)
        except (AssertionError, KeyError, ValueError, IndexError, TypeError) as fault:
            raise Failure(f"broken {upstream} -> {client} {streamed}: {fault!r}\n"
                          f"{body.decode()}\n----\n{out.decode()}") from fault
        if told.error == complete:
            raise Failure(f"broken {upstream} -> {client}: complete {complete}, error "
                          f"{told.error}\n{body.decode()}\n----\n{out.decode()}")


def check(pipe, number, names):
    dice = chance(number)
    client, upstream = PATHS[number % len(PATHS)]
    known = names[client, upstream]
    answer = reply.make(dice, upstream, dice.choice(((), tuple(known))))
    out = check_told(pipe, client, upstream, answer, known, dice)
    check_again(pipe, client, answer, known, out, dice)
    check_echo(pipe, client, upstream, answer, out)
    check_broken(pipe, client, upstream, answer, dice)
    check_ids(pipe, client, upstream, answer, dice)
    if number % 10 == 0:
        check_deaths(pipe, client, upstream, answer, dice)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    pipe, start, failed = Pipe(), time.monotonic(), 0
    print(f"PM_SEED={SEED}")
    names = {path: wire_names(pipe, *path) for path in PATHS}
    for number in range(count):
        try:
            check(pipe, number, names)
        except Failure as failure:
            failed += 1
            print(f"answer {number}: {failure}\n")
            if failed == 5:
                break
    pipe.close()
    print(f"{count} answers heard in {time.monotonic() - start:.0f} s, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
