"""The parts of a transform job's definition about what it reads and writes."""

from dataclasses import dataclass
from typing import Any, Literal

from shardyard.spec.jobs.data import KMS
from shardyard.spec.jobs.processing.inputs import PLACE, PLACE_SAYS
from shardyard.spec.tree import setting

_MIME = r"[a-z]+/[A-Za-z0-9.+-]+(;.{1,200})?"
_MIME_SAYS = "a MIME type such as text/csv, application/jsonlines or image/png"


def _key(doc: str) -> Any:
    return setting(None, doc, pattern=KMS, says="a key's id or ARN")


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformInput:
    """The objects whose records the model answers; a transform job has exactly one input."""

    s3: str = setting(
        doc="A folder (`digits/rows/`) or an object in one of the project's buckets, or a whole `s3://bucket/prefix/`.",
        pattern=PLACE,
        says=PLACE_SAYS,
    )
    bucket: Literal["data", "artifacts"] = setting(
        "data", "The bucket of a key prefix: the data, or what runs have written."
    )
    named_at_launch: bool = setting(
        False, "Each launch names the address below `s3` itself: `yard run JOB --input NAME=s3://...`."
    )
    type: Literal["S3Prefix", "ManifestFile"] = setting(
        "S3Prefix", "What `s3` names: all objects under a prefix, or one file that lists them."
    )
    content_type: str = setting(
        doc="The MIME type of each request: `text/csv`, `application/jsonlines`.", pattern=_MIME, says=_MIME_SAYS
    )
    split: Literal["None", "Line", "RecordIO", "TFRecord"] = setting(
        "None", "How an object is split into records; `None` sends each object whole."
    )
    compression: Literal["None", "Gzip"] = setting("None", "Gzip: SageMaker decompresses the objects.")


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformOutput:
    """Each object of the input gets one of its own, `<key>.out`, unless a record of it failed."""

    s3: str | None = setting(
        None,
        "A key prefix in one of the project's buckets, or a whole `s3://bucket/prefix`; by default each run has its "
        "own, `runs/<run id>/<job>/transform/` in the artifact bucket.",
        pattern=PLACE,
        says=PLACE_SAYS,
    )
    bucket: Literal["data", "artifacts"] = setting("data", "The bucket of a key prefix.")
    accept: str | None = setting(None, "The MIME type that the container is asked for.", pattern=_MIME, says=_MIME_SAYS)
    assemble_with: Literal["None", "Line"] = setting(
        "None", "`Line` ends each answer with a newline; `None` puts them end to end."
    )
    kms_key: str | None = _key("The key that encrypts the output; by default the project's key.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Batching:
    """How records become requests; what is not given here the container may say at /execution-parameters."""

    strategy: Literal["MultiRecord", "SingleRecord"] | None = setting(
        None, "As many records in a request as fit, or one; by default as many as fit."
    )
    max_payload_mb: int | None = setting(
        None,
        "The largest body in MB, by default 6; 0 sends it in chunks, however large, to containers that take that.",
        least=0,
        most=100,
    )
    max_concurrent: int | None = setting(
        None, "How many requests an instance gets at a time; 0, the default, asks the container, else 1.", least=0
    )
    timeout_seconds: int | None = setting(
        None,
        "How long one request may take; by default ten minutes.",
        least=1,
        most=3600,
        unit="seconds",
        key="timeout",
    )
    retries: int | None = setting(None, "How often a failed request is sent again; by default 3.", least=0, most=3)


@dataclass(frozen=True, kw_only=True, slots=True)
class DataProcessing:
    """Filters and joins let a record keep what the model does not need, such as its id."""

    input_filter: str = setting("$", "What of a record the model gets, as JSONPath: `$[1:]`, `$.features`.")
    join: Literal["None", "Input"] = setting("None", "`Input` puts each answer beside its record.")
    output_filter: str = setting("$", "What is kept of it all: `$[0,-1]`, `$['id','SageMakerOutput']`.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Capture:
    """SageMaker keeps lists of what went in and came out, for monitoring."""

    s3: str = setting(
        doc="A key prefix in one of the project's buckets, or a whole `s3://bucket/prefix`.",
        pattern=PLACE,
        says=PLACE_SAYS,
    )
    bucket: Literal["data", "artifacts"] = setting("data", "The bucket of a key prefix.")
    inference_ids: bool = setting(False, "Append an id and the time to each line of the output.")
    kms_key: str | None = _key("The key that encrypts what is captured; by default the project's key.")
