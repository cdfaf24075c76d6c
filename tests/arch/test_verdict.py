#!/usr/bin/python3 -B
"""What tests/run makes of ctest's reports."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import verdict  # noqa: E402: needs the path


def report(**tests):
    """Of name: (status, output); a_b stands for a.b."""
    rows = []
    for name, (status, text) in tests.items():
        mark = '<skipped message="SKIP_RETURN_CODE=77"/>' if text.startswith("skipped:") else ""
        rows.append(f'<testcase name="{name.replace("_", ".")}" status="{status}">{mark}'
                    f'<system-out>{text}</system-out></testcase>')
    with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
        file.write(f"<testsuite>{''.join(rows)}</testsuite>")
        file.flush()
        return verdict.cases(file.name)


GOOD = {"unit_a": ("run", ""), "scenario_b": ("run", "")}


class Verdict(unittest.TestCase):
    def ends(self, first, second, wanted):
        """The last line, with what the first names before it; gives whether it is a failure."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            bad = verdict.verdict(first, second)
        self.assertEqual(out.getvalue().splitlines()[-1], wanted)
        self.text = out.getvalue()
        return bad

    def test_all_well(self):
        first = report(**GOOD)
        self.assertEqual(verdict.again(first), "")
        self.assertFalse(self.ends(first, {}, "2 passed, 0 failed, 0 skipped"))

    def test_no_report_is_a_failure(self):
        self.assertTrue(self.ends(verdict.cases("/nowhere"), {}, "0 passed, 1 failed, 0 skipped"))

    def test_a_second_look(self):
        first = report(**GOOD, ui_c=("fail", "too late"))
        self.assertEqual(verdict.again(first), r"^(ui\.c)$")
        self.assertFalse(self.ends(first, report(ui_c=("run", "")), "3 passed, 0 failed, 0 skipped"))
        self.assertIn("UNSTEADY ui.c", self.text)
        self.assertIn("too late", self.text)
        for second in ({}, report(ui_c=("fail", "")), report(ui_c=("notrun", "skipped: x"))):
            self.assertTrue(self.ends(first, second, "2 passed, 1 failed, 0 skipped"))
            self.assertIn("FAILED ui.c", self.text)

    def test_what_is_not_looked_at_twice(self):
        for name, text in (("unit_c", "x"), ("scenario_c", "ERROR: AddressSanitizer: x"),
                           ("scenario_c", "unexpected: {'program': 'dataplane'}"),
                           ("scenario_c", "a secret in the log: []")):
            self.assertEqual(verdict.again(report(**GOOD, **{name: ("fail", text)})), "")
        many = {f"scenario_{n}": ("fail", "x") for n in "cdef"}
        self.assertEqual(verdict.again(report(**many)), "")
        self.assertEqual(verdict.again(report(unit_c=("fail", "x"), ui_d=("fail", "x"))), "")

    def test_skipped_and_absent(self):
        first = report(**GOOD, ui_c=("notrun", "skipped: no npm"))
        self.assertFalse(self.ends(first, {}, "2 passed, 0 failed, 1 skipped"))
        first = report(**GOOD, ui_c=("notrun", "Unable to find executable"))
        self.assertTrue(self.ends(first, {}, "2 passed, 1 failed, 0 skipped"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
