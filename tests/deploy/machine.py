"""A Debian of our own to install into: made once by mmdebstrap below build/, booted with systemd in
its own namespaces (systemd-nspawn) on an overlay that vanishes with it."""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import rig
from rig import ROOT, Program, wait_for
from wire import Wire

WORK = ROOT / "build/deploy"
BASE = WORK / "base"
SUITE = "bookworm"
CLONE_NEWNET = 0x40000000
BOOT_S = 60


def skip(why):
    """Ends the test, or all of a class or module from its set-up, as skipped."""
    raise unittest.SkipTest(why)


def main():
    """Runs the program's tests; 77 tells ctest that nothing failed and something was skipped."""
    result = unittest.main(verbosity=2, exit=False).result
    for _, why in result.skipped:
        print(f"skipped: {why}")
    sys.exit(1 if not result.wasSuccessful() else 77 if result.skipped else 0)


def call(*argv, seconds=600, check=True, **more):
    done = subprocess.run([str(arg) for arg in argv], capture_output=True, text=True,
                          timeout=seconds, stdin=subprocess.DEVNULL, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{argv} ended with {done.returncode}\n{done.stdout[-4000:]}"
                             f"{done.stderr[-4000:]}")
    return done


def need(*commands):
    if os.geteuid() != 0:
        skip("this needs root")
    for command in commands:
        if shutil.which(command) is None:
            skip(f"there is no {command}")


def base(packages):
    """The folder of a small Debian that has the packages; made when it is missing or other ones
    were asked for."""
    wanted = f"{SUITE} {' '.join(sorted(packages))}\n"
    stamp = WORK / "base.made-of"
    if BASE.is_dir() and stamp.exists() and stamp.read_text() == wanted:
        return BASE
    shutil.rmtree(BASE, ignore_errors=True)
    stamp.unlink(missing_ok=True)
    WORK.mkdir(parents=True, exist_ok=True)
    made = call("mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}",
                SUITE, BASE, check=False)
    if made.returncode != 0:
        skip(f"no Debian could be made: {made.stderr.strip().splitlines()[-1:]}")
    stamp.write_text(wanted)
    return BASE


def wire_in(pid, port, **more):
    """A connection made in the network namespace of that process."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as ours, \
            open(f"/proc/{pid}/ns/net", "rb") as theirs:
        assert libc.setns(theirs.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            return Wire(port, **more)
        finally:
            assert libc.setns(ours.fileno(), CLONE_NEWNET) == 0


class Machine:
    """with Machine(base) as machine: machine.run("systemctl", "is-active", "x")"""

    def __init__(self, lower):
        self.folder = Path(tempfile.mkdtemp(prefix="pm-machine-", dir=WORK))
        self.lower, self.leader = lower, 0

    def __enter__(self):
        root = self.folder / "root"
        for name in ("root", "upper", "work"):
            (self.folder / name).mkdir()
        options = f"lowerdir={self.lower},upperdir={self.folder}/upper,workdir={self.folder}/work"
        # The mount is in a namespace of its own and goes with it.
        self.program = Program([
            "unshare", "--mount", "sh", "-c", 'mount -t overlay overlay -o "$1" "$2" && shift 2 &&'
            ' exec "$@"', "sh", options, root, "systemd-nspawn", "--quiet", "--register=no",
            "--keep-unit", "--private-network", "--boot", f"--machine={self.name()}",
            f"--directory={root}"])
        try:
            wait_for(lambda: not self.program.alive() or self.booted(), "the machine boots", BOOT_S)
        except AssertionError:
            pass
        if not self.leader:
            text = self.program.text()
            self.__exit__()
            skip(f"systemd does not boot here: {text[-300:]}")
        return self

    def name(self):
        """As systemd allows one: a folder of tempfile's may have an underscore, a machine not."""
        return self.folder.name.replace("_", "-").rstrip("-")

    def booted(self):
        self.leader = self.leader or self.find_leader(self.program.pid)
        if not self.leader:
            return False
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    @staticmethod
    def find_leader(top):
        """The process below ours that is number 1 of a namespace, once it is systemd."""
        parents = {}
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                status = dict(line.split(":\t", 1) for line in
                              rig.proc(entry, "status").splitlines() if ":\t" in line)
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents[int(entry)] = (int(status["PPid"]), status)
        for pid, (parent, status) in parents.items():
            while parent not in (0, 1, top):
                parent = parents.get(parent, (0,))[0]
            if parent == top and status["NSpid"].split()[1:] == ["1"] and \
                    status["Name"] == "systemd":
                return pid
        return 0

    def run(self, *argv, check=True, seconds=60, **more):
        return call("nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--net",
                    "--pid", "--root", "--wd=/", *argv, check=check, seconds=seconds,
                    env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
                         "DEBIAN_FRONTEND": "noninteractive", "HOME": "/root"}, **more)

    def path(self, name):
        return Path(f"/proc/{self.leader}/root{name}")

    def wire(self, port, **more):
        """A connection made inside of the machine."""
        return wire_in(self.leader, port, **more)

    def set_ipv6(self, on):
        """Switches it, in the machine's own network."""
        call("nsenter", f"--target={self.leader}", "--net", "sh", "-c",
             f"echo {0 if on else 1} >/proc/sys/net/ipv6/conf/all/disable_ipv6")

    def __exit__(self, *_):
        if self.leader:
            os.kill(self.leader, 9)  # everything inside goes with its number 1
        elif self.program.alive():
            self.program.process.kill()
        self.program.process.wait(30)
        self.program.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
