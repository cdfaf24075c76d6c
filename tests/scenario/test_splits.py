"""How a request is cut on its way does not matter; requests in a row are answered in a row."""

import re

import rig
from protocols import PROTOCOLS, ask, error, said
from wire import request

# Ids and times differ between two answers to the same request.
VARYING = re.compile(rb'(msg_|chatcmpl-|resp_|rs_|fc_|req_)[\w-]+|"created(_at)?":\s*\d+'
                     rb'|"completed_at":\s*\d+')


def fixed(answer):
    return (answer.status, answer.whole, answer.header("content-type"),
            VARYING.sub(b"#", answer.body))


class Splits(rig.Case):
    def setUp(self):
        super().setUp()
        self.rig.demo.fault("a", "pace:ms=0")

    def post_bytes(self, protocol, **more):
        """A small but complete request, all of it."""
        headers = {"x-api-key": self.rig.key, "Content-Type": "application/json"}
        if protocol == "anthropic":
            headers["anthropic-version"] = "2023-06-01"
        path = {"anthropic": "/v1/messages", "chat": "/v1/chat/completions",
                "responses": "/v1/responses"}[protocol]
        return request("POST", path, ask(protocol, "[demo:say é ok]", **more), headers)

    def test_every_offset(self):
        """On one connection for each protocol: two writes, cut at k, for every k."""
        for protocol in PROTOCOLS:
            for stream in (True, False):
                data = self.post_bytes(protocol, stream=stream)
                with self.rig.wire() as wire:
                    wire.send(data)
                    expected = fixed(wire.answer())
                    self.assertEqual(200, expected[0])
                    for k in range(1, len(data)):
                        wire.send(data[:k], data[k:])
                        self.assertEqual(expected, fixed(wire.answer()), f"{protocol} at {k}")

    def test_every_offset_of_chunked(self):
        body = ask("anthropic", "[demo:say ok]")
        headers = {**self.rig.headers(), "Transfer-Encoding": "chunked"}
        data = request("POST", "/v1/messages", headers=headers, length=False) + \
            b"a;x=y\r\n" + body[:10] + b"\r\n%X\r\n" % (len(body) - 10) + body[10:] + \
            b"\r\n0\r\nA: b\r\n\r\n"
        with self.rig.wire() as wire:
            wire.send(data)
            expected = fixed(wire.answer())
            self.assertEqual(200, expected[0])
            for k in range(1, len(data)):
                wire.send(data[:k], data[k:])
                self.assertEqual(expected, fixed(wire.answer()), f"at {k}")

    def test_every_offset_of_refusals(self):
        """An error is the same error wherever the request was cut."""
        body = ask("chat")[:-2]
        for data, status in ((request("POST", "/v1/chat/completions", body,
                                      {"x-api-key": self.rig.key}), 400),
                             (request("POST", "/v1/chat/completions", body), 401)):
            for k in range(1, len(data)):
                with self.rig.wire() as wire:
                    try:
                        wire.send(data[:k], data[k:])
                    except ConnectionError:
                        pass  # it was refused by its head alone
                    answer = wire.answer()
                    self.assertEqual(status, answer.status, k)
                    error("chat", answer)

    def test_single_bytes(self):
        for protocol in PROTOCOLS:
            data = self.post_bytes(protocol)
            with self.rig.wire() as wire:
                wire.send(data)
                expected = fixed(wire.answer())
                wire.send(*(data[k:k + 1] for k in range(len(data))))
                self.assertEqual(expected, fixed(wire.answer()))

    def test_pipelining(self):
        """Answers come in the order of the questions, whatever each costs."""
        words = [f"n{i}" for i in range(60)]
        data = b"".join(
            request("POST", "/v1/messages",
                    ask("anthropic", f"[demo:say {word}]", stream=i % 3 == 0),
                    self.rig.headers()) if i % 4 else
            request("GET", "/api/hello") for i, word in enumerate(words))
        with self.rig.wire() as wire:
            wire.send(data)
            for i, word in enumerate(words):
                answer = wire.answer()
                if i % 4:
                    self.assertEqual(word, said("anthropic", answer, i % 3 == 0))
                else:
                    self.assertEqual(200, answer.status)

    def test_pipelined_fault_ends_the_row(self):
        """What comes behind a broken request is not looked at."""
        good = request("POST", "/v1/messages", ask("anthropic"), self.rig.headers())
        with self.rig.wire() as wire:
            wire.send(good + b"BROKEN\r\n\r\n" + good * 20)
            said("anthropic", wire.answer())
            self.assertEqual(400, wire.answer().status)
            self.assertTrue(wire.ended())
        self.assertEqual(1, len(self.calls()))

    def test_expect(self):
        body = ask("anthropic")
        headers = {**self.rig.headers(), "Expect": "100-continue"}
        with self.rig.wire() as wire:
            data = request("POST", "/v1/messages", body, headers)
            wire.send(data[:-len(body)])
            self.assertIn(b" 100 ", wire.take_until(b"\r\n\r\n"))
            wire.send(body)
            said("anthropic", wire.answer())
        with self.rig.wire() as wire:
            del headers["Authorization"]
            wire.send(request("POST", "/v1/messages", body, headers)[:-len(body)])
            answer = wire.answer()
            self.assertEqual((401, []), (answer.status, answer.interim))


if __name__ == "__main__":
    rig.main()
