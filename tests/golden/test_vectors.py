"""Every vector of vectors.txt and every mistake of mistakes.txt is held by something that is there."""

import re
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CASES = sorted(folder.name for folder in (HERE / "convert").iterdir())
VECTORS = [f"T{number:03}" for number in range(1, 168)] + ["T120b"]
MISTAKES = 85


def lines(name):
    return [line for line in (HERE / name).read_text(encoding="utf-8").splitlines()
            if not line.startswith("#")]


def has_case(number):
    """A letter behind the number makes a second case of it, unless that is a vector by itself."""
    names = [name for name in CASES if re.match(rf"{number}[a-z]*-", name)]
    return any(name.split("-")[0] == number or name.split("-")[0] not in VECTORS
               for name in names)


def is_there(evidence):
    """FILE:WORD, or the beginning of a case's name."""
    name, colon, word = evidence.partition(":")
    if not colon:
        return any(case.startswith(evidence) for case in CASES)
    file = ROOT / name
    return file.is_file() and word in file.read_text(encoding="utf-8")


class Vectors(unittest.TestCase):
    def test_each_vector_is_held(self):
        rows = {line.split()[0]: line.split()[2:] for line in lines("vectors.txt")}
        self.assertEqual(sorted(VECTORS), sorted(rows))
        for number, evidence in rows.items():
            with self.subTest(vector=number):
                self.assertTrue(evidence or has_case(number), "no case of that number")
                for one in evidence:
                    self.assertTrue(is_there(one), one)

    def test_each_mistake_is_held(self):
        rows = [line.split(" | ") for line in lines("mistakes.txt")]
        self.assertEqual(list(range(1, MISTAKES + 1)), [int(row[0]) for row in rows])
        for number, evidence, what in rows:
            with self.subTest(mistake=number, what=what):
                for one in [] if evidence.startswith("- ") else evidence.split():
                    self.assertTrue(is_there(one), one)


if __name__ == "__main__":
    unittest.main()
