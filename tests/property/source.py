"""JSON with its source kept: numbers by their digits, members in order, repeated ones too. And
texts that are hard to carry."""

import json


class Raw(str):
    """JSON text that is written as it stands."""


class Number(str):
    """A number by its digits."""


class Object(dict):
    """An object that remembers all its members."""

    def __init__(self, pairs):
        super().__init__(pairs)
        self.pairs = pairs


def parse(text):
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    return json.loads(text, object_pairs_hook=Object, parse_int=Number, parse_float=Number,
                      parse_constant=Number)


def opaque(value):
    """A value as something that can be compared, to the last digit and member."""
    if isinstance(value, Object):
        return "object", tuple((key, opaque(item)) for key, item in value.pairs)
    if isinstance(value, list):
        return "array", tuple(map(opaque, value))
    if isinstance(value, Number):
        return "number", str(value)
    return type(value).__name__, value


def write(value, chance):
    """JSON text; strings sometimes with escapes where none are needed."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, str):
        lone = any(0xd800 <= ord(c) < 0xe000 for c in value)
        return json.dumps(value, ensure_ascii=lone or chance.random() < 0.3)
    if isinstance(value, dict):
        space = " " if chance.random() < 0.1 else ""
        return "{" + ",".join(f"{json.dumps(key)}:{space}{write(item, chance)}"
                              for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(write(item, chance) for item in value) + "]"
    return json.dumps(value)


PIECES = ("word", " ", "\n", "\"", "\\", "/", "\u0001", "\0", "é", "漢字", "😀", "👩\u200d👧", "e\u0301",
          "\u2028", "\ud83d", "\udc00", "\ufffd", "\\u0041", "</think>", "{}", "data: [DONE]\n\n", "\t",
          "[tool error] ", "\r\n", "\ufeff", "pmt1.")


def joined(value):
    """Two halves of a surrogate pair that have met are one character."""
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def text(chance, most=6):
    """Never empty, never only space."""
    return joined("x" + "".join(
        chance.choice(PIECES) for _ in range(chance.randrange(most))) + ".")


def json_text(chance, depth=2):
    kind = chance.randrange(9 if depth > 0 else 7)
    if kind == 7:
        return "[" + ",".join(json_text(chance, depth - 1)
                              for _ in range(chance.randrange(3))) + "]"
    if kind == 8:
        return object_text(chance, depth - 1)
    return (Raw("null"), Raw("true"), Raw("9007199254740993"), Raw("-0"), Raw("1.10"),
            Raw("1e400"), Raw(write(text(chance), chance)))[kind]


def object_text(chance, depth=2):
    members = [f"{write(chance.choice(('a', 'b', 'input', 'ü', '')), chance)}:"
               f"{json_text(chance, depth)}" for _ in range(chance.randrange(4))]
    return Raw("{" + ",".join(members) + "}")
