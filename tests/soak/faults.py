"""What is done to a running Pointsman, one thing after the other."""

import itertools
import os
import random
import resource
import signal

import rig
from cases import Flood, burst
from disk import Fault
from versions import upgrade

COUNT = 12  # requests that an upstream's fault meets
# What the first upstreams do, and nobody may see it ...
EARLY = ("429", "529", "500", "503:ra=1", "status:401", "status:403", "status:529;body=html", "html", "empty", "garbage",
         "garbage:http", "close", "refuse", "error-first", "cut:after=1", "stall:headers;ms=20000",
         "stall:first;ms=20000", "json", "sse")
# ... and what breaks answers that have begun.
MID = ("cut:after=4", "cut:after=3;how=fin", "cut:after=3;how=clean", "stall:after=4;ms=20000", "error-after=3",
       "noterminal")
BAD_FILES = ('{"api_configs": [', '{"api_configs": [{"name": 5}]}', '[]', '{"timeout_settings": {"connect_timeout": -1}}')


class Faults:
    def __init__(self, world):
        self.world, self.rig = world, world.rig
        self.chance = random.Random(rig.seed)
        self.turns = itertools.count()
        kinds = [(f"upstream {spec}", lambda spec=spec: self.upstream(spec, None)) for spec in EARLY]
        kinds += [(f"upstream {spec}", lambda spec=spec: self.upstream(spec, "mid")) for spec in MID]
        kinds += [(name.replace("_", " "), getattr(self, name)) for name in (
            "kill_dataplane", "kill_dataplane", "kill_both_dataplanes", "kill_controlplane", "kill_controlplane",
            "kill_webadmin", "kill_launcher", "kill_upstream", "freeze_dataplane", "reload", "reload_storm",
            "bad_file", "upgrade", "upgrade", "disk_full", "disk_broken", "disk_slow", "few_descriptors",
            "flood", "crowd")]
        self.kinds, self.deck = kinds, []

    def next(self):
        """One fault; each kind comes once before any comes again."""
        if not self.deck:
            self.deck = list(self.kinds)
            self.chance.shuffle(self.deck)
        name, act = self.deck.pop()
        act()
        self.world.faults[name] += 1
        rig.wait_for(self.world.healthy, f"all programs run after {name}", 30)
        return name

    # ---- upstreams ----

    def upstream(self, spec, excuse):
        def strike():
            for name in ("a", "x"):
                self.rig.demo.fault(name, spec, COUNT)
            self.world.stopped.wait(2)
            self.rig.demo.mend()
        if excuse:
            with self.world.window(excuse):
                strike()
        else:
            strike()

    def kill_upstream(self):
        server = self.rig.alone["d"]
        with self.world.window("mid"):
            server.kill()
            self.world.stopped.wait(0.5)
        server.start()

    # ---- programs ----

    def kill(self, name):
        """As rig.kill; what it held is known before."""
        pid = self.rig.pid(name)
        os.kill(pid, signal.SIGSTOP)
        rig.wait_for(lambda: rig.proc(pid, "stat").rpartition(")")[2].split()[0] == "T", "it stands", 5)
        self.world.doom(pid)
        self.rig.kill(name)
        self.world.kills += 1

    def kill_dataplane(self):
        self.kill(self.chance.choice(self.world.serving()))

    def kill_both_dataplanes(self):
        for name in self.world.serving():
            self.kill(name)

    def kill_controlplane(self):
        self.kill("controlplane")

    def kill_webadmin(self):
        self.kill("webadmin")

    def kill_launcher(self):
        with self.world.window("down"):
            self.rig.kill_launcher()
            self.world.kills += 1
            self.rig.start()
            rig.wait_for(lambda: self.rig.launcher.out, "it has come up", 40)
            rig.wait_for(self.world.healthy, "all programs run again", 40)

    def freeze_dataplane(self):
        """It stands still for a second, with all that it holds."""
        pid = self.rig.pid(self.chance.choice(self.world.serving()))
        os.kill(pid, signal.SIGSTOP)
        self.world.stopped.wait(1)
        os.kill(pid, signal.SIGCONT)

    def upgrade(self):
        folder = next(folder for folder in self.world.folders if folder != self.rig.bin)
        done = upgrade(self.rig, folder)
        assert done.returncode == 0, (done.stdout, done.stderr)
        self.rig.bin = folder

    # ---- configuration ----

    def change(self):
        """Something that makes a new table."""
        turn = next(self.turns)
        self.rig.change_config(lambda now: now.update(prices=[{"model": f"m{turn}", "input": 1 + turn, "output": 5}]))

    def reload(self):
        self.change()
        done = self.rig.command("reload")
        assert done.returncode == 0, done.stderr

    def reload_storm(self):
        for _ in range(30):
            self.change()
            self.rig.launcher.process.send_signal(signal.SIGHUP)
        self.reload()

    def bad_file(self):
        """Refused whole; the one before serves on."""
        good = self.rig.config_file.read_text()
        self.rig.config_file.write_text(self.chance.choice(BAD_FILES))
        done = self.rig.command("reload")
        assert done.returncode != 0, done.stdout
        self.rig.config_file.write_text(good)
        rig.wait_for(lambda: self.rig.command("reload").returncode == 0, "the good one is taken", 10)

    # ---- the machine ----

    def disk(self, calls, what):
        with Fault(self.rig, calls, what):
            self.world.stopped.wait(2)

    def disk_full(self):
        self.disk("pwrite64,pwritev,write", "error=ENOSPC")

    def disk_broken(self):
        self.disk("fdatasync,fsync", "error=EIO")

    def disk_slow(self):
        self.disk("fdatasync,fsync", "delay_enter=700000")

    def few_descriptors(self):
        """A data plane may open none for a second: who calls waits, or is told so."""
        pid = self.rig.pid(self.chance.choice(self.world.serving()))
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        with self.world.window("pressure"):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (rig.descriptors(pid), before[1]))
            self.world.stopped.wait(1)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)

    # ---- clients ----

    def flood(self):
        flood = Flood(self.rig, 300)
        self.world.stopped.wait(0.5)
        flood.end()

    def crowd(self):
        burst(self.rig, 200)
