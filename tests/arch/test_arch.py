"""Shows for each rule of arch.py that it sees the fault it is made for, and lets good code pass."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import arch  # noqa: E402

GOOD = {
    "README.md": "x\n",
    "common/README.md": "x\n",
    "common/base/README.md": "x\n",
    "common/base/one.h": "/* one. */\n#ifndef PM_ONE_H\n#define PM_ONE_H\n\n"
                         "/* Says one; free(it) is not needed. */\nint one_say(void);\n\n#endif\n",
    "common/base/one.c": '#include "one.h"\n\nint\none_say(void)\n{\n\treturn 1; // strcpy(\n}\n',
}

# rule: (what is added to GOOD, a part of the one line expected)
BAD = {
    "arrows": ({"ipc/README.md": "", "ipc/bus.h": "\n", "common/base/two.c": '#include "bus.h"\n'},
               'common/base/two.c:1: may not include "bus.h"'),
    "codecs": ({"dataplane/convert/README.md": "", "dataplane/convert/chat.h": "/* chat. */\n",
                "dataplane/convert/responses_write.c": '#include "chat.h"\n'},
               'dataplane/convert/responses_write.c:1: responses may not know "chat.h"'),
    "includers": ({"common/base/two.c": "\n#include <curl/curl.h>\n"},
                  "common/base/two.c:2: <curl/curl.h> belongs in dataplane/upstream"),
    "sizes": ({"common/base/two.c": "int\ntwo(void)\n{\n" + "\tone();\n" * 58 + "}\n"},
              "common/base/two.c:2: two has 61 lines"),
    "banned": ({"common/base/two.c": "int\ntwo(char *a)\n{\n\tfree (a);\n}\n"},
               "common/base/two.c:4: free() is banned"),
    "comments": ({"common/base/two.h": "/* two. */\n\n#include <a.h>\n\nint *two_say(int a);\n"},
                 "common/base/two.h:5: two_say() has no comment"),
    "top": ({"extra/README.md": ""}, "extra: not at the top"),
    "readmes": ({"ipc/bus.c": ""}, "ipc: has no README.md"),
    "scripts": ({"deploy/x": "#!/bin/bash\nif true\n"}, "deploy/x:"),
    "words": ({"ipc/README.md": "FIX" + "ME later\n"}, "ipc/README.md:1: FIX" + "ME"),
    "format": ({"common/base/two.c": "int two(void){return 1;}\n"}, "common/base/two.c: lines 1"),
}


def tree_of(folder, files):
    style = Path(__file__).parents[2] / ".clang-format"
    (Path(folder) / ".clang-format").write_bytes(style.read_bytes())
    for name, text in files.items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    return arch.Tree(folder)


class ArchTest(unittest.TestCase):
    def test_good_passes_every_rule(self):
        with tempfile.TemporaryDirectory() as folder:
            tree = tree_of(folder, GOOD)
            for name, rule in arch.RULES.items():
                self.assertEqual([], list(rule(tree)), name)

    def test_every_rule_can_fail(self):
        self.assertEqual(set(arch.RULES), set(BAD))
        for name, (files, expected) in BAD.items():
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                faults = list(arch.RULES[name](tree_of(folder, {**GOOD, **files})))
                self.assertTrue(faults and faults[0].startswith(expected), faults)
                self.assertEqual(len(faults), 1, faults)

    def test_more_of_banned(self):
        for line, bad in [("x = atoi(s);", True), ("x->free(y);", False), ("x_free(y);", False),
                          ('puts("system(");', False), ("time_t t;", False), ("time(NULL);", True),
                          ("secret_reveal(&s);", True), ("typedef struct a a;", True)]:
            with self.subTest(line), tempfile.TemporaryDirectory() as folder:
                tree = tree_of(folder, {"ipc/a.c": line + "\n"})
                self.assertEqual(bad, bool(list(arch.rule_banned(tree))))


if __name__ == "__main__":
    unittest.main()
