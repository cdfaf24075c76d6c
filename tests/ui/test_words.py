"""The texts of the pages: each in both languages, none missing, none left over, modules small."""

import re
import unittest
from pathlib import Path

UI = Path(__file__).resolve().parents[2] / "webadmin/ui"
ROW = re.compile(r'^\t(?:"([^"]+)"|([\w]+)):\s*\[\s*"((?:\\.|[^"\\])*)",\s*"((?:\\.|[^"\\])*)"\s*\],?$', re.M)
# Made from words of the gateway: reason_*, http_*, state_* and the like, and its own sentences.
MADE = re.compile(r"^(reason|http|l|w|alert|sent|config|list_note|list_none|group_note|tokens|usd|state|pick|theme|page|part|range|by|m|result|blame|usage|source|why|kind|group|kind_of|type|section|role|via|action|unit)_|\W|^(claude|codex|chat|chat_via_claude|retry|anthropic|responses|disabled)$")
LINES_MAX = 400


def rows():
    for file in sorted((UI / "words").glob("*.js")):
        if file.name == "help.js":
            continue  # Chinese alone
        text = file.read_text()
        found = ROW.findall(text)
        assert len(found) == len(re.findall(r"^\t[\w\"].*?\[", text, re.M)), f"{file.name}: a row is not read"
        for quoted, plain, english, chinese in found:
            yield file.name, quoted or plain, english, chinese


class Words(unittest.TestCase):
    def test_both_languages(self):
        seen = {}
        for file, key, english, chinese in rows():
            with self.subTest(file=file, key=key):
                self.assertTrue(english and chinese)
                self.assertEqual(english.count("{}"), chinese.count("{}"))
                self.assertEqual(seen.setdefault(key, (english, chinese)), (english, chinese), "said twice, differently")
                self.assertNotRegex(english, r"[\u3000-\u9fff]")
                if re.search(r"[a-z]{3,} [a-z]{3,}", english):
                    self.assertRegex(chinese, r"[\u4e00-\u9fff]", "is not Chinese")

    def test_none_missing_none_left_over(self):
        known = {key for _, key, _, _ in rows()}
        code = "".join(file.read_text() for file in UI.rglob("*.js") if file.parent.name != "words")
        used = set(re.findall(r'\bt\("([^"]+)"', code)) | set(re.findall(r'\bt\([^()"?]*\? "([^"]+)"', code))
        used |= set(re.findall(r': "([\w ]+)"[,)]', code)) & known
        self.assertEqual(set(), {key for key in used if key not in known})
        self.assertEqual(set(), {key for key in known if f'"{key}"' not in code and not MADE.search(key)})

    def test_each_page_brings_its_words(self):
        """A word of a table that a module does not load would be shown as its key."""
        tables = {}
        for file, key, _, _ in rows():
            tables.setdefault(key, set()).add(file)

        def load(file, seen):
            if file not in seen and file.exists():
                seen.add(file)
                for name in re.findall(r' from "(\.[^"]+)"', file.read_text()):
                    load((file.parent / name).resolve(), seen)
            return seen
        for file in UI.glob("pages/*.js"):
            loaded = {other.name for other in load(file, set()) if other.parent.name == "words"} | {"base.js"}
            code = file.read_text()
            used = set(re.findall(r'\bt\("([^"]+)"', code)) | {
                key for key in re.findall(r'"(\w+_\w+)"', code) if key in tables and not re.match(r"(api|client)_", key)}
            self.assertEqual(set(), {key for key in used if not tables[key] & loaded}, file.name)

    def test_what_is_wrong_is_said_in_both_languages(self):
        """The control plane speaks English; the pages know each sentence about a configuration."""
        known = {key for _, key, _, _ in rows()}
        for name in ("controlplane/schema_check.c", "controlplane/config_check.c", "controlplane/schedule_read.c", "common/net/url.c"):
            said = re.findall(r'\b(?:faults_error|faults_warn|err_set)\(((?:[^;"]|"(?:\\.|[^"\\])*")*);', (UI.parents[1] / name).read_text())
            self.assertTrue(said)
            for call in said:
                text = "".join(part for part in re.findall(r'"((?:\\.|[^"\\])*)"', call) if " " in part).strip().replace('\\"', "'")
                text = re.sub(r"%s\[%zu\]|%(?:\.\*)?[a-z]+", "{}", text).replace("{}{}{}", "{}")
                if len(text) > 8:
                    self.assertIn(text, known, name)

    def test_modules_are_small(self):
        for file in UI.rglob("*.js"):
            self.assertLessEqual(len(file.read_text().splitlines()), LINES_MAX, file)


if __name__ == "__main__":
    unittest.main(verbosity=2)
