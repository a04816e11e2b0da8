"""Rules about what a search may choose."""

from collections.abc import Iterator

from shardyard.spec.errors import Problem
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.tuning.ranges import Range
from shardyard.spec.rules.base import Facts, rule
from shardyard.spec.tuning.trials import kinds

TUNING_API = "CreateHyperParameterTuningJob, service model of botocore 1.44.5"
RANGES_PAGE = "SageMaker AI developer guide, automatic-model-tuning-define-ranges"
LIMITS_PAGE = "SageMaker AI developer guide, automatic-model-tuning-limits"
_REFUSED = "SageMaker refuses the request."


def _every_range(spec: JobSpec) -> Iterator[tuple[str, Range]]:
    """Each range of the file, once, with its place."""
    if spec.tuning is None:
        return
    for name, one in spec.tuning.ranges.items():
        yield f"tuning.ranges.{name}", one
    for number, definition in enumerate(spec.tuning.definitions):
        for name, one in definition.ranges.items():
            yield f"tuning.definitions[{number}].ranges.{name}", one


@rule("tuning-has-ranges", reason="There is nothing to search for.", source=f"{TUNING_API}: ParameterRanges")
def has_ranges(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A search has at least one range, and so has each of its definitions."""
    for kind in kinds(spec):
        if not kind.ranges:
            yield Problem(f"{kind.where}.ranges", "missing; a search needs a hyperparameter with a range")


@rule(
    "tuning-or-static",
    reason="SageMaker refuses a hyperparameter that has a range and a value.",
    source=f"{RANGES_PAGE}: a hyperparameter is static or tunable",
)
def tuned_or_static(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A hyperparameter has a range or a value, and not both."""
    for kind in kinds(spec):
        for name in kind.ranges:
            if name in kind.spec.hyperparameters:
                value = kind.spec.hyperparameters[name]
                message = f"hyperparameters.{name} is {value!r} already (give it a range or a value, not both)"
                yield Problem(f"{kind.where}.ranges.{name}", message)


@rule("tuning-range-order", reason="The range would hold no value, or one.", source=f"{RANGES_PAGE}")
def range_order(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A range's least value is less than its largest."""
    for where, one in _every_range(spec):
        if one.min is not None and one.max is not None and one.min >= one.max:
            yield Problem(f"{where}.min", f"{one.min:g} is not less than max = {one.max:g}")


@rule("tuning-whole-numbers", reason=_REFUSED, source=f"{TUNING_API}: IntegerParameterRange")
def whole_numbers(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A range of integers begins and ends with a whole number."""
    for where, one in _every_range(spec):
        for name, value in (("min", one.min), ("max", one.max)):
            if one.type == "integer" and value is not None and not value.is_integer():
                message = f'{value:g} is no whole number (or type = "continuous")'
                yield Problem(f"{where}.{name}", message)


@rule(
    "tuning-scaling",
    reason=_REFUSED,
    source=f"{RANGES_PAGE}: logarithmic above 0, reverse logarithmic within 0 <= x < 1 and never for integers",
)
def scaling(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A range fits its scale: logarithmic is above 0, reverse logarithmic is continuous and within 0 <= x < 1."""
    for where, one in _every_range(spec):
        if one.scaling == "Logarithmic" and one.min is not None and one.min <= 0:
            yield Problem(f"{where}.scaling", f"Logarithmic needs min above 0, and it is {one.min:g}")
        if one.scaling == "ReverseLogarithmic":
            if one.type == "integer":
                yield Problem(f"{where}.scaling", "ReverseLogarithmic is not for integers (Linear or Logarithmic)")
            elif one.min is not None and one.max is not None and not 0 <= one.min < one.max < 1:
                said = f"{one.min:g} to {one.max:g}"
                yield Problem(f"{where}.scaling", f"ReverseLogarithmic needs 0 <= x < 1, and the range is {said}")


@rule("tuning-categories", reason=_REFUSED, source=f"{TUNING_API}: ParameterValues, 1 to 30, of at most 256 letters")
def categories(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A list to choose from has at most 30 values, each once and of at most 256 letters."""
    for where, one in _every_range(spec):
        if len(one.values) > 30:
            yield Problem(f"{where}.values", f"{len(one.values)} values are not allowed (30 or fewer)")
        twice = next((text for text in one.texts if one.texts.count(text) > 1), None)
        if twice is not None:
            yield Problem(f"{where}.values", f"{twice} is given twice")
        long = next((text for text in one.texts if len(text) > 256), None)
        if long is not None:
            yield Problem(f"{where}.values", f"a value of {len(long)} letters is not allowed (256 or fewer)")


@rule(
    "tuning-range-names",
    reason="SageMaker refuses the request, or the program fails in every trial.",
    source=f"{TUNING_API}: ParameterKey, at most 256 letters; training.launcher.program for the equals sign",
)
def range_names(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A tuned hyperparameter's name has 1 to 256 letters on one line, and no equals sign."""
    for where, _ in _every_range(spec):
        name = where.partition("ranges.")[2]
        if not 1 <= len(name) <= 256 or not name.isprintable() or "=" in name:
            yield Problem(where, f"{name[:40]!r} is not allowed (1 to 256 letters on one line, no equals sign)")


@rule(
    "tuning-range-count",
    reason=_REFUSED,
    source=f"{LIMITS_PAGE}: 30 that are searched; {RANGES_PAGE}: 100 with the static ones and _tuning_objective_metric",
)
def range_count(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A search has at most 30 ranges in all, and a trial at most 99 hyperparameters."""
    if spec.tuning is None:
        return
    trials = kinds(spec)
    count = sum(len(kind.ranges) for kind in trials)
    if count > 30:
        together = f" of {len(trials)} definitions together" if len(trials) > 1 else ""
        yield Problem("tuning.ranges", f"{count} ranges{together} are not allowed (30 or fewer)")
    for kind in trials:
        every = len(kind.ranges) + len(kind.spec.hyperparameters)
        if every > 99:
            message = f"{every} hyperparameters with the static ones are not allowed (99, SageMaker adds one)"
            yield Problem(f"{kind.where}.ranges", message)
