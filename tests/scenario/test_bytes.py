"""Passthrough is byte-exact in both directions; what is changed on purpose, and nothing beside it."""

import gzip
import hashlib
import json
import zlib

import rig
from protocols import PATHS, PROTOCOLS, ask, said
from wire import request

# What parsers like to mend: each stands inside a body that is otherwise right.
ODD = {
    "lone surrogates": r'"\ud83d and \udc00 alone"',
    "nul escape": r'"a\u0000b"',
    "1e400": "1e400",
    "30 digits": "123456789012345678901234567890",
    "many decimals": "0.1000000000000000055511151231257827",
    "minus zero": "-0",
    "exponent": "1E2",
    "escaped slash": r'"a\/b"',
    "raw unicode": '"\u2028\u00e9\U0001f600"',
    "spaces": '{ "a"  :\t1 ,\r\n "b" : [ ] }',
    "duplicate keys": '{"b":1,"a":2,"b":3}',
    "deep": "[" * 200 + "]" * 200,
}


def odd_body(protocol, odd, stream):
    """A right request with the odd value in `metadata`, and space around the whole."""
    body = ask(protocol, "[demo:say fine]", stream)
    return b' \r\n' + body[:-1] + b', "x-odd": ' + odd.encode() + b' }\n\t '


class Bytes(rig.Case):
    config = rig.everywhere("a", optimization_settings={"ask_usage": False}, model_conversions=[
        {"name": "r", "source_model": "short", "target_model": "a much longer \"name\" é",
         "enabled": True},
        {"name": "s", "source_model": "a-very-long-model-name", "target_model": "s"}])

    def test_requests_arrive_as_they_were_sent(self):
        for protocol in PROTOCOLS:
            for stream in (True, False):
                for name, odd in ODD.items():
                    with self.subTest(protocol=protocol, stream=stream, odd=name):
                        body = odd_body(protocol, odd, stream)
                        mark = self.rig.demo.newest()
                        self.rig.demo.fault("a", "lax")
                        self.assertEqual(200, self.rig.post(protocol, body=body).status)
                        call, = self.rig.demo.calls(mark)
                        self.assertEqual(len(body), call.body_bytes)
                        self.assertEqual(hashlib.sha256(body).hexdigest(), call.body_sha256)

    def test_big_request(self):
        text = "".join(rig.chance.choices('abc"\\\u20ac\U0001f600 ', k=1 << 20))
        for protocol in PROTOCOLS:
            body = ask(protocol, text)
            self.assertEqual(200, self.rig.post(protocol, body=body).status)
            self.assertEqual(hashlib.sha256(body).hexdigest(), self.calls()[-1].body_sha256)

    def test_chunked_request(self):
        """Arrives whole; how it was cut by the client does not matter."""
        body = ask("anthropic", "[demo:say whole]")
        with self.rig.wire() as wire:
            headers = {**self.rig.headers(), "Transfer-Encoding": "chunked"}
            wire.send(request("POST", "/v1/messages", headers=headers, length=False))
            for at in range(0, len(body), 7):
                piece = body[at:at + 7]
                wire.send(b"%x;ext=1\r\n" % len(piece) + piece + b"\r\n")
            wire.send(b"0\r\nTrailer: x\r\n\r\n")
            self.assertEqual("whole", said("anthropic", wire.answer()))
        call, = self.calls()
        self.assertEqual(hashlib.sha256(body).hexdigest(), call.body_sha256)

    def test_rename_changes_only_the_model(self):
        for protocol in PROTOCOLS:
            for source, target in (("short", b'"a much longer \\"name\\" \xc3\xa9"'),
                                   ("a-very-long-model-name", b'"s"')):
                for name, odd in ODD.items():
                    with self.subTest(protocol=protocol, source=source, odd=name):
                        body = odd_body(protocol, odd, True).replace(
                            b'"demo"', json.dumps(source).encode(), 1)
                        mark = self.rig.demo.newest()
                        self.rig.demo.fault("a", "lax")
                        self.assertEqual(200, self.rig.post(protocol, body=body).status)
                        call, = self.rig.demo.calls(mark)
                        expected = body.replace(json.dumps(source).encode(), target, 1)
                        self.assertEqual(hashlib.sha256(expected).hexdigest(), call.body_sha256)
                        self.assertEqual(json.loads(target), call.model)

    def test_rename_sees_through_escapes(self):
        body = ask("anthropic").replace(b'"demo"', rb'"sh\u006frt"', 1)
        said("anthropic", self.rig.post("anthropic", body=body))
        self.assertEqual('a much longer "name" é', self.calls()[-1].model)

    def whole_answer(self, protocol, odd):
        """A right answer with the odd value in it."""
        self.rig.demo.mend()
        answer = self.rig.post(protocol, "[demo:say fine]", stream=False)
        self.assertEqual(200, answer.status)
        return b"\n " + answer.body.strip()[:-1] + b', "x-odd": ' + odd.encode() + b"}  \r\n"

    def test_whole_answers_come_as_they_were_sent(self):
        for protocol in PROTOCOLS:
            for name, odd in ODD.items():
                for chunked in (False, True):
                    with self.subTest(protocol=protocol, odd=name, chunked=chunked):
                        body = self.whole_answer(protocol, odd)
                        self.rig.demo.script("a", body, chunked=chunked)
                        answer = self.rig.post(protocol, stream=False)
                        self.assertEqual((200, True), (answer.status, answer.whole))
                        self.assertEqual(body, answer.body)

    def test_streams_come_as_they_were_sent(self):
        """Comments, odd line ends, unknown events and odd values are passed on untouched."""
        for protocol in PROTOCOLS:
            self.rig.demo.mend()
            stream = self.rig.post(protocol, "[demo:say one two three]").body
            for name, odd in ODD.items():
                odd_event = b"event: x-odd\ndata: {\"type\":\"x-odd\",\"v\":" + \
                    odd.replace("\r\n", " ").encode() + b"}\n\n"
                if protocol == "chat":
                    odd_event = b": odd " + odd.replace("\r\n", " ").encode() + b"\n\n"
                head, mark, tail = stream.partition(b"\n\n")
                for ends in (b"\n", b"\r\n"):
                    with self.subTest(protocol=protocol, odd=name, ends=ends):
                        body = (b": hello\n\n" + head + mark + odd_event + tail).replace(b"\n", ends)
                        self.rig.demo.script("a", body, chunked=True,
                                             headers={"Content-Type": "text/event-stream"})
                        answer = self.rig.post(protocol)
                        self.assertEqual((200, True), (answer.status, answer.whole))
                        self.assertEqual(body, answer.body)

    def test_any_cut_of_the_stream(self):
        """The upstream's answer in pieces of one byte: the same bytes arrive."""
        for protocol in PROTOCOLS:
            for spec in ("bytes1", "drip:bytes=7", "crlf", "pace:bytes=3"):
                with self.subTest(protocol=protocol, spec=spec):
                    self.rig.demo.fault("a", spec)
                    self.assertEqual("one two é three",
                                     said(protocol, self.rig.post(protocol, "[demo:say one two é three]")))

    def test_error_answers_pass(self):
        """A 400 of the upstream is the client's own: status and bytes as they were."""
        body = b'{"type":"error","error":{"type":"invalid_request_error","message":"odd \\ud83d 1e400"}}'
        for status in (400, 404, 413, 422):
            self.rig.demo.script("a", body, status)
            answer = self.rig.post("anthropic")
            self.assertEqual((status, body), (answer.status, answer.body))

    def test_query_and_headers(self):
        """The query goes along; of the headers only those that are meant for the upstream."""
        sent = {
            "anthropic-beta": "a,b", "anthropic-version": "2023-06-01", "user-agent": "test/1 (x)",
            "x-stainless-lang": "js", "x-app": "cli", "x-claude-code-session-id": "s",
            "openai-beta": "responses=v1", "originator": "codex", "session_id": "s2",
            "idempotency-key": "i",
        }
        held = {
            "Cookie": "a=b", "X-Forwarded-For": "1.2.3.4", "Forwarded": "for=1.2.3.4",
            "Via": "1.1 x", "X-Real-IP": "1.2.3.4", "Proxy-Authorization": "Basic x",
            "TE": "trailers", "Keep-Alive": "timeout=5", "Upgrade-Insecure-Requests": "1",
            "X-Hop": "private", "Connection": "X-Hop",
        }
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                headers = {**self.rig.headers(protocol), **sent, **held}
                with self.rig.wire() as wire:
                    wire.send(request("POST", PATHS[protocol] + "?beta=true&x=%2F", ask(protocol),
                                      headers))
                    said(protocol, wire.answer())
                call = self.calls()[-1]
                self.assertEqual("beta=true&x=%2F", call.query)
                for name, value in sent.items():
                    self.assertEqual(value, call.headers.get(name), name)
                for name in held:
                    if name not in ("Connection", "Keep-Alive"):
                        self.assertNotIn(name.lower(), call.headers, name)
                self.assertEqual(0, call.repeated_headers)

    def test_the_upstreams_key_goes_out(self):
        keys = {hashlib.sha256(key.encode()).hexdigest()[:8] for key in self.rig.canaries}
        for protocol in PROTOCOLS:
            for name in ("Authorization", "x-api-key"):
                value = f"Bearer {self.rig.key}" if name == "Authorization" else self.rig.key
                with self.rig.wire() as wire:
                    wire.send(request("POST", PATHS[protocol], ask(protocol),
                                      {name: value, "anthropic-version": "2023-06-01"}))
                    said(protocol, wire.answer())
                self.assertIn(self.calls()[-1].key_fingerprint, keys)

    def test_upstream_headers(self):
        """request-id and limits come along; cookies and what belongs to one hop do not."""
        body = self.rig.post("anthropic", stream=False).body
        self.rig.demo.script("a", body, headers={
            "Content-Type": "application/json", "request-id": "req_1",
            "anthropic-ratelimit-requests-remaining": "7", "Set-Cookie": "a=b",
            "Server": "theirs", "Alt-Svc": "h3=x", "Keep-Alive": "timeout=5",
            "Strict-Transport-Security": "max-age=1"})
        answer = self.rig.post("anthropic", stream=False)
        self.assertEqual("req_1", answer.header("request-id"))
        self.assertEqual("7", answer.header("anthropic-ratelimit-requests-remaining"))
        for name in ("set-cookie", "alt-svc", "keep-alive", "strict-transport-security"):
            self.assertIsNone(answer.header(name), name)
        self.assertNotEqual("theirs", answer.header("server"))

    def test_compressed_answers(self):
        """Passed on compressed only to who said so; decoded for everybody else."""
        self.rig.demo.fault("a", "gzip")
        for protocol in PROTOCOLS:
            for stream in (True, False):
                with self.subTest(protocol=protocol, stream=stream):
                    plain = self.rig.post(protocol, "[demo:say plain]", stream)
                    self.assertIsNone(plain.header("content-encoding"))
                    self.assertEqual("plain", said(protocol, plain, stream))
                    packed = self.rig.post(protocol, "[demo:say packed]", stream,
                                           headers={"Accept-Encoding": "gzip, br"})
                    if packed.header("content-encoding"):
                        self.assertEqual("gzip", packed.header("content-encoding"))
                        packed.body = zlib.decompress(packed.body, 31)
                    self.assertEqual("packed", said(protocol, packed, stream))

    def test_broken_compression(self):
        """Garbage that says gzip is a failed attempt, not an answer."""
        self.rig.demo.script("a", b"\x1f\x8bgarbage", headers={
            "Content-Type": "application/json", "Content-Encoding": "gzip"})
        answer = self.rig.post("anthropic", stream=False)
        self.assertGreaterEqual(answer.status, 500, answer)
        self.rig.demo.script("a", gzip.compress(b"{}")[:-4], headers={
            "Content-Type": "application/json", "Content-Encoding": "gzip"})
        answer = self.rig.post("anthropic", stream=False)
        self.assertGreaterEqual(answer.status, 500, answer)


if __name__ == "__main__":
    rig.main()
