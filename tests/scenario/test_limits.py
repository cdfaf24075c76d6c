"""Client keys within their limits: groups, models, at a time, a minute, budgets; in the client's own
protocol, over two data planes."""

import json
import threading

import rig
from protocols import PROTOCOLS, ask, said

AGENTS = 200
TOKENS = 1000  # of a call of the model "dear"
DEAR = f"dear-fault=usage:in={TOKENS - 100};out=100;read=0;write=0"


class Limits(rig.Case):
    config = rig.everywhere("a", prices=[{"model": "*", "input": 1000, "output": 1000}],
                            **rig.plain())
    dataplanes = 2
    limited = False

    def setUp(self):
        super().setUp()
        if type(self).limited:
            self.limit()

    def limit(self, **words):
        """The one key's words from now on."""
        type(self).limited = bool(words)
        table = self.tables()
        def change(config):
            key = config["client_keys"][0]
            for word in list(key):
                if word not in ("id", "name", "sha256", "created_at", "enabled"):
                    del key[word]
            key.update(words)
        self.rig.change_config(change)
        self.assertEqual(0, self.rig.command("reload").returncode)
        rig.wait_for(lambda: len(self.tables() - table) >= 2, "both data planes have it")

    def tables(self):
        return {(line["proc"], line["epoch"], line["version"]) for line in self.rig.log("table")
                if line["proc"].startswith("dataplane")}

    def refused(self, answer, status=429):
        self.assertEqual(status, answer.status, answer)
        body = json.loads(bytes(answer.body))
        return answer, body["error"]

    def test_groups_and_models(self):
        self.limit(allowed_groups=["claude"], allowed_models=["demo", "claude-*"])
        said("anthropic", self.rig.post("anthropic"))
        _, error = self.refused(self.rig.post("chat"), 403)
        self.assertIn("may not", error["message"])
        self.refused(self.rig.post("responses"), 400)
        answer, error = self.refused(self.rig.post("anthropic", model="other"), 403)
        self.assertEqual("permission_error", error["type"])
        self.assertEqual("false", answer.header("x-should-retry"))
        said("anthropic", self.rig.post("anthropic", model="claude-x"))

    def test_a_minute(self):
        most = 120  # those of the tests before count too
        self.limit(requests_per_minute=most)
        good = 0
        while self.rig.post(PROTOCOLS[good % 3], stream=False).status == 200:
            good += 1
            self.assertLessEqual(good, most)
        self.assertGreater(good, 0)
        for protocol in PROTOCOLS:
            answer, error = self.refused(self.rig.post(protocol))
            self.assertIn(f"{most} requests a minute", error["message"])
            self.assertGreater(int(answer.header("retry-after")), 0)
            self.assertLessEqual(int(answer.header("retry-after")), 70)

    def test_at_a_time(self):
        self.limit(concurrent_requests=3)
        wires = [self.rig.wire() for _ in range(3)]
        for wire in wires:
            self.rig.send(wire, "chat", ask("chat", model="m-fault=events=1000;ms=50"))
            self.assertEqual(200, wire.head().status)
        _, error = self.refused(self.rig.post("chat"))
        self.assertIn("3 requests in work", error["message"])
        wires[0].close()
        rig.wait_for(lambda: self.rig.post("chat").status == 200, "there is room again", 5)
        for wire in wires[1:]:
            wire.close()

    def test_a_dead_data_plane_has_spent_it(self):
        """What a stream has used so far counts, whatever becomes of the data plane."""
        self.limit(tokens_per_day=self.spent() + 5000)
        with self.rig.wire() as wire:
            self.rig.send(wire, "anthropic", ask(
                "anthropic", model="m-fault=usage:in=9000;out=9;read=0;write=0+stall:after=6"))
            for chunk in wire.chunks(wire.head()):
                if b"content_block_delta" in chunk:
                    break
            # It is known before it has ended.
            self.assertIn("is spent", self.refused(self.rig.post("chat"))[1]["message"])
            for number in range(2):
                self.rig.kill(f"dataplane.{number}")
        rig.wait_for(self.rig.ready, "they are back", 20)
        self.assertIn("is spent", self.refused(self.rig.post("chat"))[1]["message"])
        self.limit()

    def spend(self, agents, calls):
        """So many agents at once, each until it is refused or has asked so often."""
        good, bad = [], []
        def run():
            for _ in range(calls):
                answer = self.rig.post("anthropic", stream=False, model=DEAR)
                (good if answer.status == 200 else bad).append(answer)
                if answer.status != 200:
                    return
        threads = [threading.Thread(target=run, daemon=True) for _ in range(agents)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(200)
        return good, bad

    def totals(self):
        return json.loads(bytes(self.rig.call(
            "GET", "/api/v1/stats?epochs=all", {"Authorization": f"Bearer {self.rig.token}"},
            port=self.rig.admin_port).body))["totals"]

    def spent(self):
        """All that the key has used, as the statistics tell."""
        return self.totals()["input"] + self.totals()["output"]

    def test_many_agents_on_one_budget(self):
        """Nobody is refused while there is some left; each can overspend by one request at most."""
        rig.wait_for(lambda: self.rig.demo.state()["in_flight"] == 0, "it is at rest")
        said("chat", self.rig.post("chat"))
        rig.wait_for(lambda: self.spent() > 0, "it is told")
        calls = len([call for call in self.rig.demo.calls() if call.generates])
        rig.wait_for(lambda: self.totals()["calls"] >= calls, "all is told", 20)
        before = self.spent()
        budget = before + 300 * TOKENS
        self.limit(tokens_per_day=budget)
        good, bad = self.spend(AGENTS, 5)
        self.assertGreaterEqual(len(good), 300, "somebody was refused too early")
        self.assertLessEqual(len(good), 300 + AGENTS)
        self.assertEqual({429}, {answer.status for answer in bad})
        error = json.loads(bytes(bad[0].body))["error"]
        self.assertEqual("rate_limit_error", error["type"])
        self.assertIn(f"{budget} tokens, is spent", error["message"])
        self.assertGreater(int(bad[0].header("retry-after")), 0)
        rig.wait_for(lambda: self.spent() >= before + len(good) * TOKENS, "all is told", 20)
        self.assertEqual(before + len(good) * TOKENS, self.spent())
        self.assertTrue([line for line in self.rig.log("budget")
                         if line["limit"] == "tokens_per_day"])
        # Neither a new data plane nor a new control plane forgets it.
        for name in ("dataplane.0", "dataplane.1", "controlplane"):
            self.rig.kill(name)
            rig.wait_for(self.rig.ready, "it is back", 20)
        self.assertEqual(429, self.rig.post("chat").status)
        self.limit(usd_per_day=0.01)  # a dollar a thousand tokens
        self.assertIn("0.01 US dollars", self.refused(self.rig.post("chat"))[1]["message"])
        self.limit()
        said("chat", self.rig.post("chat"))


class Unpriced(rig.Case):
    config = rig.everywhere("a", prices=[{"model": "dear*", "input": 1000, "output": 1000}],
                            **rig.plain())

    def test_what_has_no_price(self):
        """A budget of money does not hold it, and the log says so; it holds the rest."""
        self.rig.post("chat", model="nobody-knows")
        def change(config):
            config["client_keys"][0]["usd_per_month"] = 0.5
        tables = len(self.rig.log("table"))
        self.rig.change_config(change)
        self.assertEqual(0, self.rig.command("reload").returncode)
        rig.wait_for(lambda: len(self.rig.log("table")) > tables, "the data plane has it")
        self.assertEqual([], self.rig.log("unpriced"))
        for _ in range(3):
            said("anthropic", self.rig.post("anthropic", model="nobody-knows"))
        line = rig.wait_for(lambda: len(self.rig.log("unpriced")) == 3 and self.rig.log("unpriced")[0],
                            "it is said")
        self.assertEqual(("warn", "nobody-knows"), (line["level"], line["model"]))
        said("anthropic", self.rig.post("anthropic", model=DEAR))
        self.assertEqual(429, self.rig.post("anthropic", model=DEAR).status)
        self.assertEqual(3, len(self.rig.log("unpriced")))


if __name__ == "__main__":
    rig.main()
