"""What an AutoML job reads and writes, and how long it looks."""

from dataclasses import dataclass
from typing import Literal

from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.compute import Capacity
from shardyard.spec.jobs.data import KMS
from shardyard.spec.jobs.processing.inputs import PLACE, PLACE_SAYS
from shardyard.spec.jobs.program import Image
from shardyard.spec.tree import setting

CSV = "text/csv;header=present"


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceImage(Image):
    """SageMaker brings the images of AutoML jobs itself."""

    def __post_init__(self) -> None:
        given = [name for name in self.__dataclass_fields__ if getattr(self, name) not in (None, (), False)]
        if given:
            said = f"SageMaker brings the images of AutoML jobs itself (remove {', '.join(given)})"
            raise SpecError([Problem("", said)])


@dataclass(frozen=True, kw_only=True, slots=True)
class AutoMLCapacity(Capacity):
    """SageMaker chooses the instances itself; what they may cost is counted by a type that you name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AutoMLInput:
    """What candidates are trained on, `training`, or judged by, `validation`."""

    s3: str = setting(
        doc="A folder (`tables/customers/`) or an object in one of the project's buckets, or a whole `s3://` address.",
        pattern=PLACE,
        says=PLACE_SAYS,
    )
    bucket: Literal["data", "artifacts"] = setting(
        "data", "The bucket of a key prefix: the data, or what runs have written."
    )
    named_at_launch: bool = setting(
        False, "Each launch names the address below `s3` itself: `yard run JOB --input NAME=s3://...`."
    )
    type: Literal["S3Prefix", "ManifestFile", "AugmentedManifestFile"] = setting(
        "S3Prefix", "What `s3` names: all objects under a prefix, or one file that lists them."
    )
    content_type: str | None = setting(
        None,
        "What the objects are; by default `text/csv;header=present`, and `image/*` for images.",
        pattern=r".{1,256}",
        says="up to 256 letters",
    )
    compression: Literal["None", "Gzip"] = setting("None", "Gzip: the objects are compressed.")


@dataclass(frozen=True, kw_only=True, slots=True)
class AutoMLOutput:
    """Candidates, models and reports lie below `runs/<run id>/<job>/automl/` in the artifact bucket."""

    kms_key: str | None = setting(
        None, "The key that encrypts the results; by default the project's key.", pattern=KMS, says="a key's id or ARN"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidates:
    """SageMaker trains this many candidates, and none for longer than this."""

    count: int | None = setting(
        None, "How many; by default 10 for a table. Other problems have one.", least=1, most=750
    )
    max_runtime_seconds: int = setting(
        3600, "The longest that one may be trained.", least=60, unit="seconds", key="max_runtime"
    )
