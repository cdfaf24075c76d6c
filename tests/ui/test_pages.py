"""Every page and every button, in both languages, light and dark, on a desktop and a phone."""

import os
import re
import signal
import threading
import unittest

import browser
import rig
from scene import WITHIN, Scene

PAGES = ("overview", "live", "statistics", "simulator", "upstreams", "keys", "settings/rules", "settings/timeout_settings",
         "settings/error_handling_strategies", "settings/routing/claude", "settings/optimization_settings",
         "settings/capabilities", "settings/prices", "settings/activation", "settings/statistics", "settings/alerts", "settings/tracing",
         "settings/server",
         "config", "config/history", "config/exchange", "access", "playground")
# axe looks at one of several that are made alike.
ALIKE = ("settings/optimization_settings", "settings/capabilities", "settings/prices", "settings/activation",
         "settings/statistics", "settings/tracing", "settings/server", "settings/timeout_settings")
VARIANTS = (("en-US", "desktop", "light"), ("zh-CN", "desktop", "dark"),
            ("en-US", "phone", "dark"), ("zh-CN", "phone", "light"))
DIALOG_WORDS = {
    "en-US": {"add_claude": "Add to Claude", "new_key": "New key", "name": "Name", "make": "Save",
              "once": "It is shown this once", "have": "I have it", "token": "New token"},
    "zh-CN": {"add_claude": "添加到 Claude", "new_key": "新建密钥", "name": "名称", "make": "保存",
              "once": "仅显示这一次", "have": "已保存", "token": "更换令牌"}}
