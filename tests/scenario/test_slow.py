"""Clients that do not read: the upstream is paused, little is held, and nothing is lost."""

import time

import rig
from protocols import ask, said, stream_text
from wire import request

STREAMS = {"anthropic": 24, "chat": 6, "responses": 6}
EVENTS, BYTES = 4000, 4000  # of each stream: more than all the kernel's buffers on the way hold
SPEC = f"events={EVENTS};bytes={BYTES}"
HELD_KIB = 256


class Slow(rig.Case):
    config = rig.everywhere("a", timeout_settings={
        "streaming_read_timeout": 1, "codex_base_timeout": 1})

    def open_streams(self, protocol, count):
        """Streams whose clients have read the first bytes and then stop."""
        wires = []
        for _ in range(count):
            wire = self.rig.wire(receive_buffer=4096)
            self.rig.send(wire, protocol, ask(protocol))
            answer = wire.head()
            wires.append((wire, answer))
        return wires

    def wait_paused(self):
        """The upstream has written all that it gets rid of: nothing has moved for a while."""
        sent, since = None, 0.0

        def settled():
            nonlocal sent, since
            now = self.rig.demo.state()["bytes"] + self.sent_in_flight()
            if now != sent:
                sent, since = now, time.monotonic()
            return time.monotonic() - since > 0.4
        rig.wait_for(settled, "the upstream is paused")

    def sent_in_flight(self):
        """Bytes in the send queues of the upstream, which move as long as something is taken."""
        total = 0
        for line in rig.proc("self", "net/tcp").splitlines()[1:]:
            fields = line.split()
            if int(fields[1].split(":")[1], 16) == self.rig.demo.port:
                total += int(fields[4].split(":")[0], 16)
        return total

    def test_memory_is_bounded_and_every_byte_arrives(self):
        pid = self.rig.pid("dataplane.0")
        said("anthropic", self.rig.post("anthropic"))
        for protocol, count in STREAMS.items():
            with self.subTest(protocol):
                self.rig.demo.fault("a", SPEC)
                before = rig.rss_kib(pid)
                wires = self.open_streams(protocol, count)
                self.wait_paused()
                held = (rig.rss_kib(pid) - before) / count
                print(f"{protocol}: {held:.0f} KiB held for each paused stream", flush=True)
                self.assertLess(held, HELD_KIB)
                running = [call for call in self.calls() if call.how is None and call.protocol]
                self.assertEqual(count, len(running), "each upstream waits")
                for wire, answer in wires:
                    for _ in wire.pieces(answer):
                        pass
                    self.assertTrue(answer.whole)
                    text, ended = stream_text(protocol, answer.body)
                    self.assertTrue(ended)
                    self.assertEqual(EVENTS * BYTES, len(text))
                    self.assertEqual("x", max(text) + min(text).strip("x"))
                    wire.close()
                self.mark = self.rig.demo.newest()

    def test_pause_is_no_silence_of_the_upstream(self):
        """A client may rest longer than an upstream may be silent: the pause is ours."""
        self.rig.demo.fault("a", SPEC, count=1)
        (wire, answer), = self.open_streams("anthropic", 1)
        self.wait_paused()
        # An upstream that is silent as long is given up meanwhile.
        self.rig.demo.fault("a", "stall:after=2;ms=20000", count=1)
        self.assertFalse(self.rig.post("anthropic").whole)
        for _ in wire.pieces(answer):
            pass
        wire.close()
        self.assertTrue(answer.whole, answer)
        self.assertEqual(EVENTS * BYTES, len(stream_text("anthropic", answer.body)[0]))

    def test_others_are_served_meanwhile(self):
        self.rig.demo.fault("a", SPEC, count=20)
        wires = self.open_streams("chat", 20)
        self.wait_paused()
        for _ in range(20):
            began = time.monotonic()
            said("chat", self.rig.post("chat"))
            self.assertLess(time.monotonic() - began, 1)
        for wire, _ in wires:
            wire.reset()

    def test_leaving_while_paused(self):
        self.rig.demo.fault("a", SPEC)
        mark = self.rig.demo.newest()
        wires = self.open_streams("responses", 20)
        self.wait_paused()
        for wire, _ in wires:
            wire.reset()
        rig.wait_for(lambda: [call.how for call in self.rig.demo.calls(mark)].count("client_gone")
                     == 20, "paused upstreams are cancelled, too", 1)

    def test_slow_reader(self):
        """A few bytes at a time, all of them in the end."""
        self.rig.demo.fault("a", "events=200;bytes=500")
        (wire, answer), = self.open_streams("chat", 1)
        body = wire.pieces(answer)
        for number, _ in enumerate(body):
            if number % 40 == 0:
                time.sleep(0.05)
        wire.close()
        self.assertEqual("x" * 100000, said("chat", answer))

    def test_slow_upload(self):
        """A request that comes in drops costs no upstream call before it is whole."""
        data = self.rig.headers()
        body = ask("anthropic")
        whole = request("POST", "/v1/messages", body, data)
        mark = self.rig.demo.newest()
        with self.rig.wire() as wire:
            for at in range(0, len(whole), 40):
                self.assertEqual([], self.rig.demo.calls(mark))
                wire.send(whole[at:at + 40])
            said("anthropic", wire.answer())


if __name__ == "__main__":
    rig.main()
