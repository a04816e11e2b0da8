"""What one job's execution role may do: its own channels, prefixes, image, keys and subnets, and nothing else."""

from collections.abc import Iterator, Mapping, Sequence

from contract import secrets
from shardyard.core import policy
from shardyard.core.arns import arn, bucket_arn
from shardyard.foundation.permissions import PULL, Access
from shardyard.foundation.storage_base import Places
from shardyard.images.job_image import JobImage
from shardyard.spec.catalogue.service_jobs import ServiceJob
from shardyard.spec.jobs.data import Channel, FileSystem
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec

WRITE = ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject")
_MLFLOW = (
    "sagemaker-mlflow:CreateExperiment",
    "sagemaker-mlflow:CreateRun",
    "sagemaker-mlflow:GetExperiment",
    "sagemaker-mlflow:GetExperimentByName",
    "sagemaker-mlflow:GetRun",
    "sagemaker-mlflow:LogBatch",
    "sagemaker-mlflow:LogInputs",
    "sagemaker-mlflow:LogMetric",
    "sagemaker-mlflow:LogModel",
    "sagemaker-mlflow:LogParam",
    "sagemaker-mlflow:SearchRuns",
    "sagemaker-mlflow:SetTag",
    "sagemaker-mlflow:UpdateRun",
)
_MLFLOW_APP = ("sagemaker:CallMlflowAppApi", "sagemaker:DescribeMlflowApp")
"""What opens an MLflow app, beside what is done there; a tracking server has no such door."""
_SHELL = (
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)


def execution_statements(
    spec: JobSpec, *, places: Places, image: JobImage | None, longer_names: Sequence[str] = ()
) -> list[policy.Statement]:
    """What this job alone needs: its channels, its prefixes, its image. `common_statements` has the rest.

    `longer_names` are jobs of the project whose names begin with this one's and a hyphen: what is theirs is denied.
    """
    theirs = [f"{places.artifact_arn}/runs/*/{name}-*" for name in sorted(longer_names)]
    return [
        *([policy.deny(WRITE, theirs)] if theirs else []),
        *_read_channels(spec, places),
        *_write_results(spec, places),
        *own_keys(spec.compute.volume_kms_key, spec.output.kms_key),
        *read_secrets(spec),
        *pull_image(image),
        *_extras(spec),
    ]


def common_statements(access: Access, of: ServiceJob, *, vpc: bool) -> list[policy.Statement]:
    """What every job of a kind needs of the project: key, buckets' regions, log group, metrics, subnets."""
    return [
        *access.use_key(),
        access.locate_buckets(),
        access.write_logs(of.log_group),
        access.publish_metrics(),
        policy.allow(["ecr:GetAuthorizationToken"], ["*"]),  # it is for the whole registry, by its nature
        *(access.join_network() if vpc else []),
    ]


def channel_places(spec: JobSpec) -> Iterator[tuple[str | None, str]]:
    """Bucket and key prefix of each channel in S3; None stands for the project's data bucket."""
    for channel in spec.channels.values():
        if channel.s3 is not None:
            yield _place(channel)


def _place(channel: Channel) -> tuple[str | None, str]:
    address = str(channel.s3)
    bucket, _, key = address.removeprefix("s3://").partition("/")
    # A manifest names objects anywhere in its bucket.
    whole = channel.type != "S3Prefix"
    if not address.startswith("s3://"):
        return None, "" if whole else address
    return bucket, "" if whole else key


def _read_channels(spec: JobSpec, places: Places) -> Iterator[policy.Statement]:
    prefixes_of: dict[str, list[str]] = {}
    for bucket, prefix in channel_places(spec):
        where = places.data_arn if bucket is None else bucket_arn(bucket)
        prefixes_of.setdefault(where, []).append(prefix)
    yield from read_prefixes(prefixes_of, located=(places.data_arn,))
    for channel in spec.channels.values():
        if channel.file_system is not None:
            yield _mount(channel.file_system)


def read_prefixes(prefixes_of: Mapping[str, Sequence[str]], *, located: Sequence[str]) -> Iterator[policy.Statement]:
    """Read what lies under these prefixes, by bucket; where the buckets `located` are, every job may ask."""
    for where, prefixes in prefixes_of.items():
        listed = [f"{prefix}*" for prefix in prefixes]
        yield policy.allow(["s3:GetObject"], [f"{where}/{prefix}" for prefix in listed])
        yield policy.allow(["s3:ListBucket"], [where], when={"StringLike": {"s3:prefix": listed}})
        if where not in located:
            yield policy.allow(["s3:GetBucketLocation"], [where])


def _mount(system: FileSystem) -> policy.Statement:
    if system.type == "FSxLustre":
        return policy.allow(["fsx:DescribeFileSystems"], ["*"])  # it knows no resources in IAM
    actions = ["elasticfilesystem:ClientMount", "elasticfilesystem:DescribeMountTargets"]
    writes = ["elasticfilesystem:ClientWrite"] if system.access == "rw" else []
    return policy.allow([*actions, *writes], [arn("elasticfilesystem", f"file-system/{system.id}")])


