"""The subset of JSONPath that a batch transform's filters may use (SageMaker AI developer guide).

Of an array: `$[1]`, `$[1,3,-1]`, `$[2:]`, `$[0,5:]`. Of an object: `$.id`, `$['id','SageMakerOutput']`. Of both: `*`.
About a slice with an end AWS contradicts itself: by the guide's prose `$[1:4]` holds the fifth column, by the library
that it refers to it does not. So such a slice is known, and `is_ambiguous` says so.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_LETTERS = 63
"""The longest filter that the service takes."""

_NAME = r"[^.\[\]*'\",:\s]+"
_QUOTED = r"'[^']+'"
_NUMBER = r"-?[0-9]+"
_PART = rf"(?:{_NUMBER})?:(?:{_NUMBER})?|{_NUMBER}"
_STEP = re.compile(
    rf"\.?\[\s*(?P<names>{_QUOTED}(?:\s*,\s*{_QUOTED})*)\s*\]"
    rf"|\[\s*(?P<parts>(?:{_PART})(?:\s*,\s*(?:{_PART}))*)\s*\]"
    rf"|(?P<all>\.\*|\[\s*\*\s*\])"
    rf"|\.(?P<name>{_NAME})"
)


class PathError(ValueError):
    """A filter that is outside the subset, or that finds nothing in a record."""


@dataclass(frozen=True, slots=True)
class Slice:
    """`2:` or `:5` or `2:5`."""

    start: int | None
    end: int | None


@dataclass(frozen=True, slots=True)
class Names:
    """`.id`, `['id']`, or several."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Positions:
    """`[1]`, `[1,3]`, `[2:]`."""

    parts: tuple[int | Slice, ...]


@dataclass(frozen=True, slots=True)
class Everything:
    """`*`."""


Step = Names | Positions | Everything


@dataclass(frozen=True, slots=True)
class Path:
    """A filter, read."""

    text: str
    steps: tuple[Step, ...]

    @property
    def is_root(self) -> bool:
        """Whether it is `$`, which keeps everything as it is."""
        return not self.steps

    @property
    def is_ambiguous(self) -> bool:
        """Whether it has a slice with an end."""
        return any(isinstance(part, Slice) and part.end is not None for part in self._parts())

    @property
    def selects_columns(self) -> bool:
        """Whether it may be used on CSV, whose rows are arrays."""
        return len(self.steps) <= 1 and all(isinstance(step, Positions | Everything) for step in self.steps)

    def _parts(self) -> list[int | Slice]:
        return [part for step in self.steps if isinstance(step, Positions) for part in step.parts]

    def select(self, value: Any) -> Any:
        """What the filter keeps; several names give an object, several positions an array."""
        for step in self.steps:
            value = self._step(step, value)
        return value

    def columns(self, row: Sequence[str]) -> list[str]:
        """The columns that it keeps of a CSV row."""
        kept = self.select(row)
        return [kept] if isinstance(kept, str) else list(kept)

    def _step(self, step: Step, value: Any) -> Any:
        match step:
            case Names(names):
                return self._named(names, value)
            case Positions(parts):
                return self._at(parts, value)
        if isinstance(value, Mapping):
            return list(value.values())
        return list(self._array(value))

    def _named(self, names: tuple[str, ...], value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise PathError(f"{self.text} asks {_kind(value)} for {names[0]!r}, which only an object has")
        for name in names:
            if name not in value:
                raise PathError(f"{self.text} asks for {name!r}, and the record has {_listed(value)}")
        return value[names[0]] if len(names) == 1 else {name: value[name] for name in names}

    def _at(self, parts: tuple[int | Slice, ...], value: Any) -> Any:
        array = self._array(value)
        if len(parts) == 1 and isinstance(parts[0], int):
            return self._item(array, parts[0])
        kept: list[Any] = []
        for part in parts:
            kept += array[part.start : part.end] if isinstance(part, Slice) else [self._item(array, part)]
        return kept

    def _item(self, array: Sequence[Any], position: int) -> Any:
        if not -len(array) <= position < len(array):
            raise PathError(f"{self.text} asks for position {position}, and there are {len(array)}, counted from 0")
        return array[position]

    def _array(self, value: Any) -> Sequence[Any]:
        if isinstance(value, Sequence) and not isinstance(value, str):
            return value
        raise PathError(f"{self.text} asks {_kind(value)} for positions, which only an array has")


def parse(text: str) -> Path:
    """Read a filter; PathError says what is outside the subset."""
    if not text.startswith("$"):
        raise PathError(f"{text!r} does not begin with $, the record itself")
    steps: list[Step] = []
    position = 1
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            raise PathError(
                f"{text!r} has {text[position:]!r} at letter {position + 1}, which batch transform does not know "
                "(known are .name, ['name','name'], [1,3], [2:] and *)"
            )
        steps.append(_read(found))
        position = found.end()
    return Path(text, tuple(steps))


def _read(found: re.Match[str]) -> Step:
    if found["all"] is not None:
        return Everything()
    if found["name"] is not None:
        return Names((found["name"],))
    if found["names"] is not None:
        return Names(tuple(one.strip().strip("'") for one in re.findall(_QUOTED, found["names"])))
    return Positions(tuple(_part(one.strip()) for one in found["parts"].split(",")))


def _part(text: str) -> int | Slice:
    start, colon, end = text.partition(":")
    if not colon:
        return int(start)
    return Slice(int(start) if start else None, int(end) if end else None)


def _kind(value: Any) -> str:
    kinds = {str: "a text", bool: "true or false", int: "a number", float: "a number", type(None): "null"}
    if isinstance(value, Mapping):
        return "an object"
    return "an array" if isinstance(value, Sequence) and not isinstance(value, str) else kinds[type(value)]


def _listed(value: Mapping[str, Any]) -> str:
    names = ", ".join(repr(name) for name in list(value)[:20])
    return names if names else "no attributes"
