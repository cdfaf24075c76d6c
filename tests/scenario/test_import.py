"""Files of other programs: what comes in and what cannot, before anything is changed; and taking it."""

import json
import unittest

import rig
from admin import Caller

CC_SWITCH = {
    "version": 2,
    "claude": {"current": "1", "providers": {
        "1": {"id": "1", "name": "relay", "settingsConfig": {"env": {
            "ANTHROPIC_AUTH_TOKEN": "sk-canary-cc-0000000000001",
            "ANTHROPIC_BASE_URL": "https://relay.example/api"}}},
        "2": {"id": "2", "name": "official", "settingsConfig": {"env": {}}}}},
    "codex": {"current": "9", "providers": {
        "9": {"name": "hub", "settingsConfig": {
            "auth": {"OPENAI_API_KEY": "sk-canary-cc-0000000000002"},
            "config": 'model_provider = "hub"\n[model_providers.hub]\n'
                      'base_url = "https://hub.example/v1"\nwire_api = "responses"\n'}}}},
    "mcp": {"servers": {}},
}
ROUTER = {
    "LOG": True, "Router": {"default": "openrouter,google/gemini-2.5-pro"},
    "Providers": [
        {"name": "openrouter", "api_base_url": "https://openrouter.example/api/v1/chat/completions",
         "api_key": "sk-canary-ccr-000000000001", "models": ["google/gemini-2.5-pro", "x/y"],
         "transformer": {"use": ["openrouter"]}},
        {"name": "direct", "api_base_url": "https://a.example/v1/messages",
         "api_key": "sk-canary-ccr-000000000002", "models": ["claude-sonnet-4-5"]},
        {"name": "broken", "api_base_url": "ftp://x/chat/completions", "api_key": "k"}]}
LITELLM = {
    "model_list": [
        {"model_name": "gpt", "litellm_params": {"model": "openai/gpt-5", "api_key": "sk-canary-ll-00000000001"}},
        {"model_name": "sonnet", "litellm_params": {"model": "anthropic/claude-sonnet-4-5",
                                                    "api_key": "os.environ/ANTHROPIC_API_KEY"}},
        {"model_name": "az", "litellm_params": {"model": "azure/gpt-4"}}, {"oops": 1}],
    "litellm_settings": {"drop_params": True}}
OLD = {
    "api_configs": [
        {"name": "main", "base_url": "https://api.example ", "key": "12345", "type": "primary",
         "time_enabled": [1, 1, 1, 1, 1, 0, 0], "own_word": "kept"},
        {"name": "no key", "base_url": "https://b.example"}, {"name": "bad", "base_url": 7, "key": "k"}],
    "openai_to_claude_config": {"base_url": "https://o.example", "key": "sk-canary-old-00000000001"},
    "model_conversions": [{"source_model": "a", "target_model": "b"}],
    "timeout_settings": {"connect_timeout": 33}, "client_keys": [{"sha256": "0" * 64}],
    "strange": {}}


def keys_of(value):
    if isinstance(value, dict):
        return {item for name, item in value.items() if isinstance(item, str) and item.startswith("sk-")} \
            .union(*(keys_of(item) for item in value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*(keys_of(item) for item in value)) if value else set()
    return set()


class Import(rig.Case):
    config = rig.config(claude=["a"])

    def setUp(self):
        super().setUp()
        self.script = Caller(self.rig.admin_port, self.rig.token)
        for document in (CC_SWITCH, ROUTER, LITELLM, OLD):
            self.rig.canaries |= keys_of(document)

    def file(self):
        return json.loads(self.rig.config_file.read_text())

    def bring(self, document, **more):
        return self.script.good("POST", "/api/v1/import", {"text": json.dumps(document), **more})

    def both(self, document, format, wanted, skipped):
        """A look changes nothing; then it is taken; a second time nothing is new."""
        before = self.rig.config_file.read_text()
        seen = self.bring(document)
        self.assertEqual(before, self.rig.config_file.read_text())
        self.assertEqual(format, seen["format"])
        self.assertEqual(wanted, [(item["section"], item["name"]) for item in seen["items"]
                                  if item["fresh"]])
        self.assertEqual(skipped, sorted(item["path"] for item in seen["skipped"]))
        self.assertFalse(seen["changed"])
        self.assertTrue(seen["changes"])
        done = self.bring(document, apply=True)
        self.assertTrue(done["changed"])
        again = self.bring(document, apply=True, format=format)
        self.assertFalse(again["changed"])
        self.assertFalse(any(item["fresh"] for item in again["items"]))
        for body in self.script.bodies:
            for key in keys_of(document):
                self.assertNotIn(key.encode(), body)

    def entry(self, section, name):
        return next(entry for entry in self.file()[section] if entry.get("name") == name)

    def test_cc_switch(self):
        self.both(CC_SWITCH, "cc-switch", [("api_configs", "relay"), ("codex_configs", "hub")],
                  ["claude.providers.2", "mcp"])
        self.assertEqual("https://hub.example/v1", self.entry("codex_configs", "hub")["base_url"])
        self.assertEqual("sk-canary-cc-0000000000001", self.entry("api_configs", "relay")["key"])

    def test_claude_code_router(self):
        self.both(ROUTER, "claude-code-router",
                  [("chat_configs", "openrouter"), ("api_configs", "direct")],
                  ["LOG", "Providers[0].transformer", "Providers[2]", "Router"])
        entry = self.entry("chat_configs", "openrouter")
        self.assertEqual(("https://openrouter.example/api/v1", ["google/gemini-2.5-pro", "x/y"]),
                         (entry["base_url"], entry["models"]))
        self.assertEqual("https://a.example", self.entry("api_configs", "direct")["base_url"])

    def test_litellm(self):
        self.both(LITELLM, "litellm", [("chat_configs", "gpt"), ("api_configs", "sonnet")],
                  ["litellm_settings", "model_list[1]", "model_list[2]", "model_list[3]"])
        self.assertEqual({"gpt": "gpt-5"}, self.entry("chat_configs", "gpt")["model_map"])
        self.assertEqual("", self.entry("api_configs", "sonnet")["key"])

    def test_previous_product(self):
        self.both(OLD, "pointsman",
                  [("api_configs", "main"), ("api_configs", "no key"),
                   ("model_conversions", ""), ("timeout_settings", ""),
                   ("openai_to_claude_configs", "")],
                  ["api_configs[1]", "api_configs[2]", "client_keys", "strange"])
        self.assertEqual("kept", self.entry("api_configs", "main")["own_word"])
        self.assertEqual(33, self.file()["timeout_settings"]["connect_timeout"])
        self.assertEqual(1, len(self.file()["client_keys"]))

    def test_an_export_comes_back(self):
        exported = self.script.get("/api/v1/config/export")
        seen = self.bring(exported)
        self.assertEqual("pointsman", seen["format"])

    def test_what_is_none(self):
        for text in ("", "{", "[]", "7", "model_list:\n  - x: 1\n"):
            answer = self.script.ask("POST", "/api/v1/import", {"text": text})
            self.assertEqual(400, answer.status, answer)
        for body in ({"text": "{}", "format": "zip"}, {}):
            self.assertEqual(400, self.script.ask("POST", "/api/v1/import", body).status)
        self.assertFalse(self.bring({})["changed"])


if __name__ == "__main__":
    rig.main()
