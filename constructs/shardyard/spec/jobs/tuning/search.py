"""A search: how it chooses, how long it goes on, what it starts from, and what follows it."""

from dataclasses import dataclass
from typing import Literal

from contract.hyperparameters import Scalar
from shardyard.spec.jobs.compute import INSTANCE_TYPE, INSTANCE_TYPE_SAYS
from shardyard.spec.jobs.tuning.ranges import Range
from shardyard.spec.tree import setting

Strategy = Literal["Bayesian", "Random", "Grid", "Hyperband"]
TUNING_JOB = r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}"
LONGEST_SEARCH = 182 * 86400 + 43_200
"""What CreateHyperParameterTuningJob takes, 15,768,000 seconds; the guide allows 30 days."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Objective:
    """The metric by which trials are compared: the last value that a trial prints counts."""

    metric: str = setting(
        doc="One of the job's metrics, such as `validation_loss`.", pattern=r".{1,255}", says="1 to 255 letters"
    )
    goal: Literal["Minimize", "Maximize"] = setting("Minimize", "Whether less is better or more.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Hyperband:
    """Hyperband gives every trial a few epochs, and more of them to the better ones."""

    min_resource: int | None = setting(None, "No trial is stopped before so many epochs.", least=1)
    max_resource: int | None = setting(
        None, "Every trial is stopped after so many epochs; by default the hyperparameter `epochs`.", least=1
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """A search ends before its last job as soon as one of these holds."""

    target: float | None = setting(None, "The objective has reached this value.")
    not_improving_jobs: int | None = setting(
        None, "So many trials in a row have not improved the best by one percent.", least=3
    )
    convergence: bool = setting(False, "SageMaker sees that further trials hardly help.")


@dataclass(frozen=True, kw_only=True, slots=True)
class WarmStart:
    """A search can begin with what earlier ones have found."""

    type: Literal["IdenticalDataAndAlgorithm", "TransferLearning"] = setting(
        "IdenticalDataAndAlgorithm", "Whether data and algorithm are the parents', or only similar."
    )
    parents: tuple[str, ...] = setting(
        doc="The earlier searches, by the names of tuning jobs that `yard tune JOB --history` lists.",
        pattern=TUNING_JOB,
        says="a tuning job's name: 1 to 32 letters, digits and hyphens",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialInstances:
    """Trials take the first of these that has capacity."""

    instance_type: str = setting(doc="The instance type.", pattern=INSTANCE_TYPE, says=INSTANCE_TYPE_SAYS)
    count: int | None = setting(None, "How many instances per trial; by default `compute.count`.", least=1)
    volume_gb: int | None = setting(
        None, "The disk of each instance; by default `compute.volume`.", least=1, unit="gigabytes", key="volume"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Definition:
    """One of several programs that are searched together, the job with these values laid over it.

    SageMaker spends more trials on the definitions that do better.
    """

    name: str = setting(
        doc="The definition's name.",
        pattern=r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,63}",
        says="1 to 64 letters, digits and hyphens, no hyphen first or last",
    )
    objective: Objective | None = setting(None, "Its own objective; by default the search's.")
    ranges: dict[str, Range] = setting(doc="Its own ranges, beside the search's.", factory=dict)
    hyperparameters: dict[str, Scalar] = setting(doc="Laid over the job's hyperparameters.", factory=dict)
    environment: dict[str, str] = setting(doc="Laid over the job's environment.", factory=dict)
    entry: str | None = setting(None, "Another program; by default the job's.", pattern=r"[\w./-]{1,200}")
    instances: tuple[TrialInstances, ...] = setting((), "Its own instance types, in order.")
    max_runtime_seconds: int | None = setting(
        None, "Another longest run time of a trial.", least=1, unit="seconds", key="max_runtime"
    )
    retries: int | None = setting(None, "Other retries after an internal error of the service.", least=1, most=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class Retrain:
    """After a search the job can be launched with the best hyperparameters: on all data, or for longer.

    The launch is an ordinary one, with its own checks, cap and receipt.
    """

    enabled: bool = setting(False, "Launch the job with the best hyperparameters.")
    hyperparameters: dict[str, Scalar] = setting(
        doc="Laid over the best ones: what makes your program use all data.", factory=dict
    )
    environment: dict[str, str] = setting(doc="Laid over the job's environment.", factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuning:
    """`yard tune JOB` runs the job many times, and SageMaker chooses the hyperparameters of each trial.

    `[hyperparameters]` holds those that stay the same. `yard train JOB` still trains once.
    """

    strategy: Strategy = setting("Bayesian", "How the next hyperparameters are chosen.")
    objective: Objective = setting(doc="What is searched for: [tuning.objective] with a metric.")
    ranges: dict[str, Range] = setting(doc="The hyperparameters to choose, by name.", factory=dict)
    max_jobs: int | None = setting(
        None, "How many trials at most; only a grid has a number of its own.", least=1, most=10_000
    )
    max_parallel: int = setting(1, "How many trials at once: fewer learn more from one another.", least=1, most=100)
    max_runtime_seconds: int | None = setting(
        None, "End the search after this long.", least=120, most=LONGEST_SEARCH, unit="seconds", key="max_runtime"
    )
    early_stopping: bool = setting(False, "Stop a trial that does worse than the median of the earlier ones.")
    hyperband: Hyperband | None = setting(None, "The epochs of the strategy Hyperband.")
    completion: Completion | None = setting(None, "What ends the search early.")
    warm_start: WarmStart | None = setting(None, "Earlier searches to begin with.")
    autotune: bool = setting(False, "Let SageMaker choose what is left open; ranges may be of type `auto`.")
    seed: int | None = setting(None, "The seed of the choices.", least=0)
    instances: tuple[TrialInstances, ...] = setting(
        (), "The instance types of trials, in order; by default those of [compute]."
    )
    definitions: tuple[Definition, ...] = setting((), "Several programs that are searched together.")
    checkpoints: bool = setting(
        False,
        "Give trials the job's checkpoints. SageMaker documents one prefix for all trials: only for a program that "
        "keeps them apart by TRAINING_JOB_NAME.",
    )
    cap_usd: float | None = setting(
        None, "Refuse a search whose worst case costs more; by default `cost.cap_usd`.", least=0
    )
    register: bool = setting(False, "Register the best trial's model, pending approval.")
    retrain: Retrain = setting(doc="What follows the search.", factory=Retrain)
