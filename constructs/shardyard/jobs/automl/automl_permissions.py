"""What one AutoML job's role may do: read its inputs, write its results, and start the jobs behind its candidates.

SageMaker starts those with the job's own role, and publishes no list of what it calls: its guide asks for
AmazonSageMakerFullAccess. This is what the steps of a candidate are (processing, training and transform jobs,
searches, models), each with what makes, reads and stops it. SageMaker chooses their names and images, so that neither
is narrower.
"""

from collections.abc import Iterator

from shardyard.core import policy
from shardyard.core.arns import arn, bucket_arn
from shardyard.core.project import Project
from shardyard.foundation.permissions import PULL, pass_role
from shardyard.foundation.storage_base import Places
from shardyard.jobs.job_permissions import WRITE, own_keys, read_prefixes
from shardyard.spec import names
from shardyard.spec.catalogue.service_jobs import PROCESSING, TRAINING, TRANSFORM, TUNING
from shardyard.spec.jobs.automl.automl import AutoMLSpec

_STARTED = (PROCESSING, TRAINING, TRANSFORM, TUNING)


def automl_statements(spec: AutoMLSpec, *, project: Project, places: Places) -> list[policy.Statement]:
    """What this job alone needs; `common_statements` has the rest."""
    return [
        *_read(spec, places),
        policy.allow(WRITE, [f"{places.artifact_arn}/runs/*/{spec.name}/*"]),
        policy.allow(
            ["s3:ListBucket"], [places.artifact_arn], when={"StringLike": {"s3:prefix": [f"runs/*/{spec.name}/*"]}}
        ),
        *own_keys(spec.compute.volume_kms_key, spec.output.kms_key),
        *_start(project),
    ]


def outside_buckets(spec: AutoMLSpec) -> list[str]:
    """The buckets that the job reads besides the project's own."""
    return [place.removeprefix("s3://").partition("/")[0] for place in _read_places(spec) if place.startswith("s3://")]


def _read_places(spec: AutoMLSpec) -> list[str]:
    features = [table.features for table in (spec.tabular, spec.forecasting) if table is not None]
    return [*(one.s3 for one in spec.inputs.values()), *(place for place in features if place is not None)]


def _read(spec: AutoMLSpec, places: Places) -> Iterator[policy.Statement]:
    prefixes: dict[str, list[str]] = {}
    inputs = [(one.s3, one.bucket, one.type) for one in spec.inputs.values()]
    features = [(place, "data", "S3Prefix") for place in _read_places(spec)[len(inputs) :]]
    for place, bucket, kind in (*inputs, *features):
        where, key = _place(place, bucket, places)
        # A manifest names objects anywhere in its bucket.
        prefixes.setdefault(where, []).append(key if kind == "S3Prefix" else "")
    yield from read_prefixes(prefixes, located=(places.data_arn, places.artifact_arn))


def _place(address: str, bucket: str, places: Places) -> tuple[str, str]:
    """The bucket's ARN and the key of an address."""
    if address.startswith("s3://"):
        outside, _, key = address.removeprefix("s3://").partition("/")
        return bucket_arn(outside), key
    return places.data_arn if bucket == "data" else places.artifact_arn, address


def _start(project: Project) -> Iterator[policy.Statement]:
    for of in _STARTED:
        actions = ["sagemaker:AddTags", *of.actions("Create", "Describe", "Stop")]
        more = ["sagemaker:ListTrainingJobsForHyperParameterTuningJob"] if of is TUNING else []
        yield policy.allow([*actions, *more], [arn("sagemaker", f"{of.arn_part}/*")])
        if of is not TUNING:
            log_group = arn("logs", f"log-group:{of.log_group}:*")
            yield policy.allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], [log_group])
    models = ["sagemaker:AddTags", "sagemaker:CreateModel", "sagemaker:DeleteModel", "sagemaker:DescribeModel"]
    yield policy.allow(models, [arn("sagemaker", "model/*")])
    yield policy.allow(PULL, [arn("ecr", "repository/*", account="*")])
    # A role cannot name itself in its own policy before it is made
    own = arn("iam", f"role{names.job_role_path(project.name, project.stage)}*", region="")
    yield pass_role([own], to="sagemaker.amazonaws.com")
