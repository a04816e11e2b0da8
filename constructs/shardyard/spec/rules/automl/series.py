"""Rules about forecasts by AutoML jobs."""

import re
from collections.abc import Iterator

from shardyard.spec.errors import Problem
from shardyard.spec.jobs.automl.automl import AutoMLSpec
from shardyard.spec.jobs.automl.problems import COLUMN
from shardyard.spec.rules.automl.jobs import API
from shardyard.spec.rules.base import Facts, rule

_FILLS = ("zero", "value", "median", "mean", "min", "max")
FILLING = {"frontfill": ("none",), "middlefill": _FILLS, "backfill": _FILLS, "futurefill": _FILLS}
"""Each place of a gap, and what may stand there."""
AGGREGATIONS = ("sum", "avg", "first", "min", "max")
_MOST = 5


@rule(
    "automl-quantiles",
    of=AutoMLSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: ForecastQuantiles, from p1 to p99 and up to five",
)
def automl_quantiles(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """A forecast has at most five quantiles, from p1 to p99, each once."""
    quantiles = () if spec.forecasting is None else spec.forecasting.quantiles
    if len(quantiles) > _MOST:
        yield Problem("forecasting.quantiles", f"{len(quantiles)} are not allowed ({_MOST} or fewer)")
    for one in dict.fromkeys(quantiles):
        if re.fullmatch(r"p[1-9]\d?", one) is None:
            yield Problem("forecasting.quantiles", f"{one!r} is not allowed (p1 to p99, such as p50)")
        elif quantiles.count(one) > 1:
            yield Problem("forecasting.quantiles", f"{one} appears {quantiles.count(one)} times (remove one)")


@rule(
    "automl-groups",
    of=AutoMLSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: GroupingAttributeNames, 1 to 5 names of up to 256 letters",
)
def automl_groups(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """A series is told apart by at most five more columns, none of which has another part."""
    series = spec.forecasting
    if series is None:
        return
    if len(series.groups) > _MOST:
        yield Problem("forecasting.groups", f"{len(series.groups)} are not allowed ({_MOST} or fewer)")
    for column in series.groups:
        if re.fullmatch(COLUMN, column) is None:
            yield Problem("forecasting.groups", f"{column[:40]!r} is no name of a column (1 to 256 letters)")
        elif column in (series.target, series.timestamp, series.item):
            yield Problem("forecasting.groups", f"{column!r} has another part already (remove it)")


@rule(
    "automl-filling",
    of=AutoMLSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: TimeSeriesTransformations, Filling",
)
def automl_filling(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """A gap is filled in a way that its place has, and with a number where that way is `value`."""
    series = spec.forecasting
    if series is None:
        return
    found = [(column, place, way) for column, ways in series.filling.items() for place, way in ways.items()]
    for column, place, way in found:
        where, filled = f"forecasting.filling.{column}.{place}", place.removesuffix("_value")
        if filled not in FILLING:
            yield Problem(where, f"{place!r} is no place of a gap (one of {', '.join(FILLING)})")
        elif place != filled:
            if series.filling[column].get(filled) != "value":
                yield Problem(where, f'it belongs to {filled} = "value" (add that, or remove it)')
        elif way not in FILLING[place]:
            yield Problem(where, f"{way!r} is not allowed (one of {', '.join(FILLING[place])})")
        elif place == "frontfill" and column != series.target:
            yield Problem(where, f"only the target ({series.target}) has it (remove it)")
        elif way == "value" and f"{place}_value" not in series.filling[column]:
            yield Problem(where, f"it needs the value beside it ({place}_value)")


@rule(
    "automl-aggregation",
    of=AutoMLSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: TimeSeriesTransformations, Aggregation, `only supported for the target column`",
)
def automl_aggregation(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """Only the target's values are aggregated, in one of five ways."""
    series = spec.forecasting
    if series is None:
        return
    for column, way in series.aggregation.items():
        where = f"forecasting.aggregation.{column}"
        if column != series.target:
            yield Problem(where, f"only the target ({series.target}) can be aggregated (remove it)")
        elif way not in AGGREGATIONS:
            yield Problem(where, f"{way!r} is not allowed (one of {', '.join(AGGREGATIONS)})")
