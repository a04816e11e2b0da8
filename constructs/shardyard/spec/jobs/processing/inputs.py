"""The parts of a processing job's definition about what it reads."""

from dataclasses import dataclass
from typing import Literal

from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.data import BUCKET, KEY, KMS
from shardyard.spec.tree import setting

INPUT_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
BELOW_PROCESSING = r"/opt/ml/processing/(?!(.*/)?\.{1,2}(/|\Z)).{1,230}"
BELOW_SAYS = "a folder below /opt/ml/processing without .. such as /opt/ml/processing/input/train"
PLACE = rf"(s3://{BUCKET}/({KEY}{{0,900}})?|(?!\w+://|/){KEY}{{1,900}})"
PLACE_SAYS = "a key prefix in the project's bucket without a leading slash, or s3://bucket/prefix; no part empty or .."
RESERVED_INPUTS = ("code", "launcher")
"""Inputs that Shardyard adds: the user's code, and the launcher in an image that is not Shardyard's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Athena:
    """An Athena query whose result the instances get."""

    catalog: str = setting("AwsDataCatalog", "The data catalog.", pattern=r".{1,256}", says="1 to 256 letters")
    database: str = setting(doc="The database.", pattern=r".{1,255}", says="1 to 255 letters")
    query: str = setting(doc="The query.", pattern=r"(?s).{1,4096}", says="1 to 4096 letters")
    work_group: str | None = setting(
        None, "The work group.", pattern=r"[a-zA-Z0-9._-]{1,128}", says="up to 128 letters, digits and ._-"
    )
    format: Literal["PARQUET", "ORC", "AVRO", "JSON", "TEXTFILE"] = setting("PARQUET", "How the result is written.")
    compression: Literal["GZIP", "SNAPPY", "ZLIB"] | None = setting(None, "How the result is compressed.")
    kms_key: str | None = setting(
        None, "The key that encrypts the result; by default the project's key.", pattern=KMS, says="a key's id or ARN"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Redshift:
    """A Redshift query whose result the instances get."""

    cluster: str = setting(doc="The cluster's id.", pattern=r".{1,63}", says="1 to 63 letters")
    database: str = setting(doc="The database.", pattern=r".{1,64}", says="1 to 64 letters")
    user: str = setting(doc="The database user.", pattern=r".{1,128}", says="1 to 128 letters")
    query: str = setting(doc="The query.", pattern=r"(?s).{1,4096}", says="1 to 4096 letters")
    cluster_role_arn: str = setting(
        doc="The role by which the cluster writes to S3.",
        pattern=r"arn:aws[a-z-]*:iam::\d{12}:role/.+",
        says="a role's ARN",
    )
    format: Literal["PARQUET", "CSV"] = setting("PARQUET", "How the result is written.")
    compression: Literal["None", "GZIP", "BZIP2", "ZSTD", "SNAPPY"] | None = setting(
        None, "How the result is compressed."
    )
    kms_key: str | None = setting(
        None, "The key that encrypts the result; by default the project's key.", pattern=KMS, says="a key's id or ARN"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """An input is a folder that SageMaker fills before the program starts: from S3, or by a query."""

    s3: str | None = setting(
        None,
        "A key prefix in one of the project's buckets (`digits/raw/`), or a whole `s3://bucket/prefix`.",
        pattern=PLACE,
        says=PLACE_SAYS,
    )
    bucket: Literal["data", "artifacts"] = setting(
        "data", "The bucket of a key prefix: the data, or what runs have written."
    )
    named_at_launch: bool = setting(
        False, "Each launch names the address below `s3` itself: `yard run JOB --input NAME=s3://...`."
    )
    athena: Athena | None = setting(None, "An Athena query instead of S3.")
    redshift: Redshift | None = setting(None, "A Redshift query instead of S3.")
    type: Literal["S3Prefix", "ManifestFile"] = setting(
        "S3Prefix", "What `s3` names: all objects under a prefix, or one file that lists them."
    )
    distribution: Literal["FullyReplicated", "ShardedByS3Key"] = setting(
        "FullyReplicated", "Every instance gets all objects, or each gets a share."
    )
    mode: Literal["File", "Pipe"] = setting("File", "Copy before the start, or stream through a pipe.")
    compression: Literal["None", "Gzip"] = setting("None", "Gzip: decompress while streaming; Pipe mode only.")
    local_path: str | None = setting(
        None,
        "The folder in the container; by default /opt/ml/processing/input/NAME.",
        pattern=BELOW_PROCESSING,
        says=BELOW_SAYS,
    )
    app_managed: bool = setting(False, "The program fetches the input itself; SageMaker only records it.")

    def __post_init__(self) -> None:
        given = [name for name in ("s3", "athena", "redshift") if getattr(self, name) is not None]
        if len(given) != 1:
            said = f"{' and '.join(given)} exclude each other" if given else "it does not say where its data lies"
            raise SpecError([Problem("", f"{said} (exactly one of s3, athena, redshift)")])

    def path_of(self, name: str) -> str:
        """Its folder in the container."""
        return f"/opt/ml/processing/input/{name}" if self.local_path is None else self.local_path
