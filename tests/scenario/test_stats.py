"""Every token counted once: the upstream's ledger against the statistics, also over kill -9."""

import base64
import collections
import csv
import io
import json
import os
import random
import sqlite3
import threading
import time

import rig
from protocols import PROTOCOLS, ask, events
from wire import Broken, Wire

CALLS = int(os.environ.get("PM_STATS_CALLS", "400"))
KILLS = int(os.environ.get("PM_STATS_KILLS", "6"))
PACE_S = int(os.environ.get("PM_STATS_PACE_MS", "0")) / 1000  # from kill to kill, at least
THREADS = 6
HIDDEN = 77777  # the input of calls whose usage the upstream does not tell
TOKENS = ("input", "cache_read", "cache_write", "output", "reasoning")
# Answers that are good, each in its own way (asked for by the model's name) ...
SHAPES = ("", "", "", "usage:in=1000;out=50;read=400;write=100;reasoning=20", "gzip", "crlf",
          "bytes1", "json", "sse", "no-event-lines", "usage:none;in=" + str(HIDDEN), "usage:null;in=" + str(HIDDEN),
          "drip:bytes=7;ms=0", "cut:after=4", "error-after=3")
# ... and what the first upstream does with some of its requests; the backups answer well then.
FAILURES = ("status:529", "status:429;ra=1", "cut:after=1", "empty", "close", "error-first")


def lists():
    """Clients of each protocol, upstreams of each: what is not its own is converted."""
    mixed = [rig.upstream("a"), rig.upstream("b", protocol="anthropic", type="backup"),
             rig.upstream("c", protocol="responses", type="backup"),
             rig.upstream("d", protocol="chat", type="backup")]
    return rig.config(mixed, [dict(entry) for entry in mixed], [dict(entry) for entry in mixed],
                      **rig.plain())


