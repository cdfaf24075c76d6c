"""pointsman upgrade: new programs in place of the old ones under load, nobody refused, no stream cut;
whatever does not come up is taken back."""

import contextlib
import os
import shutil
import signal
import stat
import threading
import time
import unittest

import rig
from kernel import Freeze
from load import Caller, Stream, counted
from protocols import PROTOCOLS, error_event, said
from versions import places, upgrade, versions

TIMES = int(os.environ.get("PM_UPGRADES", 3))
STREAMS = 30
EVENTS, EVERY_MS = 80, 50


class Upgrade(unittest.TestCase):
    def setUp(self):
        self.rig = rig.Rig(rig.everywhere("a", **rig.plain()), dataplanes=2,
                           options=("--drain", "1"))
        self.old, self.new = versions(self.rig, "old", "new")
        self.rig.bin = self.old
        self.rig.start()
        self.addCleanup(self.rig.stop)
        self.addCleanup(self.forgive)
        self.rig.banner()

    def forgive(self):
        """What was taken back did not end well."""
        if self.spoilt:
            self.rig.deaths_wanted = [line["program"] for line in self.rig.log("ended")
                                      if line["level"] == "error"]

    spoilt = False

    def test_nobody_notices(self):
        callers = [Caller(self.rig, keep) for keep in (True, True, False)]
        launcher, folders, streams = self.rig.launcher.pid, [self.new, self.old], []
        for turn in range(TIMES):
            streams += [Stream(self.rig, PROTOCOLS[i % 3], EVENTS, EVERY_MS) for i in range(STREAMS)]
            before = self.rig.pids()
            done = upgrade(self.rig, folders[turn % 2])
            self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)
            self.assertIn("done", done.stdout)
            now = self.rig.pids()
            for name in ("controlplane", "webadmin"):
                self.assertNotEqual(before[name], now[name])
            self.assertEqual(before["demo-upstream"] if "demo-upstream" in before else None,
                             now.get("demo-upstream"))
            found = places(self.rig)
            for name in ("launcher", "controlplane", "webadmin"):
                self.assertEqual(str(folders[turn % 2]), found[name], name)
            self.assertEqual(launcher, self.rig.launcher.pid)
            self.assertEqual(0, self.rig.command("status").returncode)
        self.assertEqual([], [stream.answer for stream in streams if not stream.whole()])
        for caller in callers:
            caller.end()
            self.assertEqual(([], []), (caller.refused, caller.broken))
            self.assertGreater(caller.good, 10)
        rig.wait_for(self.only_new, "the retired ones have ended", 60)
        counted(self, len(streams) + sum(caller.good for caller in callers))
        print(f"{TIMES} upgrades: {len(streams)} streams, "
              f"{sum(caller.good for caller in callers)} calls, none refused, none cut")

    def only_new(self):
        return sum(name.startswith("dataplane.") for name in self.rig.pids()) == 2

    def test_a_stream_that_outlives_its_time_is_told(self):
        stream = Stream(self.rig, "anthropic", 2000, EVERY_MS)
        rig.wait_for(lambda: self.rig.demo.calls(), "it runs")
        done = upgrade(self.rig, self.new, "--drain", "1")
        self.assertEqual(0, done.returncode, done.stderr)
        stream.join(30)
        self.assertFalse(stream.answer.whole)
        self.assertTrue(error_event("anthropic", stream.answer.body), stream.answer.body[-300:])

    def test_one_that_waits_for_its_start_is_started(self):
        for _ in range(6):
            self.rig.kill("demo-upstream")
            rig.wait_for(lambda: self.rig.pids().get("demo-upstream"), "it is back", 10)
        self.rig.kill("demo-upstream")
        done = upgrade(self.rig, self.new)
        self.assertEqual(0, done.returncode, done.stderr)
        rig.wait_for(lambda: self.rig.pids().get("demo-upstream"), "it runs", 10)

    def test_one_that_hangs_while_it_retires_is_killed(self):
        pid = self.rig.pid("dataplane.0")
        with Freeze(pid):
            done = upgrade(self.rig, self.new, "--drain", "1")
            self.assertEqual(0, done.returncode, done.stderr)
            rig.wait_for(lambda: ") Z " in rig.proc(pid, "stat"), "it is killed", 15)
        rig.wait_for(self.only_new, "the other one has ended")
        self.assertEqual(2, len(list(self.rig.run.glob("dataplane.*.ready"))))
        self.rig.deaths_wanted.append("dataplane.0")

    def spoil(self, name, text="#!/bin/sh\nexit 3\n"):
        self.spoilt = True
        path = self.new / name
        path.unlink()
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def taken_back(self, reason):
        """All is as it was, and a stream that ran meanwhile is whole."""
        stream = Stream(self.rig, "chat", EVENTS, EVERY_MS)
        caller = Caller(self.rig, True)
        done = upgrade(self.rig, self.new)
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertIn(reason, done.stderr)
        rig.wait_for(lambda: self.all_old(), "the old ones serve")
        self.assertEqual(0, self.rig.command("reload").returncode)
        self.assertTrue(stream.whole(), stream.answer)
        caller.end()
        self.assertEqual(([], []), (caller.refused, caller.broken))

    def all_old(self):
        found = places(self.rig)
        return set(found.values()) == {str(self.old)} and len(found) >= 5 and self.ready()

    def ready(self):
        return (self.rig.run / "ready.json").exists() and (self.rig.run / "webadmin.ready").exists()

    def test_a_program_that_ends_is_taken_back(self):
        for name in ("controlplane", "dataplane", "webadmin"):
            with self.subTest(name):
                self.spoil(name)
                self.taken_back("ended instead of serving")
                shutil.copy(rig.BIN / name, self.new / "part")
                (self.new / "part").replace(self.new / name)
        done = upgrade(self.rig, self.new)
        self.assertEqual(0, done.returncode, done.stderr)

    def test_a_program_that_hangs_is_taken_back(self):
        self.spoil("dataplane", "#!/bin/sh\nexec sleep 100\n")
        self.taken_back("is not ready in time")

    def test_a_program_that_is_missing_is_noticed_before(self):
        pids = self.rig.pids()
        (self.new / "webadmin").unlink()
        done = upgrade(self.rig, self.new)
        self.assertEqual(1, done.returncode)
        self.assertEqual(pids, self.rig.pids())

    def test_a_launcher_that_cannot_take_over_is_noticed_before(self):
        pids = self.rig.pids()
        self.spoil("pointsman")
        self.assertIn("does not take over", self.ask_for(self.new / "pointsman"))
        self.assertEqual(pids, self.rig.pids())

    def test_one_that_hangs_is_noticed_before(self):
        """Meanwhile the launcher does what it has to."""
        self.spoil("pointsman", "#!/bin/sh\nexec sleep 100\n")
        asker = threading.Thread(target=lambda: self.asked.append(self.ask_for(self.new / "pointsman")))
        self.asked = []
        asker.start()
        rig.wait_for(lambda: self.rig.log("upgrade"), "it has been asked")
        self.rig.kill("dataplane.0")
        rig.wait_for(lambda: self.rig.pids().get("dataplane.0"), "it is back", 2)
        self.assertEqual([], self.asked)
        asker.join(30)
        self.assertIn("does not answer", self.asked[0])
        said("chat", self.rig.post("chat"))

    def test_files_that_go_on_the_way_are_not_missed(self):
        """All that an upgrade needs was opened before it touched anything."""
        def spoil(line):
            if "webadmin" in line:
                for name in ("pointsman", "controlplane", "dataplane", "webadmin"):
                    (self.new / name).unlink()
                (self.new / "pointsman").write_text("#!/bin/sh\nexit 3\n")
                (self.new / "pointsman").chmod(0o755)
        self.assertIn("done", self.ask_for(self.new / "pointsman", spoil))
        rig.wait_for(self.only_new, "the retired ones have ended", 60)
        for name in ("controlplane", "webadmin", "dataplane.2"):
            self.rig.kill(name)
            rig.wait_for(lambda name=name: self.rig.pids().get(name), f"{name} is back")
        rig.wait_for(self.rig.ready, "all are back")
        said("chat", self.rig.post("chat"))

    def ask_for(self, program, look=lambda line: None):
        """As the command asks, for a program of our choice; the last line."""
        with rig.socket.socket(rig.socket.AF_UNIX, rig.socket.SOCK_SEQPACKET) as asker:
            asker.settimeout(30)
            asker.connect(str(self.rig.run / "launcher.sock"))
            asker.send(f"upgrade 10 {program}".encode())
            lines = []
            while line := asker.recv(2000):
                lines.append(line.decode())
                look(lines[-1])
            return lines[-1]

    def test_nonsense_is_refused(self):
        for line in ("upgrade", "upgrade x /bin/true", "upgrade 10 relative", "hello",
                     "upgrade 999999999 /bin/true", "upgrade 10 /" + "x" * 5000):
            with rig.socket.socket(rig.socket.AF_UNIX, rig.socket.SOCK_SEQPACKET) as asker:
                asker.settimeout(30)
                asker.connect(str(self.rig.run / "launcher.sock"))
                asker.send(line.encode())
                self.assertTrue(asker.recv(2000).startswith(b"failed: "), line[:40])
        said("chat", self.rig.post("chat"))

    def test_a_replaced_file_does_not_mix_versions(self):
        """A package has put new files in place: what dies before the upgrade comes back as it was."""
        pid = self.rig.pid("dataplane.0")
        inode = os.stat(f"/proc/{pid}/exe").st_ino
        (self.new / "dataplane").replace(self.old / "dataplane")
        self.rig.kill("dataplane.0")
        new = self.rig.pid("dataplane.0")
        self.assertEqual(inode, os.stat(f"/proc/{new}/exe").st_ino)
        done = upgrade(self.rig, self.old)
        self.assertEqual(0, done.returncode, done.stderr)
        rig.wait_for(self.only_new, "the retired ones have ended", 60)
        found = {os.stat(f"/proc/{pid}/exe").st_ino for name, pid in self.rig.pids().items()
                 if name.startswith("dataplane.")}
        self.assertEqual({(self.old / "dataplane").stat().st_ino}, found)


