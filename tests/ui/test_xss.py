"""Names, models, errors and user agents that would be scripts: no dialog, no node that a text has made."""

import json
import unittest

import browser
import rig
from attacks import attacks
from protocols import ask
from scene import Scene

GROUP_MAX = 120
PAGES = ("overview", "live", "statistics", "simulator", "upstreams", "keys", "settings/rules", "settings/capabilities",
         "settings/prices", "config", "config/history", "access")
# What a text could have made: none of these is ever made by the pages themselves inside of their own part.
STRANGERS = """() => [...document.querySelectorAll("main *, dialog *, .toasts *")].filter(node =>
    ["SCRIPT", "IFRAME", "OBJECT", "EMBED", "IMG", "VIDEO", "AUDIO", "STYLE", "LINK", "META", "BASE", "MARQUEE",
     "MATH", "TEMPLATE", "CUSTOM-TAG", "NOSCRIPT", "BODY"].includes(node.tagName.toUpperCase())
    || [...node.attributes].some(attribute => /^on/i.test(attribute.name)
        || ["href", "src", "action", "data", "srcdoc", "xlink:href"].includes(attribute.name)
            && !/^(#\\/|\\/api\\/login$)/.test(attribute.value))).map(node => node.outerHTML.slice(0, 200))"""


def config(demo, texts):
    names = iter(texts)
    take = lambda count: [next(names, "x") for _ in range(count)]  # noqa: E731
    entry = lambda name, at: {"name": name, "key": f"sk-canary-{at}-0000000000", "base_url": demo.url(f"u{at}")}  # noqa: E731
    part = min(GROUP_MAX, len(texts) // 6)
    return rig.config(
        claude=[entry(name, at) for at, name in enumerate(take(part))],
        codex=[entry(name, 100 + at) for at, name in enumerate(take(part))],
        chat=[entry(name, 200 + at) for at, name in enumerate(take(part))],
        model_conversions=[{"name": name, "source_model": f"from-{at}-{name}"[:250], "target_model": name}
                           for at, name in enumerate(take(part))],
        model_capabilities=[{"pattern": name[:60]} for name in take(part)],
        **rig.plain())


class Xss(unittest.TestCase):
    def test_nothing_runs(self):
        texts = attacks()
        scene = Scene.__new__(Scene)
        scene.rig = rig.Rig(dataplanes=1)
        scene.rig.write_config(config(scene.rig.demo, texts))
        with scene.rig, browser.Browser() as chromium:
            scene.url = f"http://127.0.0.1:{scene.rig.admin_port}"
            self.send(scene, texts)
            tab = chromium.tab(scene.url)
            tab.login(scene.rig.token)
            for name in PAGES:
                tab.open(name)
                self.look(tab, name)
            self.details(tab, scene)
            self.refused(tab, scene, texts)
            tab.close()
        print(f"{len(texts)} texts: 0 dialogs, 0 inserted nodes")

    def look(self, tab, where):
        self.assertEqual([], tab.page.evaluate(STRANGERS), where)
        self.assertIsNone(tab.page.evaluate("() => window.hit ?? null"), where)
        self.assertEqual([], tab.faults, where)

    def send(self, scene, texts):
        """As models, as what upstreams say is wrong, and as user agents."""
        demo = scene.rig.demo
        with scene.rig.wire() as wire:
            for at, text in enumerate(texts):
                if at % 50 == 0:
                    demo.script("u0", json.dumps({"type": "error", "error": {"type": "invalid_request_error", "message": text}}).encode(),
                                status=400, count=1)
                agent = "".join(c if " " <= c <= "~" else "?" for c in text)
                scene.rig.send(wire, "anthropic", ask("anthropic", "hi", False, text), User_Agent=agent)
                wire.answer()
        rig.wait_for(lambda: scene.get("/api/v1/stats")["totals"]["requests"] >= len(texts), "all is counted")

    def details(self, tab, scene):
        records = scene.get("/api/v1/requests?limit=1000")["records"]
        self.assertIn("<", "".join(record["model"] for record in records))
        for record in records[:5]:
            tab.open(f"live/{record['id']}")
            tab.page.wait_for_selector("dialog .waterfall, dialog .facts")
            self.look(tab, "a request")

    def refused(self, tab, scene, texts):
        """A configuration whose faults have such paths."""
        def spoil(now):
            now["timeout_settings"] = {text: 1 for text in texts[:20]}
            now["statistics"] = {"keep_days": texts[0]}
        scene.rig.change_config(spoil)
        scene.rig.command("reload")
        tab.open("overview")
        tab.page.wait_for_selector(".faults code")
        self.look(tab, "faults")


if __name__ == "__main__":
    rig.main()
