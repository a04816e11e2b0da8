"""Which CreateTrainingJob fields Step Functions' own SageMaker integration (`createTrainingJob.sync`) is known to take.

The integration keeps its own list and answers `The field "X" is not supported by Step Functions`, for a field that the
definition names when the state machine is made, for one below it when the state runs. AWS has published that list
(connect-sagemaker, `Supported parameters`) until May 2023, ten fields, and since then only says which actions there
are. So this one is evidence, dated, and cautious: a field without evidence is not on it, and a job that uses one goes
through our own submit handler, which takes every field.

Looked for in vain: KeepAlivePeriodInSeconds, InstanceGroups, InstancePreferences, RetryStrategy, FileSystemDataSource,
ContainerEntrypoint, MaxPendingTimeInSeconds, TensorBoardOutputConfig, RemoteDebugConfig, InfraCheckConfig,
MlflowConfig, OutputDataConfig.CompressionType. EnableInterContainerTrafficEncryption stands in one state machine that
we could not trace to an address.
"""

from collections.abc import Iterator, Mapping
from typing import Any

CDK = (
    "aws-cdk-lib 2.275.0, aws_stepfunctions_tasks.SageMakerCreateTrainingJob writes it "
    "(github.com/aws/aws-cdk, packages/aws-cdk-lib/aws-stepfunctions-tasks/lib/sagemaker/create-training-job.ts)"
)
_SPOT = (
    "github.com/aws/aws-step-functions-data-science-sdk-python/issues/42: a maintainer said on 2021-09-11 that the "
    "documentation lists it as supported (on 2020-04-28 it was not)"
)
_STATE = (
    "github.com/ohbuchim/sample-codes-for-aiml at 5d52883 (2022-12-24), amazon-sagemaker-training/"
    "sagemaker-managed-spot-training-pipeline/asl.json: a createTrainingJob.sync state for spot names it"
)
_WAIT = f"{_STATE} as StoppingCondition.$, and code/lambda/index.py beside it fills this in"

KNOWN_FIELDS: Mapping[str, str] = {
    "TrainingJobName": CDK,
    "RoleArn": CDK,
    "HyperParameters": CDK,
    "Tags": CDK,
    "Tags.Key": CDK,
    "Tags.Value": CDK,
    "AlgorithmSpecification": CDK,
    "AlgorithmSpecification.TrainingImage": CDK,
    "AlgorithmSpecification.AlgorithmName": CDK,
    "AlgorithmSpecification.TrainingInputMode": CDK,
    "AlgorithmSpecification.MetricDefinitions": CDK,
    "AlgorithmSpecification.MetricDefinitions.Name": CDK,
    "AlgorithmSpecification.MetricDefinitions.Regex": CDK,
    "InputDataConfig": CDK,
    "InputDataConfig.ChannelName": CDK,
    "InputDataConfig.ContentType": CDK,
    "InputDataConfig.CompressionType": CDK,
    "InputDataConfig.RecordWrapperType": CDK,
    "InputDataConfig.InputMode": CDK,
    "InputDataConfig.DataSource": CDK,
    "InputDataConfig.DataSource.S3DataSource": CDK,
    "InputDataConfig.DataSource.S3DataSource.S3DataType": CDK,
    "InputDataConfig.DataSource.S3DataSource.S3Uri": CDK,
    "InputDataConfig.DataSource.S3DataSource.S3DataDistributionType": CDK,
    "InputDataConfig.DataSource.S3DataSource.AttributeNames": CDK,
    "OutputDataConfig": CDK,
    "OutputDataConfig.S3OutputPath": CDK,
    "OutputDataConfig.KmsKeyId": CDK,
    "ResourceConfig": CDK,
    "ResourceConfig.InstanceType": CDK,
    "ResourceConfig.InstanceCount": CDK,
    "ResourceConfig.VolumeSizeInGB": CDK,
    "ResourceConfig.VolumeKmsKeyId": CDK,
    "StoppingCondition": CDK,
    "StoppingCondition.MaxRuntimeInSeconds": CDK,
    "StoppingCondition.MaxWaitTimeInSeconds": _WAIT,
    "VpcConfig": CDK,
    "VpcConfig.Subnets": CDK,
    "VpcConfig.SecurityGroupIds": CDK,
    "EnableNetworkIsolation": CDK,
    "Environment": CDK,
    "EnableManagedSpotTraining": _SPOT,
    "CheckpointConfig": _STATE,
    "CheckpointConfig.S3Uri": _STATE,
    "CheckpointConfig.LocalPath": _STATE,
}
"""Every field known to work, as a dotted path, with the evidence."""

SUPPORTED_FIELDS: Mapping[str, frozenset[str]] = {
    "createTrainingJob": frozenset(path for path in KNOWN_FIELDS if "." not in path)
}
"""The top-level fields by the integration's action, for an emulation of it."""

STEP_FUNCTIONS_TAG = "MANAGED_BY_AWS"
"""The tag that the integration adds to a training job, one of the 50 that a job may have (connect-sagemaker)."""

_FREE_TABLES = ("HyperParameters", "Environment")
"""Tables whose keys are the user's, not the service's."""


def used_fields(request: Mapping[str, Any]) -> tuple[str, ...]:
    """Every field of a request as a dotted path, without list positions, in order, each once."""
    return tuple(dict.fromkeys(_paths(request, "")))


def unknown_to_step_functions(request: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields of a request that need the second path: the submit handler."""
    return tuple(path for path in used_fields(request) if path not in KNOWN_FIELDS)


def _paths(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            inner = f"{path}.{key}" if path else key
            yield inner
            if inner not in _FREE_TABLES:
                yield from _paths(below, inner)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _paths(item, path)
