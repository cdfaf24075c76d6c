"""The printed key gets an answer in each protocol; what needs no key and what else clients ask."""

import json
import os
import stat
import unittest

import rig
from protocols import PATHS, PROTOCOLS, ask, error, said
from wire import Wire, request


class Answers(rig.Case):
    def test_all_protocols_streaming_and_not(self):
        for protocol in PROTOCOLS:
            for stream in (True, False):
                with self.subTest(protocol=protocol, stream=stream):
                    answer = self.rig.post(protocol, "[demo:say one two three]", stream)
                    self.assertEqual("one two three", said(protocol, answer, stream))
        self.assertEqual(6, len([call for call in self.calls() if call.how == "complete"]))

    def test_stream_comes_in_pieces(self):
        """Each event is passed on when it comes, not when the answer is whole."""
        self.rig.demo.fault("a", "events=5;ms=200")
        for protocol in PROTOCOLS:
            with self.subTest(protocol), self.rig.wire() as wire:
                self.rig.send(wire, protocol, ask(protocol))
                answer = wire.head()
                pieces = wire.pieces(answer)
                next(pieces)
                running = [call for call in self.calls() if call.protocol and call.how is None]
                self.assertEqual(1, len(running), "the first event waited for the last")
                for _ in pieces:
                    pass
                self.assertEqual("x" * 80, said(protocol, answer))

    def test_key_by_every_header(self):
        for name, value in (("Authorization", f"Bearer {self.rig.key}"),
                            ("authorization", f"bearer {self.rig.key}"),
                            ("x-api-key", self.rig.key), ("api-key", self.rig.key)):
            for protocol in PROTOCOLS:
                with self.subTest(name=name, protocol=protocol), self.rig.wire() as wire:
                    wire.send(request("POST", PATHS[protocol], ask(protocol),
                                      {name: value, "anthropic-version": "2023-06-01"}))
                    said(protocol, wire.answer())

    def test_bare_curl(self):
        """What `curl -d` sends by itself: upstreams want a JSON type and a version, so they get them."""
        for protocol in PROTOCOLS:
            with self.subTest(protocol), self.rig.wire() as wire:
                wire.send(request("POST", PATHS[protocol], ask(protocol),
                                  {"Authorization": f"Bearer {self.rig.key}",
                                   "Content-Type": "application/x-www-form-urlencoded"}))
                said(protocol, wire.answer())
                sent = self.calls()[-1].headers
                self.assertEqual("application/json", sent["content-type"])
                self.assertEqual("2023-06-01" if protocol == "anthropic" else None,
                                 sent.get("anthropic-version"))

    def test_paths(self):
        for path, protocol, seen in (
                ("/v1/messages", "anthropic", "/v1/messages"),
                ("/api/v1/messages", "anthropic", "/v1/messages"),
                ("/any/prefix/v1/messages", "anthropic", "/v1/messages"),
                ("/v1/messages?beta=true", "anthropic", "/v1/messages"),
                ("/openai/responses", "responses", "/responses"),
                ("/openai/v1/responses", "responses", "/responses"),
                ("/v1/responses", "responses", "/responses"),
                ("/openai/responses?api-version=2026-01-01", "responses", "/responses"),
                ("/v1/chat/completions", "chat", "/v1/chat/completions"),
                ("/openai/v1/chat/completions", "chat", "/v1/chat/completions")):
            with self.subTest(path):
                mark = self.rig.demo.newest()
                said(protocol, self.rig.post(protocol, path=path))
                call, = self.rig.demo.calls(mark)
                self.assertTrue(call.path.endswith(seen), call.path)
                self.assertEqual(path.partition("?")[2], call.query)

    def test_count_tokens_and_models(self):
        body = ask("anthropic", stream=False)
        answer = self.rig.post("anthropic", path="/v1/messages/count_tokens", body=body)
        self.assertEqual(200, answer.status, answer)
        self.assertGreater(json.loads(answer.body)["input_tokens"], 0)
        for protocol in ("anthropic", "chat"):
            answer = self.rig.call("GET", "/v1/models?limit=1000", self.rig.headers(protocol))
            self.assertEqual(200, answer.status, answer)
            self.assertTrue(json.loads(answer.body)["data"])

    def test_probes_without_key(self):
        """Clients look whether something is there before they have sent a key."""
        for method, path in (("HEAD", "/api/hello"), ("HEAD", "/api/api/hello"), ("HEAD", "/api"),
                             ("HEAD", "/"), ("GET", "/api/hello"), ("HEAD", "/v1/messages")):
            with self.subTest(f"{method} {path}"):
                answer = self.rig.call(method, path)
                self.assertEqual(200, answer.status, answer)
        self.assertEqual([], self.calls())

    def test_probe_leaves_the_connection_usable(self):
        with self.rig.wire() as wire:
            wire.send(request("HEAD", "/api/hello"))
            self.assertEqual(200, wire.answer(bodyless=True).status)
            self.rig.send(wire, "anthropic", ask("anthropic"))
            said("anthropic", wire.answer())

    def test_websocket_is_refused_with_426(self):
        """Any other answer costs Codex seconds, or is fatal."""
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
                   "openai-beta": "responses_websockets=2026-02-06"}
        for path in ("/openai/responses", "/v1/responses", "/openai/v1/responses"):
            for key in ({}, {"Authorization": f"Bearer {self.rig.key}"}):
                with self.subTest(path=path, key=bool(key)):
                    self.assertEqual(426, self.rig.call("GET", path, {**upgrade, **key}).status)
        self.assertEqual([], self.calls())

    def test_both_loopback_addresses(self):
        for host in ("127.0.0.1", "::1"):
            with self.subTest(host), Wire(self.rig.port, host) as wire:
                self.rig.send(wire, "anthropic", ask("anthropic"))
                said("anthropic", wire.answer())

    def test_keep_alive(self):
        """Many requests of all protocols on one connection."""
        with self.rig.wire() as wire:
            for i in range(30):
                protocol = PROTOCOLS[i % 3]
                self.rig.send(wire, protocol, ask(protocol, f"[demo:say n{i}]", i % 2 == 0))
                self.assertEqual(f"n{i}", said(protocol, wire.answer(), i % 2 == 0))

    def test_no_upstream_of_the_protocol(self):
        """With conversion off: a clear error in the client's protocol; the others go on."""
        off = {group: {"convert": "off"} for group in ("codex", "chat")}
        with rig.Rig(rig.config(claude=["a"], routing=off)) as other:
            said("anthropic", other.post("anthropic"))
            for protocol in ("chat", "responses"):
                answer = other.post(protocol)
                self.assertIn(answer.status, (400, 403, 501), answer)
                self.assertIn("upstream", error(protocol, answer)[1].lower())

    def test_one_log_line_for_each_exchange(self):
        self.rig.post("anthropic", "x", model="logged-model")
        line = rig.wait_for(lambda: [line for line in self.rig.log("exchange")
                                     if line["model"] == "logged-model"], "the exchange is logged")
        self.assertEqual(1, len(line), line)
        self.assertEqual(("200", "anthropic", "1"),
                         tuple(line[0][key] for key in ("status", "protocol", "attempts")), line)


