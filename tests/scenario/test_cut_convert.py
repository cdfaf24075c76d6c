"""An upstream that fails at each event of its stream, for each client's protocol over each upstream's,
over real sockets: an error event of the client's own, then the connection ends without the last chunk."""

import json

import rig
from protocols import HALF, PROTOCOLS, error, error_event, events, read

PROMPT = '[demo:say "two words"][demo:tool look {"x":"y z"}]'
SCHEMA = {"type": "object", "properties": {"x": {"type": "string"}}}
TOOLS = {
    "anthropic": [{"name": "look", "input_schema": SCHEMA}],
    "chat": [{"type": "function", "function": {"name": "look", "parameters": SCHEMA}}],
    "responses": [{"type": "function", "name": "look", "parameters": SCHEMA}],
}
# Whatever tells a client that its answer is whole.
SUCCESS = {
    "anthropic": lambda item: item.get("type") == "message_stop",
    "chat": lambda item: item == {},  # [DONE]
    "responses": lambda item: item.get("type") in ("response.completed", "response.incomplete"),
}
# Events that may follow the one that ends an answer: the use of tokens and [DONE].
BEHIND_ITS_END = {"anthropic": 0, "chat": 2, "responses": 0}
CALL_MARKS = {"anthropic": "tool_use", "chat": "tool_calls", "responses": "function_call"}


def is_success(client, item):
    return item is not HALF and SUCCESS[client](item)


class CutConvert(rig.Case):
    upstream = None

    @classmethod
    def setUpClass(cls):
        if cls.upstream is None:
            raise rig.unittest.SkipTest("only its subclasses run")
        cls.config = rig.config(*[[rig.upstream("a", protocol=cls.upstream, fold="all")]
                                  for _ in PROTOCOLS],
                                **rig.plain(streaming_read_timeout=5, codex_base_timeout=5))
        super().setUpClass()

    def post(self, client, streams=True):
        return self.rig.post(client, PROMPT, streams, tools=TOOLS[client])

    def count_events(self, client):
        """How many events the upstream sends for a whole answer, which is looked at as well."""
        self.check_success(client, self.post(client))
        return rig.wait_for(lambda: self.calls()[-1].end, "the ledger has its end")["events"]

    def check_success(self, client, answer):
        self.assertTrue(answer.whole, answer)
        items = [read(data) for _, data in events(answer.body)]
        self.assertEqual(1, sum(is_success(client, item) for item in items), answer)
        self.assertIn(CALL_MARKS[client], answer.body.decode())
        self.assertIn("two words", answer.body.decode())

    def check_failure(self, client, answer):
        """True when the answer had begun."""
        if answer.status != 200:
            self.assertGreaterEqual(answer.status, 400, answer)
            self.assertTrue(answer.whole, answer)
            self.assertTrue(error(client, answer)[1], answer)
            return False
        *before, last = events(answer.body)
        shown = f"event: {last[0]}\ndata: {last[1]}\n\n".encode()
        self.assertIsNotNone(error_event(client, shown), answer)
        self.assertFalse(any(is_success(client, read(data)) for _, data in before), answer)
        self.assertFalse(answer.whole, f"the last chunk came: the answer looks complete: {answer}")
        return True

    def run_every_index(self, spec):
        """`spec` holds AT where the index goes."""
        for client in PROTOCOLS:
            self.rig.demo.mend()
            count = self.count_events(client)
            self.assertGreater(count, 4)
            begun = 0
            for at in range(count):
                with self.subTest(client=client, upstream=self.upstream, at=at, of=count):
                    self.rig.demo.fault("a", spec.replace("AT", str(at)))
                    begun += self.check_failure(client, self.post(client))
            self.assertGreater(begun, 2, "no answer had begun when it broke")

    def test_reset(self):
        self.run_every_index("cut:after=AT;how=rst+pace:bytes=4;ms=1")

    def test_closed(self):
        self.run_every_index("cut:after=AT;how=fin+pace:bytes=4;ms=1")

    def test_body_ends_early(self):
        """Properly for HTTP, but not for the protocol."""
        self.run_every_index("cut:after=AT;how=clean+pace:bytes=4;ms=1")

    def test_error_event(self):
        self.run_every_index("error-after=AT+pace:bytes=4;ms=1")

    def test_put_together_whole_or_not_at_all(self):
        """For a client that wants a whole answer, of an upstream that is asked for a stream."""
        for client in PROTOCOLS:
            for spec in ("cut:after=AT;how=rst", "cut:after=AT;how=clean", "error-after=AT"):
                self.rig.demo.mend()
                self.check_whole(client, self.post(client, False))
                count = rig.wait_for(lambda: self.calls()[-1].end, "the ledger has its end")["events"]
                self.assertGreater(count, 4)
                failed = 0
                for at in range(count):
                    with self.subTest(client=client, upstream=self.upstream, spec=spec, at=at):
                        self.rig.demo.fault("a", spec.replace("AT", str(at)))
                        answer = self.post(client, False)
                        if answer.status == 200:
                            self.check_whole(client, answer)
                            continue
                        failed += 1
                        self.assertGreaterEqual(answer.status, 400, answer)
                        self.assertTrue(answer.whole, answer)
                        self.assertTrue(error(client, answer)[1], answer)
                self.assertGreaterEqual(failed, count - 1 - BEHIND_ITS_END[self.upstream])

    def check_whole(self, client, answer):
        self.assertEqual((200, True), (answer.status, answer.whole), answer)
        for text in ("two words", "y z", CALL_MARKS[client]):
            self.assertIn(text, answer.body.decode())
        json.loads(answer.body)

    def test_lost_after_its_end(self):
        """Once the answer is whole, the fate of the connection concerns nobody."""
        for client in set(PROTOCOLS) - {self.upstream}:
            self.rig.demo.mend()
            count = self.count_events(client)
            for at in range(count - BEHIND_ITS_END[self.upstream], count + 1):
                for how in ("rst", "fin", "clean"):
                    with self.subTest(client=client, upstream=self.upstream, at=at, how=how):
                        self.rig.demo.fault("a", f"cut:after={at};how={how}")
                        self.check_success(client, self.post(client))


class OverAnthropic(CutConvert):
    upstream = "anthropic"


class OverChat(CutConvert):
    upstream = "chat"

    def test_silent_after_its_end(self):
        """The connection stays, but nothing comes any more."""
        for client in ("anthropic", "responses"):
            with self.subTest(client=client):
                self.rig.demo.mend()
                at = self.count_events(client) - BEHIND_ITS_END[self.upstream]
                self.rig.demo.fault("a", f"stall:after={at}")
                self.check_success(client, self.post(client))


class OverResponses(CutConvert):
    upstream = "responses"


if __name__ == "__main__":
    rig.main()
