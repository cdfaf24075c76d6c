"""kill -9 of data planes again and again under load: nobody is refused a connection, what is lost is at most what that
process held at that moment, each of those can tell, and the statistics are what the upstream's ledger and the clients
say. PM_KILLS is how often."""

import collections
import json
import os
import signal
import sqlite3
import threading
import time

import rig
from protocols import PROTOCOLS, ask, stream_text, whole_text
from wire import Answer, Broken

KILLS = int(os.environ.get("PM_KILLS", "100"))
DATAPLANES, CLIENTS = 4, 16
KINDS = ("small", "small", "kept", "whole", "long", "long", "long")  # one of these is a client's all the time
FIRST = 1_000_000  # a call's number is its input tokens and in the name of its model: so all sides know it
KILL_EVERY_S = 0.25  # so that each lives for a second: who dies earlier waits before he is started


class Call:
    """One request, and what its client saw."""

    def __init__(self, number, kind):
        self.number, self.protocol, self.stream = number, PROTOCOLS[number % 3], kind != "whole"
        self.text = f"call {number}" + "".join(f" word {n} of it" for n in range(60 if kind == "long" else 3))
        self.pace = "pace:ms=20;bytes=16+" if kind == "long" else ""
        self.answer, self.why, self.port, self.connected, self.ended = Answer(), "", 0, 0.0, 0.0

    def body(self):
        fault = f"{self.pace}usage:in={self.number};out=50;read=0;write=0;reasoning=0"
        return ask(self.protocol, f"[demo:say {self.text}][demo:fault {fault}]", self.stream, f"m{self.number}")

    def marked(self):
        """(what the client has, whether anything told him that this is all)"""
        body = bytes(self.answer.body)
        if self.stream:
            text, ended = stream_text(self.protocol, body)
            return text, ended or self.answer.whole
        return (whole_text(self.protocol, body) if self.answer.whole else ""), self.answer.whole

    def good(self):
        return self.answer.status == 200 and self.answer.whole and self.marked() == (self.text, True)

    def __repr__(self):
        return f"<{self.number} {self.protocol} stream={self.stream} port={self.port} {self.why} {self.answer}>"


class Client(threading.Thread):
    """Calls one after the other, each on a new connection or all on one for as long as that lives."""

    def __init__(self, test, kind):
        super().__init__(daemon=True)
        self.test, self.kind, self.wire, self.connected = test, kind, None, 0.0
        self.start()

    def run(self):
        while not self.test.over.is_set():
            call = Call(next(self.test.numbers), self.kind)
            self.ask(call)
            call.ended = time.monotonic()
            self.test.calls.append(call)
            if self.kind != "kept" or not call.good() or call.answer.header("connection") == "close":
                self.drop()
        self.drop()

    def ask(self, call):
        try:
            if self.wire is None:
                self.connected = time.monotonic()
                self.wire = self.test.rig.wire()
            call.port, call.connected = self.wire.socket.getsockname()[1], self.connected
        except OSError as error:
            self.test.refused.append(repr(error))
            return
        try:
            self.test.rig.send(self.wire, call.protocol, call.body())
            self.wire.head(call.answer)
            for _ in self.wire.pieces(call.answer):
                pass
        except (Broken, OSError) as error:
            call.why = repr(error)

    def drop(self):
        if self.wire:
            self.wire.close()
        self.wire = None


