"""Who fails rests, says why and until when, and comes back by a probe; by hand too."""

import json
import time
import unittest

import rig
from protocols import PROTOCOLS, ask, said

# A minute that is twelve hours away.
FAR = f"{(time.localtime().tm_hour + 12) % 24:02}:00"
GROUP = {"anthropic": "claude", "chat": "chat", "responses": "codex"}


class Health(rig.Case):
    config = rig.everywhere("a", "b", timeout_settings={
        "api_error_threshold": 3, "codex_error_threshold": 3, "api_cooldown_seconds": 60,
        "streaming_read_timeout": 5, "codex_base_timeout": 5},
        routing={group: {"affinity_seconds": 0} for group in rig.GROUPS})

    def setUp(self):
        super().setUp()
        self.command("clear", "--all")
        rig.wait_for(lambda: all(entry["health"]["state"] == "up"
                                 for group in self.state()["groups"]
                                 for entry in group["upstreams"]), "all are well")
        self.mark = self.rig.demo.newest()

    def command(self, *args):
        done = self.rig.command(*args)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def state(self):
        return json.loads(self.command("status", "--json"))

    def entry(self, group, name):
        groups = {found["group"]: found["upstreams"] for found in self.state()["groups"]}
        return next(found for found in groups[group] if found["name"] == name)

    def health(self, group, name):
        return self.entry(group, name)["health"]

    def wait_state(self, group, name, *states):
        return rig.wait_for(lambda: (found := self.health(group, name))["state"] in states and found,
                            f"{name} is {states}")

    def bring_down(self, name, spec, group="claude", protocol="anthropic"):
        """Three failures bring it to rest; all clients get their answer from the other one."""
        self.rig.demo.fault(name, spec)
        for _ in range(3):
            said(protocol, self.rig.post(protocol))
        return self.wait_state(group, name, "cooling")

    def asked(self, mark=None):
        calls = self.rig.demo.calls(self.mark if mark is None else mark)
        return [call.name for call in calls if call.protocol and call.request["method"] == "POST"]

    def test_who_fails_rests_and_is_left_alone(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                found = self.bring_down("a", "503", GROUP[protocol], protocol)
                self.assertEqual(("status_503", "upstream"), (found["reason"], found["blame"]))
                self.assertGreater(found["until_ms"], found["since_ms"])
                mark = self.rig.demo.newest()
                for _ in range(5):
                    said(protocol, self.rig.post(protocol))
                self.assertEqual(["b"] * 5, self.asked(mark))

    def test_a_probe_brings_it_back(self):
        self.bring_down("a", "503")
        self.rig.demo.mend()
        self.wait_state("claude", "a", "half_open", "ramping", "up")
        self.assertTrue(any(call.request["path"].endswith("/v1/models")
                            for call in self.rig.demo.calls(self.mark)), "no probe was seen")
        for _ in range(25):
            said("anthropic", self.rig.post("anthropic"))
        self.wait_state("claude", "a", "up")
        mark = self.rig.demo.newest()
        said("anthropic", self.rig.post("anthropic"))
        self.assertEqual(["a"], self.asked(mark))

    def test_named_times_are_honoured_and_bounded(self):
        for spec, low, high in (("429:ra=7", 4, 8), ("503:ra-ms=3000", 1, 4), ("429:ra-date=9", 5, 10),
                                ("429:ra=100000", 800, 901)):
            with self.subTest(spec):
                self.command("clear", "--all")
                self.rig.demo.fault("a", spec, count=1)
                said("anthropic", self.rig.post("anthropic"))
                found = self.wait_state("claude", "a", "cooling")
                seconds = (found["until_ms"] - found["since_ms"]) / 1000
                self.assertTrue(low <= seconds <= high, seconds)

    def test_the_innocent_are_not_punished(self):
        """Client errors, hang-ups, count_tokens and lists of models make nobody rest."""
        body = json.dumps({"model": "demo", "messages": [{"role": "user", "content": "x"}]}).encode()
        for spec in ("400", "413", "422"):
            self.rig.demo.fault("a", spec)
            for _ in range(5):
                self.rig.post("anthropic")
        self.rig.demo.fault("a", "503")
        for _ in range(5):
            self.rig.post("anthropic", path="/v1/messages/count_tokens", body=body)
            self.rig.call("GET", "/v1/models", self.rig.headers())
        self.rig.demo.fault("a", "stall:headers")
        for _ in range(5):
            with self.rig.wire() as wire:
                self.rig.send(wire, "anthropic", ask("anthropic"))
                rig.wait_for(lambda: self.rig.demo.calls(self.mark), "it was asked")
        rig.wait_for(lambda: len(self.rig.log("exchange")) >= 15, "all are logged")
        self.assertIn(self.health("claude", "a")["state"], ("up",))

    def test_a_second_key_that_says_the_same_blames_the_request(self):
        for spec in ("403", "500"):
            self.rig.demo.fault("a", spec)
            self.rig.demo.fault("b", spec)
            for _ in range(6):
                self.rig.post("anthropic")
            self.command("status")  # a report has come since
            for name in "ab":
                self.assertEqual("up", self.health("claude", name)["state"], spec)

    def test_clear_and_probe_by_hand(self):
        self.bring_down("a", "401")
        self.assertIn("end", self.rig.command("clear", "--help").stdout)
        self.assertIn("1 ", self.command("clear", "--group", "claude"))
        self.assertEqual("up", self.health("claude", "a")["state"])
        self.rig.demo.mend()
        self.command("probe", "claude:" + self.entry("claude", "a")["id"])
        rig.wait_for(lambda: self.health("claude", "a")["probe"], "it was probed")
        self.assertTrue(self.health("claude", "a")["probe"]["success"])

    def test_it_survives_controlplane(self):
        found = self.bring_down("a", "401")
        file = self.rig.state / "health.json"
        upstream = "claude:" + self.entry("claude", "a")["id"]
        rig.wait_for(lambda: file.exists() and any(
            unit["upstream"] == upstream and unit["state"] == "cooling"
            and abs(unit["until_ms"] - found["until_ms"]) < 1500
            for unit in json.loads(file.read_text())["units"]), "it was saved")
        self.rig.kill("controlplane")
        rig.wait_for(lambda: self.rig.command("status").returncode == 0, "it is back")
        again = self.wait_state("claude", "a", "cooling")
        self.assertEqual(found["reason"], again["reason"])
        self.assertLessEqual(abs(found["until_ms"] - again["until_ms"]), 1500, (found, again))

    def test_all_resting_is_told_at_once(self):
        """No upstream call, a status that clients try again, a time that none gives up on."""
        for name in "ab":
            self.rig.demo.fault(name, "401")
        for protocol in PROTOCOLS:
            for _ in range(6):
                self.rig.post(protocol)
            for name in "ab":
                self.wait_state(GROUP[protocol], name, "cooling")
            mark = self.rig.demo.newest()
            answer = rig.wait_for(lambda: (found := self.rig.post(protocol)).status == 503 and found,
                                  "the table has it")
            self.assertIn(int(answer.header("retry-after")), range(1, 61))
            self.assertEqual([], self.asked(mark)[2:])


class Alone(rig.Case):
    config = rig.everywhere("a", timeout_settings={"api_error_threshold": 1, "api_cooldown_seconds": 1})

    def state(self):
        groups = json.loads(self.rig.command("status", "--json").stdout)["groups"]
        return next(found for found in groups if found["group"] == "claude")["upstreams"][0]["health"]["state"]

    def test_a_long_call_keeps_nobody_out(self):
        """The only upstream recovers, and a call that says nothing before its end has its one place."""
        self.rig.demo.fault("a", "503")
        self.assertEqual(503, self.rig.post("anthropic").status)
        rig.wait_for(lambda: self.state() == "cooling", "it rests")
        self.rig.demo.mend()
        rig.wait_for(lambda: self.state() == "half_open", "it recovers")
        mark = self.rig.demo.newest()
        with self.rig.wire() as wire:
            self.rig.send(wire, "anthropic", ask(
                "anthropic", "[demo:say late][demo:fault stall:headers;ms=30000]", stream=False))
            rig.wait_for(lambda: any(call.request["method"] == "POST" for call in self.rig.demo.calls(mark)),
                         "it has the call")
            self.assertEqual(503, self.rig.post("anthropic").status)
            rig.wait_for(lambda: self.rig.post("anthropic").status == 200, "another goes through", 10)


class Operate(rig.Case):
    config = rig.config(claude=["a", rig.upstream("b", models=["other-*"]), "c:backup",
                                rig.upstream("night", hours=[f"{FAR}-{FAR[:3]}01"])])

    def command(self, *args, status=0):
        done = self.rig.command(*args)
        self.assertEqual(status, done.returncode, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def api(self, method, path, body=b""):
        headers = {"Authorization": f"Bearer {self.rig.token}", "Content-Type": "application/json"}
        answer = self.rig.call(method, path, headers, body, port=self.rig.admin_port)
        return answer.status, json.loads(bytes(answer.body) or b"null")

    def test_explain(self):
        text = self.command("explain", "--model", "demo")
        self.assertRegex(text, r"serves")
        self.assertRegex(text, r"1  claude:\S+  a \(primary\): serves")
        self.assertRegex(text, r"b \(primary\): does not serve this model")
        self.assertRegex(text, r"c \(backup\): would serve as number 2")
        then = json.loads(self.command("explain", "--at", FAR, "--model", "other-1", "--json"))
        places = {entry["name"]: entry["place"] for entry in then["groups"][0]["upstreams"]}
        self.assertEqual({"a": 1, "b": 2, "c": 4, "night": 3}, places)
        before = f"{(int(FAR[:2]) + 23) % 24:02}:30"
        self.assertIn("night (primary): not scheduled then, 30 min 0 s more",
                      self.command("explain", "--at", before))
        self.assertIn("must be like", self.command("explain", "--at", "soon", status=1))

    def test_disable_and_enable(self):
        with self.rig.wire() as wire:
            self.rig.demo.fault("a", "pace:ms=20;bytes=4")
            self.rig.send(wire, "anthropic", ask("anthropic", "[demo:words 60]"))
            rig.wait_for(self.calls, "it has begun")
            self.command("disable", "a")
            rig.wait_for(lambda: self.rig.post("anthropic", "[demo:say new]") and
                         self.names()[-1] == "c", "requests go elsewhere", 2)
            said("anthropic", wire.answer())  # what has begun is finished
        self.assertIn("disabled", self.command("upstreams"))
        self.command("enable", "a")
        rig.wait_for(lambda: self.rig.post("anthropic", "[demo:say back]") and
                     self.names()[-1] == "a", "it serves again", 2)

    def test_decisions(self):
        self.rig.demo.fault("a", "529", count=1)
        self.rig.post("anthropic", "[demo:say moved]", model="told")
        text = rig.wait_for(lambda: "told" in (found := self.command("decisions")) and found,
                            "the request is told")
        lines = text.splitlines()
        at = next(i for i, line in enumerate(lines) if "told" in line)
        self.assertIn("completed", lines[at])
        self.assertRegex(lines[at + 1], r"529 status_529 \(blame: upstream\)")
        self.assertRegex(lines[at + 2], r"200 ok")
        request = lines[at].split("  ")[1]
        self.assertEqual(1, self.command("decisions", "--id", request).count("/v1/messages"))
        self.assertIn("told", self.command("decisions", "--upstream", "a", "--limit", "5"))
        self.assertIn("No request fits", self.command("decisions", "--upstream", "night"))

    def test_wrong_words_are_told(self):
        self.assertIn("no upstream has this id", self.command("probe", "nobody", status=1))
        self.assertIn("an upstream is needed", self.command("probe", status=2))
        self.assertIn("say which", self.command("clear", status=2))

    def test_the_api_does_the_same(self):
        status, body = self.api("GET", "/api/v1/upstreams")
        self.assertEqual(200, status)
        a = "claude:" + body["groups"][0]["upstreams"][0]["id"].split(":")[-1]
        self.assertEqual(200, self.api("GET", "/api/v1/explain?model=demo&at=Tue%2003:00")[0])
        self.assertEqual(400, self.api("GET", "/api/v1/explain?at=soon")[0])
        self.assertEqual(200, self.api("GET", "/api/v1/decisions?limit=3")[0])
        self.assertEqual(400, self.api("GET", "/api/v1/decisions?limit=0")[0])
        self.assertEqual(200, self.api("GET", "/api/v1/lessons")[0])
        for what in ("clear", "probe", "disable", "enable"):
            with self.subTest(what):
                self.assertEqual(200, self.api("POST", f"/api/v1/upstreams/{a}/{what}")[0])
                self.assertEqual(404, self.api("POST", f"/api/v1/upstreams/claude:x/{what}")[0])
        self.assertEqual((200, 0), (lambda s, b: (s, b["cleared"]))(*self.api("POST", "/api/v1/clear")))
        self.assertEqual(200, self.api("DELETE", "/api/v1/lessons")[0])
        self.assertEqual(405, self.api("PUT", "/api/v1/lessons")[0])
        self.assertEqual(404, self.api("GET", "/api/v1/nothing")[0])
        for path in ("/api/v1/upstreams", "/api/v1/decisions"):
            self.assertEqual(401, self.rig.call("GET", path, port=self.rig.admin_port).status)


class Activation(unittest.TestCase):
    def test_once_a_day_in_each_protocol(self):
        """Midnight has passed, so it is made up for at once; no restart brings a second one."""
        words = {"activation_enabled": True, "activation_time": "00:00"}
        lists = [[rig.upstream(name, **words)] for name in ("a", "b", "c")]
        one = rig.Rig(rig.config(*lists, timeout_settings={"billing_send_interval": 0}), dataplanes=2)
        # An answer in another form than asked for is one all the same, and not paid for again.
        one.demo.fault("b", "json")
        one.demo.fault("c", "gzip")
        with one as running:
            def done():
                return json.loads(running.command("status", "--json").stdout)["groups"]

            def told():
                found = [group["upstreams"][0]["activation"] for group in done()[:3]]
                return all(item and item["last"] for item in found) and found
            for item in rig.wait_for(told, "all are activated"):
                self.assertTrue(item["last"]["success"], item)
                then, today = time.localtime(item["next_ms"] / 1000), time.localtime()
                self.assertEqual((0, 0), (then.tm_hour, then.tm_min), "the next midnight")
                self.assertNotEqual(today.tm_yday, then.tm_yday)
                self.assertLess(item["next_ms"] / 1000 - time.time(), 26 * 3600)
            for name in ("controlplane", "dataplane.0", "dataplane.1", "controlplane"):
                running.kill(name)
                rig.wait_for(lambda: running.command("status").returncode == 0 and told(), "it is back")
                said("anthropic", running.post("anthropic"))
            sent = [(call.name, call.protocol) for call in running.demo.calls()
                    if call.request["model"] in ("claude-haiku-4-5", "gpt-5-codex", "gpt-5-mini")]
            self.assertEqual([("a", "messages"), ("b", "responses"), ("c", "chat")], sorted(sent))
            self.assertIn("activation: next", running.command("upstreams").stdout)
            kept = json.loads(running.config_file.read_text())
            self.assertEqual(["00:00"] * 3, [kept[name][0]["activation_time"] for name in (
                "api_configs", "codex_configs", "chat_configs")], "the owner's time is left alone")


if __name__ == "__main__":
    rig.main()
