"""What models and upstreams take, by the owner's words: rows, accepted fields, thinking by suffix,
streams that are put together, rate limits in the client's words."""

import json
import time
import unittest

import rig
from protocols import PROTOCOLS, ask, error, said, whole_text

LISTS = {"anthropic": "api_configs", "responses": "codex_configs", "chat": "chat_configs"}


def only(upstream, *entries, timeouts=None, **more):
    """Only these upstreams, all of one protocol."""
    return rig.config(**{**rig.plain(**(timeouts or {})), **more, LISTS[upstream]: list(entries)})


class Abilities(unittest.TestCase):
    maxDiff = 3000

    def params(self, running, client="anthropic", **more):
        """The short members of the body that the upstream got, and the client's answer."""
        answer = running.post(client, "[demo:say x]", False, **more)
        self.assertEqual("x", said(client, answer, False))
        return running.demo.calls()[-1].params, answer

    def test_rows_and_accepted_fields_change_what_is_asked(self):
        row = {"pattern": "qwen*", "sampling": False, "thinking": "none", "max_output_tokens": 700}
        wanted = only("chat", rig.upstream("a", accepts=["max_tokens_old_name", "top_k"]),
                      rig.upstream("b:backup"), model_capabilities=[row])
        asked = {"temperature": 0.5, "top_k": 5, "max_tokens": 1000,
                 "thinking": {"type": "enabled", "budget_tokens": 600}}
        with rig.Rig(wanted) as running:
            params, answer = self.params(running, model="qwen-3", **asked)
            self.assertEqual({"model": "qwen-3", "max_tokens": 700, "top_k": 5}, params)
            self.assertEqual({"temperature", "max_tokens", "thinking"},
                             set(answer.header("x-pointsman-loss").split(", ")))
            params, _ = self.params(running, model="other", **asked)
            self.assertEqual((1000, 5, 0.5), tuple(params[key] for key in
                                                   ("max_tokens", "top_k", "temperature")))
            self.assertIn("reasoning_effort", params)
            running.demo.fault("a", "503")
            params, answer = self.params(running, model="qwen-3", **asked)
            self.assertEqual({"model": "qwen-3", "max_completion_tokens": 700}, params)
            self.assertIn("top_k", answer.header("x-pointsman-loss"))

    def test_a_row_counts_from_the_next_reload_and_a_bad_one_is_refused(self):
        def put(*rows):
            running.change_config(lambda now: now.update(model_capabilities=list(rows)))
            return running.command("reload")

        with rig.Rig(only("responses", rig.upstream("a"))) as running:
            self.assertEqual(0.5, self.params(running, temperature=0.5)[0]["temperature"])
            self.assertEqual(0, put({"pattern": "dem*", "sampling": False}).returncode)
            rig.wait_for(lambda: "temperature" not in self.params(running, temperature=0.5)[0],
                         "the row has come to the data planes")
            refused = put({"pattern": "*"}, {"pattern": "*", "thinking": "often"})
            self.assertNotEqual(0, refused.returncode)
            self.assertIn("model_capabilities[1].thinking", refused.stdout + refused.stderr)
            self.assertNotIn("temperature", self.params(running, temperature=0.5)[0])

    def test_an_anthropic_upstream_by_the_owners_row(self):
        """A model behind Anthropic's protocol that thinks by budget and takes no end to begin with."""
        row = {"pattern": "glm-*", "thinking": "budget", "prefill": False, "max_output_tokens": 5000}
        with rig.Rig(only("anthropic", rig.upstream("a"), model_capabilities=[row])) as running:
            params, _ = self.params(running, "chat", model="glm-5", reasoning_effort="low")
            self.assertEqual({"type": "enabled", "budget_tokens": 1024}, params["thinking"])
            self.assertEqual(5000, params["max_tokens"])
            params, _ = self.params(running, "chat", model="claude-opus-4-8", reasoning_effort="low")
            self.assertEqual("adaptive", params["thinking"]["type"])
            mark = running.demo.newest()
            body = json.loads(ask("chat", model="glm-5"))
            body["messages"].append({"role": "assistant", "content": "So"})
            answer = running.post("chat", body=json.dumps(body).encode())
            self.assertEqual(400, answer.status)
            self.assertIn("user's", error("chat", answer)[1])
            self.assertEqual([], running.demo.calls(mark))

    def test_thinking_by_suffix_leaves_out_what_it_forbids(self):
        with rig.Rig(only("anthropic", rig.upstream("a"))) as running:
            params, _ = self.params(running, model="claude-sonnet-4-5-thinking", max_tokens=9000,
                                    temperature=0.2, top_p=0.5, top_k=4)
            self.assertEqual({"type": "enabled", "budget_tokens": 8999}, params["thinking"])
            self.assertEqual({"model", "max_tokens", "thinking"}, set(params))
            params, _ = self.params(running, model="claude-sonnet-4-5", max_tokens=9000, top_k=4)
            self.assertEqual({"model", "max_tokens", "top_k"}, set(params))
            params, _ = self.params(running, "chat", model="claude-opus-4-8-thinking", temperature=0.2)
            self.assertEqual(("claude-opus-4-8", "adaptive"),
                             (params["model"], params["thinking"]["type"]))
            self.assertNotIn("temperature", params)


