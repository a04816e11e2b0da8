"""What a deploy knows and a job's file does not, and what every kind of request makes of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from shardyard.spec.catalogue.variants import choose, misfit
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.launched import LaunchedSpec

Json = dict[str, Any]
EXECUTION_TAG = "shardyard:execution"
"""The tag of a job that says which execution made it."""
OUR_TAGS = ("project", "stage", "owner", "job", "run", EXECUTION_TAG)
"""Tags of every job that its definition cannot set; by `project` and `run` it is found again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """What a deploy knows and a job's file does not: buckets, role, image, network, keys."""

    project: str
    """The project's name."""

    stage: str
    """The stage's name."""

    data_bucket: str
    """The bucket in which channels without an `s3://` address lie."""

    artifact_bucket: str
    """The bucket that gets models, checkpoints, receipts and bundles of code."""

    role_arn: str
    """The job's execution role."""

    image_uri: str | None = None
    """The image, without its variant where it has several; None for a job that names an algorithm."""

    image_bases: dict[str, str] = field(default_factory=dict)
    """What each variant of the image is built on, as its variants.toml says; empty for an image of one kind."""

    kms_key_arn: str | None = None
    """The project's key, which encrypts volumes and results unless the job names another."""

    subnets: tuple[str, ...] = ()
    """Private subnets; empty where the project has no network."""

    security_group_ids: tuple[str, ...] = ()
    """Security groups of the training instances."""

    launcher_sha256: str | None = None
    """The launcher's zip in the artifact bucket, for images that do not hold it."""

    tags: dict[str, str] = field(default_factory=dict)
    """The tags that everything of the project carries."""

    def image_for(self, spec: LaunchedSpec) -> str | None:
        """The image for the instances of one attempt."""
        if self.image_uri is None or not self.image_bases:
            return self.image_uri
        variant = choose(spec, self.image_bases)
        if variant is None:
            raise SpecError([Problem("image.folder", str(misfit(spec, self.image_bases, str(spec.image.folder))))])
        return f"{self.image_uri}-{variant}"

    def to_dict(self) -> Json:
        """The deployment as JSON."""
        return {name: value for name, value in asdict(self).items() if value not in (None, (), {})}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        values: Json = {name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()}
        return cls(**values)


def tags(spec: LaunchedSpec, deployment: Deployment, run_id: str) -> list[Json]:
    """The tags of one attempt's job: the file's, then the project's, then those that lead back to its run."""
    ours = {"project": deployment.project, "stage": deployment.stage, "job": spec.name, "run": run_id}
    owner = {} if spec.owner is None else {"owner": spec.owner}
    all_tags = {**spec.tags, **deployment.tags, **owner, **ours}
    return [{"Key": key, "Value": value} for key, value in all_tags.items()]


def vpc(spec: LaunchedSpec, deployment: Deployment) -> Json | None:
    """Where in the network the job runs; None outside the project's."""
    if not spec.network.vpc or not deployment.subnets:
        return None
    return {"Subnets": list(deployment.subnets), "SecurityGroupIds": list(deployment.security_group_ids)}
