"""The conversion library behind a pipe: see convert_pipe.c."""

import os
import random
import secrets
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("PM_BIN", ROOT / "build/asan/bin"))
WIRES = ("anthropic", "chat", "responses")
FLAGS = ("max_tokens_old_name", "top_k", "cache_breakpoints", "reasoning_content", "inline_think",
         "instructions", "developer_role", "custom_tools", "stop_over_four", "stops_here")

SEED = int(os.environ.get("PM_SEED") or secrets.randbits(32))


def chance(number):
    """What the conversation with this number is made of; the same for one seed."""
    return random.Random(SEED << 32 | number)


class Pipe:
    def __init__(self):
        self.process = subprocess.Popen(
            [BIN / "convert_pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def _ask(self, words, *texts):
        line = " ".join(map(str, words)).encode()
        self.process.stdin.write(line + b"\n" + b"".join(texts))
        self.process.stdin.flush()
        head = self.process.stdout.readline().decode("utf-8", "replace").split()
        if not head:
            raise AssertionError(f"convert_pipe died ({self.process.wait()}) of: {line!r}\n"
                                 + "\n".join(text.decode("utf-8", "replace") for text in texts))
        return head, self.process.stdout.read(int(head[1]))

    def request(self, client, upstream, body, flags=(), strict=False):
        """(upstream's body, losses), or (None, where it was refused)."""
        bits = sum(1 << FLAGS.index(flag) for flag in flags)
        head, out = self._ask(("request", WIRES.index(client), WIRES.index(upstream), bits,
                               int(strict), len(body)), body)
        if head[0] == "ok":
            assert head[-1] == "+0", "more losses than the ledger holds"
            return out, head[2:-1]
        return None, " ".join(head[3:])

    def answer(self, client, upstream, sse, request, body, ways=3):
        """(client's bytes, whether they are a whole answer, usage as the library counts it)"""
        head, out = self._ask(("answer", WIRES.index(client), WIRES.index(upstream), int(sse),
                               ways, len(request), len(body)), request, body)
        return out, head[2] == "1", tuple(map(int, head[3:]))

    def deaths(self, client, upstream, request, body):
        _, out = self._ask(("deaths", WIRES.index(client), WIRES.index(upstream), len(request),
                            len(body)), request, body)
        return out.split(b"\0")[:-1]

    def close(self):
        self.process.stdin.close()
        if self.process.wait(60) != 0:
            raise AssertionError("convert_pipe did not end well")
        self.process.stdout.close()
