"""The stream of news: what comes when, who is cut off, and how it ends."""

import json
import os
import signal
import time
import unittest

import rig
from admin import Caller
from wire import Broken, Wire, request


class Stream:
    """One that listens; events come as (name, id, data)."""

    def __init__(self, caller, query="", **headers):
        self.wire = Wire(caller.port, receive_buffer=headers.pop("receive_buffer", None))
        self.wire.send(request("GET", f"/api/v1/events{query}", b"", {
            "Host": caller.host, **caller.headers,
            **{name.replace("_", "-"): value for name, value in headers.items()}}))
        self.answer = self.wire.head()
        self.text = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.close()

    def chunk(self):
        size = int(self.wire.take_until(b"\r\n"), 16)
        while len(self.wire.buffer) < size + 2:
            if not self.wire.receive():
                raise Broken("cut")
        data = self.wire.take(size)
        self.wire.take(2)
        if not size:
            raise EOFError
        return data

    def event(self):
        """The next one; comments are passed over. EOFError at the end of the answer."""
        while True:
            while b"\n\n" not in self.text:
                self.text += self.chunk()
            text, _, self.text = self.text.partition(b"\n\n")
            lines = dict(line.split(": ", 1) for line in text.decode().split("\n") if ": " in line)
            if "event" in lines:
                return lines["event"], lines.get("id"), json.loads(lines["data"])

    def wait(self, name, fits=lambda data: True, seconds=20):
        end = time.monotonic() + seconds
        while True:
            found, ident, data = self.event()
            if found == name and fits(data):
                return ident, data
            assert time.monotonic() < end, f"no {name}"


