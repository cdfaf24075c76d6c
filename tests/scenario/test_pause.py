"""An Anthropic upstream that pauses its answer in the middle of tools of its own, for clients of the
other protocols, which cannot ask it to go on: the gateway does, and they get one answer."""

import json

import rig
from protocols import ask, error_event, said

THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2lnbmVk"}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search",
          "input": {"query": "x"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [
    {"type": "web_search_result", "url": "http://a.example/", "title": "A",
     "encrypted_content": "abc"}]}
TOOLS = {"responses": {"tools": [{"type": "web_search"}]}, "chat": {"web_search_options": {}}}
ROUNDS_MAX = 5


def text(words):
    return {"type": "text", "text": words}


def message(reason, *blocks):
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": "demo",
            "content": list(blocks), "stop_reason": reason, "stop_sequence": None,
            "usage": {"input_tokens": 10, "output_tokens": 20}}


def stream(reason, *blocks):
    """The events of the same."""
    def event(kind, **more):
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n"
    start = {**message(None), "usage": {"input_tokens": 10, "output_tokens": 1}}
    out = event("message_start", message=start)
    for index, block in enumerate(blocks):
        deltas = {"text": [("text_delta", "text")], "server_tool_use": [("input_json_delta", None)],
                  "thinking": [("thinking_delta", "thinking"), ("signature_delta", "signature")]}
        empty = {**block, **{key: "" for _, key in deltas.get(block["type"], []) if key}}
        if block["type"] == "server_tool_use":
            empty["input"] = {}
        out += event("content_block_start", index=index, content_block=empty)
        for kind, key in deltas.get(block["type"], []):
            told = {key: block[key]} if key else {"partial_json": json.dumps(block["input"])}
            out += event("content_block_delta", index=index, delta={"type": kind, **told})
        out += event("content_block_stop", index=index)
    out += event("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 20})
    return out + event("message_stop")


PIECES = (("pause_turn", THOUGHT, text("one, "), SEARCH),
          ("pause_turn", FOUND, text("two, ")), ("end_turn", text("three")))


class Pause(rig.Case):
    config = rig.config(**{**rig.plain(streaming_read_timeout=5),
                           "codex_configs": [rig.upstream("a", protocol="anthropic")],
                           "chat_configs": [rig.upstream("a", protocol="anthropic")]})

    def script(self, streams, *pieces):
        for piece in pieces:
            body = stream(*piece) if streams else json.dumps(message(*piece))
            kind = "text/event-stream" if streams else "application/json"
            self.rig.demo.script("a", body.encode(), headers={"Content-Type": kind},
                                 chunked=streams, count=1)

    def post(self, client, streams=True):
        self.mark = self.rig.demo.newest()
        return self.rig.post(client, stream=streams, **TOOLS[client])

    def each(self):
        for client in TOOLS:
            for streams in (True, False):
                with self.subTest(client=client, streams=streams):
                    self.rig.demo.mend()
                    yield client, streams

    def test_it_goes_on(self):
        for client, streams in self.each():
            self.script(streams, *PIECES)
            answer = self.post(client, streams)
            self.assertEqual("one, two, three", said(client, answer, streams))
            calls = self.calls()
            self.assertEqual(3, len(calls))
            # Each time more of the answer is sent back: the thinking, to begin with.
            self.assertEqual([0, 1, 1], [call.seals_foreign for call in calls])
            self.assertEqual(sorted({call.body_bytes for call in calls}),
                             [call.body_bytes for call in calls])
            exchange = rig.wait_for(lambda: self.rig.log("exchange"), "it is logged")[-1]
            self.assertEqual(("completed", "1"), (exchange["outcome"], exchange["attempts"]))

    def test_it_goes_on_in_the_other_form(self):
        """A stream for a client that wants a whole answer, and a whole one for a stream."""
        for client, streams in self.each():
            self.script(not streams, *PIECES)
            self.assertEqual("one, two, three", said(client, self.post(client, streams), streams))
            self.assertEqual(3, len(self.calls()))

    def test_its_use_of_tokens_is_the_sum(self):
        self.script(False, *PIECES)
        usage = json.loads(self.post("responses", False).body)["usage"]
        self.assertEqual((30, 60), (usage["input_tokens"], usage["output_tokens"]))
        self.check_record("reported", 30, 60)

    def check_record(self, usage, tokens_in, tokens_out):
        def told():
            headers = {"Authorization": f"Bearer {self.rig.token}"}
            answer = self.rig.call("GET", "/api/v1/requests?limit=1", headers,
                                   port=self.rig.admin_port)
            records = json.loads(bytes(answer.body))["records"]
            calls = records[0]["attempts"] if records else [{}]
            return len(calls) == 1 and [calls[0].get(word) for word in ("usage", "input", "output")]
        rig.wait_for(lambda: told() == [usage, tokens_in, tokens_out], "it is recorded")

    def test_what_was_used_before_a_failing_piece_is_counted(self):
        self.script(True, PIECES[0])
        self.rig.demo.fault("a", "529")
        self.check_torn("responses", self.post("responses"))
        self.check_record("partial", 10, 20)

    def test_the_use_of_a_stream_is_the_sum(self):
        self.script(True, *PIECES)
        self.post("chat")
        self.check_record("reported", 30, 60)

    def test_not_for_ever(self):
        for client, streams in self.each():
            self.script(streams, *[("pause_turn", text(f"{n} ")) for n in range(ROUNDS_MAX + 3)])
            answer = self.post(client, streams)
            self.assertEqual("0 1 2 3 4 5 ", said(client, answer, streams))
            self.assertEqual(ROUNDS_MAX + 1, len(self.calls()))

    def check_torn(self, client, answer):
        self.assertFalse(answer.whole, answer)
        self.assertIsNotNone(error_event(client, answer.body), answer)
        for mark in (b"[DONE]", b"response.completed"):
            self.assertNotIn(mark, answer.body)

    def test_a_failing_piece_is_told(self):
        for client in TOOLS:
            for spec in ("529", "401", "refuse", "close", "cut:after=4;how=rst", "error-after=4"):
                with self.subTest(client=client, spec=spec):
                    self.rig.demo.mend()
                    self.script(True, PIECES[0])
                    self.rig.demo.fault("a", spec + "+pace:bytes=4")
                    answer = self.post(client)
                    self.assertIn(b"one, ", answer.body)
                    self.check_torn(client, answer)
                    self.assertEqual(2, len(self.calls()))

    def test_a_body_that_breaks_behind_its_end(self):
        """Its protocol's end has come: that is enough to go on."""
        whole = stream(*PIECES[0]).encode()
        raw = (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: "
               b"%d\r\n\r\n" % (len(whole) + 5))
        self.rig.demo.raw("a", raw + whole, count=1)
        self.script(True, PIECES[2])
        self.assertEqual("one, three", said("responses", self.post("responses")))

    def test_without_such_tools_it_passes(self):
        """Nobody can be waited for then; the client is told what it was."""
        self.script(True, ("pause_turn", text("one")))
        self.mark = self.rig.demo.newest()
        self.assertEqual("one", said("responses", self.rig.post("responses")))
        self.assertEqual(1, len(self.calls()))

    def test_client_leaves_between_two_pieces(self):
        self.script(True, PIECES[0])
        self.rig.demo.fault("a", "stall:headers")
        self.mark = self.rig.demo.newest()
        with self.rig.wire() as wire:
            self.rig.send(wire, "responses", ask("responses", **TOOLS["responses"]))
            rig.wait_for(lambda: len(self.calls()) == 2, "it is asked to go on", 5)
        rig.wait_for(lambda: self.calls()[-1].how == "client_gone", "it is left alone", 5)


if __name__ == "__main__":
    rig.main()
