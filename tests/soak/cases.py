"""What clients ask for, one case after the other, and what has become of it."""

import itertools
import random
import threading
import time

from protocols import PROTOCOLS, ask, error, error_event, stream_text, whole_text
from wire import Broken, request

FIRST = 10_000_000  # the input tokens of a case are its number from here on: so all sides know it
SHAPES = ("", "", "", "gzip+", "crlf+", "bytes1+", "drip:bytes=7;ms=0+")
MODELS = ("demo", "conv", "own")  # passed on, converted, of an upstream with a server of its own
KINDS = ("kept", "kept", "new", "long", "long", "left")
LONG_MS, LONG_BYTES = 50, 16


class Case:
    numbers = itertools.count(FIRST)

    def __init__(self, kind, chance):
        self.number, self.kind = next(self.numbers), kind
        self.protocol, self.model = chance.choice(PROTOCOLS), chance.choice(MODELS)
        self.stream = kind == "long" or chance.random() < 0.6
        words = chance.randrange(60, 120) if kind in ("long", "left") else chance.randrange(1, 12)
        self.text = f"case {self.number}" + "".join(f" word {n} of it" for n in range(words))
        self.shape = f"pace:ms={LONG_MS};bytes={LONG_BYTES}+" if kind in ("long", "left") \
            else chance.choice(SHAPES) if self.stream else ""
        self.began = self.ended = time.monotonic()
        self.outcome, self.why, self.doomed = None, "", False

    def body(self):
        fault = f"{self.shape}usage:in={self.number};out=50;read=0;write=0;reasoning=0"
        return ask(self.protocol, f"[demo:say {self.text}][demo:fault {fault}]", self.stream,
                   self.model)

    def judge(self, answer):
        """README.md says what each of these is."""
        if answer.status != 200:
            error(self.protocol, answer)
            return "refused" if answer.whole else "cut"
        if not self.stream:
            if not answer.whole:
                return "cut"
            return "good" if whole_text(self.protocol, answer.body) == self.text else "torn"
        text, ended = stream_text(self.protocol, answer.body)
        if ended and text != self.text:
            return "torn"
        if error_event(self.protocol, answer.body):
            return "torn" if ended else "told"
        if answer.whole:
            return "good" if ended else "torn"
        return "cut"

    def __repr__(self):
        return f"<{self.number} {self.kind} {self.protocol} {self.model} {self.shape} " \
               f"stream={self.stream} {self.outcome} {self.why}>"


class Client(threading.Thread):
    """Cases one after the other at a pace of its own."""

    def __init__(self, world, kind, seed, pause_s):
        super().__init__(daemon=True)
        self.world, self.kind, self.pause_s = world, kind, pause_s
        self.chance, self.wire = random.Random(seed), None
        self.start()

    def run(self):
        while not self.world.stopped.wait(self.pause_s):
            case = Case(self.kind, self.chance)
            self.one(case)
            self.world.note(case)
        self.drop()

    def one(self, case):
        try:
            case.outcome = self.ask(case)
        except Broken as broken:
            case.outcome, case.why = "cut", str(broken)[:200]
        except ConnectionRefusedError as problem:
            case.outcome, case.why = "nobody", repr(problem)
        except OSError as problem:
            case.outcome, case.why = "cut", repr(problem)
        except Exception as problem:  # an answer that is no answer of the protocol's
            case.outcome, case.why = "torn", repr(problem)[:2000]
        case.ended = time.monotonic()
        case.doomed = self.wire is not None and self.wire.doomed
        if case.outcome != "good":
            self.drop()

    def ask(self, case):
        if self.wire is None:
            with self.world.connecting:
                self.wire = self.world.rig.wire()
                self.wire.doomed, self.wire.port = False, self.wire.socket.getsockname()[1]
        self.world.rig.send(self.wire, case.protocol, case.body())
        answer = self.wire.head()
        if self.kind == "left":
            self.wire.reset()
            return "left"
        for _ in self.wire.pieces(answer):
            pass
        outcome = case.judge(answer)
        if outcome in ("cut", "torn", "refused", "told"):
            case.why = repr(answer)[:200] + repr(answer.body[-700:])
        if outcome == "good" and (self.kind == "new" or answer.header("connection") == "close"):
            doomed = self.wire.doomed
            self.drop()
            case.doomed = doomed
        return outcome

    def drop(self):
        if self.wire:
            self.wire.close()
        self.wire = None


class Flood:
    """Connections that say nothing, half of it, nonsense or too much."""

    HEADS = (b"", b"POST /v1/messages HTT", b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.1\r\nX: " + b"y" * 200_000,
             b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{")

    def __init__(self, running, count):
        self.wires = []
        for number in range(count):
            try:
                wire = running.wire(timeout=1)
                self.wires.append(wire)
                wire.send(self.HEADS[number % len(self.HEADS)])
            except OSError:
                pass  # it may be shown the door at any time

    def end(self):
        for number, wire in enumerate(self.wires):
            if number % 2:
                wire.reset()
            else:
                wire.close()


def burst(running, count):
    """Unknown keys and paths, all at once."""
    wires = []
    for number in range(count):
        wire = running.wire()
        wire.send(request("POST", "/v1/messages" if number % 2 else "/v1/nothing", b"{}",
                          {"Authorization": "Bearer nobody"}))
        wires.append(wire)
    for wire in wires:
        assert wire.answer().status in (401, 404, 429, 503)
        wire.close()
