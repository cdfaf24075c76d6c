"""A changed configuration serves without a restart; a bad one is refused whole, told with the path of
each fault, and the last good one serves on."""

import hashlib
import json
import os
import signal
import time
import unittest

import rig
from protocols import ask, error, said

FAULTS = {  # path that must be named: change
    "api_configs[0].base_url": lambda c: c["api_configs"][0].update(base_url="ftp://x"),
    "api_configs[1].base_url": lambda c: c["api_configs"][1].pop("base_url"),
    "api_configs[0].key": lambda c: c["api_configs"][0].update(key=5),
    "api_configs[0].enabled": lambda c: c["api_configs"][0].update(enabled="yes"),
    "codex_configs": lambda c: c.update(codex_configs={}),
    "api_configs[0]": lambda c: c["api_configs"].__setitem__(0, "x"),
    "server.attempts_max": lambda c: c.setdefault("server", {}).update(attempts_max=0),
    "timeout_settings.connect_timeout": lambda c: c.update(
        timeout_settings={"connect_timeout": "soon"}),
    "model_conversions[0].source_model": lambda c: c.update(model_conversions=[{"target_model": "x"}]),
    "client_keys[0].sha256": lambda c: c["client_keys"][0].update(sha256="12"),
}


class Config(rig.Case):
    config = rig.everywhere("a", "b")

    def setUp(self):
        super().setUp()
        self.before = self.rig.config_file.read_text()
        self.addCleanup(self.restore)

    def restore(self):
        self.rig.config_file.write_text(self.before)
        self.assertEqual(0, self.rig.command("reload").returncode)

    def served_by(self, protocol="anthropic"):
        mark = self.rig.demo.newest()
        said(protocol, self.rig.post(protocol))
        call, = self.rig.demo.calls(mark)
        return call.name

    def first_is(self, name):
        def change(config):
            for entries in ("api_configs", "codex_configs", "chat_configs"):
                config[entries].sort(key=lambda entry: entry["name"] != name)
        return change

    def test_reload(self):
        self.assertEqual("a", self.served_by())
        self.rig.change_config(self.first_is("b"))
        done = self.rig.command("reload")
        self.assertEqual(0, done.returncode, done.stderr)
        rig.wait_for(lambda: self.served_by() == "b", "the new order serves", 5)

    def test_saved_file_is_noticed(self):
        """Nobody needs to say reload; a signal does as well."""
        self.rig.change_config(self.first_is("b"))
        rig.wait_for(lambda: self.served_by() == "b", "the new order serves", 5)
        self.rig.change_config(self.first_is("a"))
        os.kill(self.rig.launcher.pid, signal.SIGHUP)
        rig.wait_for(lambda: self.served_by() == "a", "the old order serves", 5)

    def test_a_saved_file_serves_at_once(self):
        """All data planes have it within 100 ms of the rename: the median of some edits, as the machine
        has other work."""
        with rig.Rig(rig.everywhere("a", "b"), dataplanes=3) as many:
            times = []
            for turn in range(9):
                version = self.versions(many)[0] + 1
                many.change_config(self.first_is("ba"[turn % 2]))
                began = time.monotonic()
                rig.wait_for(lambda: min(self.versions(many)) >= version, "all have the table", 5)
                times.append(time.monotonic() - began)
            print(f"an edit served after {sorted(1000 * t for t in times)[4]:.0f} ms")
            self.assertLess(sorted(times)[4], 0.1)

    def test_a_storm_of_edits_is_few_tables(self):
        """Two hundred saves in less than a second, good ones and bad: the last one serves."""
        def tables():
            return sum(line["proc"] == "controlplane" for line in self.rig.log("table"))
        before = tables()
        good = json.loads(self.before)
        for number in range(200):
            good["api_configs"].sort(key=lambda entry: entry["name"] != "ab"[number % 2])
            self.rig.save(good if number % 5 else {"api_configs": number})
        self.first_is("b")(good)
        self.rig.save(good)
        rig.wait_for(lambda: self.served_by() == "b", "the last one serves", 5)
        self.assertLess(tables() - before, 100)
        self.assertEqual([], self.rig.log("ended"))

    @staticmethod
    def versions(running):
        """The version of the table that each data plane has logged."""
        found = {}
        for line in running.log("table"):
            found[line.get("proc")] = int(line["version"])
        return sorted(found.values())

    def test_every_data_plane_gets_it(self):
        with rig.Rig(rig.everywhere("a", "b"), dataplanes=3) as many:
            many.change_config(self.first_is("b"))
            self.assertEqual(0, many.command("reload").returncode)

            def all_b():
                mark = many.demo.newest()
                for _ in range(12):
                    said("chat", many.post("chat"))
                return {call.name for call in many.demo.calls(mark)} == {"b"}
            rig.wait_for(all_b, "all three have the new table", 5)

    def test_streams_end_with_their_table(self):
        self.rig.demo.fault("a", "events=20;ms=50", count=1)
        with self.rig.wire() as wire:
            self.rig.send(wire, "chat", ask("chat"))
            answer = wire.head()
            self.rig.change_config(lambda config: config["chat_configs"].pop(0))
            self.assertEqual(0, self.rig.command("reload").returncode)
            rig.wait_for(lambda: self.served_by("chat") == "b", "a is gone", 5)
            for _ in wire.pieces(answer):
                pass
            self.assertEqual("x" * 320, said("chat", answer))

    def test_faults_are_named_and_refused(self):
        for path, change in FAULTS.items():
            with self.subTest(path):
                self.rig.config_file.write_text(self.before)
                # One save: else the first of two would be a good one, and might serve.
                self.rig.change_config(lambda c, change=change: (self.first_is("b")(c), change(c)))
                bad = self.rig.config_file.read_text()
                done = self.rig.command("reload")
                self.assertNotEqual(0, done.returncode)
                self.assertIn(path, done.stdout + done.stderr)
                self.assertEqual("a", self.served_by(), "not a word of a bad file serves")
                self.assertEqual(bad, self.rig.config_file.read_text(), "the file is the owner's")
                for secret in self.rig.canaries:
                    self.assertNotIn(secret, done.stdout + done.stderr)

    def test_no_json(self):
        for text in ("", "{", "[]", "null", '"x"', '{"api_configs": []} x', '{"a":1,"a":2}',
                     "{'a': 1}", '{"api_configs": [' * 3000):
            with self.subTest(text[:20]):
                self.rig.config_file.write_text(text)
                self.assertNotEqual(0, self.rig.command("reload").returncode)
                self.assertEqual("a", self.served_by())
                state = json.loads(self.rig.command("status", "--json").stdout)
                self.assertTrue(state["config_error"])

    def test_all_faults_at_once(self):
        self.rig.change_config(lambda config: [change(config) for path, change in FAULTS.items()
                                               if path.startswith("api_configs[0].")])
        done = self.rig.command("reload")
        for path in FAULTS:
            if path.startswith("api_configs[0]."):
                self.assertIn(path, done.stdout + done.stderr)

    def test_denied_addresses(self):
        """Upstreams cannot be pointed at the machine's own metadata."""
        for url in ("http://169.254.169.254/latest", "http://[fe80::1]/", "http://0.0.0.0:1/"):
            with self.subTest(url):
                self.rig.change_config(lambda c, u=url: c["api_configs"][0].update(base_url=u))
                self.assertNotEqual(0, self.rig.command("reload").returncode)

    def test_new_and_removed_client_keys(self):
        new = "my-own-key-1234567890"
        self.rig.change_config(lambda config: config["client_keys"].append(
            {"name": "mine", "sha256": hashlib.sha256(new.encode()).hexdigest()}))
        self.assertEqual(0, self.rig.command("reload").returncode)

        def status(key):
            return self.rig.call("POST", "/v1/chat/completions", {"x-api-key": key},
                                 ask("chat")).status
        rig.wait_for(lambda: status(new) == 200, "the new key opens", 5)
        self.assertEqual(200, status(self.rig.key))
        self.rig.change_config(lambda config: config["client_keys"].pop(0))
        self.assertEqual(0, self.rig.command("reload").returncode)
        rig.wait_for(lambda: status(self.rig.key) == 401, "the old key is closed", 5)
        self.assertEqual(200, status(new))


