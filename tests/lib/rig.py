"""Starts the real programs on free loopback ports with a scripted upstream, and sees to it that they
end well: no sanitizer report, no death that was not asked for, no secret in any output.

    class SomeTest(rig.Case):
        config = rig.config(claude=["a", "b"])      # upstreams a and b of the demo server
        def test_it(self):
            self.rig.demo.fault("a", "529")
            answer = self.rig.post("anthropic", "hi")
"""

import atexit
import base64
import ctypes
import json
import os
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

from protocols import PATHS, ask
from wire import Wire, request

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("PM_BIN", ROOT / "build/asan/bin"))
START_S = 30
STOP_S = 30

SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:halt_on_error=1:abort_on_error=0:exitcode=99:"
                    "quarantine_size_mb=4",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:exitcode=99",
}
REPORT = re.compile(r"ERROR: \w+Sanitizer|runtime error:|Assertion .* failed|broken invariant|"
                    r"MUST|event=must")

seed = int(os.environ.get("PM_SEED") or secrets.randbits(32))
chance = random.Random(seed)


def wait_for(condition, what, seconds=START_S):
    """Asks until the condition is true and returns its value; the deadline is an AssertionError."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def free_port():
    """A port below the range from which the kernel takes ports for connections."""
    while True:
        port = random.SystemRandom().randrange(10000, 32000)
        try:
            for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
                with socket.socket(family) as probe:
                    probe.bind((host, port))
            return port
        except OSError:
            continue


def environment(**more):
    """A clean environment for the programs."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    return {**kept, **SANITIZERS, "HOME": "/nonexistent", **more}


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Program:
    """One process and all that it writes; outputs of several can be looked at while they run."""

    everyone = []

    def __init__(self, argv, env=None, pass_fds=()):
        self.argv = [str(arg) for arg in argv]
        self.out, self.err = [], []
        self.process = subprocess.Popen(
            self.argv, env=env or environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, pass_fds=pass_fds, preexec_fn=die_with_parent)
        self.pid = self.process.pid
        self.everyone.append(self)
        self.readers = [threading.Thread(target=self.read, args=pair, daemon=True) for pair in
                        ((self.process.stdout, self.out), (self.process.stderr, self.err))]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def read(pipe, lines):
        for line in pipe:
            lines.append(line.decode(errors="replace").rstrip("\n"))

    def alive(self):
        return self.process.poll() is None

    def stop(self, signo=signal.SIGTERM, seconds=STOP_S):
        """Returns the exit status."""
        if self.alive():
            self.process.send_signal(signo)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.argv[0]} did not end within {seconds} s") from None
        for reader in self.readers:
            reader.join(5)
        self.process.stdout.close()
        self.process.stderr.close()
        return status

    def text(self):
        return "\n".join(self.out + self.err)


@atexit.register
def end_everyone():
    """Whatever went wrong, nothing goes on running."""
    for program in Program.everyone:
        if program.alive():
            program.process.kill()


