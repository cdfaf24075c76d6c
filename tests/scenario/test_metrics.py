"""/metrics: the same tokens as the statistics and the upstream's ledger; text that a strict parser takes; no
series goes down, or becomes too many; only for whom it is meant."""

import collections
import hashlib
import json
import math
import os
import random
import re
import signal

import rig
from protocols import PROTOCOLS, ask
from wire import Broken

CALLS = int(os.environ.get("PM_METRICS_CALLS", "150"))
STRANGERS = int(os.environ.get("PM_METRICS_STRANGERS", "1000"))
KINDS = ("input", "cache_write_5m", "cache_write_1h", "cache_read", "output")
GOOD = ("", "usage:in=1000;out=50;read=400;write=100;reasoning=20", "gzip", "crlf", "bytes1")
SHAPES = GOOD + ("usage:none", "cut:after=4", "error-after=3", "status:400")
FAILURES = ("status:529", "status:429;ra=1", "empty", "close", "error-first")
NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class Scrape:
    """One scrape, by the letter of the format: anything else is an AssertionError."""

    def __init__(self, text):
        self.kinds, self.values = {}, {}
        self.family, self.closed = None, set()
        assert text.endswith("\n")
        for line in text[:-1].split("\n"):
            if line.startswith("# "):
                self.comment(line)
            else:
                self.sample(line)
        self.check_histograms()

    def comment(self, line):
        word, name, rest = line[2:].split(" ", 2)
        if word == "HELP":
            assert name not in self.closed and name not in self.kinds, line
            assert not re.search(r"\\[^\\n]|\\$", rest), line
            self.closed.add(self.family)
            self.family = name
        else:
            assert word == "TYPE" and name == self.family, line
            assert rest in ("counter", "gauge", "histogram"), line
            self.kinds[name] = rest

    def sample(self, line):
        found = NAME.match(line)
        name, at, labels = found.group(0), found.end(), {}
        if line[at] == "{":
            at += 1
            while line[at] != "}":
                key = NAME.match(line, at).group(0)
                at += len(key)
                assert line[at:at + 2] == '="' and key not in labels, line
                value, at = self.quoted(line, at + 2)
                labels[key] = value
                assert line[at] in ",}", line
                at += line[at] == ","
            at += 1
        assert line[at] == " " and NUMBER.fullmatch(line[at + 1:]), line
        assert self.kinds[self.family] and (name == self.family or (
            self.kinds[self.family] == "histogram" and
            name in [self.family + part for part in ("_bucket", "_sum", "_count")])), line
        key = (name, tuple(sorted(labels.items())))
        assert key not in self.values, f"told twice: {line}"
        self.values[key] = float(line[at + 1:])

    @staticmethod
    def quoted(line, at):
        out = ""
        while line[at] != '"':
            if line[at] == "\\":
                out += {"\\": "\\", '"': '"', "n": "\n"}[line[at + 1]]
                at += 1
            else:
                out += line[at]
            at += 1
        return out, at + 1

    def check_histograms(self):
        """Buckets hold all below them; the last is the count."""
        found = {}
        for (name, labels), value in self.values.items():
            if name.endswith("_bucket"):
                rest = tuple(pair for pair in labels if pair[0] != "le")
                bound = dict(labels)["le"]
                found.setdefault((name[:-7], rest), []).append(
                    (math.inf if bound == "+Inf" else float(bound), value))
        for (name, labels), buckets in found.items():
            assert buckets == sorted(buckets) and buckets[-1][0] == math.inf, (name, buckets)
            assert [value for _, value in buckets] == sorted(value for _, value in buckets), name
            assert self.values[name + "_count", labels] == buckets[-1][1], name
            assert (name + "_sum", labels) in self.values, name

    def sum(self, name, **labels):
        return sum(value for (own, pairs), value in self.values.items()
                   if own == name and labels.items() <= dict(pairs).items())

    def one(self, name, **labels):
        return self.values[name, tuple(sorted(labels.items()))]

    def counters(self):
        """All that may not go down."""
        return {key: value for key, value in self.values.items() if key[0].endswith(
            ("_total", "_bucket", "_count", "_sum"))}