def _write_results(spec: JobSpec, places: Places) -> Iterator[policy.Statement]:
    artifacts = places.artifact_arn
    # A training job's name begins with its job's, and its results and TensorBoard files lie under its name.
    written = [f"{artifacts}/runs/*/{spec.name}-*"]
    listed = ["runs/*"]
    if spec.tensorboard.enabled:
        written.append(f"{artifacts}/runs/*/tensorboard/{spec.name}-*")
    if spec.checkpoints.enabled and spec.checkpoints.s3 is None:
        written.append(f"{artifacts}/checkpoints/{spec.name}/*")
        listed.append(f"checkpoints/{spec.name}/*")
    if spec.source is not None or spec.image.framework is not None:
        yield policy.allow(["s3:GetObject"], [f"{artifacts}/source/*"])
        listed.append("source/*")
    yield policy.allow(WRITE, written)
    yield policy.allow(["s3:ListBucket"], [artifacts], when={"StringLike": {"s3:prefix": listed}})
    if spec.checkpoints.enabled and spec.checkpoints.s3 is not None:
        bucket, _, key = spec.checkpoints.s3.removeprefix("s3://").partition("/")
        there = bucket_arn(bucket)
        yield policy.allow(WRITE, [f"{there}/{key}*"])
        yield policy.allow(["s3:GetBucketLocation", "s3:ListBucket"], [there])


def own_keys(*named: str | None) -> Iterator[policy.Statement]:
    """Keys that the job names itself, in place of the project's."""
    keys = sorted({_key_arn(key) for key in named if key is not None})
    if keys:
        yield policy.allow(["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"], keys)
        yield policy.allow(["kms:CreateGrant"], keys, when={"Bool": {"kms:GrantIsForAWSResource": "true"}})


def _key_arn(key: str) -> str:
    return key if key.startswith("arn:") else arn("kms", key)


def secret_arns(spec: LaunchedSpec) -> list[str]:
    """The job's secrets, each once: AWS puts six letters of its own behind a name."""
    return [one if one.startswith("arn:") else arn("secretsmanager", f"secret:{one}-??????") for one in _secrets(spec)]


def _secrets(spec: LaunchedSpec) -> list[str]:
    return sorted({secrets.parse(text).secret for text in spec.secrets.values()})


def read_secrets(spec: LaunchedSpec) -> Iterator[policy.Statement]:
    """Read these secrets, and have Secrets Manager decrypt them where a key of the customer's encrypts one.

    Which key that is the secret alone knows. What Secrets Manager asks the key to decrypt is named by the secret's ARN.
    """
    arns = secret_arns(spec)
    if not arns:
        return
    yield policy.allow(["secretsmanager:GetSecretValue"], arns)
    keys = {_keys_beside(one) for one in _secrets(spec)}
    through = {
        "StringLike": {"kms:EncryptionContext:SecretARN": arns, "kms:ViaService": "secretsmanager.*.amazonaws.com*"}
    }
    yield policy.allow(["kms:Decrypt"], sorted(keys), when=through)


def _keys_beside(secret: str) -> str:
    """Every key of the account and region in which a secret lies."""
    if not secret.startswith("arn:"):
        return arn("kms", "key/*")
    _, partition, _, region, account, *_ = secret.split(":")
    return f"arn:{partition}:kms:{region}:{account}:key/*"


def pull_image(image: JobImage | None) -> Iterator[policy.Statement]:
    if image is not None and image.repository_arn is not None:
        yield policy.allow(PULL, [image.repository_arn])


def _extras(spec: JobSpec) -> Iterator[policy.Statement]:
    if spec.debug.remote:
        yield policy.allow(_SHELL, ["*"])  # Systems Manager's channels are no resources in IAM
    if spec.mlflow is not None:
        is_app = ":mlflow-app/" in spec.mlflow.resource_arn
        yield policy.allow([*(_MLFLOW_APP if is_app else ()), *_MLFLOW], [spec.mlflow.resource_arn])
    if spec.image.credentials_function is not None:
        yield policy.allow(["lambda:InvokeFunction"], [spec.image.credentials_function])


def launch_statements(
    *, function_arns: Sequence[str], topic_arn: str | None, places: Places, kinds: Sequence[ServiceJob]
) -> list[policy.Statement]:
    """What every state machine needs: what Step Functions documents for `.sync`, our functions, the topic, its log.

    Which role it may pass is each machine's own.
    """
    return [
        *(statement for of in kinds for statement in _create_and_wait(of)),
        policy.allow(["lambda:InvokeFunction"], function_arns),
        *([] if topic_arn is None else [policy.allow(["sns:Publish"], [topic_arn])]),
        *places.use_keys("kms:Decrypt", "kms:GenerateDataKey"),
        # The delivery of execution logs and traces knows no resources in IAM.
        policy.allow(_LOG_DELIVERY, ["*"]),
    ]


def _create_and_wait(of: ServiceJob) -> list[policy.Statement]:
    create, describe, stop = of.actions("Create", "Describe", "Stop")
    waits = ["events:DescribeRule", "events:PutRule", "events:PutTargets"]
    return [
        policy.allow(
            ["sagemaker:AddTags", create, describe, "sagemaker:ListTags", stop], [arn("sagemaker", f"{of.arn_part}/*")]
        ),
        *([] if of.rule is None else [policy.allow(waits, [arn("events", f"rule/{of.rule}")])]),
    ]


_LOG_DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)
