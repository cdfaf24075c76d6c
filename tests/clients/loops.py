"""What every client must do through Pointsman: a text; a whole agent loop; and the same when the first
upstream fails, seen as one clean answer and without a retry of the client's own."""

import base64
import hashlib
import itertools
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import rig

HERE = Path(__file__).resolve().parent
CLIENTS = rig.ROOT / "build/clients"
CLOSED = "http://127.0.0.1:1"  # nothing listens: for what a client would fetch from elsewhere

# The output cannot be had from the prompt, only by running the command.
OUTPUT = "hi-from-42"
TOOL_PROMPT = "Run it please. [demo:shell echo hi-from-$((40+2)); sleep 0.3]"
PING = "ping"  # the model of questions that are not the client's
TEXT_PROMPT = "Say it please. [demo:say plain-answer]"

FAULTS = {"refusing": "refuse", "status 529": "529", "empty 200": "empty"}
STREAM_FAULTS = {"200, then an error": "error-first", "cut before content": "cut:after=1"}
WHOLE_FAULTS = {"a page": "html", "cut": "cut:bytes=50"}


def install(name):
    """Exits 77 where the registry is out of reach."""
    done = subprocess.run([HERE / "install", name], text=True, capture_output=True)
    if done.returncode:
        print(done.stdout + done.stderr)
        sys.exit(77 if done.returncode == 77 else 1)
    return CLIENTS / name


def png(width=64, height=64):
    """A picture of noise, so that nobody finds it smaller in another form."""
    noise = random.Random(1)
    rows = b"".join(b"\0" + noise.randbytes(3 * width) for _ in range(height))

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def seen_as(image):
    """What the ledger says of an image that came through untouched."""
    return hashlib.sha256(base64.b64encode(image)).hexdigest()


PARALLEL_PROMPT = ("Run both please. [demo:shell echo hi-from-$((40+2))] "
                   "[demo:shell echo hi-from-$((40+3))]")


def over(upstream):
    """The lists of all clients, with upstreams that speak this protocol."""
    names = ("first", "second", "third:backup")
    return rig.config(*[[rig.upstream(name, protocol=upstream) for name in names] for _ in range(3)],
                      **rig.plain())


