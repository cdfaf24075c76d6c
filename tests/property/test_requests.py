"""Requests there and back: what the tables of the protocols call the same is the same in the other
protocol and when it has come back, and what is missing is in the ledger.

    test_requests.py [COUNT]        PM_SEED repeats a run"""

import sys
import time

import losses
import meaning
import talk
from pipe import SEED, WIRES, Pipe, chance

PATHS = [(client, upstream) for client in WIRES for upstream in WIRES]


def expected(mean, path, flags):
    """What is left of a meaning behind a path of protocols: the client's first."""
    kept_custom = all(wire == "responses" or wire == "chat" and "custom_tools" in flags
                      for wire in path[1:])
    kept_marks = all(wire == "anthropic" or "cache_breakpoints" in flags for wire in path[1:])
    if not kept_custom:
        mean = meaning.without_custom(mean)
    if "anthropic" in path:
        mean = meaning.as_anthropic(mean)
    if not kept_marks:
        mean = meaning.without_marks(mean)
    if len(set(path)) > 1:
        mean = meaning.without_thoughts(mean)
    mean = dict(mean)
    if "responses" in path:
        mean.pop("stops", None)
    return mean


def difference(left, right):
    lines = []
    for key in sorted(left.keys() | right.keys()):
        one, two = left.get(key), right.get(key)
        if one == two:
            continue
        if isinstance(one, list) and isinstance(two, list):
            at = next((i for i, pair in enumerate(zip(one, two)) if pair[0] != pair[1]),
                      min(len(one), len(two)))
            one, two = one[at:at + 2], two[at:at + 2]
            key = f"{key}[{at}]"
        lines.append(f"  {key}\n    expected {one!r}\n    got      {two!r}")
    return "\n".join(lines)


class Failure(Exception):
    pass


def same(left, right, what, *texts):
    if left != right:
        raise Failure(f"{what}\n{difference(left, right)}\n" +
                      "\n".join(text.decode("utf-8", "replace") for text in texts))


def one_path(pipe, dice, conversation, client, upstream):
    flags = [flag for flag in ("cache_breakpoints", "custom_tools", "developer_role",
                               "max_tokens_old_name") if dice.random() < 0.5]
    document = talk.render(conversation, client, dice)
    added = losses.add(document, client, upstream, dice)
    body = talk.encode(document, dice)
    there, lost = pipe.request(client, upstream, body, flags)
    if there is None:
        raise Failure(f"{client} to {upstream} refused at {lost}\n{body.decode()}")
    back, lost_back = pipe.request(upstream, client, there, flags)
    if back is None:
        raise Failure(f"{upstream} back to {client} refused at {lost_back}\n{there.decode()}")
    mean = meaning.read(client, body)
    same(expected(mean, (client, upstream), flags), meaning.read(upstream, there),
         f"{client} -> {upstream}", body, there)
    same(expected(mean, (client, upstream, client), flags), meaning.read(client, back),
         f"{client} -> {upstream} -> {client}", body, there, back)
    if set(lost) != added:
        raise Failure(f"{client} -> {upstream} ledger: not told {sorted(added - set(lost))}, "
                      f"told too much {sorted(set(lost) - added)}\n{body.decode()}")
    if lost_back:
        raise Failure(f"{client} -> {upstream} -> {client} loses {lost_back} on the way back")
    if added and pipe.request(client, upstream, body, flags, strict=True)[0] is not None:
        raise Failure(f"{client} -> {upstream} strict takes what it loses: {added}")


def check(pipe, number):
    dice = chance(number)
    client, upstream = PATHS[number % len(PATHS)]
    conversation = talk.make(dice, client)
    if upstream == "responses":
        conversation["stops"] = None  # lost, and as such put in by losses.add
    one_path(pipe, dice, conversation, client, upstream)


def check_refused(pipe):
    """What would be done otherwise than asked is refused by name, strict or not."""
    for client, upstream in PATHS:
        for path, value in losses.REFUSED[client] if client != upstream else ():
            conversation = {**talk.make(chance(1), client), "stops": None}
            document = talk.render(conversation, client, chance(1))
            document.pop("max_completion_tokens", None)
            losses.put(document, path, value)
            body = talk.encode(document, chance(1))
            for strict in (False, True):
                sent, where = pipe.request(client, upstream, body, strict=strict)
                if sent is not None or where != path:
                    raise Failure(f"{client} -> {upstream}: {path} refused at {where!r}")


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 6000
    pipe, start, failed = Pipe(), time.monotonic(), 0
    print(f"PM_SEED={SEED}")
    check_refused(pipe)
    for number in range(count):
        try:
            check(pipe, number)
        except Failure as failure:
            failed += 1
            print(f"conversation {number}: {failure}\n")
            if failed == 5:
                break
    pipe.close()
    print(f"{count} conversations there and back in {time.monotonic() - start:.0f} s, "
          f"{failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
