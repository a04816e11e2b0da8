"""A loop over what was found asserts nothing when nothing was found; `some` fails there instead."""

from collections.abc import Collection, Iterable
from typing import TypeVar

T = TypeVar("T")


def some(found: Iterable[T]) -> Collection[T]:
    """What was found, which must not be nothing."""
    kept = found if isinstance(found, Collection) else list(found)
    assert kept, "nothing was found, so nothing would be asserted"
    return kept
