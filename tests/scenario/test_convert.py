"""Any client on any upstream: six directions, streaming and not, and what goes wrong on the way."""

import json
import unittest

import rig
from protocols import PROTOCOLS, ask, error, error_event, events, read, said

LISTS = {"anthropic": "api_configs", "responses": "codex_configs", "chat": "chat_configs"}
LEDGER = {"anthropic": "messages", "responses": "responses", "chat": "chat"}


def only(upstream, *entries, **more):
    """Only upstreams of one protocol."""
    return rig.config(**{**rig.plain(streaming_read_timeout=1, codex_base_timeout=1,
                                     non_streaming_read_timeout=2), **more,
                         LISTS[upstream]: [rig.upstream(name) for name in entries or ("a", "b")]})


class Convert(unittest.TestCase):
    maxDiff = 2000

    def each(self, run):
        for upstream in PROTOCOLS:
            with rig.Rig(only(upstream)) as running:
                for client in PROTOCOLS:
                    if client != upstream:
                        with self.subTest(client=client, upstream=upstream):
                            running.demo.mend()
                            run(running, client, upstream)

    def test_text(self):
        def run(running, client, upstream):
            for stream in (True, False):
                answer = running.post(client, "[demo:say h\u00e9llo \u4f60\u597d]", stream)
                self.assertEqual("h\u00e9llo \u4f60\u597d", said(client, answer, stream))
            call = running.demo.calls()[-1]
            self.assertEqual(LEDGER[upstream], call.protocol)
        self.each(run)

    def test_the_other_form(self):
        """JSON for a stream, a stream for a whole answer; also where the protocol is the client's."""
        def run(running, client, upstream):
            running.demo.fault("a", "json", count=1)
            self.assertEqual("x", said(client, running.post(client, "[demo:say x]", True), True))
            running.demo.fault("a", "sse", count=1)
            self.assertEqual("x", said(client, running.post(client, "[demo:say x]", False), False))
        self.each(run)
        for client in PROTOCOLS:
            with rig.Rig(only(client)) as running:
                run(running, client, client)
                self.assertEqual({"a"}, {call.name for call in running.demo.calls()})

    def test_failures_before_the_answer_move_on(self):
        def run(running, client, upstream):
            for spec in ("529", "empty", "html", "error-first", "cut:after=1", "refuse", "stall:first"):
                running.demo.fault("a", spec)
                self.assertEqual("x", said(client, running.post(client, "[demo:say x]")), spec)
                running.demo.mend()
        self.each(run)

    def test_failures_in_the_answer_are_told(self):
        """At every event: the client's own error event, no clean end, no mark of success."""
        def run(running, client, upstream):
            for after in range(3, 14, 2):
                for how in ("rst", "fin", "clean"):
                    running.demo.fault("a", f"cut:after={after};how={how}+pace:bytes=4")
                    answer = running.post(client, "[demo:words 40]")
                    running.demo.mend()
                    names = [call.name for call in running.demo.calls()][-2:]
                    if answer.whole and names == ["a", "b"]:
                        continue  # nothing useful had come yet
                    self.assertEqual(200, answer.status)
                    self.assertFalse(answer.whole, (after, how))
                    self.assertIsNotNone(error_event(client, answer.body), answer)
                    self.assertNotIn(b"[DONE]", answer.body)
                    self.assertNotIn(b"response.completed", answer.body)
                    self.assertNotIn(b"message_stop", answer.body)
        self.each(run)

    def test_errors_speak_the_clients_language(self):
        def run(running, client, upstream):
            for spec, statuses in (("400", (400,)), ("404", (404,)), ("413", (413,)), ("422", (422, 400))):
                running.demo.fault("a", spec)
                mark = running.demo.newest()
                answer = running.post(client)
                running.demo.mend()
                self.assertIn(answer.status, statuses)
                self.assertTrue(error(client, answer)[1])
                self.assertEqual(["a"], [call.name for call in running.demo.calls(mark)])
        self.each(run)

    def test_tool_calls(self):
        """The demo calls an offered tool; the client sees the call in its own form."""
        schema = {"type": "object", "properties": {"x": {"type": "string"}}}
        tools = {
            "anthropic": [{"name": "look", "input_schema": schema}],
            "chat": [{"type": "function", "function": {"name": "look", "parameters": schema}}],
            "responses": [{"type": "function", "name": "look", "parameters": schema}],
        }

        def run(running, client, upstream):
            for stream in (True, False):
                answer = running.post(client, '[demo:tool look {"x":"y \\u0041"}]', stream,
                                      tools=tools[client])
                self.assertEqual(200, answer.status, answer)
                text = bytes(answer.body)
                self.assertIn(b"look", text)
                mark = {"anthropic": b"tool_use", "chat": b"tool_calls", "responses": b"function_call"}
                self.assertIn(mark[client], text)
        self.each(run)

    def test_a_compaction_without_a_summary_fails(self):
        """An empty item would lose the conversation."""
        def run(running, client, upstream):
            if client != "responses":
                return
            for text, is_whole in (("some words", True), ('""', False)):
                body = json.loads(ask(client, f"[demo:say {text}]"))
                body["input"].append({"type": "compaction_trigger"})
                answer = running.post(client, body=json.dumps(body).encode())
                done = [read(data) for name, data in events(answer.body)
                        if name == "response.output_item.done"]
                self.assertEqual(["compaction"] * is_whole, [item["item"]["type"] for item in done])
                self.assertEqual(is_whole, b"response.completed" in answer.body, answer)
                self.assertEqual(is_whole, error_event(client, answer.body) is None, answer)
        self.each(run)

    def test_models_and_counts(self):
        def run(running, client, upstream):
            answer = running.call("GET", "/v1/models" if client != "responses" else "/openai/models",
                                  running.headers(client))
            self.assertEqual(200, answer.status, answer)
            item = json.loads(answer.body)
            self.assertTrue(item["data"])
            self.assertEqual(client == "anthropic", item["data"][0].get("type") == "model", item)
            one = running.call("GET", ("/v1/models/" if client != "responses" else "/openai/models/") +
                               item["data"][0]["id"], running.headers(client))
            self.assertEqual((200, item["data"][0]), (one.status, json.loads(one.body)))
            if client == "anthropic":
                self.check_counts(running)
        self.each(run)

    def check_counts(self, running):
        """An estimate that says so and grows with all that a model reads; no upstream is asked."""
        def count(**more):
            body = {"model": "demo", "messages": [{"role": "user", "content": "count me, please"}], **more}
            answer = running.post("anthropic", path="/v1/messages/count_tokens?beta=true",
                                  body=json.dumps(body).encode())
            self.assertEqual((200, "true"), (answer.status, answer.header("x-pointsman-estimate")))
            self.assertEqual({"input_tokens"}, set(json.loads(answer.body)))
            return json.loads(answer.body)["input_tokens"]

        mark = running.demo.newest()
        plain = count()
        self.assertIn(plain, range(5, 40))
        text = "Answer in verse. " * 20
        self.assertIn(count(system=text) - plain, range(60, 140))
        self.assertEqual(count(system=text), count(system=[{"type": "text", "text": text}]))
        tool = {"name": "look", "description": "Looks at a thing.", "input_schema": {
            "type": "object", "properties": {"what": {"type": "string", "description": "the thing"}}}}
        self.assertIn(count(tools=[tool]) - plain, range(20, 80))
        self.assertEqual(2 * (count(tools=[tool]) - plain), count(tools=[tool, tool]) - plain)
        small, big = "AAAA", "A" * 400000
        images = [count(messages=[{"role": "user", "content": [
            {"type": "text", "text": "count me, please"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}]}])
            for data in (small, big)]
        self.assertEqual(images[0], images[1], "an image costs by what is seen, not by its bytes")
        self.assertIn(images[0] - plain, range(1000, 2000))
        self.assertEqual([], running.demo.calls(mark))
        answer = running.post("anthropic", path="/v1/messages/count_tokens", body=b'{"model": "demo"}')
        self.assertEqual(400, answer.status)
        self.assertIn("messages", error("anthropic", answer)[1])

    def metrics(self, running):
        return bytes(running.call("GET", "/metrics", {"Authorization": f"Bearer {running.token}"},
                                  port=running.admin_port).body)

    def test_what_is_lost_is_told_or_refused(self):
        body = json.loads(ask("anthropic", "[demo:say x]"))
        body["top_k"] = 5
        with rig.Rig(only("responses")) as running:
            answer = running.post("anthropic", body=json.dumps(body).encode())
            self.assertEqual("x", said("anthropic", answer))
            self.assertIn("top_k", answer.header("x-pointsman-loss") or "")
            logged = rig.wait_for(lambda: running.log("exchange"), "it is logged")[-1]
            self.assertEqual("top_k", logged["loss"])
            counter = (b'pointsman_lossy_requests_total{protocol="anthropic",'
                       b'upstream_protocol="responses"} 1\n')
            rig.wait_for(lambda: counter in self.metrics(running), "it is counted")
        strict = rig.plain()
        strict["routing"]["claude"]["loss"] = "strict"
        with rig.Rig({**only("responses"), **strict}) as running:
            answer = running.post("anthropic", body=json.dumps(body).encode())
            self.assertEqual(400, answer.status)
            self.assertIn("top_k", error("anthropic", answer)[1])
            self.assertIn("responses", error("anthropic", answer)[1])
            self.assertEqual([], running.demo.calls())

    def test_a_wrong_member_is_named_once(self):
        with rig.Rig(only("anthropic")) as running:
            body = {**json.loads(ask("chat", "x")), "temperature": "warm"}
            answer = running.post("chat", body=json.dumps(body).encode())
            self.assertEqual(400, answer.status)
            self.assertEqual(1, error("chat", answer)[1].count("temperature"), answer)
            self.assertEqual("temperature", json.loads(answer.body)["error"]["param"])
            body = {**json.loads(ask("responses", "x")), "previous_response_id": "resp_1"}
            answer = running.post("responses", body=json.dumps(body).encode())
            self.assertEqual(400, answer.status)
            self.assertEqual("previous_response_id", json.loads(answer.body)["error"]["param"])
            self.assertIn("anthropic", error("responses", answer)[1])
            self.assertEqual([], running.demo.calls())

    def test_the_old_chat_list_over_anthropic_upstreams(self):
        """openai_to_claude_configs: chat clients, Anthropic upstreams, with failover among them."""
        wanted = rig.config(**rig.plain())
        wanted["openai_to_claude_configs"] = [rig.upstream("a"), rig.upstream("b")]
        with rig.Rig(wanted) as running:
            running.demo.fault("a", "503", count=1)
            self.assertEqual("x", said("chat", running.post("chat", "[demo:say x]")))
            self.assertEqual(["messages"] * 2, [call.protocol for call in running.demo.calls()])
            for model, sent in (("gpt-4-turbo", "claude-sonnet-4-5"), ("mine", "mine")):
                self.assertEqual("x", said("chat", running.post("chat", "[demo:say x]", model=model)))
                self.assertEqual(sent, running.demo.calls()[-1].request["model"])

    def test_one_list_may_mix_protocols(self):
        entries = [rig.upstream("a"), rig.upstream("b", protocol="chat"),
                   rig.upstream("c", protocol="responses")]
        with rig.Rig(rig.config(claude=entries, **rig.plain())) as running:
            running.demo.fault("a", "503")
            self.assertEqual("x", said("anthropic", running.post("anthropic", "[demo:say x]")))
            running.demo.fault("b", "503")
            self.assertEqual("y", said("anthropic", running.post("anthropic", "[demo:say y]")))
            self.assertEqual(["messages", "chat", "messages", "chat", "responses"],
                             [call.protocol for call in running.demo.calls()])


if __name__ == "__main__":
    rig.main()
