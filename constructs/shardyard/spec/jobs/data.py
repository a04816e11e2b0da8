"""The parts of a job definition about its data and its results."""

from dataclasses import dataclass
from typing import Literal

from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.tree import setting

KMS = r"[a-zA-Z0-9:/_-]{1,2048}"
CHANNEL_NAME = r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,64}"
_FOLDER = r"/(?!(.*/)?\.\.(/|\Z)).+"
"""An absolute path that goes down only."""
_FILE_SYSTEM_FOLDER = r"/(?!(.*/)?\.\.(/|\Z)).*"
BUCKET = r"(?:(?!\d+\.\d+\.\d+\.\d+/)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]|[^/]*\$\{[^/]*)"
"""A bucket's name, or a reference that CloudFormation fills in."""
KEY = r"(?!(?:.*/)?\.{1,2}(?:/|\Z))(?!.*//)[^\x00-\x1f\x7f]"
"""Letters of a key in which no part is empty, `.` or `..`, up to their number: no file can have such a part."""
RESERVED_CHANNELS = ("code", "launcher")
"""Channels that Shardyard adds: the user's code, and the launcher in an image that is not Shardyard's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileSystem:
    """The channel mounts a directory of a file system, which needs a VPC.

    The group that the project makes reaches 988 and 1018 to 1023 (Lustre) or 2049 (EFS) in the VPC; groups of your own
    must do the same. Either way the file system's own groups must let training's in.
    """

    id: str = setting(doc="The file system's id.", pattern=r"fs-[0-9a-f]{8,}", says="fs- and 8 or more hex digits")
    type: Literal["FSxLustre", "EFS"] = setting("FSxLustre", "Which service holds it.")
    path: str = setting(
        doc="The directory; for Lustre it starts with the mount name.",
        pattern=_FILE_SYSTEM_FOLDER,
        says="an absolute path without .. such as /dataset/train",
    )
    access: Literal["ro", "rw"] = setting("ro", "`rw` lets the job write into it.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """A channel is one input, under /opt/ml/input/data/NAME: from S3, a file system or a hub data set."""

    s3: str | None = setting(
        None,
        "A key prefix in the project's data bucket (`digits/train/`), or a whole `s3://bucket/prefix`.",
        pattern=rf"(s3://{BUCKET}/({KEY}{{0,900}})?|(?!\w+://|/){KEY}{{1,900}})",
        says="a key prefix in the data bucket without a leading slash, or s3://bucket/prefix; no part empty, . or ..",
    )
    type: Literal["S3Prefix", "ManifestFile", "AugmentedManifestFile", "Converse"] = setting(
        "S3Prefix", "What `s3` names: all objects under a prefix, or one file that lists them."
    )
    distribution: Literal["FullyReplicated", "ShardedByS3Key"] = setting(
        "FullyReplicated", "Every instance gets all objects, or each gets a share."
    )
    mode: Literal["File", "FastFile", "Pipe"] = setting(
        "File", "Copy before the start, read from S3 as a file system, or stream through a pipe."
    )
    content_type: str | None = setting(None, "The MIME type of the data.", pattern=r".{1,256}", says="1 to 256 letters")
    compression: Literal["None", "Gzip"] = setting("None", "Gzip: decompress while streaming; Pipe mode only.")
    record_wrapper: Literal["None", "RecordIO"] = setting(
        "None", "RecordIO: wrap each object in a record; Pipe mode only."
    )
    shuffle_seed: int | None = setting(None, "Shuffle the order of the objects with this seed.")
    attributes: tuple[str, ...] = setting((), "The attributes of an augmented manifest to stream, in this order.")
    groups: tuple[str, ...] = setting((), "The instance groups that get this channel; empty means all.")
    file_system: FileSystem | None = setting(None, "A file system instead of S3.")
    dataset_arn: str | None = setting(
        None, "A data set of a SageMaker hub instead of S3.", pattern=r"arn:.*:hub-content/.+"
    )
    accept_eula: bool | None = setting(None, "Accept the licence of a gated model that `s3` points to.")
    hub_content_arn: str | None = setting(
        None, "A private hub's reference to the model that `s3` points to.", pattern=r"arn:.+"
    )

    def __post_init__(self) -> None:
        given = [name for name in ("s3", "file_system", "dataset_arn") if getattr(self, name) is not None]
        if len(given) != 1:
            said = f"{' and '.join(given)} exclude each other" if given else "it does not say where its data lies"
            raise SpecError([Problem("", f"{said} (exactly one of s3, file_system, dataset_arn)")])


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """A run stores its model and its output files under `runs/<run id>/`."""

    compression: Literal["GZIP", "NONE"] = setting("GZIP", "GZIP makes one model.tar.gz; NONE keeps single files.")
    kms_key: str | None = setting(None, "The key that encrypts them; by default the project's key.", pattern=KMS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoints:
    """SageMaker keeps a local directory in step with S3 while the job runs, and fills it again when it resumes."""

    enabled: bool = setting(False, "Keep checkpoints in S3.")
    local_path: str = setting(
        "/opt/ml/checkpoints",
        "The directory in the container.",
        pattern=_FOLDER,
        says="an absolute path without .. such as /opt/ml/checkpoints",
    )
    s3: str | None = setting(
        None,
        "Another place; by default each logical run has its own prefix in the artifact bucket, so runs cannot mix.",
        pattern=rf"(?=.{{1,512}}\Z)s3://{BUCKET}/{KEY}+",
        says="s3://bucket/prefix, 512 letters at most, no part empty, . or ..",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """SageMaker reads each metric from the job's log lines into CloudWatch."""

    name: str = setting(doc="The metric's name.", pattern=r".{1,255}", says="1 to 255 letters")
    regex: str = setting(
        doc="A regular expression with one group, the number.", pattern=r".{1,500}", says="1 to 500 letters"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class TensorBoard:
    """SageMaker copies event files to S3 while the job runs."""

    enabled: bool = setting(False, "Copy the event files to S3.")
    local_path: str = setting(
        "/opt/ml/output/tensorboard",
        "Where the program writes them.",
        pattern=_FOLDER,
        says="an absolute path without .. such as /opt/ml/output/tensorboard",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Mlflow:
    """The job reports to a managed MLflow."""

    resource_arn: str = setting(
        doc="The tracking server's or MLflow app's ARN.",
        pattern=r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:mlflow-[a-zA-Z-]*/.*",
        says="the ARN of an MLflow app or tracking server",
    )
    experiment: str | None = setting(None, "The experiment; by default the job's name.", pattern=r".{1,256}")
    run_name: str | None = setting(None, "The MLflow run; by default the run id.", pattern=r".{1,256}")
