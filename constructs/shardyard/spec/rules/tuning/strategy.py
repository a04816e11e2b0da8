"""Rules about how a search chooses, and what excludes what."""

from collections.abc import Iterator, Mapping

from contract.hyperparameters import Scalar
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.rules.base import Facts, rule
from shardyard.spec.rules.tuning.ranges import RANGES_PAGE, TUNING_API
from shardyard.spec.tuning.trials import kinds, most_trials

_REFUSED = "SageMaker refuses the request."
_WARM_START_PAGE = "SageMaker AI developer guide, automatic-model-tuning-warm-start"
_EPOCHS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
"""The hyperparameters from which SageMaker infers how long a trial of Hyperband may become."""
_MOST_EPOCHS = 20_000


@rule(
    "tuning-hyperband-stops-itself",
    reason=_REFUSED,
    source=f"{TUNING_API}: TrainingJobEarlyStoppingType, Off with Hyperband",
)
def hyperband_stops_itself(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """Hyperband, which stops trials by itself, has no early stopping."""
    tuning = spec.tuning
    if tuning is not None and tuning.strategy == "Hyperband" and tuning.early_stopping:
        yield Problem("tuning.early_stopping", "Hyperband stops trials by itself (set it to false)")


@rule(
    "tuning-hyperband-resources",
    reason=_REFUSED,
    source=f"{TUNING_API}: HyperbandStrategyConfig, at most 20,000 epochs; MaxResource is inferred from {_EPOCHS}",
)
def hyperband_resources(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """Hyperband knows how many epochs a trial may have; no other strategy is told."""
    tuning = spec.tuning
    if tuning is None:
        return
    given = tuning.hyperband
    if tuning.strategy != "Hyperband":
        if given is not None:
            yield Problem("tuning.hyperband", f"it is of the strategy Hyperband, and the strategy is {tuning.strategy}")
        return
    most = None if given is None else given.max_resource
    if most is None:
        for kind in kinds(spec):
            if _epochs(kind.spec.hyperparameters) is None:
                message = f"missing; no hyperparameter says it either (one of {', '.join(_EPOCHS)})"
                yield Problem("tuning.hyperband.max_resource", message)
                return
        return
    if most > _MOST_EPOCHS:
        yield Problem("tuning.hyperband.max_resource", f"{most} is not allowed ({_MOST_EPOCHS} or less)")
    least = None if given is None else given.min_resource
    if least is not None and least > most:
        yield Problem("tuning.hyperband.min_resource", f"{least} is more than max_resource = {most}")


def _epochs(hyperparameters: Mapping[str, Scalar]) -> Scalar | None:
    return next((hyperparameters[name] for name in _EPOCHS if name in hyperparameters), None)


@rule("tuning-grid-is-categorical", reason=_REFUSED, source=f"{RANGES_PAGE}: a grid takes categorical values only")
def grid_is_categorical(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A grid has lists of values, and no ranges of numbers."""
    if spec.tuning is None or spec.tuning.strategy != "Grid":
        return
    for kind in kinds(spec):
        for name, one in kind.ranges.items():
            if one.type != "categorical":
                message = f'{one.type} is not for a grid (type = "categorical" with values)'
                yield Problem(f"{kind.where}.ranges.{name}.type", message)


@rule(
    "tuning-grid-size",
    reason=_REFUSED,
    source=f"{RANGES_PAGE}: MaxNumberOfTrainingJobs of a grid is the number of its combinations, or left out",
)
def grid_size(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A grid's number of trials is that of its combinations, or left out."""
    tuning = spec.tuning
    if tuning is None or tuning.strategy != "Grid" or tuning.max_jobs is None:
        return
    if any(one.type != "categorical" for kind in kinds(spec) for one in kind.ranges.values()):
        return  # another rule's problem
    count = sum(kind.combinations for kind in kinds(spec))
    if tuning.max_jobs != count:
        yield Problem("tuning.max_jobs", f"{tuning.max_jobs} is not allowed: the grid has {count} (leave it out)")


@rule("tuning-autotune", reason=_REFUSED, source=f"{RANGES_PAGE}, section Autotune")
def autotune(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A range of type auto stands in a search with autotune."""
    if spec.tuning is None or spec.tuning.autotune:
        return
    for kind in kinds(spec):
        for name, one in kind.ranges.items():
            if one.type == "auto":
                yield Problem(f"{kind.where}.ranges.{name}.type", "auto needs tuning.autotune = true (or give a range)")


@rule(
    "tuning-warm-start",
    reason=_REFUSED,
    source=f"{_WARM_START_PAGE}: at most 5 parents; the search is Bayesian or random",
)
def warm_start(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A warm start has 1 to 5 parents, each once, and a Bayesian or random search."""
    tuning = spec.tuning
    if tuning is None or tuning.warm_start is None:
        return
    parents = tuning.warm_start.parents
    if not 1 <= len(parents) <= 5:
        yield Problem("tuning.warm_start.parents", f"{len(parents)} are not allowed (1 to 5)")
    twice = next((parent for parent in parents if parents.count(parent) > 1), None)
    if twice is not None:
        yield Problem("tuning.warm_start.parents", f"{twice!r} is given twice")
    if tuning.strategy not in ("Bayesian", "Random"):
        message = f"it is for the strategies Bayesian and Random, and the strategy is {tuning.strategy}"
        yield Problem("tuning.warm_start", message)


@rule(
    "tuning-completion",
    reason="The criterion could never hold, and the search would go on to its last trial.",
    source="arithmetic; a search with one trial after the other",
)
def completion(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """What ends a search early can happen before its last trial."""
    tuning = spec.tuning
    stale = None if tuning is None or tuning.completion is None else tuning.completion.not_improving_jobs
    most = None if tuning is None else most_trials(spec)
    if stale is not None and most is not None and stale >= most:
        yield Problem("tuning.completion.not_improving_jobs", f"{stale} is not less than the {most} trials")
