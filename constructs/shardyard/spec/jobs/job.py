"""The job definition: everything that a file in jobs/ can set, as frozen dataclasses."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from contract.hyperparameters import Scalar
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.compute import MOST_SECONDS, Compute, Limits, Queue, Retry, Spot
from shardyard.spec.jobs.data import Channel, Checkpoints, Metric, Mlflow, Output, TensorBoard
from shardyard.spec.jobs.guards import Guards
from shardyard.spec.jobs.program import Image, Network, Program, Source
from shardyard.spec.owners import OWNER, OWNER_SAYS
from shardyard.spec.tree import build, dump, setting

JOB_NAME = r"[a-z][a-z0-9-]{0,30}[a-z0-9]"
JOB_NAME_SAYS = "2 to 32 small letters, digits and hyphens, a letter first"
STACKS_WITHOUT_JOBS = ("storage", "network", "identity", "registry", "notebooks", "quotas", "observability")
"""The project's other stacks, whose names no stack of jobs may take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """A launch whose worst case costs more than a cap is refused."""

    cap_usd: float | None = setting(None, "Refuse a launch whose worst-case cost is higher.", least=0)
    hourly_usd: dict[str, float] = setting(
        doc="The price of an hour of a type that no price list has; a launch without any price is refused.",
        least=0.01,
        most=10_000,
        factory=dict,
    )


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
class Deploy:
    """A deploy may start the job as well."""

    launch: bool = setting(False, "Start the job on every deploy that changes it.")


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
class JobSpec:
    """One training job, as its author defined it."""

    name: str = setting(doc="The file's name.", pattern=JOB_NAME, says=JOB_NAME_SAYS, internal=True)
    from_stage: tuple[str, ...] = setting((), "Values from [overrides.<stage>], as dotted names.", internal=True)
    description: str = setting("", "A one-line description.", pattern=r".{0,500}", says="one line, at most 500 letters")
    renamed_from: str | None = setting(
        None,
        "The name that the job was first deployed under. What is deployed keeps it, and with it parameters, history, "
        "checkpoints and running launches.",
        pattern=JOB_NAME,
        says=JOB_NAME_SAYS,
    )
    stack: str = setting(
        "training",
        "The stack that the job belongs to.",
        pattern=rf"(?!({'|'.join(STACKS_WITHOUT_JOBS)})$)[a-z][a-z0-9-]{{0,30}}",
        says="up to 31 small letters, digits and hyphens, a letter first, and none of "
        + ", ".join(STACKS_WITHOUT_JOBS),
    )
    owner: str | None = setting(
        None,
        "Who answers for the job, the tag `owner` of all that it makes; by default the setting `owner`.",
        pattern=OWNER,
        says=OWNER_SAYS,
    )
    image: Image = setting(doc="What runs: [image] with a folder, a repository or a framework.")
    program: Program | None = setting(None, "What the launcher starts.")
    source: Source | None = setting(None, "Your own code that is not in the image.")
    compute: Compute = setting(doc="The instances: [compute] with an instance_type.")
    limits: Limits = setting(doc="Time limits.", factory=Limits)
    spot: Spot = setting(doc="Spare capacity.", factory=Spot)
    checkpoints: Checkpoints = setting(doc="Checkpoints in S3.", factory=Checkpoints)
    channels: dict[str, Channel] = setting(doc="Inputs by name.", factory=dict)
    hyperparameters: dict[str, Scalar] = setting(doc="The program's arguments.", factory=dict)
    environment: dict[str, str] = setting(doc="Environment variables.", factory=dict)
    secrets: dict[str, str] = setting(
        doc="Variables whose values lie in Secrets Manager: `secret:NAME`, or `secret:NAME#KEY`.", factory=dict
    )
    not_secret: tuple[str, ...] = setting(
        (), "Names of variables, hyperparameters and arguments that look like secrets and are none."
    )
    metrics: tuple[Metric, ...] = setting((), "Your own metrics; one of a standard name takes its place.")
    output: Output = setting(doc="How results are stored.", factory=Output)
    network: Network = setting(doc="Network access.", factory=Network)
    guards: Guards = setting(doc="What ends a run that only wastes its instances.", factory=Guards)
    retry: Retry | None = setting(None, "SageMaker's retries after its own errors.")
    queue: Queue = setting(doc="Waiting for quota and capacity.", factory=Queue)
    cost: Cost = setting(doc="The cost limit.", factory=Cost)
    registry: ModelRegistry = setting(doc="Registration of the model.", factory=ModelRegistry)
    deploy: Deploy = setting(doc="What a deploy does.", factory=Deploy)
    tensorboard: TensorBoard = setting(doc="TensorBoard files in S3.", factory=TensorBoard)
    mlflow: Mlflow | None = setting(None, "Managed MLflow.")
    debug: Debug = setting(doc="Remote debugging.", factory=Debug)
    infra_check: InfraCheck = setting(doc="SageMaker's test of the instances.", factory=InfraCheck)
    session: Session = setting(doc="Session tags.", factory=Session)
    model: Model | None = setting(None, "The model's size, for the memory rule.")
    tags: dict[str, str] = setting(doc="Tags of the training job.", factory=dict)

    @property
    def deployed_as(self) -> str:
        """The name that everything of the job has in the account."""
        return self.name if self.renamed_from is None else self.renamed_from

    def as_deployed(self) -> Self:
        """The job under the name that it has in the account."""
        return replace(self, name=self.deployed_as, renamed_from=None)

    @property
    def max_wait_seconds(self) -> int | None:
        """Running and waiting together for a spot job; None for one that is not."""
        if not self.spot.enabled:
            return None
        if self.spot.max_wait_seconds is None:
            return min(2 * self.limits.max_runtime_seconds, MOST_SECONDS)
        return self.spot.max_wait_seconds

    def with_source(self, sha256: str) -> Self:
        """The same job with the hash of its code bundle."""
        if self.source is None:
            raise SpecError([Problem("source", "the job has no [source] dir, so it cannot take a bundle of code")])
        return replace(self, source=replace(self.source, sha256=sha256))

    def to_dict(self) -> dict[str, Any]:
        """The definition as plain JSON tables, without values that equal their defaults."""
        tables: dict[str, Any] = dump(self)
        return tables

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], *, where: str = "") -> Self:
        """Read what `to_dict` wrote; reports every problem at once."""
        problems: list[Problem] = []
        spec = build(cls, raw, where=where, problems=problems)
        if spec is None:
            raise SpecError(problems)
        return spec
