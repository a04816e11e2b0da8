"""Errors in what a user wrote: every problem at once, one line each."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LISTED = 40
"""How many known words a message lists at most."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake, and where it is."""

    where: str
    """Where, in the user's terms: `jobs/gpt.toml: compute.count`, or `-c budget.monthly_usd`."""

    message: str
    """What is wrong, with the value given and the values allowed."""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class SpecError(ValueError):
    """Settings, a job or an execution's input is invalid; `problems` lists every mistake."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def nearest(word: str, known: Sequence[str]) -> str:
    """The end of a sentence about an unknown word: the known word that was probably meant, or the known words."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.55)
    if close:
        return f"did you mean {close[0]!r}?"
    listed = sorted(known)
    more = f" and {len(listed) - LISTED} more" if len(listed) > LISTED else ""
    return f"known: {', '.join(listed[:LISTED])}{more}"
