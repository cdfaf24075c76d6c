"""The Nth of each call that can fail does, in each of the running programs: nobody dies, nothing is lost or
half, and what came too early is served when it has passed. PM_FAILING is how far N goes (the calls in turn at
every N, for as many actions as it takes)."""

import json
import os
import sqlite3
import threading
from datetime import datetime

import kernel
import rig
from load import Stream
from protocols import PROTOCOLS, said
from wire import Broken

DEPTH = int(os.environ.get("PM_FAILING", "1"))
CALLERS = 6

# Of a data plane: calls, errors. What concerns one client's connection may cost that client his answer.
CLIENTS = (("accept4", ("EMFILE", "ECONNABORTED", "ENOMEM", "EPERM")),)
UPSTREAMS = (("socket", ("EMFILE", "ENOBUFS")),
             ("connect", ("ECONNREFUSED", "ENETUNREACH", "ENOMEM", "ETIMEDOUT")))
# Not read, by which nanomsg's threads are woken: it ends the process by any error there (below).
ANY = (("recvfrom", ("ECONNRESET", "ENOMEM")), ("recvmsg", ("ECONNRESET", "ENOMEM")),
       ("sendto,writev", ("ECONNRESET", "ENOBUFS")), ("epoll_ctl", ("ENOSPC", "ENOMEM")))
FILES = (("fsync", ("EIO", "ENOSPC")), ("rename", ("EIO", "EACCES")), ("fchmod", ("EPERM",)),
         ("openat", ("EMFILE", "ENOSPC")))
DATABASE = (("pwrite64", ("ENOSPC", "EIO")), ("fdatasync,fsync", ("EIO",)), ("fcntl", ("ENOLCK",)))


def each(rows):
    for calls, errors in rows:
        for error in errors:
            for when in range(1, DEPTH + 1):
                yield calls, f"error={error}:when={when}"


