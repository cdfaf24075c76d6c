"""The images and what starts them: read strictly always, built and run where that can be."""

import json
import os
import re
import shutil
import tempfile
import threading
import unittest
from pathlib import Path

import yaml

import machine
import package
import podman
import rig
from caller import Stream, say
from machine import call
from podman import Podman
from protocols import PROTOCOLS
from rig import ROOT, wait_for

FOLDER = ROOT / "deploy/container"
PARTS = ("controlplane", "webadmin", "dataplane")
STAGES = (*PARTS, "pointsman")
BASE, PROGRAMS = "localhost/pm-test-base:1", "localhost/pm-test-programs:1"
UID = 10001


def instructions(text):
    """(stage, word, rest) of a Dockerfile."""
    stage = ""
    for line in re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.M)).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            if word == "FROM":
                stage = rest.split(" AS ")[1]
            yield stage, word, rest.strip()


def with_programs(text):
    """The file with a first stage that has been made already: compiling is tested elsewhere."""
    begin, end = text.index("FROM ${BASE} AS build"), text.index("FROM ${BASE} AS base")
    return f"{text[:begin]}FROM {PROGRAMS} AS build\n\n{text[end:]}"


class Reading(unittest.TestCase):
    def test_dockerfile(self):
        found = list(instructions((FOLDER / "Dockerfile").read_text()))

        def of(stage, word):
            return [rest for at, kind, rest in found if (at, kind) == (stage, word)]
        for stage in STAGES:
            self.assertEqual(of(stage, "FROM"), [f"base AS {stage}"])
            self.assertEqual(len(of(stage, "HEALTHCHECK")), 1, stage)
            self.assertEqual(len(of(stage, "CMD")), 1, stage)
            self.assertFalse(of(stage, "USER") or of(stage, "RUN") or of(stage, "COPY"), stage)
            part = json.loads(of(stage, "CMD")[0])
            self.assertEqual("--only" in part, stage != "pointsman")
        self.assertEqual(of("base", "USER"), [f"{UID}:{UID}"])
        self.assertEqual([word for at, word, _ in found if at == "base"][-2:], ["STOPSIGNAL",
                                                                                 "ENTRYPOINT"])
        self.assertIn("bookworm-slim", of("", "ARG")[0])
        for name in ("title", "description", "licenses", "version", "revision", "base.name"):
            self.assertIn(f"org.opencontainers.image.{name}=", of("base", "LABEL")[0])
        for _, word, rest in found:
            self.assertNotIn(word, ("ADD", "MAINTAINER", "ONBUILD"))
            self.assertIsNone(re.search(r"latest|chmod 777|curl |wget |sudo ", rest), rest)
            if word in ("CMD", "ENTRYPOINT"):
                self.assertIsInstance(json.loads(rest), list)  # no shell between us and signals
            if word in ("ENV", "ARG"):
                self.assertIsNone(re.search(r"(?i)key|token|secret|passw", rest), rest)
            if "apt-get install" in rest:
                self.assertIn("--no-install-recommends", rest)
                self.assertIn("rm -rf /var/lib/apt/lists/*", rest)

    def test_the_context_holds_no_secret(self):
        rules = (ROOT / ".dockerignore").read_text().split()
        self.assertEqual(rules[0], "*")
        self.assertEqual(rules[-1], "deploy/container/all_configs.json")
        ignored = call("git", "-C", ROOT, "check-ignore", "deploy/container/all_configs.json",
                       check=False)
        self.assertEqual(ignored.returncode, 0)

    def test_compose(self):
        compose = yaml.safe_load((FOLDER / "compose.yaml").read_text())
        services = compose["services"]
        self.assertEqual(set(services), {*PARTS, "seed"})
        for name, service in services.items():
            with self.subTest(name):
                self.assertTrue(service["read_only"])
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                self.assertEqual(service["user"], f"{UID}:{UID}")
                self.assertFalse(service.keys() & {"privileged", "cap_add", "environment", "pid"})
                self.assertLessEqual(service["pids_limit"], 512)
                self.assertIn(service["build"]["target"], PARTS)
                for port in service.get("ports", ()):
                    self.assertTrue(port.startswith("127.0.0.1:"), port)
        shared = {name: set(services[name]["volumes"]) for name in PARTS}
        self.assertEqual(shared["webadmin"], {"sockets:/run/pointsman"})
        self.assertEqual(shared["dataplane"], {"sockets:/run/pointsman"})
        self.assertEqual(shared["controlplane"] - shared["webadmin"],
                         {"state:/var/lib/pointsman"})
        self.assertEqual(services["controlplane"]["network_mode"], "none")
        self.assertEqual(list(compose["secrets"]["all_configs"]), ["file"])

    def test_kubernetes(self):
        found = {item["kind"]: item for item in
                 yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text())}
        self.assertEqual(set(found), {"Service", "PodDisruptionBudget", "StatefulSet"})
        # With one replica, which is what there is, a minimum would keep its node from being emptied.
        self.assertEqual(found["PodDisruptionBudget"]["spec"].get("maxUnavailable"), 1)
        labels = found["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
        for selector in (found["Service"]["spec"]["selector"],
                         found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
                         found["StatefulSet"]["spec"]["selector"]["matchLabels"]):
            self.assertEqual(selector, labels)
        pod = found["StatefulSet"]["spec"]["template"]["spec"]
        self.assertFalse(pod["automountServiceAccountToken"])
        self.assertTrue(pod["securityContext"]["runAsNonRoot"])
        self.assertEqual(pod["securityContext"]["runAsUser"], UID)
        self.assertEqual({item["name"] for item in pod["containers"]}, set(PARTS))
        volumes = {item["name"] for item in pod["volumes"]} | {
            item["metadata"]["name"] for item in
            found["StatefulSet"]["spec"]["volumeClaimTemplates"]}
        drain = pod["terminationGracePeriodSeconds"]
        for item in [*pod["containers"], *pod["initContainers"]]:
            with self.subTest(item["name"]):
                self.assertEqual(item["securityContext"], {
                    "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]}})
                self.assertFalse("env" in item or "envFrom" in item)
                self.assertRegex(item["image"], r":\d+\.\d+\.\d+$")
                self.assertIn("memory", item["resources"]["limits"])
                self.assertLessEqual({mount["name"] for mount in item["volumeMounts"]}, volumes)
        for item in pod["containers"]:
            with self.subTest(item["name"]):
                self.assertIn(item["name"], item["args"])
                self.assertIn("preStop", item["lifecycle"])
                self.assertIn("startupProbe", item)
                self.assertIn("livenessProbe", item)
                holds = {mount["name"] for mount in item["volumeMounts"]}
                self.assertEqual("state" in holds, item["name"] == "controlplane")
                self.assertIn("sockets", holds)
            if item["name"] == "dataplane":
                self.assertIn("readinessProbe", item)
                self.assertLess(int(item["args"][item["args"].index("--drain") + 1]), drain)

    def test_scripts(self):
        for name in ("collect", "sbom", "healthcheck", "wait-dataplanes"):
            call("bash", "-n", FOLDER / name)
            self.assertTrue(os.access(FOLDER / name, os.X_OK), name)


class Running(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        machine.need("buildah", "podman", "runc", "mmdebstrap", "ip")
        newer, _ = package.build()
        cls.base = machine.base(package.depends(newer) + ["systemd-sysv"])
        cls.podman = Podman().__enter__()
        cls.addClassCleanup(cls.podman.__exit__)
        cls.folder = Path(tempfile.mkdtemp(dir=machine.WORK))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        call(FOLDER / "collect", package.RELEASE, cls.folder / "out")
        try:
            cls.podman.load(cls.base, BASE)
        except AssertionError as error:
            machine.skip(f"containers do not work here: {str(error).splitlines()[-1:]}")
        (cls.folder / "programs").mkdir()
        shutil.move(cls.folder / "out", cls.folder / "programs/out")
        cls.podman.load(cls.folder / "programs", PROGRAMS)
        dockerfile = cls.folder / "Dockerfile"
        dockerfile.write_text(with_programs((FOLDER / "Dockerfile").read_text()))
        for stage in STAGES:
            cls.podman.build(dockerfile, stage, f"localhost/pointsman-{stage}", BASE=BASE,
                             REVISION="test")

    def health(self, name):
        """Asked as the engine would, by the image's own command."""
        command = self.podman.image(self.image_of(name))["Healthcheck"]["Test"]
        self.assertEqual(command[0], "CMD")
        return self.podman("exec", name, *command[1:], check=False)

    @staticmethod
    def image_of(name):
        return f"localhost/pointsman-{name.removeprefix('pm-test-')}"

    def healthy(self, name):
        wait_for(lambda: self.health(name).returncode == 0, f"{name} is healthy")

    def inside(self, name, *command):
        return self.podman("exec", name, *command).stdout

    def demo(self, port):
        demo = self.podman.inside(rig.BIN / "demo-upstream", "--listen", f"127.0.0.1:{port}",
                                  "--no-ledger")
        wait_for(lambda: "listening on" in demo.text(), "the demo upstream listens")
        return f"http://127.0.0.1:{port}/u/a"

    def test_images(self):
        for stage in STAGES:
            with self.subTest(stage):
                image = self.podman.image(f"localhost/pointsman-{stage}")
                config = image["Config"]
                self.assertEqual(config["User"], f"{UID}:{UID}")
                self.assertEqual(config["Labels"]["org.opencontainers.image.revision"], "test")
                self.assertNotRegex(json.dumps(config["Env"]), r"(?i)key|token|secret")

    def test_bill_of_materials(self):
        text = self.podman("run", "--rm", "--network", "none", "--no-healthcheck", "--entrypoint",
                           '["cat"]', "localhost/pointsman-dataplane",
                           "/usr/share/pointsman/sbom.spdx.json").stdout
        bill = json.loads(text)
        self.assertEqual(bill["spdxVersion"], "SPDX-2.3")
        packages = {item["name"]: item for item in bill["packages"]}
        ids = [item["SPDXID"] for item in bill["packages"]]
        self.assertEqual(len(ids), len(set(ids)))
        for name in ("pointsman", "libcurl4", "libssl3", "libnanomsg5", "libc6", "libevent-2.1-7"):
            self.assertTrue(packages[name]["versionInfo"], name)
        known = {*ids, "SPDXRef-DOCUMENT"}
        for item in bill["relationships"]:
            self.assertLessEqual({item["spdxElementId"], item["relatedSpdxElement"]}, known)

    def test_three_services(self):
        services = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
        first = rig.upstream("a", base_url=self.demo(9000))
        secret = self.folder / "all_configs.json"
        secret.write_text(json.dumps(rig.config(claude=[first], codex=[first], chat=[first])))
        os.chown(secret, UID, UID)
        secret.chmod(0o400)
        secrets = {"all_configs": secret}
        self.podman.run("pm-test-seed", services["seed"], secrets)
        names = {part: f"pm-test-{part}" for part in PARTS}
        for part in PARTS:
            self.podman.run(names[part], services[part], secrets, "-d")
        for part in PARTS:
            self.healthy(names[part])
        key = self.inside(names["controlplane"], "cat", "/var/lib/pointsman/client-key").strip()
        wire = self.podman.wire
        for protocol in PROTOCOLS:
            self.assertEqual(say(wire, key, protocol), ("ok", True))
        self.confined(names)
        # One service at a time: streams notice neither controlplane's end nor webadmin's.
        streams = [Stream(wire, key, protocol) for protocol in PROTOCOLS]
        for part in ("webadmin", "controlplane"):
            self.assertEqual(self.podman.stop(names[part]), 0)
            self.podman.remove(names[part])
            self.podman.run(names[part], services[part], secrets, "-d")
        for part in ("webadmin", "controlplane"):
            self.healthy(names[part])
        for stream in streams:
            stream.check()
        # The data plane finishes what it has, and refuses others meanwhile.
        streams = [Stream(wire, key, protocol) for protocol in PROTOCOLS]
        stopping = threading.Thread(target=self.podman.stop, args=(names["dataplane"], 60))
        stopping.start()
        wait_for(self.refused, "new callers are refused")
        self.assertTrue(all(stream.is_alive() for stream in streams))
        for stream in streams:
            stream.check()
        stopping.join()
        logs = "".join(self.podman("logs", name).stdout + self.podman("logs", name).stderr
                       for name in names.values())
        self.assertNotIn(key, logs)
        self.assertNotIn(first["key"], logs)

    def refused(self):
        try:
            self.podman.wire(5101).close()
            return False
        except ConnectionRefusedError:
            return True

    def confined(self, names):
        for part, name in names.items():
            with self.subTest(part):
                self.assertEqual(self.inside(name, "id", "-u").strip(), str(UID))
                status = self.inside(name, "cat", "/proc/1/status")
                self.assertRegex(status, r"CapEff:\s+0+\n")
                self.assertRegex(status, r"CapBnd:\s+0+\n")
                self.assertRegex(status, r"NoNewPrivs:\s+1\n")
                for path in ("/x", "/usr/x", "/etc/x"):
                    done = self.podman("exec", name, "touch", path, check=False)
                    self.assertIn("Read-only", done.stderr)
        for part in ("webadmin", "dataplane"):
            kept = self.podman("exec", names[part], "ls", "-A", "/var/lib/pointsman").stdout
            self.assertEqual(kept, "", "no state of controlplane is seen there")

    def test_all_in_one(self):
        name = "pm-test-pointsman"
        service = {"user": f"{UID}:{UID}", "read_only": True, "cap_drop": ["ALL"],
                   "security_opt": ["no-new-privileges:true"], "tmpfs": ["/tmp"],
                   "volumes": ["all:/var/lib/pointsman"], "pids_limit": 256, "mem_limit": "1g",
                   "image": "localhost/pointsman-pointsman"}
        # With the demo, which the image leaves out by default, and on ports of its own.
        self.podman.run(name, service, {}, "-d", command=["--port", "5103", "--admin-port", "5104"])
        wait_for(lambda: self.podman("exec", name, "pointsman", "status", check=False)
                 .returncode == 0, "it answers")
        key = self.inside(name, "cat", "/var/lib/pointsman/client-key").strip()

        def wire(_):
            return self.podman.wire(5103)
        for protocol in PROTOCOLS:
            self.assertEqual(say(wire, key, protocol), ("ok", True))
        self.assertEqual(self.podman.stop(name), 0)


if __name__ == "__main__":
    machine.main()
