"""Clients that are at work while something is done to the programs."""

import json
import threading

import rig
from protocols import ask, said, stream_text
from wire import Answer, Broken


class Stream(threading.Thread):
    """One client with one stream of some seconds, which is asked for at once."""

    def __init__(self, running, protocol, events, every_ms):
        super().__init__(daemon=True)
        self.protocol, self.answer, self.text = protocol, Answer(), "x" * 16 * events
        self.wire = running.wire(timeout=60)
        self.port = self.wire.socket.getsockname()[1]
        running.send(self.wire, protocol, ask(
            protocol, model=f"demo-fault:events={events};ms={every_ms}"))
        self.start()

    def run(self):
        try:
            self.wire.head(self.answer)
            for _ in self.wire.pieces(self.answer):
                pass
        except Broken:
            pass  # it is not whole
        self.wire.close()

    def whole(self):
        """Whether all of it has come; waits for its end."""
        self.join(90)
        return self.answer.whole and \
            stream_text(self.protocol, self.answer.body) == (self.text, True)


class Caller(threading.Thread):
    """Small calls one after the other until told to stop: on new connections, or on one that is kept as long as
    the gateway wants. Nobody who is refused a connection asks again, unless he is `patient`."""

    def __init__(self, running, keep=False, patient=False):
        super().__init__(daemon=True)
        self.running, self.keep, self.patient, self.stopped = running, keep, patient, False
        self.good, self.refused, self.broken, self.wire = 0, [], [], None
        self.start()

    def call(self):
        self.wire = self.wire or self.running.wire()
        self.running.send(self.wire, "chat", ask("chat", "[demo:say ok]"))
        answer = self.wire.answer()
        said("chat", answer)
        if not self.keep or answer.header("connection") == "close":
            self.drop()

    def drop(self):
        if self.wire:
            self.wire.close()
        self.wire = None

    def run(self):
        while not self.stopped:
            try:
                self.call()
                self.good += 1
            except (Broken, AssertionError) as error:
                self.broken.append(repr(error))
                self.drop()
            except OSError as error:
                self.drop()
                if not (self.patient and isinstance(error, ConnectionRefusedError)):
                    self.refused.append(repr(error))
                    self.stopped = True

    def end(self):
        self.stopped = True
        self.join(60)
        self.drop()


def counted(test, calls):
    """So many calls are in the statistics, each once."""
    def told():
        answer = test.rig.call("GET", "/api/v1/stats?by=day", {
            "Authorization": f"Bearer {test.rig.token}"}, port=test.rig.admin_port)
        return json.loads(answer.body)["totals"]["requests"] if answer.status == 200 else 0
    rig.wait_for(lambda: told() >= calls, f"{calls} calls are counted")
    test.assertEqual(calls, told())
