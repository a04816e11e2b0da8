"""Rules about how many trials a search has, at once and in all, and for how long."""

from collections.abc import Iterator

from shardyard.spec.errors import Problem
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.requests.tuning import MOST_METRICS
from shardyard.spec.rules.base import Facts, rule
from shardyard.spec.rules.tuning.ranges import LIMITS_PAGE, TUNING_API
from shardyard.spec.tuning.trials import kinds, most_trials
from shardyard.spec.units import format_duration

_REFUSED = "SageMaker refuses the request."
_MOST_TRIALS = {"Bayesian": 750, "Random": 10_000, "Hyperband": 750, "Grid": 750}
_LONGEST_SECONDS = 30 * 86400


@rule(
    "tuning-max-jobs",
    reason="SageMaker refuses the request, and without a number nobody knows what the search may cost.",
    source=f"{LIMITS_PAGE}: 750 trials; a random search may be given 10,000",
)
def max_jobs(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A search says how many trials it has at most: 750, and up to 10,000 if it is random."""
    tuning = spec.tuning
    if tuning is None:
        return
    count, most = most_trials(spec), _MOST_TRIALS[tuning.strategy]
    if count is None:
        yield Problem("tuning.max_jobs", "missing; say how many trials the search may have (only a grid knows)")
    elif count > most:
        message = f"{count} trials are not allowed ({most} or fewer with the strategy {tuning.strategy})"
        yield Problem("tuning.max_jobs", message)


@rule("tuning-parallel", reason=_REFUSED, source=f"{TUNING_API}: ResourceLimits")
def parallel(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A search has no more trials at once than in all."""
    count = None if spec.tuning is None else most_trials(spec)
    if spec.tuning is not None and count is not None and spec.tuning.max_parallel > count:
        yield Problem("tuning.max_parallel", f"{spec.tuning.max_parallel} at once are more than {count} in all")


@rule(
    "tuning-time",
    reason="SageMaker refuses a longer search; in a shorter one no trial could use its own time.",
    source=f"{LIMITS_PAGE}: 30 days",
)
def search_time(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A search lasts at most 30 days, and at least as long as one trial may."""
    limit = None if spec.tuning is None else spec.tuning.max_runtime_seconds
    if limit is None:
        return
    if limit > _LONGEST_SECONDS:
        yield Problem("tuning.max_runtime", f"{format_duration(limit)} is not allowed (30d or less)")
    for kind in kinds(spec):
        trial = kind.spec.limits.max_runtime_seconds
        if trial > limit:
            message = f"{format_duration(limit)} is less than one trial may take ({format_duration(trial)})"
            yield Problem("tuning.max_runtime", f"{message}; shorten limits.max_runtime")
            return


@rule("tuning-definitions", reason=_REFUSED, source=f"{TUNING_API}: TrainingJobDefinitions, 1 to 10, named apart")
def definitions(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A search has at most 10 definitions, each with a name of its own."""
    names = [] if spec.tuning is None else [one.name for one in spec.tuning.definitions]
    if len(names) > 10:
        yield Problem("tuning.definitions", f"{len(names)} are not allowed (10 or fewer)")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        yield Problem("tuning.definitions", f"{twice!r} is the name of two (choose another)")


@rule(
    "tuning-instances",
    reason=_REFUSED,
    source=f"{TUNING_API}: HyperParameterTuningInstanceConfigs, 1 to 6; ResourceConfig",
)
def instances(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """Trials have at most 6 instance types to choose from, in tuning.instances."""
    if spec.tuning is None:
        return
    for kind in kinds(spec):
        if len(kind.instances) > 6:
            yield Problem(f"{kind.where}.instances", f"{len(kind.instances)} are not allowed (6 or fewer)")
        if spec.compute.preferences and not kind.instances:
            message = "trials choose from tuning.instances (list the types there)"
            yield Problem("compute.preferences", message)
            return


@rule("tuning-metric-count", reason=_REFUSED, source=f"{LIMITS_PAGE}: 20 metrics")
def metric_count(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A job that is tuned has at most 20 metrics of its own."""
    if spec.tuning is not None and len(spec.metrics) > MOST_METRICS:
        yield Problem("metrics", f"{len(spec.metrics)} are not allowed in a search ({MOST_METRICS} or fewer)")