class Mortal(rig.Case):
    config = rig.everywhere("a", **rig.plain())
    dataplanes = DATAPLANES

    def setUp(self):
        super().setUp()
        self.numbers, self.over = iter(range(FIRST, 2 * FIRST)), threading.Event()
        self.calls, self.refused, self.deaths, self.took = [], [], [], []

    def kill(self, name):
        """What it held is known before: it is stopped, asked for its connections and killed."""
        pid, ready = self.rig.pid(name), self.rig.run / f"{name}.ready"
        os.kill(pid, signal.SIGSTOP)
        rig.wait_for(lambda: rig.proc(pid, "stat").rpartition(")")[2].split()[0] == "T", "it stands", 5)
        self.deaths.append((time.monotonic(), rig.ports_of(pid)))
        ready.unlink()
        began = time.monotonic()
        self.rig.kill(name)
        rig.wait_for(ready.exists, f"{name} is back", 20)
        self.took.append(time.monotonic() - began)

    def held(self, call):
        """Whether a process that died held this connection then."""
        return any(call.port in ports and call.connected <= at <= call.ended for at, ports in self.deaths)

    def records(self):
        """number: [(result, its upstream's usage)] of each of our calls that the statistics have."""
        found = collections.defaultdict(list)
        with sqlite3.connect(f"file:{self.rig.state}/stats.db?mode=ro", uri=True) as base:
            for model, result, attempts in base.execute("SELECT model, result, attempts FROM requests"):
                (attempt,) = json.loads(attempts)
                found[int(model[1:])].append((result, attempt["input"], attempt["output"]))
        return found

    def ledger(self):
        """number: [how its upstream's answer ended, for each time that it was asked]"""
        self.rig.demo.look()
        numbers, found = {}, collections.defaultdict(list)
        for line in self.rig.demo.lines:
            if line["event"] == "usage":
                numbers[line["seq"]] = line["tokens"]["input"]
            elif line["event"] == "end" and line["seq"] in numbers:
                found[numbers[line["seq"]]].append(line["how"])
        return found

    def test_lost_is_what_the_dead_held(self):
        clients = [Client(self, KINDS[number % len(KINDS)]) for number in range(CLIENTS)]
        rig.wait_for(lambda: len(self.calls) > 2 * CLIENTS, "calls are answered")
        for number in range(KILLS):
            began = time.monotonic()
            self.kill(f"dataplane.{number % DATAPLANES}")
            self.rig.demo.look()  # it keeps only the newest lines
            self.over.wait(max(0.0, began + KILL_EVERY_S - time.monotonic()))
        self.over.set()
        for client in clients:
            client.join(60)
            self.assertFalse(client.is_alive(), "somebody waits for ever")
        rig.wait_for(lambda: self.rig.demo.state()["in_flight"] == 0, "upstreams are let go", 10)
        self.check_clients()
        self.check_statistics()

    def check_clients(self):
        self.assertEqual([], self.refused, "nobody is refused a connection")
        held = [call for call in self.calls if self.held(call)]
        lost = [call for call in self.calls if not call.good()]
        print(f"{KILLS} kills, {len(self.calls)} calls, {len(held)} were held, {len(lost)} lost; back after "
              f"{sorted(self.took)[len(self.took) // 2] * 1000:.0f} ms, at most {max(self.took) * 1000:.0f} ms", flush=True)
        self.assertEqual([], [call for call in lost if not self.held(call)], "who was not held loses nothing")
        self.assertGreater(len(lost), KILLS // 2, "they held something")
        for call in lost:
            self.assertIn(call.answer.status, (0, 200), call)
            text, marked = call.marked()
            self.assertTrue(not marked or (call.stream and text == call.text), f"half looks whole: {call}")
            self.assertFalse(call.answer.whole, call)

    def counted(self):
        """Whether all that has to be in the statistics is there."""
        records = self.records()
        return all(call.number in records for call in self.calls if not self.held(call))

    def check_statistics(self):
        try:
            rig.wait_for(self.counted, "all are counted", 30)
        except AssertionError:
            pass  # the comparison says what is missing
        records, ledger = self.records(), self.ledger()
        calls = {call.number: call for call in self.calls}
        self.assertEqual(set(), set(records) - set(calls), "nobody else is counted")
        twice = {number: found for number, found in records.items() if len(found) > 1}
        self.assertEqual({}, twice, "each once")
        print(f"{len(records)} counted: {dict(collections.Counter(found[0][0] for found in records.values()))}",
              flush=True)
        for number, call in calls.items():
            found, seen = records[number], ledger.get(number, [])
            self.assertLessEqual(len(seen), 1, f"asked twice: {call}")
            if not self.held(call) or [result for result, *_ in found] == ["completed"]:
                self.assertEqual(([("completed", number, 50)], ["complete"]), (found, seen), call)
            elif found or (call.stream and call.answer.body):
                self.assertEqual(["interrupted"], [result for result, *_ in found], call)


if __name__ == "__main__":
    rig.main()
