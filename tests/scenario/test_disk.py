"""The disk of the statistics fails in the hands of a running control plane: full, read-only, broken,
slow."""

import json
import sqlite3
import time

import rig
from disk import Fault


class Disk(rig.Case):
    config = rig.everywhere("a")

    def ask(self, model, count=20):
        """How long each call took, in seconds."""
        took = []
        for _ in range(count):
            begin = time.monotonic()
            self.assertEqual(200, self.rig.post("chat", "[demo:say x]", model=model).status)
            took.append(time.monotonic() - begin)
        return took

    def stored(self, model):
        with sqlite3.connect(f"file:{self.rig.state}/stats.db?mode=ro", uri=True) as base:
            if not base.execute("SELECT 1 FROM sqlite_schema WHERE name='requests'").fetchone():
                return 0  # it is only just being made
            return base.execute("SELECT count(*) FROM requests WHERE model=?", (model,)).fetchone()[0]

    def admin(self, path):
        headers = {"Authorization": f"Bearer {self.rig.token}"}
        return self.rig.call("GET", path, headers, port=self.rig.admin_port)

    def said(self):
        return [line for line in self.rig.log("statistics_away") if line["proc"] == "controlplane"]

    def check_outage(self, error, word):
        model = f"during-{error}"
        self.ask(model + "-before", 3)
        rig.wait_for(lambda: self.stored(model + "-before") == 3, "they are stored")
        said = len(self.said())
        with Fault(self.rig, "pwrite64,pwritev,write", f"error={error}"):
            self.ask(model)
            lines = rig.wait_for(lambda: self.said()[said:], "it is said")
            self.assertIn(word, lines[0]["msg"])
            self.assertEqual(200, self.admin("/api/state").status)
            # Said once, however often it is tried.
            self.ask(model + "-more", 5)
            self.assertEqual(said + 1, len(self.said()), self.said())
        rig.wait_for(lambda: (self.stored(model), self.stored(model + "-more")) == (20, 5),
                     "all are told", 20)
        self.assertEqual(3, self.stored(model + "-before"))
        totals = json.loads(bytes(self.admin("/api/v1/stats?by=model").body))
        told = {row["model"]: row["requests"] for row in totals["rows"]}
        self.assertEqual((20, 5), (told[model], told[model + "-more"]))

    def test_full(self):
        self.check_outage("ENOSPC", "full")

    def test_read_only(self):
        self.check_outage("EROFS", "I/O")

    def test_broken(self):
        self.check_outage("EIO", "I/O")

    def test_slow(self):
        """Each sync takes a second and a half: nobody but the statistics waits for it."""
        with Fault(self.rig, "fdatasync,fsync", "delay_enter=1500000"):
            took = self.ask("slow", 30)
            self.assertLess(sorted(took)[15], 0.5)
            self.assertLess(max(took), 1.4)
            begin = time.monotonic()
            self.assertEqual(200, self.admin("/api/state").status)
            self.assertLess(time.monotonic() - begin, 1.4)
        rig.wait_for(lambda: self.stored("slow") == 30, "all are told", 30)


if __name__ == "__main__":
    rig.main()
