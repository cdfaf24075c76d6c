"""A failing upstream before the first useful event: the next one is asked, the client sees one clean
answer, and no upstream is asked more often than needed."""

import itertools
import json
import time
import unittest

import rig
from protocols import PROTOCOLS, error, said

# How an upstream fails in a whole answer and in a stream, and in one of them only.
FAULTS = (
    "refuse", "close", "529", "500", "502:body=html", "503", "503:leak=1", "429:ra=30", "429", "401",
    "402", "403", "408", "empty", "html", "garbage", "garbage:http", "stall:headers")
STREAM_FAULTS = ("error-first", "error-first:type=overloaded_error", "stall:first", "cut:after=0",
                 "cut:after=0;how=fin", "cut:after=0;how=clean", "cut:after=1",
                 "cut:after=1;how=fin", "cut:after=1;how=clean", "json+status:500")
WHOLE_FAULTS = ("cut:bytes=40", "cut:bytes=40;how=fin", "sse+html")
# An idle connection that dies at once is tried anew, once: who does this may be asked twice in a row.
AT_ONCE = ("refuse", "close", "garbage:http")
FINAL = {"400": 400, "404": 404, "413": 413, "422": 422}
TIMEOUTS = {"connect_timeout": 1, "codex_connect_timeout": 1, "streaming_read_timeout": 1,
            "non_streaming_read_timeout": 1, "codex_base_timeout": 1}

START = b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","content":[]}}\n\n'
CREATED = b'data: {"type":"response.created","response":{"id":"r","status":"in_progress"}}\n\n'
DONE = b"data: [DONE]\n\n"
HOLLOW = {
    "anthropic": (
        START + b'event: message_stop\ndata: {"type":"message_stop"}\n\n', START + DONE,
        START + b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"x"}}\n\n',
        b'data: {"error":"x"}\n\n', b": waiting\n\n", b"data: null\n\n"),
    "chat": (
        DONE, b'data: {"choices":[],"error":null}\n\n' + DONE, b'data: {"code":500,"msg":"x"}\n\n' + DONE,
        b'data: {"choices":[{"index":0,"delta":{"role":"assistant"},"finish_reason":null}]}\n\n' + DONE,
        b'data: {"object":"error","message":"x"}\n\n', b'data: {"error":{"message":"x"}}\n\n'),
    "responses": (
        CREATED + DONE, CREATED + b'data: {"type":"error","code":"x","message":"x"}\n\n',
        CREATED + b'data: {"type":"response.error","error":{"message":"x"}}\n\n',
        CREATED + b'data: {"type":"response.completed","response":{"id":"r","status":"failed",'
        b'"error":{"code":"server_error","message":"x"},"output":[]}}\n\n',
        b'data: {"detail":"x"}\n\n'),
}


