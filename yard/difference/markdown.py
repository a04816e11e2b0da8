"""A comparison as Markdown, for a comment on a pull request."""

from collections.abc import Iterator

from yard.difference.report import Difference
from yard.difference.text import money, sections

_FOLDED = ("Rights", "Resources", "Parameters")
"""Parts that are long and read by few: folded, with the number of their lines."""


def markdown(found: Difference) -> Iterator[str]:
    """The comment: what matters first, what is long folded away."""
    yield f"### What a deploy would change{'' if not found.is_empty else ': nothing'}"
    yield ""
    lost = [one for one in found.resources if one.loses]
    if lost:
        yield f"> **Data would be lost** with {len(lost)} resource{'' if len(lost) == 1 else 's'}."
        yield ""
    for title, lines in sections(found):
        if title in _FOLDED:
            yield f"<details><summary>{title} ({len(lines)} lines)</summary>"
            yield ""
            yield from _block(lines)
            yield "</details>"
        else:
            yield f"**{title}**"
            yield ""
            yield from _block(lines)
        yield ""
    yield money(found)


def _block(lines: list[str]) -> Iterator[str]:
    """The lines as they are: a block of code takes every letter literally, and `diff` colours the marks."""
    longest = max((len(run) for line in lines for run in _ticks(line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}diff"
    yield from lines
    yield fence


def _ticks(line: str) -> list[str]:
    return ["`" * len(run) for run in "".join(c if c == "`" else " " for c in line).split()]
