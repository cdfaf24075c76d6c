"""The three programs without the launcher, started in every order, and each one anew alone."""

import itertools
import os
import signal
import socket
import unittest

import rig
from protocols import PROTOCOLS, said

NAMES = ("controlplane", "dataplane", "webadmin")
RUN_WITH = 'shift=3; for fd in $FDS; do eval "exec $shift<&$fd"; shift=$((shift + 1)); done; ' \
           'LISTEN_PID=$$ exec "$0" "$@"'


class ByHand(rig.Rig):
    """Holds the sockets as the launcher or systemd would, and starts the programs one by one."""

    def __init__(self, wanted):
        super().__init__(wanted)
        self.run = self.folder / "run"
        self.run.mkdir(mode=0o700)
        self.state.mkdir(mode=0o700, exist_ok=True)
        self.sockets = {"api": self.listen(self.port), "admin": self.listen(self.admin_port),
                        "web": self.listen_unix(self.run / "web.sock")}
        self.programs = {}
        self.logs = []

    @staticmethod
    def listen(port):
        server = socket.create_server(("127.0.0.1", port), backlog=512)
        server.setblocking(False)
        return server

    @staticmethod
    def listen_unix(path):
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        os.chmod(path, 0o600)
        server.listen(64)
        server.setblocking(False)
        return server

    def start_one(self, name):
        wanted = {"controlplane": (["--state", self.state], ()),
                  "dataplane": (["--instance", "0"], ("api",)),
                  "webadmin": (["--state", self.state], ("admin", "web"))}
        options, fds = wanted[name]
        numbers = [self.sockets[fd].fileno() for fd in fds]
        program = rig.Program(
            ["bash", "-c", RUN_WITH, self.bin / name, "--run-dir", self.run, *options],
            rig.environment(LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=":".join(fds),
                            FDS=" ".join(map(str, numbers))), numbers)
        self.programs[name] = program
        self.logs.append(program)
        return program

    def stop_one(self, name, signo=signal.SIGTERM):
        status = self.programs.pop(name).stop(signo)
        assert status == (0 if signo == signal.SIGTERM else -signo), f"{name}: {status}"

    def works(self):
        for protocol in PROTOCOLS:
            said(protocol, self.post(protocol))

    def stop(self):
        problems = []
        for name in list(self.programs):
            try:
                self.stop_one(name)
            except AssertionError as error:
                problems.append(str(error))
        for program in self.logs:
            text = program.text()
            if rig.REPORT.search(text):
                problems.append(text[-6000:])
            problems += [f"a secret in a log of {program.argv}" for secret in
                         self.canaries | {self.key, self.token} if secret in text]
        for server in self.sockets.values():
            server.close()
        super().stop()
        assert not problems, "\n".join(problems)


class Order(unittest.TestCase):
    def admin_answers(self, running):
        return running.call("GET", "/api/session", {"Host": "localhost"},
                            port=running.admin_port).status == 200

    def check(self, running):
        rig.wait_for(lambda: (running.state / "client-key").exists(), "the key is minted")
        answered = rig.wait_for(lambda: running.post("chat").status == 200, "calls are answered", 10)
        self.assertTrue(answered)
        running.works()
        rig.wait_for(lambda: self.admin_answers(running), "admin answers")

    def test_every_order(self):
        for order in itertools.permutations(NAMES):
            with self.subTest(order=order):
                running = ByHand(rig.everywhere("a"))
                for name in order:
                    running.start_one(name)
                    rig.wait_for(lambda: "bash" not in rig.proc(running.programs[name].pid, "comm"),
                                 f"{name} runs")
                self.check(running)
                running.stop()

    def test_late(self):
        """A client that comes before there is a table waits or is told to come again."""
        running = ByHand(rig.everywhere("a"))
        running.start_one("controlplane")
        rig.wait_for(lambda: (running.state / "client-key").exists(), "the key is minted")
        rig.wait_for(lambda: (running.run / "ready.json").exists(), "its table is made")
        running.stop_one("controlplane")
        running.start_one("dataplane")
        answer = running.post("anthropic")
        self.assertEqual(503, answer.status, answer)
        self.assertGreater(int(answer.header("retry-after")), 0)
        self.assertEqual(200, running.call("HEAD", "/api/hello").status)
        self.assertFalse((running.run / "dataplane.0.ready").exists())
        running.start_one("controlplane")
        rig.wait_for(lambda: (running.run / "dataplane.0.ready").exists(), "it is ready", 10)
        running.works()
        running.start_one("webadmin")
        self.check(running)
        running.stop()

    def test_each_restarts_alone(self):
        """Killed and started again while a stream runs through the data plane."""
        running = ByHand(rig.everywhere("a"))
        for name in NAMES:
            running.start_one(name)
        self.check(running)
        for name in ("controlplane", "webadmin"):
            for signo in (signal.SIGKILL, signal.SIGTERM):
                with self.subTest(name=name, signo=signo):
                    running.demo.fault("a", "events=20;ms=50", count=1)
                    with running.wire() as wire:
                        running.send(wire, "chat", rig.ask("chat"))
                        answer = wire.head()
                        running.stop_one(name, signo)
                        running.works()
                        running.start_one(name)
                        for _ in wire.pieces(answer):
                            pass
                        self.assertEqual("x" * 320, said("chat", answer))
                    self.check(running)
        running.stop_one("dataplane", signal.SIGKILL)
        running.start_one("dataplane")
        self.check(running)
        running.stop()

    def test_drain(self):
        """SIGTERM: streams in work end properly, the socket takes nobody new, exit 0."""
        running = ByHand(rig.everywhere("a"))
        for name in NAMES:
            running.start_one(name)
        self.check(running)
        running.demo.fault("a", "events=20;ms=50", count=1)
        with running.wire() as wire:
            running.send(wire, "chat", rig.ask("chat"))
            answer = wire.head()
            running.programs["dataplane"].process.send_signal(signal.SIGTERM)
            for _ in wire.pieces(answer):
                pass
            self.assertEqual("x" * 320, said("chat", answer))
        self.assertEqual(0, running.programs.pop("dataplane").process.wait(20))
        # Who connects now waits in the queue for the next one.
        with running.wire() as wire:
            running.send(wire, "chat", rig.ask("chat"))
            running.start_one("dataplane")
            said("chat", wire.answer())
        running.stop()


if __name__ == "__main__":
    rig.main()
