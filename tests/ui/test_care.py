"""Nothing is lost, and nothing is taken that was not seen: keys that are not typed anew, others who change the same
meanwhile, texts that are not what was looked at, addresses and days that nobody means."""

import json
import re

import rig
from case import Case
from wire import Wire, request


class Care(Case):
    # ---- keys ----

    def test_key_that_is_not_typed_stays(self):
        self.tab.open("upstreams")
        row = self.page.locator("[data-id]", has_text="/u/spare")
        form = self.page.locator("dialog")
        key = self.entry("spare")["key"]
        for typed in ("", "gone again"):
            self.press("Edit", row)
            self.press("Replace", form)
            form.locator("input[type=password]").fill(typed)
            form.locator("input[type=password]").fill("")
            form.get_by_label("Name", exact=True).fill(f"spare{len(typed)}")
            self.press("Save", form)
            name = f"spare{len(typed)}"
            self.wait(lambda: name in self.rig.config_file.read_text(), "it is saved")
            self.assertEqual(key, self.entry(name)["key"])
            row.get_by_text(name, exact=True).wait_for()
        self.press("Edit", row)
        self.press("Remove", form)
        form.get_by_label("Name", exact=True).fill("spare")
        self.press("Save", form)
        self.wait(lambda: "\"spare\"" in self.rig.config_file.read_text() and self.entry("spare")["key"] == "", "the key is removed")
        row.get_by_text("spare", exact=True).wait_for()
        self.press("Edit", row)
        form.locator("input[type=password]").fill(key)
        self.press("Save", form)
        self.wait(lambda: self.entry("spare")["key"] == key, "there is a key again")

    # ---- two people ----

    def test_two_windows_at_the_settings(self):
        """What follows on errors is one word: both change another line of it, and neither is lost unseen."""
        other = self.open().page
        for page in (self.page, other):
            page.evaluate("location.hash = '#/settings/error_handling_strategies'")
            page.get_by_label("429 too many requests").wait_for()
        self.page.get_by_label("429 too many requests").select_option("switch_api")
        other.get_by_label("404").first.select_option("normal_retry")
        self.press("Save", self.page)
        self.page.get_by_text("Applied by all data planes at").first.wait_for()
        self.press("Save", other)
        other.get_by_text("Somebody else has changed it meanwhile.").wait_for()
        codes = self.config()["error_handling_strategies"]["http_status_codes"]
        self.assertEqual({"429": "switch_api"}, codes)
        self.press("Discard", other)
        rig.wait_for(lambda: other.get_by_label("429 too many requests").input_value() == "switch_api", "the other is shown")
        other.get_by_label("404").first.select_option("normal_retry")
        self.press("Save", other)
        self.wait(lambda: self.config()["error_handling_strategies"]["http_status_codes"]
                  == {"404": "normal_retry", "429": "switch_api"}, "both hold")

    def test_two_windows_at_the_document(self):
        self.tab.expected += ("status of 412",)
        self.tab.open("config")
        area = self.page.locator("textarea.document")
        document = json.loads(area.input_value())
        document["api_configs"][1]["weight"] = 5
        area.fill(json.dumps(document))
        self.page.get_by_text("This would change").wait_for()
        self.assertEqual(200, self.scene.ask("PATCH", "/api/v1/settings", {"timeout_settings.connect_timeout": 17}).status)
        self.press("Read the file again", self.page)
        self.page.get_by_text("Read.").wait_for()
        self.press("Save", self.page)
        self.page.get_by_text("Somebody else has changed it meanwhile.").wait_for()
        self.press("Discard", self.page)
        self.wait(lambda: '"connect_timeout": 17' in area.input_value(), "the newest is shown")
        self.assertEqual(200, self.scene.ask("PATCH", "/api/v1/settings", {"timeout_settings.connect_timeout": 18}).status)
        self.wait(lambda: '"connect_timeout": 18' in area.input_value(), "it follows while nothing is typed")

    def test_lists_follow_what_others_do(self):
        self.tab.open("upstreams")
        added = {"group": "codex", "name": "elsewhere", "base_url": self.rig.demo.url("elsewhere"), "key": ""}
        at = json.loads(self.scene.ask("POST", "/api/v1/upstreams", added).body)["id"]
        self.page.locator("[data-id]", has_text="/u/elsewhere").wait_for()
        self.press("Edit", self.page.locator("[data-id]", has_text="/u/elsewhere"))
        form = self.page.locator("dialog")
        form.get_by_label("Name", exact=True).fill("nowhere")
        self.tab.expected += ("status of 404",)
        self.assertEqual(200, self.scene.ask("DELETE", f"/api/v1/upstreams/{at}").status)
        self.press("Save", form)
        self.page.get_by_text("It is not there any more.").wait_for()
        self.press("Cancel", form)
        self.wait(lambda: self.page.locator("[data-id]", has_text="/u/elsewhere").count() == 0, "it is gone")

    def test_faults_stay_while_others_work(self):
        self.tab.expected += ("status of 422",)
        self.tab.open("settings/server")
        self.page.get_by_label("Allowed addresses", exact=True).fill("no address")
        self.press("Save", self.page)
        fault = self.page.locator(".row.wrong .fault")
        fault.wait_for()
        # Told by the stream, as the mark of a page that is drawn anew.
        foot = self.page.locator("footer")
        before = foot.inner_text()
        self.assertEqual(200, self.scene.ask("POST", "/api/v1/clear").status)
        self.rig.post("anthropic", "a sign of life", model="claude-sonnet-4-5")
        self.wait(lambda: foot.inner_text() != before, "the page is drawn anew")
        self.assertTrue(fault.is_visible())

    def test_faults_in_chinese(self):
        """The control plane says them in English; each is told in the reader's language, with its numbers."""
        tab = self.open(language="zh-CN")
        tab.expected += ("status of 422",)
        tab.open("settings/server")
        area = tab.page.locator("textarea").first
        area.fill("no address")
        tab.page.get_by_role("button", name="保存").click()
        tab.page.get_by_text("第 1 项不是 IP 地址或主机名").wait_for()
        tab.open("config")
        area = tab.page.locator("textarea.document")
        document = json.loads(area.input_value())
        document["api_configs"][0].update(weight=1000, hours=["25:00-26:00"], base_url="https://a.example/?q")
        area.fill(json.dumps(document))
        for text in ("必须是 1 到 100 之间的数", "第 1 个时段的写法应为 '09:00-17:30'（最晚到 24:00）", "基础地址不能带查询或片段"):
            tab.page.get_by_text(text).first.wait_for()

    def test_double_click_is_one_wish(self):
        for page, button, part in (("upstreams", "Add to Codex", "codex_configs"), ("keys", "New key", "client_keys")):
            self.tab.open(page)
            self.press(button, self.page)
            form = self.page.locator("dialog")
            form.get_by_label("Name", exact=True).fill("once")
            if page == "upstreams":
                form.get_by_label("Address", exact=True).fill(self.rig.demo.url("once"))
            form.get_by_role("button", name="Save").dblclick()
            self.wait(lambda: "once" in str(self.config()[part]), "it is added")
            self.page.get_by_text("once is added. Applied").first.wait_for()
            self.assertEqual(1, [entry["name"] for entry in self.config()[part]].count("once"), page)

    # ---- imports ----

    def test_only_what_was_looked_at_is_taken(self):
        def file(name, size=0):
            entry = {"name": name, "base_url": self.rig.demo.url(name), "key": f"sk-canary-{name}-0000000000000001"}
            return {"name": f"{name}.json", "mimeType": "application/json",
                    "buffer": json.dumps({"api_configs": [entry]}).encode() + b" " * size}
        self.tab.open("config/exchange")
        chosen = self.page.locator("input[type=file]")
        chosen.set_input_files(file("imported-one"))
        self.press("Preview", self.page)
        take = self.page.get_by_role("button", name="Take it")
        take.wait_for()
        chosen.set_input_files(file("imported-two"))
        take.wait_for(state="detached")
        self.press("Preview", self.page)
        take.wait_for()
        self.page.get_by_label("Format").select_option("litellm")
        take.wait_for(state="detached")
        chosen.set_input_files(file("imported-large", 5 << 20))
        self.page.get_by_text("The file has 5 MiB; at most 4 MiB are taken.").wait_for()
        self.assertNotIn("imported", self.rig.config_file.read_text())

    # ---- what goes on ----

    def test_costs_are_made_anew(self):
        costs = self.scene.get("/api/v1/stats?by=model")["totals"]["cost_nano_usd"]
        model = {"model": "gpt-5-codex", "input": 1000, "output": 1000}
        at = json.loads(self.scene.ask("POST", "/api/v1/prices", model).body)["id"]
        self.tab.open("settings/prices")
        self.press("Make costs anew", self.page)
        self.press("Make costs anew", self.page.locator("dialog"))
        self.page.get_by_text("12 changed").wait_for()
        self.assertGreater(self.scene.get("/api/v1/stats?by=model")["totals"]["cost_nano_usd"], costs)
        self.assertEqual(200, self.scene.ask("DELETE", f"/api/v1/prices/{at}").status)

    def test_usage_bars_go_on(self):
        key = json.loads(self.scene.ask("POST", "/api/v1/client-keys", {"name": "bar", "tokens_per_day": 1000}).body)
        self.tab.open("keys")
        bar = self.page.locator("section.panel", has_text="bar").locator(".budgets")
        self.wait(lambda: re.search(r"\b0 / 1,000", bar.inner_text()), "nothing is used yet")
        self.rig.post("anthropic", "hi", model="claude-sonnet-4-5", headers={"Authorization": f"Bearer {key['key']}"})
        self.wait(lambda: re.search(r"[1-9]\d* / 1,000", bar.inner_text()), "what is used is shown")
        self.assertEqual(200, self.scene.ask("DELETE", f"/api/v1/client-keys/{key['id']}").status)

    def test_no_older_ones(self):
        self.tab.open("live")
        older = self.page.get_by_role("button", name="Older")
        self.wait(older.is_disabled, "all that is kept is shown")

    # ---- days and addresses ----

    def test_today_everywhere(self):
        """Half hours from Greenwich, a day ahead of the gateway, a day behind it: all see what has just been."""
        for zone in ("Asia/Kolkata", "Pacific/Kiritimati", "Pacific/Honolulu"):
            with self.subTest(zone=zone):
                tab = self.open(timezone_id=zone)
                tab.open("statistics")
                page = tab.page
                for wanted in ("7 days", "30 days"):
                    page.get_by_role("button", name=wanted, exact=True).click()
                    rig.wait_for(lambda: page.wait_for_timeout(40) or self.counted(page), f"{wanted} has it all")
                page.get_by_role("button", name="Today", exact=True).click()
                page.get_by_role("button", name="Requests", exact=True).click()
                rig.wait_for(lambda: page.wait_for_timeout(40) or self.counted(page) and self.charted(page),
                             "today is the hours that the browser calls so")

    def counted(self, page):
        page.get_by_role("button", name="Requests", exact=True).click()
        total = page.locator("tr.total td")
        return total.count() and int(total.first.inner_text()) >= 60

    @staticmethod
    def charted(page):
        return page.locator(".legend p.label b").inner_text() == page.locator("tr.total td").first.inner_text()

    def test_years_that_are_being_typed(self):
        self.tab.expected += ("status of 400",)
        self.tab.open("statistics")
        self.press("From – to", self.page)
        first = self.page.get_by_label("From", exact=True)
        for year in ("0002", "0020", "0202", "9999", "2020"):
            first.fill(f"{year}-01-31")
            self.tab.settle()
        rig.wait_for(lambda: self.page.wait_for_timeout(40) or self.counted(self.page), "all of it")
        self.page.get_by_label("To", exact=True).fill("12026-01-01")
        self.page.get_by_role("button", name="Try again").wait_for()

    def test_addresses_that_nobody_means(self):
        for address in ("#/live/%zz", "#/statistics/%", "#/%", "#/settings/none/none?%", "#/constructor"):
            tab = self.open()
            tab.expected += ("status of 400",)
            tab.page.goto(f"{self.scene.url}/{address}")
            tab.page.reload()
            tab.page.locator("main h1").wait_for()
        tab = self.browser.tab(self.scene.url)
        self.addCleanup(tab.close)
        tab.expected += ("status of 401", "status of 429")
        tab.page.goto("/#login=%")
        tab.page.wait_for_selector("#token")
        self.assertEqual([], tab.faults)

    def test_what_is_not_known_yet_is_not_0(self):
        self.page.route("**/api/v1/stats?*", lambda route: route.abort())
        self.tab.expected += ("net::ERR_FAILED",)
        self.page.reload()
        self.tab.settle()
        figures = self.page.locator(".figures li").all_inner_texts()
        self.assertEqual(5, sum("–" in text for text in figures), figures)
        self.assertFalse([text for text in figures if "$0" in text])

    def test_same_name_in_two_lists(self):
        added = {"name": "main", "base_url": self.rig.demo.url("main2"), "key": ""}
        ids = [json.loads(self.scene.ask("POST", "/api/v1/upstreams", {**added, "group": group}).body)["id"]
               for group in ("codex", "chat", "chat")]
        self.tab.open("live")
        options = self.page.get_by_label("Upstream", exact=True).locator("option")
        self.wait(lambda: options.filter(has_text="main (").count() == 4, "each can be told from the others")
        self.assertEqual(4, len(set(options.filter(has_text="main (").all_inner_texts())))
        for one in ids:
            self.assertEqual(200, self.scene.ask("DELETE", f"/api/v1/upstreams/{one}").status)

    def test_days_long_ago_have_a_date(self):
        told = self.page.evaluate("""async () => {
            const at = document.querySelector("script[src*='app.js']").src.replace("app.js", "i18n.js");
            const {when} = await import(at);
            return [20, 400, 3].map(days => when(Date.now() - days * 86400000));
        }""")
        self.assertRegex(told[0], r"^[A-Z][a-z]{2} \d+, \d\d:\d\d$")
        self.assertRegex(told[1], r"^[A-Z][a-z]{2} \d+, 20\d\d, \d\d:\d\d$")
        self.assertRegex(told[2], r"^[A-Z][a-z]{2} \d\d:\d\d$")

    # ---- many and long ----

    def test_names_without_an_end(self):
        before = self.config()

        def restore():
            self.rig.save(before)
            rig.wait_for(lambda: b'"spare"' in self.scene.ask("GET", "/api/v1/upstreams").body, "it is as before")
        self.addCleanup(restore)
        name, user = "W" * 256, "u" * 60
        first = {**before["api_configs"][1], "name": name, "base_url": "http://127.0.0.1:9/" + "p" * 1900, "type": "primary",
                 "models": ["m" * 250], "model_map": {"k" * 250: "v" * 250}}
        self.replace({**before, "api_configs": [first], "chat_configs": [{**first, "id": "long", "key": ""}],
                      "model_conversions": [{"name": name, "source_model": "s" * 250, "target_model": "t" * 250}]})
        for path, body in (("client-keys", {"name": name, "allowed_models": ["m" * 250], "usd_per_month": 1e9}), ("users", {"name": user})):
            self.assertEqual(201, self.scene.ask("POST", f"/api/v1/{path}", body).status)
        self.rig.post("chat", "hi", model="m" * 250)
        for size in ("phone", "desktop"):
            tab = self.open(size=size)
            for page in ("overview", "upstreams", "live", "statistics", "keys", "settings/rules", "simulator", "access", "playground"):
                tab.open(page)
                self.assertLessEqual(tab.page.evaluate("() => document.documentElement.scrollWidth - innerWidth"), 0, (size, page))


    def test_thousand_upstreams(self):
        """The overview of a thousand is there at once, and leaves the browser its time afterwards."""
        before = self.scene.get("/api/v1/config")["document"]
        lists = ("api_configs", "codex_configs", "chat_configs", "retry_configs")
        many = {**before, **{part: before.get(part, []) + [
            {"name": f"{part} {at}", "base_url": f"http://127.0.0.1:9/{part}/{at}", "key": ""} for at in range(248)]
            for part in lists}}
        self.replace(many)
        self.addCleanup(self.replace, before)
        tab = self.open()
        rows = tab.page.locator("[data-upstream]")
        rig.wait_for(lambda: tab.page.wait_for_timeout(40) or rows.count() >= 992, "all are there", 20)
        busy_ms = tab.page.evaluate("""() => new Promise(settle => {
            let busy = 0;
            new PerformanceObserver(list => list.getEntries().forEach(task => { busy += task.duration; })).observe({type: "longtask"});
            setTimeout(() => settle(busy), 4000);
        })""")
        self.assertLess(busy_ms, 2000, "of 4000 ms")

    def replace(self, document):
        headers = {"Authorization": f"Bearer {self.rig.token}", "Content-Type": "application/json", "If-Match": "*"}
        with Wire(self.rig.admin_port) as wire:
            wire.send(request("PUT", "/api/v1/config", json.dumps(document).encode(), headers))
            answer = wire.answer()
        self.assertEqual(200, answer.status, answer)


if __name__ == "__main__":
    rig.main()