class Counting(rig.Case):
    """What both classes below ask and compare."""

    left = 0  # clients that have hung up, over all tests of a class
    config = lists()
    dataplanes = 2

    def setUp(self):
        super().setUp()
        self.lock = threading.Lock()
        self.made, self.lost = 0, 0
        self.settled()
        self.before = self.api("/api/v1/stats?epochs=all")["totals"]["requests"]

    # ---- asking ----

    def one(self, chance):
        protocol = chance.choice(PROTOCOLS)
        stream = chance.random() < 0.7
        shape = chance.choice(SHAPES)
        model = f"m{chance.randrange(4)}" + (f"-fault={shape}" if shape else "")
        if chance.random() < 0.2:
            self.rig.demo.fault("a", chance.choice(FAILURES), count=1)
        body = json.loads(ask(protocol, "[demo:say some words to count]", stream, model))
        if protocol == "chat" and stream and chance.random() < 0.3:
            body["stream_options"] = {"include_usage": True}
        leaves = stream and chance.random() < 0.1
        with self.rig.wire() as wire:
            self.rig.send(wire, protocol, json.dumps(body).encode())
            if leaves:
                answer = wire.head()
                self.assertLess(0, answer.status)
                with self.lock:
                    type(self).left += 1
                return
            wire.answer()

    def ask_many(self, seed, count, stopped):
        chance = random.Random(seed)
        for _ in range(count):
            if stopped.is_set():
                return
            try:
                self.one(chance)
            except (Broken, OSError):
                with self.lock:
                    self.lost += 1
            with self.lock:
                self.made += 1

    def kill(self, threads, name):
        """Again and again, while there is load."""
        for number in range(KILLS):
            begin = time.monotonic()
            self.rig.kill(name.format(number % 2))
            rig.wait_for(self.rig.ready, "it is back", 20)
            while any(thread.is_alive() for thread in threads) and time.monotonic() < begin + PACE_S:
                threads[-1].join(0.05)
            if not any(thread.is_alive() for thread in threads):
                break

    def watch(self, stopped):
        """The upstream remembers a bounded number of lines."""
        while not stopped.wait(0.3):
            self.rig.demo.look()

    def load(self, count, meanwhile):
        stopped = threading.Event()
        threads = [threading.Thread(target=self.ask_many, daemon=True,
                                    args=(rig.seed * 100 + number, count // THREADS, stopped))
                   for number in range(THREADS)]
        watcher = threading.Thread(target=self.watch, daemon=True, args=(stopped,))
        for thread in [*threads, watcher]:
            thread.start()
        try:
            meanwhile(threads)
        finally:
            end = time.monotonic() + 280 + count / 50
            for thread in threads:
                thread.join(max(0, end - time.monotonic()))
            stopped.set()
            watcher.join(60)
        self.assertFalse(any(thread.is_alive() for thread in threads))

    # ---- comparing ----

    def api(self, path):
        headers = {"Authorization": f"Bearer {self.rig.token}"}
        answer = self.rig.call("GET", path, headers, port=self.rig.admin_port)
        self.assertEqual(200, answer.status, answer)
        return json.loads(bytes(answer.body))

    def answers(self):
        headers = {"Authorization": f"Bearer {self.rig.token}"}
        answer = self.rig.call("GET", "/api/v1/stats", headers, port=self.rig.admin_port)
        return answer.status == 200

    def counted(self):
        return self.api("/api/v1/stats?epochs=all")["totals"]["requests"] - self.before

    def check_sums(self):
        """One state of the file, told apart in every way, adds up."""
        for by in ("model", "day", "upstream", "client_key", "protocol", "hour", "hour,model",
                   "model,upstream", "client_key,protocol"):
            told = self.api(f"/api/v1/stats?by={by}")
            for word, total in told["totals"].items():
                self.assertEqual(total, sum(row[word] for row in told["rows"]), (by, word))

    def settled(self):
        """All that was asked is told."""
        rig.wait_for(self.answers, "the statistics answer", 20)  # one may have died just now
        rig.wait_for(lambda: self.rig.demo.state()["in_flight"] == 0, "upstreams are at rest", 20)
        calls = len([call for call in self.rig.demo.calls() if call.generates])
        rig.wait_for(lambda: self.api("/api/v1/stats?epochs=all")["totals"]["calls"] >= calls,
                     f"{calls} calls are told", 20 + calls / 500)

    def check_counted(self):
        """Each request is told once: also one that was left while its last record was on the way."""
        rig.wait_for(lambda: self.counted() >= self.made, f"{self.made} requests are told", 20)
        self.assertEqual(self.made, self.counted())

    def rows(self, query):
        """Of the database itself, read while it is in use."""
        with sqlite3.connect(f"file:{self.rig.state}/stats.db?mode=ro", uri=True) as base:
            return base.execute(query).fetchall()

    def ledger(self):
        """By call: the last usage that the upstream has written, and how it ended."""
        self.rig.demo.look()
        found = {}
        for line in self.rig.demo.lines:
            if line["event"] == "request" and not line["path"].endswith("count_tokens"):
                found[line["seq"]] = {"how": None, "tokens": None, "name": line["prefix"]}
            elif line["event"] == "usage" and line["seq"] in found:
                found[line["seq"]]["tokens"] = line["tokens"]
            elif line["event"] == "end" and line["seq"] in found:
                found[line["seq"]]["how"] = line["how"]
        return found

    def told(self):
        """Each upstream call as it is told."""
        return [attempt for (text,) in self.rows("SELECT attempts FROM requests")
                for attempt in json.loads(text)]

    @staticmethod
    def tokens_of(attempt):
        return {"input": attempt["input"], "cache_read": attempt["cache_read"],
                "cache_write": max(attempt["cache_write_5m"], 0) + max(attempt["cache_write_1h"], 0),
                "output": attempt["output"], "reasoning": attempt["reasoning"]}

    def compare(self, whole):
        """(missing, extra): counts of complete calls that were not told, counts that nobody gave."""
        ledger, told = self.ledger(), self.told()
        if whole:
            # One whose connection was gone before it was taken is a call that nobody saw.
            unseen = len([attempt for attempt in told if attempt["status"] == 0])
            self.assertLessEqual(len(ledger), len(told))
            self.assertGreaterEqual(len(ledger), len(told) - unseen)
        def counts(calls):
            return collections.Counter(
                tuple(max(call["tokens"][word], 0) for word in TOKENS) for call in calls
                if call["tokens"] and call["tokens"]["input"] != HIDDEN)
        found = collections.Counter(
            tuple(max(self.tokens_of(attempt)[word], 0) for word in TOKENS)
            for attempt in told if attempt["usage"] == "reported")
        complete = [call for call in ledger.values() if call["how"] == "complete"]
        return counts(complete) - found, found - counts(ledger.values())

    def check_tokens(self, whole, lost):
        missing, extra = self.compare(whole)
        # A client that left may have had its upstream's last words on the way.
        self.assertLessEqual(sum(missing.values()), self.left + lost, (missing, extra))
        self.assertEqual(0, sum(extra.values()), (missing, extra))


class Stats(Counting):
    def test_ledger_and_statistics_agree(self):
        self.load(CALLS, lambda threads: [self.check_sums() for _ in range(5)])
        self.settled()
        self.check_sums()
        self.check_tokens(whole=True, lost=0)
        self.check_counted()
        self.assertEqual((CALLS // THREADS * THREADS, 0), (self.made, self.lost))
        odd = [attempt for attempt in self.told() if attempt["odd"]]
        self.assertEqual([], odd)

    def test_kill_9_of_controlplane(self):
        """Nothing is missing and nothing twice, whenever it dies."""
        self.load(CALLS // 2, lambda threads: self.kill(threads, "controlplane"))
        self.settled()
        self.check_sums()
        self.check_tokens(whole=True, lost=0)
        self.check_counted()

    def test_a_client_does_not_see_what_it_did_not_ask_for(self):
        mark = self.rig.demo.newest()
        answer = self.rig.post("chat", "[demo:say hi]")
        self.assertEqual([], [data for _, data in events(answer.body) if '"choices":[]' in data])
        self.assertTrue(answer.body.endswith(b"data: [DONE]\n\n"), answer.body)
        self.assertEqual(1, len(self.rig.demo.calls(mark)))
        rig.wait_for(lambda: self.api("/api/v1/requests?limit=1")["records"], "it is told")
        record = self.api("/api/v1/requests?limit=1")["records"][0]
        self.assertEqual("reported", record["attempts"][0]["usage"])
        body = json.loads(ask("chat", "[demo:say hi]"))
        body["stream_options"] = {"include_usage": True}
        answer = self.rig.post("chat", body=json.dumps(body).encode())
        self.assertEqual(1, len([data for _, data in events(answer.body) if '"choices":[]' in data]))

    def export(self, what):
        headers = {"Authorization": f"Bearer {self.rig.token}"}
        return self.rig.call("GET", f"/api/v1/export/{what}", headers, port=self.rig.admin_port)

    def test_export(self):
        """Files have what the statistics have: all of it, over several pages, and no formula."""
        self.assertEqual(200, self.old("POST", "/api/token-stats/reset")[0])
        for number in range(230):
            model = "=cmd|' /C calc'!A0" if number == 7 else "has,\"both\"" if number == 8 else "m"
            self.rig.post("chat", "[demo:say x]", False, model=model)
        rig.wait_for(lambda: self.counted() == 230, "all are told", 20)
        totals = self.api("/api/v1/stats")["totals"]
        answer = self.export("requests")
        self.assertIn("attachment", answer.header("content-disposition"))
        rows = list(csv.DictReader(io.StringIO(bytes(answer.body).decode(), newline="")))
        mine = [row for row in rows if row["model"] in ("m", "has,\"both\"", "'=cmd|' /C calc'!A0")]
        self.assertEqual((230, 1, 1), (len(mine), sum(row["model"][0] == "'" for row in mine),
                                       sum(row["model"][0] == "h" for row in mine)))
        for word in ("input", "output", "cache_read"):
            self.assertEqual(totals[word], sum(int(row[word]) for row in mine), word)
        self.assertEqual(len(rows), len({row["id"] for row in rows}))
        lines = [json.loads(line) for line in bytes(self.export("requests?format=jsonl").body).splitlines()]
        self.assertEqual([row["id"] for row in rows], [line["id"] for line in lines])
        middle = lines[100]["at_ms"]
        later = bytes(self.export(f"requests?from_ms={middle}&model=m").body).splitlines()
        self.assertEqual(sum(line["at_ms"] >= middle and line["model"] == "m" for line in lines),
                         len(later) - 1)
        sums = list(csv.DictReader(io.StringIO(bytes(self.export("stats?by=model").body).decode())))
        self.assertEqual(totals["requests"], sum(int(row["requests"]) for row in sums))
        self.assertEqual(400, self.export("requests?format=xml").status)

    def test_export_that_is_left(self):
        """A client that leaves in the middle of a file leaves nothing behind."""
        for number in range(40):
            self.rig.post("chat", "[demo:say x]", False)
        for number in range(20):
            with Wire(self.rig.admin_port) as wire:
                wire.send(b"GET /api/v1/export/requests HTTP/1.1\r\nHost: localhost\r\n"
                          b"Authorization: Bearer " + self.rig.token.encode() + b"\r\n\r\n")
                if number % 2:
                    wire.head()
        self.assertEqual(200, self.export("requests").status)

    def test_costs_anew(self):
        """New prices reach the calls of the past when they are told to, and the sums with them."""
        tokens = "usage:in=1000;out=50;read=400;write=100"
        for number in range(250):
            self.rig.post("anthropic", "[demo:say x]", False, model=f"dear{number % 2}-fault={tokens}")
        rig.wait_for(lambda: self.counted() == 250, "all are told", 20)
        before = self.api("/api/v1/stats?model=dear0-fault=" + tokens)["totals"]
        self.assertEqual((0, before["calls"]), (before["cost_nano_usd"], before["unpriced_calls"]))
        prices = [{"model": "dear0*", "input": 3, "output": 15}]
        self.rig.change_config(lambda now: now.update(prices=prices))
        self.assertEqual(200, self.old("POST", "/api/reload")[0])
        self.assertTrue(self.old("POST", "/api/v1/stats/reprice")[1]["success"])
        done = rig.wait_for(lambda: not (told := self.api("/api/v1/stats/reprice"))["running"] and told,
                            "costs are made anew")
        self.assertEqual(125, done["changed"])
        one = self.rows("SELECT DISTINCT cost_nano_usd FROM requests WHERE model LIKE 'dear0%'")
        self.assertEqual(1, len(one))
        self.assertLess(0, one[0][0])
        saved = 400 * (3000 - 300) - 100 * (3750 - 3000)
        for by in ("day", "hour", "upstream"):
            told = self.api(f"/api/v1/stats?by={by}&model=dear0-fault={tokens}")["totals"]
            self.assertEqual((125 * one[0][0], 0), (told["cost_nano_usd"], told["unpriced_calls"]))
            self.assertEqual(125 * saved, told["cache_saved_nano_usd"])
        # One that ends now is told so at once; one that writes to the cache alone has cost more.
        self.rig.post("anthropic", "[demo:say x]", False, model=f"dear0-fault={tokens}")
        self.rig.post("anthropic", "[demo:say x]", False, model="dear0-fault=usage:in=0;out=5;read=0;write=1000")
        rig.wait_for(lambda: self.counted() == 252, "all are told", 20)
        told = self.api("/api/v1/stats?by=model")
        self.assertEqual([-750_000, 126 * saved], sorted(
            row["cache_saved_nano_usd"] for row in told["rows"] if row["model"].startswith("dear0")))
        rows = list(csv.DictReader(io.StringIO(bytes(self.export("requests").body).decode())))
        # Whose data plane tells first is nobody's promise.
        self.assertEqual(["-0.000750000", f"{saved / 1e9:.9f}"], sorted(row["cache_saved_usd"] for row in rows[:2]))
        self.check_sums()
        # The same prices once more: nothing moves.
        self.old("POST", "/api/v1/stats/reprice")
        done = rig.wait_for(lambda: not (told := self.api("/api/v1/stats/reprice"))["running"] and told,
                            "costs are made anew")
        self.assertEqual(0, done["changed"])

    def old(self, method, path):
        headers = {"Authorization": f"Bearer {self.rig.token}", "Content-Type": "application/json"}
        answer = self.rig.call(method, path, headers, port=self.rig.admin_port)
        return answer.status, json.loads(bytes(answer.body))

    def test_the_old_shapes(self):
        self.assertEqual(200, self.old("POST", "/api/token-stats/reset")[0])
        self.rig.post("anthropic", "[demo:say hi]", model="old-model")
        stats = rig.wait_for(lambda: (told := self.old("GET", "/api/token-stats")[1])
                             ["summary"]["total_requests"] and told, "it is counted")
        self.assertEqual(["old-model"], stats["summary"]["unique_models"])
        self.assertEqual(1, stats["by_model"]["old-model"]["total_requests"])
        (day, told), = stats["daily"].items()
        self.assertEqual({"old-model": 1}, told["models"])
        self.assertEqual(stats["summary"]["total_tokens"], told["total_tokens"])
        self.assertEqual(time.strftime("%Y-%m-%d"), day)
        self.assertRegex(stats["generated_at"], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")
        status, done = self.old("POST", "/api/token-stats/reset")
        self.assertEqual((200, True, "统计数据已清空"), (status, done["success"], done["message"]))
        self.assertEqual(0, self.old("GET", "/api/token-stats")[1]["summary"]["total_requests"])
        self.assertEqual(1, self.counted())
        status, done = self.old("POST", "/api/token-stats/generate")
        self.assertEqual((200, True), (status, done["success"]))

    def test_without_a_database(self):
        """The disk is gone: traffic goes on, it is said, and nothing is lost."""
        self.rig.kill("controlplane")
        # Nobody can write there now.
        base = self.rig.state / "stats.db"
        kept = self.rig.state / "kept"
        os.rename(base, kept)
        for suffix in ("-wal", "-shm"):
            if (self.rig.state / f"stats.db{suffix}").exists():
                os.rename(self.rig.state / f"stats.db{suffix}", f"{kept}{suffix}")
        os.mkdir(base)
        self.rig.kill("controlplane")
        rig.wait_for(self.rig.ready, "it is back", 20)
        for number in range(20):
            self.assertEqual(200, self.rig.post("chat", "[demo:say x]", model="away").status)
        rig.wait_for(lambda: self.rig.log("statistics_away"), "it is said")
        os.rmdir(base)
        for suffix in ("-wal", "-shm", ""):
            if os.path.exists(f"{kept}{suffix}"):
                os.rename(f"{kept}{suffix}", f"{base}{suffix}")
        rig.wait_for(lambda: self.rows("SELECT count(*) FROM requests WHERE model='away'") ==
                     [(20,)] if base.exists() else False, "all are told", 20)
        self.assertEqual(20, self.counted())


class DataPlanesDie(Counting):
    def test_kill_9_of_data_planes(self):
        """What was in hand is told as interrupted, once; all that had ended is there."""
        streams = []
        for number in range(12):
            wire = self.rig.wire()
            self.rig.send(wire, "anthropic", ask(
                "anthropic", model="held-fault=events=2000;ms=50"))
            self.assertEqual(200, wire.head().status)
            streams.append(wire)
        self.load(CALLS // 2, lambda threads: self.kill(threads, "dataplane.{}"))
        for wire in streams:
            wire.close()
        rig.wait_for(lambda: self.rows("SELECT count(*) FROM requests WHERE model LIKE 'held%'")[0][0] ==
                     len(streams), "each held stream is told", 20)
        self.assertEqual([("interrupted", len(streams))], self.rows(
            "SELECT result, count(*) FROM requests WHERE model LIKE 'held%' GROUP BY result"))
        # message_start had told what went in.
        self.assertEqual({"partial"}, {json.loads(text)[0]["usage"] for (text,) in self.rows(
            "SELECT attempts FROM requests WHERE model LIKE 'held%'")})
        self.check_sums()
        whole = self.rows("SELECT count(*) FROM requests WHERE model NOT LIKE 'held%' "
                          "AND result<>'interrupted'")[0][0]
        self.assertLessEqual(self.made - self.lost, whole + self.rows(
            "SELECT count(*) FROM requests WHERE result='interrupted'")[0][0])
        # Lost with their process: at most what was in its hands.
        self.check_tokens(whole=False, lost=KILLS * THREADS)


class OneDies(Counting):
    def test_what_was_known_when_it_died(self):
        """An upstream that tells its use with every chunk: the last one counts."""
        chunks = [{"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "tells",
                   "choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}],
                   "usage": {"prompt_tokens": 40, "completion_tokens": n, "total_tokens": 40 + n}}
                  for n in range(1, 31)]
        body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
        self.rig.demo.order("a", body_base64=base64.b64encode(body.encode()).decode(), count=1,
                            headers={"Content-Type": "text/event-stream"}, chunked=True,
                            spec="pace:ms=30+stall:after=20")
        with self.rig.wire() as wire:
            self.rig.send(wire, "chat", ask("chat", model="tells"))
            seen = b""
            for chunk in wire.chunks(wire.head()):
                seen += chunk
                if seen.count(b"word") == 20:
                    break
            for number in range(2):
                self.rig.kill(f"dataplane.{number}")
        rig.wait_for(self.rig.ready, "it is back", 20)
        told = rig.wait_for(lambda: self.rows("SELECT attempts FROM requests WHERE model='tells'"),
                            "it is told", 20)
        call = json.loads(told[0][0])[0]
        self.assertEqual(("partial", 40), (call["usage"], call["input"]))
        self.assertGreaterEqual(call["output"], 15)


if __name__ == "__main__":
    rig.main()
