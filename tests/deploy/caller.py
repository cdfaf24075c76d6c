"""Clients of a Pointsman that listens elsewhere: in a machine, in containers."""

import threading

from protocols import PATHS, ask, stream_text
from wire import Answer, request

EVENTS, EVERY_MS = 60, 50


class Stream(threading.Thread):
    """One client with one stream of some seconds."""

    def __init__(self, wire, key, protocol, events=EVENTS):
        super().__init__(daemon=True)
        self.protocol, self.events, self.answer = protocol, events, Answer()
        self.wire = send(wire, key, protocol, ask(
            protocol, model=f"demo-fault:events={events};ms={EVERY_MS}"))
        self.start()

    def run(self):
        self.wire.head(self.answer)
        for _ in self.wire.pieces(self.answer):
            pass
        self.wire.close()

    def check(self):
        self.join(60)
        assert self.answer.whole, self.answer
        text = stream_text(self.protocol, self.answer.body)
        assert text == ("x" * 16 * self.events, True), (text[1], len(text[0]))


def send(wire, key, protocol, body):
    """`wire` makes a connection to a port."""
    made = wire(5101)
    made.send(request("POST", PATHS[protocol], body, {
        "Authorization": f"Bearer {key}", "anthropic-version": "2023-06-01",
        "Content-Type": "application/json"}))
    return made


def say(wire, key, protocol="chat"):
    with send(wire, key, protocol, ask(protocol, "[demo:say ok]")) as made:
        answer = made.answer()
        assert answer.status == 200 and answer.whole, answer
        return stream_text(protocol, answer.body)
