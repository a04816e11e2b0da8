"""What a search may choose: the range of each hyperparameter."""

from dataclasses import dataclass
from typing import Literal

from contract.hyperparameters import Scalar, encode
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.tree import setting

_NEEDED = {
    "integer": ("min", "max"),
    "continuous": ("min", "max"),
    "categorical": ("values",),
    "auto": ("hint",),
}
"""The keys of each type; `scaling` may stand beside `min` and `max`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Each tuned hyperparameter has a table of its own, with the keys of its type."""

    type: Literal["integer", "continuous", "categorical", "auto"] = setting(
        doc="Whole numbers, numbers, a list to choose from, or `auto`: SageMaker finds the range around a hint."
    )
    min: float | None = setting(None, "The least value.")
    max: float | None = setting(None, "The largest value.")
    scaling: Literal["Auto", "Linear", "Logarithmic", "ReverseLogarithmic"] | None = setting(
        None, "On which scale numbers are drawn; by default SageMaker chooses."
    )
    values: tuple[Scalar, ...] = setting((), "The values to choose from.")
    hint: Scalar | None = setting(None, "An example value, with which autotune finds a range.")

    def __post_init__(self) -> None:
        needed = _NEEDED[self.type]
        given = [name for name in ("min", "max", "values", "hint") if getattr(self, name) not in (None, ())]
        problems = [
            Problem(name, f"missing; a range of type {self.type} has {' and '.join(needed)}")
            for name in needed
            if name not in given
        ]
        takes = (*needed, *(("scaling",) if "min" in needed else ()))
        extra = [*given, *(("scaling",) if self.scaling is not None else ())]
        problems += [
            Problem(name, f"a range of type {self.type} has none (only {', '.join(takes)})")
            for name in extra
            if name not in takes
        ]
        if problems:
            raise SpecError(problems)

    @property
    def example(self) -> Scalar:
        """One of its values."""
        if self.type == "categorical":
            return self.values[0]
        if self.type == "auto":
            return "" if self.hint is None else self.hint
        least = float(self.min or 0)
        return int(least) if self.type == "integer" else least

    @property
    def texts(self) -> tuple[str, ...]:
        """The values of a categorical range as SageMaker carries them."""
        return tuple(encode(value) for value in self.values)

    @property
    def bounds(self) -> tuple[str, str]:
        """Both ends of a range of numbers as SageMaker carries them: whole numbers without a point."""
        least, most = float(self.min or 0), float(self.max or 0)
        if self.type == "integer":
            return str(int(least)), str(int(most))
        return repr(least), repr(most)
