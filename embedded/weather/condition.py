"""One condition of the weather: its name, its values, and where it is known from."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from embedded.operations import ServiceError


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Who says that AWS may be so."""

    text: str
    """The document and the sentence or table in it."""
    date: str
    """When it was read."""


Value = TypeVar("Value", str, float)


class Condition(Generic[Value]):
    """A value that is `fair` until someone changes it."""

    def __init__(
        self, name: str, *, fair: Value, pessimistic: Value, about: str, source: Source, combines: bool = True
    ) -> None:
        """`combines` is False for what would keep everything else from happening: `pessimistic` leaves it out."""
        self.name, self.about, self.source, self.combines = name, about, source, combines
        self.fair: Value = fair
        self.pessimistic: Value = pessimistic
        self.value: Value = fair

    def read(self, given: Any) -> Value:
        """A value from outside; raises ServiceError with what is allowed."""
        raise NotImplementedError

    def refuse(self, given: Any, allowed: str) -> ServiceError:
        """The error for a value that is not allowed."""
        return ServiceError("ValidationException", f"the condition {self.name} must be {allowed}, not {given!r}")


class Choice(Condition[str]):
    """One of two words: the fair one and the other."""

    def read(self, given: Any) -> str:
        """One of the words."""
        if given not in (self.fair, self.pessimistic):
            raise self.refuse(given, f"{self.fair} or {self.pessimistic}")
        return str(given)


class Amount(Condition[float]):
    """A number of at least 0."""

    def read(self, given: Any) -> float:
        """The number; no infinity, which JSON has no word for."""
        number = given if isinstance(given, int | float) and not isinstance(given, bool) else -1.0
        if not 0 <= number < float("inf"):
            raise self.refuse(given, "a number of at least 0")
        return float(number)
