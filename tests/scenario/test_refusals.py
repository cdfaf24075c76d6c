"""What is refused, and that it is refused in the client's own protocol and costs no upstream call."""

import gzip
import json
import subprocess

import rig
from protocols import PATHS, PROTOCOLS, ask, error, said
from wire import request


class Refusals(rig.Case):
    config = rig.everywhere("a", optimization_settings={"ask_usage": False}, server={"body_limit_mib": 2})

    def refused(self, status, protocol, answer):
        self.assertEqual(status, answer.status, answer)
        kind, message = error(protocol, answer)
        self.assertEqual([], self.calls())
        return kind, message

    def plain(self, protocol, headers=None, body=None, path=None, method="POST"):
        return self.rig.call(method, path or PATHS[protocol],
                             {"Content-Type": "application/json", **(headers or {})},
                             ask(protocol) if body is None else body)

    def test_without_key(self):
        words = {"anthropic": "authentication_error"}
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                kind, _ = self.refused(401, protocol, self.plain(protocol))
                self.assertEqual(words.get(protocol, kind), kind)

    def test_wrong_keys(self):
        key = self.rig.key
        for protocol in PROTOCOLS:
            for headers in ({"Authorization": "Bearer wrong"}, {"x-api-key": "wrong"},
                            {"Authorization": f"Bearer {key}x"}, {"x-api-key": key[:-1]},
                            {"Authorization": f"Basic {key}"}, {"x-api-key": ""},
                            {"Authorization": "Bearer "}, {"x-api-key": self.rig.token},
                            {"Authorization": f"Bearer {key}", "x-api-key": "other"}):
                with self.subTest(protocol=protocol, headers=list(headers)):
                    self.refused(401, protocol, self.plain(protocol, headers))

    def test_upstream_key_is_no_client_key(self):
        for canary in self.rig.canaries:
            self.refused(401, "anthropic", self.plain("anthropic", {"x-api-key": canary}))

    def test_key_is_asked_before_the_body_is_read(self):
        """An unknown client cannot make the gateway hold a body."""
        head = request("POST", "/v1/messages", headers={"Content-Length": 1 << 20}, length=False)
        with self.rig.wire(timeout=5) as wire:
            wire.send(head)
            self.refused(401, "anthropic", wire.answer())

    def test_broken_bodies(self):
        for protocol in PROTOCOLS:
            good = ask(protocol)
            for name, body in {
                    "empty": b"", "not json": b"hello", "cut": good[:-1], "two": good + good,
                    "list": b"[1]", "string": b'"x"', "comma": good[:-1] + b",}",
                    "bare word": b'{"model":demo}', "bad escape": b'{"model":"\\x"}',
                    "control": b'{"model":"a\nb"}', "not utf-8": b'{"model":"\xff"}',
                    "model twice": good[:-1] + b',"model":"b"}',
                    "model no string": b'{"model":1,"messages":[],"input":[]}',
                    "stream no bool": good[:-1] + b',"stream":"yes"}' if b'"stream"' not in good
                    else good.replace(b'"stream": true', b'"stream":"yes"'),
                    "too deep": b'{"model":"demo","x":' + b"[" * 100000 + b"]" * 100000 + b"}",
                    "nul": b'{"model":"demo"}\0'}.items():
                with self.subTest(protocol=protocol, body=name):
                    answer = self.rig.post(protocol, body=body)
                    kind, _ = self.refused(400, protocol, answer)
                    self.assertEqual("invalid_request_error", kind)

    def test_unknown_paths(self):
        for path, protocol in (("/v1/nothing", "chat"), ("/v2/messages", "anthropic"),
                               ("/v1/messages/batches/x/y", "anthropic"),
                               ("/openai/nothing", "responses"), ("/nothing/at/all", "chat")):
            for method in ("GET", "POST"):
                with self.subTest(f"{method} {path}"):
                    answer = self.rig.call(method, path, self.rig.headers(protocol),
                                           ask(protocol) if method == "POST" else b"")
                    self.assertEqual(404, answer.status, answer)
                    self.assertIn("error", json.loads(answer.body))

    def test_wrong_method(self):
        for protocol in PROTOCOLS:
            for method in ("GET", "PUT", "DELETE", "PATCH"):
                with self.subTest(protocol=protocol, method=method):
                    answer = self.rig.call(method, PATHS[protocol], self.rig.headers(protocol))
                    self.refused(405, protocol, answer)
                    self.assertIn("POST", answer.header("allow"))

    def test_body_too_big(self):
        big = ask("anthropic", "x" * (2 << 20))
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                answer = self.rig.post(protocol, body=big)
                self.refused(413, protocol, answer)
        said("anthropic", self.rig.post("anthropic", "x" * (2 << 20 - 1)))

    def test_body_too_big_in_chunks(self):
        headers = {**self.rig.headers(), "Transfer-Encoding": "chunked"}
        with self.rig.wire() as wire:
            wire.send(request("POST", "/v1/messages", headers=headers, length=False))
            try:
                for _ in range(40):
                    wire.send(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
            except ConnectionError:
                pass  # it may have answered and closed already
            self.refused(413, "anthropic", wire.answer())

    def test_codings(self):
        """gzip, deflate and zstd bodies are decoded; what cannot be read is told so."""
        for protocol in PROTOCOLS:
            body = ask(protocol, "[demo:say decoded]")
            zstd = subprocess.run(["zstd", "-q", "-c"], input=body, capture_output=True,
                                  check=True).stdout
            for coding, data in (("gzip", gzip.compress(body)), ("zstd", zstd),
                                 ("GZIP", gzip.compress(body)), ("identity", body)):
                with self.subTest(protocol=protocol, coding=coding):
                    answer = self.rig.post(protocol, body=data,
                                           headers={"Content-Encoding": coding})
                    self.assertEqual("decoded", said(protocol, answer))
            seen = self.calls()
            self.assertEqual({len(body)}, {call.body_bytes for call in seen})
            self.assertFalse([call for call in seen if "content-encoding" in call.headers])
            self.mark = self.rig.demo.newest()

    def test_bad_codings(self):
        body = ask("anthropic")
        packed = gzip.compress(body)
        for coding, data, status in (
                ("br", body, 415), ("gzip, gzip", packed, 415), ("nonsense", body, 415),
                ("gzip", body, 400), ("gzip", packed[:-9], 400), ("gzip", packed + b"x", 400),
                ("zstd", body, 400), ("zstd", b"", 400)):
            for protocol in PROTOCOLS:
                with self.subTest(coding=coding, data=data[:10], protocol=protocol):
                    answer = self.rig.post(protocol, body=data,
                                           headers={"Content-Encoding": coding})
                    self.refused(status, protocol, answer)

    def test_bombs(self):
        """A thousand times bigger than it looks: stopped at the limit, cheaply."""
        pid = self.rig.pid("dataplane.0")
        bomb = b'{"model":"' + b" " * (200 << 20) + b'"}'
        zstd = subprocess.run(["zstd", "-q", "-c", "-19"], input=bomb, capture_output=True,
                              check=True).stdout
        before = rig.rss_kib(pid)
        for coding, data in (("gzip", gzip.compress(bomb)), ("zstd", zstd)):
            answer = self.rig.post("anthropic", body=data, headers={"Content-Encoding": coding})
            self.refused(413, "anthropic", answer)
        self.assertLess(rig.rss_kib(pid) - before, 64 << 10)

    def test_content_types(self):
        """Clients forget the header or say something else: the body decides."""
        body = ask("anthropic")
        for kind in (None, "application/json; charset=utf-8", "text/plain"):
            headers = self.rig.headers()
            del headers["Content-Type"]
            answer = self.rig.call("POST", "/v1/messages",
                                   {**headers, **({"Content-Type": kind} if kind else {})}, body)
            self.assertEqual(200, answer.status, (kind, answer))

    def test_broken_http(self):
        """The server's own strictness, seen through the whole program."""
        key = f"Authorization: Bearer {self.rig.key}\r\n"
        body = ask("anthropic")
        start = "POST /v1/messages HTTP/1.1\r\n"
        for name, head, status in (
                ("two lengths", f"{start}Host: x\r\n{key}Content-Length: 5\r\nContent-Length: 6\r\n", 400),
                ("length and chunks", f"{start}Host: x\r\n{key}Content-Length: 5\r\n"
                 "Transfer-Encoding: chunked\r\n", 400),
                ("no host", f"{start}{key}Content-Length: {len(body)}\r\n", 400),
                ("two hosts", f"{start}Host: x\r\nHost: y\r\n{key}Content-Length: {len(body)}\r\n", 400),
                ("signed length", f"{start}Host: x\r\n{key}Content-Length: +{len(body)}\r\n", 400),
                ("space before colon", f"{start}Host: x\r\n{key}Content-Length : {len(body)}\r\n", 400),
                ("folding", f"{start}Host: x\r\n{key}X: a\r\n b\r\nContent-Length: {len(body)}\r\n", 400),
                ("bad version", f"POST /v1/messages HTTP/3.0\r\nHost: x\r\n{key}", 505),
                ("no such method", f"BREW /v1/messages HTTP/1.1\r\nHost: x\r\n{key}", 501),
                ("connect", f"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n{key}", 501),
                ("long head", f"{start}Host: x\r\n{key}X: {'a' * 100000}\r\n", 431),
                ("long target", f"POST /{'a' * 40000} HTTP/1.1\r\nHost: x\r\n{key}", 414)):
            with self.subTest(name), self.rig.wire(timeout=5) as wire:
                try:
                    wire.send(head.encode() + b"\r\n" + body)
                except ConnectionError:
                    pass
                self.assertEqual(status, wire.answer().status)
                self.assertTrue(wire.ended())
                self.assertEqual([], self.calls())

    def test_cut_body_makes_no_call(self):
        with self.rig.wire() as wire:
            data = request("POST", "/v1/messages", ask("anthropic"), self.rig.headers())
            wire.send(data[:-1])
        with self.rig.wire() as wire:
            wire.send(data[:-1])
            wire.reset()
        said("anthropic", self.rig.post("anthropic"))
        self.assertEqual(1, len(self.calls()))


if __name__ == "__main__":
    rig.main()
