"""Rules of the house that a compiler does not hold. Usage: arch.py RULE|all|list [ROOT]

A rule is a function below that yields one line for each fault; its first docstring line says what
holds. test_arch.py shows for each rule that it can fail.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

C_LINES, H_LINES, FUNCTION_LINES, README_LINES = 600, 200, 60, 72

TOP_LEVEL = {"dataplane", "controlplane", "common", "ipc", "webadmin", "deploy", "tests",
             "CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE"}

# Which folder may include from which (beside itself).
ARROWS = {
    "common/base": [],
    "common/net": ["common/base"],
    "ipc": ["common/net", "common/base"],
    "controlplane": ["ipc", "common/net", "common/base"],
    "dataplane": ["dataplane/convert", "ipc", "common/net", "common/base"],
    "dataplane/convert": ["common/base"],
    "webadmin": ["ipc", "common/net", "common/base"],
    "deploy/demo": ["common/net", "common/base"],
    "deploy/launcher": ["ipc", "common/net", "common/base"],
    "deploy/pointsman": ["deploy/launcher", "ipc", "common/net", "common/base"],
}

# A protocol's files see no other protocol's: the next one must touch none of them.
CODECS = r"dataplane/convert/(anthropic|chat|responses)_?\w*\.[ch]"

# Who may include a library: pattern of its header, patterns of paths.
INCLUDERS = {
    r"curl/": ["dataplane/upstream*.[ch]"],
    r"nanomsg/": ["ipc/bus.c"],
    r"openssl/": ["common/base/crypto.c", "common/net/tls*.[ch]", "common/net/transport.[ch]"],
    r"sqlite3\.h": ["controlplane/sql.c"],
    r"event2/": ["common/net/*"],
    r"zstd": ["dataplane/inflate.c"],
    r"zlib\.h": ["dataplane/inflate.c", "dataplane/journal.c", "deploy/demo/tape.c"],
    r"pthread\.h|threads\.h": ["controlplane/stats.c"],
    r"spawn\.h": ["controlplane/alert_command.c"],
}

# A call or word of C, and where it may stand all the same.
BANNED = {
    r"(sprintf|vsprintf|strcpy|strcat|strncpy|strncat|stpcpy|gets|atoi|atol|atof|strtok|system|"
    r"popen|alloca|rand|sleep|usleep)": [],
    r"(malloc|calloc|realloc|free|strdup|strndup|asprintf|vasprintf)": ["common/base/mem.c"],
    r"(time|clock_gettime|gettimeofday|clock)": ["common/base/clock.c"],
    r"secret_reveal": ["common/base/secret.[ch]", "dataplane/upstream*.c", "dataplane/attempt*.c",
                       "dataplane/errand_text.c", "dataplane/herald.c", "dataplane/tracer.c",
                       "dataplane/headers.c", "ipc/table*.c", "ipc/fields.c", "controlplane/*.c"],
}


class Tree:
    """The files of the project: what git tracks or would track."""

    def __init__(self, root):
        self.root = Path(root).resolve()
        if (self.root / ".git").exists():
            listed = subprocess.run(
                ["git", "-C", self.root, "ls-files", "-coz", "--exclude-standard"],
                check=True, capture_output=True, text=True).stdout.split("\0")
            names = [name for name in set(listed) if (self.root / name).is_file()]
        else:
            names = [str(path.relative_to(self.root)) for path in self.root.rglob("*")
                     if path.is_file() and "build" not in path.relative_to(self.root).parts[:1]]
        self.names = sorted(name for name in names if name)

    def text(self, name):
        return (self.root / name).read_text(encoding="utf-8", errors="replace")

    def some(self, *endings, product=False):
        """Files with one of the endings; `product`: only what is shipped."""
        return [name for name in self.names if name.endswith(endings)
                and not (product and name.startswith("tests/"))]


def matches(name, patterns):
    return any(Path(name).match(pattern) and name.count("/") == pattern.count("/")
               for pattern in patterns)


def bare(text, keep_strings=False):
    """C without comments, and with empty string and character literals; lines stay lines."""
    def replace(found):
        piece = found.group(0)
        if piece.startswith("/"):
            return re.sub(r"[^\n]+", " ", piece)
        return piece if keep_strings else piece[0] * 2
    return re.sub(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'",
                  replace, text, flags=re.S)


def includes(tree, name, mark):
    for number, line in enumerate(bare(tree.text(name), keep_strings=True).splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if found and found.group(1) == mark:
            yield number, found.group(2)


def rule_arrows(tree):
    """Includes point down: base < net < ipc < programs, and convert sees base only."""
    homes = {}
    for name in tree.some(".h"):
        homes.setdefault(os.path.basename(name), set()).add(os.path.dirname(name))
    for name in tree.some(".c", ".h", product=True):
        folder = os.path.dirname(name)
        if folder not in ARROWS:
            yield f"{name}: no arrows are drawn for {folder}; add it to ARROWS"
            continue
        sees = [folder] + ARROWS[folder]
        for number, header in includes(tree, name, '"'):
            found = [home for home in sees if home in homes.get(header, ())]
            if "/" in header or not found:
                yield f"{name}:{number}: may not include \"{header}\" (sees {', '.join(sees)})"
            elif len(found) > 1 and folder not in found:
                yield f"{name}:{number}: \"{header}\" is in {' and in '.join(found)}"


def rule_codecs(tree):
    """No protocol's codec knows another's."""
    for name in tree.some(".c", ".h", product=True):
        codec = re.fullmatch(CODECS, name)
        for number, header in includes(tree, name, '"') if codec else ():
            other = re.fullmatch(CODECS, f"dataplane/convert/{header}")
            if other and other.group(1) != codec.group(1):
                yield f"{name}:{number}: {codec.group(1)} may not know \"{header}\""


def rule_includers(tree):
    """Each library has its one door."""
    for name in tree.some(".c", ".h", product=True):
        for number, header in includes(tree, name, "<"):
            for library, doors in INCLUDERS.items():
                if re.match(library, header) and not matches(name, doors):
                    yield f"{name}:{number}: <{header}> belongs in {' '.join(doors) or 'no file'}"


def functions(tree, names):
    """(file, first line, last line, name) of each function, as ctags sees it."""
    if not names:
        return
    out = subprocess.run(
        ["ctags", "--languages=C", "--langmap=C:.c.h", "--kinds-C=f", "--fields=+ne",
         "--output-format=json", "-f", "-", "-L", "-"],
        cwd=tree.root, input="\n".join(names), check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        tag = json.loads(line)
        yield tag["path"], tag["line"], tag.get("end", tag["line"]), tag["name"]


def rule_sizes(tree):
    """.c <= 600 lines, .h <= 200, functions <= 60, READMEs of folders <= 72."""
    limits = {".c": C_LINES, ".h": H_LINES}
    for name in tree.some(".c", ".h"):
        lines = tree.text(name).count("\n")
        if lines > limits[name[-2:]]:
            yield f"{name}: {lines} lines, at most {limits[name[-2:]]}"
    for name, first, last, function in functions(tree, tree.some(".c", ".h")):
        if last - first + 1 > FUNCTION_LINES:
            yield f"{name}:{first}: {function} has {last - first + 1} lines, " \
                  f"at most {FUNCTION_LINES}"
    for name in tree.some("/README.md"):
        lines = tree.text(name).count("\n")
        if lines > README_LINES:
            yield f"{name}: {lines} lines, at most {README_LINES}"


def rule_banned(tree):
    """No call that the house does without; no typedef'd struct."""
    for name in tree.some(".c", ".h"):
        test = name.startswith("tests/")
        for number, line in enumerate(bare(tree.text(name)).splitlines(), 1):
            if line.lstrip().startswith("#"):
                continue
            for index, (words, doors) in enumerate(BANNED.items()):
                found = re.search(rf"(?<![\w.>]){words}\s*\(", line)
                if found and not matches(name, doors) and not (test and index > 0):
                    yield f"{name}:{number}: {found.group(0).rstrip(' (')}() is banned here"
            if re.search(r"\btypedef\s+(struct|union|enum)\b(?!.*\()", line):
                yield f"{name}:{number}: write struct thing, no typedef"
    for name in tree.some(".js", ".html", product=True):
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            if re.search(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval)\b", line):
                yield f"{name}:{number}: text goes into pages by textContent"


