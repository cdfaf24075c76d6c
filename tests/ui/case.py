"""A test of the admin pages: one gateway and one browser for all its tests, a window of the owner's for each."""

import json
import unittest

import browser
import rig
from scene import Scene


class Case(unittest.TestCase):
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

    def open(self, token=None, url=None, **more):
        tab = self.browser.tab(url or self.scene.url, **more)
        tab.login(token or self.rig.token)
        tab.settle()
        self.addCleanup(tab.close)
        self.addCleanup(lambda: self.assertEqual([], tab.faults))
        return tab

    def wait(self, condition, what):
        return rig.wait_for(lambda: self.page.wait_for_timeout(40) or condition(), what, 45)

    def press(self, name, inside=None, exact=True):
        (inside or self.page).get_by_role("button", name=name, exact=exact).first.click()

    def config(self):
        return json.loads(self.rig.config_file.read_text())

    def entry(self, name, part="api_configs"):
        return next((entry for entry in self.config()[part] if entry.get("name") == name), None)