class Metrics(rig.Case):
    """What the classes below ask and compare; each has a rig of its own."""

    made = 0  # calls of a class
    config = rig.config(*[[rig.upstream("a"), rig.upstream("b", type="backup")] for _ in range(3)],
                        **rig.plain(), prices=[
                            {"model": "m*", "input": 3, "output": 15, "cache_read": 0.3,
                             "cache_write_5m": 3.75, "cache_write_1h": 6}])
    dataplanes = 2

    def get(self, path, token=None, port=None):
        headers = {"Authorization": f"Bearer {token or self.rig.token}"}
        return self.rig.call("GET", path, headers, port=port or self.rig.admin_port)

    def scrape(self):
        answer = self.get("/metrics")
        self.assertEqual(200, answer.status, answer)
        self.assertEqual("text/plain; version=0.0.4; charset=utf-8", answer.header("content-type"))
        return Scrape(bytes(answer.body).decode())

    def api(self, path):
        answer = self.get(path)
        self.assertEqual(200, answer.status, answer)
        return json.loads(bytes(answer.body))

    def stats(self, by=""):
        return self.api(f"/api/v1/stats?epochs=all&by={by}")

    def settled(self):
        """All that the data planes took is stored."""
        def done():
            found = self.scrape()
            return (self.rig.demo.state()["in_flight"] == 0 and found.sum("pointsman_dataplane_in_flight") == 0
                    and found.sum("pointsman_dataplane_requests_total") == self.made
                    and found.sum("pointsman_journal_waiting_records") == 0
                    and found.sum("pointsman_journal_open_records") == 0) and found
        return rig.wait_for(done, "all is stored", 20)

    def call(self, protocol, model, **more):
        type(self).made += 1
        try:
            return self.rig.post(protocol, "[demo:say some words to count]", model=model, **more)
        except (Broken, OSError):
            return None

    def load(self, count, chance, shapes=SHAPES):
        for _ in range(count):
            shape = chance.choice(shapes)
            if shapes is SHAPES and chance.random() < 0.2:
                self.rig.demo.fault("a", chance.choice(FAILURES), count=1)
            self.call(chance.choice(PROTOCOLS), f"m{chance.randrange(3)}" + (f"-fault={shape}" if shape else ""),
                      stream=chance.random() < 0.6)

    def compare(self, found, totals, before=None):
        """The figures of a scrape with sums of the statistics (since `before`)."""
        told = {word: totals[word] - (before[word] if before else 0) for word in totals}
        self.assertEqual(told["requests"], found.sum("pointsman_requests_total"))
        self.assertEqual(told["completed"], found.sum("pointsman_requests_total", result="completed"))
        self.assertEqual(told["gone"], found.sum("pointsman_requests_total", result="client_gone"))
        self.assertEqual(told["requests"] - told["completed"], found.sum("pointsman_request_faults_total"))
        self.assertEqual(told["calls"], found.sum("pointsman_upstream_calls_total"))
        self.assertEqual(told["calls"], found.sum("pointsman_calls_total"))
        self.assertEqual(told["failed_calls"], told["calls"] -
                         found.sum("pointsman_upstream_calls_total", blame="nobody"))
        self.assertEqual(told["unknown_calls"], told["calls"] -
                         found.sum("pointsman_calls_usage_total", usage="reported"))
        self.assertEqual(told["unpriced_calls"], found.sum("pointsman_unpriced_calls_total"))
        self.assertEqual(told["reasoning"], found.sum("pointsman_reasoning_tokens_total"))
        self.assertEqual(told["bytes_out"], found.sum("pointsman_body_bytes_total", direction="out"))
        self.assertEqual(told["ms"], round(found.sum("pointsman_request_duration_seconds_sum") * 1000))
        self.assertEqual(told["requests"], found.sum("pointsman_request_duration_seconds_count"))
        for kind in KINDS:
            for family in ("", "model_", "client_key_", "upstream_"):
                self.assertEqual(told[kind], found.sum(f"pointsman_{family}tokens_total", kind=kind),
                                 (family, kind))
        for family in ("", "model_", "client_key_", "upstream_"):
            self.assertAlmostEqual(told["cost_nano_usd"] / 1e9,
                                   found.sum(f"pointsman_{family}cost_dollars_total"), 9, family)

    def ledger(self):
        """By kind: the tokens of all answers that the upstream has written to their ends."""
        self.rig.demo.look()
        tokens, whole = {}, []
        for line in self.rig.demo.lines:
            if line["event"] == "usage":
                tokens[line["seq"]] = line["tokens"]
            elif line["event"] == "end" and line["how"] == "complete":
                whole.append(line["seq"])
        return collections.Counter({word: sum(tokens[seq][word] for seq in whole if seq in tokens)
                                    for word in ("input", "cache_write", "cache_read", "output", "reasoning")})

    def records(self):
        """All that are stored and asked for an answer."""
        found, before = [], ""
        while True:
            page = self.api(f"/api/v1/requests?limit=200{before}")["records"]
            if not page:
                return [record for record in found if record["generate"]]
            found += page
            before = f"&before={page[-1]['seq']}"


