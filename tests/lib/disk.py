"""A disk that fails in the hands of a running control plane. The kernel's answers are made by strace, on the
database's files only."""

import os
import signal
import subprocess

import rig

SUFFIXES = ("", "-wal", "-shm", "-journal")


def tracers(pid):
    """Who traces each of its threads."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as status:
            found += [int(line.split()[1]) for line in status if line.startswith("TracerPid")]
    return found


class Fault:
    """What the kernel does with these calls on the database while the block lasts."""

    def __init__(self, running, calls, what):
        self.pid = running.pid("controlplane")
        self.argv = ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(self.pid),
                     "-e", f"trace={calls}", "-e", f"inject={calls}:{what}"]
        for suffix in SUFFIXES:
            self.argv += ["-P", f"{running.state}/stats.db{suffix}"]

    def __enter__(self):
        self.process = subprocess.Popen(self.argv)
        rig.wait_for(lambda: set(tracers(self.pid)) == {self.process.pid}, "it is traced")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        rig.wait_for(lambda: set(tracers(self.pid)) == {0}, "it runs by itself again")
