"""A stream that fails after it has begun: no second answer, an error in the client's protocol, and no
end that could be taken for a whole answer."""

import zlib

import rig
from protocols import HALF, PROTOCOLS, ask, error_event, events, read, said, stream_text


class Cut(rig.Case):
    config = rig.everywhere("a", "b", **rig.plain(
        streaming_read_timeout=1, codex_base_timeout=1))

    def check_torn(self, protocol, answer, mark):
        self.assertEqual(200, answer.status, answer)
        self.assertFalse(answer.whole, "the last chunk came: the answer looks complete")
        self.assertIsNotNone(error_event(protocol, answer.body), answer)
        # The error comes last, and nothing says that the answer ended well.
        *before, last = events(answer.body)
        halves = [at for at, (_, data) in enumerate(before) if read(data) is HALF]
        self.assertIn(halves, ([], [len(before) - 1]), "only the one before the error may be cut")
        self.assertIsNotNone(error_event(protocol, f"event: {last[0]}\ndata: {last[1]}\n\n".encode()))
        self.assertFalse(stream_text(protocol, answer.body)[1])
        self.assertNotIn(b"[DONE]", answer.body)
        names = [call.name for call in self.rig.demo.calls(mark)]
        self.assertEqual(["a"], names, "asked again after the answer had begun")

    def test_every_cut(self):
        for protocol in PROTOCOLS:
            for how in ("rst", "fin", "clean"):
                for after in (4, 5, 6, 8, 11):
                    spec = f"cut:after={after};how={how}+pace:bytes=4"
                    with self.subTest(protocol=protocol, spec=spec):
                        mark = self.rig.demo.newest()
                        self.rig.demo.fault("a", spec)
                        answer = self.rig.post(protocol, "[demo:words 40]")
                        self.check_torn(protocol, answer, mark)

    def test_cut_before_message_stop(self):
        """The reason to stop has been told, the end has not: some clients wait for it."""
        self.rig.demo.mend()
        length = len(events(self.rig.post("anthropic", "[demo:words 40]").body))
        for how in ("rst", "fin"):
            with self.subTest(how=how):
                mark = self.rig.demo.newest()
                self.rig.demo.fault("a", f"cut:after={length - 1};how={how}")
                answer = self.rig.post("anthropic", "[demo:words 40]")
                self.assertIn(b"message_delta", answer.body)
                self.check_torn("anthropic", answer, mark)

    def test_cut_at_every_byte(self):
        """Cut inside of events, too: the bytes that came are passed on, then the error."""
        for protocol in PROTOCOLS:
            self.rig.demo.mend()
            length = len(self.rig.post(protocol, "[demo:words 9]").body)
            for at in rig.chance.sample(range(length // 2, length - 500), 25):
                with self.subTest(protocol=protocol, at=at):
                    mark = self.rig.demo.newest()
                    self.rig.demo.fault("a", f"cut:bytes={at};how=fin")
                    answer = self.rig.post(protocol, "[demo:words 9]")
                    if [call.name for call in self.rig.demo.calls(mark)] == ["a", "b"]:
                        said(protocol, answer)  # nothing useful had come yet
                    else:
                        self.check_torn(protocol, answer, mark)

    def test_error_event_of_the_upstream(self):
        """Told in mid answer by the upstream itself: it reaches the client, once."""
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                mark = self.rig.demo.newest()
                self.rig.demo.fault("a", "error-after=8+pace:bytes=4")
                answer = self.rig.post(protocol, "[demo:words 40]")
                self.assertIsNotNone(error_event(protocol, answer.body), answer)
                self.assertFalse(stream_text(protocol, answer.body)[1])
                errors = [data for name, data in events(answer.body) if error_event(
                    protocol, f"event: {name}\ndata: {data}\n\n".encode())]
                self.assertEqual(1, len(errors), errors)
                self.assertEqual(["a"], [call.name for call in self.rig.demo.calls(mark)])

    def test_stall_in_mid_answer(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                mark = self.rig.demo.newest()
                self.rig.demo.fault("a", "stall:after=8+pace:bytes=4")
                self.check_torn(protocol, self.rig.post(protocol, "[demo:words 40]"), mark)

    def test_no_terminal_event(self):
        """The upstream ends properly but never said so in its protocol."""
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                mark = self.rig.demo.newest()
                self.rig.demo.fault("a", "noterminal")
                self.check_torn(protocol, self.rig.post(protocol, "[demo:words 40]"), mark)

    def test_cut_tool_call(self):
        """An agent must not run half a command."""
        tool = {"name": "sh", "description": "d", "input_schema": {"type": "object", "properties": {
            "command": {"type": "string"}}}}
        self.rig.demo.fault("a", "cut:after=6;how=clean+pace:bytes=3")
        mark = self.rig.demo.newest()
        answer = self.rig.post("anthropic", '[demo:tool sh {"command":"rm -rf /tmp/some/folder"}]',
                               tools=[tool])
        self.assertIn(b"input_json_delta", answer.body)
        self.check_torn("anthropic", answer, mark)

    def test_whole_answer_cut(self):
        """Headers had come, the body breaks off: still before anything reached the client."""
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                self.rig.demo.fault("a", "cut:bytes=100")
                answer = self.rig.post(protocol, "[demo:say clean]", stream=False)
                self.assertEqual("clean", said(protocol, answer, stream=False))

    def test_a_compressed_stream(self):
        """A client that unpacks it itself can be sent no event of ours in it: it is only cut."""
        self.rig.demo.mend()
        plain = bytes(self.rig.post("anthropic", "[demo:words 40]").body)
        for until in (b"event: content_block_stop", b"event: message_stop"):
            packer = zlib.compressobj(wbits=31)
            packed = packer.compress(plain[:plain.index(until)]) + packer.flush(zlib.Z_SYNC_FLUSH)
            head = ("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n"
                    f"Content-Length: {len(packed)}\r\n\r\n").encode()
            self.rig.demo.raw("a", head + packed)
            with self.subTest(until=until):
                mark = self.rig.demo.newest()
                self.check_torn("anthropic", self.rig.post("anthropic"), mark)
                answer = self.rig.post("anthropic", headers={"Accept-Encoding": "gzip"})
                self.assertEqual("gzip", answer.header("content-encoding"))
                self.assertFalse(answer.whole, answer)
                self.assertEqual(packed, bytes(answer.body))

    def test_next_request_is_untouched(self):
        self.rig.demo.fault("a", "cut:after=8+pace:bytes=4", count=1)
        self.rig.post("chat", "[demo:words 40]")
        with self.rig.wire() as wire:
            for _ in range(3):
                self.rig.send(wire, "chat", ask("chat"))
                said("chat", wire.answer())


if __name__ == "__main__":
    rig.main()