class Events(rig.Case):
    config = rig.config(claude=[rig.upstream("a", id="aa"), rig.upstream("b", id="bb")])

    def setUp(self):
        super().setUp()
        self.script = Caller(self.rig.admin_port, self.rig.token)
        rig.wait_for(lambda: self.script.ask("GET", "/api/state").status == 200, "the state")

    def test_state_and_changes(self):
        with Stream(self.script) as stream:
            self.assertEqual(200, stream.answer.status)
            self.assertEqual("text/event-stream", stream.answer.header("content-type"))
            self.assertIn("default-src 'none'", stream.answer.header("content-security-policy"))
            _, state = stream.wait("state")
            self.assertEqual(["a", "b"], [found["name"] for found in state["groups"][0]["upstreams"]])
            self.assertNotIn("users", state)
            done = self.script.good("PATCH", "/api/v1/upstreams/claude:bb", {"name": "二"})
            _, change = stream.wait("change", lambda data: data.get("revision") == done["revision"])
            self.assertEqual([("claude", "bb", "二")], [(found["group"], found["id"], found["name"])
                                                       for found in change["upstreams"]])
            self.script.good("POST", "/api/v1/upstreams/claude:bb/move", {"to": "top"})
            _, state = stream.wait("state")
            self.assertEqual(["二", "a"], [found["name"] for found in state["groups"][0]["upstreams"]])
            self.script.good("POST", "/api/v1/upstreams/claude:bb/move", {"to": "bottom"})

    def test_requests(self):
        with Stream(self.script, "?topics=requests") as stream, Stream(self.script) as other:
            other.wait("state")
            # Those that were before are no news; the second is known to come behind the first.
            def first():
                self.rig.post("anthropic", "news")
                return True
            first()
            deadline = time.monotonic() + 15
            ids = []
            while not ids and time.monotonic() < deadline:
                self.rig.post("anthropic", "news")
                stream.wire.socket.settimeout(2)
                try:
                    ident, data = stream.wait("requests")
                    ids += [ident]
                except Broken:
                    pass
            self.assertTrue(ids, "news of requests")
            seqs = [record["seq"] for record in data["records"]]
            self.assertEqual(sorted(seqs), seqs)
            self.assertEqual(str(seqs[-1]), ident)
            self.assertEqual("completed", data["records"][0]["result"])
            other.wait("requests", lambda data: data["records"][-1]["seq"] >= seqs[-1])
        for _ in range(3):
            self.rig.post("anthropic", "missed")
        newest = rig.wait_for(
            lambda: (found := self.script.get("/api/v1/requests?limit=1")["records"])
            and found[0]["seq"] >= seqs[-1] + 3 and found[0]["seq"], "they are counted")
        with Stream(self.script, "?topics=requests", Last_Event_ID=ident) as stream:
            _, data = stream.wait("requests")
            self.assertEqual(list(range(seqs[-1] + 1, newest + 1)),
                             [record["seq"] for record in data["records"]])

    def test_wrong_topics(self):
        for query in ("?topics=", "?topics=state,all", "?topics=x"):
            self.assertEqual(400, self.script.ask("GET", f"/api/v1/events{query}").status, query)
        self.assertEqual(401, Caller(self.rig.admin_port).ask("GET", "/api/v1/events").status)
        self.assertEqual(200, self.script.ask("HEAD", "/api/v1/events").status)

    def test_a_logout_ends_it(self):
        browser, other = Caller(self.rig.admin_port), Caller(self.rig.admin_port)
        browser.login(self.rig.token)
        other.login(self.rig.token)
        with Stream(browser) as stream, Stream(other) as second:
            browser.good("POST", "/api/logout", {})
            self.assertEqual("logged_out", stream.wait("end")[1]["reason"])
            self.assertRaises(EOFError, stream.event)
            second.wait("state")
            self.script.good("DELETE", "/api/v1/sessions?user=*")
            self.assertEqual("logged_out", second.wait("end")[1]["reason"])

    def test_silence_of_the_control_plane(self):
        pid = self.rig.pid("controlplane")
        with Stream(self.script) as stream:
            stream.wait("state")
            os.kill(pid, signal.SIGSTOP)
            try:
                _, data = stream.wait("control", seconds=25)
                self.assertFalse(data["answering"])
            finally:
                os.kill(pid, signal.SIGCONT)
            stream.wait("control", lambda data: data["answering"])

    def test_many(self):
        streams = []
        try:
            while len(streams) < 256:
                streams.append(Stream(self.script, "?topics=state"))
                self.assertEqual(200, streams[-1].answer.status, len(streams))
            self.assertEqual(503, self.script.ask("GET", "/api/v1/events").status)
            self.assertEqual(200, self.script.ask("GET", "/api/state").status)
            done = self.script.good("PATCH", "/api/v1/upstreams/claude:aa", {"name": "all"})
            for stream in streams:
                stream.wait("change", lambda data: data.get("revision") == done["revision"])
            self.script.good("PATCH", "/api/v1/upstreams/claude:aa", {"name": "a"})
        finally:
            for stream in streams:
                stream.wire.close()

        def room():
            with Stream(self.script) as stream:
                return stream.answer.status == 200
        rig.wait_for(room, "room again")

    def test_on_the_api_port(self):
        caller = Caller(self.rig.port, self.rig.token)
        with Stream(caller) as stream:
            stream.wait("state")


class Slow(rig.Case):
    config = rig.config(*[[rig.upstream(f"{group}{i}", id=f"{group}{i}", enabled=False)
                           for i in range(200)] for group in "xyz"])

    def test_who_does_not_read_is_cut_off(self):
        script = Caller(self.rig.admin_port, self.rig.token)
        rig.wait_for(lambda: script.ask("GET", "/api/state").status == 200, "the state")
        size = len(json.dumps(script.get("/api/state")))
        pid = self.rig.pid("webadmin")
        with Stream(script, "?topics=state", receive_buffer=4096) as slow, \
                Stream(script, "?topics=state") as good:
            good.wait("state")
            moves = 0

            def cut():
                nonlocal moves
                moves += 1
                script.good("POST", "/api/v1/upstreams/claude:x5/move", {"to": moves % 2 * 9})
                good.wait("state")
                return self.rig.log("slow_listener")
            rig.wait_for(cut, "it is cut off", 60)
            self.assertLess(moves * size, 12 << 20)
            self.assertLess(rig.rss_kib(pid), 600 << 10)  # with the sanitizer's own
            good.wait("change")
            with self.assertRaises((Broken, ConnectionError)):
                while True:
                    slow.event()


if __name__ == "__main__":
    rig.main()
