"""What one processing job's role may do: its own inputs, outputs, queries, image, keys and secrets."""

from collections.abc import Iterator, Sequence

from shardyard.core import policy
from shardyard.core.arns import arn, bucket_arn
from shardyard.foundation.storage_base import Places
from shardyard.images.job_image import JobImage
from shardyard.jobs.job_permissions import WRITE, own_keys, pull_image, read_prefixes, read_secrets
from shardyard.spec.jobs.processing.inputs import Athena, Redshift
from shardyard.spec.jobs.processing.processing import ProcessingSpec

_ATHENA = (
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:StartQueryExecution",
    "athena:StopQueryExecution",
)
_GLUE = ("glue:GetDatabase", "glue:GetPartitions", "glue:GetTable", "glue:GetTables")
_REDSHIFT_DATA = (
    "redshift-data:CancelStatement",
    "redshift-data:DescribeStatement",
    "redshift-data:GetStatementResult",
)


def processing_statements(
    spec: ProcessingSpec, *, places: Places, image: JobImage, longer_names: Sequence[str] = ()
) -> list[policy.Statement]:
    """What this job alone needs; `common_statements` has the rest.

    `longer_names` change nothing: a run's own place ends its job's name with a slash.
    """
    del longer_names
    queries = [query for one in spec.inputs.values() for query in (one.athena, one.redshift) if query is not None]
    return [
        *_read_inputs(spec, places),
        *_write_outputs(spec, places),
        *own_keys(spec.compute.volume_kms_key, spec.output.kms_key, *(query.kms_key for query in queries)),
        *read_secrets(spec),
        *pull_image(image),
        *(statement for query in queries for statement in _run_query(query)),
        *_put_features(spec),
    ]


def outside_inputs(spec: ProcessingSpec) -> list[str]:
    """The buckets that the job reads besides the project's own."""
    places = (one.s3 for one in spec.inputs.values() if one.s3 is not None and one.s3.startswith("s3://"))
    return [place.removeprefix("s3://").partition("/")[0] for place in places]


def _place(address: str, bucket: str, places: Places) -> tuple[str, str]:
    """The bucket's ARN and the key of an address."""
    if address.startswith("s3://"):
        outside, _, key = address.removeprefix("s3://").partition("/")
        return bucket_arn(outside), key
    return places.data_arn if bucket == "data" else places.artifact_arn, address


def _read_inputs(spec: ProcessingSpec, places: Places) -> Iterator[policy.Statement]:
    prefixes: dict[str, list[str]] = {}
    for one in spec.inputs.values():
        if one.s3 is not None:
            where, key = _place(one.s3, one.bucket, places)
            # A manifest names objects anywhere in its bucket.
            prefixes.setdefault(where, []).append(key if one.type == "S3Prefix" else "")
    if spec.source is not None or spec.image.framework is not None:
        prefixes.setdefault(places.artifact_arn, []).append("source/")
    yield from read_prefixes(prefixes, located=(places.data_arn, places.artifact_arn))


def _write_outputs(spec: ProcessingSpec, places: Places) -> Iterator[policy.Statement]:
    own = f"runs/*/{spec.name}/"
    prefixes: dict[str, list[str]] = {places.artifact_arn: [own]}
    for one in spec.outputs.values():
        if one.s3 is not None:
            where, key = _place(one.s3, one.bucket, places)
            prefixes.setdefault(where, []).append(key if key.endswith("/") else f"{key}/")
    for where, keys in prefixes.items():
        yield policy.allow(WRITE, [f"{where}/{key}*" for key in keys])
        yield policy.allow(["s3:ListBucket"], [where], when={"StringLike": {"s3:prefix": [f"{key}*" for key in keys]}})
        if where not in (places.data_arn, places.artifact_arn):
            yield policy.allow(["s3:GetBucketLocation"], [where])


def _run_query(query: Athena | Redshift) -> list[policy.Statement]:
    if isinstance(query, Athena):
        group = "primary" if query.work_group is None else query.work_group
        catalog = [arn("glue", "catalog"), arn("glue", f"database/{query.database}")]
        return [
            policy.allow(_ATHENA, [arn("athena", f"workgroup/{group}")]),
            # Which tables it reads, the query alone says.
            policy.allow(_GLUE, [*catalog, arn("glue", f"table/{query.database}/*")]),
        ]
    user, database = f"{query.cluster}/{query.user}", f"{query.cluster}/{query.database}"
    cluster = arn("redshift", f"cluster:{query.cluster}")
    credentials = [arn("redshift", f"dbuser:{user}"), arn("redshift", f"dbname:{database}")]
    return [
        policy.allow(["redshift:GetClusterCredentials"], credentials),
        policy.allow(["redshift-data:ExecuteStatement"], [cluster]),
        # A statement is known by its own id alone.
        policy.allow(_REDSHIFT_DATA, ["*"]),
    ]


def _put_features(spec: ProcessingSpec) -> Iterator[policy.Statement]:
    groups = sorted({one.feature_group for one in spec.outputs.values() if one.feature_group is not None})
    if groups:
        actions = ["sagemaker:DescribeFeatureGroup", "sagemaker:PutRecord"]
        # SageMaker spells the names of feature groups in ARNs in small letters
        yield policy.allow(actions, [arn("sagemaker", f"feature-group/{group.lower()}") for group in groups])