class Counts(Metrics):
    def test_programs(self):
        """What the kernel says of each, and what the state is."""
        def both():
            found = self.scrape()
            return found.sum("pointsman_dataplanes") == 2 and found
        found = rig.wait_for(both, "both data planes report")
        for name in ("controlplane", "webadmin", "dataplane.0", "dataplane.1"):
            for figure in ("resident_memory_bytes", "open_fds", "max_fds", "uptime_seconds",
                           "start_time_seconds"):
                self.assertLess(0, found.one(f"pointsman_process_{figure}", program=name), (name, figure))
            pid = self.rig.pid(name)
            self.assertAlmostEqual(rig.descriptors(pid), found.one(
                "pointsman_process_open_fds", program=name), delta=8)
            ticks = sum(map(int, rig.proc(pid, "stat").rpartition(")")[2].split()[11:13]))
            self.assertAlmostEqual(ticks / os.sysconf("SC_CLK_TCK"), found.one(
                "pointsman_process_cpu_seconds_total", program=name), delta=1)
            self.assertAlmostEqual(rig.rss_kib(pid), found.one(
                "pointsman_process_resident_memory_bytes", program=name) / 1024,
                delta=rig.rss_kib(pid) / 3)
        for number in (0, 1):
            rig.wait_for(lambda: (now := self.scrape()).one(
                "pointsman_dataplane_table_version", program=f"dataplane.{number}") ==
                now.one("pointsman_table_version"), "data planes hold the table")
        self.assertEqual(6, found.sum("pointsman_upstreams", state="up"))
        self.assertEqual(6, found.sum("pointsman_upstream_state", state="up"))
        self.assertEqual(6, found.sum("pointsman_upstream_info"))
        self.assertEqual(1, found.sum("pointsman_config_good"))
        self.assertEqual(0, found.sum("pointsman_statistics_away"))
        described = self.api("/api/v1/metrics/describe")["metrics"]
        kinds = {row["name"]: row["type"] for row in described}
        for name, kind in found.kinds.items():
            self.assertEqual(kind, kinds[name], name)

    def test_the_statistics_to_the_token(self):
        """Under a mixed load no series goes down; at its end they are the sums of the statistics."""
        before = self.scrape()
        chance = random.Random(rig.seed)
        for _ in range(3):
            self.load(CALLS // 3, chance)
            after = self.scrape()
            for key, value in before.counters().items():
                self.assertLessEqual(value, after.values.get(key, -1), key)
            before = after
        found = self.settled()
        self.compare(found, self.stats()["totals"])
        for row in self.stats("upstream")["rows"]:
            if row["upstream"]:
                self.assertEqual(row["calls"], found.sum(
                    "pointsman_upstream_calls_total", upstream=row["upstream"]))
                for kind in KINDS:
                    self.assertEqual(row[kind], found.one(
                        "pointsman_upstream_tokens_total", upstream=row["upstream"], kind=kind))
        for row in self.stats("protocol")["rows"]:
            self.assertEqual(row["requests"], found.sum("pointsman_requests_total", protocol=row["protocol"]))
            self.assertEqual(row["output"], found.one(
                "pointsman_tokens_total", protocol=row["protocol"], kind="output"))
        records = self.records()
        self.assertEqual(sum(len(record["attempts"]) - 1 for record in records if record["attempts"]),
                         found.sum("pointsman_retries_total") + found.sum("pointsman_hedges_total"))
        self.assertEqual(sum(record["result"] == "completed" and any(
            attempt["blame"] != "nobody" for attempt in record["attempts"]) for record in records),
            found.sum("pointsman_rescued_requests_total"))

    def test_the_ledger_to_the_token(self):
        """What good answers used, as the upstream wrote it down."""
        before, ledger = self.settled(), self.ledger()
        self.load(CALLS // 2, random.Random(rig.seed + 2), GOOD)
        after, ledger = self.settled(), self.ledger() - ledger
        def used(**labels):
            return (after.sum("pointsman_tokens_total", **labels) -
                    before.sum("pointsman_tokens_total", **labels))
        self.assertLess(CALLS // 2, ledger["output"])
        for word in ("input", "cache_read", "output"):
            self.assertEqual(ledger[word], used(kind=word), word)
        self.assertEqual(ledger["cache_write"], used(kind="cache_write_5m") + used(kind="cache_write_1h"))
        self.assertEqual(ledger["reasoning"], after.sum("pointsman_reasoning_tokens_total") -
                         before.sum("pointsman_reasoning_tokens_total"))


class Strangers(Metrics):
    def test_strangers_make_no_series(self):
        """A thousand models and paths that nobody knows: no more series than are stated, none of theirs."""
        stated = sum(row["series_max"] for row in self.api("/api/v1/metrics/describe")["metrics"])
        before = len(self.scrape().values)
        self.rig.demo.fault("a", "status:404")
        self.rig.demo.fault("b", "status:404")
        with self.rig.wire() as wire:
            for number in range(STRANGERS):
                type(self).made += 1
                self.rig.send(wire, "anthropic", ask("anthropic", "hi", False, f"stranger-{number}"),
                              f"/p{number}/v1/messages")
                wire.answer()
        found = self.settled()
        self.assertFalse([key for key in found.values if "stranger" in str(key) or "/p" in str(key)])
        self.assertLessEqual(STRANGERS, found.sum("pointsman_model_requests_total", model="(other)"))
        self.assertLess(len(found.values), before + 120)
        self.rig.demo.mend()
        for number in range(STRANGERS // 10):
            self.call("chat", f'served "{number}"\\', stream=False)
        found = self.settled()
        models = {dict(labels)["model"] for name, labels in found.values
                  if name == "pointsman_model_requests_total"}
        self.assertEqual(51, len(models))
        self.assertLessEqual(models, {f'served "{number}"\\' for number in range(STRANGERS // 10)} | {"(other)"})
        self.assertLess(len(found.values), stated)
        self.assertLess(len(found.values), 2000)
        self.compare(found, self.stats()["totals"])


class Rests(Metrics):
    def test_they_are_told(self):
        def upstream(found, state):
            return found.sum("pointsman_upstreams", group="claude", state=state)
        def change(now):
            now["timeout_settings"]["api_cooldown_seconds"] = 100
        self.rig.change_config(change)
        self.assertEqual(0, self.rig.command("reload").returncode)
        self.rig.demo.fault("a", "status:429;ra=60", count=1)
        self.call("anthropic", "m0")
        found = rig.wait_for(lambda: upstream(now := self.scrape(), "cooling") == 1 and now, "a rest is told")
        identity = {dict(labels)["name"]: dict(labels)["upstream"] for name, labels in found.values
                    if name == "pointsman_upstream_info" and dict(labels)["group"] == "claude"}
        rest = found.one("pointsman_upstream_rest_seconds", upstream=identity["a"])
        self.assertLess(50, rest)
        self.assertLessEqual(rest, 60)
        self.assertEqual(1, found.one("pointsman_upstream_state", upstream=identity["a"], state="cooling"))
        self.assertEqual(0, found.one("pointsman_upstream_state", upstream=identity["a"], state="up"))
        self.assertEqual(0, found.one("pointsman_upstream_rest_seconds", upstream=identity["b"]))
        self.assertEqual(0, self.rig.command("clear", "--all").returncode)
        rig.wait_for(lambda: upstream(self.scrape(), "up") == 2, "its end is told")

    def test_a_token_for_this_alone(self):
        def change(now):
            now["admin"]["metrics_token_sha256"] = hashlib.sha256(b"only metrics").hexdigest()
        self.rig.change_config(change)
        self.assertEqual(0, self.rig.command("reload").returncode)
        self.assertEqual(200, self.get("/metrics", "only metrics").status)
        self.assertEqual(401, self.get("/api/state", "only metrics").status)
        self.assertEqual(401, self.get("/metrics", "another").status)
        self.assertEqual(401, self.rig.call("GET", "/metrics", port=self.rig.admin_port).status)
        self.assertEqual(404, self.get("/metrics", port=self.rig.port).status)


class Restarts(Metrics):
    def test_controlplane(self):
        """From zero with the control plane, and only the new ones: nothing twice."""
        self.settled()
        before = self.stats()["totals"]
        self.rig.kill("controlplane")
        rig.wait_for(lambda: self.get("/metrics").status == 200 and
                     self.scrape().sum("pointsman_dataplanes") == 2, "it is back")
        self.load(20, random.Random(rig.seed + 1))
        def stored():
            return self.scrape().sum("pointsman_requests_total") >= 20
        rig.wait_for(stored, "the new ones are counted")
        self.compare(self.settled(), self.stats()["totals"], before)

    def test_without_a_database(self):
        """It is told, and what waits; then all are counted, once."""
        self.settled()
        self.rig.kill("controlplane")
        base, kept = self.rig.state / "stats.db", self.rig.state / "kept"
        for suffix in ("-wal", "-shm", ""):
            if os.path.exists(f"{base}{suffix}"):
                os.rename(f"{base}{suffix}", f"{kept}{suffix}")
        os.mkdir(base)
        self.rig.kill("controlplane")
        self.load(20, random.Random(rig.seed + 3), GOOD)
        found = rig.wait_for(lambda: (now := self.scrape()).sum(
            "pointsman_journal_waiting_records") == 20 and now.sum("pointsman_statistics_away") and now,
            "it is told")
        self.assertEqual(0, found.sum("pointsman_requests_total"))
        self.assertLess(0, found.sum("pointsman_journal_used_bytes"))
        os.rmdir(base)
        for suffix in ("-wal", "-shm", ""):
            if os.path.exists(f"{kept}{suffix}"):
                os.rename(f"{kept}{suffix}", f"{base}{suffix}")
        rig.wait_for(lambda: self.scrape().sum("pointsman_journal_waiting_records") == 0, "all are stored")
        found = self.scrape()
        self.assertEqual(20, found.sum("pointsman_requests_total"))
        self.assertEqual(0, found.sum("pointsman_statistics_away"))

    def test_without_controlplane(self):
        """Only webadmin's own, and soon."""
        pid = self.rig.pid("controlplane")
        os.kill(pid, signal.SIGSTOP)
        try:
            found = self.scrape()
            self.assertEqual(0, found.sum("pointsman_controlplane_up"))
            self.assertEqual({"webadmin"}, {dict(labels)["program"] for _, labels in found.values
                                            if "program" in dict(labels)})
        finally:
            os.kill(pid, signal.SIGCONT)
        rig.wait_for(lambda: self.scrape().sum("pointsman_controlplane_up") == 1, "it is back")


class Successors(Metrics):
    def test_data_planes(self):
        """One that died is not told beside its successor of the same name."""
        def start():
            return self.scrape().values.get(
                ("pointsman_process_start_time_seconds", (("program", "dataplane.0"),)), 0)
        first = rig.wait_for(start, "it reports")
        self.rig.kill("dataplane.0")
        rig.wait_for(lambda: start() > first, "its successor reports")
        # The dead one is known for a while yet.
        self.assertEqual(3, len(self.api("/api/state")["dataplanes"]))
        self.assertEqual(2, self.scrape().sum("pointsman_dataplanes"))


if __name__ == "__main__":
    rig.main()
