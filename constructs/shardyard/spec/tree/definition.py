"""What a file defines as a whole: a dataclass that becomes plain tables and is read back from them."""

from collections.abc import Mapping
from typing import Any, Self

from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.tree.fields import dump
from shardyard.spec.tree.reading import build


class Definition:
    """The base of a job's and of an endpoint's definition; state machines and functions carry them as tables."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The definition as plain JSON tables, without values that equal their defaults."""
        tables: dict[str, Any] = dump(self)
        return tables

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], *, where: str = "") -> Self:
        """Read what `to_dict` wrote; reports every problem at once."""
        problems: list[Problem] = []
        read = build(cls, raw, where=where, problems=problems)
        if read is None:
            raise SpecError(problems)
        return read
