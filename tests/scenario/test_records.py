"""The record of a request at its bounds: more calls than it tells one by one, names of any bytes."""

import json
import re
import threading
from pathlib import Path

import rig
from protocols import ask, said

UPSTREAMS = 20
TOLD = 16  # calls that a record tells one by one
WRONG = ('event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message",'
         '"role":"assistant","model":"demo","content":[],"usage":{"input_tokens":%d,'
         '"output_tokens":1}}}\n\nevent: error\ndata: {"type":"error","error":'
         '{"type":"overloaded_error","message":"no"}}\n\n')


class Records(rig.Case):
    config = rig.config([f"u{i}" for i in range(UPSTREAMS)], server={"attempts_max": UPSTREAMS},
                        **rig.plain())

    def api(self, path):
        answer = self.rig.call("GET", path, {"Authorization": f"Bearer {self.rig.token}"},
                               port=self.rig.admin_port)
        self.assertEqual(200, answer.status, answer)
        return json.loads(answer.body)

    def totals(self):
        return self.api("/api/v1/stats?epochs=all")["totals"]

    def asked(self, body, status=200):
        """The record of one request, and what it has added to the sums."""
        before = self.totals()
        answer = self.rig.post("anthropic", body=body)
        self.assertEqual(status, answer.status, answer)
        after = rig.wait_for(lambda: (now := self.totals())["requests"] > before["requests"] and now,
                             "it is told", 20)
        newest = self.api("/api/v1/requests?limit=1")["records"][0]
        self.assertEqual(after["requests"], before["requests"] + 1)
        return newest, {key: after[key] - before[key] for key in after}

    def test_no_call_is_too_many(self):
        """Each that failed has used something, and so has the last, which is beyond the list."""
        for i in range(UPSTREAMS - 1):
            self.rig.demo.script(f"u{i}", (WRONG % (100 + i)).encode(),
                                 headers={"Content-Type": "text/event-stream"})
        record, added = self.asked(ask("anthropic", model="demo-fault=usage:in=5000;out=7;read=0"))
        self.assertEqual((UPSTREAMS, TOLD), (record["calls"], len(record["attempts"])))
        self.assertEqual("completed", record["result"])
        last = record["attempts"][-1]
        self.assertEqual(("ok", 5000, 7), (last["reason"], last["input"], last["output"]))
        self.assertEqual(record["upstream"], last["upstream"])
        wanted = sum(100 + i for i in range(UPSTREAMS - 1)) + 5000
        self.assertEqual(wanted, sum(call["input"] for call in record["attempts"]))
        self.assertEqual((wanted, UPSTREAMS - 1 + 7, UPSTREAMS),
                         (added["input"], added["output"], added["calls"]))

    def test_those_that_used_nothing_make_room(self):
        for i in range(UPSTREAMS - 1):
            self.rig.demo.fault(f"u{i}", "status:529")
        self.rig.demo.script("u3", (WRONG % 300).encode(),
                             headers={"Content-Type": "text/event-stream"})
        record, added = self.asked(ask("anthropic", model="demo-fault=usage:in=5000;out=7;read=0"))
        self.assertEqual((UPSTREAMS, TOLD), (record["calls"], len(record["attempts"])))
        told = [call["input"] for call in record["attempts"] if call["input"] > 0]
        self.assertEqual([300, 5000], told)
        self.assertEqual((5300, UPSTREAMS), (added["input"], added["calls"]))

    def test_long_names(self):
        """Of characters that take six bytes each where they are written down."""
        for i in range(UPSTREAMS):
            self.rig.demo.fault(f"u{i}", "status:529")
        record, added = self.asked(ask("anthropic", model="\x01" * 255), 529)
        self.assertEqual(("failed", UPSTREAMS, UPSTREAMS),
                         (record["result"], record["calls"], added["calls"]))
        self.assertGreater(len(record["attempts"]), 1)
        self.assertEqual(record["upstream"], record["attempts"][-1]["upstream"])

    def test_any_bytes(self):
        """What no text of ours could be does not stop what stands behind it."""
        for name in (b'"\\ud800x"', b'"\\u0000x"', b'"\xff\xfe"', b'"\xed\xa0\x80"', b'"\\udfff"',
                     b'"' + b"x" * 300 + b'"', b'""'):
            body = ask("anthropic", model="NAME").replace(b'"NAME"', name)
            self.rig.post("anthropic", body=body)
        said("anthropic", self.rig.post("anthropic", model="last"))
        rig.wait_for(lambda: self.api("/api/v1/requests?limit=1&model=last")["records"],
                     "it is told", 20)
        self.assertEqual([], self.rig.log("record_refused"))

    def test_long_names_of_one_that_died(self):
        """An open record has little room: it must be there all the same, with what was known."""
        self.rig.demo.script("u0", (WRONG % 300).encode(),
                             headers={"Content-Type": "text/event-stream"})
        before = self.totals()
        with self.rig.wire() as wire:
            model = "\x01" * 180 + "-fault=usage:in=5000;out=7;read=0+stall:after=6"
            self.rig.send(wire, "anthropic", ask("anthropic", model=model))
            for chunk in wire.chunks(wire.head()):
                if b"content_block_delta" in chunk:
                    break
            self.rig.kill("dataplane.0")
        rig.wait_for(self.rig.ready, "it is back", 20)
        after = rig.wait_for(lambda: (now := self.totals())["interrupted"] > before["interrupted"]
                             and now, "it is told", 20)
        self.assertEqual(5300, after["input"] - before["input"])
        self.assertEqual(2, after["calls"] - before["calls"])


