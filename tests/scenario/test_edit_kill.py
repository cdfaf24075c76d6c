"""kill -9 of the control plane in the middle of edits: what was answered with success is in the file
afterwards, once, and nothing is there by half."""

import json
import os
import threading

import rig
from admin import Caller
from wire import Broken

KILLS = int(os.environ.get("PM_KILLS") or 6)
RULES_MAX = 240


class Editor(threading.Thread):
    """Changes two words of one upstream to the same number, which grows."""

    def __init__(self, running, number):
        super().__init__(daemon=True)
        self.caller = Caller(running.admin_port, running.token)
        self.words = (f"a{number}", f"b{number}")
        self.tried = self.good = self.unknown = 0
        self.strange, self.stopped = [], False
        self.start()

    def run(self):
        while not self.stopped:
            self.tried += 1
            status = self.edit()
            if status in (200, 201):
                self.note()
            elif status in (503, None):
                self.unknown += 1
            else:
                self.strange.append(status)

    def edit(self):
        return self.ask("PATCH", "/api/v1/upstreams/claude:aa", {word: self.tried for word in self.words})

    def note(self):
        self.good = self.tried

    def ask(self, *what):
        try:
            return self.caller.ask(*what).status
        except (Broken, OSError):
            return None


class Adder(Editor):
    """Adds rules, each with a name of its own."""

    def __init__(self, running):
        self.added, self.names = [], []
        super().__init__(running, 9)

    def edit(self):
        if len(self.names) == RULES_MAX:
            return self.ask("GET", "/api/v1/model-rules") and 503
        self.names.append(f"rule-{self.tried}")
        return self.ask("POST", "/api/v1/model-rules", {
            "name": self.names[-1], "source_model": f"old-{self.tried}", "target_model": "new"})

    def note(self):
        self.good = self.tried
        self.added.append(self.names[-1])


class EditKill(rig.Case):
    config = rig.config(claude=[rig.upstream("a", id="aa"), rig.upstream("b", id="bb")])

    def test_no_answered_edit_is_lost(self):
        editors = [Editor(self.rig, 0), Editor(self.rig, 1), Adder(self.rig)]
        for _ in range(KILLS):
            marks = [(editor, editor.good) for editor in editors[:2]]
            more = rig.chance.randrange(1, 12)
            rig.wait_for(lambda: all(editor.good >= mark + more for editor, mark in marks), "edits go on", 60)
            self.rig.kill("controlplane")
            # Between two saves the file is a whole document at every moment.
            json.loads(self.rig.config_file.read_text())
        marks = [(editor, editor.good) for editor in editors[:2]]
        rig.wait_for(lambda: all(editor.good > mark for editor, mark in marks), "edits go on after the last", 60)
        for editor in editors:
            editor.stopped = True
        for editor in editors:
            editor.join(30)
            self.assertEqual([], editor.strange)
        document = json.loads(self.rig.config_file.read_text())
        entry = document["api_configs"][0]
        for editor in editors[:2]:
            first, second = (entry[word] for word in editor.words)
            self.assertEqual(first, second, "an edit by half")
            self.assertTrue(editor.good <= first <= editor.tried, (editor.good, first, editor.tried))
        names = [rule["name"] for rule in document["model_conversions"]]
        self.assertEqual(len(set(names)), len(names), "an edit was made twice")
        self.assertEqual([], [name for name in editors[2].added if name not in names], "lost")
        self.assertLessEqual(set(names), set(editors[2].names))
        print(f"{KILLS} kills, {editors[0].good + editors[1].good} and {len(editors[2].added)} edits, "
              f"{sum(editor.unknown for editor in editors)} without an answer, none lost", flush=True)


if __name__ == "__main__":
    rig.main()
