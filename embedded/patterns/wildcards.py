"""Wildcards: `*` stands for any characters, and a pattern must not keep too many beginnings of itself open."""

import re

from embedded.patterns.reading import PatternError

_MOST_OPEN = 9
"""How many beginnings of one wildcard may fit a text at once. The service publishes no figure: it takes patterns
of seven and refuses one of ten."""


class Malformed(Exception):
    """A wildcard that cannot be read, and where: positions count the opening quote, as the service does."""


def read(text: str) -> re.Pattern[str]:
    """The wildcard as a regular expression."""
    steps = _steps(text)
    if _open_at_once(steps) > _MOST_OPEN:
        raise PatternError(
            "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after "
            "a wildcard character"
        )
    return re.compile("".join(".*" if step is None else re.escape(step) for step in steps), re.DOTALL)


def _steps(text: str) -> list[str | None]:
    """The characters one by one; None is a wildcard."""
    steps: list[str | None] = []
    index = 0
    while index < len(text):
        character, following = text[index], text[index + 1 : index + 2]
        # bytes are counted, and the quote before the text
        place = len(text[:index].encode()) + 1
        if character == "*":
            if following == "*":
                raise Malformed(f"Consecutive wildcard characters at pos {place}")
            steps.append(None)
        elif character == "\\":
            if following not in ("*", "\\"):
                raise Malformed(f"Invalid escape character at pos {place}")
            steps.append(following)
            index += 1
        else:
            steps.append(character)
        index += 1
    return steps


def _open_at_once(steps: list[str | None]) -> int:
    """The most beginnings of the wildcard that one text can fit, by the characters that the wildcard itself has."""
    if None not in steps:
        return 1
    letters = {step for step in steps if step is not None}
    start = frozenset({0} | ({1} if steps[0] is None else set()))
    seen, waiting, most = {start}, [start], 1
    while waiting:
        states = waiting.pop()
        most = max(most, sum(state > 0 for state in states))
        if most > _MOST_OPEN:
            break
        for letter in letters:
            after = _after(steps, states, letter)
            if after and after not in seen:
                seen.add(after)
                waiting.append(after)
    return most


def _after(steps: list[str | None], states: frozenset[int], letter: str) -> frozenset[int]:
    """The beginnings that fit one character later; a state is the number of steps done."""
    found = set()
    for state in states:
        if state and steps[state - 1] is None:
            found.add(state)
        if state < len(steps) and steps[state] == letter:
            found.add(state + 1)
            if state + 1 < len(steps) and steps[state + 1] is None:
                found.add(state + 2)
    return frozenset(found)