class Full(rig.Case):
    config = rig.config(["u0", "u1", "u2"], **rig.plain())

    def without_statistics(self, away):
        """Nobody can store anything meanwhile."""
        base, kept = self.rig.state / "stats.db", self.rig.state / "kept"
        self.rig.kill("controlplane")
        if not away:
            base.rmdir()
        for suffix in ("-wal", "-shm", ""):
            at, to = Path(f"{base}{suffix}"), Path(f"{kept}{suffix}")
            at, to = (at, to) if away else (to, at)
            if at.exists():
                at.rename(to)
        if away:
            base.mkdir()
        self.rig.kill("controlplane")
        rig.wait_for(self.rig.ready, "it is back", 20)

    def fill(self, body):
        """Until there is no more room for the record of such a request."""
        def run():
            while not full.is_set():
                self.rig.post("anthropic", body=body)
        full, before = threading.Event(), self.lost()
        threads = [threading.Thread(target=run, daemon=True) for _ in range(6)]
        for thread in threads:
            thread.start()
        try:
            rig.wait_for(lambda: self.lost() > before, "the journal is full", 120)
        finally:
            full.set()
            for thread in threads:
                thread.join(20)

    def lost(self):
        answer = self.rig.call("GET", "/metrics", {"Authorization": f"Bearer {self.rig.token}"},
                               port=self.rig.admin_port)
        found = re.search(rb"pointsman_journal_lost_records_total{[^}]*} (\d+)", answer.body)
        return int(found.group(1)) if found else 0

    def test_a_stream_that_ends_while_the_journal_is_full(self):
        """It waits in the place that it has, and is told as it ended."""
        self.without_statistics(True)
        for name in ("u0", "u1", "u2"):
            self.rig.demo.fault(name, "status:529")
        self.fill(ask("anthropic", model="\x01" * 255))
        self.fill(b"{")
        self.rig.demo.mend()
        self.rig.demo.script("u0", (WRONG % 300).encode(), count=1,
                             headers={"Content-Type": "text/event-stream"})
        model = "x" * 100 + "-fault=usage:in=5000;out=7;read=0+pace:ms=20"
        said("anthropic", self.rig.post("anthropic", model=model))
        self.without_statistics(False)
        def told():
            answer = self.rig.call("GET", "/api/v1/requests?limit=1&result=completed",
                                   {"Authorization": f"Bearer {self.rig.token}"},
                                   port=self.rig.admin_port)
            return answer.status == 200 and json.loads(answer.body)["records"]
        newest = rig.wait_for(told, "it is told", 30)[0]
        self.assertEqual((200, 2), (newest["status"], newest["calls"]))
        self.assertEqual((5300, 8), tuple(sum(call[kind] for call in newest["attempts"])
                                          for kind in ("input", "output")))


if __name__ == "__main__":
    rig.main()
