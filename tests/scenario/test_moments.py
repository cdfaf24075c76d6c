"""kill -9 of the control plane and of the admin host at named moments, which strace finds: when a record came, in
a write, before it is durable, before and after a rename, in an answer, in a start. No call is lost, each is counted
once, what was told as saved is there. PM_KILLS is how often (half of them each); PM_BIN may be a build without
sanitizers, which starts faster."""

import collections
import json
import os
import signal
import sqlite3
import subprocess
import threading
import unittest

import rig
from protocols import PROTOCOLS, said
from test_order import RUN_WITH, ByHand
from wire import Broken

KILLS = int(os.environ.get("PM_KILLS", "24"))
LIFE_S = 1.0  # of a program that does not come to its moment

# Moment: calls, and up to which one of them in one thread.
CONTROL = {"a record or question came": ("recvmsg", 60), "in an answer or an ack": ("sendmsg", 60),
           "in a write": ("pwrite64", 80), "before it is durable": ("fdatasync", 6),
           "before a rename": ("rename", 6), "after a rename, in a save": ("fsync", 12),
           "in a start": ("openat", 80), "anywhere": ("epoll_wait", 100)}
ADMIN = {"a question came": ("accept4", 6), "it is read": ("recvfrom", 8), "it is passed on": ("sendmsg", 12),
         "the answer came": ("recvmsg", 12), "in an answer": ("writev,sendto", 6), "in a start": ("openat", 40)}


class Mortal(ByHand):
    """Starts a program that dies at its Nth call of a kind."""

    def start_mortal(self, name, calls, when):
        options = ["--state", self.state]
        fds = () if name == "controlplane" else ("admin", "web")
        numbers = [self.sockets[fd].fileno() for fd in fds]
        trace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}",
                 "-e", f"inject={calls}:signal=KILL:when={when}"]
        self.programs[name] = rig.Program(
            ["bash", "-c", RUN_WITH, *trace, self.bin / name, "--run-dir", self.run, *options],
            rig.environment(LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=":".join(fds),
                            FDS=" ".join(map(str, numbers))), numbers)
        self.logs.append(self.programs[name])
        return self.programs[name]

    def forget_old_logs(self):
        """Thousands of programs have been here."""
        for program in [log for log in self.logs[:-20] if not log.alive()]:
            assert not rig.REPORT.search(program.text()), program.text()[-6000:]
            self.logs.remove(program)
            if program in rig.Program.everyone:
                rig.Program.everyone.remove(program)


class Load(threading.Thread):
    """Does something again and again until the end."""

    def __init__(self, act, every_s):
        super().__init__(daemon=True)
        self.act, self.every_s, self.ended = act, every_s, threading.Event()
        self.start()

    def run(self):
        number = 0
        while not self.ended.wait(self.every_s):
            self.act(number)
            number += 1

    def end(self):
        self.ended.set()
        self.join(60)


class Moments(unittest.TestCase):
    def setUp(self):
        self.running = Mortal(rig.everywhere("a", **rig.plain()))
        for name in ("controlplane", "dataplane", "webadmin"):
            self.running.start_one(name)
        rig.wait_for(lambda: (self.running.state / "client-key").exists(), "the key is minted")
        rig.wait_for(lambda: self.running.post("chat", model="first").status == 200, "it serves")
        rig.wait_for(self.admin_answers, "the admin host answers")
        self.good, self.bad, self.told = [], [], []

    def admin(self, method, path, body=None):
        return self.running.call(
            method, path, {"Authorization": f"Bearer {self.running.token}", "Host": "localhost",
                           "Content-Type": "application/json"},
            json.dumps(body).encode() if body else b"", port=self.running.admin_port)

    def admin_answers(self):
        try:
            return self.admin("GET", "/api/v1/stats").status == 200
        except (Broken, OSError):
            return False

    def call(self, number):
        protocol = PROTOCOLS[number % 3]
        try:
            said(protocol, self.running.post(protocol, "[demo:say ok]", model="counted"))
            self.good.append(number)
        except (Broken, AssertionError, OSError) as error:
            self.bad.append(error)

    def edit(self, number):
        """By the admin host; only an answer tells that it is done."""
        name = f"n{number}"
        try:
            answer = self.admin("POST", "/api/v1/upstreams", {
                "group": "retry", "name": name, "base_url": "http://localhost:1", "key": "k"})
            if answer.status == 201:
                self.told.append(name)
                ident = json.loads(bytes(answer.body)).get("id")
                if number % 2 and ident:  # else the list grows and grows
                    self.admin("DELETE", f"/api/v1/upstreams/{ident}")
        except (Broken, OSError):
            pass

    def stored(self):
        with sqlite3.connect(f"file:{self.running.state}/stats.db?mode=ro", uri=True) as base:
            return base.execute("SELECT count(*) FROM requests WHERE model='counted'").fetchone()[0]

    def kill_often(self, name, moments, count):
        done = collections.Counter()
        self.running.stop_one(name, signal.SIGKILL)
        names = sorted(moments)
        for number in range(count):
            moment = names[number % len(names)]
            calls, most = moments[moment]
            program = self.running.start_mortal(name, calls, rig.chance.randint(1, most))
            try:
                program.process.wait(LIFE_S)
            except subprocess.TimeoutExpired:
                moment = "later"
                program.process.kill()
            program.stop(signal.SIGKILL)
            self.assertEqual(-signal.SIGKILL, program.process.returncode, program.text()[-3000:])
            done[moment] += 1
            self.running.forget_old_logs()
        del self.running.programs[name]
        self.running.start_one(name)
        rig.wait_for(self.admin_answers, "all is well again", 30)
        print(f"{name}: {sum(done.values())} kills: {dict(done)}", flush=True)

    def check(self, name, moments):
        calls = [Load(self.call, 0.03) for _ in range(2)]
        edits = Load(self.edit, 0.2)
        try:
            self.kill_often(name, moments, KILLS // 2)
        finally:
            for load in (*calls, edits):
                load.end()
        self.assertEqual([], self.bad, "no call is lost")
        self.assertGreater(len(self.good), 10)
        try:
            rig.wait_for(lambda: self.stored() >= len(self.good), "all are counted", 30)
        except AssertionError:
            pass
        print(f"{len(self.good)} calls, {self.stored()} counted, {len(self.told)} edits", flush=True)
        self.assertEqual(len(self.good), self.stored(), "each call is counted once")
        config = json.loads(self.running.config_file.read_text())
        kept = collections.Counter(entry["name"] for entry in config.get("retry_configs", []))
        wrong = {name: kept[name] for name in self.told if int(name[1:]) % 2 == 0 and kept[name] != 1}
        self.assertEqual({}, wrong, "what was told is there, once")
        scraps = [path.name for path in self.running.state.rglob("*.tmp-*")]
        self.assertEqual([], scraps, "nothing half is left, which may hold keys")
        self.running.stop()

    def test_controlplane(self):
        self.check("controlplane", CONTROL)

    def test_webadmin(self):
        self.check("webadmin", ADMIN)


if __name__ == "__main__":
    rig.main()
