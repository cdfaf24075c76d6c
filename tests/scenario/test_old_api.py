"""A recorded session of the previous product's own page: the same calls get the same shapes and words,
but with keys masked and a check of what is changed."""

import json
import re
import unittest

import rig
from admin import Caller

STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$")
LISTS = {"/api/configs": ("api_configs", "配置"), "/api/codex": ("codex_configs", "Codex配置"),
         "/api/openai-to-claude": ("openai_to_claude_configs", "OpenAI转Claude配置"),
         "/api/retry": ("retry_configs", "重试配置")}
NEW = {"name": "new", "base_url": "http://127.0.0.1:9101/ok/new", "key": "sk-new-0123456789"}
DEFAULTS = {
    "/api/configs": {"type": "primary", "enabled": True, "time_enabled": [1] * 7,
                     "activation_enabled": False, "activation_time": "08:00"},
    "/api/codex": {"type": "primary", "enabled": True, "time_enabled": [1] * 7},
    "/api/openai-to-claude": {"type": "openai_to_claude", "enabled": True},
    "/api/retry": {"enabled": True}}
TIMEOUTS = """connect_timeout write_timeout pool_timeout streaming_read_timeout
    non_streaming_read_timeout extended_connect_timeout strategy_retry_read_timeout api_cooldown_seconds
    api_error_threshold codex_error_threshold codex_base_timeout codex_timeout_increment
    codex_connect_timeout primary_api_check_interval billing_send_interval billing_cycle_delay
    health_check_interval stream_retry_wait""".split()


