#!/usr/bin/python3 -B
"""verdict.py FIRST [SECOND]: says what ctest's reports hold; the last line is "N passed, M failed, K skipped".

verdict.py --again FIRST prints the tests that are worth a second look, as a pattern for ctest: up to three, all of
whole programs on a machine with other work, where a wait of seconds can be a neighbour's doing. What no neighbour
can cause is not looked at twice: a sanitizer's report, a death, a secret, nor anything in a test of one module."""

import re
import sys
import xml.etree.ElementTree as tree

WHOLE = re.compile(r"(scenario|soak|clients|ui|quickstart|deploy|bench)\.")
NO_CHANCE = re.compile(r"Sanitizer|runtime error:|Assertion .* failed|broken invariant|event=must|"
                       r"unexpected: \{|a secret in|key in the banner")
MOST, TAIL = 3, 30


def cases(path):
    try:
        return {case.get("name"): case for case in tree.parse(path).getroot().findall("testcase")}
    except (OSError, tree.ParseError):
        return {}


def said(case):
    return case.findtext("system-out") or ""


def failed(found):
    return [name for name, case in found.items() if case.get("status") == "fail"]


def again(found):
    names = failed(found)
    if 0 < len(names) <= MOST and all(WHOLE.match(name) and not NO_CHANCE.search(said(found[name]))
                                      for name in names):
        return f"^({'|'.join(map(re.escape, names))})$"
    return ""


def was_skipped(case):
    """Skipped by its own word; what was not run for any other reason has failed."""
    mark = case.find("skipped")
    return mark is not None and "SKIP" in mark.get("message", "")


def verdict(first, second):
    unsteady = [name for name in failed(first) if second.get(name) is not None and
                second[name].get("status") == "run"]
    for name in failed(first):
        print(f"--- the end of {name}", *said(first[name]).splitlines()[-TAIL:], sep="\n")
    absent, skipped = [], []
    for name, case in first.items():
        if case.get("status") in ("notrun", "disabled"):
            (skipped if was_skipped(case) else absent).append(name)
            why = [line for line in said(case).splitlines() if "skipped:" in line]
            print(name, why[-1] if why else "was not run")
    bad = [name for name in failed(first) if name not in unsteady] + absent
    for name in unsteady:
        print("UNSTEADY", name, "failed beside others and passed alone")
    for name in bad:
        print("FAILED", name)
    count = len(bad) if first else 1
    print(f"{len(first) - len(bad) - len(skipped)} passed, {count} failed, {len(skipped)} skipped")
    return count > 0


if __name__ == "__main__":
    if sys.argv[1] == "--again":
        print(again(cases(sys.argv[2])))
    else:
        sys.exit(verdict(cases(sys.argv[1]), cases(sys.argv[2]) if len(sys.argv) > 2 else {}))
