"""Errors in what a user wrote: every problem at once, one line each."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

LISTED = 40
"""How many known words a message lists at most."""
MOST_TOLD = 100
"""How many problems are told at once: who has more reads the first."""
_SHOWN_LETTERS = 80
_MOST_WHERE = 400
_DEEPEST = 50
"""Nothing that a person defines has so many tables in tables."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake, and where it is."""

    where: str
    """Where, in the user's terms: `jobs/gpt.toml: compute.count`, or `-c budget.monthly_usd`."""

    message: str
    """What is wrong, with the value given and the values allowed."""

    def __str__(self) -> str:
        where = self.where if len(self.where) <= _MOST_WHERE else f"{self.where[: _MOST_WHERE - 4]}..."
        message = "\n".join(map(one_line, self.message.split("\n")))  # commands to copy stand on lines of their own
        return f"{one_line(where)}: {message}" if where else message


def one_line(text: str) -> str:
    """A text without line breaks, half letters and what moves a terminal's cursor: as Python would write them."""
    return text if text.isprintable() else "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def said(raw: Any) -> str:
    """A value as its author wrote it, cut to fit one line."""
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, str) and len(raw) > _SHOWN_LETTERS:
        raw = raw[:_SHOWN_LETTERS]  # it may have megabytes
        return f"{repr(raw)[: _SHOWN_LETTERS - 4]}..."
    try:
        shown = str(raw) if isinstance(raw, date | time) else repr(raw)
    except (RecursionError, ValueError):  # 100,000 lists in one another, a number of 5,000 digits
        return "a number of very many digits" if isinstance(raw, int) else "something very deep"
    return shown if len(shown) <= _SHOWN_LETTERS else f"{shown[: _SHOWN_LETTERS - 4]}..."


def is_too_deep(raw: Any) -> bool:
    """Whether tables and lists lie in one another so deep that what walks through them would not come back."""
    level = [raw]
    for _ in range(_DEEPEST):
        inner = [one.values() if isinstance(one, Mapping) else one for one in level if isinstance(one, Mapping | list)]
        level = [value for values in inner for value in values if isinstance(value, Mapping | list)]
        if not level:
            return False
    return True


def too_deep(where: str) -> Problem:
    """The problem of something that is."""
    return Problem(where, f"its tables and lists lie in one another, and {_DEEPEST} deep is the most")


class SpecError(ValueError):
    """Settings, a job or an execution's input is invalid; `problems` lists every mistake."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        lines = [str(problem) for problem in self.problems[:MOST_TOLD]]
        more = len(self.problems) - len(lines)
        super().__init__("\n".join([*lines, f"and {more:,} more problems"] if more else lines))


def nearest(word: str, known: Sequence[str]) -> str:
    """The end of a sentence about an unknown word: the known word that was probably meant, or the known words."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.55)
    if close:
        return f"did you mean {close[0]!r}?"
    listed = sorted(known)
    more = f" and {len(listed) - LISTED} more" if len(listed) > LISTED else ""
    return f"known: {', '.join(listed[:LISTED])}{more}"
