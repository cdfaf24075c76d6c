"""No core file holds a key: the limit is 0, and where a pattern would pipe it to somebody all the same, or a
debugger of the same user asks, the kernel keeps the memory closed (PR_SET_DUMPABLE). Sanitizers must be able to
look, so that the latter is asked of a build without them: PM_RELEASE, else build/release when there is one."""

import os
import re
import unittest
from pathlib import Path

import rig
from protocols import said

RELEASE = Path(os.environ.get("PM_RELEASE", rig.ROOT / "build/release")) / "bin"
PROGRAMS = ("controlplane", "dataplane.0", "webadmin")
NOBODY = 65534


def core_limit(pid):
    return re.search(r"Max core file size +(\S+) +(\S+)", rig.proc(pid, "limits")).groups()


class Core(rig.Case):
    def test_limits(self):
        for name in PROGRAMS:
            self.assertEqual(("0", "0"), core_limit(self.rig.pid(name)), name)


class Release(unittest.TestCase):
    def start(self):
        """As a user who is not root: of root's processes the kernel does not tell."""
        if os.geteuid():
            return rig.Rig(rig.everywhere("a"), bin_folder=RELEASE)
        running = rig.Rig(rig.everywhere("a"), bin_folder=RELEASE, within=[
            "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"])
        for path in (running.folder, *running.state.rglob("*"), running.state):
            os.chown(path, NOBODY, NOBODY)
        return running

    def test_memory_is_closed(self):
        if not (RELEASE / "controlplane").exists():
            self.skipTest("there is no build without sanitizers")
        with self.start() as running:
            said("chat", running.post("chat"))
            for name in PROGRAMS:
                pid = running.pid(name)
                self.assertEqual(("0", "0"), core_limit(pid), name)
                # What can be dumped belongs to its user, all else to root.
                self.assertEqual(0, os.stat(f"/proc/{pid}/environ").st_uid, name)


if __name__ == "__main__":
    rig.main()
