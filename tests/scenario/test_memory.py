"""Little memory: more bodies at once than there is room for. Who runs goes on, strangers cost nothing, those beyond
the room are told to come back, nobody dies, it is said once, and all is well afterwards. Sanitizers take
memory of their own, so this asks a build without them: PM_RELEASE, else build/release when there is one. PM_CROWD is
how many come."""

import collections
import itertools
import json
import os
import resource
import threading
import time
import unittest
from pathlib import Path

import rig
from load import Stream
from protocols import PATHS, PROTOCOLS, ask, error, said
from wire import Answer, Broken, request

RELEASE = Path(os.environ.get("PM_RELEASE", rig.ROOT / "build/release")) / "bin"
CROWD = int(os.environ.get("PM_CROWD", "500"))
LIMIT, BODY, PIECE = 300 << 20, 10 << 20, 1 << 19
STREAMS, EVENTS, EVERY_MS = 20, 200, 50
CGROUPS = Path("/sys/fs/cgroup/memory")  # of the first version; else its files lie in /sys/fs/cgroup
PROGRAMS = ("controlplane", "dataplane.0", "webadmin")


class Big(threading.Thread):
    """One request with a large body, and its answer."""

    def __init__(self, running, protocol, body, key=None, chunked=False):
        super().__init__(daemon=True)
        self.running, self.protocol, self.answer, self.why = running, protocol, Answer(), ""
        headers = running.headers(protocol)
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        path = PATHS[protocol]
        self.data = request("POST", path, b"", headers, length=False)[:-2], body, chunked
        self.start()

    def run(self):
        head, body, chunked = self.data
        head += b"\r\n" if chunked else b"Content-Length: %d\r\n\r\n" % len(body)
        try:
            with self.running.wire(timeout=120) as wire:
                try:
                    wire.send(head, body)
                except OSError as problem:
                    self.why = repr(problem)  # it may have been told why
                wire.head(self.answer)
                for _ in wire.pieces(self.answer):
                    pass
        except (Broken, OSError) as problem:
            self.why = repr(problem)

    def outcome(self):
        self.join(120)
        if self.answer.status == 200:
            return "good" if said(self.protocol, self.answer) == "ok" else "wrong"
        if self.answer.status and self.answer.whole:
            error(self.protocol, self.answer)
            return self.answer.status
        return f"nothing: {self.why}"


