"""Requests as spans: what a collector gets, held to OTLP's JSON; whose parent they have; that prompts and
keys are in none; that a dead, slow or refusing collector is in nobody's way."""

import http.server
import json
import re
import signal
import threading
import time
import unittest

import rig
from protocols import PATHS, ask, said
from wire import request

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SPAN = {"traceId", "spanId", "kind", "startTimeUnixNano", "endTimeUnixNano", "name", "attributes"}


def no_twins(pairs):
    assert len(dict(pairs)) == len(pairs), pairs
    return dict(pairs)


def value_of(value):
    assert len(value) == 1, value
    kind, inner = next(iter(value.items()))
    if kind == "stringValue":
        assert isinstance(inner, str)
        return inner
    if kind == "intValue":  # 64 bits: a string in JSON
        assert isinstance(inner, str) and re.fullmatch(r"-?\d+", inner), inner
        return int(inner)
    assert kind == "boolValue" and isinstance(inner, bool), value
    return inner


def attributes_of(holder):
    keys = [one["key"] for one in holder["attributes"]]
    assert len(set(keys)) == len(keys), keys
    assert all(set(one) == {"key", "value"} for one in holder["attributes"])
    return {one["key"]: value_of(one["value"]) for one in holder["attributes"]}


def read_span(span):
    """A span with its attributes as a dict; whatever is not by the book is an AssertionError."""
    assert SPAN <= set(span) <= SPAN | {"parentSpanId", "status"}, span
    assert re.fullmatch(r"[0-9a-f]{32}", span["traceId"]) and set(span["traceId"]) != {"0"}
    for key in ("spanId", "parentSpanId"):
        assert key not in span or (re.fullmatch(r"[0-9a-f]{16}", span[key])
                                   and set(span[key]) != {"0"}), span
    for key in ("startTimeUnixNano", "endTimeUnixNano"):
        assert isinstance(span[key], str) and re.fullmatch(r"\d{19}", span[key]), span
    assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]), span
    assert span["kind"] in (2, 3), span
    if "status" in span:
        assert set(span["status"]) == {"code", "message"} and span["status"]["code"] == 2, span
    return {**span, "attributes": attributes_of(span)}


def read_request(body):
    """(attributes of the resource, spans)"""
    whole = json.loads(body, object_pairs_hook=no_twins)
    assert set(whole) == {"resourceSpans"} and len(whole["resourceSpans"]) == 1
    one = whole["resourceSpans"][0]
    assert set(one) == {"resource", "scopeSpans"} and len(one["scopeSpans"]) == 1
    scope = one["scopeSpans"][0]
    assert set(scope) == {"scope", "spans"} and scope["scope"]["name"] == "pointsman"
    return attributes_of(one["resource"]), [read_span(span) for span in scope["spans"]]


class Collector:
    """Takes spans, or does what it is told instead."""

    def __init__(self):
        self.bodies, self.spans, self.problems = [], [], []
        self.resource, self.headers = None, None
        self.status, self.answer, self.hold = 200, b'{"partialSuccess":{}}', None
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if collector.hold is not None:
                    collector.hold.wait(60)
                status, answer = collector.status, collector.answer  # as it is told now
                collector.take(self.path, dict(self.headers), body, status == 200)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def handle(self):
                try:
                    super().handle()
                except ConnectionError:
                    pass

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path, headers, body, taken):
        self.bodies.append(body)
        try:
            assert path == "/v1/traces", path
            assert headers["Content-Type"] == "application/json", headers
            self.headers = headers
            self.resource, spans = read_request(body)
            if taken:
                self.spans += spans
        except (AssertionError, KeyError, ValueError) as error:
            self.problems.append(repr(error))

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def roots(self):
        return [span for span in self.spans if span["kind"] == 2]

    def children(self, root):
        return [span for span in self.spans if span.get("parentSpanId") == root["spanId"]]