# ---- rate limits ----

SCRIPTS = {
    "anthropic": {"id": "m", "type": "message", "role": "assistant", "model": "d",
                  "content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn",
                  "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}},
    "chat": {"id": "c", "object": "chat.completion", "created": 1, "model": "d",
             "choices": [{"index": 0, "finish_reason": "stop",
                          "message": {"role": "assistant", "content": "x"}}],
             "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}},
    "responses": {"id": "r", "object": "response", "created_at": 1, "status": "completed", "model": "d",
                  "output": [{"type": "message", "id": "i", "status": "completed", "role": "assistant",
                              "content": [{"type": "output_text", "text": "x", "annotations": []}]}],
                  "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}},
}


def moment(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


class Limits(unittest.TestCase):
    def test_rate_limits_in_the_clients_words(self):
        told = {
            "anthropic": {"anthropic-ratelimit-requests-limit": "50",
                          "anthropic-ratelimit-tokens-remaining": "900",
                          "anthropic-ratelimit-tokens-reset": moment(7200)},
            "chat": {"x-ratelimit-limit-requests": "50", "x-ratelimit-remaining-tokens": "900",
                     "x-ratelimit-reset-tokens": "2h0m0s"},
        }
        told["responses"] = told["chat"]
        for upstream in PROTOCOLS:
            with rig.Rig(only(upstream, rig.upstream("a"))) as running:
                running.demo.script("a", json.dumps(SCRIPTS[upstream]).encode(), headers={
                    "Content-Type": "application/json", "Retry-After": "3", **told[upstream]})
                for client in PROTOCOLS:
                    with self.subTest(client=client, upstream=upstream):
                        answer = running.post(client, "hi", False)
                        self.assertEqual("x", said(client, answer, False))
                        self.check(client, answer, told)

    def check(self, client, answer, told):
        found = {name: value for name, value in answer.headers if "ratelimit" in name}
        self.assertEqual("3", answer.header("retry-after"))
        self.assertEqual(set(told[client]), set(found))
        for name, value in told[client].items():
            if not name.endswith("reset") and "-reset-" not in name:
                self.assertEqual(value, found[name])
        reset = next(value for name, value in found.items() if "reset" in name)
        if client == "anthropic":
            self.assertTrue(moment(7100) <= reset <= moment(7300), reset)
        else:
            self.assertRegex(reset, r"^(2h0m\ds|1h59m\d+s)$")


# ---- streams that are put together ----

SCHEMA = {"type": "object", "properties": {"x": {"type": "string"}}}
TOOLS = {
    "anthropic": [{"name": "look", "input_schema": SCHEMA}],
    "chat": [{"type": "function", "function": {"name": "look", "parameters": SCHEMA}}],
    "responses": [{"type": "function", "name": "look", "parameters": SCHEMA}],
}
THINKS = {
    "anthropic": {"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 4000},
    "chat": {"reasoning_effort": "high"},
    "responses": {"reasoning": {"effort": "high", "summary": "auto"}},
}


def gist_anthropic(item):
    parts = []
    for block in item["content"]:
        kind = block["type"]
        parts.append((kind, (block["name"], block["input"]) if kind == "tool_use" else block[kind]))
    usage = item["usage"]
    return parts, item["stop_reason"], (usage["input_tokens"], usage["output_tokens"],
                                        usage["cache_read_input_tokens"])


def gist_chat(item):
    choice, usage = item["choices"][0], item["usage"]
    message = choice["message"]
    calls = [(call["function"]["name"], json.loads(call["function"]["arguments"]))
             for call in message.get("tool_calls") or ()]
    return ([message.get("reasoning_content"), message["content"], calls], choice["finish_reason"],
            (usage["prompt_tokens"], usage["completion_tokens"],
             usage["prompt_tokens_details"]["cached_tokens"]))


def gist_responses(item):
    parts = []
    for entry in item["output"]:
        if entry["type"] == "function_call":
            parts.append((entry["name"], json.loads(entry["arguments"])))
        else:
            texts = entry["content"] if entry["type"] == "message" else entry["summary"]
            parts.append((entry["type"], [part["text"] for part in texts]))
    usage = item["usage"]
    return parts, item["status"], (usage["input_tokens"], usage["output_tokens"],
                                   usage["input_tokens_details"]["cached_tokens"])


GISTS = {"anthropic": gist_anthropic, "chat": gist_chat, "responses": gist_responses}


class Fold(unittest.TestCase):
    maxDiff = 3000

    def whole(self, running, client, prompt, **more):
        answer = running.post(client, prompt, False, tools=TOOLS[client], **THINKS[client], **more)
        self.assertEqual(200, answer.status, answer)
        self.assertEqual("application/json", answer.header("content-type"))
        return GISTS[client](json.loads(answer.body))

    def test_a_whole_answer_is_a_stream_put_together(self):
        prompts = ("[demo:think hm \u4f60\u597d, well] [demo:say one \u00e9 two \"three\"]",
                   "[demo:think so] [demo:tools 2 look {\"x\":\"y\"}]", "[demo:stop max_tokens] [demo:words 9]")
        for upstream in PROTOCOLS:
            entries = {"off": rig.upstream("a"), "all": rig.upstream("a", fold="all"),
                       "converted": rig.upstream("a", fold="converted")}
            told = {}
            for fold, entry in entries.items():
                with rig.Rig(only(upstream, entry)) as running:
                    running.demo.fault("a", "usage:normal;in=100;out=20;read=30")
                    for client in PROTOCOLS:
                        told[fold, client] = [self.whole(running, client, prompt)
                                              for prompt in prompts]
                        streams = {call.stream for call in running.demo.calls()[-3:]}
                        wanted = fold == "all" or (fold == "converted" and client != upstream)
                        self.assertEqual({wanted}, streams, (fold, client, upstream))
            for client in PROTOCOLS:
                for fold in ("all", "converted"):
                    with self.subTest(client=client, upstream=upstream, fold=fold):
                        self.assertEqual(told["off", client], told[fold, client])

    def test_streams_stay_streams_and_failures_move_on(self):
        for protocol in PROTOCOLS:
            entries = [rig.upstream(name, fold="all") for name in ("a", "b")]
            with self.subTest(protocol), rig.Rig(only(protocol, *entries)) as running:
                self.assertEqual("x", said(protocol, running.post(protocol, "[demo:say x]")))
                for spec in ("529", "error-first", "cut:after=4;how=fin", "error-after=4", "empty"):
                    running.demo.fault("a", spec)
                    mark = running.demo.newest()
                    answer = running.post(protocol, "[demo:words 30]", False)
                    self.assertEqual(200, answer.status, (spec, answer))
                    self.assertEqual(30, len(whole_text(protocol, answer.body).split()))
                    self.assertEqual([("a", True), ("b", True)],
                                     [(call.name, call.stream) for call in running.demo.calls(mark)])
                    running.demo.mend()
                # What is not a stream, and errors, pass as they are.
                running.demo.fault("a", "json")
                self.assertEqual("x", said(protocol, running.post(protocol, "[demo:say x]", False), False))
                running.demo.fault("a", "422:msg=no")
                answer = running.post(protocol, "hi", False)
                self.assertEqual(422, answer.status)
                self.assertIn("no", error(protocol, answer)[1])

    def test_the_deadlines_of_streams_hold(self):
        times = {"streaming_read_timeout": 1, "non_streaming_read_timeout": 60}
        for fold, asked in (("off", ["a"]), ("converted", ["a", "b"])):
            entries = [rig.upstream(name, fold=fold) for name in ("a", "b")]
            with rig.Rig(only("anthropic", *entries, timeouts=times)) as running:
                running.demo.fault("a", "stall:first;ms=4000")
                self.assertEqual("x", said("chat", running.post("chat", "[demo:say x]", False), False))
                self.assertEqual(asked, [call.name for call in running.demo.calls()])

    def test_an_answer_can_be_continued_where_it_came_from(self):
        entries = [rig.upstream(name, fold="all") for name in ("a", "b")]
        with rig.Rig(only("responses", *entries)) as running:
            running.demo.fault("a", "503", count=1)
            answer = json.loads(running.post("responses", "[demo:say x]", False).body)
            running.post("responses", "more", False, previous_response_id=answer["id"])
            self.assertEqual([("a", True), ("b", True), ("b", False)],
                             [(call.name, call.stream) for call in running.demo.calls()])

    def test_what_events_have_no_words_for_is_not_put_together(self):
        with rig.Rig(only("chat", rig.upstream("a", fold="all"))) as running:
            self.assertEqual(200, running.post("chat", "hi", False, n=2).status)
            self.assertEqual(200, running.post("chat", "hi", False, n=1).status)
            self.assertEqual([False, True], [call.stream for call in running.demo.calls()])


if __name__ == "__main__":
    rig.main()
