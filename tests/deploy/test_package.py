"""The Debian package on a machine with systemd: installed, used, upgraded, removed, purged."""

import json
import shutil
import tempfile
import unittest
from pathlib import Path

import machine
import package
from caller import Stream, say
from machine import Machine, call
from protocols import PROTOCOLS
from rig import wait_for

STATE = "/var/lib/pointsman"
UNITS = ("pointsman.service", "pointsman.socket", "pointsman-admin.socket")
EXPOSURE_MAX = 15  # tenths; systemd-analyze calls up to 2 well hardened
# What dpkg and systemd keep about a package that is gone, and the user, by policy.
LEFT = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid",
        "/etc/.pwd.lock", "/var/lib/dpkg/", "/var/log/", "/var/cache/", "/var/lib/systemd/",
        "/var/tmp/systemd-private", "/tmp/", "/var/backups/", "/etc/machine-id")


def setUpModule():
    global NEWER, OLDER
    machine.need("mmdebstrap", "systemd-nspawn", "systemd-analyze", "dpkg-deb", "lintian", "unshare")
    NEWER, OLDER = package.build()


class Shape(unittest.TestCase):
    """What can be told without installing it."""

    def test_lintian_has_nothing_to_say(self):
        said = call("lintian", "--allow-root", "--tag-display-limit=0", NEWER, check=False)
        self.assertEqual(said.stdout + said.stderr.replace(
            "running with root privileges is not recommended!\n", ""), "")

    def test_it_holds_what_it_should(self):
        found = package.files(NEWER)
        for name in ("/usr/bin/pointsman", "/usr/libexec/pointsman/dataplane",
                     "/usr/share/man/man1/pointsman.1.gz", "/usr/lib/sysusers.d/pointsman.conf",
                     "/usr/lib/tmpfiles.d/pointsman.conf", "/etc/default/pointsman",
                     "/usr/share/bash-completion/completions/pointsman",
                     *(f"/lib/systemd/system/{unit}" for unit in UNITS)):
            self.assertIn(name, found)

    def test_an_installation_by_cmake_stays_below_its_prefix(self):
        with tempfile.TemporaryDirectory() as folder:
            call("cmake", "--install", package.RELEASE, "--prefix", f"{folder}/p",
                 env={"DESTDIR": "", "PATH": "/usr/bin:/bin"})
            program = f"{folder}/p/bin/pointsman"
            self.assertIn("pointsman ", call(program, "version").stdout)
            self.assertTrue(Path(folder, "p/libexec/pointsman/dataplane").exists())

    def test_the_service_is_hardened(self):
        shown = call("systemd-analyze", "security", "--offline=true", "--no-pager",
                     f"--threshold={EXPOSURE_MAX}",
                     machine.ROOT / "deploy/systemd/pointsman.service", check=False)
        self.assertEqual(shown.returncode, 0, shown.stdout[-600:])
        print(shown.stdout.splitlines()[-1])

    def test_completion_knows_commands_and_options(self):
        script = machine.ROOT / "deploy/completion/pointsman"
        bin_folder = package.RELEASE / "bin"

        def complete(*words):
            program = ('source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pointsman; '
                       'printf "%s\\n" "${COMPREPLY[@]}"')
            return call("bash", "-c", program, script, *words, env={
                "PATH": f"{bin_folder}:/usr/bin:/bin"}).stdout.split()

        self.assertIn("status", complete("pointsman", ""))
        self.assertEqual(complete("pointsman", "rel"), ["reload"])
        self.assertIn("--admin-port", complete("pointsman", "run", "--a"))
        self.assertNotIn("--admin-port", complete("pointsman", "status", "--"))
        self.assertEqual(complete("pointsman", "run", "--only", "d"), ["dataplane"])


def everything(running):
    """Every path on the machine's disks."""
    return set(running.run("find", "/", "-xdev", "-not", "-path", "/proc/*").stdout.splitlines())