class Demo:
    """The scripted upstream: one server that plays as many upstreams as there are names."""

    def __init__(self, folder, port=0, ledger=True):
        self.kept = ["--ledger", Path(folder) / "ledger.jsonl"] if ledger else ["--no-ledger"]
        self.lines = []  # of the ledger, as far as it was read
        self.port = port
        self.start()

    def start(self):
        """A server that is started again is at its old address, without faults."""
        self.before = self.lines[-1]["n"] if self.lines else 0  # it counts from 1 again
        self.program = Program([BIN / "demo-upstream", "--listen", f"127.0.0.1:{self.port}",
                                *self.kept])
        line = wait_for(lambda: next((line for line in self.program.out + self.program.err
                                      if "listening on 127.0.0.1:" in line), None),
                        "the demo upstream listens")
        self.port = int(re.search(r"127\.0\.0\.1:(\d+)", line).group(1))

    def kill(self):
        """As a crash does: all its connections end at once, and nobody listens any more."""
        self.look()
        self.program.stop(signal.SIGKILL)

    def url(self, name):
        return f"http://127.0.0.1:{self.port}/u/{name}"

    def call(self, method, path, body=b""):
        with Wire(self.port) as wire:
            wire.send(request(method, path, body, {"Content-Type": "application/json"}))
            answer = wire.answer()
        assert answer.status == 200, answer
        return answer.body

    def order(self, name, **order):
        order = {"prefix": f"/u/{name}", **{k: v for k, v in order.items() if v is not None}}
        self.call("POST", "/demo/faults", json.dumps(order).encode())

    def fault(self, name, spec, count=None, match=None):
        """What upstream `name` does with its next `count` requests (None: all that come), of those
        whose path ends with `match`: a probe's does not."""
        self.order(name, spec=spec, count=count, match=match)

    def script(self, name, body, status=200, headers=None, chunked=False, count=None, match=None):
        """An exact answer, to the same requests as a fault."""
        self.order(name, status=status, headers=headers or {"Content-Type": "application/json"},
                   body_base64=base64.b64encode(body).decode(), chunked=chunked, count=count,
                   match=match)

    def raw(self, name, data, count=None):
        """All bytes of the connection from the status line on; then it is closed."""
        self.order(name, raw_base64=base64.b64encode(data).decode(), count=count)

    def mend(self):
        """No faults; the ledger goes on."""
        self.call("DELETE", "/demo/faults")

    def state(self):
        return json.loads(self.call("GET", "/demo/state"))

    def newest(self):
        """The number of the ledger's newest line, a mark for calls()."""
        self.look()
        return self.lines[-1]["n"] if self.lines else 0

    def look(self):
        while self.program.alive():
            since = self.lines[-1]["n"] - self.before if self.lines else 0
            found = self.call("GET", f"/demo/ledger?since={since}").splitlines()
            for line in map(json.loads, found):
                self.lines.append({**line, "n": line["n"] + self.before,
                                   "seq": line["seq"] + self.before})
            if not found:
                return

    def calls(self, since=0):
        """One Call for each request that the ledger has behind line `since`."""
        self.look()
        found = {}
        for line in self.lines:
            if line["n"] > since and line["event"] == "request":
                found[line["seq"]] = Call(line)
            elif line.get("seq") in found:
                found[line["seq"]].note(line)
        return list(found.values())


class Call:
    """What the upstream saw of one request, and how it ended for it."""

    def __init__(self, line):
        self.request = line
        self.name = line["prefix"].removeprefix("/u/").split("/")[0]
        self.generates = line["protocol"] != "" and not line["path"].endswith("count_tokens")
        self.how = None  # complete, error, cut, client_gone; None while it runs
        self.end = {}

    def note(self, line):
        if line["event"] == "end":
            self.how, self.end = line["how"], line

    def __getattr__(self, name):
        try:
            return self.request[name]
        except KeyError:
            raise AttributeError(name) from None

    def __repr__(self):
        return f"<{self.name} {self.request['path']} {self.how}>"


def upstream(name, **more):
    """An entry whose base_url (unless given) is filled in when the rig starts. "b:backup" is a
    backup named b."""
    name, _, tier = name.partition(":")
    return {"name": name, "key": f"sk-canary-{name}-{secrets.randbelow(10**20):020}",
            **({"type": tier} if tier else {}), **more}


def config(claude=(), codex=(), chat=(), **more):
    """all_configs.json with upstreams by name, or as entries made by upstream()."""
    lists = {"api_configs": claude, "codex_configs": codex, "chat_configs": chat}
    return {**{key: [upstream(entry) if isinstance(entry, str) else entry for entry in entries]
               for key, entries in lists.items()}, **more}


GROUPS = ("claude", "codex", "chat", "chat_via_claude", "retry")


def plain(**more):
    """Settings under which each request is for itself: nobody rests, no session stays, no budget."""
    return {"timeout_settings": {"api_cooldown_seconds": 0, **more},
            "routing": {group: {"affinity_seconds": 0, "retry_burst": 100000} for group in GROUPS}}


def everywhere(*names, **more):
    """The same upstreams for all three protocols."""
    return config(names, names, names, **more)


def proc(pid, name):
    return Path(f"/proc/{pid}/{name}").read_text()


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def rss_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", proc(pid, "status")).group(1))