class Signals(unittest.TestCase):
    """They come at the worst moments, or twice."""

    def setUp(self):
        self.rig = rig.Rig(rig.everywhere("a", **rig.plain()), dataplanes=2, options=("--drain", "6"))
        self.old, self.new = versions(self.rig, "old", "new")
        self.rig.bin = self.old
        self.rig.start()
        self.rig.banner()
        self.addCleanup(self.rig.stop)

    def at_the_exec(self, signo):
        """Sends it to the launcher as soon as that has become its successor, which is only starting."""
        link, new = f"/proc/{self.rig.launcher.pid}/exe", str(self.new / "pointsman")
        asker = threading.Thread(target=upgrade, args=(self.rig, self.new))
        asker.start()
        end = time.monotonic() + 30
        while os.readlink(link) != new:
            assert time.monotonic() < end
        self.rig.launcher.process.send_signal(signo)
        asker.join(60)

    def test_a_stop(self):
        self.at_the_exec(signal.SIGTERM)
        self.assertEqual(0, self.rig.launcher.process.wait(30))
        self.assertEqual({}, self.rig.pids())

    def test_a_stop_that_everyone_hears(self):
        """Managers tell all programs of a service at once, and timeout(1) tells the launcher twice: the streams get
        their time all the same."""
        streams = [Stream(self.rig, protocol, 60, EVERY_MS) for protocol in PROTOCOLS * 2]
        rig.wait_for(lambda: all(stream.answer.status for stream in streams), "they run")
        for pid in (self.rig.launcher.pid, *self.rig.pids().values(), self.rig.launcher.pid):
            os.kill(pid, signal.SIGTERM)
        self.assertEqual([], [stream.answer for stream in streams if not stream.whole()])
        self.assertEqual(0, self.rig.launcher.process.wait(30))

    def test_a_data_plane_that_is_told_again_hurries_but_says_so(self):
        stream = Stream(self.rig, "anthropic", 2000, EVERY_MS)
        rig.wait_for(lambda: stream.answer.status, "it runs")
        pids = [self.rig.pid(name) for name in ("dataplane.0", "dataplane.1")]
        self.rig.deaths_wanted += ["dataplane.0", "dataplane.1"]
        began = time.monotonic()

        def tell():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
            return not stream.is_alive()
        rig.wait_for(tell, "the stream has ended")
        self.assertLess(time.monotonic() - began, 4)
        self.assertTrue(error_event("anthropic", stream.answer.body), stream.answer.body[-300:])

    def test_a_reload(self):
        self.at_the_exec(signal.SIGHUP)
        rig.wait_for(lambda: self.rig.log("taken_over"), "it serves")
        self.assertTrue(self.rig.launcher.alive())
        self.assertEqual(0, self.rig.command("reload").returncode)

    def test_a_reload_while_controlplane_starts(self):
        self.rig.deaths_wanted.append("controlplane")
        pid = self.rig.pid("controlplane")
        os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + 30
        while len([line for line in self.rig.log("start") if line["proc"] == "controlplane"]) < 2:
            self.rig.launcher.process.send_signal(signal.SIGHUP)
            assert time.monotonic() < end
        self.assertEqual(1, len(self.rig.log("ended")))
        self.assertEqual(0, self.rig.command("reload").returncode)

    def test_one_that_was_told_to_end_is_told_once(self):
        """The second time would cut its streams at once, without a word."""
        stream = Stream(self.rig, "anthropic", 2000, EVERY_MS)
        rig.wait_for(lambda: self.rig.demo.calls(), "it runs")
        for folder in (self.new, self.old):
            done = upgrade(self.rig, folder, "--drain", "1")
            self.assertEqual(0, done.returncode, done.stderr)
            if folder == self.new:
                rig.wait_for(lambda: self.rig.log("retire_limit"), "its time is over")
        self.rig.launcher.process.terminate()
        stream.join(30)
        self.assertEqual(0, self.rig.launcher.process.wait(30))
        self.assertTrue(error_event("anthropic", stream.answer.body), stream.answer.body[-300:])


