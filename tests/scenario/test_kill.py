"""kill -9 of each program under load: who is not concerned notices nothing."""

import time

import rig
from load import Caller, Stream
from protocols import PROTOCOLS, ask, said
from wire import request

STREAMS = 200
EVENTS, EVERY_MS = 120, 50


class Kill(rig.Case):
    config = rig.everywhere("a")
    dataplanes = 2

    def setUp(self):
        super().setUp()
        self.streams = [Stream(self.rig, PROTOCOLS[number % 3], EVENTS, EVERY_MS)
                        for number in range(STREAMS)]
        self.callers = [Caller(self.rig) for _ in range(3)]
        rig.wait_for(lambda: all(stream.answer.status for stream in self.streams), "streams began")
        rig.wait_for(lambda: all(caller.good for caller in self.callers), "calls are answered")

    def running(self):
        return [stream for stream in self.streams if stream.is_alive()]

    def finish(self):
        for caller in self.callers:
            caller.end()
        self.assertEqual([], [error for caller in self.callers for error in caller.refused])

    def check_nobody_notices(self, name):
        self.assertEqual(STREAMS, len(self.running()), "all streams run when it is killed")
        pids = self.rig.pids()
        self.rig.kill(name)
        self.assertEqual(STREAMS, len(self.running()))
        rig.wait_for(self.rig.ready, f"{name} is back")
        self.assertEqual([], [stream.answer for stream in self.streams if not stream.whole()])
        self.finish()
        self.assertEqual([], [error for caller in self.callers for error in caller.broken])
        after = self.rig.pids()
        self.assertEqual({n for n in pids if n != name}, {n for n in pids if after[n] == pids[n]})

    def test_controlplane(self):
        self.check_nobody_notices("controlplane")
        status = rig.wait_for(lambda: self.rig.command("status"), "status answers")
        self.assertEqual(0, status.returncode, status.stderr)

    def test_webadmin(self):
        self.check_nobody_notices("webadmin")

    def test_dataplane(self):
        """Its own streams end, torn and so that each client can tell; the other's go on, and nobody
        who connects is refused."""
        owned = {name: rig.ports_of(self.rig.pid(name)) for name in ("dataplane.0", "dataplane.1")}
        mine = [stream for stream in self.streams if stream.port in owned["dataplane.0"]]
        others = [stream for stream in self.streams if stream.port in owned["dataplane.1"]]
        self.assertEqual(STREAMS, len(mine) + len(others))
        self.assertTrue(mine and others, "the kernel spreads connections")
        other_pid = self.rig.pid("dataplane.1")
        began = time.monotonic()
        self.rig.kill("dataplane.0")
        rig.wait_for(lambda: not any(stream.is_alive() for stream in mine), "its streams end", 2)
        rig.wait_for(self.rig.ready, "dataplane.0 is back")
        print(f"dataplane.0 was back after {time.monotonic() - began:.3f} s", flush=True)
        for stream in mine:
            self.assertFalse(stream.answer.whole, "a torn stream looks whole")
        self.assertEqual([], [stream.answer for stream in others if not stream.whole()])
        self.assertEqual(other_pid, self.rig.pid("dataplane.1"))
        self.finish()
        broken = [error for caller in self.callers for error in caller.broken]
        self.assertLessEqual(len(broken), len(self.callers), broken)
        rig.wait_for(lambda: self.rig.demo.state()["in_flight"] <= 1, "upstreams are let go", 2)

    def test_dataplane_again_and_again(self):
        """Each of the two in turn, while small calls go on: at most the ones in hand are lost."""
        for number in range(6):
            self.rig.kill(f"dataplane.{number % 2}")
            rig.wait_for(self.rig.ready, "it is back", 20)
        self.finish()
        broken = [error for caller in self.callers for error in caller.broken]
        self.assertLessEqual(len(broken), 6 * len(self.callers), broken)
        self.assertGreater(sum(caller.good for caller in self.callers), 20)
        with self.rig.wire() as wire:
            wire.send(request("POST", "/v1/messages", ask("anthropic"), self.rig.headers()))
            said("anthropic", wire.answer())


if __name__ == "__main__":
    rig.main()
