"""Who may: users with roles, codes that let in once, sessions ended everywhere, another token; and the
audit of all that."""

import json
import re
import unittest

import rig
from admin import Caller


class Access(rig.Case):
    config = rig.everywhere("a")

    def setUp(self):
        super().setUp()
        self.admin = Caller(self.rig.admin_port, self.rig.token)

    def browser(self, token):
        caller = Caller(self.rig.admin_port)
        caller.said = caller.login(token)
        return caller

    def file(self):
        return json.loads(self.rig.config_file.read_text())

    def test_the_first_address_logs_in_once(self):
        found = re.search(r"http://localhost:(\d+)/#login=(\S+)  \(once", self.rig.banner())
        self.assertEqual(self.rig.admin_port, int(found.group(1)))
        self.assertFalse((self.rig.run / "login-code").exists())
        self.assertEqual("admin", self.browser(found.group(2)).said["user"])
        stranger = Caller(self.rig.admin_port)
        self.assertEqual(401, stranger.patient("POST", "/api/login", {"token": found.group(2)}).status)

    def test_login_command(self):
        done = self.rig.command("login", "--admin-port", str(self.rig.admin_port))
        self.assertEqual(0, done.returncode, done.stderr)
        code = re.search(rf":{self.rig.admin_port}/#login=(\S+)", done.stdout).group(1)
        script = Caller(self.rig.admin_port, code)
        self.assertEqual(401, script.patient("GET", "/api/state").status, "a code is no token")
        self.assertEqual("admin", self.browser(code).said["role"])

    def test_check_command(self):
        bad = self.rig.folder / "bad.json"
        bad.write_text('{"api_configs": [{"base_url": 7, "key": "k"}]}')
        done = self.rig.command_plain("check", bad)
        self.assertEqual((1, True), (done.returncode, "api_configs[0].base_url" in done.stdout), done)
        self.assertEqual(0, self.rig.command_plain("check", self.rig.config_file).returncode)

    def test_users(self):
        made = self.admin.good("POST", "/api/v1/users", {"name": "ann", "role": "viewer"}, status=201)
        self.assertRegex(made["token"], r"^pmu-[\w-]{43}$")
        self.assertNotIn(made["token"], self.rig.config_file.read_text())
        ann = self.browser(made["token"])
        self.assertEqual(("ann", "viewer"), (ann.said["user"], ann.said["role"]))
        session = ann.get("/api/session")
        self.assertEqual(("ann", "viewer"), (session["user"], session["role"]))
        for path in ("/api/state", "/api/v1/upstreams", "/api/v1/config", "/api/v1/requests"):
            ann.get(path)
        for method, path in (("POST", "/api/reload"), ("PATCH", "/api/v1/settings"),
                             ("GET", "/api/v1/audit"), ("POST", "/api/v1/users"),
                             ("POST", "/api/configs"), ("POST", "/api/v1/access/token"),
                             ("POST", "/api/v1/access/metrics-token")):
            answer = ann.ask(method, path, {} if method != "GET" else None)
            self.assertEqual(403, answer.status, (path, answer))
        # A role or token that is another ends what was begun with the one before.
        rig.wait_for(lambda: self.admin.good("PATCH", f"/api/v1/users/{made['id']}",
                                             {"role": "admin"}), "she is an admin now")
        rig.wait_for(lambda: ann.ask("GET", "/api/state").status == 401, "the session ends")
        ann = self.browser(made["token"])
        done = ann.good("PATCH", "/api/v1/settings", {"server.attempts_max": 5})
        newest = self.admin.get("/api/v1/audit?who=ann&action=settings")["entries"][0]
        self.assertEqual(("ann", "page", "127.0.0.1", done["revision"]),
                         (newest["who"], newest["via"], newest["peer"], newest["revision"]))
        self.assertIn({"path": "server", "from": None, "to": {"attempts_max": 5}}, newest["changes"])
        turned = self.admin.good("POST", f"/api/v1/users/{made['id']}/rotate")
        rig.wait_for(lambda: ann.ask("GET", "/api/state").status == 401, "her old token's session ends")
        ann = self.browser(turned["token"])
        script = Caller(self.rig.admin_port, turned["token"])
        script.get("/api/state")
        self.admin.good("POST", f"/api/v1/users/{made['id']}/disable")
        rig.wait_for(lambda: ann.ask("GET", "/api/state").status == 401, "she is out")
        rig.wait_for(lambda: script.ask("GET", "/api/state").status == 401, "her script too")
        answer = self.admin.ask("POST", "/api/v1/users", {"name": "Admin"})
        self.assertEqual(422, answer.status, answer)
        self.admin.good("DELETE", f"/api/v1/users/{made['id']}")
        self.admin.good("PATCH", "/api/v1/settings", {"server.attempts_max": None})

    def test_logout_everywhere(self):
        browsers = [self.browser(self.rig.token) for _ in range(3)]
        listed = browsers[0].get("/api/v1/sessions")["sessions"]
        self.assertEqual(1, sum(session["own"] for session in listed))
        self.assertGreaterEqual(len(listed), 3)
        browsers[0].good("DELETE", "/api/v1/sessions")
        for browser in browsers:
            self.assertEqual(401, browser.ask("GET", "/api/state").status)

    def test_another_token(self):
        old = self.rig.token
        browser = self.browser(old)
        made = self.admin.good("POST", "/api/v1/access/token", {})
        self.assertRegex(made["token"], r"^pma-[\w-]{43}$")
        self.assertEqual(made["token"], self.rig.token, "the file has it")
        self.assertNotIn(made["token"], self.rig.config_file.read_text())
        rig.wait_for(lambda: browser.ask("GET", "/api/state").status == 401, "sessions end")
        rig.wait_for(lambda: self.admin.ask("GET", "/api/state").status == 401, "the old one is nobody")
        Caller(self.rig.admin_port, made["token"]).get("/api/state")
        entry = Caller(self.rig.admin_port, made["token"]).get("/api/v1/audit?action=token")["entries"][0]
        self.assertEqual([{"path": "admin.token_sha256", "from": "set", "to": "set"}],
                         entry["changes"])

    def test_metrics_token(self):
        """Minted once, opens /metrics and nothing else, and the next one takes its place."""
        made = [self.admin.good("POST", "/api/v1/access/metrics-token", {})["token"] for _ in range(2)]
        self.assertRegex(made[0], r"^pmm-[\w-]{43}$")
        first, second = (Caller(self.rig.admin_port, token) for token in made)
        rig.wait_for(lambda: second.ask("GET", "/metrics").status == 200, "it opens the figures")
        self.assertEqual(401, second.ask("GET", "/api/state").status)
        rig.wait_for(lambda: first.patient("GET", "/metrics").status == 401, "the one before is nobody")
        self.assertNotIn(made[1], self.rig.config_file.read_text())
        self.admin.get("/api/state")

    def test_z_audit(self):
        self.admin.good("POST", "/api/v1/model-rules", {"source_model": "x", "target_model": "y"},
                        status=201)
        self.rig.command("disable", "claude:" + self.file()["api_configs"][0]["id"])
        self.rig.change_config(lambda config: config["api_configs"][0].update(enabled=True))
        def actions():
            found = self.admin.get("/api/v1/audit?limit=1000")["entries"]
            return {(entry["action"], entry["who"], entry["via"]) for entry in found}
        for wanted in (("add", "admin", "script"), ("merge", "pointsman", "command"),
                       ("file", "file", "file")):
            rig.wait_for(lambda: wanted in actions(), wanted)
        first = self.admin.get("/api/v1/audit?limit=2")["entries"]
        second = self.admin.get(f"/api/v1/audit?limit=2&before={first[-1]['seq']}")["entries"]
        self.assertLess(second[0]["seq"], first[-1]["seq"])
        self.assertEqual(0o600, (self.rig.state / "audit.jsonl").stat().st_mode & 0o777)
        text = (self.rig.state / "audit.jsonl").read_text()
        for key in self.rig.canaries | {self.rig.token, self.rig.key}:
            self.assertNotIn(key, text)
        # One line for many wrong tokens.
        stranger = Caller(self.rig.admin_port)
        for _ in range(4):
            self.assertIn(stranger.ask("POST", "/api/login", {"token": "no"}).status, (401, 429))
        refused = self.admin.get("/api/v1/audit?action=login_refused")["entries"]
        self.assertLessEqual(len(refused), 1)


if __name__ == "__main__":
    rig.main()