class Failing(rig.Case):
    config = rig.everywhere("a", "b", **rig.plain())

    def many(self):
        """Small calls at once; those that got no whole answer."""
        bad = []
        def ask(number):
            try:
                said(PROTOCOLS[number % 3], self.rig.post(PROTOCOLS[number % 3], "[demo:say ok]"))
            except (Broken, AssertionError, OSError) as error:
                bad.append(error)
        threads = [threading.Thread(target=ask, args=(n,), daemon=True) for n in range(CALLERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        self.assertFalse(any(thread.is_alive() for thread in threads), "somebody waits for ever")
        return bad

    def fresh(self):
        """Upstream connections are new ones."""
        self.rig.demo.kill()
        self.rig.demo.start()

    def check(self, program, rows, lost, before=None):
        for calls, what in each(rows):
            with self.subTest(calls=calls, what=what):
                pid = self.rig.pid(program)
                if before:
                    before()
                with kernel.Fault(pid, calls, what) as fault:
                    bad = self.many()
                    hits = fault.hits()
                self.assertLessEqual(len(bad), lost * hits, (hits, bad))
                self.assertEqual([], self.many(), "and then all is well")
                self.assertEqual(pid, self.rig.pid(program))

    def test_accepting(self):
        self.check("dataplane.0", CLIENTS, 0)

    def test_connecting(self):
        """The same upstream once more, or the other: no client learns of it."""
        self.check("dataplane.0", UPSTREAMS, 0, self.fresh)

    def test_reading_and_writing(self):
        """Whose connection it was, the client's or webadmin's or the control plane's, is chance."""
        self.check("dataplane.0", ANY, 1, self.fresh)

    def test_pages(self):
        pid = self.rig.pid("webadmin")
        for calls, what in each(CLIENTS):
            with self.subTest(calls=calls, what=what), kernel.Fault(pid, calls, what):
                for _ in range(3):
                    self.assertEqual(200, self.rig.call("GET", "/", port=self.rig.admin_port).status)

    def edit(self, number):
        """By the admin API; whether it said that it is done."""
        name = f"n{number}"
        body = json.dumps({"group": "claude", "name": name, "base_url": "http://localhost:1", "key": "k"}).encode()
        answer = self.rig.call("POST", "/api/v1/upstreams", {
            "Authorization": f"Bearer {self.rig.token}", "Content-Type": "application/json"},
            body, port=self.rig.admin_port)
        return name, answer.status in (200, 201), answer

    def names(self):
        return [entry["name"] for entry in json.loads(self.rig.config_file.read_text())["api_configs"]]

    def test_saving(self):
        """An edit is there or not, as it was told; then it can be made again."""
        number = 0
        for calls, what in each(FILES):
            for when in range(4):
                number += 1
                with self.subTest(calls=calls, what=what, more=when):
                    what_now = what.rpartition("=")[0] + f"={int(what.rpartition('=')[2]) + when}"
                    with kernel.Fault(self.rig.pid("controlplane"), calls, what_now):
                        name, told, answer = self.edit(number)
                    self.assertEqual(told, name in self.names(), answer)
                    if not told:
                        name, told, answer = self.edit(number)
                        self.assertTrue(told, answer)
                    self.assertEqual(0, self.rig.command("reload").returncode)
        said("chat", self.rig.post("chat"))

    def stored(self, model):
        with sqlite3.connect(f"file:{self.rig.state}/stats.db?mode=ro", uri=True) as base:
            return base.execute("SELECT count(*) FROM requests WHERE model=?", (model,)).fetchone()[0]

    def test_counting(self):
        """Each call once, whichever write or sync of the database fails."""
        paths = [f"{self.rig.state}/stats.db{suffix}" for suffix in ("", "-wal", "-shm", "-journal")]
        for number, (calls, what) in enumerate(each(DATABASE)):
            with self.subTest(calls=calls, what=what):
                model = f"counted-{number}"
                with kernel.Fault(self.rig.pid("controlplane"), calls, what, paths):
                    for _ in range(5):
                        said("chat", self.rig.post("chat", "[demo:say ok]", model=model))
                rig.wait_for(lambda: self.stored(model) >= 5, "all are stored", 20)
                self.assertEqual(5, self.stored(model))


class Bus(rig.Case):
    """A thread of nanomsg that cannot be woken ends the process, as nanomsg will have it."""
    config = rig.everywhere("a")
    dataplanes = 2

    def test_only_its_own_streams_are_lost(self):
        streams = [Stream(self.rig, PROTOCOLS[n % 3], 200, 20) for n in range(20)]
        rig.wait_for(lambda: all(stream.answer.status for stream in streams), "streams began")
        pid, ready = self.rig.pid("dataplane.0"), self.rig.run / "dataplane.0.ready"
        mine = rig.ports_of(pid)
        ready.unlink()
        self.rig.deaths_wanted.append("dataplane.0")
        with kernel.Fault(pid, "read", "error=ENOMEM:when=1"):
            rig.wait_for(ready.exists, "it is back", 20)
        self.assertNotEqual(pid, self.rig.pid("dataplane.0"))
        (end,) = [line for line in self.rig.log("ended") if line["program"] == "dataplane.0"]
        began = [line for line in self.rig.log("ready") if line["proc"] == "dataplane.0"][-1]
        took = datetime.fromisoformat(began["ts"][:-1]) - datetime.fromisoformat(end["ts"][:-1])
        print(f"back after {took.total_seconds() * 1000:.0f} ms, {len(mine)} connections were lost", flush=True)
        self.assertEqual("ABRT", end["signal"])
        self.assertEqual([], [s.answer for s in streams if s.port not in mine and not s.whole()])
        for stream in streams:
            stream.join(60)
            self.assertEqual(stream.port not in mine, stream.answer.whole, stream.answer)
        for protocol in PROTOCOLS:
            said(protocol, self.rig.post(protocol))


if __name__ == "__main__":
    rig.main()
