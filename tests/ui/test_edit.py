"""All that changes something, by the page alone; what came of it is looked up in the gateway."""

import json

import rig
from case import Case


class Edit(Case):
    def applied(self, text=""):
        self.page.get_by_text(f"{text} Applied by all data planes at").first.wait_for()

    # ---- upstreams ----

    def test_upstream_is_added_and_tested(self):
        self.tab.open("upstreams")
        self.press("Add to Claude")
        form = self.page.locator("dialog")
        form.get_by_label("Name", exact=True).fill("fresh")
        form.get_by_label("Address", exact=True).fill("ftp://nowhere")
        form.locator("input[type=password]").fill("sk-canary-fresh-00000000000000000001")
        form.get_by_text("must begin with http:// or https://").wait_for()
        self.press("Save", form)
        self.assertTrue(form.is_visible())
        form.get_by_label("Address", exact=True).fill(self.rig.demo.url("fresh"))
        self.press("Test", form)
        form.get_by_text("It answers").wait_for()
        self.tab.shot("upstream_form-en-desktop-light")
        self.assertEqual([], self.tab.axe())
        self.rig.demo.fault("fresh", "401", 1)
        self.press("Test", form)
        form.get_by_text("It does not").wait_for()
        self.press("Save", form)
        self.applied("fresh is added.")
        self.assertEqual(self.rig.demo.url("fresh"), self.entry("fresh")["base_url"])
        row = self.page.locator("[data-id]", has_text="fresh")
        self.assertNotIn("00000000000000000001", row.inner_text())
        self.press("Test", row)
        dialog = self.page.locator("dialog")
        self.press("Test", dialog)
        dialog.get_by_text("It answers").wait_for()
        self.press("Close", dialog)
        row.locator("summary").click()
        self.press("Delete", row)
        self.press("Delete", self.page.locator("dialog"))
        self.applied("fresh is deleted.")
        self.assertIsNone(self.entry("fresh"))

    def test_upstream_is_edited(self):
        self.tab.open("upstreams")
        before = self.entry("night")
        self.press("Edit", self.page.locator("[data-id]", has_text="/u/night"))
        form = self.page.locator("dialog")
        form.get_by_text("Days, hours, activation").click()
        self.press("All hours", form)
        form.locator('[data-at="0,3"]').click()
        form.locator('[data-at="0,3"]').press("ArrowRight")
        self.page.keyboard.press("Space")
        self.press("Sun", form)
        form.locator("summary", has_text="Models").click()
        form.get_by_label("asked name").fill("claude-*")
        self.press("Add", form.locator("details", has_text="Its names for models"))
        form.get_by_label("claude-*: sent name").fill("vendor/claude-*")
        form.get_by_label("claude-*: sent name").press("Tab")
        form.get_by_label("Models", exact=True).fill("claude-*\nopus")
        form.get_by_label("Models", exact=True).blur()
        self.tab.shot("hours-en-desktop-light")
        self.press("Save", form)
        self.applied("night is saved.")
        after = self.entry("night")
        self.assertEqual(before["key"], after["key"])
        self.assertEqual([1, 1, 1, 0, 0] + [1] * 19, after["hours"][0])
        self.assertIsNone(after["hours"][1])
        self.assertEqual([1, 1, 1, 1, 1, 1, 0], after["time_enabled"])
        self.assertEqual({"claude-*": "vendor/claude-*"}, after["model_map"])
        self.assertEqual(["claude-*", "opus"], after["models"])
        self.assertEqual("22:00", after["activation_time"])

    def names(self):
        return [entry["name"] for entry in self.config()["api_configs"]]

    def test_upstreams_are_ordered_and_switched(self):
        self.tab.open("upstreams")
        row = self.page.locator("[data-id]", has_text="/u/relay").first
        self.press("Move relay up", row)
        self.wait(lambda: self.names()[0] == "relay", "relay is the first")
        self.tab.settle()
        self.page.locator("[data-id]", has_text="/u/spare").drag_to(row)
        self.applied("The order is saved.")
        self.wait(lambda: self.names()[0] == "spare", "spare is the first")
        for name in ("To the end", "Copy", "Probe", "End rest"):
            row.locator("summary").click()
            self.press(name, row)
            row.locator("summary").click()
            self.tab.settle()
        self.wait(lambda: self.names()[-2:].count("relay") >= 1 and len(self.names()) == 5, "relay is copied")
        copy = self.page.locator("[data-id]", has_text="/u/relay").last
        self.press("Disable", copy)
        self.press("Enable", copy)
        copy.locator("summary").click()
        self.press("Delete", copy)
        self.press("Delete", self.page.locator("dialog"))
        self.wait(lambda: len(self.names()) == 4, "the copy is gone")

    def test_two_windows(self):
        """Both edit one entry: another word is no conflict, the same word is said to be one."""
        other = self.open()
        other.expected += ("status of 412",)
        for tab in (self.tab, other):
            tab.open("upstreams")
            self.press("Edit", tab.page.locator("[data-id]", has_text="/u/vllm-local"))
            tab.page.get_by_text("Weight and price").click()
        self.page.get_by_label("Weight", exact=True).fill("7")
        self.press("Save")
        self.applied("vllm-local is saved.")
        other.page.get_by_label("Price factor", exact=True).fill("2")
        self.press("Save", other.page)
        other.page.get_by_text("vllm-local is saved. Applied").wait_for()
        entry = self.entry("vllm-local", "chat_configs")
        self.assertEqual((7, 2), (entry["weight"], entry["price_factor"]))
        for tab, value in ((self.tab, "8"), (other, "9")):
            tab.expected += ("status of 412",)
            self.press("Edit", tab.page.locator("[data-id]", has_text="/u/vllm-local"))
            tab.page.get_by_text("Weight and price").click()
            tab.page.get_by_label("Weight", exact=True).fill(value)
        self.press("Save")
        self.wait(lambda: self.entry("vllm-local", "chat_configs")["weight"] == 8, "the first is saved")
        self.press("Save", other.page)
        other.page.get_by_text("Somebody else has changed it meanwhile.").wait_for()
        self.assertEqual(8, self.entry("vllm-local", "chat_configs")["weight"])

    # ---- settings ----

    def test_settings(self):
        self.tab.open("settings/timeout_settings")
        field = self.page.get_by_label("Connect", exact=True)
        field.fill("-2")
        self.page.get_by_text("0.001 to 86400", exact=True).first.wait_for()
        self.assertTrue(self.page.get_by_role("button", name="Save").is_disabled())
        field.fill("12.5")
        self.press("Save")
        self.applied()
        self.assertEqual(12.5, self.config()["timeout_settings"]["connect_timeout"])
        self.press("Connect: back to the default")
        self.press("Save")
        self.wait(lambda: "connect_timeout" not in self.config()["timeout_settings"], "the default holds again")
        self.page.get_by_label("Streams", exact=True).fill("99")
        self.press("Discard")
        self.tab.open("settings/routing/codex")
        self.page.get_by_label("Who goes first").select_option("weighted")
        self.press("Save")
        self.wait(lambda: self.config().get("routing", {}).get("codex", {}).get("pick") == "weighted", "it is picked by weight")
        self.tab.open("settings/error_handling_strategies")
        self.page.get_by_label("429 too many requests").select_option("switch_api")
        self.page.get_by_label("another one").first.fill("418")
        self.press("Add")
        self.press("Save")
        self.wait(lambda: self.config().get("error_handling_strategies", {}).get("http_status_codes", {}).get("418") == "switch_api", "418 has a strategy")
        self.assertEqual("switch_api", self.config()["error_handling_strategies"]["http_status_codes"]["429"])

    def test_refused_by_the_control_plane(self):
        self.tab.expected += ("status of 422",)
        self.tab.open("settings/server")
        self.page.get_by_label("Allowed addresses", exact=True).fill("no address")
        self.page.get_by_label("Allowed addresses", exact=True).blur()
        self.press("Save")
        self.page.locator(".row.wrong .fault").wait_for()
        self.assertNotIn("no address", self.rig.config_file.read_text())

    def test_what_is_typed_stays(self):
        """At each key the page is drawn anew, as at each news of the gateway."""
        self.tab.open("settings/server")
        area = self.page.get_by_label("Allowed addresses", exact=True)
        area.click()
        self.page.keyboard.type("10.0.0.0/8\n\n::1")
        self.page.get_by_text("1 changed").wait_for()
        self.assertEqual("10.0.0.0/8\n\n::1", area.input_value())
        self.press("Discard")
        self.wait(lambda: area.input_value() == "", "it is empty again")
        self.tab.open("upstreams")
        self.press("Edit", self.page.locator("[data-id]", has_text="/u/night"))
        form = self.page.locator("dialog")
        form.locator("summary", has_text="Models").click()
        form.get_by_label("asked name").fill("glm*")
        self.press("Add", form.locator("details", has_text="Its names for models"))
        form.get_by_label("glm*: sent name").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type("vendor/glm")
        self.assertEqual("vendor/glm", form.get_by_label("glm*: sent name").input_value())
        self.press("Cancel", form)

    def test_lists(self):
        for name, fields, part in (("rules", {"Asked model": "gpt-4*", "Sent model": "gpt-5-mini"}, "model_conversions"),
                                   ("capabilities", {"Models": "glm*", "Most output": "4096"}, "model_capabilities"),
                                   ("prices", {"Model": "glm-5", "Input": "0.5", "Output": "2"}, "prices")):
            with self.subTest(list=name):
                self.tab.open(f"settings/{name}")
                before = len(self.config()[part])
                self.press("Add")
                form = self.page.locator("dialog")
                for label, value in fields.items():
                    form.get_by_label(label, exact=True).fill(value)
                self.press("Save", form)
                self.wait(lambda: len(self.config()[part]) == before + 1, "it is added")
                self.tab.settle()
                row = self.page.locator("tbody tr", has_text=next(iter(fields.values()))).last
                row.get_by_role("button", name="Move").first.click()
                self.wait(lambda: next(iter(fields.values())) in str(self.config()[part][0]), "it is the first")
                self.tab.settle()
                row = self.page.locator("tbody tr").first
                self.press("Copy", row)
                self.wait(lambda: len(self.config()[part]) == before + 2, "it is copied")
                self.tab.settle()
                if name == "rules":
                    self.press("Disable", row)
                    self.wait(lambda: self.config()[part][0].get("enabled") in (False, 0), "it is off")
                    self.press("Enable", row)
                self.press("Edit", row)
                self.press("Cancel", self.page.locator("dialog"))
                for left in (before + 1, before):
                    self.press("Delete", self.page.locator("tbody tr").first)
                    self.press("Delete", self.page.locator("dialog"))
                    self.wait(lambda: len(self.config()[part]) == left, "it is gone")
                    self.wait(lambda: self.page.locator("tbody tr:has(button)").count() == left, "the page knows")

    # ---- keys ----

    def test_client_keys(self):
        self.tab.open("keys")
        self.press("New key")
        form = self.page.locator("dialog")
        form.get_by_label("Name", exact=True).fill("laptop")
        form.get_by_text("Budgets").click()
        form.get_by_label("Tokens a day").fill("100000")
        self.press("Save", form)
        shown = self.page.locator("dialog", has_text="It is shown this once")
        shown.wait_for()
        self.tab.shot("key_shown-en-desktop-light")
        self.assertEqual([], self.tab.axe())
        secret = shown.locator("pre").first.inner_text()
        self.assertIn(f"ANTHROPIC_AUTH_TOKEN={secret}", shown.inner_text())
        self.press("I have it", shown)
        self.assertNotIn(secret, self.page.content())
        self.wait(lambda: self.rig.post("anthropic", headers={"Authorization": f"Bearer {secret}"}).status == 200, "it opens")
        panel = self.page.locator("section.panel", has_text="laptop")
        panel.get_by_text("tokens today").wait_for()
        self.press("New secret", panel)
        self.press("New secret", self.page.locator("dialog"))
        shown.wait_for()
        newer = shown.locator("pre").first.inner_text()
        self.press("I have it", shown)
        self.wait(lambda: self.rig.post("anthropic", headers={"Authorization": f"Bearer {secret}"}).status == 401, "the old one is refused")
        self.wait(lambda: self.rig.post("anthropic", headers={"Authorization": f"Bearer {newer}"}).status == 200, "the new one opens")
        self.press("Set-up", panel)
        self.press("Close", self.page.locator("dialog"))
        self.press("Revoke", panel)
        self.press("Revoke", self.page.locator("dialog"))
        self.wait(lambda: self.rig.post("anthropic", headers={"Authorization": f"Bearer {newer}"}).status == 401, "it is revoked")

    # ---- the document ----

    def test_document_and_history(self):
        self.tab.open("config")
        area = self.page.locator("textarea.document")
        whole = area.input_value()
        keys = [entry["key"] for entry in self.config()["api_configs"]]
        area.fill("{")
        self.page.locator("p.fault").wait_for()
        document = json.loads(whole)
        document["statistics"] = {"keep_days": -5}
        area.fill(json.dumps(document))
        self.page.locator(".notice.stop", has_text="statistics.keep_days").wait_for()
        self.assertTrue(self.page.get_by_role("button", name="Save").is_disabled())
        document["statistics"] = {"keep_days": 12}
        area.fill(json.dumps(document, indent=1))
        self.page.get_by_text("This would change").wait_for()
        self.press("Save")
        self.applied("The configuration is saved.")
        self.assertEqual(12, self.config()["statistics"]["keep_days"])
        self.assertEqual(keys, [entry["key"] for entry in self.config()["api_configs"]])
        self.tab.open("config/history")
        self.page.locator(".history button.line").first.click()
        self.page.locator(".diff", has_text="statistics").wait_for()
        self.tab.shot("history_open-en-desktop-light")
        self.page.locator(".history button.line").nth(1).click()
        self.press("what serves now")
        self.press("Restore")
        self.press("Restore", self.page.locator("dialog"))
        self.wait(lambda: self.config().get("statistics", {}).get("keep_days") != 12, "the one before serves again")
        self.tab.open("config/exchange")
        with self.page.expect_download() as download:
            self.page.get_by_text("Save as a file").click()
        text = download.value.path().read_text()
        self.assertIn("api_configs", text)
        self.assertFalse([key for key in self.rig.canaries if key in text])

    def test_import(self):
        self.tab.open("config/exchange")
        area = self.page.get_by_label("The file's text")
        area.fill("model_list:\n- model_name: gpt-5\n  litellm_params:\n    model: openai/gpt-5\n    api_base: " + self.rig.demo.url("lite")
                  + "\n    api_key: sk-canary-lite-0000000000000000001\n")
        self.page.get_by_label("Format").select_option("litellm")
        self.press("Preview")
        self.page.get_by_text("1 would come in").wait_for()
        self.tab.shot("import-en-desktop-light")
        self.press("Take it")
        self.applied("Imported.")
        self.assertIn("/u/lite", self.rig.config_file.read_text())

    # ---- playground ----

    def test_playground(self):
        """On both ports, without any key in the page."""
        for port in (self.rig.admin_port, self.rig.port):
            tab = self.open(url=f"http://127.0.0.1:{port}")
            tab.open("playground")
            for route in ("anthropic", "responses", "chat"):
                for stream in (True, False):
                    tab.page.get_by_label("Client", exact=True).select_option(route)
                    tab.page.get_by_label("stream").set_checked(stream)
                    self.press("Send", tab.page)
                    tab.page.get_by_text("HTTP 200").wait_for()
                    tab.page.get_by_text("end after").wait_for()
                    self.assertGreater(len(tab.page.locator(".said-text").inner_text()), 5, route)
                    self.assertGreater(tab.page.locator(".events li").count(), 3 if stream else 0)
            self.assertNotIn(self.rig.key, tab.page.content())
        tab.page.get_by_label("Message").fill("[demo:words 4000]")
        tab.page.get_by_label("stream").set_checked(True)
        self.press("Send", tab.page)
        tab.page.locator(".events li").nth(3).wait_for()
        self.press("Stop", tab.page)
        tab.page.get_by_text("stopped").wait_for()
        tab.shot("playground_used-en-desktop-light")
        self.assertEqual([], tab.axe())

    # ---- access ----

    def test_viewer(self):
        self.tab.open("access")
        self.press("Add", self.page.locator("section", has_text="Users"))
        form = self.page.locator("dialog")
        form.get_by_label("Name", exact=True).fill("eve")
        self.press("Save", form)
        shown = self.page.locator("dialog", has_text="It is shown this once")
        token = shown.locator("pre").first.inner_text()
        self.press("I have it", shown)
        viewer = self.open(token)
        for name in ("overview", "upstreams", "keys", "settings/timeout_settings", "settings/rules", "config", "access", "statistics"):
            viewer.open(name)
            for button in ("Add", "Edit", "Save", "Delete", "Disable", "Probe", "Begin anew", "New key", "Revoke", "New token"):
                self.assertEqual(0, viewer.page.get_by_role("button", name=button, exact=True).count(), (name, button))
        self.tab.open("overview")  # so that the trail is asked for anew
        self.tab.open("access")
        self.press("1 changes")
        self.press("Close", self.page.locator("dialog"))
        self.press("Delete", self.page.locator("li", has_text="eve"))
        self.press("Delete", self.page.locator("dialog"))
        viewer.expected += ("status of 401",)
        viewer.page.wait_for_selector("#token")

    def test_metrics_token(self):
        self.tab.open("access")
        self.press("New metrics token")
        self.press("New metrics token", self.page.locator("dialog"))
        shown = self.page.locator("dialog", has_text="It is shown this once")
        token = shown.locator("pre").first.inner_text()
        self.assertRegex(token, r"^pmm-")
        self.assertEqual([], self.tab.axe())
        self.tab.shot("metrics_token-en-desktop-light")
        self.press("I have it", shown)
        self.assertNotIn(token, self.page.content())

    def test_logged_out_everywhere(self):
        self.tab.expected += ("status of 401",)
        other = self.open()
        other.expected += ("status of 401",)
        self.tab.open("access")
        self.press("Log out everywhere")
        self.press("Log out everywhere", self.page.locator("dialog"))
        for tab in (self.tab, other):
            tab.page.wait_for_selector("#token")

    def test_statistics_begin_anew(self):
        self.tab.open("statistics")
        self.press("Begin anew")
        self.press("Begin anew", self.page.locator("dialog"))
        self.page.get_by_text("Nothing was counted in these days.").wait_for()
        self.page.get_by_label("with what was before a new beginning").check()
        self.page.locator("tr.total").wait_for()


if __name__ == "__main__":
    rig.main()
