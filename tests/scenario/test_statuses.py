"""Each status of an upstream with each form of Retry-After: who is blamed, for how long it rests, who
answers then, and that gateway and upstream count the same calls."""

import collections
import email.utils
import json
import time

import rig
from protocols import PATHS, PROTOCOLS, said

COOLDOWN_S, RATE_LIMIT_S, MAX_S = 60, 20, 900

# Status -> who is blamed. What a request or a model is blamed for is the client's to see.
BLAMES = {
    302: "upstream",
    400: "request", 401: "key", 402: "key", 403: "key", 404: "model", 405: "request",
    408: "upstream", 409: "request", 413: "request", 415: "request", 418: "request",
    422: "request", 429: "key",
    500: "upstream", 502: "upstream", 503: "upstream", 504: "upstream", 520: "upstream",
    521: "upstream", 522: "upstream", 523: "upstream", 524: "upstream", 529: "upstream",
    599: "upstream",
}
FINAL = ("request", "model")
# The others cannot know when they will be well, or their time is none of the upstream's.
NAMES_A_TIME = {status for status in BLAMES if status >= 500} | {402, 403, 429}


def date(seconds):
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


# Form -> (headers, least and most seconds; None = as if nothing was said)
FORMS = {
    "none": (lambda: {}, None),
    "seconds": (lambda: {"Retry-After": "7"}, (7, 7)),
    "date": (lambda: {"Retry-After": date(9)}, (7, 9)),
    "milliseconds": (lambda: {"Retry-After-Ms": "3000", "Retry-After": "50"}, (3, 3)),
    "garbage": (lambda: {"Retry-After": "soon"}, None),
    "negative": (lambda: {"Retry-After": "-5"}, None),
    "past date": (lambda: {"Retry-After": date(-90)}, None),
    "enormous": (lambda: {"Retry-After": "9" * 30}, (MAX_S, MAX_S)),
    "far date": (lambda: {"Retry-After": "Fri, 31 Dec 2199 23:59:59 GMT"}, (MAX_S, MAX_S)),
}
GROUPS = {"anthropic": "claude", "chat": "chat", "responses": "codex"}


def rest_s(status, named):
    """Least and most seconds of the rest."""
    if named and status in NAMES_A_TIME:
        return named
    return (RATE_LIMIT_S,) * 2 if status == 429 else (COOLDOWN_S,) * 2


class Statuses(rig.Case):
    """Nine rows at a time: three groups that know nothing of each other, and in each three upstreams
    for three families of models, with one behind them for all."""

    firsts = ("a0", "a1", "a2")
    entries = [rig.upstream(name, models=[f"{name} *"]) for name in firsts] + ["b"]
    config = rig.config(
        entries, entries, entries, timeout_settings={
            "api_error_threshold": 1, "codex_error_threshold": 1, "cooldown_max_seconds": MAX_S,
            "api_cooldown_seconds": COOLDOWN_S, "rate_limit_cooldown_seconds": RATE_LIMIT_S},
        routing={group: {"affinity_seconds": 0, "retry_burst": 100000} for group in rig.GROUPS})

    def api(self, method, path):
        with rig.Wire(self.rig.admin_port) as wire:
            wire.send(rig.request(method, path, b"", {
                "Authorization": f"Bearer {self.rig.token}", "Content-Type": "application/json"}))
            answer = wire.answer()
        self.assertEqual(200, answer.status, answer)
        return json.loads(answer.body)

    def wait_health(self, holds, what):
        """(group, name) -> health, as soon as that holds for each first upstream."""
        def found():
            now = {(group["group"], entry["name"]): entry["health"]
                   for group in self.api("GET", "/api/v1/upstreams")["groups"]
                   for entry in group["upstreams"] if entry["name"] in self.firsts}
            return all(holds(key, health) for key, health in now.items()) and now
        return rig.wait_for(found, what)

    def ask(self, protocol, name, model):
        """One call, made again for as long as the data plane has not heard that all are well."""
        def asked():
            mark = self.rig.demo.newest()
            answer = self.rig.post(protocol, "[demo:say next]", False, model)
            calls = [call for call in self.rig.demo.calls(mark) if call.protocol]
            return calls[0].name == name and (answer, calls)
        found = rig.wait_for(asked, "the first upstream is asked")
        self.failures[GROUPS[protocol], name] += 1
        return found

    def call(self, protocol, name, status, form, model):
        """One call, and what its client and the ledger show. Returns how many calls it became."""
        error = {"type": "error", "error": {"type": "x", "message": f"it said {status}"}}
        self.rig.demo.script(name, json.dumps(error).encode(), status,
                             {"Content-Type": "application/json", **FORMS[form][0]()},
                             count=1, match=PATHS[protocol].rpartition("/")[2])
        answer, calls = self.ask(protocol, name, model)
        if BLAMES[status] in FINAL:
            self.assertEqual((status, [name]), (answer.status, [call.name for call in calls]))
            self.assertIn(f"it said {status}".encode(), answer.body)
        else:
            self.assertEqual("next", said(protocol, answer, False))
            self.assertEqual([name, "b"], [call.name for call in calls])
        return len(calls)

    def rests(self, health, status, form, model):
        blame = BLAMES[status]
        if blame in FINAL:
            self.assertEqual("up", health["state"], health)
        if blame == "request":
            return self.assertEqual([], health["models"])
        unit = health["models"][0] if blame == "model" else health
        self.assertEqual("cooling", unit["state"], unit)
        least, most = rest_s(status, FORMS[form][1])
        seconds = (unit["until_ms"] - unit["since_ms"]) / 1000
        self.assertTrue(least <= seconds <= most, f"{seconds} s, not {least} to {most}")
        self.assertEqual((blame, status), (unit["blame"], unit["status"]))
        self.assertEqual(model if blame == "model" else None, unit.get("model"))
        return None

    def test_each_status_with_each_time(self):
        made, self.failures = {}, collections.Counter()
        places = [(protocol, name) for name in self.firsts for protocol in PROTOCOLS]
        rows = [(status, form) for status in BLAMES for form in FORMS]
        for number in range(0, len(rows), len(places)):
            turn = number // len(places)
            batch = [(protocol, name, *row, f"{name} {row[0]} {row[1]}") for (protocol, name), row in
                     zip(places[turn % 3:] + places[:turn % 3], rows[number:])]
            self.api("POST", "/api/v1/clear")
            self.wait_health(lambda _, health: health["state"] == "up" and not health["models"],
                             "all are well")
            for row in batch:
                with self.subTest(row):
                    made[row[-1]] = self.call(*row)
            heard = self.wait_health(lambda key, health: health["failures"] == self.failures[key],
                                     "all failures are heard of")
            for protocol, name, *row in batch:
                with self.subTest(row):
                    self.rests(heard[GROUPS[protocol], name], *row)
        self.agrees(made)

    def agrees(self, made):
        """What the statistics hold of each row's last call, and what its upstreams saw."""
        def told():
            records = self.api("GET", f"/api/v1/decisions?limit={len(made) + 100}")["records"]
            found = {record["model"]: record for record in reversed(records)}
            return set(made) <= set(found) and found
        for model, record in rig.wait_for(told, "all are told").items():
            if model not in made:
                continue
            first = record["attempts"][0]
            self.assertEqual(made[model], record["calls"], model)
            self.assertEqual((int(model.split(" ")[1]), made[model]),
                             (first["status"], len(record["attempts"])), model)


if __name__ == "__main__":
    rig.main()