def rule_comments(tree):
    """Each function that a header declares stands in a commented group."""
    declared = re.compile(r"^(?!static\b|typedef\b)[\w _*]+?[ *](\w+)\((?!\*)", re.M)
    for name in tree.some(".h", product=True):
        number, above = 1, ""
        for group in re.split(r"(\n[ \t]*\n)", tree.text(name)):
            code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", "", bare(group), flags=re.M)
            found = declared.search(code) if "{" not in code.split(";")[0] else None
            if found and "/*" not in group and not above.strip().endswith("*/"):
                line = number + code[:found.start()].count("\n")
                yield f"{name}:{line}: {found.group(1)}() has no comment"
            if group.strip():
                above = group
            number += group.count("\n")


def rule_top(tree):
    """The top of the repository is a fixed list and dot files."""
    for entry in sorted({name.split("/")[0] for name in tree.names}):
        if entry not in TOP_LEVEL and not entry.startswith("."):
            yield f"{entry}: not at the top"


def rule_readmes(tree):
    """Each folder with sources says in a README what it is."""
    for folder in sorted({os.path.dirname(name) for name in tree.some(".c", ".h", ".py", ".js")}):
        # The README of a program or of tests/ may speak for the folders of its parts.
        up = os.path.dirname(folder)
        places = [folder] + ([up] if folder.count("/") > 1 or up == "tests" else [])
        if not any(f"{place}/README.md" in tree.names for place in places):
            yield f"{folder}: has no README.md"


