"""Podman and buildah with a store of our own below build/, and services run as compose.yaml says."""

import json
import os
import resource
import subprocess

import rig
from machine import WORK, call, wire_in
from rig import Program, wait_for

STORE = WORK / "containers"
FILES = """[containers]
default_ulimits = ["nofile={files}:{files}", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
"""


class Podman:
    """All containers share one network namespace without a way out; its loopback is the host's to
    them."""

    def __init__(self):
        STORE.mkdir(parents=True, exist_ok=True)
        files = min(20000, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        (STORE / "containers.conf").write_text(FILES.format(files=files))
        self.environment = {**os.environ, "CONTAINERS_CONF": str(STORE / "containers.conf"),
                            "BUILDAH_HISTORY": "false"}
        self.place = ["--root", STORE / "store", "--runroot", STORE / "run",
                      "--storage-driver", "overlay"]
        self.programs = []

    def __enter__(self):
        self.net = Program(["unshare", "--net", "sh", "-c",
                            "ip link set lo up && echo up && exec sleep 900"])
        wait_for(lambda: "up" in self.net.out, "a network of our own")
        self.clear()
        return self

    def clear(self):
        """Also what a run that was killed has left: the store is ours alone."""
        self("rm", "--all", "--force", "--time", "0", check=False)
        self("volume", "rm", "--all", "--force", check=False)

    def __call__(self, *argv, **more):
        return call("podman", *self.place, *argv, env=self.environment, **more)

    def wire(self, port, **more):
        return wire_in(self.net.pid, port, **more)

    def inside(self, *argv):
        """A program of ours in the network of the containers."""
        program = Program(["nsenter", f"--net=/proc/{self.net.pid}/ns/net", *argv])
        self.programs.append(program)
        return program

    def load(self, folder, name):
        """An image of a folder's content."""
        tar = subprocess.Popen(["tar", "-C", folder, "--exclude=./var/cache/apt/archives/*.deb",
                                "-c", "."], stdout=subprocess.PIPE)
        made = subprocess.run(["podman", *map(str, self.place), "import", "-q", "-", name],
                              stdin=tar.stdout, env=self.environment, capture_output=True,
                              text=True)
        tar.stdout.close()
        assert tar.wait() == 0 and made.returncode == 0, made.stderr

    def build(self, dockerfile, target, image, **arguments):
        more = [word for pair in arguments.items() for word in
                ("--build-arg", f"{pair[0]}={pair[1]}")]
        return call("buildah", *self.place, "bud", "--isolation", "chroot", "--network", "host",
                    "--pull-never", "--format", "docker", "--layers", "--target", target, *more,
                    "-t", image, "-f", dockerfile, rig.ROOT,
                    env=self.environment, seconds=900)

    def image(self, name):
        return json.loads(self("image", "inspect", name).stdout)[0]

    def arguments(self, service, secrets):
        """What "docker compose" would make of a service, but for its ports."""
        yield from ("--network", f"ns:/proc/{self.net.pid}/ns/net", "--user", service["user"])
        if service.get("read_only"):
            yield from ("--read-only", "--read-only-tmpfs=false")
        for name in service.get("cap_drop", ()):
            yield f"--cap-drop={name}"
        for name in service.get("security_opt", ()):
            yield from ("--security-opt", name.replace(":true", ""))
        for name in service.get("tmpfs", ()):
            yield from ("--tmpfs", name)
        for name in service.get("volumes", ()):
            yield from ("--volume", f"pm-test-{name}")
        for name in service.get("secrets", ()):
            yield from ("--volume", f"{secrets[name]}:/run/secrets/{name}:ro")
        yield from ("--pids-limit", str(service["pids_limit"]), "--memory", service["mem_limit"])
        yield "--no-healthcheck"  # its timer would be systemd's; the test asks by itself
        if "entrypoint" in service:
            yield from ("--entrypoint", json.dumps(service["entrypoint"]))

    def run(self, name, service, secrets, *flags, command=()):
        command = command or [word.replace("$$", "$") for word in service.get("command", ())]
        arguments = self.arguments(service, secrets)
        return self("run", "--name", name, *flags, *arguments, service["image"], *command)

    def stop(self, name, seconds=30):
        self("stop", "-t", seconds, name, seconds=seconds + 60)
        return int(self("inspect", "--format", "{{.State.ExitCode}}", name).stdout)

    def remove(self, name):
        self("rm", "-f", "-t", "0", name)

    def __exit__(self, *_):
        self.clear()
        for program in [*self.programs, self.net]:
            program.stop(9)