class Tracing(unittest.TestCase):
    maxDiff = 4000

    def run_with(self, names=("a", "b"), tracing=None, dataplanes=1, **config):
        self.collector = Collector()
        self.addCleanup(self.collector.close)
        words = {"endpoint": self.collector.url, **(tracing or {})}
        running = rig.Rig({**rig.everywhere(*names, **rig.plain()), **config, "tracing": words},
                          dataplanes=dataplanes)
        running.canaries.add("sk-canary-collector-0123456789")
        running.__enter__()
        self.addCleanup(running.stop)
        self.rig = running
        return running

    def wait_roots(self, count, seconds=20):
        rig.wait_for(lambda: len(self.collector.roots()) >= count or self.collector.problems,
                     f"{count} requests are told", seconds)
        self.assertEqual([], self.collector.problems)
        self.assertEqual(count, len(self.collector.roots()))
        return self.collector.roots()

    def counts(self):
        answer = self.rig.call("GET", "/api/state", {"Authorization": f"Bearer {self.rig.token}"},
                               port=self.rig.admin_port)
        planes = json.loads(bytes(answer.body))["dataplanes"]
        return sum(one["spans_sent"] for one in planes), sum(one["spans_dropped"] for one in planes)

    def test_what_is_told(self):
        """Three protocols, failover, a failure of all, a client's own fault, one that leaves."""
        running = self.run_with(tracing={
            "headers": "x-api-key=sk-canary-collector-0123456789, x-tenant=a=b",
            "service_name": "gw"})
        secret = "a prompt that nobody may see"
        for protocol in ("anthropic", "chat", "responses"):
            said(protocol, running.post(protocol, secret))
        roots = self.wait_roots(3)
        for root in roots:
            sent = root["attributes"]
            self.assertNotIn("parentSpanId", root)
            self.assertNotIn("status", root)
            self.assertNotIn("error.type", sent)
            self.assertEqual((200, "chat", "completed", True), (
                sent["http.response.status_code"], sent["gen_ai.operation.name"],
                sent["pointsman.result"], sent["pointsman.stream"]))
            self.assertEqual("POST " + sent["http.route"], root["name"])
            (call,) = self.collector.children(root)
            self.assertEqual((3, root["traceId"], "chat demo"),
                             (call["kind"], call["traceId"], call["name"]))
            self.assertLessEqual(root["startTimeUnixNano"], call["startTimeUnixNano"])
            sent = call["attributes"]
            self.assertEqual(("127.0.0.1", running.demo.port), (
                sent["server.address"], sent["server.port"]))
            self.assertGreater(sent["gen_ai.usage.input_tokens"], 0)
            self.assertGreater(sent["gen_ai.usage.output_tokens"], 0)
            self.assertEqual("reported", sent["pointsman.usage"])
        self.assertEqual({"anthropic", "openai"}, {
            call["attributes"]["gen_ai.provider.name"] for call in self.collector.spans
            if call["kind"] == 3})
        self.assertEqual(6, len({span["spanId"] for span in self.collector.spans}))
        self.assertEqual(3, len({span["traceId"] for span in self.collector.spans}))
        self.assertEqual(("gw", "dataplane.0"), (self.collector.resource["service.name"],
                                                 self.collector.resource["service.instance.id"]))
        sent = {name.lower(): value for name, value in self.collector.headers.items()}
        self.assertEqual(("sk-canary-collector-0123456789", "a=b"),
                         (sent["x-api-key"], sent["x-tenant"]))
        running.demo.fault("a", "529")
        said("anthropic", running.post("anthropic", secret))
        root = self.wait_roots(4)[-1]
        self.assertNotIn("status", root)
        calls = sorted(self.collector.children(root),
                       key=lambda one: one["attributes"].get("http.request.resend_count", 0))
        self.assertEqual([529, 200],
                         [one["attributes"]["http.response.status_code"] for one in calls])
        self.assertEqual({"code": 2, "message": "status_529"}, calls[0]["status"])
        self.assertEqual("status_529", calls[0]["attributes"]["error.type"])
        self.assertNotIn("status", calls[1])
        running.demo.fault("b", "cut:after=3")
        running.post("anthropic", secret)
        root = self.wait_roots(5)[-1]
        self.assertEqual(2, root["status"]["code"])
        self.assertEqual(("failed", 200), (root["attributes"]["pointsman.result"],
                                           root["attributes"]["http.response.status_code"]))
        self.assertEqual(root["status"]["message"], root["attributes"]["error.type"])
        running.demo.mend()
        running.demo.fault("a", "400")
        running.demo.fault("b", "400")
        running.post("anthropic", secret)
        root = self.wait_roots(6)[-1]
        self.assertNotIn("status", root)
        self.assertEqual(400, root["attributes"]["http.response.status_code"])
        running.demo.mend()
        with running.wire() as wire:
            running.send(wire, "chat", ask("chat", secret, model="m-fault=events=1000;ms=50"))
            self.assertEqual(200, wire.head().status)
        root = self.wait_roots(7)[-1]
        self.assertEqual(("client_gone", "client_gone"), (
            root["attributes"]["pointsman.result"], root["attributes"]["error.type"]))
        self.assertNotIn("status", root)
        for body in self.collector.bodies:
            for canary in (secret, running.key, running.token, *running.canaries):
                self.assertNotIn(canary.encode(), body)

    def call_with(self, *parents):
        headers = [*self.rig.headers().items(), *(("traceparent", one) for one in parents)]
        with self.rig.wire() as wire:
            wire.send(request("POST", PATHS["anthropic"], ask("anthropic", stream=False), headers))
            self.assertEqual(200, wire.answer().status)

    def test_parents(self):
        """A valid traceparent is the parent and decides; it goes on to the upstream as it is."""
        self.run_with(tracing={"sample_ratio": 1})
        good = f"00-{TRACE}-{PARENT}-01"
        self.call_with(good)
        (root,) = self.wait_roots(1)
        self.assertEqual((TRACE, PARENT), (root["traceId"], root["parentSpanId"]))
        self.assertEqual(TRACE, self.collector.children(root)[0]["traceId"])
        self.assertEqual(good, {name.lower(): value for name, value in dict(
            self.rig.demo.calls()[-1].headers).items()}.get("traceparent"))
        self.call_with(f"00-{TRACE}-{PARENT}-00")  # its caller does not want it
        for bad in (f"00-{TRACE.upper()}-{PARENT}-01", f"00-{'0' * 32}-{PARENT}-01",
                    f"ff-{TRACE}-{PARENT}-01", "x" * 55):
            self.call_with(bad)
        self.call_with(good, good)
        for root in self.wait_roots(6)[1:]:
            self.assertNotIn("parentSpanId", root)
            self.assertNotEqual(TRACE, root["traceId"])

    def flush(self):
        """Ends the data plane in order: what it has to tell is told then."""
        self.rig.kill("dataplane.0", signal.SIGTERM)
        rig.wait_for(self.rig.ready, "the next one is there")

    def test_share(self):
        """A ratio of 0 traces only what a caller wants; none where there is no endpoint."""
        running = self.run_with(tracing={"sample_ratio": 0})
        for _ in range(20):
            self.call_with()
        self.call_with(f"00-{TRACE}-{PARENT}-01")
        self.wait_roots(1)
        running.change_config(lambda config: config["tracing"].update(sample_ratio=0.5))
        self.assertEqual(0, running.command("reload").returncode)
        rig.wait_for(lambda: running.log("table")[-1]["proc"].startswith("dataplane"), "it is known")
        for _ in range(200):
            self.call_with()
        self.flush()
        some = len(self.collector.roots()) - 1
        self.assertGreater(some, 50)
        self.assertLess(some, 150)
        running.change_config(lambda config: config.pop("tracing"))
        self.assertEqual(0, running.command("reload").returncode)
        rig.wait_for(lambda: running.log("table")[-1]["proc"].startswith("dataplane"), "it is known")
        before = len(self.collector.bodies)
        self.call_with(f"00-{TRACE}-{PARENT}-01")
        self.flush()
        self.assertEqual(before, len(self.collector.bodies))

    def test_collectors_that_fail(self):
        """503 is tried again and nothing is lost or told twice; 400 is not; what is rejected counts."""
        running = self.run_with()
        self.collector.status = 503
        said("anthropic", running.post("anthropic"))
        rig.wait_for(lambda: len(self.collector.bodies) >= 2, "it is tried again")
        self.assertEqual((0, 0), self.counts())
        self.collector.status = 200
        self.wait_roots(1)
        self.assertEqual(1, len(set(self.collector.bodies)))
        rig.wait_for(lambda: self.counts() == (2, 0), "both spans count")
        self.collector.status = 400
        said("anthropic", running.post("anthropic"))
        rig.wait_for(lambda: self.counts() == (2, 2), "they are given up at once")
        self.collector.status = 200
        self.collector.answer = b'{"partialSuccess":{"rejectedSpans":"1","errorMessage":"no"}}'
        said("anthropic", running.post("anthropic"))
        rig.wait_for(lambda: self.counts() == (3, 3), "one was rejected")
        self.assertTrue(running.log("tracing_away"))
        self.assertEqual([], self.collector.problems)

    def test_the_last_ones(self):
        """What is told just before the end still goes out."""
        running = self.run_with()
        said("anthropic", running.post("anthropic"))
        self.flush()
        self.wait_roots(1, 3)

    def stream_times(self, count):
        """Seconds of so many small streams, sorted."""
        times = []
        with self.rig.wire() as wire:
            for _ in range(count):
                at = time.monotonic()
                self.rig.send(wire, "anthropic", ask("anthropic", model="m-fault=pace:ms=0"))
                self.assertEqual(200, wire.answer().status)
                times.append(time.monotonic() - at)
        return sorted(times)

    def test_in_nobodys_way(self):
        """A collector that never answers, and then none at all, while its queue runs over: streams are
        as fast, memory is bounded, what is dropped is counted."""
        running = self.run_with(("a",))
        self.stream_times(100)
        well = self.stream_times(300)
        self.collector.hold = threading.Event()
        pid = running.pid("dataplane.0")
        self.stream_times(300)
        before = rig.rss_kib(pid)
        stalled = self.stream_times(1200)
        rig.wait_for(lambda: self.counts()[1] > 0, "some are dropped")
        grown = rig.rss_kib(pid) - before
        dropped = self.counts()[1]
        self.collector.hold.set()
        self.collector.close()
        gone = self.stream_times(300)
        middle = [sorted(times)[len(times) // 2] * 1000 for times in (well, stalled, gone)]
        late = [sorted(times)[len(times) * 95 // 100] * 1000 for times in (well, stalled, gone)]
        print(f"ms, median and 95 %: well {middle[0]:.2f} {late[0]:.2f}, stalled {middle[1]:.2f} "
              f"{late[1]:.2f}, gone {middle[2]:.2f} {late[2]:.2f}; grown by {grown} KiB; "
              f"{dropped} spans dropped")
        for other in middle[1:]:
            self.assertLess(other, middle[0] * 2 + 1)
        self.assertLess(max(stalled[-1], gone[-1]), 2)
        self.assertLess(grown, 16 * 1024)
        self.assertTrue(running.log("tracing_away"))


if __name__ == "__main__":
    rig.main()
