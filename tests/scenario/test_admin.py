"""The admin side: on its own port and, for this machine's users, on the API port; who may do what; and
that no page of another site can use it."""

import json
import os
import re
import select
import signal

import rig
from protocols import said
from wire import Wire, request


class Admin(rig.Case):
    config = rig.everywhere("a")

    def ask(self, method, path, port=None, body=None, **headers):
        headers = {"Host": "localhost:1", **{k.replace("_", "-"): v for k, v in headers.items()}}
        data = b"" if body is None else json.dumps(body).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        return self.rig.call(method, path, headers, data, port or self.rig.admin_port)

    def doors(self):
        return self.rig.admin_port, self.rig.port

    def login(self, port=None):
        """(cookie, csrf token) of a new session."""
        answer = self.ask("POST", "/api/login", port, {"token": self.rig.token})
        self.assertEqual(200, answer.status, answer)
        cookie = answer.header("set-cookie")
        for part in ("HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(part, cookie)
        return cookie.split(";")[0], json.loads(answer.body)["csrf_token"]

    def test_page_on_both_ports(self):
        for port in self.doors():
            page = self.ask("GET", "/", port)
            self.assertEqual(200, page.status)
            self.assertIn(b"<html", page.body)
            for name in re.findall(rb'(?:src|href)="(/[^"]+)"', page.body):
                part = self.ask("GET", name.decode(), port)
                self.assertEqual(200, part.status, name)
            self.assertEqual(200, self.ask("HEAD", "/index.html", port).status)

    def test_nothing_without_login(self):
        for port in self.doors():
            for headers in ({}, {"Cookie": "pointsman=x"}, {"Authorization": "Bearer wrong"},
                            {"Authorization": f"Bearer {self.rig.key}"},
                            {"X-Forwarded-For": "127.0.0.1"}):
                answer = self.ask("GET", "/api/state", port, **headers)
                self.assertEqual(401, answer.status, (headers, answer))
                self.assertFalse(json.loads(answer.body)["success"])
            answer = self.ask("POST", "/api/reload", port, {})
            self.assertEqual(401, answer.status, answer)

    def test_login_and_state(self):
        for port in self.doors():
            cookie, _ = self.login(port)
            answer = rig.wait_for(lambda: (found := self.ask(
                "GET", "/api/state", port, Cookie=cookie)).status == 200 and found, "state")
            state = json.loads(answer.body)
            self.assertEqual(["a"], [upstream["name"] for group in state["groups"]
                                     if group["group"] == "claude" for upstream in group["upstreams"]])
            rig.wait_for(lambda: json.loads(self.ask("GET", "/api/state", port, Cookie=cookie).body)[
                "dataplanes"], "data planes report", 5)
            session = json.loads(self.ask("GET", "/api/session", port, Cookie=cookie).body)
            self.assertTrue(session["logged_in"])

    def test_bearer_for_scripts(self):
        headers = {"Authorization": f"Bearer {self.rig.token}"}
        self.assertEqual(200, self.ask("GET", "/api/state", **headers).status)
        self.assertEqual(200, self.ask("POST", "/api/reload", body={}, **headers).status)

    def test_logout(self):
        cookie, csrf = self.login()
        answer = self.ask("POST", "/api/logout", body={}, Cookie=cookie, X_CSRF_Token=csrf)
        self.assertEqual(200, answer.status)
        self.assertEqual(401, self.ask("GET", "/api/state", Cookie=cookie).status)

    def test_foreign_pages(self):
        """What a browser would send for a page of another site."""
        cookie, csrf = self.login()
        self.assertEqual(403, self.ask("POST", "/api/reload", body={}, Cookie=cookie).status)
        self.assertEqual(403, self.ask("POST", "/api/reload", body={}, Cookie=cookie,
                                       X_CSRF_Token=csrf, Origin="http://evil.example").status)
        self.assertEqual(403, self.ask("POST", "/api/reload", body={}, Cookie=cookie,
                                       X_CSRF_Token=csrf, Content_Type="text/plain").status)
        self.assertEqual(200, self.ask("POST", "/api/reload", body={}, Cookie=cookie,
                                       X_CSRF_Token=csrf, Origin="http://localhost:1").status)

    def test_host_is_checked(self):
        """A name that somebody let point at 127.0.0.1 is not ours."""
        for port in self.doors():
            for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
                         "192.168.1.1", "localhost@evil.example"):
                answer = self.ask("GET", "/", port, Host=host)
                self.assertIn(answer.status, (400, 421), (host, answer))
                self.assertNotIn(b"<html", answer.body)
            for host in ("localhost", "127.0.0.1:5102", "[::1]:5102"):
                self.assertEqual(200, self.ask("GET", "/", port, Host=host).status, host)

    def test_security_headers(self):
        for path in ("/", "/api/session", "/nothing", "/api/nothing"):
            answer = self.ask("GET", path)
            self.assertIn("default-src 'none'", answer.header("content-security-policy"), path)
            self.assertNotIn("unsafe", answer.header("content-security-policy"))
            self.assertEqual("nosniff", answer.header("x-content-type-options"))
            self.assertEqual("DENY", answer.header("x-frame-options"))
            self.assertIsNone(answer.header("access-control-allow-origin"))

    def test_no_files_beside_its_own(self):
        for path in ("/../../etc/passwd", "/assets/../main.c", "/assets/%2e%2e/main.c", "/%2e%2e/x",
                     "/assets//etc/passwd", "/client-key", "/assets/", "/index.html%00.js"):
            answer = self.ask("GET", path)
            self.assertIn(answer.status, (400, 404), (path, answer))

    def test_unknown_paths(self):
        answer = self.ask("GET", "/api/nothing")
        self.assertEqual(404, answer.status)
        self.assertFalse(json.loads(answer.body)["success"])
        self.assertEqual(405, self.ask("DELETE", "/api/state").status)

    def test_state_holds_no_secret(self):
        """The wire looks for upstream keys in every answer; here for our own, too."""
        cookie, _ = self.login()
        answer = self.ask("GET", "/api/state", Cookie=cookie)
        for secret in (self.rig.key, self.rig.token):
            self.assertNotIn(secret.encode(), answer.body)

    def test_without_controlplane(self):
        """Says so, and comes back by itself."""
        cookie, _ = self.login()
        pid = self.rig.pid("controlplane")
        os.kill(pid, signal.SIGSTOP)
        try:
            answer = rig.wait_for(
                lambda: (found := self.ask("GET", "/api/state", Cookie=cookie)).status == 503
                and found, "its absence is told", 15)
            self.assertIn("control plane", json.loads(answer.body)["message"])
            self.assertEqual(200, self.ask("GET", "/").status)
            said("anthropic", self.rig.post("anthropic"))
        finally:
            os.kill(pid, signal.SIGCONT)
        rig.wait_for(lambda: self.ask("GET", "/api/state", Cookie=cookie).status == 200, "it is back")

    def test_without_webadmin(self):
        """The API port says so at once, and serves calls."""
        pid = self.rig.pid("webadmin")
        os.kill(pid, signal.SIGSTOP)
        try:
            said("anthropic", self.rig.post("anthropic"))
        finally:
            os.kill(pid, signal.SIGCONT)
        self.rig.kill("webadmin")
        rig.wait_for(lambda: self.ask("GET", "/", self.rig.port).status == 200, "it is back")

    def test_bodies_have_room_for_some_at_a_time(self):
        """However many connections the owner's scripts open: the rest is told to come back."""
        bearer = {"Host": "localhost:1", "Authorization": f"Bearer {self.rig.token}"}
        self.assertEqual(200, self.rig.call("GET", "/api/v1/state", bearer, port=self.rig.admin_port).status)
        wires = [Wire(self.rig.admin_port) for _ in range(40)]
        for wire in wires:
            wire.send(request("POST", "/api/v1/nothing", headers={**bearer, "Content-Length": 6 << 20}, length=False))

        def answered():
            return select.select([wire.socket for wire in wires], [], [], 0)[0]
        rig.wait_for(lambda: len(answered()) >= 20, "there is no room for more")
        refused = [wire for wire in wires if wire.socket in answered()]
        self.assertEqual({503}, {wire.answer().status for wire in refused})
        self.assertLess(len(refused), 35)
        self.assertEqual(404, self.rig.call("POST", "/api/v1/nothing", bearer, b"{}", self.rig.admin_port).status)
        for wire in wires:
            wire.close()
        rig.wait_for(lambda: self.rig.call("POST", "/api/v1/nothing", bearer, b" " * (6 << 20),
                                           self.rig.admin_port).status == 404, "there is room again")

    def test_z_guesses_are_limited(self):
        """Last, since it uses up the tries."""
        statuses = [self.ask("POST", "/api/login", body={"token": f"guess{i}"}).status
                    for i in range(20)]
        self.assertEqual({401, 429}, set(statuses), statuses)
        self.assertLessEqual(statuses.count(401), 8)
        answer = self.ask("POST", "/api/login", body={"token": "guess"})
        self.assertGreater(int(answer.header("retry-after")), 0)
        # Its holder is at the same address, and is not kept waiting; nor may others guess in its shape.
        for _ in range(3):
            self.assertEqual(200, self.ask("POST", "/api/login", body={"token": self.rig.token}).status)
        self.assertEqual(200, self.ask("GET", "/api/state", Authorization=f"Bearer {self.rig.token}").status)
        wrong = [self.rig.token[:-1] + letter for letter in "abcdefgh" if not self.rig.token.endswith(letter)]
        self.assertEqual({429}, {self.ask("POST", "/api/login", body={"token": token}).status for token in wrong[:3]})


class Switches(rig.Case):
    config = rig.everywhere("a", server={"admin_on_api_port": False})

    def test_not_on_the_api_port(self):
        for path in ("/", "/api/state", "/index.html"):
            answer = self.rig.call("GET", path, {"Host": "localhost"})
            self.assertEqual(404, answer.status, answer)
        said("chat", self.rig.post("chat"))


if __name__ == "__main__":
    rig.main()
