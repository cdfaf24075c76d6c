"""The owner ends running requests: the upstream is let go of, the client is told so in its own protocol,
what was used is counted once, and nobody is blamed."""

import re
import threading
import unittest

import rig
from admin import Caller
from protocols import PATHS, PROTOCOLS, ask, error, error_event, events, stream_text
from wire import Wire, request


class Cancel(rig.Case):
    dataplanes = 2
    config = rig.config(claude=[rig.upstream("a", id="a"), rig.upstream("b", id="b")],
                        codex=[rig.upstream("a", id="a")],
                        chat=[rig.upstream("a", id="a")], **rig.plain())

    def setUp(self):
        super().setUp()
        self.script = Caller(self.rig.admin_port, self.rig.token)
        rig.wait_for(lambda: self.script.ask("GET", "/api/state").status == 200
                     and len(self.script.get("/api/state")["dataplanes"]) == 2, "the data planes are there")

    def running(self):
        return [one for plane in self.script.get("/api/state")["dataplanes"] for one in plane["running"]]

    def begin(self, protocol, prompt, **more):
        wire = Wire(self.rig.port)
        self.addCleanup(wire.close)
        wire.send(request("POST", PATHS[protocol], ask(protocol, prompt, **more), {
            "Authorization": f"Bearer {self.rig.key}", "Content-Type": "application/json"}))
        return wire

    def find(self, fits=lambda one: True):
        """The one that runs, as the state tells it."""
        return rig.wait_for(lambda: (found := [one for one in self.running() if fits(one)])
                            and len(found) == 1 and found[0], "it is seen to run")

    def find_all(self, wanted, key, fits):
        """Those that run, as the state tells them, by this key."""
        def look():
            found = {key(one): one for one in self.running() if fits(one)}
            return found.keys() == wanted.keys() and found
        return rig.wait_for(look, "all are seen to run")

    def begun_ids(self):
        """Of streams that have begun, from the data planes' own journals: no report is so soon."""
        return {found.decode() for file in self.rig.run.glob("dataplane.*.journal")
                for found in re.findall(rb"req_[0-9a-f]{24}", file.read_bytes())}

    def cancel(self, ident):
        return self.script.ask("POST", f"/api/v1/requests/{ident}/cancel")

    def record(self, ident):
        found = rig.wait_for(lambda: self.script.get(f"/api/v1/requests?id={ident}")["records"], "its record")
        self.assertEqual(1, len(found), "recorded once")
        return found[0]

    def blameless(self):
        rig.wait_for(lambda: not self.running(), "none runs any more")
        for group in self.script.get("/api/state")["groups"]:
            for upstream in group["upstreams"]:
                self.assertEqual(("up", 0, 0), (upstream["health"]["state"], upstream["health"]["errors"],
                                                upstream["health"]["failures"]), upstream)

    def let_go(self, mark, count):
        rig.wait_for(lambda: [call.how for call in self.rig.demo.calls(mark)] == ["client_gone"] * count,
                     "the upstream is let go of, and no other is asked")
        self.blameless()

    def check_record(self, ident, calls):
        record = self.record(ident)
        self.assertEqual(("cancelled", "cancelled", "nobody", calls),
                         (record["result"], record["reason"], record["blame"], record["calls"]), record)
        self.assertEqual(["cancelled"] * calls, [one["reason"] for one in record["attempts"]])
        self.assertEqual(["nobody"] * calls, [one["blame"] for one in record["attempts"]])
        return record

    def test_before_an_answer(self):
        """Each protocol in both forms, all at a time: what is under way is told once a second."""
        self.rig.demo.mend()
        mark = self.rig.demo.newest()
        self.rig.demo.fault("a", "stall")
        asked = {(protocol, stream): self.begin(protocol, "wait", stream=stream)
                 for protocol in PROTOCOLS for stream in (True, False)}
        found = self.find_all(asked, lambda one: (one["protocol"], one["stream"]),
                              lambda one: one["upstream"].endswith(":a"))
        for (protocol, stream), wire in asked.items():
            with self.subTest(protocol=protocol, stream=stream):
                one = found[protocol, stream]
                self.assertEqual(("demo", 1, False), (one["model"], one["calls"], one["begun"]))
                self.assertEqual(200, self.cancel(one["id"]).status)
                answer = wire.answer()
                self.assertEqual(400, answer.status, "a status that nobody tries again at")
                self.assertIn("cancelled", error(protocol, answer)[1])
                self.check_record(one["id"], 1)
        self.let_go(mark, 6)
        self.assertEqual({404}, {self.cancel(one["id"]).status for one in found.values()}, "they have ended")

    def test_in_mid_answer(self):
        self.rig.demo.mend()
        mark = self.rig.demo.newest()
        self.rig.demo.fault("a", "stall:after=8+pace:bytes=4")
        asked = {protocol: self.begin(protocol, "[demo:words 40]") for protocol in PROTOCOLS}
        found = self.find_all(asked, lambda one: one["protocol"], lambda one: one["begun"])
        for protocol, wire in asked.items():
            with self.subTest(protocol):
                self.assertTrue(found[protocol]["stream"])
                self.assertEqual(200, self.cancel(found[protocol]["id"]).status)
                answer = wire.answer()
                self.assertEqual(200, answer.status)
                self.assertFalse(answer.whole, "the last chunk came: the answer looks complete")
                told = error_event(protocol, answer.body)
                self.assertIsNotNone(told, answer)
                self.assertIn(b"cancelled", events(answer.body)[-1][1].encode())
                self.assertFalse(stream_text(protocol, answer.body)[1], "a mark of success")
                self.assertNotIn(b"[DONE]", answer.body)
                if protocol == "responses":
                    self.assertIn(b'"invalid_prompt"', answer.body, "a code that Codex does not try again at")
                record = self.check_record(found[protocol]["id"], 1)
                if protocol == "anthropic":
                    self.assertGreater(record["attempts"][0]["input"], 0, "what was used so far")
        self.let_go(mark, 3)

    def test_in_flight_of_each_upstream(self):
        def told():
            return {f'{group["group"]}:{upstream["id"]}': upstream["in_flight"] for group in
                    self.script.get("/api/state")["groups"] for upstream in group["upstreams"]}
        before = self.script.get("/api/v1/stats")["totals"]
        self.rig.demo.fault("a", "stall")
        wires = [self.begin("anthropic", "x") for _ in range(5)] + [self.begin("chat", "x") for _ in range(2)]
        rig.wait_for(lambda: told() == {"claude:a": 5, "claude:b": 0, "codex:a": 0, "chat:a": 2},
                     "true within two seconds", 2 + 1)
        wires.pop(0).close()
        rig.wait_for(lambda: told()["claude:a"] == 4, "one less", 2 + 1)
        found = rig.wait_for(lambda: len(now := self.running()) == 6 and now, "six run")
        self.assertEqual([200] * 6, [self.cancel(one["id"]).status for one in found])
        self.assertEqual({400}, {wire.answer().status for wire in wires})
        def counted():
            now = self.script.get("/api/v1/stats")["totals"]
            return [now[word] - before[word] for word in ("requests", "cancelled", "gone", "failed")]
        rig.wait_for(lambda: counted() == [7, 6, 1, 0], "each is counted as what it was")
        rig.wait_for(lambda: not any(told().values()), "none", 2 + 1)

    def test_as_soon_as_it_runs(self):
        """Before any report can have told of it: each data plane is asked."""
        self.rig.demo.fault("a", "stall:after=4+pace:bytes=4")
        ids = []
        for _ in range(10):
            before = self.begun_ids()
            wire = self.begin("anthropic", "[demo:words 40]")
            wire.head()
            ident, = rig.wait_for(lambda: self.begun_ids() - before, "it is in the journal")
            ids.append(ident)
            self.assertEqual(200, self.cancel(ident).status)
            self.check_record(ident, 1)
            self.assertEqual(404, self.cancel(ident).status, "it has ended")
        told = [entry["target"] for entry in self.script.get("/api/v1/audit?action=cancel&limit=100")["entries"]]
        self.assertEqual(ids[::-1], told[:10], "each once, and none that was not there")

    def test_beyond_those_that_are_told(self):
        """More run than the state tells one by one: each can be ended, in any order."""
        self.rig.demo.fault("a", "stall:after=4+pace:bytes=4")
        before = self.begun_ids()
        wires = [self.begin("anthropic", "[demo:words 40]") for _ in range(130)]
        self.assertEqual({200}, {wire.head().status for wire in wires})
        ids = rig.wait_for(lambda: len(found := self.begun_ids() - before) == 130 and found, "all are in the journal")
        self.assertEqual({200}, {self.cancel(ident).status for ident in ids})
        self.assertEqual(0, len([ident for ident in ids if self.record(ident)["result"] != "cancelled"]))

    def test_at_any_moment(self):
        """Whenever it comes: each client has one end, each request one record."""
        self.rig.demo.fault("a", "pace:bytes=4;ms=30")
        answers, ids = {}, set()

        def run(at):
            protocol = PROTOCOLS[at % 3]
            answers[at] = (protocol, self.rig.post(protocol, "[demo:words 60]"))
        threads = [threading.Thread(target=run, args=(at,)) for at in range(24)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            for one in self.running():
                if one["id"] not in ids and rig.chance.random() < 0.5:
                    ids.add(one["id"])
                    self.assertIn(self.cancel(one["id"]).status, (200, 404))
        for thread in threads:
            thread.join()
        for protocol, answer in answers.values():
            ended = answer.status == 200 and stream_text(protocol, answer.body)[1]
            self.assertEqual(ended, answer.whole and answer.status == 200, answer)
        for ident in ids:
            self.assertIn(self.record(ident)["result"], ("cancelled", "completed"))
        self.blameless()

    def test_who_may(self):
        self.assertEqual(404, self.cancel("req_unknown").status)
        self.assertEqual(404, self.cancel("x" * 200).status)
        self.assertEqual(401, Caller(self.rig.admin_port).ask("POST", "/api/v1/requests/req_x/cancel").status)
        self.rig.demo.fault("a", "stall")
        wire = self.begin("anthropic", "x")
        found = self.find()
        self.assertEqual(200, self.cancel(found["id"]).status)
        wire.answer()
        entry = self.script.get("/api/v1/audit?action=cancel")["entries"][0]
        self.assertEqual(found["id"], entry["target"])


if __name__ == "__main__":
    rig.main()