class FirstProcess(unittest.TestCase):
    """Number 1 of a container: the kernel drops what that has not asked for."""

    def test_a_stop_while_it_starts(self):
        running = rig.Rig(demo=False)
        self.addCleanup(running.forget)
        program = ["unshare", "--pid", "--fork", "--kill-child"]
        if rig.subprocess.run([*program, "true"], capture_output=True).returncode != 0:
            self.skipTest("this needs a namespace")
        with rig.socket.socket(rig.socket.AF_UNIX, rig.socket.SOCK_DGRAM) as turn:
            turn.bind(f"\0pointsman-port-{running.port}")  # it waits for that
            outer = rig.Program([*program, rig.BIN / "pointsman", "run", "--state", running.state, "--no-demo",
                                 "--port", running.port, "--admin-port", running.admin_port])
            rig.wait_for((running.state / "launcher.lock").exists, "it starts")
            first = rig.proc(outer.pid, f"task/{outer.pid}/children").split()[0]
            os.kill(int(first), signal.SIGTERM)
        self.assertEqual(0, outer.process.wait(5), outer.text())


class Parts(unittest.TestCase):
    """Three launchers on one run folder, as in containers: each has its own upgrade."""

    PARTS = {"controlplane": ["controlplane"], "webadmin": ["webadmin"],
             "dataplane": ["dataplane.0", "dataplane.1"]}

    def start(self, part):
        program = rig.Program([self.old / "pointsman", "run", "--only", part, *self.folders, "--dataplanes", 2,
                               "--port", self.rig.port, "--admin-port", self.rig.admin_port, "--drain", 1])
        rig.wait_for(lambda: any("event=ready" in line and "proc=pointsman" in line for line in program.err),
                     f"{part} is ready")
        return program

    def test_one_part(self):
        self.rig = rig.Rig(rig.everywhere("a", **rig.plain()))
        self.old, self.new = versions(self.rig, "old", "new")
        self.folders = ["--state", self.rig.state, "--run-dir", self.rig.folder / "r"]
        programs = {part: self.start(part) for part in self.PARTS}
        for part in ("controlplane", "dataplane", "webadmin"):
            done = upgrade(self.rig, self.new, "--only", part, "--run-dir", self.rig.folder / "r", "--drain", "1")
            self.assertEqual((0, ""), (done.returncode, done.stderr))
            for other, program in programs.items():
                found = os.readlink(f"/proc/{program.pid}/exe") == str(self.new / "pointsman")
                self.assertEqual(other <= part, found, (other, part))
            said("chat", self.rig.post("chat"))
        self.assertEqual(0, programs.pop("webadmin").stop())
        self.assertEqual(2, len(list((self.rig.folder / "r").glob("*plane.sock"))))
        for program in programs.values():
            self.assertEqual(0, program.stop())
        self.rig.stop()


class Nobody(unittest.TestCase):
    def test_there_is_none(self):
        with rig.tempfile.TemporaryDirectory() as folder:
            done = rig.subprocess.run([rig.BIN / "pointsman", "upgrade", "--state", folder],
                                      env=rig.environment(), capture_output=True, text=True)
            self.assertEqual(1, done.returncode)
            self.assertIn("no Pointsman is running", done.stderr)


if __name__ == "__main__":
    rig.main()