def rule_scripts(tree):
    """Shell and Python scripts parse."""
    for name in tree.names:
        try:
            with open(tree.root / name, "rb") as file:
                first = file.readline(80)
        except OSError:
            continue
        if first.startswith(b"#!") and (b"bash" in first or b"/sh" in first):
            shell = "bash" if b"bash" in first else "sh"
            done = subprocess.run([shell, "-n", tree.root / name], capture_output=True, text=True)
            if done.returncode:
                yield f"{name}: {done.stderr.strip()}"
            if not os.access(tree.root / name, os.X_OK):
                yield f"{name}: is not executable"
        elif name.endswith(".py"):
            try:
                compile(tree.text(name), name, "exec")
            except SyntaxError as error:
                yield f"{name}:{error.lineno}: {error.msg}"


def rule_words(tree):
    """Nothing is left for later; no path of somebody's machine."""
    later = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3]) + r")\b")
    machine = re.compile(r"(?<![\w.)}])/(?:" + "wo" + r"rk|home/(?!\$))\b")
    for name in tree.names:
        if name.startswith("tests/fuzz/corpus/") or name == "LICENSE":
            continue
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            if later.search(line):
                yield f"{name}:{number}: {later.search(line).group(0)}: do it or leave it out"
            if machine.search(line):
                yield f"{name}:{number}: a path of one machine: {line.strip()[:80]}"


def rule_format(tree):
    """C is written as clang-format writes it."""
    names = tree.some(".c", ".h")
    if not names:
        return
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", "--style=file"] + names,
                          cwd=tree.root, capture_output=True, text=True)
    places = {}
    for file, line in re.findall(r"^(\S+?):(\d+):\d+: error:", done.stderr, re.M):
        places.setdefault(file, set()).add(int(line))
    for file, lines in places.items():
        yield f"{file}: lines {', '.join(map(str, sorted(lines)[:8]))}: run clang-format -i"
    if done.returncode and not places:
        yield done.stderr.strip()


RULES = {name[5:]: rule for name, rule in list(globals().items()) if name.startswith("rule_")}


def main():
    which = sys.argv[1] if len(sys.argv) > 1 else "all"
    tree = Tree(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parents[2])
    if which == "list":
        for name, rule in RULES.items():
            print(f"{name:10} {rule.__doc__.splitlines()[0]}")
        return 0
    faults = 0
    for name in RULES if which == "all" else [which]:
        for fault in RULES[name](tree):
            print(f"{name}: {fault}")
            faults += 1
    return faults > 0


if __name__ == "__main__":
    sys.exit(main())
