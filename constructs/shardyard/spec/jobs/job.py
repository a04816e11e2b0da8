"""The training job's definition: everything that its file in jobs/ can set, as frozen dataclasses."""

from dataclasses import dataclass
from typing import Literal

from contract.hyperparameters import Scalar
from shardyard.spec.jobs.compute import MOST_SECONDS, Compute, Limits, Retry, Spot
from shardyard.spec.jobs.data import Channel, Checkpoints, Metric, Mlflow, Output, TensorBoard
from shardyard.spec.jobs.guards import Guards
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.program import Program
from shardyard.spec.jobs.tuning.search import Tuning
from shardyard.spec.tree import setting


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRegistry:
    """The model registry gets the model of a run that succeeded, pending approval."""

    enabled: bool = setting(False, "Register the model of a run that succeeded.")
    group: str | None = setting(
        None,
        "The model package group; by default the job's name.",
        pattern=r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        says="1 to 63 letters, digits and hyphens, no hyphen first or last",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Debug:
    """Remote debugging opens a shell in the running container, through Systems Manager."""

    remote: bool = setting(False, "Allow a shell in the running container.")


@dataclass(frozen=True, kw_only=True, slots=True)
class InfraCheck:
    """SageMaker can test the instances before the program starts."""

    enabled: bool = setting(False, "Test the instances before the program starts.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """The execution role can take over the caller's session tags, for access by attributes."""

    tag_chaining: bool = setting(False, "Pass the caller's session tags on to the execution role.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """The model's size lets a rule say whether it fits into the GPUs.

    The hyperparameters `plan`, `tensor_parallel` and `pipeline_parallel` say how it is spread.
    """

    preset: str | None = setting(
        None, "The `preset` hyperparameter that this describes; the rule is skipped for any other."
    )
    parameters: float = setting(doc="How many parameters it has: `7e9`, or `7B`.", least=1, unit="count")
    layers: int | None = setting(None, "How many blocks it has; by default guessed from the size.", least=1)
    hidden: int | None = setting(None, "The width of a block; by default guessed from the size.", least=1)
    sequence: int = setting(2048, "Tokens per sample.", least=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class JobSpec(LaunchedSpec):
    """One training job, as its author defined it."""

    kind: Literal["training"] = setting("training", "What the job is.")
    compute: Compute = setting(doc="The instances: [compute] with an instance_type.")
    limits: Limits = setting(doc="Time limits.", factory=Limits)
    program: Program | None = setting(None, "What the launcher starts.")
    spot: Spot = setting(doc="Spare capacity.", factory=Spot)
    checkpoints: Checkpoints = setting(doc="Checkpoints in S3.", factory=Checkpoints)
    channels: dict[str, Channel] = setting(doc="Inputs by name.", factory=dict)
    hyperparameters: dict[str, Scalar] = setting(doc="The program's arguments.", factory=dict)
    metrics: tuple[Metric, ...] = setting((), "Your own metrics; one of a standard name takes its place.")
    output: Output = setting(doc="How results are stored.", factory=Output)
    guards: Guards = setting(doc="What ends a run that only wastes its instances.", factory=Guards)
    retry: Retry | None = setting(None, "SageMaker's retries after its own errors.")
    registry: ModelRegistry = setting(doc="Registration of the model.", factory=ModelRegistry)
    tensorboard: TensorBoard = setting(doc="TensorBoard files in S3.", factory=TensorBoard)
    mlflow: Mlflow | None = setting(None, "Managed MLflow.")
    debug: Debug = setting(doc="Remote debugging.", factory=Debug)
    infra_check: InfraCheck = setting(doc="SageMaker's test of the instances.", factory=InfraCheck)
    session: Session = setting(doc="Session tags.", factory=Session)
    model: Model | None = setting(None, "The model's size, for the memory rule.")
    tuning: Tuning | None = setting(None, "A search for the best hyperparameters.")

    @property
    def without_gpus(self) -> bool:
        """Whether its program says that it trains on the processors of machines with GPUs."""
        return self.program is not None and self.program.without_gpus

    @property
    def uses_spot(self) -> bool:
        """Whether it runs on spare capacity."""
        return self.spot.enabled

    @property
    def max_wait_seconds(self) -> int | None:
        """Running and waiting together for a spot job; None for one that is not."""
        if not self.spot.enabled:
            return None
        if self.spot.max_wait_seconds is None:
            return min(2 * self.limits.max_runtime_seconds, MOST_SECONDS)
        return self.spot.max_wait_seconds