class Loops(rig.Case):
    """Subclasses say how to run the client: ask(prompt) -> (final text, command output or None)."""

    config = rig.everywhere("first", "second", "third:backup", **rig.plain())
    protocol, mode = "anthropic", "stream"
    text_turns, tool_turns = 1, 2  # requests of one answer and of a whole loop
    own = None  # the upstreams' protocol, where it is not the client's
    echoes_reasoning = True  # the client sends it back
    short = False  # with these, only what conversion can change

    @classmethod
    def setUpClass(cls):
        if cls is Loops:
            raise rig.unittest.SkipTest("only its subclasses run")
        if cls.own is not None:
            cls.config = over(cls.own)
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.home = tempfile.mkdtemp(prefix="pm-client-")
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.seen = len(self.rig.log("exchange"))

    def environment(self, **more):
        """A home and a temporary folder of its own; nothing of ours comes in."""
        for name in ("home", "tmp", "project"):
            os.makedirs(f"{self.home}/{name}", exist_ok=True)
        return {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8",
                "HOME": f"{self.home}/home", "TMPDIR": f"{self.home}/tmp", **more}

    def run_client(self, argv, env, timeout=120):
        done = subprocess.run([str(arg) for arg in argv], env=env, cwd=f"{self.home}/project",
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout)
        for secret in self.rig.canaries:
            self.assertNotIn(secret, done.stdout + done.stderr)
        self.assertEqual(0, done.returncode, f"{done.stdout}\n{done.stderr}\n"
                         + "\n".join(self.rig.launcher.err[-10:]))
        return done.stdout

    def exchanges(self):
        """What the dataplane says it has answered since the test began."""
        return [line for line in self.rig.log("exchange")[self.seen:]
                if line["model"] != PING]

    def check_loop(self, turns, *asked):
        """One exchange for each turn, none failed; in each these upstreams were asked."""
        exchanges = rig.wait_for(lambda: len(self.exchanges()) >= turns and self.exchanges(),
                                 "each exchange is logged", 10)
        self.assertEqual(turns, len(exchanges), exchanges)
        for exchange in exchanges:
            self.assertEqual("200", exchange["status"], exchange)
        # A fresh connection after a stale one is no second question.
        names = [name for name, _ in itertools.groupby(
            call.name for call in self.calls() if call.generates)]
        self.assertEqual([name for name, _ in itertools.groupby((asked or ("first",)) * turns)],
                         names)

    def questions(self):
        """The calls that ask the model for something."""
        return [call for call in self.calls() if call.generates]

    def write_project(self, name, data):
        path = Path(self.home) / "project" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path

    def check_image(self, image, count=1):
        """It has reached the upstream, in its own form and with all its bytes."""
        last = self.questions()[-1]
        self.assertEqual((count, seen_as(image)), (last.images, last.image_sha256))

    def test_text(self):
        text, _ = self.ask(TEXT_PROMPT)
        self.assertIn("plain-answer", text)
        self.check_loop(self.text_turns)

    def test_tool_loop(self):
        text, ran = self.ask(TOOL_PROMPT)
        self.assertIn(OUTPUT, text)
        self.assertIn(ran, (None, OUTPUT + "\n"))
        self.check_loop(self.tool_turns)

    def test_tool_loop_with_failing_first(self):
        self.skip_what_is_shown()
        faults = {**FAULTS, **(STREAM_FAULTS if self.mode == "stream" else WHOLE_FAULTS)}
        for name, spec in faults.items():
            with self.subTest(name):
                self.setUp()
                self.rig.demo.fault("first", spec)
                text, _ = self.ask(TOOL_PROMPT)
                self.assertIn(OUTPUT, text)
                self.check_loop(self.tool_turns, "first", "second")

    def skip_what_is_shown(self):
        """Each SDK over each protocol is many; failover does not know the client."""
        if self.own is not None and self.short:
            self.skipTest("shown with upstreams of the client's own protocol")

    def test_parallel_calls(self):
        """Two in one turn; both results go back in one."""
        text, _ = self.ask(PARALLEL_PROMPT)
        self.assertIn("hi-from-42", text)
        self.assertIn("hi-from-43", text)
        self.check_loop(self.tool_turns)
        self.assertEqual(2, self.questions()[-1].results)

    def test_reasoning(self):
        """What an upstream has sealed comes back to it as it was; Chat Completions seal nothing."""
        text, _ = self.ask("[demo:think pondering, as one does]" + TOOL_PROMPT)
        self.assertIn(OUTPUT, text)
        self.check_loop(self.tool_turns)
        seals = self.questions()[-1]
        sealing = (self.own or self.protocol) != "chat" and self.echoes_reasoning
        self.assertEqual((int(sealing), 0), (seals.seals_ours, seals.seals_foreign))

    def test_dying_first(self):
        """It dies, comes back and dies again, between turns and within them."""
        self.skip_what_is_shown()
        for spec in ("refuse", "pace:ms=2", "529"):
            self.rig.demo.fault("first", spec, count=1)
        text, _ = self.ask(TOOL_PROMPT + "[demo:then][demo:shell echo again]")
        self.assertTrue(OUTPUT in text or "again" in text, text)
        for exchange in rig.wait_for(self.exchanges, "they are logged"):
            self.assertEqual("200", exchange["status"], exchange)

    def test_tool_loop_with_unreachable_first(self):
        """Nobody listens there at all."""
        if self.own is not None:
            self.skipTest("shown with upstreams of the client's own protocol")
        def close_first(config):
            for entries in ("api_configs", "codex_configs", "chat_configs"):
                config[entries][0]["base_url"] = CLOSED
        before = self.rig.config_file.read_text()
        self.rig.change_config(close_first)
        self.assertEqual(0, self.rig.command("reload").returncode)
        try:
            rig.wait_for(lambda: self.answered_by("second"), "the new table serves", 5)
            self.setUp()
            text, _ = self.ask(TOOL_PROMPT)
            self.assertIn(OUTPUT, text)
            self.check_loop(self.tool_turns, "second")
        finally:
            self.rig.config_file.write_text(before)
            self.assertEqual(0, self.rig.command("reload").returncode)
            rig.wait_for(lambda: self.answered_by("first"), "the old table serves", 5)

    def answered_by(self, name):
        mark = self.rig.demo.newest()
        self.rig.post(self.protocol, model=PING)
        return self.rig.demo.calls(mark)[-1].name == name