CODES = "() => [...document.querySelectorAll('code, textarea, option')].map(node => node.textContent.trim())"
OVERVIEW_BYTES = 100_000
OVERVIEW_REQUESTS = 15


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = Scene().__enter__()
        cls.browser = browser.Browser().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__()
        cls.scene.__exit__(None)

    def tab(self, *variant, path="/", **more):
        size, scheme, language = variant or ("desktop", "light", "en-US")
        tab = self.browser.tab(self.scene.url, size, scheme, language, **more)
        tab.login(self.scene.rig.token, path)
        tab.settle()
        self.addCleanup(tab.close)
        self.addCleanup(lambda: self.assertEqual([], tab.faults))
        return tab

    def test_every_page(self):
        for language, size, scheme in VARIANTS:
            tab = self.tab(size, scheme, language)
            for name in PAGES:
                with self.subTest(page=name, language=language, size=size, scheme=scheme):
                    tab.open(name)
                    tab.shot(f"{name.replace('/', '_')}-{language[:2]}-{size}-{scheme}")
                    if name not in ALIKE:
                        self.assertEqual([], tab.axe())
                    self.told_well(tab, language)
                    wide = tab.page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
                    self.assertLessEqual(wide, 0, "the page is wider than the window")

    def told_well(self, tab, language):
        """No key of an upstream, no name of a text instead of it; Chinese help in Chinese."""
        text = tab.page.content()
        self.assertFalse([key for key in self.scene.rig.canaries if key in text])
        shown = tab.page.inner_text("body")
        self.assertEqual([], [word for word in re.findall(r"(?m)^[a-z]+(?:_[a-z]+)+$", shown)
                              if word not in tab.page.evaluate(CODES)])
        if language == "zh-CN":
            helps = tab.page.locator(".row .help").all_inner_texts()
            self.assertEqual([], [text for text in helps if text and not re.search(r"[\u4e00-\u9fff]", text)])

    def test_dialogs(self):
        """Forms, what is shown once, a question and one request: whole in every window."""
        for number, (language, size, scheme) in enumerate(VARIANTS):
            tab = self.tab(size, scheme, language)
            say = DIALOG_WORDS[language]
            dialog = tab.page.locator("dialog")

            def look(name):
                with self.subTest(dialog=name, language=language, size=size, scheme=scheme):
                    dialog.wait_for()
                    if name != "dialog_question":  # what asked it is busy until it is answered
                        tab.settle()
                    tab.shot(f"{name}-{language[:2]}-{size}-{scheme}")
                    self.assertEqual([], tab.axe())
                    self.told_well(tab, language)
                    wide = tab.page.evaluate("() => Math.max(...[document.documentElement, ...document.querySelectorAll('dialog')]"
                                             ".map(node => node.scrollWidth - node.clientWidth))")
                    self.assertLessEqual(wide, 0, "it is cut")

            def press(name, where=tab.page):
                where.get_by_role("button", name=say[name], exact=True).click()

            def leave():
                tab.page.keyboard.press("Escape")
                dialog.wait_for(state="detached")
            tab.open("upstreams")
            press("add_claude")
            look("dialog_upstream")
            leave()
            tab.open("keys")
            press("new_key")
            look("dialog_key")
            dialog.get_by_label(say["name"], exact=True).fill(f"key {number}")
            press("make", dialog)
            tab.page.get_by_text(say["once"]).first.wait_for()
            look("dialog_key_shown")
            press("have", dialog)
            tab.open("access")
            press("token")
            look("dialog_question")
            leave()
            tab.open("live")
            tab.page.locator("table.requests tbody tr a").first.click()
            look("dialog_request")
            leave()

    def test_small_and_quick(self):
        """The overview of somebody who is logged in already, with nothing in the browser's cache."""
        tab = self.tab()
        cookies = tab.context.cookies()
        fresh = self.browser.tab(self.scene.url)
        self.addCleanup(fresh.close)
        fresh.context.add_cookies(cookies)
        network = fresh.context.new_cdp_session(fresh.page)
        network.send("Network.enable")
        sizes = []
        network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        fresh.page.goto("/")
        fresh.settle()
        rig.wait_for(lambda: fresh.page.wait_for_timeout(50) or
                     fresh.page.locator(".feed li").count() > 0, "the newest requests are there")
        # The state is asked for only where there is no event stream.
        asked = [request.url.removeprefix(self.scene.url) for request in fresh.requests
                 if not request.url.endswith("/api/state")]
        print(f"overview: {len(asked)} requests, {sum(sizes)} bytes")
        self.assertLessEqual(len(asked), OVERVIEW_REQUESTS, asked)
        self.assertLessEqual(sum(sizes), OVERVIEW_BYTES)
        self.assertFalse([url for url in asked if "uplot" in url])
        self.assertEqual([], fresh.faults)

    def test_login(self):
        tab = self.browser.tab(self.scene.url)
        self.addCleanup(tab.close)
        tab.expected += ("status of 401",)
        tab.page.goto("/")
        tab.page.fill("#token", "wrong")
        tab.page.press("#token", "Enter")
        tab.page.get_by_text("This is not the admin token.").wait_for()
        tab.shot("login-en-desktop-light")
        self.assertEqual([], tab.axe())
        tab.page.fill("#token", self.scene.rig.token)
        tab.page.click("button[type=submit]")
        tab.settle()
        tab.page.get_by_role("button", name="Log out").click()
        tab.page.wait_for_selector("#token")
        self.assertEqual([], tab.faults)

    def test_old_address(self):
        tab = self.tab(path="/token-stats.html")
        self.assertEqual("Statistics", tab.page.inner_text("main h1"))

    def test_language_and_colours(self):
        tab = self.tab()
        tab.page.select_option("select[aria-label=Language]", "zh-CN")
        self.assertEqual("总览", tab.page.inner_text("main h1"))
        self.assertEqual("zh-CN", tab.page.evaluate("() => document.documentElement.lang"))
        tab.page.select_option("select[aria-label=配色]", "dark")
        dark = tab.page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor")
        tab.page.reload()
        tab.settle()
        self.assertEqual("总览", tab.page.inner_text("main h1"))
        self.assertEqual(dark, tab.page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor"))
        tab.page.select_option("select[aria-label=配色]", "light")
        self.assertNotEqual(dark, tab.page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor"))

    def test_keyboard(self):
        """From the address bar to a page with the keyboard alone, and the skip link first."""
        tab = self.tab()
        tab.page.keyboard.press("Tab")
        self.assertEqual("To the content", tab.page.evaluate("() => document.activeElement.textContent"))
        for _ in range(12):
            tab.page.keyboard.press("Tab")
            if tab.page.evaluate("() => document.activeElement.getAttribute('href')") == "#/statistics":
                break
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_function("() => document.querySelector('main h1')?.textContent === 'Statistics'")

    def test_rest_ends(self):
        tab = self.tab()
        row = tab.page.locator("tr", has_text="/u/main")
        self.assertIn("resting", row.inner_text())
        self.assertRegex(row.locator(".clock").inner_text(), r"^[0-4]:\d\d$")
        self.assertIn("relay serves", tab.page.inner_text("section.group >> nth=0"))
        row.get_by_role("button", name="End rest").click()
        tab.page.get_by_text("main is back.").wait_for()
        rig.wait_for(lambda: tab.page.wait_for_timeout(50) or
                     "main serves" in tab.page.inner_text("section.group >> nth=0"), "main serves")
        row.get_by_role("button", name="Probe").click()
        tab.page.get_by_text("main is being probed.").wait_for()

    def test_statistics(self):
        tab = self.tab()
        tab.open("statistics")
        tab.page.wait_for_selector(".uplot canvas")
        for name in ("Upstream", "Client key", "Protocol", "Model", "Requests", "Cost", "Kinds of tokens", "Tokens",
                     "30 days", "90 days", "From – to", "Today"):
            tab.page.get_by_role("button", name=name, exact=True).click()
            tab.settle()
            self.assertGreater(tab.page.locator(".legend li").count(), 0, name)
        tab.page.wait_for_selector(".uplot canvas")
        box = rig.wait_for(lambda: tab.page.wait_for_timeout(50) or tab.page.locator(".u-over").bounding_box(), "the chart")
        tab.page.mouse.move(box["x"] + box["width"] * 0.02, box["y"] + box["height"] / 2)
        tab.page.wait_for_function("() => /\\d\\d:\\d\\d/.test(document.querySelector('.legend .label').textContent)")
        tab.page.fill("input[type=number]", "8")
        tab.page.press("input[type=number]", "Tab")
        def sums():
            return [float(re.sub(r"[^\d.]", "", text)) for text in
                    tab.page.locator("tr.total td").all_inner_texts()[-2:]]
        rig.wait_for(lambda: tab.page.wait_for_timeout(50) or abs(sums()[0] * 8 - sums()[1]) < 0.02 * sums()[1],
                     "the second currency goes by the new rate")
        with tab.page.expect_download() as download:
            tab.page.get_by_role("button", name="CSV").click()
        text = download.value.path().read_text(encoding="utf-8-sig")
        self.assertTrue(text.startswith("hour_ms,model,requests,"), text[:100])
        self.assertIn("claude-sonnet-4-5", text)

    def test_cache_saving(self):
        """In money, in both currencies, on the overview, the statistics page and of one request."""
        before = self.scene.get("/api/v1/stats")["totals"]
        self.scene.rig.post("anthropic", "x", model="claude-sonnet-4-5-fault=usage:in=0;out=5;read=1000000;write=0")
        totals = rig.wait_for(lambda: (now := self.scene.get("/api/v1/stats")["totals"]) != before and now, "it is counted")
        self.assertEqual(2_700_000_000, totals["cache_saved_nano_usd"] - before["cache_saved_nano_usd"])
        usd = totals["cache_saved_nano_usd"] / 1e9
        tab = self.tab()
        figure = tab.page.locator(".figures li", has_text="Saved by cache")
        rig.wait_for(lambda: tab.page.wait_for_timeout(50) or f"${usd:.2f}" in figure.inner_text(), "it is on the overview")
        self.assertIn(f"¥{usd * 7.2:.2f}", figure.inner_text())
        tab.open("statistics")
        cell = tab.page.locator("tr.total td[data-label='Saved by cache']")
        cell.wait_for()
        self.assertEqual([f"${usd:.2f}", f"¥{usd * 7.2:.2f}"], cell.inner_text().split())
        tab.open("live")
        tab.page.locator("table.requests tbody tr", has_text="read=1000000").locator("a").click()
        tab.page.locator("dialog td", has_text="$2.70").wait_for()

    def test_requests(self):
        tab = self.tab()
        tab.open("live")
        rows = tab.page.locator("table.requests tbody tr")
        rig.wait_for(lambda: tab.page.wait_for_timeout(50) or rows.count() > 60, "all requests are there")
        everything = rows.count()
        tab.page.select_option("select[aria-label=Result]", "failed")
        tab.settle()
        rig.wait_for(lambda: tab.page.wait_for_timeout(50) or rows.count() == 1, "one has failed")
        rows.first.locator("a").click()
        dialog = tab.page.locator("dialog")
        dialog.get_by_text("What was tried").wait_for()
        text = dialog.inner_text()
        for said in ("HTTP 500, server error", "the upstream", "It failed; spare was asked next.", "claude-opus-4-1"):
            self.assertIn(said, text)
        tab.shot("request-en-desktop-light")
        self.assertEqual([], tab.axe())
        tab.page.keyboard.press("Escape")
        tab.page.wait_for_selector("dialog", state="detached")
        tab.page.select_option("select[aria-label=Result]", "")
        tab.page.fill("input[type=search]", "qwen")
        rig.wait_for(lambda: tab.page.wait_for_timeout(50) or 0 < rows.count() < everything, "only those models")
        tab.page.fill("input[type=search]", "")
        tab.page.get_by_role("button", name="Pause").click()
        before = rows.count()
        self.scene.rig.post("chat", "while paused", model="gpt-5-mini")
        tab.page.get_by_role("button", name="Go on").click()
        rig.wait_for(lambda: tab.page.wait_for_timeout(50) or rows.count() > before, "the new one is there")
        self.assertTrue(tab.page.get_by_role("button", name="Older").is_disabled(), "all that is kept is shown")
        tab.settle()

    def test_running(self):
        """One that runs is seen, and ended by a button that asks first; its upstream tells so on the overview."""
        demo = self.scene.rig.demo
        demo.fault("qwen", "stall")
        self.addCleanup(demo.mend)
        answers = []
        client = threading.Thread(target=lambda: answers.append(self.scene.rig.post("chat", "wait", model="qwen-3-coder")))
        client.start()
        self.addCleanup(client.join)
        tab = self.tab()
        in_flight = tab.page.locator("tr", has_text="/u/qwen").locator("td[data-label='In flight']")
        rig.wait_for(lambda: tab.page.wait_for_timeout(50) or in_flight.inner_text() == "1", "it is counted")
        tab.open("live")
        row = tab.page.locator("table.running tbody tr")
        row.wait_for()
        for said in ("Chat", "qwen-3-coder", "通义千问", "waiting"):
            self.assertIn(said, row.inner_text())
        self.assertEqual([], tab.axe())
        tab.shot("running-en-desktop-light")
        row.get_by_role("button").click()
        tab.page.get_by_text("End this request?").wait_for()
        self.assertEqual([], answers, "it waits for the answer to that")
        tab.page.locator("dialog").get_by_role("button", name="End", exact=True).click()
        tab.page.get_by_text("It was ended.").wait_for()
        row.wait_for(state="detached")
        client.join(20)
        self.assertEqual([400], [answer.status for answer in answers])
        first = tab.page.locator("table.requests tbody tr").first
        rig.wait_for(lambda: tab.page.wait_for_timeout(50) or "cancelled" in first.inner_text(), "it is in the feed")

    def test_hours_of_today(self):
        tab = self.tab()
        strips = tab.page.locator("section.group >> nth=0").locator(".day svg")
        rig.wait_for(lambda: tab.page.wait_for_timeout(50) or strips.count() == 4, "a strip for each upstream")
        told = [strip.get_attribute("aria-label") for strip in strips.all()]
        night = next(text for text in told if text.startswith("night "))
        self.assertRegex(night, r"night is on today: .+–.+, now \d\d:\d\d")
        self.assertEqual([], tab.axe())
        tab.shot("day-en-desktop-light")

    def test_simulator(self):
        tab = self.tab()
        tab.open("simulator")
        tab.page.get_by_role("button", name="At", exact=True).click()
        tab.page.fill("input[type=time]", WITHIN)
        tab.page.fill(".field:has-text('Model') input", "claude-opus-4-1")
        rig.wait_for(lambda: tab.page.wait_for_timeout(50) or
                     "not scheduled" not in tab.page.inner_text("main"), "night is on then")
        tab.page.select_option("form select", "/openai/responses")
        tab.page.get_by_text("openai serves").wait_for()

    def test_lost_control_plane(self):
        tab = self.tab()
        tab.expected += ("status of 503",)
        pid = self.scene.rig.pid("controlplane")
        os.kill(pid, signal.SIGSTOP)
        try:
            tab.page.get_by_text("The control plane does not answer.").wait_for(timeout=20000)
            tab.page.get_by_text("control plane lost").wait_for()
            tab.page.wait_for_selector("main.stale table.upstreams")
            tab.shot("lost-en-desktop-light")
            self.assertEqual([], tab.axe())
        finally:
            os.kill(pid, signal.SIGCONT)
        tab.page.wait_for_selector("main:not(.stale)", timeout=20000)

    def test_lost_webadmin(self):
        """Killed: the page says so and, when it is back, asks for a login, since sessions have ended."""
        tab = self.tab()
        tab.expected += (*browser.LOST, "status of 401")
        self.scene.rig.kill("webadmin")
        tab.page.wait_for_selector("#token", timeout=40000)
        tab.page.fill("#token", self.scene.rig.token)
        tab.page.press("#token", "Enter")
        tab.settle()


if __name__ == "__main__":
    rig.main()
