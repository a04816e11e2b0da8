"""Rules for the ranges of hyperparameters."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

KINDS = ("IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges")
_MOST_TUNED = 30


def entries(ranges: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Each range with its kind, in the order of the kinds."""
    return [(kind, entry) for kind in KINDS for entry in ranges.get(kind, ())]


def check_ranges(ranges: Mapping[str, Any], statics: Mapping[str, str], strategy: str) -> Iterator[str]:
    """What is wrong with the ranges of one definition."""
    found = entries(ranges)
    names = [entry["Name"] for _, entry in found]
    if not found:
        yield "At least one hyperparameter range must be specified in ParameterRanges or HyperParameterRanges."
    if len(found) > _MOST_TUNED:
        yield f"The number of hyperparameters to search must be at most {_MOST_TUNED}, not {len(found)}."
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        yield f"Hyperparameter names must be unique among all ranges, but more than one range is for {_listed(twice)}."
    both = [name for name in names if name in statics]
    if both:
        yield f"A hyperparameter cannot be both static and tuned: {_listed(both)}."
    if strategy == "Grid":
        others = [entry["Name"] for kind, entry in found if kind != "CategoricalParameterRanges"]
        if others:
            yield f"The Grid strategy takes CategoricalParameterRanges only, and {_listed(others)} is in another range."
    for kind, entry in found:
        yield from _categorical(entry) if kind == "CategoricalParameterRanges" else _numeric(kind, entry)


def _categorical(entry: Mapping[str, Any]) -> Iterator[str]:
    values: Sequence[str] = entry["Values"]
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        yield f"The values of categorical hyperparameter {entry['Name']} must be unique: {_listed(twice)} is repeated."


def _numeric(kind: str, entry: Mapping[str, Any]) -> Iterator[str]:
    name, scaling = entry["Name"], entry.get("ScalingType", "Auto")
    low, high = _number(kind, entry["MinValue"]), _number(kind, entry["MaxValue"])
    for field, value in (("MinValue", low), ("MaxValue", high)):
        if value is None:
            wanted = "an integer" if kind == "IntegerParameterRanges" else "a number"
            yield f"{field} of hyperparameter {name} must be {wanted}, not {entry[field]!r}."
    if low is None or high is None:
        return
    if low > high or (low == high and kind == "ContinuousParameterRanges"):
        order = "at least" if kind == "IntegerParameterRanges" else "greater than"
        ends = f"MinValue {entry['MinValue']}, not {entry['MaxValue']}"
        yield f"MaxValue of hyperparameter {name} must be {order} {ends}."
    if scaling == "Logarithmic" and low <= 0:
        yield f"Logarithmic scaling of hyperparameter {name} needs a MinValue above 0, not {entry['MinValue']}."
    if scaling == "ReverseLogarithmic":
        if kind == "IntegerParameterRanges":
            yield f"ReverseLogarithmic scaling is for continuous ranges only, and {name} is an integer."
        elif not 0 <= low <= high < 1:
            yield f"ReverseLogarithmic scaling of hyperparameter {name} needs a range within 0 <= x < 1."


def _number(kind: str, text: str) -> float | None:
    try:
        value = int(text) if kind == "IntegerParameterRanges" else float(text)
        return float(value) if math.isfinite(value) else None
    except (ValueError, OverflowError):
        return None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
