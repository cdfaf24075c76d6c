"""The words of error_handling_strategies, retry_configs, tiers, models and times, one by one, as the
previous configuration has them: who is asked after which failure."""

import itertools
import time
import unittest

import rig
from protocols import ask, said


class Words(unittest.TestCase):
    """Each with a configuration of its own: primaries a and b, backup c, retry nodes n and m."""

    def start(self, strategies=None, **more):
        settings = rig.plain(streaming_read_timeout=1, connect_timeout=1, **more.pop("times", {}))
        wanted = rig.config(claude=["a", "b", "c:backup"], **settings,
                            error_handling_strategies=strategies or {}, **more)
        wanted["retry_configs"] = [rig.upstream("n"), rig.upstream("m")]
        running = rig.Rig(wanted)
        running.__enter__()
        self.addCleanup(running.stop)
        return running

    def asked(self, running, spec, names="a", stream=True):
        for name in names:
            running.demo.fault(name, spec)
        mark = running.demo.newest()
        answer = running.post("anthropic", "[demo:say x]", stream)
        calls = [call.name for call in running.demo.calls(mark)]
        running.demo.mend()
        return answer.status, "".join(name for name, _ in itertools.groupby(calls))

    def test_http_status_codes(self):
        running = self.start({"http_status_codes": {
            "400": "switch_api", "404": "normal_retry", "429": "strategy_retry",
            "5xx": "normal_retry", "503": "switch_api", "default": "switch_api"}})
        for spec, status, order in (("400", 200, "ab"), ("404", 404, "a"), ("429", 200, "an"),
                                    ("500", 500, "a"), ("503", 200, "ab"), ("529", 529, "a"),
                                    ("418", 200, "ab")):
            with self.subTest(spec):
                self.assertEqual((status, order), self.asked(running, spec))

    def test_http_status_codes_of_the_old_sample(self):
        """All switch_api, but 404: the owner's word, no hidden list goes before it."""
        codes = {str(code): "switch_api" for code in (400, 401, 403, 408, 429, 500, 502, 503, 504)}
        running = self.start({"http_status_codes": {**codes, "404": "normal_retry"}})
        for spec in ("400", "401", "403", "408", "429", "500", "502", "503", "504"):
            with self.subTest(spec):
                self.assertEqual((200, "ab"), self.asked(running, spec))
        self.assertEqual((404, "a"), self.asked(running, "404"))

    def test_strategy_retry_asks_the_nodes_then_the_rest(self):
        running = self.start()
        self.assertEqual((200, "an"), self.asked(running, "503"))
        self.assertEqual((200, "anm"), self.asked(running, "503", "an"))
        self.assertEqual((200, "anmb"), self.asked(running, "503", "anm"))
        self.assertEqual((200, "anmbc"), self.asked(running, "503", "anmb"))
        self.assertEqual((503, "anmbc"), self.asked(running, "503", "anmbc"))

    def test_switch_api_asks_the_group_then_the_nodes(self):
        running = self.start({"http_status_codes": {"default": "switch_api", "503": "switch_api"}})
        self.assertEqual((200, "abcn"), self.asked(running, "503", "abc"))

    def test_network_errors(self):
        running = self.start({"network_errors": {"ReadError": "strategy_retry",
                                                 "ReadTimeout": "switch_api",
                                                 "ConnectError": "switch_api"}})
        self.assertEqual((200, "an"), self.asked(running, "close"))
        self.assertEqual((200, "ab"), self.asked(running, "stall:headers"))

    def test_network_errors_normal_retry_and_max_retries(self):
        """The same upstream again, max_retries calls in all, with a growing wait; then the next."""
        running = self.start({"network_errors": {"ReadTimeout": "normal_retry"}},
                             times={"max_retries": 3})
        running.demo.fault("a", "stall:headers")
        mark, began = running.demo.newest(), time.monotonic()
        said("anthropic", running.post("anthropic"))
        spent = time.monotonic() - began
        self.assertEqual("aaab", "".join(call.name for call in running.demo.calls(mark)))
        self.assertGreater(spent, 3 * 1 + 0.1 + 0.2)
        self.assertLess(spent, 3 * 1 + 0.3 + 0.6 + 2)

    def test_attempts_max_of_the_group(self):
        running = self.start(server={"attempts_max": 2})
        self.assertEqual((503, "an"), self.asked(running, "503", "abcnm"))

    def test_retry_deadline_seconds(self):
        settings = rig.plain(streaming_read_timeout=1)
        settings["routing"]["claude"]["retry_deadline_seconds"] = 0.5
        with rig.Rig(rig.config(claude=["a", "b"], **settings)) as running:
            running.demo.fault("a", "stall:headers")
            mark = running.demo.newest()
            self.assertEqual(504, running.post("anthropic").status)
            self.assertEqual(["a"], [call.name for call in running.demo.calls(mark)])

    def test_request_seconds_and_total_seconds(self):
        settings = rig.plain()
        settings["routing"]["claude"] |= {"request_seconds": 1}
        settings["routing"]["chat"] |= {"total_stream_seconds": 1}
        with rig.Rig(rig.config(claude=["a"], chat=["a", "b"], **settings)) as running:
            running.demo.fault("a", "stall:headers")
            began = time.monotonic()
            self.assertEqual(504, running.post("anthropic").status)
            self.assertLess(time.monotonic() - began, 3)
            said("chat", running.post("chat"))
            running.demo.fault("a", "pace:ms=100;bytes=2")
            answer = running.post("anthropic", "[demo:words 200]")
            self.assertEqual((200, False), (answer.status, answer.whole))

    def test_write_timeout(self):
        """An upstream that takes nothing of a big request."""
        import socket
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(8)
        self.addCleanup(deaf.close)
        entry = rig.upstream("deaf", base_url=f"http://127.0.0.1:{deaf.getsockname()[1]}")
        with rig.Rig(rig.config(claude=[entry, "b"], **rig.plain(write_timeout=1))) as running:
            said("anthropic", running.post("anthropic", "x" * 20_000_000))
            failed, = running.log("attempt_failed")
            self.assertEqual("timeout_write", failed["reason"])
            self.assertLess(int(failed["ms"]), 6000)

    def test_type_enabled_and_time_enabled(self):
        off = {"time_enabled": [0] * 7}
        with rig.Rig(rig.config(claude=["c:backup", rig.upstream("off", enabled=False),
                                        rig.upstream("never", **off), "a"])) as running:
            said("anthropic", running.post("anthropic"))
            running.demo.fault("a", "503")
            said("anthropic", running.post("anthropic", "other"))
            self.assertEqual(["a", "a", "c"], [call.name for call in running.demo.calls()])

    def test_models_model_map_and_model_conversions(self):
        entries = [rig.upstream("a", models=["big-*"], model_map={"big-*": "vendor/big-*"}), "b"]
        with rig.Rig(rig.config(claude=entries, model_conversions=[
                {"source_model": "my-*", "target_model": "big-*"}])) as running:
            for model, name, sent in (("my-one", "a", "vendor/big-one"), ("small", "b", "small")):
                mark = running.demo.newest()
                said("anthropic", running.post("anthropic", model=model))
                call, = running.demo.calls(mark)
                self.assertEqual((name, sent), (call.name, call.request["model"]))

    def test_no_upstream_for_the_model(self):
        with rig.Rig(rig.config(claude=[rig.upstream("a", models=["big-*"])],
                                codex=[rig.upstream("a", models=["big-*"])])) as running:
            self.assertEqual(404, running.post("anthropic", model="small").status)
            self.assertEqual(400, running.post("responses", model="small").status)
            self.assertEqual([], running.demo.calls())

    def test_pick(self):
        """weighted, least_in_flight and lowest_latency, for requests without a session."""
        def counts(pick, **more):
            names = [rig.upstream("a", weight=1), rig.upstream("b", weight=9)]
            routing = {"claude": {"pick": pick, "affinity_seconds": 0}}
            with rig.Rig(rig.config(claude=names, routing=routing)) as running:
                return more["run"](running)

        def many(running):
            for i in range(60):
                said("anthropic", running.post("anthropic", f"q{i}"))
            return [call.name for call in running.demo.calls()].count("b")
        self.assertGreater(counts("weighted", run=many), 40)

        def slow_a(running):
            running.demo.fault("a", "stall:headers;ms=300")
            for i in range(12):
                said("anthropic", running.post("anthropic", f"q{i}"))
            return [call.name for call in running.demo.calls()].count("a")
        self.assertLessEqual(counts("lowest_latency", run=slow_a), 2)

        def together(running):
            running.demo.fault("a", "stall:headers;ms=500")
            running.demo.fault("b", "stall:headers;ms=500")
            wires = [running.wire() for _ in range(10)]
            for wire in wires:
                running.send(wire, "anthropic", ask("anthropic"))
            for wire in wires:
                said("anthropic", wire.answer())
                wire.close()
            return [call.name for call in running.demo.calls()].count("b")
        self.assertIn(counts("least_in_flight", run=together), (8, 9))


if __name__ == "__main__":
    rig.main()