class Failover(rig.Case):
    config = rig.everywhere("a", "b", "c:backup", **rig.plain(**TIMEOUTS))

    def asked(self, mark, spec=""):
        """The names of the asked upstreams in order; a fresh connection after a stale one is no
        second question."""
        names = [call.name for call in self.rig.demo.calls(mark) if call.protocol]
        if spec.startswith(AT_ONCE):
            names = [name for name, _ in itertools.groupby(names)]
        return names

    def check(self, protocol, stream, spec, expected):
        """The answer is clean and the upstreams were asked in this order, each once."""
        mark = self.rig.demo.newest()
        began = time.monotonic()
        answer = self.rig.post(protocol, "[demo:say clean]", stream)
        self.assertEqual("clean", said(protocol, answer, stream))
        self.assertEqual(expected, self.asked(mark, spec))
        return time.monotonic() - began

    def test_matrix(self):
        for protocol in PROTOCOLS:
            for stream in (True, False):
                for spec in FAULTS + (STREAM_FAULTS if stream else WHOLE_FAULTS):
                    with self.subTest(protocol=protocol, stream=stream, spec=spec):
                        self.rig.demo.mend()
                        self.rig.demo.fault("a", spec)
                        self.check(protocol, stream, spec, ["a", "b"])

    def test_streams_without_an_answer(self):
        """They end as their protocol says, or tell an error in a way of their own, and hold nothing."""
        for protocol, bodies in HOLLOW.items():
            for body in bodies:
                for stream in (True, False):
                    with self.subTest(protocol=protocol, body=body, stream=stream):
                        mark = self.rig.demo.newest()
                        self.rig.demo.script("a", body, headers={"Content-Type": "text/event-stream"})
                        answer = self.rig.post(protocol, "[demo:say clean]", stream)
                        self.assertEqual("clean", said(protocol, answer, stream))
                        self.assertEqual(["a", "b"], self.asked(mark))

    def test_backup_serves_when_no_primary_can(self):
        for protocol in PROTOCOLS:
            for stream in (True, False):
                with self.subTest(protocol=protocol, stream=stream):
                    self.rig.demo.fault("a", "503")
                    self.rig.demo.fault("b", "refuse")
                    self.check(protocol, stream, "refuse", ["a", "b", "c"])

    def test_the_requests_own_fault_is_final(self):
        """A 400 is the client's to see; asking others would only cost."""
        for protocol in PROTOCOLS:
            for spec, status in FINAL.items():
                with self.subTest(protocol=protocol, spec=spec):
                    self.rig.demo.fault("a", spec)
                    mark = self.rig.demo.newest()
                    answer = self.rig.post(protocol)
                    self.assertEqual(status, answer.status)
                    error(protocol, answer)
                    self.assertEqual(["a"], self.asked(mark))

    def test_all_fail(self):
        """One error, in the client's protocol, with what it needs to try again later."""
        for protocol in PROTOCOLS:
            for stream in (True, False):
                for spec, statuses in (("529", (529,)), ("refuse", (502, 503)), ("empty", (502, 503)),
                                       ("error-first:type=overloaded_error", (502, 503, 529)),
                                       ("401", (502, 503)), ("429:ra=7", (429, 503))):
                    if not stream and spec.startswith("error-first"):
                        continue
                    with self.subTest(protocol=protocol, stream=stream, spec=spec):
                        for name in "abc":
                            self.rig.demo.fault(name, spec)
                        mark = self.rig.demo.newest()
                        answer = self.rig.post(protocol, stream=stream)
                        self.assertIn(answer.status, statuses, answer)
                        error(protocol, answer)
                        if answer.status in (429, 503, 529):
                            # Without it Codex takes a 429 as final.
                            self.assertIn(int(answer.header("retry-after")), range(1, 61))
                        self.assertEqual(["a", "b", "c"], self.asked(mark, spec))

    def test_stalls_end_in_time(self):
        for protocol in PROTOCOLS:
            for spec in ("stall:headers", "stall:first"):
                with self.subTest(protocol=protocol, spec=spec):
                    self.rig.demo.fault("a", spec)
                    spent = self.check(protocol, True, spec, ["a", "b"])
                    self.assertGreater(spent, 0.9)
                    self.assertLess(spent, 4)

    def test_slow_start_is_no_stall(self):
        """A drip of useless bytes does not restart the clock; a slow but useful answer is served."""
        self.rig.demo.fault("a", "stall:first;ms=500")
        self.check("anthropic", True, "slow", ["a"])

    def test_upstreams_own_key_does_not_come_back(self):
        """An error text that repeats the key: the client does not see it (the wire looks for it)."""
        for protocol in PROTOCOLS:
            for spec in ("401:leak=1", "400:leak=1", "503:leak=1"):
                with self.subTest(protocol=protocol, spec=spec):
                    for name in "abc":
                        self.rig.demo.fault(name, spec)
                    self.assertGreaterEqual(self.rig.post(protocol).status, 400)

    def test_next_request_asks_the_first_again(self):
        self.rig.demo.fault("a", "503", count=1)
        self.check("chat", True, "", ["a", "b"])
        self.check("chat", True, "", ["a"])

    def test_stale_connection_costs_nothing(self):
        """An idle connection that the upstream closed is no failure of the upstream."""
        self.check("anthropic", True, "", ["a"])
        self.rig.demo.fault("a", "close", count=1)
        mark = self.rig.demo.newest()
        self.assertEqual("clean", said("anthropic", self.rig.post("anthropic", "[demo:say clean]")))
        self.assertLessEqual(len(self.rig.demo.calls(mark)), 2)

    def test_models_and_counts_move_on_too(self):
        self.rig.demo.fault("a", "503")
        body = {"model": "demo", "messages": [{"role": "user", "content": "x"}]}
        answer = self.rig.post("anthropic", path="/v1/messages/count_tokens",
                               body=json.dumps(body).encode())
        self.assertEqual(200, answer.status, answer)
        answer = self.rig.call("GET", "/v1/models", self.rig.headers("chat"))
        self.assertEqual(200, answer.status, answer)


