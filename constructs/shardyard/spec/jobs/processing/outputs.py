"""The parts of a processing job's definition about what it writes."""

from dataclasses import dataclass
from typing import Literal

from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.data import KMS
from shardyard.spec.jobs.processing.inputs import BELOW_PROCESSING, BELOW_SAYS, PLACE, PLACE_SAYS
from shardyard.spec.tree import setting


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessingOutput:
    """An output is a folder that SageMaker copies to S3, or records that the program puts into a feature group."""

    s3: str | None = setting(
        None,
        "A key prefix in one of the project's buckets, or a whole `s3://bucket/prefix`; by default each run has its "
        "own, `runs/<run id>/<job>/<output>/` in the artifact bucket.",
        pattern=PLACE,
        says=PLACE_SAYS,
    )
    bucket: Literal["data", "artifacts"] = setting("data", "The bucket of a key prefix.")
    upload: Literal["EndOfJob", "Continuous"] = setting(
        "EndOfJob", "Copy when the program has ended, or each file as it appears."
    )
    local_path: str | None = setting(
        None,
        "The folder in the container; by default /opt/ml/processing/output/NAME.",
        pattern=BELOW_PROCESSING,
        says=BELOW_SAYS,
    )
    feature_group: str | None = setting(
        None,
        "The feature group that the program writes to itself, instead of S3; `app_managed` must be true.",
        pattern=r"[a-zA-Z0-9]([_-]*[a-zA-Z0-9]){0,63}",
        says="1 to 64 letters, digits, hyphens and underscores",
    )
    app_managed: bool = setting(False, "The program writes the output itself; SageMaker only records it.")

    def __post_init__(self) -> None:
        if self.feature_group is not None and self.s3 is not None:
            raise SpecError([Problem("", "s3 and feature_group exclude each other (one of the two, or neither)")])

    def path_of(self, name: str) -> str:
        """Its folder in the container."""
        return f"/opt/ml/processing/output/{name}" if self.local_path is None else self.local_path


@dataclass(frozen=True, kw_only=True, slots=True)
class Encryption:
    """All outputs of a job are encrypted with one key."""

    kms_key: str | None = setting(None, "The key; by default the project's key.", pattern=KMS, says="a key's id or ARN")
