"""A second upstream is asked beside a silent one; signs of life; what failover costs in time."""

import concurrent.futures
import json
import statistics
import time

import rig
from protocols import PROTOCOLS, ask, error, events, said


class Hedge(rig.Case):
    config = rig.everywhere("a", "b", timeout_settings={
        "api_cooldown_seconds": 0, "streaming_read_timeout": 8, "codex_base_timeout": 8},
        routing={group: {"hedge": "after", "hedge_after_seconds": 0.3, "affinity_seconds": 0,
                         "hedge_budget_percent": 100} for group in rig.GROUPS})

    def test_the_first_with_content_wins(self):
        for protocol in PROTOCOLS:
            for stream in (True, False):
                with self.subTest(protocol=protocol, stream=stream):
                    self.rig.demo.mend()
                    self.rig.demo.fault("a", "stall:headers")
                    mark = self.rig.demo.newest()
                    began = time.monotonic()
                    answer = self.rig.post(protocol, "[demo:say clean]", stream)
                    spent = time.monotonic() - began
                    self.assertEqual("clean", said(protocol, answer, stream))
                    self.assertGreater(spent, 0.29)
                    self.assertLess(spent, 2)
                    calls = rig.wait_for(lambda: (found := self.rig.demo.calls(mark)) and all(
                        call.how for call in found) and found, "both calls have ended")
                    self.assertEqual([("a", "client_gone"), ("b", "complete")],
                                     sorted((call.name, call.how) for call in calls))

    def test_the_slow_one_may_still_win(self):
        self.rig.demo.fault("a", "stall:first;ms=600")
        self.rig.demo.fault("b", "stall:headers")
        said("anthropic", self.rig.post("anthropic"))
        calls = rig.wait_for(lambda: (found := self.calls()) and all(
            call.how for call in found) and found, "both calls have ended")
        self.assertEqual([("a", "complete"), ("b", "client_gone")],
                         sorted((call.name, call.how) for call in calls))

    def test_no_second_call_where_the_first_is_quick(self):
        for _ in range(5):
            said("chat", self.rig.post("chat"))
        self.assertEqual(["a"] * 5, self.names())

    def test_both_fail(self):
        self.rig.demo.fault("a", "stall:first;ms=500+503")
        self.rig.demo.fault("b", "503")
        answer = self.rig.post("anthropic")
        self.assertGreaterEqual(answer.status, 500)
        self.assertLessEqual(len(self.calls()), 2)

    def test_the_loser_is_recorded_and_not_punished(self):
        self.rig.demo.fault("a", "stall:headers")
        said("anthropic", self.rig.post("anthropic", "[demo:say x]", model="hedged"))
        text = rig.wait_for(lambda: "hedge_lost" in (found := self.rig.command(
            "decisions").stdout) and found, "it is told")
        self.assertIn("(hedge)", text)
        self.assertNotIn("rests", self.rig.command("upstreams").stdout)


