"""kill -9 of the launcher under load: the next one serves at once, while the data planes that it finds
finish what they hold; nothing of that is cut, and nothing is counted twice or not at all."""

import contextlib
import os
import signal
import threading
import time
import unittest
from pathlib import Path

import rig
from kernel import Freeze
from load import Caller, Stream, counted
from protocols import PROTOCOLS, ask, error_event, said

STREAMS = 60
EVENTS, EVERY_MS = 160, 50


def ours(running):
    """Pids of all programs on this state folder, whoever started them."""
    found = set()
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            argv = Path(f"/proc/{entry}/cmdline").read_bytes().decode().split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(running.run) in argv:
            found.add(int(entry))
    return found


def dataplanes(running):
    return {name: pid for name, pid in running.pids().items() if name.startswith("dataplane.")}


class Base(unittest.TestCase):
    options = ()

    def setUp(self):
        self.rig = rig.Rig(rig.everywhere("a", **rig.plain()), dataplanes=2, options=self.options)
        self.rig.start()
        self.addCleanup(self.rig.stop)
        self.rig.banner()

    def take_over(self):
        """Returns how long nobody answered."""
        began = time.monotonic()
        self.rig.kill_launcher()
        self.rig.start()
        self.rig.banner()
        said("chat", self.rig.post("chat", "[demo:say ok]"))
        return time.monotonic() - began

    def streams(self, count):
        streams = [Stream(self.rig, PROTOCOLS[number % 3], EVENTS, EVERY_MS) for number in range(count)]
        rig.wait_for(lambda: all(stream.answer.status for stream in streams), "streams began")
        return streams


class Takeover(Base):
    options = ("--drain", "3")  # less than the streams take

    def test_nobody_else_is_concerned(self):
        callers = [Caller(self.rig, keep, patient=True) for keep in (True, True, True, False, False)]
        streams, calls = [], 0
        for _ in range(2):  # the second one while those of the first still finish
            streams += self.streams(STREAMS)
            old = dataplanes(self.rig)
            away = self.take_over()
            calls += 1
            self.assertEqual(STREAMS, sum(stream.is_alive() for stream in streams[-STREAMS:]))
            self.assertFalse(set(old) & set(dataplanes(self.rig)), "a number is used twice")
            print(f"calls were answered again after {away:.3f} s", flush=True)
        self.assertEqual([], [stream.answer for stream in streams if not stream.whole()])
        for caller in callers:
            caller.end()
            self.assertEqual([], caller.broken + caller.refused)
            self.assertGreater(caller.good, 10)
        rig.wait_for(lambda: len(ours(self.rig)) == 4, "those of before have ended", 60)
        counted(self, len(streams) + calls + sum(caller.good for caller in callers))

    def test_who_waits_to_be_accepted_is_served(self):
        """Connections that the kernel has made and nobody has seen yet go down with their socket."""
        old = dataplanes(self.rig)
        with contextlib.ExitStack() as frozen:
            for pid in old.values():
                frozen.enter_context(Freeze(pid))
            wires = [self.rig.wire(timeout=60) for _ in range(300)]
            for wire in wires:
                self.rig.send(wire, "chat", ask("chat", "[demo:say ok]"))
            self.rig.kill_launcher()
        for wire in wires:
            said("chat", wire.answer())
            wire.close()
        self.rig.start()

    def test_a_stop_gives_them_its_time_and_leaves_nothing(self):
        streams = self.streams(6)
        self.take_over()
        self.assertEqual(6, sum(stream.is_alive() for stream in streams))
        rig.wait_for(lambda: len(self.rig.log("retire")) == 2, "they have time")
        self.rig.launcher.stop()
        self.assertEqual(set(), ours(self.rig))
        for stream in streams:
            self.assertFalse(stream.whole())
            self.assertTrue(error_event(stream.protocol, stream.answer.body), stream.answer)


class Kept(Base):
    options = ("--drain", "8")

    def test_kept_connections_end_long_before_the_time_is_up(self):
        """Else a call that begins late has no time."""
        asks, waits = (self.rig.wire(timeout=5) for _ in range(2))
        for wire in (asks, waits):
            self.rig.send(wire, "chat", ask("chat", "[demo:say ok]"))
            self.assertEqual("ok", said("chat", wire.answer()))
        self.rig.kill_launcher()
        began = time.monotonic()
        rig.wait_for(lambda: not list(self.rig.run.glob("dataplane.*.ready")), "they have heard")
        self.rig.send(asks, "chat", ask("chat", "[demo:say ok]"))
        answer = asks.answer()
        self.assertEqual(("ok", "close"), (said("chat", answer), answer.header("connection")))
        self.assertTrue(waits.ended())
        self.assertGreater(time.monotonic() - began, 1)
        for wire in (asks, waits):
            wire.close()
        self.rig.start()


class Hurry(Base):
    options = ("--drain", "1")

    def test_one_that_hangs_is_killed(self):
        """It holds the port, and hears nothing."""
        pid = self.rig.pid("dataplane.0")
        with Freeze(pid):
            away = self.take_over()
        self.assertNotIn(pid, ours(self.rig))
        self.assertGreater(away, 1.5)
        self.assertLess(away, 10)

    def test_a_reload_does_not_end_one_that_still_waits(self):
        """For programs of before: it serves nobody yet, and the one who asks cannot know."""
        def ask_for_reload():
            rig.wait_for(lambda: self.rig.launcher not in self.rig.killed and self.rig.log("orphan"), "it waits")
            self.rig.launcher.process.send_signal(signal.SIGHUP)
        with Freeze(self.rig.pid("controlplane")):
            self.rig.kill_launcher()
            asker = threading.Thread(target=ask_for_reload)
            asker.start()
            self.rig.start()
        asker.join()
        said("chat", self.rig.post("chat", "[demo:say ok]"))

    def test_one_that_hangs_later_is_killed_by_a_stop(self):
        """It has given up the port, and is still to finish what it holds."""
        streams = self.streams(6)
        old = dataplanes(self.rig)
        self.rig.kill_launcher()
        rig.wait_for(lambda: not any((self.rig.run / f"{name}.ready").exists() for name in old),
                     "they have heard")
        with contextlib.ExitStack() as frozen:
            for pid in old.values():
                frozen.enter_context(Freeze(pid))
            self.rig.start()
            self.assertTrue(set(old.values()) <= ours(self.rig))
            self.assertEqual(0, self.rig.launcher.stop())
            self.assertEqual(set(), ours(self.rig))
        for stream in streams:
            self.assertFalse(stream.whole())


if __name__ == "__main__":
    rig.main()