def big(protocol):
    """A long conversation."""
    body = json.loads(ask(protocol, "[demo:say ok]"))
    turns = body["input" if protocol == "responses" else "messages"]
    long = json.loads(json.dumps(turns[0]).replace("[demo:say ok]", "x" * PIECE))
    turns[:0] = [long] * (BODY // PIECE)
    return json.dumps(body).encode()


def peak_mib(pid):
    return int(rig.re.search(r"VmHWM:\s+(\d+)", rig.proc(pid, "status")).group(1)) >> 10


@unittest.skipUnless((RELEASE / "dataplane").exists(), "there is no build without sanitizers")
class Memory(unittest.TestCase):
    def begin(self, within):
        # Chat is passed on, the others are converted.
        wanted = rig.config([rig.upstream("a", protocol="chat")], [rig.upstream("b", protocol="anthropic")], ["c"],
                            **rig.plain())
        self.rig = rig.Rig(wanted, within=within, bin_folder=RELEASE)
        self.rig.__enter__()
        self.addCleanup(self.rig.stop)
        self.pids = self.rig.pids()
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)

    def crowd(self, count, chunked):
        streams = [Stream(self.rig, PROTOCOLS[n % 3], EVENTS, EVERY_MS) for n in range(STREAMS)]
        rig.wait_for(lambda: all(stream.answer.status for stream in streams), "streams began")
        bodies = {protocol: big(protocol) for protocol in PROTOCOLS}
        began = time.monotonic()
        all_of_them = [Big(self.rig, PROTOCOLS[n % 3], bodies[PROTOCOLS[n % 3]], chunked=chunked,
                           key="nobody" if n % 10 == 9 else None) for n in range(count)]
        outcomes = collections.Counter(big.outcome() for big in all_of_them)
        print(f"{count} bodies of {BODY >> 20} MiB: {dict(outcomes)} in {time.monotonic() - began:.1f} s, the peak of the "
              f"data plane was {peak_mib(self.rig.pid('dataplane.0'))} MiB", flush=True)
        return streams, outcomes

    def check(self, count=CROWD, chunked=False):
        streams, outcomes = self.crowd(count, chunked)
        self.assertEqual(self.pids, self.rig.pids(), "nobody died")
        self.assertEqual({"good", 503, 401}, set(outcomes))
        self.assertEqual(count // 10, outcomes[401])
        self.assertGreaterEqual(outcomes["good"], 5)
        self.assertEqual([], [stream.answer for stream in streams if not stream.whole()], "who runs goes on")
        for protocol in PROTOCOLS:
            rig.wait_for(lambda: Big(self.rig, protocol, big(protocol)).outcome() == "good", "it has room again", 10)
        self.assertEqual(1, len(self.rig.log("memory")), self.rig.log("memory"))

    def test_limit_of_a_process(self):
        self.begin(["prlimit", f"--data={LIMIT}:{LIMIT}"])
        self.check()

    def test_bodies_of_unknown_length(self):
        self.begin(["prlimit", f"--data={LIMIT}:{LIMIT}"])
        self.check(CROWD // 5, chunked=True)

    def test_limit_of_a_group(self):
        """As of a container: all programs together."""
        first = (CGROUPS / "memory.limit_in_bytes").exists()
        group = (CGROUPS if first else CGROUPS.parent) / f"pm-{os.getpid()}"
        try:
            group.mkdir()
            (group / ("memory.limit_in_bytes" if first else "memory.max")).write_text(str(LIMIT))
        except OSError as problem:
            self.skipTest(f"no group of our own: {problem}")
        self.addCleanup(group.rmdir)
        self.begin(["sh", "-c", f'echo $$ >{group}/cgroup.procs && exec "$@"', "sh"])
        self.check()

    def edit(self, number):
        """A change of the configuration by the admin host, which control plane reads, checks, saves and tells."""
        body = json.dumps({"group": "retry", "name": f"n{number}", "base_url": "http://localhost:1", "key": "k" * 100}).encode()
        return self.rig.call("POST", "/api/v1/upstreams", {
            "Authorization": f"Bearer {self.rig.token}", "Content-Type": "application/json"}, body,
            port=self.rig.admin_port).status

    def test_control_plane_without_memory(self):
        """It ends where it is given none; the next one knows all that was saved and counted, and no call notices."""
        self.begin([])
        streams = [Stream(self.rig, PROTOCOLS[n % 3], EVENTS, EVERY_MS) for n in range(STREAMS)]
        self.assertEqual(201, self.edit(0))
        pid = self.rig.pid("controlplane")
        resource.prlimit(pid, resource.RLIMIT_DATA, (1 << 20, resource.RLIM_INFINITY))
        self.rig.deaths_wanted.append("controlplane")
        number = itertools.count(1)
        told = []

        def died():
            try:
                now = next(number)
                if self.edit(now) == 201:
                    told.append(now)
            except Broken:
                pass
            said("chat", self.rig.post("chat", "[demo:say ok]"))
            return self.rig.pids().get("controlplane") != pid
        rig.wait_for(died, "it ends", 30)
        self.assertIn("out of memory", "\n".join(self.rig.lines()))
        rig.wait_for(lambda: self.edit(next(number)) == 201, "the next one serves", 10)
        names = [entry["name"] for entry in json.loads(self.rig.config_file.read_text())["retry_configs"]]
        self.assertEqual([], [now for now in (0, *told) if names.count(f"n{now}") != 1], "what was told as saved is there")
        self.assertEqual([], [stream.answer for stream in streams if not stream.whole()], "no call notices")
        calls = len(self.rig.demo.calls())
        rig.wait_for(lambda: self.counted() >= calls, "all are counted")
        self.assertEqual(calls, self.counted(), "each once")

    def counted(self):
        answer = self.rig.call("GET", "/api/v1/stats?by=day", {
            "Authorization": f"Bearer {self.rig.token}"}, port=self.rig.admin_port)
        return json.loads(answer.body)["totals"]["requests"] if answer.status == 200 else 0


if __name__ == "__main__":
    rig.main()