class Auto(rig.Case):
    """The delay is what 95 of 100 answers of that upstream have taken to begin."""

    slow_ms, unknown_ms, deadline_ms, more = 300, 900, 1500, 12
    burst, percent = 4, 10  # second calls that are there at the start; for 100 calls
    policy = {"hedge": "auto", "hedge_after_seconds": unknown_ms / 1000, "affinity_seconds": 0,
              "hedge_budget_percent": percent, "retry_burst": 100000}
    config = rig.everywhere("a", "b", routing=dict.fromkeys(rig.GROUPS, policy), timeout_settings={
        "api_cooldown_seconds": 0, "streaming_read_timeout": deadline_ms / 1000,
        "non_streaming_read_timeout": deadline_ms / 1000, "codex_base_timeout": deadline_ms / 1000})

    def timed(self, protocol, model="demo"):
        """Milliseconds of one good call, as its client sees them."""
        began = time.monotonic()
        answer = self.rig.post(protocol, "[demo:say clean]", protocol != "chat", model)
        self.assertEqual("clean", said(protocol, answer, protocol != "chat"))
        return (time.monotonic() - began) * 1000

    def learn(self, protocol):
        """25 calls of which 3 are slow: the mean, the middle and 9 of 10 are fast. Returns the
        slowest."""
        self.rig.demo.fault("a", f"stall:first;ms={self.slow_ms}", count=3)
        mark = self.rig.demo.newest()
        times = [self.timed(protocol) for _ in range(25)]
        self.assertEqual(["a"] * 25, [call.name for call in self.rig.demo.calls(mark)])
        return max(times)

    def second_call(self, protocol, model):
        """When it began; who won and who lost is checked."""
        mark = self.rig.demo.newest()
        spent = self.timed(protocol, model)
        record = rig.wait_for(lambda: [found for found in json.loads(self.rig.command(
            "decisions", "--json").stdout)["records"] if found["model"] == model], "it is told")[0]
        calls = rig.wait_for(lambda: (found := self.rig.demo.calls(mark)) and all(
            call.how for call in found) and found, "both calls have ended")
        self.assertEqual([("a", "client_gone"), ("b", "complete")],
                         sorted((call.name, call.how) for call in calls))
        self.assertEqual({(False, "hedge_lost", "nobody"), (True, "ok", "nobody")},
                         {(each["hedge"], each["reason"], each["blame"])
                          for each in record["attempts"]})
        began = next(each["began_ms"] for each in record["attempts"] if each["hedge"])
        self.assertLess(began, spent)
        return began

    def test_the_delay_is_learned_and_the_budget_bounds_it(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                self.rig.demo.fault("a", "stall:headers")
                began = self.second_call(protocol, f"unknown-{protocol}")
                self.assertTrue(self.unknown_ms - 2 <= began < self.unknown_ms + 300, began)
                self.rig.demo.mend()
                slowest = self.learn(protocol)
                self.rig.demo.fault("a", "stall:headers")
                began = self.second_call(protocol, f"known-{protocol}")
                print(f"{protocol}: asked the second after {began} ms, learned at most {slowest:.0f} ms")
                self.assertTrue(self.slow_ms - 2 <= began < slowest + 100, (began, slowest))
                self.bounded(protocol)

    def bounded(self, protocol):
        """Of 13 calls to a silent upstream at most 4 and a tenth have a second one beside it; the
        others wait for their deadline, and are answered too."""
        with concurrent.futures.ThreadPoolExecutor(self.more) as pool:
            times = list(pool.map(lambda _: self.timed(protocol), range(self.more)))
        early = [spent for spent in times if spent < self.deadline_ms - 2]
        most = self.burst + (self.more + 1) * self.percent // 100
        self.assertEqual(most, len(early) + 1, sorted(times))


class Session(rig.Case):
    """A slow answer is no failure: the session stays where it belongs, in every data plane."""

    config = rig.everywhere("a", "b", timeout_settings={"api_cooldown_seconds": 0}, routing=dict.fromkeys(
        rig.GROUPS, {"hedge": "after", "hedge_after_seconds": 0.2, "affinity_seconds": 300,
                     "hedge_budget_percent": 100}))

    def turn(self, protocol):
        mark = self.rig.demo.newest()
        said(protocol, self.rig.post(protocol, headers={"session_id": self.id()}))
        return [call.name for call in self.rig.demo.calls(mark)]

    def test_a_hedge_moves_no_session(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                self.rig.demo.fault("a", "stall:headers", count=1)
                self.assertEqual(["a", "b"], self.turn(protocol))
                self.assertEqual(["a"], self.turn(protocol))

    def test_a_failure_beside_it_does(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                self.rig.demo.fault("a", "stall:first;ms=350+503", count=1)
                self.rig.demo.fault("b", "stall:first;ms=400", count=1)
                self.assertEqual(["a", "b"], self.turn(protocol))
                self.assertEqual(["b"], self.turn(protocol))


class Total(rig.Case):
    """The time for the client's whole call ends both."""

    config = rig.everywhere("a", "b", timeout_settings={"api_cooldown_seconds": 0}, routing=dict.fromkeys(
        rig.GROUPS, {"hedge": "after", "hedge_after_seconds": 0.2, "request_seconds": 0.6,
                     "affinity_seconds": 0, "hedge_budget_percent": 100}))

    def test_two_silent_ones_end_with_it(self):
        for name in "ab":
            self.rig.demo.fault(name, "stall:headers")
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                mark = self.rig.demo.newest()
                with self.rig.wire(timeout=5) as wire:
                    self.rig.send(wire, protocol, ask(protocol))
                    answer = wire.answer()
                self.assertEqual(504, answer.status, answer)
                error(protocol, answer)
                calls = rig.wait_for(lambda: (found := self.rig.demo.calls(mark)) and all(
                    call.how for call in found) and found, "both calls have ended")
                self.assertEqual([("a", "client_gone"), ("b", "client_gone")],
                                 sorted((call.name, call.how) for call in calls))


class KeepAlive(rig.Case):
    config = rig.everywhere("a", "b", timeout_settings={
        "api_cooldown_seconds": 0, "streaming_read_timeout": 1.5, "codex_base_timeout": 1.5},
        routing={group: {"keepalive_seconds": 0.2, "affinity_seconds": 0} for group in rig.GROUPS})

    def test_signs_come_while_an_upstream_is_asked(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                self.rig.demo.fault("a", "stall:first;ms=900")
                answer = self.rig.post(protocol, "[demo:say late]")
                self.assertEqual("late", said(protocol, answer))
                if protocol == "responses":
                    kinds = [name for name, _ in events(answer.body)]
                    self.assertGreaterEqual(kinds.count("keepalive"), 2)
                else:
                    self.assertGreaterEqual(bytes(answer.body).count(b": waiting"), 2)

    def test_another_may_still_answer(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                self.rig.demo.fault("a", "stall:first")
                self.assertEqual("clean", said(protocol, self.rig.post(protocol, "[demo:say clean]")))

    def test_a_dead_upstream_does_not_look_alive(self):
        """When all fail the client is told in its stream, and not by a clean end."""
        from protocols import error_event
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                for name in "ab":
                    self.rig.demo.fault(name, "stall:first")
                answer = self.rig.post(protocol)
                self.assertEqual(200, answer.status)
                self.assertFalse(answer.whole)
                self.assertIsNotNone(error_event(protocol, answer.body), answer)


class Cost(rig.Case):
    """What a refusing or silent primary adds to the first byte, beside the direct way to the backup:
    the two in turn, in one run."""

    rounds = 60
    config = rig.config(
        claude=[rig.upstream("dead", base_url="http://127.0.0.1:9", models=["by-way"]), "b"],
        chat=[rig.upstream("slow"), "b"],
        timeout_settings={"api_cooldown_seconds": 0, "streaming_read_timeout": 0.5},
        routing={group: {"affinity_seconds": 0, "retry_burst": 100000} for group in rig.GROUPS})

    def first_byte_ms(self, wire, protocol, model="direct"):
        began = time.monotonic()
        self.rig.send(wire, protocol, ask(protocol, "[demo:say x]", model=model))
        answer = wire.answer()
        said(protocol, answer)
        return (time.monotonic() - began) * 1000

    def test_a_refusing_primary_adds_little(self):
        with self.rig.wire() as one, self.rig.wire() as other:
            pairs = [(self.first_byte_ms(one, "anthropic", "by-way"),
                      self.first_byte_ms(other, "anthropic"))
                     for _ in range(self.rounds)][5:]
        over = sorted(with_ - without for with_, without in pairs)
        print(f"a refusing primary: {statistics.median(over):+.2f} ms at the median of {len(pairs)} "
              f"pairs, {over[-2]:+.2f} ms at the last but one")
        self.assertLess(statistics.median(over), 5)

    def test_a_silent_primary_adds_its_deadline(self):
        self.rig.demo.fault("slow", "stall:headers")
        with self.rig.wire() as wire:
            times = [self.first_byte_ms(wire, "chat") for _ in range(8)]
        print(f"a silent primary with a deadline of 500 ms: {statistics.median(times):.0f} ms")
        self.assertGreater(min(times), 499)
        self.assertLess(statistics.median(times), 600)


if __name__ == "__main__":
    rig.main()
