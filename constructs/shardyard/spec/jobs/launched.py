"""What a job definition of any kind can set: everything that a launch needs, whatever it launches."""

from dataclasses import dataclass, replace
from typing import Self

from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.compute import Capacity, Queue, RunLimits
from shardyard.spec.jobs.program import Image, Network, Source
from shardyard.spec.names import SERVING, job_noun
from shardyard.spec.owners import OWNER, OWNER_SAYS
from shardyard.spec.tree import Definition, setting

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
class Deploy:
    """A deploy may start the job as well."""

    launch: bool = setting(False, "Start the job on every deploy that changes it.")


@dataclass(frozen=True, kw_only=True, slots=True)
class LaunchedSpec(Definition):
    """A job of any kind, as its author defined it."""

    name: str = setting(doc="The file's name.", pattern=JOB_NAME, says=JOB_NAME_SAYS, internal=True)
    from_stage: tuple[str, ...] = setting((), "Values from [overrides.<stage>], as dotted names.", internal=True)
    kind: str = setting(doc="What the job is.")
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
        pattern=rf"(?!({'|'.join(STACKS_WITHOUT_JOBS)})$)(?!{SERVING}-)[a-z][a-z0-9-]{{0,30}}",
        says="up to 31 small letters, digits and hyphens, a letter first, and none of "
        + f"{', '.join(STACKS_WITHOUT_JOBS)}, {SERVING}-...",
    )
    owner: str | None = setting(
        None,
        "Who answers for the job, the tag `owner` of all that it makes; by default the setting `owner`.",
        pattern=OWNER,
        says=OWNER_SAYS,
    )
    image: Image = setting(doc="What runs: [image] with a folder, a repository or a framework.")
    source: Source | None = setting(None, "Your own code that is not in the image.")
    compute: Capacity = setting(doc="The instances: [compute] with an instance_type.")
    limits: RunLimits = setting(doc="Time limits.", factory=RunLimits)
    environment: dict[str, str] = setting(doc="Environment variables.", factory=dict)
    secrets: dict[str, str] = setting(
        doc="Variables whose values lie in Secrets Manager: `secret:NAME`, or `secret:NAME#KEY`.", factory=dict
    )
    not_secret: tuple[str, ...] = setting(
        (), "Names of variables, hyperparameters and arguments that look like secrets and are none."
    )
    network: Network = setting(doc="Network access.", factory=Network)
    queue: Queue = setting(doc="Waiting for quota and capacity.", factory=Queue)
    cost: Cost = setting(doc="The cost limit.", factory=Cost)
    deploy: Deploy = setting(doc="What a deploy does.", factory=Deploy)
    tags: dict[str, str] = setting(doc="Tags of the training job.", factory=dict)

    @property
    def without_gpus(self) -> bool:
        """Whether it leaves the GPUs of its instances alone."""
        return False

    @property
    def uses_spot(self) -> bool:
        """Whether it runs on spare capacity."""
        return False

    @property
    def what(self) -> str:
        """What people call it, with its article."""
        noun = job_noun(self.kind)
        return f"{'an' if noun.startswith('A') else 'a'} {noun}"

    @property
    def billed_seconds(self) -> int:
        """The most that one instance of it bills for."""
        return self.limits.max_runtime_seconds + self.compute.kept_warm_seconds

    @property
    def max_wait_seconds(self) -> int | None:
        """Running and waiting together for a spot job; None for one that is not."""
        return None

    @property
    def deployed_as(self) -> str:
        """The name that everything of the job has in the account."""
        return self.name if self.renamed_from is None else self.renamed_from

    def as_deployed(self) -> Self:
        """The job under the name that it has in the account."""
        return replace(self, name=self.deployed_as, renamed_from=None)

    def with_source(self, sha256: str) -> Self:
        """The same job with the hash of its code bundle."""
        if self.source is None:
            raise SpecError([Problem("source", "the job has no [source] dir, so it cannot take a bundle of code")])
        return replace(self, source=replace(self.source, sha256=sha256))
