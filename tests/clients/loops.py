"""What every client must do through Pointsman: a text; a whole agent loop; and the same when the first
upstream fails, seen as one clean answer and without a retry of the client's own."""

import base64
import collections
import functools
import hashlib
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import rig
from protocols import PATHS

HERE = Path(__file__).resolve().parent
CLIENTS = rig.ROOT / "build/clients"
CLOSED = "http://127.0.0.1:1"  # nothing listens: for what a client would fetch from elsewhere

# The output cannot be had from the prompt, only by running the command.
OUTPUT = "hi-from-42"
TOOL_PROMPT = "Run it please. [demo:shell echo hi-from-$((40+2))]"
TEXT_PROMPT = "Say it please. [demo:say plain-answer]"

FAULTS = ("529", "empty")
STREAM_FAULTS = ("error-first", "cut:after=1")
WHOLE_FAULTS = ("html", "cut:bytes=50")

# Long, so that the arguments come in many pieces, and harmful when run in part or twice.
STEP = "echo {turn} >> made.txt; echo whole >> made.txt # " + "x" * 120
# So many events of these pieces end in the text, or in the arguments of a call, over each protocol.
EVENTS = 30
IN_THE_TEXT, IN_THE_CALL = "6+pace:bytes=4", f"{EVENTS}+pace:bytes=4"
MIDDLE_FAULTS = (f"cut:how=rst;after={IN_THE_CALL}", f"cut:how=fin;after={IN_THE_CALL}",
                 f"cut:how=clean;after={IN_THE_CALL}", f"error-after={IN_THE_CALL}")


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


def steps(command, count):
    """Turns that each say something and run a command; then a last one."""
    return "[demo:then]".join(
        f"[demo:say turn {turn} of the work][demo:shell {json.dumps(command.format(turn=turn))}]"
        for turn in range(1, count + 1))


def over(upstream):
    """The lists of all clients, with upstreams that speak this protocol."""
    names = ("first", "second", "third:backup")
    return rig.config(*[[rig.upstream(name, protocol=upstream) for name in names] for _ in range(3)],
                      **rig.plain())


def api(running, path):
    answer = running.call("GET", path, {"Authorization": f"Bearer {running.token}"},
                          port=running.admin_port)
    assert answer.status == 200, answer
    return json.loads(bytes(answer.body))


@functools.cache
def names_of(running):
    """The upstreams' names by their ids."""
    return {f"{group['group']}:{entry['id']}": entry["name"]
            for group in api(running, "/api/state")["groups"] for entry in group["upstreams"]}


class Loops(rig.Case):
    """Subclasses say how to run the client: ask(prompt) -> (final text, command output or None)."""

    alone = ("first",)
    protocol, mode = "anthropic", "stream"
    text_turns, tool_turns = 1, 2  # requests of one answer and of a whole loop
    own = None  # the upstreams' protocol, where it is not the client's
    echoes_reasoning = True  # the client sends it back

    @classmethod
    def setUpClass(cls):
        cls.config = over(cls.own or cls.protocol)
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.home = self.make_home(self.addCleanup)
        for server in self.rig.servers():
            server.mend()
        self.marks = [(server, server.newest()) for server in self.rig.servers()]
        self.began_ms = int(time.time() * 1000)

    def make_home(self, clean):
        home = Path(tempfile.mkdtemp(prefix="pm-client-"))
        clean(shutil.rmtree, home, ignore_errors=True)
        for name in ("home", "tmp", "project"):
            (home / name).mkdir()
        return home

    @property
    def project(self):
        return self.home / "project"

    def environment(self, **more):
        """A home and a temporary folder of its own; nothing of ours comes in."""
        return {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8",
                "HOME": f"{self.home}/home", "TMPDIR": f"{self.home}/tmp", **more}

    def run_client(self, argv, env, timeout=120):
        done = subprocess.run([str(arg) for arg in argv], env=env, cwd=self.project,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout)
        for secret in self.rig.canaries:
            self.assertNotIn(secret, done.stdout + done.stderr)
        self.assertEqual(0, done.returncode, f"{done.stdout}\n{done.stderr}\n"
                         + "\n".join(self.rig.launcher.err[-10:]))
        return done.stdout

    def calls(self):
        return sorted((call for server, mark in self.marks for call in server.calls(mark)),
                      key=lambda call: call.ts_ms)

    def questions(self):
        """The calls that ask the model for something."""
        return [call for call in self.calls() if call.generates]

    def told(self):
        """For each request since the test began: how it ended, and (upstream, what came of it) for
        each call that it made."""
        names = names_of(self.rig)
        records = api(self.rig, "/api/v1/requests?limit=50")["records"]
        return [(record["result"], [(names[attempt["upstream"]], attempt["reason"])
                                    for attempt in record["attempts"]])
                for record in sorted(records, key=lambda record: record["at_ms"])
                if record["generate"] and record["at_ms"] >= self.began_ms]

    def check_told(self, *expected):
        """The client has made just these requests, (result, upstreams asked), and the upstreams got
        just these calls."""
        told = rig.wait_for(lambda: len(found := self.told()) >= len(expected) and found,
                            f"{expected}", 10)
        # A fresh connection after a stale one is no second question.
        self.assertEqual(list(expected), [
            (result, *[name for name, reason in asked if reason != "stale"])
            for result, asked in told], told)
        came = collections.Counter(call.name for call in self.questions())
        sent = collections.Counter(call for _, asked in told for call in asked)
        for name in ("first", "second", "third"):
            most = sum(count for (asked, reason), count in sent.items()
                       if asked == name and reason != "connect")
            self.assertIn(came[name], range(most - sent[name, "stale"], most + 1), (name, told))

    def check_loop(self, turns, *asked):
        """One request for each turn, none failed; for each these upstreams were asked."""
        self.check_told(*[("completed", *(asked or ("first",)))] * turns)

    @property
    def first(self):
        """The server of the first upstream."""
        return self.rig.server("first")

    def fail_first(self, *specs):
        """What it does when it is asked next, one for each time; "" is to answer."""
        asked = PATHS[self.own or self.protocol].rpartition("/")[2]
        for spec in specs:
            self.first.fault("first", spec or "pace:ms=2", 1, match=asked)

    def kill_first(self):
        self.first.kill()
        self.addCleanup(lambda: self.first.program.alive() or self.first.start())

    def write_project(self, name, data):
        path = self.project / name
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

    def test_dying_first(self):
        """It dies before content, comes back and dies again, between turns and within them: the client gets
        one clean answer in each."""
        faults = FAULTS + (WHOLE_FAULTS if self.mode == "whole" else STREAM_FAULTS)
        for spec in faults:
            self.fail_first(spec, "")
        self.ask(steps("echo {turn}", 2 * len(faults) - 1))
        self.check_told(*[("completed", "first", "second"), ("completed", "first")] * len(faults))

    def test_dead_first(self):
        """Nobody listens there."""
        self.kill_first()
        text, _ = self.ask(TOOL_PROMPT)
        self.assertIn(OUTPUT, text)
        self.check_loop(self.tool_turns, "first", "second")

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
