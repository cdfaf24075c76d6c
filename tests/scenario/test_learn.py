"""A 400 that names what it refuses: the client never sees it, and next time it is not sent."""

import json
import unittest

import rig
from protocols import ask, said

REFUSAL = {"type": "error", "error": {
    "type": "invalid_request_error", "message": "context_management: Extra inputs are not permitted"}}
BETA = {"type": "error", "error": {
    "type": "invalid_request_error",
    "message": "Unexpected value(s) `odd-2026-01-01` for the `anthropic-beta` header."}}


class Learn(rig.Case):
    config = rig.everywhere("a", "b")

    def setUp(self):
        super().setUp()
        self.rig.command("forget", "--all")
        rig.wait_for(lambda: not self.lessons(), "all is forgotten")

    def lessons(self):
        return json.loads(self.rig.command("status", "--json").stdout)["lessons"]

    def refuse_once(self, name, body):
        self.rig.demo.script(name, status=400, body=json.dumps(body).encode(), count=1)

    def ask(self, model, **headers):
        body = json.loads(ask("anthropic", "[demo:say fine]", True, model))
        body["context_management"] = {"edits": []}
        answer = self.rig.post("anthropic", body=json.dumps(body).encode(), headers=headers)
        self.assertEqual("fine", said("anthropic", answer))

    def test_a_field(self):
        self.refuse_once("a", REFUSAL)
        self.ask("field-model")
        self.assertEqual(["a", "a"], self.names(), "the same upstream was asked again, once")
        lesson = rig.wait_for(self.lessons, "it is told")[0]
        self.assertEqual(("field", "context_management", "field-model"),
                         (lesson["kind"], lesson["name"], lesson["model"]))
        self.assertIn("context_management", self.rig.command("upstreams").stdout)
        mark = self.rig.demo.newest()
        self.ask("field-model")
        first, second, third = self.calls()[0], self.calls()[1], self.rig.demo.calls(mark)[0]
        self.assertNotEqual(first.request["body_bytes"], second.request["body_bytes"])
        self.assertEqual(second.request["body_bytes"], third.request["body_bytes"])
        # another model is sent it still, until it is forgotten for this one too
        self.ask("x" * len("field-model"))
        self.assertEqual(first.request["body_bytes"], self.calls()[-1].request["body_bytes"])
        self.assertIn("1 ", self.rig.command("forget", "--name", "context_management").stdout)
        self.assertEqual([], self.lessons())

    def test_a_beta_header(self):
        self.refuse_once("a", BETA)
        self.ask("beta-model", anthropic_beta="good-1,odd-2026-01-01")
        self.assertEqual(["a", "a"], self.names())
        sent = [dict(call.request["headers"]).get("anthropic-beta") for call in self.calls()]
        self.assertEqual(["good-1,odd-2026-01-01", "good-1"], sent)

    def test_several_at_once(self):
        """Two headers, two fields, or both kinds in one answer cost one more call, not two or three."""
        extra = "%s: Extra inputs are not permitted"
        both = "Unexpected value(s) `odd-1`, `odd-2` for the `anthropic-beta` header."
        for number, message in enumerate((
                both, extra % "context_management" + "\n" + extra % "odd_field",
                both + " " + extra % "odd_field")):
            model = f"several-{number}"
            with self.subTest(message):
                mark = self.rig.demo.newest()
                self.refuse_once("a", {"type": "error", "error": {
                    "type": "invalid_request_error", "message": message}})
                for _ in range(2):
                    body = json.loads(ask("anthropic", "[demo:say fine]", True, model))
                    body |= {"context_management": {"edits": []}, "odd_field": 1}
                    answer = self.rig.post("anthropic", body=json.dumps(body).encode(),
                                           headers={"anthropic-beta": "odd-1,good-1,odd-2"})
                    self.assertEqual("fine", said("anthropic", answer))
                calls = self.rig.demo.calls(mark)
                self.assertEqual(["a"] * 3, [call.name for call in calls])
                told = rig.wait_for(lambda: [lesson for lesson in self.lessons()
                                             if lesson["model"] == model], "it is told")
                names = {"odd-1", "odd-2", "context_management", "odd_field"}
                self.assertEqual({name for name in names if name in message},
                                 {lesson["name"] for lesson in told})
                betas = {"good-1" if "odd-1" in message else "odd-1,good-1,odd-2"}
                self.assertEqual(betas, {dict(call.request["headers"])["anthropic-beta"]
                                         for call in calls[1:]})
                sizes = [call.request["body_bytes"] for call in calls]
                self.assertEqual(sizes[1], sizes[2])
                self.assertEqual("Extra" in message, sizes[1] < sizes[0])

    def test_what_it_cannot_learn_is_the_clients(self):
        other = {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}
        self.refuse_once("a", other)
        answer = self.rig.post("anthropic")
        self.assertEqual(400, answer.status)
        self.assertEqual(["a"], self.names())
        self.assertEqual([], self.lessons())

    def test_it_survives_controlplane_and_serves_both_data_planes(self):
        self.refuse_once("a", REFUSAL)
        self.ask("kept-model")
        rig.wait_for(self.lessons, "it is told")
        rig.wait_for(lambda: "kept-model" in (self.rig.state / "lessons.json").read_text()
                     if (self.rig.state / "lessons.json").exists() else False, "it is saved")
        self.rig.kill("controlplane")
        rig.wait_for(lambda: self.rig.command("status").returncode == 0 and self.lessons(), "it is back")


class Off(unittest.TestCase):
    def test_learn_can_be_switched_off(self):
        with rig.Rig(rig.config(claude=["a"], optimization_settings={"learn": False})) as running:
            running.demo.script("a", status=400, body=json.dumps(REFUSAL).encode(), count=1)
            body = json.loads(ask("anthropic"))
            body["context_management"] = {}
            answer = running.post("anthropic", body=json.dumps(body).encode())
            self.assertEqual(400, answer.status)


if __name__ == "__main__":
    rig.main()
