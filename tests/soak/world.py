"""One run: the programs, the clients, what they found, and what all of it has to add up to."""

import collections
import json
import sqlite3
import threading
import time

import rig
from cases import FIRST, KINDS, Client
from versions import versions
from wire import Broken

PROGRAMS = ("controlplane", "webadmin", "dataplane", "pointsman")
SETTLE_S = 60
SAMPLES_MIN = 24  # fewer tell nothing of what climbs
CLIMB_KIB, CLIMB_FDS = 24 << 10, 64


def lists():
    """The model `demo` is passed on by a and b, `conv` converted by x and y, `own` is d's, which has a server of
    its own."""
    def of(protocol, *others):
        return [rig.upstream("a", models=["demo"]), rig.upstream("d", models=["own"]),
                rig.upstream("b", models=["demo", "own"], type="backup"),
                rig.upstream("x", models=["conv"], protocol=others[0]),
                rig.upstream("y", models=["conv"], protocol=others[1], type="backup")]
    settings = rig.plain(streaming_read_timeout=2.5, non_streaming_read_timeout=2.5,
                         codex_base_timeout=2.5)
    return rig.config(of("anthropic", "chat", "responses"), of("responses", "anthropic", "chat"),
                      of("chat", "responses", "anthropic"), **settings)


class Ledger:
    """What the upstreams saw of each case, read as it is written."""

    def __init__(self, demo):
        self.demo, self.open, self.complete = demo, {}, collections.Counter()
        self.lock = threading.Lock()

    def look(self):
        with self.lock:
            self.demo.look()
            lines, self.demo.lines = self.demo.lines, self.demo.lines[-1:]
            for line in lines[self.kept:]:
                if line["event"] == "usage" and line["tokens"]["input"] >= FIRST:
                    self.open[line["seq"]] = line["tokens"]["input"]
                elif line["event"] == "end":
                    number = self.open.pop(line["seq"], None)
                    if number is not None and line["how"] == "complete":
                        self.complete[number] += 1
            self.kept = len(self.demo.lines)

    kept = 0


