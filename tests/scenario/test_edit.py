"""Changes through the admin API: lists, settings, keys that are never shown, locks, history."""

import json
import os
import threading
import unittest

import rig
from admin import Caller

def memory(pid):
    """All that a process may write to; None where that cannot be looked at."""
    held = bytearray()
    try:
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
            for line in maps:
                area, access, *_, name = (line + " -").split(maxsplit=5)
                begin, end = (int(word, 16) for word in area.split("-"))
                # The shadow of the sanitizer has terabytes of nothing.
                if not access.startswith("rw") or end - begin > 1 << 30:
                    continue
                try:
                    mem.seek(begin)
                    held += mem.read(end - begin)
                except (OSError, OverflowError, ValueError):
                    pass
    except PermissionError:
        return None
    return bytes(held)


EDITS = int(os.environ.get("PM_EDITS") or 150)


class Edit(rig.Case):
    config = rig.config(
        claude=[rig.upstream("a", note="kept", id="aa"), rig.upstream("b", id="bb"), "c:backup"],
        model_conversions=[{"source_model": "x", "target_model": "y"}],
        _comment="stays", unknown={"deep": [1, {"api_key": "sk-canary-unknown-00000001"}]})

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rig.canaries.add("sk-canary-unknown-00000001")
        cls.script = Caller(cls.rig.admin_port, cls.rig.token)

    def setUp(self):
        super().setUp()
        self.good = self.script.good

    def file(self):
        return json.loads(self.rig.config_file.read_text())

    def etag(self):
        return f'"{self.script.get("/api/v1/config")["etag"]}"'

    def entry(self, id):
        return self.script.get(f"/api/v1/upstreams/{id}")["entry"]

    # ---- upstreams ----

    def test_list_joins_state_and_words(self):
        body = self.script.get("/api/v1/upstreams?group=claude")
        self.assertEqual(["claude"], [group["group"] for group in body["groups"]])
        first = body["groups"][0]["upstreams"][0]
        self.assertEqual("kept", first["entry"]["note"])
        self.assertEqual("claude:aa", first["table_id"])
        self.assertRegex(first["entry"]["key"], r"^sk-\.\.\.\d{4}$")
        self.assertTrue(body["etag"].startswith(f"{body['revision']}-"))

    def test_life_of_an_upstream(self):
        new = {"group": "claude", "name": "new", "base_url": self.rig.demo.url("n"),
               "key": "sk-canary-brandnew-0123456789", "mine": {"x": 1}, "weight": 3}
        self.rig.canaries.add(new["key"])
        added = self.good("POST", "/api/v1/upstreams", {**new, "position": 1}, status=201)
        ident = added["id"]
        self.assertTrue(ident.startswith("claude:"))
        self.assertEqual("sk-...6789", added["entry"]["key"])
        self.assertEqual("new", self.file()["api_configs"][1]["name"])
        self.assertEqual(new["key"], self.file()["api_configs"][1]["key"])
        # The mask sent back unchanged keeps the key; unknown words stay.
        entry = self.entry(ident)
        self.good("PUT", f"/api/v1/upstreams/{ident}", {**entry, "weight": 4}, If_Match=self.etag())
        stored = self.file()["api_configs"][1]
        self.assertEqual((new["key"], 4, {"x": 1}),
                         (stored["key"], stored["weight"], stored["mine"]))
        self.good("PATCH", f"/api/v1/upstreams/{ident}", {"key": "sk-...6789", "weight": None})
        self.assertEqual(new["key"], self.file()["api_configs"][1]["key"])
        self.assertNotIn("weight", self.file()["api_configs"][1])
        other = "sk-canary-another-9876543210"
        self.rig.canaries.add(other)
        self.good("PATCH", f"/api/v1/upstreams/{ident}", {"key": other})
        self.assertEqual(other, self.file()["api_configs"][1]["key"])
        copy = self.good("POST", f"/api/v1/upstreams/{ident}/duplicate")
        self.assertEqual(other, self.file()["api_configs"][2]["key"])
        self.assertEqual("new (copy)", copy["entry"]["name"])
        self.assertNotEqual(ident, copy["id"])
        self.good("POST", f"/api/v1/upstreams/{copy['id']}/move", {"to": "top"})
        self.assertEqual("new (copy)", self.file()["api_configs"][0]["name"])
        for to, status in (("up", 422), ("sideways", 422), (99, 422), (0, 422)):
            answer = self.script.ask("POST", f"/api/v1/upstreams/{copy['id']}/move", {"to": to})
            self.assertEqual(status, answer.status, answer)
        self.good("POST", f"/api/v1/upstreams/{copy['id']}/disable")
        self.assertIs(False, self.file()["api_configs"][0]["enabled"])
        for path in (copy["id"], ident):
            self.good("DELETE", f"/api/v1/upstreams/{path}")
        self.assertEqual(["a", "b", "c"], [entry["name"] for entry in self.file()["api_configs"]])
        self.assertEqual(404, self.script.ask("DELETE", f"/api/v1/upstreams/{ident}").status)
        self.assertEqual("stays", self.file()["_comment"])

    def test_bad_changes_are_refused_whole(self):
        before = self.rig.config_file.read_text()
        cases = [
            ("PATCH", "/api/v1/upstreams/claude:aa", {"weight": 0, "base_url": "ftp://x"},
             ["api_configs[0].base_url", "api_configs[0].weight"]),
            ("POST", "/api/v1/upstreams", {"group": "claude", "key": "k"},
             ["api_configs[3].base_url"]),
            ("POST", "/api/v1/upstreams", {"group": "claude", "base_url": "http://a", "key": "set"},
             ["api_configs[3].key"]),
            ("POST", "/api/v1/upstreams", {"base_url": "http://a", "key": "k"}, ["group"]),
            ("PATCH", "/api/v1/settings", {"timeout_settings.connect_timeout": "x",
                                           "routing.claude.weight": 1}, ["routing.claude.weight"]),
            ("PATCH", "/api/v1/settings", {"timeout_settings.connect_timeout": "x"},
             ["timeout_settings.connect_timeout"]),
            ("POST", "/api/v1/model-rules", {"source_model": "a"},
             ["model_conversions[1].target_model"]),
        ]
        for method, path, body, paths in cases:
            answer = self.script.ask(method, path, body)
            self.assertEqual(422, answer.status, (path, answer))
            self.assertFalse(answer.json["success"])
            self.assertEqual(paths, sorted(fault["path"] for fault in answer.json["faults"]), answer)
        self.assertEqual(before, self.rig.config_file.read_text())

    def test_key_of_another_entry_is_not_kept(self):
        """A mask stands for the key of the same entry only."""
        mask = self.entry("claude:bb")["key"]
        answer = self.script.ask("PATCH", "/api/v1/upstreams/claude:aa", {"key": mask})
        if mask != self.entry("claude:aa")["key"]:
            self.assertEqual(422, answer.status, answer)

    def test_order(self):
        ids = [item["table_id"] for item in
               self.script.get("/api/v1/upstreams?group=claude")["groups"][0]["upstreams"]]
        self.good("PUT", "/api/v1/upstreams/order", {"group": "claude", "ids": ids[::-1]},
                  If_Match=self.etag())
        self.assertEqual(["c", "b", "a"], [entry["name"] for entry in self.file()["api_configs"]])
        for wrong in (ids[:2], ids + ids[:1], [ids[0]] * 3, ["x"] * 3):
            answer = self.script.ask("PUT", "/api/v1/upstreams/order",
                                     {"group": "claude", "ids": wrong}, If_Match=self.etag())
            self.assertEqual(422, answer.status, answer)
        self.good("PUT", "/api/v1/upstreams/order", {"group": "claude", "ids": ids}, If_Match="*")

    # ---- the other lists ----

    def test_hours_of_today(self):
        """The state tells when an upstream is on today."""
        def day():
            groups = self.script.get("/api/state")["groups"]
            return next(one for one in groups[0]["upstreams"] if one["id"] == "bb")["day"]
        whole = rig.wait_for(day, "the day is known")
        self.assertEqual((True, []), (whole["on"], whole["changes_ms"]))
        self.good("PATCH", "/api/v1/upstreams/claude:bb", {"hours": ["01:00-02:30", "22:00-24:00"]})
        found = rig.wait_for(lambda: (now := day())["changes_ms"] and now, "the hours are told")
        self.assertEqual([1, 2.5, 22], [(at - found["start_ms"]) / 3600000 for at in found["changes_ms"]])
        self.assertEqual((False, 24), (found["on"], (found["end_ms"] - found["start_ms"]) / 3600000))
        self.good("PATCH", "/api/v1/upstreams/claude:bb", {"hours": None})

    def test_other_lists(self):
        cases = [("model-rules", {"source_model": "m1", "target_model": "m2"}, {"name": "n"}),
                 ("capabilities", {"pattern": "grok-*"}, {"thinking": "none"}),
                 ("prices", {"model": "m", "input": 1, "output": 2}, {"input": 0.1})]
        for word, entry, patch in cases:
            path = f"/api/v1/{word}"
            before = self.script.get(path)["entries"]
            added = self.good("POST", path, entry, status=201)
            one = f"{path}/{added['id']}"
            self.good("PATCH", one, patch)
            self.assertEqual({**entry, **patch, "id": added["id"]},
                             {key: value for key, value in self.script.get(one)["entry"].items()
                              if key not in ("created_at", "updated_at")})
            self.good("PUT", one, entry, If_Match=self.etag())
            self.good("POST", f"{one}/duplicate")
            self.assertEqual(len(before) + 2, len(self.script.get(path)["entries"]))
            for item in self.script.get(path)["entries"][len(before):]:
                self.good("DELETE", f"{path}/{item['id']}")
            self.assertEqual(before, self.script.get(path)["entries"])

    # ---- settings ----

    def test_settings(self):
        body = self.script.get("/api/v1/settings")
        rows = {row["path"]: row for row in body["rows"]}
        row = rows["routing.claude.pick"]
        self.assertEqual(("word", "order", False), (row["type"], row["default"], row["changed"]))
        self.assertEqual(["order", "weighted", "least_in_flight", "lowest_latency"], row["words"])
        self.assertEqual("s", rows["timeout_settings.connect_timeout"]["unit"])
        self.assertNotIn("value", rows["upstreams[].name"])
        self.assertIn("api_configs", [section["section"] for section in body["sections"]])
        self.good("PATCH", "/api/v1/settings", {"routing.claude.pick": "weighted",
                                                "timeout_settings.connect_timeout": 12.5})
        rows = {row["path"]: row for row in self.script.get("/api/v1/settings")["rows"]}
        self.assertEqual(("weighted", True), (rows["routing.claude.pick"]["value"],
                                              rows["routing.claude.pick"]["changed"]))
        section = self.script.get("/api/v1/settings/routing.claude")
        self.assertEqual({"pick": "weighted"}, section["value"])
        self.assertEqual(300, section["effective"]["affinity_seconds"])
        self.good("PATCH", "/api/v1/settings/routing.claude", {"pick": None})
        self.good("PUT", "/api/v1/settings/timeout_settings", {}, If_Match=self.etag())
        rows = {row["path"]: row for row in self.script.get("/api/v1/settings")["rows"]}
        self.assertFalse(any(rows[path]["changed"] for path in
                             ("routing.claude.pick", "timeout_settings.connect_timeout")))
        for path in ("admin", "nothing", "api_configs"):
            self.assertEqual(404, self.script.ask("GET", f"/api/v1/settings/{path}").status, path)

    # ---- locks ----

    def test_if_match(self):
        old = self.etag()
        self.good("PATCH", "/api/v1/upstreams/claude:aa", {"weight": 7}, If_Match=old)
        answer = self.script.ask("PATCH", "/api/v1/upstreams/claude:aa", {"weight": 8}, If_Match=old)
        self.assertEqual(412, answer.status, answer)
        self.assertEqual("stale", answer.json["kind"])
        self.assertEqual(self.etag(), answer.header("etag"))
        self.assertEqual(7, self.entry("claude:aa")["weight"])
        entry = self.entry("claude:aa")
        self.assertEqual(428, self.script.ask("PUT", "/api/v1/upstreams/claude:aa", entry).status)
        self.good("PATCH", "/api/v1/upstreams/claude:aa", {"weight": None}, If_Match="*")

    def test_what_says_the_same_is_no_change(self):
        self.good("POST", "/api/v1/upstreams/claude:aa/enable")
        before = self.etag()
        self.assertFalse(self.good("POST", "/api/v1/upstreams/claude:aa/enable")["changed"])
        self.assertEqual(before, self.etag())

    def test_no_lost_update(self):
        """Two browsers and a script count up three numbers in one entry, by replacing it whole."""
        counts, conflicts = [0, 0, 0], []
        browsers = [Caller(self.rig.admin_port), Caller(self.rig.admin_port),
                    Caller(self.rig.admin_port, self.rig.token)]
        for caller in browsers[:2]:
            caller.login(self.rig.token)

        def count_up(number):
            caller, word = browsers[number], f"n{number}"
            for _ in range(EDITS // 3):
                while True:
                    seen = caller.get("/api/v1/upstreams/claude:bb")
                    entry = dict(seen["entry"])
                    entry[word] = entry.get(word, 0) + 1
                    answer = caller.ask("PUT", "/api/v1/upstreams/claude:bb", entry,
                                        If_Match=f'"{seen["etag"]}"')
                    if answer.status == 200:
                        counts[number] += 1
                        break
                    assert answer.status == 412, answer
                    conflicts.append(number)

        threads = [threading.Thread(target=count_up, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        # The command line switches another upstream meanwhile.
        word, commands = "enable", 0
        while commands < 3 or any(thread.is_alive() for thread in threads):
            word, commands = ("disable", "enable")[commands % 2], commands + 1
            done = self.rig.command(word, "a")
            self.assertEqual(0, done.returncode, done.stderr)
        for thread in threads:
            thread.join()
        self.assertEqual(word == "enable", self.file()["api_configs"][0]["enabled"])
        entry = self.file()["api_configs"][1]
        self.assertEqual([EDITS // 3] * 3, [entry[f"n{i}"] for i in range(3)])
        self.assertEqual(counts, [entry[f"n{i}"] for i in range(3)])
        print(f"{sum(counts)} edits, {commands} by the command line, {len(conflicts)} lost races, no lost update", flush=True)
        self.good("PATCH", "/api/v1/upstreams/claude:bb", {"n0": None, "n1": None, "n2": None})
        self.good("POST", "/api/v1/upstreams/claude:aa/enable")

    # ---- the whole, its history ----

    def test_document(self):
        seen = self.script.get("/api/v1/config")
        document = seen["document"]
        self.assertEqual("sk-...0001", document["unknown"]["deep"][1]["api_key"])
        self.assertEqual("set", document["admin"]["token_sha256"])
        before = self.file()
        same = self.good("PUT", "/api/v1/config", document, If_Match=f'"{seen["etag"]}"')
        self.assertFalse(same["changed"], same)
        self.assertEqual(before["api_configs"], self.file()["api_configs"])
        changed = json.loads(json.dumps(document))
        changed["api_configs"][0]["name"] = "renamed"
        del changed["client_keys"], changed["admin"]
        checked = self.good("POST", "/api/v1/config/check", changed)
        self.assertTrue(checked["valid"])
        self.assertEqual([{"path": "api_configs[0].name", "from": "a", "to": "renamed"}],
                         checked["changes"])
        done = self.good("PUT", "/api/v1/config", changed, If_Match=self.etag())
        self.assertEqual(before["client_keys"], self.file()["client_keys"])
        self.assertEqual(before["admin"], self.file()["admin"])
        bad = {"api_configs": [{"base_url": 7}], "timeout_settings": []}
        checked = self.good("POST", "/api/v1/config/check", bad)
        self.assertFalse(checked["valid"])
        self.assertEqual(["api_configs[0].base_url", "api_configs[0].key", "timeout_settings"],
                         sorted(fault["path"] for fault in checked["faults"]))
        answer = self.script.ask("PUT", "/api/v1/config", bad, If_Match=self.etag())
        self.assertEqual(422, answer.status, answer)
        revisions = self.script.get("/api/v1/config/revisions")["revisions"]
        self.assertEqual(done["revision"], revisions[0]["revision"])
        self.assertEqual(("admin", "script"), (revisions[0]["who"], revisions[0]["via"]))
        shown = self.script.get(f"/api/v1/config/revisions/{done['revision']}")
        self.assertEqual(checked["revision"], shown["revision"])
        self.assertEqual("renamed", shown["changes"][0]["to"])
        diff = self.script.get(f"/api/v1/config/diff?from={seen['revision']}")
        self.assertEqual("api_configs[0].name", diff["changes"][0]["path"])
        self.good("POST", f"/api/v1/config/revisions/{seen['revision']}/restore")
        self.assertEqual(before, self.file())
        self.assertEqual(404, self.script.ask("GET", "/api/v1/config/revisions/99999").status)
        exported = self.script.get("/api/v1/config/export")
        self.assertEqual("", exported["api_configs"][0]["key"])
        self.assertNotIn("client_keys", exported)
        self.assertEqual("", exported["unknown"]["deep"][1]["api_key"])

    def test_restoring_brings_no_key_back(self):
        made = self.good("POST", "/api/v1/client-keys", {"name": "gone"}, status=201)
        revision = self.script.get("/api/v1/config")["revision"]
        self.good("DELETE", f"/api/v1/client-keys/{made['id']}")
        self.good("POST", f"/api/v1/config/revisions/{revision}/restore")
        self.assertNotIn(made["id"], [entry["id"] for entry in
                                      self.script.get("/api/v1/client-keys")["entries"]])

    def test_hand_edits_are_noticed_and_never_written_over(self):
        def mark(config):
            config["api_configs"][0]["by_hand"] = True
        self.rig.change_config(mark)
        self.good("PATCH", "/api/v1/upstreams/claude:aa", {"weight": 2})
        self.assertIs(True, self.file()["api_configs"][0]["by_hand"])
        good = self.rig.config_file.read_text()
        self.rig.config_file.write_text("{broken")
        answer = self.script.ask("PATCH", "/api/v1/upstreams/claude:aa", {"weight": 3})
        self.assertEqual(409, answer.status, answer)
        self.assertEqual("{broken", self.rig.config_file.read_text())
        self.rig.config_file.write_text(good)
        self.good("PATCH", "/api/v1/upstreams/claude:aa", {"weight": None, "by_hand": None})

    def test_revisions_go_on_over_a_restart(self):
        before = self.script.get("/api/v1/config")
        self.rig.kill("controlplane")
        after = rig.wait_for(
            lambda: (found := self.script.ask("GET", "/api/v1/config")).status == 200 and found.json,
            "it is back")
        self.assertEqual((before["revision"], before["etag"]), (after["revision"], after["etag"]))

    # ---- client keys ----

    def test_client_keys(self):
        made = self.good("POST", "/api/v1/client-keys",
                         {"name": "ci", "requests_per_minute": 100}, status=201)
        self.assertRegex(made["key"], r"^pm-[\w-]{43}$")
        self.assertEqual("set", made["entry"]["sha256"])
        self.assertNotIn(made["key"], self.rig.config_file.read_text())

        def status(key):
            return self.rig.post("anthropic", headers={"Authorization": f"Bearer {key}"}).status

        rig.wait_for(lambda: status(made["key"]) == 200, "the key is served")
        usage = rig.wait_for(lambda: {key["id"]: key for key in
                                      self.script.get("/api/v1/usage")["keys"]}.get(made["id"]),
                             "its use is told")
        self.assertGreater(usage["tokens"]["day"], 0)
        turned = self.good("POST", f"/api/v1/client-keys/{made['id']}/rotate")
        self.assertEqual(made["id"], turned["id"])
        rig.wait_for(lambda: status(turned["key"]) == 200, "the new key is served")
        rig.wait_for(lambda: status(made["key"]) == 401, "the old one is not")
        self.good("PATCH", f"/api/v1/client-keys/{made['id']}", {"tokens_per_day": 5})
        self.good("POST", f"/api/v1/client-keys/{made['id']}/disable")
        rig.wait_for(lambda: status(turned["key"]) == 401, "a disabled one is not")
        self.good("DELETE", f"/api/v1/client-keys/{made['id']}")
        for body in self.script.bodies:
            if made["key"].encode() in body:
                self.assertIn(b'"key":"' + made["key"].encode(), body)
        shown = [body for body in self.script.bodies if made["key"].encode() in body]
        self.assertEqual(1, len(shown), "shown once")
        answer = self.script.ask("POST", f"/api/v1/client-keys/{made['id']}/duplicate")
        self.assertEqual(404, answer.status)

    # ---- secrets ----

    def test_no_secret_anywhere(self):
        """What is shown to the admin, what is written down, and what webadmin holds in memory."""
        self.good("PATCH", "/api/v1/upstreams/claude:bb", {"note": "n"})
        for path in ("/api/state", "/api/v1/upstreams", "/api/v1/config", "/api/v1/audit",
                     "/api/v1/config/revisions", "/api/v1/client-keys", "/api/v1/settings",
                     "/api/configs", "/api/codex", "/api/v1/settings/server"):
            self.script.get(path)
        kept = [key.encode() for key in self.rig.canaries]
        for body in self.script.bodies:
            for key in kept:
                self.assertNotIn(key, body)
        if (held := memory(self.rig.pid("webadmin"))) is not None:
            self.assertIn(b"api_configs", held)
            for entry in self.config["api_configs"]:
                self.assertNotIn(entry["key"].encode(), held)
        audit = (self.rig.state / "audit.jsonl").read_bytes()
        for key in kept + [self.rig.token.encode(), self.rig.key.encode()]:
            self.assertNotIn(key, audit)


if __name__ == "__main__":
    rig.main()
