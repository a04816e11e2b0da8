"""JSON with places: EventBridge says where in a pattern its reader stopped, so every value remembers that."""

import re
from dataclasses import dataclass
from typing import Any

_SPACE = re.compile(r"[ \t\r\n]*")
_WORD = re.compile(r"[A-Za-z0-9_$]+")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_STRING = re.compile(r'"((?:[^"\\\x00-\x1f]|\\.)*)"')
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_ESCAPED = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_CONSTANTS = {"true": True, "false": False, "null": None}
_SHOWN_CHARACTERS = 500
_VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


class PatternError(ValueError):
    """A pattern that EventBridge refuses, with its reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Event pattern is not valid. Reason: {reason}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One value of the pattern."""

    value: Any
    """A scalar, a list of nodes, or a list of pairs of a name and a node: names may repeat."""

    is_object: bool = False
    seen: int
    """Where the reader stands when it has met the value: behind an opening bracket or quote, or behind a number."""

    end: int
    """Where it stands behind the whole value."""

    @property
    def is_list(self) -> bool:
        """Whether it is an array."""
        return isinstance(self.value, list) and not self.is_object

    @property
    def is_text(self) -> bool:
        """Whether it is a string."""
        return isinstance(self.value, str)

    @property
    def is_number(self) -> bool:
        """Whether it is a number."""
        return isinstance(self.value, int | float) and not isinstance(self.value, bool)


class Source:
    """A pattern's text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def error(self, reason: str, place: int, *, times: int = 1) -> PatternError:
        """The reason and where it was found; what goes wrong inside a list of `anything-but` is located twice."""
        line = self._text.count("\n", 0, place) + 1
        column = place - (self._text.rfind("\n", 0, place) + 1) + 1
        shown = f'"{self._text[:_SHOWN_CHARACTERS]}"'
        if len(self._text) > _SHOWN_CHARACTERS:
            shown += f"[truncated {len(self._text) - _SHOWN_CHARACTERS} chars]"
        where = f"\n at [Source: (String){shown}; line: {line}, column: {column}]"
        return PatternError(reason + where * times)

    def read(self) -> Node:
        """The document."""
        return self._value(self._skip(0))

    def _skip(self, place: int) -> int:
        found = _SPACE.match(self._text, place)
        return place if found is None else found.end()

    def _value(self, place: int) -> Node:
        first = self._text[place : place + 1]
        if first == "{":
            return self._object(place)
        if first == "[":
            return self._list(place)
        if first == '"':
            text, end = self._string(place)
            return Node(value=text, seen=place + 1, end=end)
        number = _NUMBER.match(self._text, place)
        if number is not None:
            text = number[0]
            return Node(value=float(text) if set(text) & set(".eE") else int(text), seen=number.end(), end=number.end())
        return self._constant(place)

    def _constant(self, place: int) -> Node:
        word = _WORD.match(self._text, place)
        if word is None:
            raise self._unexpected(place, f"expected a valid value {_VALUES}")
        if word[0] not in _CONSTANTS:
            raise self.error(f"Unrecognized token '{word[0]}': was expecting {_VALUES}", word.end())
        return Node(value=_CONSTANTS[word[0]], seen=word.end(), end=word.end())

    def _object(self, start: int) -> Node:
        pairs: list[tuple[str, Node]] = []
        place = self._skip(start + 1)
        while self._text[place : place + 1] != "}":
            if pairs:
                place = self._skip(self._expect(",", place, "was expecting comma to separate Object entries"))
            if self._text[place : place + 1] != '"':
                raise self._unexpected(place, "was expecting double-quote to start field name")
            name, place = self._string(place)
            place = self._expect(":", self._skip(place), "was expecting a colon to separate field name and value")
            node = self._value(self._skip(place))
            pairs.append((name, node))
            place = self._skip(node.end)
        return Node(value=pairs, is_object=True, seen=start + 1, end=place + 1)

    def _list(self, start: int) -> Node:
        items: list[Node] = []
        place = self._skip(start + 1)
        while self._text[place : place + 1] != "]":
            if items:
                place = self._skip(self._expect(",", place, "was expecting comma to separate Array entries"))
            items.append(self._value(place))
            place = self._skip(items[-1].end)
        return Node(value=items, seen=start + 1, end=place + 1)

    def _string(self, place: int) -> tuple[str, int]:
        found = _STRING.match(self._text, place)
        if found is None:
            raise self.error("Unexpected end-of-input: was expecting closing quote for a string value", len(self._text))

        def character(match: re.Match[str]) -> str:
            if match[1]:
                return chr(int(match[1], 16))
            if match[2] not in _ESCAPED:
                raise self.error(
                    f"Unrecognized character escape '{match[2]}' (code {ord(match[2])})", place + match.end() + 1
                )
            return _ESCAPED[match[2]]

        text = _ESCAPE.sub(character, found[1])
        # a pair of escapes stands for one character beyond the basic plane
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), found.end()

    def _expect(self, character: str, place: int, what: str) -> int:
        if self._text[place : place + 1] != character:
            raise self._unexpected(place, what)
        return place + 1

    def _unexpected(self, place: int, what: str) -> PatternError:
        found = self._text[place : place + 1]
        if not found:
            return self.error("Unexpected end-of-input: expected close marker for an Object or an Array", place)
        return self.error(f"Unexpected character ('{found}' (code {ord(found)})): {what}", place + 1)