class World:
    def __init__(self, rate):
        self.rig = rig.Rig(lists(), dataplanes=2, options=("--drain", "4"), alone=("d",))
        self.folders = versions(self.rig, "one", "two")
        self.rig.bin = self.folders[0]
        self.rig.start()
        self.stopped, self.lock = threading.Event(), threading.Lock()
        self.connecting = threading.Lock()  # a connection is known as soon as it is there
        self.outcomes, self.good, self.unsure, self.bad = collections.Counter(), set(), set(), []
        self.began, self.times = time.monotonic(), {}  # of cases by their number, seconds of the run
        self.windows = []  # (what is excused, from, to or None)
        self.faults, self.kills = collections.Counter(), 0
        self.samples = collections.defaultdict(list)
        self.ledgers = [Ledger(server) for server in self.rig.servers()]
        pause = len(KINDS) * 2 / rate
        self.clients = [Client(self, kind, rig.seed * 100 + number, pause)
                        for number, kind in enumerate(KINDS * 2)]
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()

    def watch(self):
        while not self.stopped.wait(0.3):
            for ledger in self.ledgers:
                if ledger.demo.program.alive():
                    try:
                        ledger.look()
                    except (OSError, ValueError, AssertionError, Broken):
                        pass  # it is being killed: what it has not told is not compared

    # ---- excuses ----

    def window(self, what):
        """Cases that touch it may end as `what` says: "mid" told, "pressure" told or refused, "down" told or
        without anybody who listens."""
        return Window(self, what)

    def doom(self, pid):
        """A stopped process is going to die: these connections are what it holds."""
        with self.connecting:
            ports = rig.ports_of(pid)
            for wire in [client.wire for client in self.clients]:
                if wire is not None and wire.port in ports:
                    wire.doomed = True

    def excuse(self, case):
        if case.doomed:
            return "held"
        for what, begin, end in self.windows:
            if case.ended >= begin and (end is None or case.began <= end):
                if case.outcome == "told" or (what, case.outcome) in (
                        ("pressure", "refused"), ("down", "nobody")):
                    return what
        return None

    def note(self, case):
        with self.lock:
            excuse = self.excuse(case)
            self.outcomes[case.outcome] += 1
            self.times[case.number] = case.began - self.began
            if case.outcome == "good" and not excuse:
                self.good.add(case.number)
            elif case.outcome == "torn" or (case.outcome not in ("good", "left") and not excuse):
                self.bad.append(case)
                print("bad:", case, flush=True)
            if excuse in ("held", "down") or case.outcome == "left":
                self.unsure.add(case.number)
            elif excuse:
                self.outcomes["excused"] += 1

    # ---- how the programs are ----

    def serving(self):
        """Names of the data planes that take calls."""
        return [name for name in self.rig.pids()
                if name.startswith("dataplane.") and (self.rig.run / f"{name}.ready").exists()]

    def healthy(self):
        pids = self.rig.pids()
        return (self.rig.launcher.alive() and {"controlplane", "webadmin"} <= set(pids)
                and (self.rig.run / "ready.json").exists()
                and (self.rig.run / "webadmin.ready").exists() and len(self.serving()) >= 2)

    def sample(self):
        for name, pid in {**self.rig.pids(), "pointsman": self.rig.launcher.pid}.items():
            program = name.partition(".")[0]
            if program in PROGRAMS:
                try:
                    self.samples[program].append((rig.rss_kib(pid), rig.descriptors(pid)))
                except (FileNotFoundError, ProcessLookupError, AttributeError):
                    pass  # it has ended while we looked

    def climbs(self):
        """Which program grows: the last third of the run beside the one before it."""
        for program, found in self.samples.items():
            third = len(found) // 3
            if len(found) < SAMPLES_MIN:
                continue
            for what, at, most in (("RSS KiB", 0, CLIMB_KIB), ("descriptors", 1, CLIMB_FDS)):
                before, after = (sorted(part)[third // 2] for part in (
                    [pair[at] for pair in found[third:2 * third]], [pair[at] for pair in found[-third:]]))
                if after > before + most:
                    yield f"{program}: {what} {before} -> {after}"

    # ---- the end ----

    def end(self):
        """No more cases; all that was asked is told."""
        self.stopped.set()
        for client in self.clients:
            client.join(60)
            assert not client.is_alive(), "a client hangs"
        self.watcher.join(30)
        rig.wait_for(self.healthy, "all programs run", 30)
        for ledger in self.ledgers:
            rig.wait_for(lambda server=ledger.demo: server.state()["in_flight"] == 0,
                         "upstreams are at rest", 30)
            ledger.look()
        try:
            rig.wait_for(lambda: not self.missing(), "all is told", SETTLE_S)
        except AssertionError:
            pass  # the verdict says so

    def records(self):
        """(how many records each case has in the statistics, how many there are of answers without a number)"""
        found, others = collections.Counter(), 0
        with sqlite3.connect(f"file:{self.rig.state}/stats.db?mode=ro", uri=True) as base:
            for (text,) in base.execute("SELECT attempts FROM requests"):
                inputs = {attempt["input"] for attempt in json.loads(text) if attempt["usage"] == "reported"}
                numbers = {value for value in inputs if value >= FIRST}
                found.update(numbers)
                others += bool(inputs - numbers)
        return found, others

    def complete(self):
        return sum((ledger.complete for ledger in self.ledgers), collections.Counter())

    def missing(self):
        """Cases that by their upstream's word were complete but have no record. An upstream under a fault may
        answer well without the case's number: there have to be as many records of the kind."""
        complete, (records, others) = self.complete(), self.records()
        missing = sorted(set(complete) - self.unsure - set(records))
        unnumbered = self.good - set(complete) - set(records)
        return missing + sorted(unnumbered)[:max(0, len(unnumbered) - others)]

    def stretches(self, numbers):
        """Where in the run these cases are: "12 within 400.1 to 406.3 s"; a rest of 5 s parts them."""
        times = sorted(self.times.get(number, 0) for number in numbers)
        parts = [[]]
        for at in times:
            if parts[-1] and at > parts[-1][-1] + 5:
                parts.append([])
            parts[-1].append(at)
        return [f"{len(part)} within {part[0]:.1f} to {part[-1]:.1f} s" for part in parts if part]

    def verdict(self):
        """(the line, whether all is well)"""
        missing, (records, _) = self.missing(), self.records()
        torn = [case for case in self.bad if case.outcome == "torn"]
        twice = {number for number, count in self.complete().items() if count > 1}
        counted_twice = {number for number, count in records.items() if count > 1}
        self.rig.keep = bool(self.bad or missing or twice or counted_twice)
        if missing:
            print("stat_miss:", *self.stretches(missing), sep="\n  ")
            print(*[line for line in self.rig.lines() if "event=statistics" in line or "event=journal" in line][-200:],
                  sep="\n")
        crashes, climbs = self.crashes(), list(self.climbs())
        for what, found in (("dup", twice), ("stat_miss", missing), ("stat_dup", counted_twice),
                            ("crash", crashes), ("climbs", climbs)):
            if found:
                print(f"{what}: {sorted(found)[:20]}")
        print(f"{len(self.complete())} complete by their upstreams' word, {len(self.unsure)} unsure, "
              f"{len(records)} with a record of their own")
        counts = {"lost": len(self.bad) - len(torn), "torn": len(torn), "dup": len(twice),
                  "stat_miss": len(missing), "stat_dup": len(counted_twice), "crash": len(crashes)}
        peak = max(rss for found in self.samples.values() for rss, _ in found)
        cases = sum(self.outcomes.values()) - self.outcomes["excused"]
        line = f"reliability: cases={cases} faults={sum(self.faults.values())} kills={self.kills} " + \
            " ".join(f"{name}={count}" for name, count in counts.items()) + f" peak_rss={peak // 1024}MiB"
        if self.rig.keep:
            print(f"the state is in {self.rig.folder}")
        return line, not any(counts.values()) and not climbs

    def crashes(self):
        """Ends the programs and hears what they said at their end."""
        try:
            self.rig.stop()
        except AssertionError as problems:
            return [str(problems)]
        return []


class Window:
    def __init__(self, world, what):
        self.world, self.entry = world, [what, time.monotonic(), None]

    def __enter__(self):
        with self.world.lock:
            self.world.windows.append(self.entry)

    def __exit__(self, *_):
        self.entry[2] = time.monotonic()


