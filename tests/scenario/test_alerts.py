"""Alerts as a webhook, a command and the log get them: each cause told once and its end once, under
flapping too; receivers that are dead, slow or refuse; over restarts."""

import http.server
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

import rig
from protocols import said

FAST = {"after_seconds": 0, "clear_seconds": 0, "disk_free_mib": 0}


class Receiver:
    """A webhook: keeps what it gets, and does with it as it is told."""

    def __init__(self):
        self.got, self.headers, self.paths = [], [], []
        self.status, self.body, self.hold = 200, b"ok", None
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = receiver.status, receiver.body  # as it is told now
                receiver.paths.append(self.path)
                receiver.headers.append(dict(self.headers))
                receiver.got.append(json.loads(body))
                if receiver.hold is not None:
                    receiver.hold.wait(60)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

            def handle(self):
                try:
                    super().handle()
                except ConnectionError:
                    pass  # it has waited long enough

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self):
        return f"http://127.0.0.1:{self.port}/hook/sk-canary-webhook-0123456789?t=sk-canary-query"

    def seen(self, event, kind=None, subject=None):
        return [one for one in self.got if one["event"] == event
                and kind in (None, one["kind"]) and subject in (None, one["subject"])]

    def wait(self, event, kind=None, subject=None, count=1, seconds=20):
        return rig.wait_for(lambda: (found := self.seen(event, kind, subject)) and
                            len(found) >= count and found,
                            f"{event} {kind} {subject}: {self.got}", seconds)[count - 1]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Alerts(unittest.TestCase):
    maxDiff = 4000

    def run_with(self, more=None, alerts=None, dataplanes=1, **config):
        """A rig with a webhook; `alerts` are words beside those that make it fast."""
        self.hook = Receiver()
        self.addCleanup(self.hook.close)
        words = {**FAST, "webhook_url": self.hook.url(), **(alerts or {})}
        wanted = {**rig.config(claude=["a", "b"], timeout_settings={
            "api_error_threshold": 1, "api_cooldown_seconds": 300},
            routing={"claude": {"affinity_seconds": 0}}), **config, "alerts": words}
        running = rig.Rig(wanted, dataplanes=dataplanes)
        running.canaries |= {"sk-canary-webhook-0123456789", "sk-canary-query"}
        running.__enter__()
        def stop():
            running.stop()
        self.addCleanup(stop)
        self.rig = running
        return running

    def api(self, method, path, body=None):
        answer = self.rig.call(method, path, {"Authorization": f"Bearer {self.rig.token}",
                                              "Content-Type": "application/json"},
                               b"" if body is None else json.dumps(body).encode(),
                               port=self.rig.admin_port)
        text = bytes(answer.body)
        self.assertNotIn(b"sk-canary", text)
        return answer.status, json.loads(text)

    def alerts(self):
        return self.api("GET", "/api/v1/alerts")[1]["alerts"]

    def send_test(self):
        def sent():
            status, answer = self.api("POST", "/api/v1/alerts/test")
            self.assertIn(status, (200, 400), answer)  # one of a test before may be under way
            return status == 200 and answer
        answer = rig.wait_for(sent, "a test is sent", 40)
        self.sent = answer["id"]
        return answer

    def latest(self, way="webhook"):
        """How far the last test has got; {} while the admin side does not know it."""
        found = [one for one in self.alerts()["recent"] if one["id"] == self.sent]
        return found[0][way] if found else {}

    def wait_latest(self, what, way="webhook", seconds=20, **members):
        rig.wait_for(lambda: members.items() <= self.latest(way).items(), what, seconds)

    def change(self, **words):
        """Words of the section `alerts` from now on."""
        self.rig.change_config(lambda config: config["alerts"].update(words))
        self.assertEqual(0, self.rig.command("reload").returncode)

    def test_upstreams_and_groups(self):
        """Down, all down, back, each told once; nothing of it is in a client's way."""
        running = self.run_with()
        running.demo.fault("a", "529")
        said("anthropic", running.post("anthropic"))
        down = self.hook.wait("raised", "upstream_down")
        self.assertEqual(("a", "status_529"), (down["name"], down["detail"]))
        self.assertTrue(down["subject"].startswith("claude:"))
        self.assertRegex(down["id"], "^al_[0-9a-f]{16}$")
        self.assertIn("Upstream a (", down["text"])
        self.assertEqual([], self.hook.seen("raised", "group_down"))
        running.demo.fault("b", "529")
        running.post("anthropic")
        group = self.hook.wait("raised", "group_down", "claude")
        self.assertEqual("all 2 rest", group["detail"])
        self.hook.wait("raised", "upstream_down", count=2)
        shown = rig.wait_for(lambda: (found := self.alerts()) and len(found["active"]) == 3 and
                             found, "three last")
        self.assertEqual("127.0.0.1", shown["webhook"])
        running.demo.mend()
        running.command("clear", "--all")
        self.hook.wait("resolved", "group_down", "claude")
        self.hook.wait("resolved", "upstream_down", count=2)
        ended = next(one for one in self.hook.seen("resolved") if one["name"] == "a")
        self.assertEqual(down["incident"], ended["incident"])
        self.assertEqual(6, len(self.hook.got))
        self.assertEqual(6, len({one["id"] for one in self.hook.got}))
        rig.wait_for(lambda: self.alerts()["active"] == [], "all is over")
        rig.wait_for(lambda: {("sent", None)} == {
            (one["webhook"]["state"], one["command"]) for one in self.alerts()["recent"]},
            "all are sent")
        self.assertEqual(6, len(running.log("alert")))
        text = running.command("alerts").stdout
        self.assertIn("Nothing is wrong now", text)
        self.assertIn("webhook: sent, 1 tries (ok)", text)

    def test_flapping(self):
        """Down and up each second: told once, and once that it is over."""
        running = self.run_with(alerts={"clear_seconds": 4})
        self.change()
        for _ in range(5):
            running.demo.fault("a", "529")
            said("anthropic", running.post("anthropic"))
            rig.wait_for(lambda: [True] == self.bad_now(), "the rules see it")
            running.demo.mend()
            running.command("clear", "--all")
            rig.wait_for(lambda: [False] == self.bad_now(), "the rules see that it is up")
        self.hook.wait("resolved", "upstream_down")
        self.assertEqual(["raised", "resolved"], [one["event"] for one in self.hook.got])

    def bad_now(self):
        """Of each alert that lasts whether it looks bad at this moment."""
        return [one["good_since_ms"] is None for one in self.alerts()["active"]]

    def test_budget(self):
        running = self.run_with(client_keys=[])
        def limit(config):
            config["client_keys"][0].update(tokens_per_day=1000, name="ci")
        running.change_config(limit)
        self.assertEqual(0, running.command("reload").returncode)
        model = "m-fault=usage:in=750;out=100;read=0;write=0"
        self.assertEqual(200, running.post("anthropic", stream=False, model=model).status)
        near = self.hook.wait("raised", "budget")
        self.assertEqual("ci", near["name"])
        self.assertTrue(near["subject"].endswith(" tokens_per_day"))
        self.assertEqual("850 of 1000 tokens, 85 %", near["detail"])
        self.assertEqual([], self.hook.seen("raised", "budget_spent"))
        self.assertEqual(200, running.post("anthropic", stream=False, model=model).status)
        self.assertIn("170 %", self.hook.wait("raised", "budget_spent")["detail"])
        def more(config):
            config["client_keys"][0]["tokens_per_day"] = 100000
        running.change_config(more)
        self.assertEqual(0, running.command("reload").returncode)
        self.hook.wait("resolved", "budget")
        self.hook.wait("resolved", "budget_spent")
        self.assertEqual(4, len(self.hook.got))

    def test_error_rate(self):
        running = self.run_with(
            alerts={"error_rate_requests": 10, "error_rate_seconds": 10, "error_rate_percent": 50,
                    "on": ["error_rate"]}, **rig.plain())
        for _ in range(4):
            self.assertEqual(200, running.post("anthropic", stream=False).status)
        running.demo.fault("a", "status=400")
        for _ in range(10):  # a request that is wrong is no failure of ours
            self.assertEqual(400, running.post("anthropic", stream=False).status)
        running.demo.fault("a", "503")
        running.demo.fault("b", "503")
        for _ in range(12):
            running.post("anthropic", stream=False)
        found = self.hook.wait("raised", "error_rate")
        self.assertRegex(found["detail"], r"^1?\d of 1\d within 10 s, \d\d %$")
        running.demo.mend()
        self.hook.wait("resolved", "error_rate", seconds=30)

    def certificate(self, folder, days):
        """A certificate that expires in so many days; renamed into place."""
        paths = [str(Path(folder) / name) for name in ("new.pem", "key.pem")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", str(days), "-subj",
                        "/CN=localhost", "-out", paths[0], "-keyout", paths[1]], check=True,
                       capture_output=True)
        cert = Path(folder) / "cert.pem"
        os.replace(paths[0], cert)
        return {"cert_file": str(cert), "key_file": paths[1]}

    def test_certificate_and_disk(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        tls = self.certificate(folder.name, 3)
        running = self.run_with(server={"tls": tls})
        found = self.hook.wait("raised", "certificate")
        self.assertEqual((tls["cert_file"], "it expires in 2 days"),
                         (found["subject"], found["detail"]))
        self.certificate(folder.name, 90)
        self.hook.wait("resolved", "certificate")
        self.change(disk_free_mib=10**9)
        full = self.hook.wait("raised", "disk")
        self.assertEqual(str(running.state), full["subject"])
        self.assertRegex(full["detail"], r"^\d+ MiB are left$")
        self.change(disk_free_mib=0)
        self.hook.wait("resolved", "disk")
        self.change(on=["upstream_down"], disk_free_mib=10**9)
        Path(tls["cert_file"]).write_text("nothing")
        self.assertEqual(4, len(self.hook.got))

    def test_restart(self):
        """What was told is not told again; what ended meanwhile is; what was under way is not sent
        twice."""
        running = self.run_with(alerts={"disk_free_mib": 10**9})
        self.hook.wait("raised", "disk")
        rig.wait_for(lambda: (found := self.alerts()["recent"]) and
                     found[0]["webhook"]["state"] == "sent", "it is sent")
        for _ in range(3):
            running.kill("controlplane")
            rig.wait_for(lambda: self.api("GET", "/api/v1/alerts")[0] == 200 and
                         self.alerts()["active"], "it is known again")
        self.hook.hold = threading.Event()
        self.assertEqual(["webhook", "log"], self.send_test()["ways"])
        self.hook.wait("test")
        running.kill("controlplane")
        self.wait_latest("the new one knows that it is under way", state="running")
        self.hook.hold.set()
        self.wait_latest("its end is told to the new one", seconds=8, state="sent")
        self.change(disk_free_mib=0)
        self.hook.wait("resolved", "disk")
        self.assertEqual(["raised", "test", "resolved"], [one["event"] for one in self.hook.got])

    def test_dataplane_dies_on_its_way(self):
        """Then nobody knows whether it has arrived: it is sent again, with the same id."""
        running = self.run_with(dataplanes=2)
        self.hook.hold = threading.Event()
        self.send_test()
        first = self.hook.wait("test")
        for name in ("dataplane.0", "dataplane.1"):
            running.kill(name)
        self.hook.hold.set()
        again = self.hook.wait("test", count=2, seconds=60)
        self.assertEqual(first["id"], again["id"])
        self.wait_latest("sent", state="sent")
        self.assertEqual(2, len(self.hook.got))

    def test_receivers_that_fail(self):
        """500: tried again, the same id; a body that says no; slow: given up in time; nobody there.
        Requests go on meanwhile."""
        running = self.run_with()
        self.hook.status = 500
        self.send_test()
        self.assertEqual(400, self.api("POST", "/api/v1/alerts/test")[0])
        self.hook.wait("test", count=2)
        self.hook.status = 204
        self.hook.body = b""
        self.hook.wait("test", count=3)
        self.wait_latest("sent", state="sent")
        self.assertEqual(1, len({one["id"] for one in self.hook.got}))
        self.assertEqual(3, self.latest()["tries"])
        # Feishu and DingTalk say 200 to everything.
        self.hook.status, self.hook.body = 200, b'{"errcode": 310000, "errmsg": "no"}'
        self.change(webhook_template="dingtalk")
        self.send_test()
        self.wait_latest("no", reason="refused")
        self.hook.body = b'{"errcode":0,"errmsg":"ok"}'
        self.wait_latest("sent", state="sent")
        self.assertEqual({"msgtype", "text"}, set(self.hook.got[-1]))
        # One that never answers.
        self.hook.hold = threading.Event()
        self.change(webhook_template="slack")
        began = time.monotonic()
        self.send_test()
        slowest = 0
        while self.latest().get("reason", "") == "":
            at = time.monotonic()
            said("anthropic", running.post("anthropic"))
            slowest = max(slowest, time.monotonic() - at)
            self.assertLess(time.monotonic() - began, 30)
        self.assertGreater(time.monotonic() - began, 9)
        self.assertLess(slowest, 5)
        self.assertIn(self.latest()["reason"], ("timeout_total", "total"))
        self.hook.hold.set()
        self.wait_latest("sent", state="sent")
        # Nobody there.
        port = rig.free_port()
        self.change(webhook_url=f"http://127.0.0.1:{port}/x")
        self.send_test()
        rig.wait_for(lambda: self.latest().get("tries", 0) >= 2, "it is tried")
        self.change(webhook_url="")
        self.wait_latest("off", state="given_up")

    def test_authorization_and_chat(self):
        self.run_with(alerts={"webhook_template": "telegram", "webhook_chat": "-100",
                              "webhook_authorization": "Bearer sk-canary-bearer-0123456789"})
        self.rig.canaries.add("sk-canary-bearer-0123456789")
        self.send_test()
        rig.wait_for(lambda: self.hook.got, "it comes")
        self.assertEqual("-100", self.hook.got[0]["chat_id"])
        self.assertIn("This is a test of alerts", self.hook.got[0]["text"])
        sent = {name.lower(): value for name, value in self.hook.headers[0].items()}
        self.assertEqual("Bearer sk-canary-bearer-0123456789", sent["authorization"])
        self.assertEqual("application/json", sent["content-type"])
        self.assertTrue(self.hook.paths[0].endswith("?t=sk-canary-query"))

    def test_command(self):
        """The owner's program gets the JSON, none of our descriptors and no arguments; one that
        others may write is not run; one that hangs is killed."""
        running = self.run_with(alerts={"webhook_url": "", "command": True})
        program, out = running.state / "alert-command", running.folder / "out"
        self.send_test()
        self.wait_latest("there is none", "command", reason="not_started")
        program.write_text(f"#!/bin/sh\ncat > {out}.part\nls /proc/self/fd > {out}.fds\n"
                           f"echo $# > {out}.count\nenv > {out}.env\nmv {out}.part {out}\n")
        program.chmod(0o777)
        self.wait_latest("others may write", "command", tries=2)
        self.assertFalse(out.exists())
        program.chmod(0o700)
        self.wait_latest("it has run", "command", state="sent")
        sent = json.loads(out.read_text())
        self.assertEqual(("test", "test"), (sent["event"], sent["kind"]))
        # 0, 1 and 2, and that by which ls looks.
        self.assertEqual("0 1 2 3", " ".join(Path(f"{out}.fds").read_text().split()))
        self.assertEqual("0", Path(f"{out}.count").read_text().strip())
        names = {line.partition("=")[0] for line in Path(f"{out}.env").read_text().splitlines()}
        self.assertLessEqual(names, {"PATH", "HOME", "LANG", "TZ", "PWD", "SHLVL", "_", "OLDPWD"})
        program.write_text(f"#!/bin/sh\necho $$ > {out}.pid\nsleep 600 & sleep 600\n")
        self.send_test()
        self.wait_latest("it is killed", "command", seconds=30, reason="timeout")
        pid = int(Path(f"{out}.pid").read_text())
        self.assertFalse(any(f"/{pid}/" in str(path) for path in Path("/proc").glob(f"{pid}/stat")))
        program.write_text("#!/bin/sh\nexit 3\n")
        self.wait_latest("exit 3", "command", seconds=30, status=3)
        self.assertEqual("exit", self.latest("command")["reason"])

    def test_secrets_are_masked(self):
        """Wherever the configuration is shown; a mask that comes back keeps what is stored."""
        self.run_with(alerts={"webhook_authorization": "Bearer sk-canary-bearer-0123456789"},
                      tracing={"headers": "x=sk-canary-headers-0123456789"})
        self.rig.canaries |= {"sk-canary-bearer-0123456789", "sk-canary-headers-0123456789"}
        rows = {row["path"]: row.get("value") for row in self.api("GET", "/api/v1/settings")[1]["rows"]}
        self.assertRegex(rows["alerts.webhook_url"], r"^htt\.\.\..{4}$")
        self.assertRegex(rows["alerts.webhook_authorization"], r"^Bea\.\.\.6789$")
        self.assertRegex(rows["tracing.headers"], r"^x=s\.\.\.6789$")
        for path in ("settings/alerts", "settings/tracing", "config", "config/export",
                     "config/revisions"):
            self.assertEqual(200, self.api("GET", f"/api/v1/{path}")[0])
        status, answer = self.api("PATCH", "/api/v1/settings/alerts", {
            "webhook_url": rows["alerts.webhook_url"], "repeat_seconds": 77})
        self.assertEqual((200, ["alerts.repeat_seconds"]),
                         (status, [one["path"] for one in answer["changes"]]))
        self.send_test()
        self.hook.wait("test")
        other = self.hook.url() + "x"
        status, answer = self.api("PATCH", "/api/v1/settings", {"alerts.webhook_url": other})
        self.assertEqual(["alerts.webhook_url"], [one["path"] for one in answer["changes"]])
        self.assertEqual(200, self.api("GET", "/api/v1/audit")[0])
        self.send_test()
        rig.wait_for(lambda: self.hook.paths[-1].endswith("queryx"), "the new one is asked")

    def test_who_may(self):
        self.run_with()
        answer = self.rig.call("POST", "/api/v1/alerts/test", {}, port=self.rig.admin_port)
        self.assertEqual(403, answer.status)
        answer = self.rig.call("GET", "/api/v1/alerts", {}, port=self.rig.admin_port)
        self.assertEqual(401, answer.status)
        self.assertEqual([], self.hook.got)
        self.assertEqual(0, self.rig.command("test-alert").returncode)
        self.hook.wait("test")


if __name__ == "__main__":
    rig.main()
