"""Clients that leave: the upstream is let go at once, and nothing stays behind."""

import os
import select
import socket
import threading
import time

import rig
from protocols import PATHS, PROTOCOLS, ask, said
from wire import Wire, request

TOTAL = int(os.environ.get("PM_DISCONNECTS", "10000"))
THREADS = 8


class Gone(rig.Case):
    config = rig.everywhere("a", "b", **rig.plain())

    def wait_gone(self, mark, count=1, seconds=1.0):
        """Every call behind the mark has ended for the upstream within the time."""
        rig.wait_for(lambda: [call.how for call in self.rig.demo.calls(mark)].count("client_gone")
                     == count, f"{count} upstream calls are cancelled", seconds)

    def leave(self, wire, how):
        if how == "rst":
            wire.reset()
        elif how == "half":
            wire.socket.shutdown(socket.SHUT_WR)
        else:
            wire.close()

    def test_upstream_is_cancelled_within_a_second(self):
        for protocol in PROTOCOLS:
            for spec, stage in (("stall:headers", "waiting"), ("stall:first", "before content"),
                                ("events=100000;ms=20", "in mid stream")):
                for how in ("rst", "fin", "half"):
                    with self.subTest(protocol=protocol, stage=stage, how=how):
                        self.rig.demo.fault("a", spec)
                        mark = self.rig.demo.newest()
                        wire = self.rig.wire()
                        self.rig.send(wire, protocol, ask(protocol))
                        if stage == "in mid stream":
                            answer = wire.head()
                            next(wire.pieces(answer))
                        else:
                            rig.wait_for(lambda: self.rig.demo.calls(mark), "the call is there")
                        self.leave(wire, how)
                        self.wait_gone(mark)
                        wire.close()
                        self.assertEqual(1, len(self.rig.demo.calls(mark)), "nobody else is asked")

    def test_leaving_while_others_stay(self):
        self.rig.demo.fault("a", "events=30;ms=50")
        stays, leaves = self.rig.wire(), self.rig.wire()
        mark = self.rig.demo.newest()
        for wire in (stays, leaves):
            self.rig.send(wire, "chat", ask("chat"))
        next(leaves.pieces(leaves.head()))
        leaves.reset()
        self.wait_gone(mark)
        self.assertEqual("x" * 480, said("chat", stays.answer()))
        stays.close()

    def test_health_is_untouched(self):
        """Who hangs up blames nobody: the first upstream stays the first."""
        self.rig.demo.fault("a", "stall:headers")
        for _ in range(20):
            mark = self.rig.demo.newest()
            wire = self.rig.wire()
            self.rig.send(wire, "chat", ask("chat"))
            rig.wait_for(lambda: self.rig.demo.calls(mark), "the call is there")
            wire.reset()
            self.wait_gone(mark)
        self.rig.demo.mend()
        mark = self.rig.demo.newest()
        said("chat", self.rig.post("chat"))
        self.assertEqual(["a"], [call.name for call in self.rig.demo.calls(mark)])

    def one_random(self, random):
        """One client that goes at a random moment of a random kind of call."""
        protocol = random.choice(PROTOCOLS)
        model = random.choice(("demo", "demo-fault:events=50;ms=1", "demo-fault:stall:first",
                               "demo-fault:stall:headers", "demo-fault:events=2000;bytes=2000",
                               "demo-fault:529", "demo-fault:cut:after=6"))
        data = request("POST", PATHS[protocol], ask(protocol, "x" * random.choice((2, 20000)),
                                                    random.random() < 0.8, model),
                       self.rig.headers(protocol))
        wire = Wire(self.rig.port)
        try:
            moment = random.random()
            if moment < 0.1:
                data = data[:random.randrange(len(data))]
            wire.send(data)
            if moment > 0.3:
                # Reads a little or waits a little, then leaves wherever that is.
                end = time.monotonic() + random.random() ** 3 * 0.08
                while (left := end - time.monotonic()) > 0:
                    if not select.select([wire.socket], [], [], left)[0]:
                        break
                    if not wire.socket.recv(random.choice((1, 100, 65536))):
                        break
        except ConnectionError:
            pass  # it was refused and closed before all was sent
        self.leave(wire, random.choice(("rst", "fin", "fin", "half")))
        wire.close()

    def test_random_moments(self):
        """Ten thousand of them: no leak (LeakSanitizer looks at the end), no descriptor left,
        each upstream call ended."""
        pid = self.rig.pid("dataplane.0")
        for protocol in PROTOCOLS:
            said(protocol, self.rig.post(protocol))
        before = rig.descriptors(pid)
        failures = []

        def work(number):
            random = rig.random.Random(rig.seed + number)
            try:
                for _ in range(TOTAL // THREADS):
                    self.one_random(random)
            except Exception as error:  # noqa: BLE001: shown below
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failures)
        rig.wait_for(lambda: self.rig.demo.state()["in_flight"] <= 1,
                     "every upstream call has ended", 2)
        # Idle connections to upstreams are kept on purpose, a bounded number.
        idle = self.rig.demo.state()["connections"]
        self.assertLess(idle, 300)
        rig.wait_for(lambda: rig.descriptors(pid) <= before + idle,
                     f"descriptors are back: {before} + {idle} idle", 5)
        self.assertEqual(pid, self.rig.pid("dataplane.0"))
        for protocol in PROTOCOLS:
            said(protocol, self.rig.post(protocol))


if __name__ == "__main__":
    rig.main()
