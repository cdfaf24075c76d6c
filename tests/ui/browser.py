"""Debian's Chromium, driven by Playwright, as a strict witness: what a page writes to the console, what
the content policy stops, what a script opens, and which requests fail are all kept and looked at."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "build/ui"
PYTHON = HOME / "venv/bin/python"

if __name__ != "__main__" and Path(sys.prefix) != HOME / "venv":
    done = subprocess.run([ROOT / "tests/ui/install"], check=False)
    if done.returncode:
        sys.exit(done.returncode)
    os.execv(PYTHON, [str(PYTHON), *sys.argv])

from playwright.sync_api import sync_playwright  # noqa: E402

SHOTS = HOME / "shots"
AXE = (HOME / "npm/node_modules/axe-core/axe.min.js")
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
# Told by the browser itself when the gateway is killed on purpose.
LOST = ("net::ERR_CONNECTION_REFUSED", "net::ERR_INCOMPLETE_CHUNKED_ENCODING", "net::ERR_EMPTY_RESPONSE",
        "net::ERR_CONNECTION_RESET", "net::ERR_INTERNET_DISCONNECTED")


class Browser:
    """with Browser() as browser: tab = browser.tab(url, token, ...)"""

    def __enter__(self):
        self.playwright = sync_playwright().start()
        self.chromium = self.playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"])
        return self

    def __exit__(self, *_):
        self.chromium.close()
        self.playwright.stop()

    def tab(self, url, size="desktop", scheme="light", language="en-US", **more):
        width, height = SIZES[size]
        context = self.chromium.new_context(
            base_url=url, viewport={"width": width, "height": height}, color_scheme=scheme,
            locale=language, has_touch=size == "phone", reduced_motion="reduce", **more)
        return Tab(context)


class Tab:
    """One browser context with one page; .faults is all that should not have been."""

    def __init__(self, context):
        self.context = context
        self.page = context.new_page()
        self.page.set_default_timeout(45000)
        self.faults = []
        self.requests = []
        self.expected = ()  # texts of faults that a test asks for
        page = self.page
        page.on("console", self.on_console)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("dialog", self.on_dialog)
        page.on("request", lambda request: self.requests.append(request))
        page.add_init_script("""addEventListener("securitypolicyviolation", event =>
            console.error("CSP " + event.violatedDirective + " " + event.blockedURI));""")

    def on_console(self, message):
        if message.type in ("error", "warning") and not any(text in message.text for text in self.expected):
            self.faults.append(f"console: {message.text} {message.location.get('url', '')}")

    def on_dialog(self, dialog):
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def login(self, token, path="/"):
        self.page.goto(path)
        self.page.fill("#token", token)
        self.page.press("#token", "Enter")
        self.page.wait_for_selector("nav#menu", state="attached")

    def open(self, name):
        """A page by its address, settled: nothing is loading any more."""
        self.page.evaluate("name => { location.hash = '#/' + name; }", name)
        self.settle()

    def settle(self):
        self.page.wait_for_function("""() => document.querySelector("main h1")
            && !document.querySelector(".skeleton, [aria-busy=true]")""")

    def shot(self, name):
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png", full_page=True)

    def axe(self):
        """Faults that axe-core calls serious or critical. The policy allows no foreign script, so that
        it goes in by the browser's own door."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text() + "\n;undefined")
        found = self.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        return [f"{fault['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
                for fault in found["violations"] if fault["impact"] in ("serious", "critical")
                for node in fault["nodes"]]

    def close(self):
        self.context.close()
