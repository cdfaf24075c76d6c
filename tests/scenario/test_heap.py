"""The Nth allocation of a data plane fails, in its own code or in a library's, under streams, conversions, reloads, a
start and an upgrade: it goes on without, or ends in words of its own and is started again; no client takes half an
answer for a whole, and all is well afterwards. Sanitizers have a heap of their own, so this asks a build without them:
PM_RELEASE, else build/release when there is one. PM_HEAP is how many allocations fail, PM_SEED which."""

import collections
import mmap
import os
import struct
import subprocess
import threading
import time
import unittest
from pathlib import Path

import rig
from protocols import PROTOCOLS, ask, error, error_event, stream_text, whole_text
from versions import upgrade, versions
from wire import Answer, Broken

RELEASE = Path(os.environ.get("PM_RELEASE", rig.ROOT / "build/release")) / "bin"
TIMES = int(os.environ.get("PM_HEAP", "24"))
CALLERS, TEXT = 9, "word of it " * 30
# The last words of a program for which there is no memory: ours, nanomsg's.
WORDS = ("out of memory: ", "Out of memory ", "Cannot allocate memory [12]")


class Heap:
    """Whose Nth allocation fails."""

    def __init__(self, folder, program):
        self.library, self.file = folder / "heap.so", folder / "heap"
        subprocess.run(["cc", "-D_GNU_SOURCE", "-O1", "-shared", "-fPIC", "-o", self.library, rig.ROOT / "tests/lib/heap.c"],
                       check=True)
        self.file.write_bytes(struct.pack("qq240s", -1, 0, b""))
        with self.file.open("r+b") as file:
            self.order = mmap.mmap(file.fileno(), 256)
        self.within = ["env", f"LD_PRELOAD={self.library}", f"PM_HEAP_FILE={self.file}", f"PM_HEAP_PROGRAM={program}"]

    def fail(self, number, others):
        """Of all, or of the libraries' alone, which are few."""
        self.order[:] = struct.pack("qq240s", number, others, b"")

    def end(self):
        """Who asked for the one that failed; None: it was not reached."""
        _, _, where = struct.unpack("qq240s", self.order)
        self.order[:8] = struct.pack("q", -1)
        return where.rstrip(b"\0").decode() or None


class Call(threading.Thread):
    def __init__(self, running, number):
        super().__init__(daemon=True)
        self.running, self.protocol, self.stream = running, PROTOCOLS[number % 3], number % 2 == 0
        self.answer, self.why = Answer(), ""
        self.start()

    def run(self):
        try:
            with self.running.wire() as wire:
                self.running.send(wire, self.protocol, ask(self.protocol, f"[demo:say {TEXT}]", self.stream))
                wire.head(self.answer)
                for _ in wire.pieces(self.answer):
                    pass
        except (Broken, OSError) as problem:
            self.why = repr(problem)

    def outcome(self):
        """good, told, refused, cut or wrong."""
        self.join(60)
        answer = self.answer
        if answer.status != 200:
            if answer.whole:
                error(self.protocol, answer)
            return "refused" if answer.whole else "cut"
        if not self.stream:
            return "cut" if not answer.whole else \
                "good" if whole_text(self.protocol, answer.body).strip() == TEXT.strip() else "wrong"
        text, ended = stream_text(self.protocol, answer.body)
        if ended or answer.whole:
            return "good" if ended and text.strip() == TEXT.strip() else "wrong"
        return "told" if error_event(self.protocol, answer.body) else "cut"


