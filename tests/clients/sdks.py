"""Loops with SDKs: one process of each kind for all prompts, since most of its time is its start."""

import json
import subprocess
import sys
import threading

import loops
import rig

RIGS = {}  # by the upstreams' protocol, for all classes: they take long to start
UPSTREAMS = ("anthropic", "chat", "responses")


class Sdk(loops.Loops):
    """Subclasses have `argv`, and `folder` where the packages are."""

    @classmethod
    def setUpClass(cls):
        cls.worker = cls.worker_home = None
        upstream = cls.own or cls.protocol
        if upstream not in RIGS:
            RIGS[upstream] = rig.Rig(loops.over(upstream), alone=cls.alone)
            RIGS[upstream].__enter__()
            rig.unittest.addModuleCleanup(RIGS[upstream].stop)
        cls.rig = RIGS[upstream]

    @classmethod
    def tearDownClass(cls):
        if cls.worker is not None:
            cls.worker.stdin.close()
            cls.worker.wait(20)
            cls.worker.stdout.close()

    def make_home(self, clean):
        """The process outlives the test, and so does its home."""
        cls = type(self)
        if cls.worker_home is None:
            cls.worker_home = super().make_home(cls.addClassCleanup)
        return cls.worker_home

    def start(self):
        base = f"http://127.0.0.1:{self.rig.port}" + ("" if self.protocol == "anthropic" else "/v1")
        return subprocess.Popen(
            [str(arg) for arg in (*self.argv, self.protocol, self.mode)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=self.environment(BASE=base, KEY=self.rig.key, SDKS=str(self.folder),
                                 HTTPS_PROXY=loops.CLOSED), cwd=self.project)

    def result(self, prompt):
        cls = type(self)
        if cls.worker is None:
            cls.worker = self.start()
        watch = threading.Timer(60, cls.worker.kill)
        watch.start()
        cls.worker.stdin.write(json.dumps(prompt) + "\n")
        cls.worker.stdin.flush()
        line = cls.worker.stdout.readline()
        watch.cancel()
        for secret in self.rig.canaries:
            self.assertNotIn(secret, line)
        return json.loads(line)

    def ask(self, prompt):
        result = self.result(prompt)
        self.assertNotIn("error", result)
        return result["text"], result["ran"] or None

    def test_first_breaking_off(self):
        """In the middle of its answer: an SDK leaves that to its user, and has run nothing."""
        if self.mode == "whole":
            self.skipTest("a whole answer has no middle")
        for spec in loops.MIDDLE_FAULTS:
            with self.subTest(spec):
                self.setUp()
                self.fail_first(spec)
                self.assertIn("error", self.result(loops.steps(loops.STEP, 1)))
                self.assertFalse((self.project / "made.txt").exists())
                self.check_told(("failed", "first"))


def make(module, kinds, **members):
    """A class for each kind (protocol, mode) over each upstream."""
    for protocol, mode in kinds:
        for own in UPSTREAMS:
            native = own == protocol
            name = protocol.capitalize() + mode.capitalize()
            name += "" if native else f"Over{own.capitalize()}"
            setattr(sys.modules[module], name, type(name, (Sdk,), {
                "__module__": module, "protocol": protocol, "mode": mode,
                "own": None if native else own, **members}))
