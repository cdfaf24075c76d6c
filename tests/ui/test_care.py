"""Nothing is lost, and nothing is taken that was not seen: keys that are not typed anew, others who change the same
meanwhile, texts that are not what was looked at, addresses and days that nobody means."""

import json
import unittest

import browser
import rig
from scene import Scene


class Care(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = Scene().__enter__()
        cls.rig = cls.scene.rig
        cls.browser = browser.Browser().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__()
        cls.scene.__exit__(None)

    def setUp(self):
        self.tab = self.open()
        self.page = self.tab.page

    def open(self, **more):
        tab = self.browser.tab(self.scene.url, **more)
        tab.login(self.rig.token)
        tab.settle()
        self.addCleanup(tab.close)
        self.addCleanup(lambda: self.assertEqual([], tab.faults))
        return tab

    def wait(self, condition, what):
        return rig.wait_for(lambda: self.page.wait_for_timeout(40) or condition(), what, 45)

    @staticmethod
    def press(name, inside):
        inside.get_by_role("button", name=name, exact=True).first.click()

    def config(self):
        return json.loads(self.rig.config_file.read_text())

    def entry(self, name):
        return next(entry for entry in self.config()["api_configs"] if entry["name"] == name)

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
            self.tab.settle()
        self.press("Edit", row)
        self.press("Remove", form)
        form.get_by_label("Name", exact=True).fill("spare")
        self.press("Save", form)
        self.wait(lambda: "\"spare\"" in self.rig.config_file.read_text() and self.entry("spare")["key"] == "", "the key is removed")
        self.press("Edit", row)
        form.locator("input[type=password]").fill(key)
        self.press("Save", form)
        self.wait(lambda: self.entry("spare")["key"] == key, "there is a key again")


if __name__ == "__main__":
    rig.main()