class OldApi(rig.Case):
    config = rig.config(claude=["a", rig.upstream("off", enabled=False), "b"], codex=["x"],
                        timeout_settings={"api_error_threshold": 1, "connect_timeout": 5})

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rig.canaries.add(NEW["key"])
        cls.page = Caller(cls.rig.admin_port)
        cls.page.login(cls.rig.token)

    def call(self, method, path, body=None, status=200):
        return self.page.good(method, path, body, status=status)

    def says(self, success, message, method, path, body=None, **more):
        answer = self.call(method, path, body)
        self.assertEqual((success, message), (answer["success"], answer["message"]), answer)
        for key, value in more.items():
            self.assertEqual(value, answer[key], answer)
        return answer

    def file(self):
        return json.loads(self.rig.config_file.read_text())

    def test_nobody_without_login(self):
        stranger = Caller(self.rig.admin_port)
        for method, path in [("GET", path) for path in LISTS] + [
                ("POST", "/api/configs"), ("PUT", "/api/timeout"), ("POST", "/api/configs/0/toggle"),
                ("GET", "/api/timeout"), ("POST", "/api/reset-api-cooldown")]:
            self.assertEqual(401, stranger.ask(method, path, {} if method != "GET" else None).status)

    def test_lists(self):
        for path, (section, label) in LISTS.items():
            with self.subTest(path):
                self.list_calls(path, section, label)

    def list_calls(self, path, section, label):
        begun = self.call("GET", path)["configs"]
        count = len(begun)
        self.says(True, label + "已添加", "POST", path, NEW)
        entry = self.call("GET", path)["configs"][count]
        self.assertEqual({**NEW, **DEFAULTS[path], "key": "sk-...6789"},
                         {key: value for key, value in entry.items()
                          if key not in ("created_at", "id")})
        self.assertRegex(entry["created_at"], STAMP)
        self.assertEqual(NEW["key"], self.file()[section][count]["key"])
        # What the page sends back has the mask: the key stays.
        self.says(True, label + "已更新", "PUT", f"{path}/{count}", {**entry, "name": "二"})
        self.assertEqual((NEW["key"], "二"), (self.file()[section][count]["key"],
                                              self.file()[section][count]["name"]))
        self.assertRegex(self.file()[section][count]["updated_at"], STAMP)
        self.says(False, label + "更新失败", "PUT", f"{path}/99", {"name": "x"})
        refused = self.says(False, label + "更新失败", "PUT", f"{path}/{count}", {"base_url": ""})
        self.assertEqual(f"{section}[{count}].base_url", refused["faults"][0]["path"])
        plain = path == "/api/openai-to-claude"
        for enabled, word in ((False, "已禁用"), (True, "已启用")):
            answer = self.says(True, label + word, "POST", f"{path}/{count}/toggle")
            self.assertEqual(None if plain else enabled, answer.get("enabled"))
            self.assertEqual(enabled, self.file()[section][count]["enabled"])
        self.says(False, (label if plain else "") + "切换失败", "POST", f"{path}/99/toggle")
        self.says(True, label + "已复制", "POST", f"{path}/{count}/duplicate")
        copy = self.file()[section][count + 1]
        self.assertEqual("二" if path == "/api/retry" else "二(复制)", copy["name"])
        self.assertEqual(NEW["key"], copy["key"])
        self.assertNotIn("updated_at", copy)
        self.says(False, label + "复制失败", "POST", f"{path}/99/duplicate")
        for direction, place in (("top", 0), ("bottom", count + 1), ("up", count),
                                 ("down", count + 1)):
            here = next(i for i, item in enumerate(self.file()[section])
                        if item["id"] == copy["id"])
            answer = self.call("POST", f"{path}/{here}/move", {"direction": direction})
            self.assertEqual(here != place, answer["success"], (direction, here, place))
            self.assertEqual(copy["id"], self.file()[section][place]["id"])
        for wrong in ({"direction": "left"}, {}, {"direction": "down"}):
            self.says(False, label + "移动失败", "POST", f"{path}/{count + 1}/move", wrong)
        for bad in ({**NEW, "key": "short"}, {**NEW, "base_url": " "}, {"name": "x"},
                    {**NEW, "base_url": "ftp://x"}):
            self.says(False, label + "添加失败", "POST", path, bad)
        for _ in range(2):
            self.says(True, label + "已删除", "DELETE", f"{path}/{count}")
        self.says(False, label + "删除失败", "DELETE", f"{path}/99")
        self.assertEqual(begun, self.call("GET", path)["configs"])

    def test_names_of_the_nameless(self):
        names = {"/api/configs": "API-4", "/api/codex": "Codex-2",
                 "/api/openai-to-claude": "OpenAI转Claude-1", "/api/retry": "第1次重试"}
        for path, name in names.items():
            entry = {key: value for key, value in NEW.items() if key != "name"}
            self.call("POST", path, entry)
            entries = self.call("GET", path)["configs"]
            self.assertEqual(name, entries[-1]["name"])
            self.call("DELETE", f"{path}/{len(entries) - 1}")

    def test_model_conversion(self):
        path, label = "/api/model-conversion", "模型转换配置"
        self.assertEqual([], self.call("GET", path)["configs"])
        self.says(False, label + "添加失败", "POST", path, {"source_model": "a"})
        self.says(True, label + "已添加", "POST", path, {"source_model": "a", "target_model": "b"})
        entry = self.call("GET", path)["configs"][0]
        self.assertEqual({"name": "模型转换1", "source_model": "a", "target_model": "b",
                          "conversion_type": "simple_rename", "enabled": True},
                         {key: value for key, value in entry.items()
                          if key not in ("id", "created_at")})
        self.says(True, label + "已禁用", "POST", f"{path}/0/toggle", enabled=False)
        self.says(True, label + "已更新", "PUT", f"{path}/0", {"target_model": "c"})
        self.says(True, label + "已复制", "POST", f"{path}/0/duplicate")
        self.says(True, label + "已移动", "POST", f"{path}/0/move", {"direction": "down"})
        for _ in range(2):
            self.says(True, label + "已删除", "DELETE", f"{path}/0")

    def test_settings(self):
        settings = self.call("GET", "/api/timeout")["settings"]
        for key in TIMEOUTS:
            self.assertIsInstance(settings[key], (int, float), key)
        self.assertEqual((5, True), (settings["connect_timeout"], settings["modify_retry_headers"]))
        wanted = {**settings, "connect_timeout": 6}
        self.says(True, "超时设置已更新", "PUT", "/api/timeout", wanted)
        self.assertRegex(self.call("GET", "/api/timeout")["settings"]["updated_at"], STAMP)
        self.says(True, "超时设置已更新", "PUT", "/api/timeout", {"connect_timeout": 5})
        for bad in ({**wanted, "connect_timeout": "5"}, {**wanted, "connect_timeout": 0},
                    {**wanted, "modify_retry_headers": "yes"}, {**wanted, "max_retries": -3}):
            answer = self.says(False, "超时设置更新失败", "PUT", "/api/timeout", bad)
            self.assertEqual(1, len(answer["faults"]))
        strategies = self.call("GET", "/api/error-strategies")["strategies"]
        self.assertEqual("switch_api", strategies["http_status_codes"]["401"])
        self.assertEqual({"ReadError", "ConnectError", "ReadTimeout", "default"},
                         set(strategies["network_errors"]))
        self.says(True, "错误处理策略已更新", "PUT", "/api/error-strategies",
                  {"http_status_codes": {"404": "switch_api"}, "network_errors": {}})
        strategies = self.call("GET", "/api/error-strategies")["strategies"]
        self.assertEqual(("switch_api", "switch_api"), (strategies["http_status_codes"]["404"],
                                                        strategies["http_status_codes"]["403"]))
        for bad in ({"http_status_codes": {"4o4": "switch_api"}},
                    {"network_errors": {"ReadError": "again"}}):
            self.says(False, "错误处理策略更新失败", "PUT", "/api/error-strategies", bad)
        self.says(True, "错误处理策略已更新", "PUT", "/api/error-strategies", {})
        self.assertIs(True, self.call("GET", "/api/optimization")["settings"][
            "enable_cache_control_limit"])
        self.says(True, "优化设置已更新", "PUT", "/api/optimization",
                  {"enable_cache_control_limit": False})
        self.says(False, "优化设置更新失败", "PUT", "/api/optimization",
                  {"enable_cache_control_limit": "no"})
        self.assertIs(False, self.call("GET", "/api/optimization")["settings"][
            "enable_cache_control_limit"])

    def test_rests(self):
        self.says(False, "没有API处于冷却状态", "POST", "/api/reset-api-cooldown")
        self.says(False, "没有Codex处于冷却状态", "POST", "/api/reset-codex-cooldown", {})
        def resting(name):
            found = {upstream["name"]: upstream["health"] for upstream in
                     self.page.get("/api/state")["groups"][0]["upstreams"]}
            return found[name]["state"] == "cooling"

        def bring_down(name, prompt):
            self.rig.demo.fault(name, "500")
            self.rig.post("anthropic", prompt)  # another prompt is another session
            rig.wait_for(lambda: resting(name), f"{name} rests")

        bring_down("a", "one")
        self.says(True, "已重置 a 的冷却状态", "POST", "/api/reset-api-cooldown", {"index": 0})
        self.says(False, "API a 未处于冷却状态", "POST", "/api/reset-api-cooldown", {"index": 0})
        # The place is that among the enabled ones.
        self.says(False, "API b 未处于冷却状态", "POST", "/api/reset-api-cooldown", {"index": 1})
        rig.wait_for(lambda: not resting("a"), "that is told")
        bring_down("a", "two")
        self.says(False, "无效的API索引", "POST", "/api/reset-api-cooldown", {"index": 2})
        self.says(True, "已重置 1 个API的冷却状态", "POST", "/api/reset-api-cooldown")
        self.says(False, "无效的Codex索引", "POST", "/api/reset-codex-cooldown", {"index": 9})
        self.says(False, "Codex x 未处于冷却状态", "POST", "/api/reset-codex-cooldown", {"index": 0})

    def test_reload(self):
        self.says(True, "配置未变化，无需重新加载", "POST", "/api/reload")

        def change(config):
            config["api_configs"][0]["weight"] = config["api_configs"][0].get("weight", 1) + 1
            config["codex_configs"][0]["weight"] = 2
        # Whoever notices the edit first, the file's watcher or the call: both are right.
        self.rig.change_config(change)
        answer = self.call("POST", "/api/reload")
        self.assertIn(answer["message"], ("已刷新：API主配置、Codex配置", "配置未变化，无需重新加载"))

    def test_statistics(self):
        stats = self.call("GET", "/api/token-stats")
        self.assertEqual({"summary", "by_model", "daily", "generated_at"}, set(stats))
        answer = self.call("POST", "/api/token-stats/generate")
        self.assertEqual({"success", "message", "note"}, set(answer))
        self.says(True, "统计数据已清空", "POST", "/api/token-stats/reset")

    def test_what_is_no_json(self):
        for method, path in (("POST", "/api/configs"), ("PUT", "/api/configs/0"),
                             ("PUT", "/api/timeout"), ("POST", "/api/configs/0/move"),
                             ("PUT", "/api/error-strategies")):
            for raw in (b"{", b"[]", b"7", b"null", b"\xff"):
                answer = self.page.ask(method, path, raw=raw)
                self.assertEqual(422, answer.status, (path, raw, answer))
                self.assertEqual({"loc", "msg", "type"}, set(answer.json["detail"][0]))
        for path in ("/api/configs/x", "/api/configs/-1", "/api/configs/1.5"):
            self.assertEqual(422, self.page.ask("PUT", path, {}).status, path)
            self.assertEqual(422, self.page.ask("DELETE", path).status, path)
        answer = self.page.ask("POST", "/api/reset-api-cooldown", {"index": "1"})
        self.assertEqual(422, answer.status, answer)


if __name__ == "__main__":
    rig.main()