@unittest.skipUnless((RELEASE / "dataplane").exists(), "there is no build without sanitizers")
class HeapFails(unittest.TestCase):
    def setUp(self):
        wanted = rig.config([rig.upstream("a", protocol="chat"), "a2"], [rig.upstream("b", protocol="anthropic"), "b2"],
                            ["c", rig.upstream("c2", protocol="responses")], **rig.plain())
        self.rig = rig.Rig(wanted, bin_folder=RELEASE)
        self.heap = Heap(self.rig.folder, "dataplane")
        self.rig.within = self.heap.within

    def begin(self):
        self.rig.__enter__()
        self.addCleanup(self.rig.stop)
        self.outcomes, self.places, self.deaths = collections.Counter(), collections.Counter(), 0

    def calls(self):
        return collections.Counter(call.outcome() for call in [Call(self.rig, number) for number in range(CALLERS)])

    def reload(self, number):
        self.rig.change_config(lambda now: now.update(prices=[{"model": f"m{number}", "input": 1, "output": 5}]))
        self.rig.command("reload")

    def died(self, lines):
        """A data plane that has ended did so in words, and alone; an upgrade may have ended others for it."""
        ends = [found for found in map(rig.logfmt, lines)
                if found.get("event") == "ended" and found["level"] == "error"]
        own = [end for end in ends if end.get("signal") != "KILL"]
        self.rig.deaths_wanted += [end["program"] for end in ends]
        self.assertLessEqual(len(own), 1, own)
        for end in own:
            self.assertEqual("ABRT", end.get("signal") or end.get("status"), (end, lines))
            self.assertTrue(any(word in line for word in WORDS for line in lines), lines)
        self.deaths += len(own)

    def well(self):
        """Nobody died in this round, or is back and has lived so long that it would be started at once again."""
        rig.wait_for(lambda: self.calls() == {"good": CALLERS}, "all are served again", 20)
        born = time.monotonic()
        rig.wait_for(lambda: self.calls() == {"good": CALLERS} and time.monotonic() > born + 0.9, "it lives", 20)

    def check(self, number, others, act):
        """`act` while the allocation of this number fails."""
        since = len(self.rig.lines())
        self.heap.fail(number, others)
        found = act()
        where = self.heap.end()
        with self.subTest(number=number, where=where):
            self.assertEqual(0, found["wrong"], found)
            if where:
                self.places[Path(where.partition("+")[0]).name] += 1
            self.outcomes += found
            self.well()
            self.died([line for line in self.rig.lines()[since:] if "event=exchange" not in line])

    def told(self):
        print(f"{sum(self.places.values())} allocations failed {dict(self.places)}: {dict(self.outcomes)}, "
              f"{self.deaths} restarts", flush=True)

    def act(self):
        """Connections of upstreams are new ones."""
        self.rig.demo.kill()
        self.rig.demo.start()
        calls = [Call(self.rig, number) for number in range(CALLERS)]
        self.reload(rig.chance.randrange(1 << 30))
        return collections.Counter(call.outcome() for call in calls)

    def count(self, others):
        self.heap.fail(1 << 40, others)
        self.assertEqual({"good": CALLERS}, self.act())
        (left,) = struct.unpack("q", self.heap.order[:8])
        self.heap.end()
        return (1 << 40) - left

    def test_calls_and_reloads(self):
        self.begin()
        self.well()
        for others, times in ((1, TIMES * 3 // 4), (0, TIMES // 4)):
            many = self.count(others)
            print(f"{many} allocations in one round", flush=True)
            for _ in range(times):
                self.check(rig.chance.randrange(many), others, self.act)
        self.told()

    def test_upgrades(self):
        """Each ends as told: with the new programs, or with the old ones, and no call notices either."""
        self.rig.options = ["--drain", "1"]
        folders = versions(self.rig, "old", "new")
        self.rig.bin = folders[0]
        self.begin()
        self.well()

        def act():
            calls = [Call(self.rig, number) for number in range(CALLERS)]
            done = upgrade(self.rig, folders[1 - folders.index(self.rig.bin)])
            if done.returncode == 0:
                self.rig.bin = folders[1 - folders.index(self.rig.bin)]
            self.ends[done.returncode] += 1
            return collections.Counter(call.outcome() for call in calls)
        self.ends = collections.Counter()
        for number in range(max(4, TIMES // 4)):
            self.check(rig.chance.randrange(60 if number % 2 else 900), 1, act)
        print(f"upgrades: {dict(self.ends)}")
        self.told()


if __name__ == "__main__":
    rig.main()
