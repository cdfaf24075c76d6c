"""The test of an upstream: one small real request by a data plane, and what came of it."""

import gzip
import json
import unittest

import rig
from admin import Caller


class Trial(rig.Case):
    config = rig.config(claude=[rig.upstream("a", id="a"), rig.upstream("off", id="off", enabled=False)],
                        codex=[rig.upstream("x", id="x")], chat=[rig.upstream("c", id="c")])

    def setUp(self):
        super().setUp()
        self.script = Caller(self.rig.admin_port, self.rig.token)
        rig.wait_for(lambda: self.script.ask("GET", "/api/state").status == 200
                     and self.script.get("/api/state")["dataplanes"], "a data plane is there")

    def ask(self, ident, **words):
        return self.script.good("POST", f"/api/v1/upstreams/{ident}/test", words)["test"]

    def test_each_protocol(self):
        for ident in ("claude:a", "codex:x", "chat:c", "claude:off"):
            before = len(self.calls())
            found = self.ask(ident, model="demo-model", max_tokens=20)
            self.assertTrue(found["done"] and found["ok"], found)
            self.assertEqual((200, "", "demo-model"), (found["status"], found["error"], found["model"]))
            self.assertGreater(found["usage"]["output"], 0, found)
            self.assertGreater(found["ms"], 0)
            self.assertEqual(1, len(self.calls()) - before, "one call")
            self.assertEqual(found, self.script.get(f"/api/v1/tests/{found['seq']}")["test"])

    def test_answers_in_other_forms(self):
        """JSON though a stream was asked for, compressed though nobody asked: as good for clients."""
        for spec in ("json", "gzip", "gzip+json"):
            self.rig.demo.mend()
            for name in "axc":
                self.rig.demo.fault(name, spec)
            for ident in ("claude:a", "codex:x", "chat:c"):
                with self.subTest(spec=spec, ident=ident):
                    found = self.ask(ident, model="demo-model", max_tokens=20)
                    self.assertTrue(found["done"] and found["ok"], found)
                    self.assertGreater(found["usage"]["output"], 0, found)

    def test_broken_coding(self):
        """Cut short, none, and one that nobody here reads; an error's text is inflated too."""
        whole = gzip.compress(b'{"type":"message","content":[]}')
        for coding, body in (("gzip", whole[:-4]), ("gzip", b"{}"), ("br", whole)):
            with self.subTest(coding=coding, body=body):
                self.rig.demo.script("a", body, headers={
                    "Content-Type": "application/json", "Content-Encoding": coding})
                found = self.ask("claude:a")
                self.assertEqual((True, False, "bad_answer"),
                                 (found["done"], found["ok"], found["reason"]), found)
        self.rig.demo.script("a", gzip.compress(b'{"error":{"message":"no such plan"}}'), 403, {
            "Content-Type": "application/json", "Content-Encoding": "gzip"})
        self.assertIn("no such plan", self.ask("claude:a")["error"])

    def test_failures_punish_nobody(self):
        for spec, status in (("401", 401), ("429", 429), ("529", 529), ("close", 0)):
            self.rig.demo.mend()
            self.rig.demo.fault("a", spec)
            found = self.ask("claude:a")
            self.assertTrue(found["done"] and not found["ok"], found)
            self.assertEqual(status, found["status"], found)
            if status:
                self.assertTrue(found["error"], found)
        health = self.script.get("/api/state")["groups"][0]["upstreams"][0]["health"]
        self.assertEqual(("up", 0), (health["state"], health["errors"]))

    def test_an_echoed_key_is_masked(self):
        key = self.config["api_configs"][0]["key"]
        self.rig.demo.script("a", json.dumps({"error": {"message": f"bad key {key}"}}).encode(), 401)
        found = self.ask("claude:a")
        self.assertIn("bad key ****", found["error"])

    def test_one_that_is_not_saved(self):
        entry = {"group": "claude", "base_url": self.rig.demo.url("a"),
                 "key": "sk-canary-unsaved-0123456789", "test": {"model": "m"}}
        self.rig.canaries.add(entry["key"])
        before = self.rig.config_file.read_text()
        found = self.script.good("POST", "/api/v1/upstreams/test", entry)["test"]
        self.assertTrue(found["ok"], found)
        self.assertEqual(before, self.rig.config_file.read_text())
        # The mask of a saved one stands for its key.
        shown = self.script.get("/api/v1/upstreams/claude:a")["entry"]
        found = self.script.good("POST", "/api/v1/upstreams/test", {**shown, "group": "claude"})["test"]
        self.assertTrue(found["ok"], found)
        for bad, path in (({**entry, "base_url": "ftp://x"}, "api_configs[0].base_url"),
                          ({**entry, "key": "sk-...wxyz"}, "api_configs[0].key"),
                          ({**entry, "base_url": "http://169.254.169.254/"}, "api_configs[0].base_url")):
            answer = self.script.ask("POST", "/api/v1/upstreams/test", bad)
            self.assertEqual(422, answer.status, answer)
            self.assertEqual([path], [fault["path"] for fault in answer.json["faults"]])

    def test_waiting(self):
        self.rig.demo.fault("a", "stall")
        found = self.ask("claude:a", wait_seconds=0)
        self.assertFalse(found["done"])
        self.assertEqual(404, self.script.ask("GET", "/api/v1/tests/1").status)
        self.assertEqual(404, self.script.ask("POST", "/api/v1/upstreams/claude:zz/test", {}).status)
        self.assertEqual(400, self.script.ask("POST", "/api/v1/upstreams/claude:a/test",
                                              {"wait_seconds": "x"}).status)
        answers = [self.script.ask("POST", "/api/v1/upstreams/claude:a/test", {"wait_seconds": 0})
                   for _ in range(9)]
        self.assertIn(422, [answer.status for answer in answers], "a bounded number")


if __name__ == "__main__":
    rig.main()