def ports_of(pid):
    """The client ports of the connections that a process has accepted."""
    inodes = set()
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            found = re.match(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{number}"))
        except FileNotFoundError:
            continue
        if found:
            inodes.add(found.group(1))
    return {int(fields[2].split(":")[1], 16)
            for fields in map(str.split, proc("self", "net/tcp").splitlines()[1:])
            if fields[9] in inodes}


class Rig:
    """pointsman run with its programs, and a demo upstream beside it; the upstreams `alone` have a
    server each, and so an address of their own."""

    def __init__(self, wanted=None, dataplanes=1, demo=True, options=(), bin_folder=None, alone=(),
                 within=()):
        self.bin = Path(bin_folder) if bin_folder else BIN
        self.folder = Path(tempfile.mkdtemp(prefix="pm-"))
        self.state = self.folder / "s"
        self.run = self.state / "run"
        self.demo = Demo(self.folder) if demo else None
        self.alone = {name: Demo(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))
                      for name in alone}
        self.dataplanes, self.options = dataplanes, list(options)
        self.within = list(within)  # a command that starts pointsman run, as prlimit does
        self.launcher, self.killed = None, []  # launchers that this test has killed
        self.keep = False  # the state folder, after the end
        self.deaths_wanted = []
        self.canaries = set()
        self.port, self.admin_port = free_port(), free_port()
        if wanted is not None:
            self.write_config(wanted)

    # ---- configuration ----

    @property
    def config_file(self):
        return self.state / "json_data/all_configs.json"

    def server(self, name):
        """Which plays this upstream."""
        return self.alone.get(name, self.demo)

    def servers(self):
        return [server for server in (self.demo, *self.alone.values()) if server]

    def write_config(self, wanted):
        wanted = json.loads(json.dumps(wanted))
        for entries in wanted.values():
            for entry in entries if isinstance(entries, list) else ():
                if isinstance(entry, dict) and isinstance(entry.get("key"), str):
                    server = self.server(entry["name"])
                    entry.setdefault("base_url", server and server.url(entry["name"]))
                    self.canaries.add(entry["key"])
        self.canaries = {key for key in self.canaries if len(key) > 8}
        Wire.secrets = tuple(key.encode() for key in self.canaries)
        self.config_file.parent.mkdir(parents=True, exist_ok=True)
        self.save(wanted)

    def change_config(self, change):
        """Applies change(config) to the file as it is."""
        now = json.loads(self.config_file.read_text())
        change(now)
        self.save(now)

    def save(self, wanted):
        part = self.config_file.with_name("part")
        part.write_text(json.dumps(wanted, indent=2))
        part.replace(self.config_file)

    def command(self, name, *args):
        return subprocess.run([self.bin / "pointsman", name, "--state", self.state, *args],
                              env=environment(), capture_output=True, text=True, timeout=60)

    def command_plain(self, name, *args):
        """One that asks nobody, so that it knows no state folder."""
        return subprocess.run([self.bin / "pointsman", name, *args], env=environment(),
                              capture_output=True, text=True, timeout=60)

    # ---- life ----

    def start(self):
        self.launcher = Program(
            [*self.within, self.bin / "pointsman", "run", "--state", self.state, "--port", self.port,
             "--admin-port", self.admin_port, "--dataplanes", self.dataplanes, *self.options])
        try:
            wait_for(lambda: not self.launcher.alive() or self.ready(), "all programs are ready")
            assert self.launcher.alive(), self.launcher.text()
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.launcher.text()}") from None
        return self

    def ready(self):
        """Data planes may have any numbers: those of a killed launcher keep theirs to their end."""
        return all((self.run / name).exists() for name in ("ready.json", "webadmin.ready")) and \
            len(list(self.run.glob("dataplane.*.ready"))) >= self.dataplanes

    @property
    def key(self):
        return (self.state / "client-key").read_text().strip()

    @property
    def token(self):
        return (self.state / "admin-token").read_text().strip()

    def pids(self):
        """Name -> pid of the launcher's children."""
        found = {}
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and int(proc(entry, "stat").rpartition(")")[2].split()[1]) \
                        == self.launcher.pid:
                    argv = Path(f"/proc/{entry}/cmdline").read_bytes().decode().split("\0")
                    name = os.path.basename(argv[0])
                    if "--instance" in argv:
                        name += "." + argv[argv.index("--instance") + 1]
                    found[name] = int(entry)
            except (FileNotFoundError, ProcessLookupError):
                pass  # ended while we looked
        return found

    def pid(self, name):
        return wait_for(lambda: self.pids().get(name), f"{name} runs")

    def kill(self, name, signo=signal.SIGKILL):
        """Kills a program and waits until the launcher has noticed; returns the old pid."""
        pid = self.pid(name)
        self.deaths_wanted.append(name)
        os.kill(pid, signo)
        wait_for(lambda: self.pids().get(name) != pid, f"{name} is gone")
        return pid

    def kill_launcher(self):
        """kill -9; the next start() is on the same state folder and finds what it has left."""
        self.launcher.process.kill()
        self.launcher.process.wait()
        self.killed.append(self.launcher)

    def lines(self):
        """All that the programs have logged, those of killed launchers as well."""
        return [line for launcher in (*self.killed, self.launcher) for line in list(launcher.err)]

    def log(self, event):
        """The logfmt lines of one event, from all programs, as dicts."""
        return [found for found in (logfmt(line) for line in self.lines() if f"event={event}" in line)
                if found.get("event") == event]

    def stop(self):
        problems = []
        if self.launcher:
            try:
                status = self.launcher.stop(signal.SIGTERM)
                if status != 0:
                    problems.append(f"pointsman run ended with {status}")
            except AssertionError as error:
                problems.append(str(error))
            problems += self.problems()
        for program in (server.program for server in self.servers()):
            try:
                status = program.stop()
                if status != 0 or REPORT.search(program.text()):
                    problems.append(f"demo-upstream: {status} {program.text()[-4000:]}")
            except AssertionError as error:
                problems.append(str(error))
        if not problems and not self.keep:
            self.forget()
        assert not problems, "\n".join(problems + ["the state is in " + str(self.folder)])

    def forget(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def banner(self):
        """What a person has been shown."""
        wait_for(lambda: any("Admin token" in line for line in self.launcher.out), "the banner")
        return "\n".join(self.launcher.out)

    def problems(self):
        """What the outputs of an ended run tell."""
        text = "\n".join(self.lines())
        if REPORT.search(text):
            at = REPORT.search(text).start()
            yield text[max(0, at - 500):at + 8000]
        wanted = list(self.deaths_wanted)
        for death in self.log("ended"):
            name = death.get("program", "")
            if death.get("level") == "error" and name in wanted:
                wanted.remove(name)
            elif death.get("status") != "0" or death.get("level") == "error":
                yield f"unexpected: {death}\n{text[-3000:]}"
        for secret in self.canaries | {self.key, self.token}:
            if secret in text:
                yield f"a secret in the log: {[x for x in self.lines() if secret in x][:3]}"
        for secret in self.canaries:
            if any(secret in line for line in self.launcher.out):
                yield "an upstream's key in the banner"

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.launcher.process.kill()
            for server in self.servers():
                server.program.process.kill()
            raise

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
            return
        try:
            self.stop()
        except AssertionError as error:
            print(error, file=sys.stderr)

    # ---- clients ----

    def headers(self, protocol="anthropic", **more):
        base = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if protocol == "anthropic":
            base["anthropic-version"] = "2023-06-01"
        return {**base, **{name.replace("_", "-"): value for name, value in more.items()}}

    def wire(self, **options):
        return Wire(self.port, **options)

    def send(self, wire, protocol, body, path=None, **headers):
        wire.send(request("POST", path or PATHS[protocol], body,
                          self.headers(protocol, **headers)))

    def post(self, protocol, prompt="hi", stream=True, model="demo", path=None, body=None,
             headers=None, **more):
        """One whole request and answer on a connection of its own."""
        body = ask(protocol, prompt, stream, model, **more) if body is None else body
        with self.wire() as wire:
            self.send(wire, protocol, body, path, **(headers or {}))
            return wire.answer()

    def call(self, method, path, headers=None, body=b"", port=None, host="127.0.0.1"):
        """One plain request without any key."""
        with Wire(port or self.port, host) as wire:
            wire.send(request(method, path, body, headers or {}))
            return wire.answer(bodyless=method == "HEAD")


def logfmt(line):
    return {found.group(1): found.group(2).strip('"') for found in
            re.finditer(r'([\w.]+)=("(?:\\.|[^"])*"|\S*)', line)}


class Case(unittest.TestCase):
    """Tests that share one rig, whose upstreams begin each test without faults."""

    config = None
    dataplanes = 1
    options = ()
    alone = ()
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(cls.config or everywhere("a"), cls.dataplanes, options=cls.options,
                      alone=cls.alone)
        cls.rig.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.rig.stop()

    def setUp(self):
        self.rig.demo.mend()
        self.mark = self.rig.demo.newest()

    def calls(self):
        """What the upstreams saw since the test began."""
        return self.rig.demo.calls(self.mark)

    def names(self):
        return [call.name for call in self.calls()]


def main():
    print(f"PM_SEED={seed}", flush=True)
    unittest.main(module="__main__", verbosity=2)