class FirstStart(unittest.TestCase):
    def test_first_and_second_start(self):
        """Keys are minted once, shown once, kept in files of mode 0600; the demo serves while
        there is no upstream."""
        first = rig.Rig(demo=False)
        with first:
            key, token = first.key, first.token
            banner = first.banner()
            self.assertIn("codex", banner.lower())
            for text in (key, token, str(first.port), str(first.admin_port), "/v1/messages",
                         "/openai/responses", "/v1/chat/completions", "claude"):
                self.assertIn(text, banner)
            for protocol in PROTOCOLS:
                said(protocol, first.post(protocol))
            for name in ("client-key", "admin-token", "json_data/all_configs.json"):
                self.assertEqual(0o600, stat.S_IMODE(os.stat(first.state / name).st_mode), name)
            for path in (first.state, first.run):
                self.assertEqual(0o700, stat.S_IMODE(os.stat(path).st_mode), path)
            for path in first.state.rglob("*"):
                self.assertEqual(0, os.stat(path).st_mode & 0o077, path)
            first.keep = True
        second = rig.Rig(demo=False)
        second.state, second.run = first.state, first.run
        with second:
            self.assertEqual((key, token), (second.key, second.token))
            self.assertNotIn(key, second.banner())
            self.assertNotIn(token, second.banner())
            said("anthropic", second.post("anthropic"))
        first.forget()

    def test_key_is_kept_as_a_hash(self):
        with rig.Rig(demo=False) as fresh:
            text = fresh.config_file.read_text()
            self.assertNotIn(fresh.key, text)
            self.assertNotIn(fresh.token, text)

    def test_demo_serves_only_without_upstreams(self):
        """An entry whose upstream is down is still an entry: the demo does not step in."""
        dead = rig.upstream("dead", base_url="http://127.0.0.1:1")
        with rig.Rig(rig.config(claude=[dead]), demo=False) as only:
            answer = only.post("anthropic")
            self.assertIn(answer.status, (502, 503), answer)

    def test_status(self):
        with rig.Rig(rig.everywhere("a")) as running:
            done = running.command("status", "--json")
            self.assertEqual(0, done.returncode, done.stderr)
            state = json.loads(done.stdout)
            self.assertEqual("a", state["groups"][0]["upstreams"][0]["name"])
            for secret in running.canaries:
                self.assertNotIn(secret, done.stdout)
            self.assertIn("a", running.command("status").stdout)
            running.keep = True
        self.assertNotEqual(0, running.command("status").returncode, "nothing runs any more")
        running.forget()


if __name__ == "__main__":
    rig.main()
