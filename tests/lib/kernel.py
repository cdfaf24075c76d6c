"""Answers of the kernel that are made by strace: a call of a running program fails, or takes long. And a
program that hangs."""

import ctypes
import os
import re
import signal
import subprocess
import tempfile

import rig


def tracers(pid):
    """Who traces each of its threads; nobody when it is gone."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as status:
                found += [int(line.split()[1]) for line in status if line.startswith("TracerPid")]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


class Fault:
    """What happens to these calls of a process, or to those that concern the paths, while the block
    lasts: "error=ENOSPC", "error=EIO:when=3" (of each thread), "delay_enter=1500000"."""

    def __init__(self, pid, calls, what, paths=()):
        self.pid = pid
        self.log = tempfile.NamedTemporaryFile(prefix="pm-strace-")
        self.argv = ["strace", "-f", "-qq", "-o", self.log.name, "-p", str(pid),
                     "-e", f"trace={calls}", "-e", f"inject={calls}:{what}"]
        for path in paths:
            self.argv += ["-P", str(path)]

    def hits(self):
        """How many calls have failed so far."""
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            return len(re.findall(r"INJECTED", log.read()))

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, preexec_fn=rig.die_with_parent)
        rig.wait_for(lambda: set(tracers(self.pid)) == {self.process.pid}, "it is traced")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        rig.wait_for(lambda: set(tracers(self.pid)) <= {0}, "it runs by itself again")
        self.log.close()


class Freeze:
    """A process hangs while the block lasts, and hears no signal but SIGKILL. SIGSTOP is not the same: who is stopped
    when his parent dies gets a SIGHUP from the kernel. To be left by the thread that has entered it."""

    SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17

    def __init__(self, pid):
        self.pid = pid

    def ask(self, request):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.ptrace.argtypes = [ctypes.c_long] * 4
        if libc.ptrace(request, self.pid, 0, 0) < 0:
            raise OSError(ctypes.get_errno(), f"ptrace({request:#x}, {self.pid})")

    def __enter__(self):
        self.ask(self.SEIZE)
        self.ask(self.INTERRUPT)
        os.waitpid(self.pid, 0)
        return self

    def __exit__(self, *_):
        try:
            self.ask(self.DETACH)
        except ProcessLookupError:
            os.waitpid(self.pid, 0)  # it was killed