class Restart(unittest.TestCase):
    def test_bad_file_at_start(self):
        """The last good copy serves; the bad file stays as it is."""
        first = rig.Rig(rig.everywhere("a"))
        with first:
            said("chat", first.post("chat"))
            first.keep = True
            port = first.demo.port
        again = rig.Rig(demo=False)
        again.demo = rig.Demo(again.folder, port)
        again.state, again.run, again.canaries = first.state, first.run, first.canaries
        again.config_file.write_text('{"api_configs": [{}]}')
        with again:
            said("chat", again.post("chat"))
            self.assertEqual('{"api_configs": [{}]}', again.config_file.read_text())
            self.assertIn("api_configs[0]", again.command("status").stdout)
        first.forget()

    def test_old_file(self):
        """Words of the previous product, kept where they stand, beside unknown ones."""
        old = {
            "api_configs": [{**rig.upstream("a"), "base_url": None, "type": "primary",
                             "enabled": True, "time_enabled": [1, 1, 1, 1, 1, 1, 1],
                             "activation_enabled": False, "activation_time": "08:00",
                             "created_at": "2025-09-18T21:42:21.123456", "my_note": "é 中"}],
            "codex_configs": [], "openai_to_claude_configs": [], "retry_configs": [],
            "model_conversions": [{"name": "x", "source_model": "m", "target_model": "n",
                                   "conversion_type": "simple_rename", "enabled": True}],
            "timeout_settings": {"connect_timeout": 30, "max_retries": 1,
                                 "modify_retry_headers": True, "billing_send_interval": 1},
            "error_handling_strategies": {"http_status_codes": {"404": "normal_retry",
                                                                "default": "switch_api"},
                                          "network_errors": {"ReadError": "normal_retry"}},
            "optimization_settings": {"enable_cache_control_limit": True},
            "future_section": {"deep": [1, 2.5, None, {"x": "é"}]},
        }
        running = rig.Rig(None)
        old["api_configs"][0]["base_url"] = f"  {running.demo.url('a')}/ "
        running.write_config(old)
        with running:
            said("anthropic", running.post("anthropic"))
            now = json.loads(running.config_file.read_text())
            for name, value in old.items():
                if isinstance(value, list):
                    value = [{**entry, **({"id": mine["id"]} if "id" in mine else {})}
                             for entry, mine in zip(value, now[name])]
                self.assertEqual(value, now[name], name)
            self.assertEqual("n", self.renamed(running))

    @staticmethod
    def renamed(running):
        mark = running.demo.newest()
        said("anthropic", running.post("anthropic", model="m"))
        return running.demo.calls(mark)[0].model

    def test_a_folder_that_others_may_write_is_told(self):
        """They could put a configuration of theirs there."""
        for mode, told in ((0o777, 1), (0o775, 1), (0o755, 0), (0o700, 0)):
            with self.subTest(oct(mode)), rig.Rig(rig.everywhere("a")) as running:
                running.state.chmod(mode)
                running.kill("controlplane")
                rig.wait_for(lambda: len([line for line in running.log("start")
                                          if line["proc"] == "controlplane"]) == 2, "it is back")
                self.assertEqual(told, len(running.log("state_folder_open")))

    def test_sample_key_opens_nothing(self):
        with rig.Rig(rig.everywhere("a")) as running:
            for key in ("123", "sk-123", "admin", "changeme", "demo"):
                answer = running.call("POST", "/v1/messages", {"x-api-key": key}, ask("anthropic"))
                self.assertEqual(401, answer.status)
                error("anthropic", answer)


if __name__ == "__main__":
    rig.main()
