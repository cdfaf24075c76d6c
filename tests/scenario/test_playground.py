"""The playground on the admin port: what a client would get, as it comes, without any client key."""

import json
import threading
import time
import unittest

import rig
from admin import Caller
from protocols import PROTOCOLS, ask, stream_text
from wire import Wire, request


class Playground(rig.Case):
    dataplanes = 2
    config = rig.config(claude=[rig.upstream("a", id="a")], codex=["a"], chat=["a"], **rig.plain())

    def setUp(self):
        super().setUp()
        self.script = Caller(self.rig.admin_port, self.rig.token)
        rig.wait_for(lambda: self.script.ask("GET", "/api/state").status == 200
                     and len(self.script.get("/api/state")["dataplanes"]) == 2, "the data planes are there")

    def play(self, protocol, prompt="hi", stream=True, query="", caller=None, **more):
        return (caller or self.script).ask("POST", f"/api/v1/playground/{protocol}{query}",
                                           raw=ask(protocol, prompt, stream=stream, **more))

    def told(self, result, key="playground"):
        """A request of this end, told as one of this key."""
        return rig.wait_for(lambda: self.script.get(
            f"/api/v1/requests?limit=1&client_key={key}&result={result}")["records"], f"{result} of {key} is told")

    def test_what_a_client_would_get(self):
        for protocol in PROTOCOLS:
            for stream in (True, False):
                with self.subTest(protocol=protocol, stream=stream):
                    answer = self.play(protocol, "[demo:say well done]", stream)
                    other = self.rig.post(protocol, "[demo:say well done]", stream)
                    self.assertEqual((200, "200", True), (answer.status, answer.header("x-pointsman-status"), answer.whole))
                    self.assertEqual(other.header("content-type").split(";")[0], answer.header("content-type").split(";")[0])
                    self.assertIn(b"well done", answer.body if not stream else stream_text(protocol, answer.body)[0].encode())
                    self.assertTrue(answer.header("content-security-policy"))
        self.told("completed")

    def test_as_it_comes(self):
        """Also by the API port and a session, through two programs and back."""
        self.rig.demo.fault("a", "pace:bytes=10;ms=20")
        self.addCleanup(self.rig.demo.mend)
        for port in (self.rig.admin_port, self.rig.port):
            caller = Caller(port, host=f"localhost:{port}")
            caller.login(self.rig.token)
            with Wire(port) as wire:
                wire.send(request("POST", "/api/v1/playground/anthropic", ask("anthropic", "[demo:words 40]"),
                                  {"Host": caller.host, **caller.headers, "Content-Type": "application/json"}))
                head = wire.head()
                self.assertEqual(200, head.status)
                began = time.monotonic()
                for _ in wire.pieces(answer := head):
                    pass
                self.assertTrue(answer.whole)
                self.assertGreater(time.monotonic() - began, 0.3, "it came all at once")

    def test_failures_are_shown(self):
        for fault, status in (("529", "529"), ("401", "503")):
            self.rig.demo.fault("a", fault, 1)
            answer = self.play("anthropic")
            self.assertEqual(200, answer.status)
            self.assertNotEqual("200", answer.header("x-pointsman-status"))
            self.assertEqual("error", json.loads(answer.body)["type"])
        self.script.good("POST", "/api/v1/clear", {})
        answer = self.script.ask("POST", "/api/v1/playground/anthropic", raw=b"{no json")
        self.assertEqual((200, "400"), (answer.status, answer.header("x-pointsman-status")))
        self.rig.demo.fault("a", "cut:after=5", 1)
        answer = self.play("anthropic", "[demo:words 40]")
        self.assertFalse(answer.whole, "a stream that was cut looks whole")

    def test_with_the_limits_of_a_client(self):
        made = self.script.good("POST", "/api/v1/client-keys", {"name": "limited", "allowed_models": ["only-this"]}, 201)
        ident = made["id"]
        def known():
            answer = self.play("anthropic", query=f"?client_key={ident}", model="only-this")
            return answer.header("x-pointsman-status") == "200"
        rig.wait_for(known, "the key is known")
        self.told("completed", ident)
        answer = self.play("anthropic", query=f"?client_key={ident}", model="another")
        self.assertNotEqual("200", answer.header("x-pointsman-status"))
        self.assertEqual("401", self.play("anthropic", query="?client_key=nobody").header("x-pointsman-status"))
        self.assertEqual(400, self.play("anthropic", query="?client_key=a%0D%0Ax:%20y").status)

    def test_who_may(self):
        mark = self.rig.demo.newest()
        self.assertEqual(401, self.play("anthropic", caller=Caller(self.rig.admin_port)).status)
        viewer = self.script.good("POST", "/api/v1/users", {"name": "watcher"}, 201)["token"]
        self.assertEqual(403, self.play("anthropic", caller=Caller(self.rig.admin_port, viewer)).status)
        browser = Caller(self.rig.admin_port)
        browser.login(self.rig.token)
        for headers in ({"Origin": "http://evil.example"}, {"X_CSRF_Token": None}, {"Content_Type": "text/plain"}):
            self.assertEqual(403, browser.ask("POST", "/api/v1/playground/anthropic", raw=ask("anthropic", "x"),
                                              **headers).status, headers)
        self.assertEqual(404, self.play("gemini").status)
        self.assertEqual([], self.rig.demo.calls(mark))
        # The way in is not for clients: on the API port the header counts for nothing.
        answer = self.rig.call("POST", "/v1/messages", {"x-pointsman-client-key-id": "first"}, ask("anthropic", "x"))
        self.assertEqual(401, answer.status)

    def test_one_that_leaves(self):
        self.rig.demo.fault("a", "stall:headers")
        self.addCleanup(self.rig.demo.mend)
        mark = self.rig.demo.newest()
        with Wire(self.rig.admin_port) as wire:
            wire.send(request("POST", "/api/v1/playground/anthropic", ask("anthropic", "x"), {
                "Authorization": f"Bearer {self.rig.token}", "Content-Type": "application/json"}))
            rig.wait_for(lambda: len(self.rig.demo.calls(mark)) == 1, "the upstream is asked")
        rig.wait_for(lambda: [call.how for call in self.rig.demo.calls(mark)] == ["client_gone"],
                     "the upstream is let go of")
        self.told("client_gone")

    def test_so_many_at_once(self):
        self.rig.demo.fault("a", "stall:headers")
        self.addCleanup(self.rig.demo.mend)
        mark = self.rig.demo.newest()
        wires = [Wire(self.rig.admin_port) for _ in range(16)]
        for wire in wires:
            self.addCleanup(wire.close)
            wire.send(request("POST", "/api/v1/playground/anthropic", ask("anthropic", "x"), {
                "Authorization": f"Bearer {self.rig.token}", "Content-Type": "application/json"}))
        rig.wait_for(lambda: len(self.rig.demo.calls(mark)) == 16, "all are under way")
        self.assertEqual(429, self.play("anthropic").status)
        self.rig.demo.mend()
        for wire in wires:
            wire.close()
        rig.wait_for(lambda: self.play("anthropic").status == 200, "there is room again")

    def test_one_that_does_not_read(self):
        """Its webadmin keeps no more than a little, and goes on for others."""
        self.rig.demo.fault("a", "events=2000;ms=0;bytes=16384")
        self.addCleanup(self.rig.demo.mend)
        with Wire(self.rig.admin_port, receive_buffer=4096) as wire:
            wire.send(request("POST", "/api/v1/playground/anthropic", ask("anthropic", "x"), {
                "Authorization": f"Bearer {self.rig.token}", "Content-Type": "application/json"}))
            wire.head()
            self.rig.demo.mend()
            before = rig.rss_kib(self.rig.pid("webadmin"))
            for _ in range(20):
                self.assertEqual(200, self.play("anthropic", "[demo:say x]").status)
            self.assertLess(rig.rss_kib(self.rig.pid("webadmin")) - before, 8 * 1024)

    def test_a_data_plane_dies(self):
        """The call is cut; the next goes to another, and to the same when it is back."""
        self.rig.demo.fault("a", "pace:bytes=4;ms=50")
        self.addCleanup(self.rig.demo.mend)
        answers = []
        thread = threading.Thread(target=lambda: answers.append(self.play("anthropic", "[demo:words 200]")))
        thread.start()
        plane = rig.wait_for(lambda: next((plane["instance"] for plane in self.script.get("/api/state")["dataplanes"]
                                           if plane["in_flight"]), None), "it is under way")
        self.rig.kill(plane)
        thread.join(20)
        self.assertEqual([False], [answer.whole and answer.status == 200 for answer in answers])
        self.rig.demo.mend()
        # One that is dying may still take a call with it.
        answer = rig.wait_for(lambda: (found := self.play("anthropic")).header("x-pointsman-status") and found,
                              "another takes it", 5)
        self.assertEqual("200", answer.header("x-pointsman-status"), answer)
        rig.wait_for(self.rig.ready, "it is back")
        self.assertEqual("200", self.play("anthropic").header("x-pointsman-status"))


if __name__ == "__main__":
    rig.main()
