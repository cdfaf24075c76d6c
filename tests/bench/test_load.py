"""The load generator itself: counts right, measures what the upstream does, notices what is wrong."""

import json
import os
import subprocess
import tempfile
import time
import unittest

import rig
from protocols import ask


class Load(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.demo = rig.Demo(cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        cls.demo.program.stop()
        cls.folder.cleanup()

    def load(self, body, *options, expect=0):
        path = os.path.join(self.folder.name, "body")
        with open(path, "wb") as file:
            file.write(body)
        done = subprocess.run(
            [rig.BIN / "bench-load", "--port", str(self.demo.port), "--path", "/u/a/v1/messages",
             "--header", "anthropic-version: 2023-06-01", "--body", path,
             "--event-mark", "event: content_block_delta",
             "--terminal-mark", "event: message_stop", *options],
            env=rig.environment(), capture_output=True, text=True, timeout=60)
        self.assertEqual(expect, done.returncode, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def setUp(self):
        self.demo.mend()

    def test_calls(self):
        mark = self.demo.newest()
        found = self.load(ask("anthropic", stream=False), "--connections", "4", "--ms", "500")
        seen = [call for call in self.demo.calls(mark) if call.how == "complete"]
        self.assertLessEqual(abs(found["calls"] - len(seen)), 4)
        self.assertGreater(found["p50_us"], 0)

    def test_open_loop(self):
        found = self.load(ask("anthropic", stream=False), "--connections", "8", "--ms", "1000",
                          "--rate", "100")
        self.assertAlmostEqual(100, found["calls"], delta=5)

    def test_waits_are_counted(self):
        self.demo.fault("a", "stall:headers;ms=50")
        found = self.load(ask("anthropic", stream=False), "--connections", "2", "--ms", "600")
        self.assertAlmostEqual(52000, found["p50_us"], delta=15000)

    def test_streams(self):
        self.demo.fault("a", "events=20;ms=20")
        began = time.monotonic()
        found = self.load(ask("anthropic"), "--connections", "10", "--ms", "5000", "--events", "20",
                          "--ramp-ms", "100")
        self.assertLess(time.monotonic() - began, 3)
        self.assertEqual((10, 200, 0), (found["streams"], found["events"], found["torn"]))
        self.assertLess(found["late_p50_us"], 20000)

    def test_whole_answers_of_every_framing(self):
        for spec in ("", "bytes1", "crlf"):
            self.demo.fault("a", spec) if spec else None
            self.load(ask("anthropic", stream=False), "--connections", "2", "--ms", "300")

    def test_bytes_are_compared(self):
        with open(os.path.join(self.folder.name, "expected"), "wb") as file:
            file.write(b"12345678")
        options = ("--connections", "2", "--ms", "300", "--expect", file.name)
        self.demo.script("a", b"12345678")
        self.assertEqual(0, self.load(ask("anthropic", stream=False), *options)["differing"])
        for other in (b"12345679", b"1234567", b"123456789"):
            self.demo.script("a", other)
            found = self.load(ask("anthropic", stream=False), *options, expect=1)
            self.assertEqual((0, found["calls"]), (found["failed"], found["differing"]))

    def test_faults_are_seen(self):
        for spec, options in (("529", ()), ("close", ()), ("cut:bytes=50", ()),
                              ("cut:after=9", ("--events", "20")),
                              ("noterminal", ("--events", "20")),
                              ("events=19", ("--events", "20"))):
            with self.subTest(spec):
                self.demo.fault("a", spec)
                found = self.load(ask("anthropic", stream=bool(options)), "--connections", "1",
                                  "--ms", "200", *options, expect=1)
                self.assertGreater(found["failed"] + found["torn"], 0)


if __name__ == "__main__":
    rig.main()