class Life(unittest.TestCase):
    def test_installed_used_upgraded_purged(self):
        lower = machine.base(package.depends(NEWER) + ["systemd-sysv"])
        with Machine(lower) as running:
            before = everything(running)
            self.install(running)
            self.use(running)
            self.without_ipv6(running)
            self.wrong_options(running)
            self.upgrade(running)
            self.survive(running)
            self.purge(running, before)

    def dpkg(self, running, deb):
        shutil.copy(deb, running.path("/root"))
        said = running.run("dpkg", "--install", f"/root/{deb.name}")
        running.path(f"/root/{deb.name}").unlink()
        return said.stdout + said.stderr

    def active(self, running, unit="pointsman.service"):
        return running.run("systemctl", "is-active", unit, check=False).stdout.strip()

    def install(self, running):
        self.dpkg(running, OLDER)
        for unit in UNITS:
            self.assertEqual(self.active(running, unit), "active", running.run(
                "journalctl", "-n", "40", "--no-pager", check=False).stdout)
        # The first thing that an owner does: here, wanting the demo.
        options = running.path("/etc/default/pointsman")
        options.write_text(options.read_text().replace("--no-demo", "--dataplanes 2"))
        running.run("systemctl", "restart", "pointsman.service")
        self.key = running.path(f"{STATE}/client-key").read_text().strip()

    def use(self, running):
        for protocol in PROTOCOLS:
            self.assertEqual(say(running.wire, self.key, protocol), ("ok", True))
        user = running.run("systemctl", "show", "--property=User,NRestarts", "pointsman").stdout
        self.assertIn("User=pointsman", user)
        for name, mode in ((STATE, "700"), (f"{STATE}/client-key", "600")):
            self.assertEqual(running.run("stat", "--format=%a %U", name).stdout,
                             f"{mode} pointsman\n")
        self.assertIn("Table version", running.run("pointsman", "status", "--state", STATE).stdout)
        journal = running.run("journalctl", "--no-pager", "-u", "pointsman").stdout
        self.assertIn("event=ready", journal)
        token = running.path(f"{STATE}/admin-token").read_text().strip()
        self.assertNotIn(self.key, journal)
        self.assertNotIn(token, journal)
        # A file with a fault is refused, and the manager says so; a good one is taken.
        config = running.path(f"{STATE}/json_data/all_configs.json")
        good = config.read_text()
        config.write_text(good.replace("{", '{"api_configs": 7, ', 1))
        self.assertNotEqual(running.run("systemctl", "reload", "pointsman", check=False)
                            .returncode, 0)
        self.assertEqual(say(running.wire, self.key), ("ok", True))
        config.write_text(good)
        running.run("systemctl", "reload", "pointsman")

    def without_ipv6(self, running):
        """As many machines are."""
        running.set_ipv6(False)
        running.run("systemctl", "restart", *UNITS)
        self.assertEqual(say(running.wire, self.key), ("ok", True))
        running.set_ipv6(True)

    def wrong_options(self, running):
        """Starting again would not mend them: the service has failed, and says why, once."""
        options = running.path("/etc/default/pointsman")
        good = options.read_text()
        options.write_text(good.replace("--dataplanes 2", "--dataplans 2"))
        running.run("systemctl", "restart", "pointsman.service", check=False)
        wait_for(lambda: self.active(running) == "failed", "it gives up")
        journal = running.run("journalctl", "--no-pager", "-u", "pointsman").stdout
        self.assertIn("--dataplans: is no option here", journal)
        self.assertEqual(1, journal.count("is no option here"))
        options.write_text(good)
        running.run("systemctl", "restart", "pointsman.service")
        self.assertEqual(say(running.wire, self.key), ("ok", True))

    def upgrade(self, running):
        self.assertEqual(running.run("dpkg-query", "-W", "-f=${Version}", "pointsman").stdout,
                         f"{package.OLDER}-1")
        streams = [Stream(running.wire, self.key, protocol) for protocol in PROTOCOLS]
        main = self.main_pid(running)
        self.assertIn("done: version", self.dpkg(running, NEWER))
        self.assertEqual(main, self.main_pid(running))
        self.assertEqual(self.active(running), "active")
        self.assertEqual(say(running.wire, self.key), ("ok", True))
        for stream in streams:
            stream.check()
        self.assertIn("--dataplanes 2", running.path("/etc/default/pointsman").read_text())

    @staticmethod
    def main_pid(running):
        return running.run("systemctl", "show", "--property=MainPID", "--value",
                           "pointsman").stdout

    def survive(self, running):
        """The launcher dies: the port is systemd's, so that who calls waits for the next one, while the
        streams of before go on. Twice, and then a stop waits for them and leaves nothing."""
        self.own_upstream(running)
        streams = []
        for _ in range(2):
            streams += [Stream(running.wire, self.key, protocol, 160) for protocol in PROTOCOLS]
            wait_for(lambda: all(stream.answer.status for stream in streams), "streams began")
            main = self.main_pid(running)
            running.run("systemctl", "kill", "--kill-who=main", "--signal=KILL", "pointsman")
            wait_for(lambda: self.main_pid(running) not in (main, "0\n"), "the next one is started")
            self.assertEqual(say(running.wire, self.key), ("ok", True))
            self.assertTrue(all(stream.is_alive() for stream in streams))
            wait_for(lambda: self.active(running) == "active", "the service is back")
        running.run("systemctl", "stop", "pointsman")
        self.assertEqual(self.processes(running), "")
        for stream in streams:
            stream.check()
        running.run("systemctl", "start", "pointsman")
        running.run("systemctl", "stop", "upstream")

    @staticmethod
    def own_upstream(running):
        """One that is no part of the service."""
        running.run("systemd-run", "--quiet", "--unit=upstream", "/usr/libexec/pointsman/demo-upstream",
                    "--no-ledger", "--listen", "127.0.0.1:5190")
        entry = {"name": "up", "base_url": "http://127.0.0.1:5190", "key": "sk-up"}
        running.path(f"{STATE}/json_data/all_configs.json").write_text(json.dumps(
            {name: [entry] for name in ("api_configs", "codex_configs", "chat_configs")}))
        running.run("systemctl", "reload", "pointsman")

    @staticmethod
    def processes(running):
        return running.run("find", "/proc", "-maxdepth", "1", "-user", "pointsman").stdout

    def purge(self, running, before):
        running.run("dpkg", "--remove", "pointsman")
        self.assertEqual(self.active(running), "inactive")
        self.assertTrue(running.path(f"{STATE}/client-key").exists())
        self.assertTrue(running.path("/etc/default/pointsman").exists())
        running.run("dpkg", "--purge", "pointsman")
        left = {path for path in everything(running) - before if not path.startswith(LEFT)}
        self.assertEqual(left, set())
        self.assertEqual(self.processes(running), "")


if __name__ == "__main__":
    machine.main()
