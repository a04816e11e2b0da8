"""Which CreateTrainingJob fields Step Functions' own SageMaker integration (`createTrainingJob.sync`) is known to take.

The integration keeps its own list and fails an execution with `The field "X" is not supported by Step Functions`.
AWS no longer publishes the list, so this one is evidence, dated, and cautious: a field without evidence is not on it,
and a job that uses one goes through our own submit handler, which takes every field.
"""

from collections.abc import Iterator, Mapping
from typing import Any

FIELDS_DATE = "2026-11-21"
"""When the evidence was last looked through."""

_DOCUMENTED = "AWS Step Functions developer guide, connect-sagemaker, `Supported parameters` (public source, 2022)"
_CDK = "aws-cdk-lib 2.275.0: the task state SageMakerCreateTrainingJob writes it"
_SPOT = "aws/aws-step-functions-data-science-sdk-python issue 42: supported, said on 2021-09-11"
_CHECKPOINT = "aws/sagemaker-python-sdk issue 2416 (2021-05): users of the Step Functions SDK send it; not seen by us"

KNOWN_FIELDS: Mapping[str, str] = {
    "TrainingJobName": _DOCUMENTED,
    "RoleArn": _DOCUMENTED,
    "HyperParameters": _DOCUMENTED,
    "Tags": _DOCUMENTED,
    "Tags.Key": _DOCUMENTED,
    "Tags.Value": _DOCUMENTED,
    "AlgorithmSpecification": _DOCUMENTED,
    "AlgorithmSpecification.TrainingImage": _CDK,
    "AlgorithmSpecification.AlgorithmName": _CDK,
    "AlgorithmSpecification.TrainingInputMode": _CDK,
    "AlgorithmSpecification.MetricDefinitions": _CDK,
    "AlgorithmSpecification.MetricDefinitions.Name": _CDK,
    "AlgorithmSpecification.MetricDefinitions.Regex": _CDK,
    "InputDataConfig": _DOCUMENTED,
    "InputDataConfig.ChannelName": _CDK,
    "InputDataConfig.ContentType": _CDK,
    "InputDataConfig.CompressionType": _CDK,
    "InputDataConfig.RecordWrapperType": _CDK,
    "InputDataConfig.InputMode": _CDK,
    "InputDataConfig.DataSource": _CDK,
    "InputDataConfig.DataSource.S3DataSource": _CDK,
    "InputDataConfig.DataSource.S3DataSource.S3DataType": _CDK,
    "InputDataConfig.DataSource.S3DataSource.S3Uri": _CDK,
    "InputDataConfig.DataSource.S3DataSource.S3DataDistributionType": _CDK,
    "InputDataConfig.DataSource.S3DataSource.AttributeNames": _CDK,
    "OutputDataConfig": _DOCUMENTED,
    "OutputDataConfig.S3OutputPath": _CDK,
    "OutputDataConfig.KmsKeyId": _CDK,
    "ResourceConfig": _DOCUMENTED,
    "ResourceConfig.InstanceType": _CDK,
    "ResourceConfig.InstanceCount": _CDK,
    "ResourceConfig.VolumeSizeInGB": _CDK,
    "ResourceConfig.VolumeKmsKeyId": _CDK,
    "StoppingCondition": _DOCUMENTED,
    "StoppingCondition.MaxRuntimeInSeconds": _CDK,
    "StoppingCondition.MaxWaitTimeInSeconds": _SPOT,
    "VpcConfig": _DOCUMENTED,
    "VpcConfig.Subnets": _CDK,
    "VpcConfig.SecurityGroupIds": _CDK,
    "EnableNetworkIsolation": _CDK,
    "Environment": _CDK,
    "EnableManagedSpotTraining": _SPOT,
    "CheckpointConfig": _CHECKPOINT,
    "CheckpointConfig.S3Uri": _CHECKPOINT,
    "CheckpointConfig.LocalPath": _CHECKPOINT,
}
"""Every field known to work, as a dotted path, with the evidence."""

SUPPORTED_FIELDS: Mapping[str, frozenset[str]] = {
    "createTrainingJob": frozenset(path for path in KNOWN_FIELDS if "." not in path)
}
"""The top-level fields by the integration's action, for an emulation of it."""

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