class Unreachable(unittest.TestCase):
    def test_a_fresh_connection_is_not_tried_twice(self):
        for spec in ("refuse", "close"):
            with self.subTest(spec), rig.Rig(rig.everywhere("a", "b")) as running:
                running.demo.fault("a", spec)
                said("anthropic", running.post("anthropic"))
                self.assertEqual(["a", "b"], [call.name for call in running.demo.calls()])

    def test_each_upstream_may_have_a_stale_connection(self):
        """The first one's idle connection dies, then its new one; then the second's idle one: that is asked anew."""
        with rig.Rig(rig.everywhere("a", "b", **rig.plain()), alone=("a", "b")) as running:
            first, second = running.alone["a"], running.alone["b"]
            first.fault("a", "503", count=1)
            for _ in range(2):  # leave an idle connection to each
                said("chat", running.post("chat"))
            first.fault("a", "close", count=2)
            second.fault("b", "close", count=1)
            self.assertEqual("clean", said("chat", running.post("chat", "[demo:say clean]")))
            self.assertEqual((4, 3), (len(first.calls()), len(second.calls())))

    def test_refused_and_silent_addresses(self):
        """Nobody listens; a name that is none; an address that may not be an upstream."""
        dead = [rig.upstream("d1", base_url="http://127.0.0.1:1"),
                rig.upstream("d2", base_url="http://no-such-host.invalid"),
                "b"]
        with rig.Rig(rig.config(dead, dead, dead, timeout_settings=TIMEOUTS)) as running:
            for protocol in PROTOCOLS:
                for stream in (True, False):
                    with self.subTest(protocol=protocol, stream=stream):
                        answer = running.post(protocol, "[demo:say clean]", stream)
                        self.assertEqual("clean", said(protocol, answer, stream))
            self.assertEqual(["b"] * 6, [call.name for call in running.demo.calls()])

    def test_every_stage_of_a_connection(self):
        """SYN without an answer, TLS without an answer, a certificate that nobody vouches for, plain
        text where TLS should be: each costs one clean failure and says what it was."""
        import socket
        import ssl
        import subprocess
        import threading
        full = socket.socket()
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:  # the queue is full: further SYNs are dropped
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        mute = socket.create_server(("127.0.0.1", 0), backlog=64)
        folder = rig.tempfile.mkdtemp(prefix="pm-tls-")
        self.addCleanup(rig.shutil.rmtree, folder)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-keyout", f"{folder}/k", "-out", f"{folder}/c"],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{folder}/c", f"{folder}/k")
        bad = socket.create_server(("127.0.0.1", 0), backlog=64)

        def serve():
            while True:
                try:
                    client, _ = bad.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(client, server_side=True).close()
                except OSError:
                    pass
        threading.Thread(target=serve, daemon=True).start()
        for server in (full, mute, bad, *fillers):
            self.addCleanup(server.close)
        stages = (("http", full, "timeout_connect", "network"),
                  ("https", mute, "timeout_connect", "network"),
                  ("https", bad, "tls", "upstream"))
        for scheme, server, reason, blame in stages:
            url = f"{scheme}://127.0.0.1:{server.getsockname()[1]}"
            dead = rig.upstream("dead", base_url=url)
            with self.subTest(reason=reason, url=url), \
                    rig.Rig(rig.config([dead, "b"], **rig.plain(**TIMEOUTS))) as running:
                said("anthropic", running.post("anthropic"))
                failed, = running.log("attempt_failed")
                self.assertEqual((reason, blame), (failed["reason"], failed["blame"]), failed)
                self.assertEqual(["b"], [call.name for call in running.demo.calls()])

    def test_disabled_and_sleeping_upstreams_are_not_asked(self):
        never = [0, 0, 0, 0, 0, 0, 0]
        entries = [rig.upstream("off", enabled=False), rig.upstream("asleep", time_enabled=never),
                   "b:backup"]
        with rig.Rig(rig.config(entries)) as running:
            said("anthropic", running.post("anthropic"))
            self.assertEqual(["b"], [call.name for call in running.demo.calls()])

    def test_nobody_at_this_hour(self):
        """Its next hour is far: the longest wait that no client gives up on; no hint of a failure."""
        for days in ([0] * 7, [int((time.localtime().tm_wday + 3 - day) % 7 == 0) for day in range(7)]):
            with rig.Rig(rig.everywhere(rig.upstream("asleep", time_enabled=days))) as running:
                for protocol in PROTOCOLS:
                    answer = running.post(protocol)
                    self.assertEqual((503, "60"), (answer.status, answer.header("retry-after")), answer)
                    self.assertIn("at this hour", error(protocol, answer)[1])

    def test_soon_at_its_hour(self):
        """The wait ends when the hour begins."""
        soon = time.time() + 75
        begin = time.localtime(soon - soon % 60)
        hours = [time.strftime("%H:%M", begin) + "-" + time.strftime("%H:%M", time.localtime(soon + 7200))]
        with rig.Rig(rig.everywhere(rig.upstream("asleep", hours=hours))) as running:
            answer = running.post("anthropic")
            left = soon - soon % 60 - time.time()
            self.assertEqual(503, answer.status, answer)
            self.assertLess(abs(min(left, 60) - int(answer.header("retry-after"))), 3, answer)

    def test_a_model_of_nobody_is_told_while_all_rest(self):
        """No wait brings an upstream that serves it; a model that rests alone is told until when."""
        with rig.Rig(rig.everywhere(rig.upstream("a", models=["x-*"]), timeout_settings={
                "primary_api_check_interval": 3600})) as running:
            for protocol in PROTOCOLS:
                with self.subTest(protocol):
                    running.demo.fault("a", "404")
                    for _ in range(3):
                        self.assertIn(running.post(protocol, model="x-1").status, (400, 404))
                    answer = rig.wait_for(
                        lambda: (found := running.post(protocol, model="x-1")).status == 503 and found,
                        "the model rests")
                    self.assertEqual("60", answer.header("retry-after"))
                    running.demo.fault("a", "429:ra=50")
                    running.post(protocol, model="x-2")
                    rig.wait_for(lambda: running.post(protocol, model="x-2").header("retry-after")
                                 in ("49", "50") and not running.demo.mend(), "all of it rests")
                    answer = running.post(protocol, model="y-1")
                    self.assertIn(answer.status, (400, 404), answer)
                    self.assertIn("serves the model", error(protocol, answer)[1])

    def test_attempts_are_bounded(self):
        names = [f"u{i}" for i in range(12)]
        with rig.Rig(rig.everywhere(*names, server={"attempts_max": 3})) as running:
            for name in names:
                running.demo.fault(name, "503")
            answer = running.post("anthropic")
            self.assertEqual(503, answer.status, answer)
            self.assertEqual(names[:3], [call.name for call in running.demo.calls()])


if __name__ == "__main__":
    rig.main()
