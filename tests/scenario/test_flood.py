"""More connections, requests and strangers than there is room for: who runs goes on, who is known is served
first, it is said once, and all is well by itself afterwards. PM_IDLE connections are held without a word."""

import os
import re
import resource
import socket
import threading
import time

import rig
from protocols import PROTOCOLS, ask, said, stream_text
from wire import Answer, Broken

IDLE = int(os.environ.get("PM_IDLE", "10000"))
FILES = 400  # of each program where they are few
STREAMS, EVENTS, EVERY_MS = 20, 100, 50


def room():
    """How many descriptors this test may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard - 500


def connect(port):
    client = socket.create_connection(("127.0.0.1", port), 5)
    client.setblocking(False)
    return client


class Strangers(threading.Thread):
    """Connections that send nothing, or a request that is refused, again and again until the end."""

    def __init__(self, port, count, data=b""):
        super().__init__(daemon=True)
        self.port, self.count, self.data, self.ended = port, count, data, False
        self.open, self.opened = [], 0
        self.start()

    def run(self):
        while not self.ended:
            while len(self.open) < self.count and not self.ended:
                try:
                    client = connect(self.port)
                    self.open.append(client)
                    client.send(self.data)
                    self.opened += 1
                except OSError:
                    break
            self.open = [client for client in self.open if self.lives(client)]

    def lives(self, client):
        try:
            if client.recv(4096):
                return True
        except BlockingIOError:
            return True
        except OSError:
            pass
        client.close()
        return False

    def end(self):
        self.ended = True
        self.join(20)
        for client in self.open:
            client.close()


class Stream(threading.Thread):
    """A call whose answer takes a while."""

    def __init__(self, running, number):
        super().__init__(daemon=True)
        self.running, self.protocol = running, PROTOCOLS[number % 3]
        self.answer = Answer()
        self.start()

    def run(self):
        try:
            with self.running.wire() as wire:
                self.running.send(wire, self.protocol, ask(
                    self.protocol, model=f"demo-fault:events={EVENTS};ms={EVERY_MS}"))
                wire.head(self.answer)
                for _ in wire.pieces(self.answer):
                    pass
        except (Broken, OSError):
            pass

    def whole(self):
        self.join(60)
        return self.answer.status == 200 and self.answer.whole and \
            stream_text(self.protocol, self.answer.body) == ("x" * 16 * EVENTS, True)


class Flood(rig.Case):
    config = rig.everywhere("a")

    @classmethod
    def setUpClass(cls):
        cls.room = room()
        cls.rig = rig.Rig(cls.config, within=["prlimit", f"--nofile={FILES}:{FILES}"])
        cls.rig.__enter__()

    def dataplane(self):
        return self.rig.pid("dataplane.0")

    def served(self):
        try:
            return said("chat", self.rig.post("chat", "[demo:say ok]"))
        except (Broken, AssertionError, OSError):
            return None

    def at_rest(self):
        """Nothing but idle connections of upstreams, kept for the next calls."""
        return rig.descriptors(self.dataplane()) < FILES // 2 + 40

    def flood(self, data=b""):
        streams = [Stream(self.rig, number) for number in range(STREAMS)]
        rig.wait_for(lambda: all(stream.answer.status for stream in streams), "streams began")
        strangers = Strangers(self.rig.port, 3 * FILES, data)
        try:
            rig.wait_for(lambda: rig.descriptors(self.dataplane()) > FILES // 2 + 60, "it is full")
            took = []
            while len(took) < 10:
                began = time.monotonic()
                rig.wait_for(self.served, "a known client gets in", 10)
                took.append(time.monotonic() - began)
            self.assertEqual([], [s.answer for s in streams if not s.whole()], "who runs goes on")
        finally:
            strangers.end()
        print(f"{strangers.opened} strangers; a known client waited at most {max(took):.1f} s")
        rig.wait_for(self.at_rest, "all is closed")
        self.assertEqual("ok", self.served())

    def full(self):
        return [line for line in self.rig.log("full") if line["proc"].startswith("dataplane")]

    def test_connections_without_a_word(self):
        self.flood()
        self.assertEqual(1, len(self.full()), self.full())
        self.assertEqual([], self.rig.log("accept"))

    def test_requests_without_a_key(self):
        self.flood(b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")

    def test_more_calls_than_descriptors(self):
        """Each of them needs two: those beyond are told so, and no upstream is blamed."""
        streams = [Stream(self.rig, number) for number in range(FILES)]
        whole = [stream for stream in streams if stream.whole()]
        told = [stream for stream in streams if stream.answer.status == 503]
        print(f"{len(whole)} of {FILES} calls at once were served, {len(told)} were told to come back")
        self.assertGreaterEqual(len(whole), FILES // 4)
        torn = [s.answer for s in streams if s.answer.status == 200 and s not in whole]
        self.assertEqual([], torn, "who has begun is not cut")
        rig.wait_for(lambda: self.served() == "ok", "it serves again", 5)
        self.assertEqual([], [line for line in self.rig.log("health") if line.get("to") == "cooling"])


class Idle(rig.Case):
    config = rig.everywhere("a")
    dataplanes = 2

    def test_idle_connections(self):
        """They cost little memory and no time; they are let go when they leave."""
        count = min(IDLE, room())
        pids = [self.rig.pid(f"dataplane.{number}") for number in range(2)]
        before = [rig.rss_kib(pid) for pid in pids], [rig.descriptors(pid) for pid in pids]
        clients = [connect(self.rig.port) for _ in range(count)]
        rig.wait_for(lambda: sum(map(rig.descriptors, pids)) >= sum(before[1]) + count, "all are in")
        grown = sum(rig.rss_kib(pid) for pid in pids) - sum(before[0])
        began = time.monotonic()
        for protocol in PROTOCOLS:
            said(protocol, self.rig.post(protocol))
        took = time.monotonic() - began
        print(f"{count} idle connections: {grown / count:.1f} KiB each, three calls in {took:.2f} s")
        self.assertLess(grown / count, 16)
        self.assertLess(took, 5)
        for client in clients:
            client.close()
        rig.wait_for(lambda: sum(map(rig.descriptors, pids)) <= sum(before[1]) + 20, "all are gone")
        said("chat", self.rig.post("chat"))
        self.assertFalse(re.search("event=full", "\n".join(self.rig.launcher.err)))


if __name__ == "__main__":
    rig.main()
