"""Which fields of a request Step Functions' own SageMaker integration (`createTrainingJob.sync`, ...) is known to take.

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

_PROCESSING_TASK = (
    "a task SageMakerCreateProcessingJob, written with a test of its state for aws-cdk (issue 9537) and never merged, "
    "names it, as does what ProcessingStep of aws-step-functions-data-science-sdk-python sends"
)
_NAMED_BY_THE_TASK = """
ProcessingJobName RoleArn Environment Tags Tags.Key Tags.Value
AppSpecification AppSpecification.ImageUri AppSpecification.ContainerEntrypoint AppSpecification.ContainerArguments
ProcessingResources ProcessingResources.ClusterConfig ProcessingResources.ClusterConfig.InstanceCount
ProcessingResources.ClusterConfig.InstanceType ProcessingResources.ClusterConfig.VolumeSizeInGB
ProcessingResources.ClusterConfig.VolumeKmsKeyId
StoppingCondition StoppingCondition.MaxRuntimeInSeconds
ExperimentConfig ExperimentConfig.ExperimentName ExperimentConfig.TrialName ExperimentConfig.TrialComponentDisplayName
NetworkConfig NetworkConfig.EnableInterContainerTrafficEncryption NetworkConfig.EnableNetworkIsolation
NetworkConfig.VpcConfig NetworkConfig.VpcConfig.SecurityGroupIds NetworkConfig.VpcConfig.Subnets
ProcessingInputs ProcessingInputs.InputName ProcessingInputs.AppManaged ProcessingInputs.S3Input
ProcessingInputs.S3Input.LocalPath ProcessingInputs.S3Input.S3CompressionType
ProcessingInputs.S3Input.S3DataDistributionType ProcessingInputs.S3Input.S3DataType
ProcessingInputs.S3Input.S3InputMode ProcessingInputs.S3Input.S3Uri
ProcessingOutputConfig ProcessingOutputConfig.KmsKeyId ProcessingOutputConfig.Outputs
ProcessingOutputConfig.Outputs.OutputName ProcessingOutputConfig.Outputs.AppManaged
ProcessingOutputConfig.Outputs.S3Output ProcessingOutputConfig.Outputs.S3Output.LocalPath
ProcessingOutputConfig.Outputs.S3Output.S3UploadMode ProcessingOutputConfig.Outputs.S3Output.S3Uri
ProcessingOutputConfig.Outputs.FeatureStoreOutput
ProcessingOutputConfig.Outputs.FeatureStoreOutput.FeatureGroupName
"""

KNOWN_PROCESSING_FIELDS: Mapping[str, str] = dict.fromkeys(_NAMED_BY_THE_TASK.split(), _PROCESSING_TASK)
"""The same of CreateProcessingJob; not found: InstancePreferences, RunName, and what is inside a DatasetDefinition."""

_TRANSFORM_TASK = (
    "aws-cdk-lib 2.275.0, aws_stepfunctions_tasks.SageMakerCreateTransformJob writes it "
    "(github.com/aws/aws-cdk, packages/aws-cdk-lib/aws-stepfunctions-tasks/lib/sagemaker/create-transform-job.ts)"
)
_NAMED_BY_THE_TRANSFORM_TASK = """
TransformJobName ModelName BatchStrategy MaxConcurrentTransforms MaxPayloadInMB Environment Tags Tags.Key Tags.Value
ModelClientConfig ModelClientConfig.InvocationsMaxRetries ModelClientConfig.InvocationsTimeoutInSeconds
TransformInput TransformInput.CompressionType TransformInput.ContentType TransformInput.SplitType
TransformInput.DataSource TransformInput.DataSource.S3DataSource TransformInput.DataSource.S3DataSource.S3DataType
TransformInput.DataSource.S3DataSource.S3Uri
TransformOutput TransformOutput.S3OutputPath TransformOutput.Accept TransformOutput.AssembleWith
TransformOutput.KmsKeyId
TransformResources TransformResources.InstanceCount TransformResources.InstanceType TransformResources.VolumeKmsKeyId
"""
_PROCESSED = (
    "github.com/aws/aws-cdk/pull/13547 (2021-03-11): its author ran createTransformJob.sync with DataProcessing and "
    "shows the job that has it; TransformStep of aws-step-functions-data-science-sdk-python sends it since its pull "
    "request 53 (2020)"
)
KNOWN_TRANSFORM_FIELDS: Mapping[str, str] = {
    **dict.fromkeys(_NAMED_BY_THE_TRANSFORM_TASK.split(), _TRANSFORM_TASK),
    "DataProcessing": _PROCESSED,
    "DataProcessing.InputFilter": _PROCESSED,
    "DataProcessing.JoinSource": _PROCESSED,
    "DataProcessing.OutputFilter": _PROCESSED,
}
"""The same of CreateTransformJob; not found: DataCaptureConfig, ExperimentConfig, TransformAmiVersion."""

_MODEL_TASK = (
    "aws-cdk-lib 2.275.0, aws_stepfunctions_tasks.SageMakerCreateModel writes it "
    "(github.com/aws/aws-cdk, packages/aws-cdk-lib/aws-stepfunctions-tasks/lib/sagemaker/create-model.ts)"
)
_NAMED_BY_THE_MODEL_TASK = """
ModelName ExecutionRoleArn EnableNetworkIsolation Tags Tags.Key Tags.Value
PrimaryContainer PrimaryContainer.Image PrimaryContainer.ModelDataUrl PrimaryContainer.Environment
PrimaryContainer.ContainerHostname PrimaryContainer.Mode PrimaryContainer.ModelPackageName
Containers Containers.Image Containers.ModelDataUrl Containers.Environment Containers.ContainerHostname Containers.Mode
Containers.ModelPackageName
VpcConfig VpcConfig.SecurityGroupIds VpcConfig.Subnets
"""
KNOWN_MODEL_FIELDS: Mapping[str, str] = dict.fromkeys(_NAMED_BY_THE_MODEL_TASK.split(), _MODEL_TASK)
"""The same of CreateModel; not found: ImageConfig, ModelDataSource, InferenceExecutionConfig."""

_KNOWN = {
    "createTrainingJob": KNOWN_FIELDS,
    "createProcessingJob": KNOWN_PROCESSING_FIELDS,
    "createTransformJob": KNOWN_TRANSFORM_FIELDS,
    "createModel": KNOWN_MODEL_FIELDS,
}

SUPPORTED_FIELDS: Mapping[str, frozenset[str]] = {
    action: frozenset(path for path in known if "." not in path) for action, known in _KNOWN.items()
}
"""The top-level fields by the integration's action, for an emulation of it."""

STEP_FUNCTIONS_TAG = "MANAGED_BY_AWS"
"""The tag that the integration adds to a training job, one of the 50 that a job may have (connect-sagemaker)."""

_FREE_TABLES = ("HyperParameters", "Environment", "PrimaryContainer.Environment", "Containers.Environment")
"""Tables whose keys are the user's, not the service's."""


def used_fields(request: Mapping[str, Any]) -> tuple[str, ...]:
    """Every field of a request as a dotted path, without list positions, in order, each once."""
    return tuple(dict.fromkeys(_paths(request, "")))


def unknown_to_step_functions(request: Mapping[str, Any], action: str = "createTrainingJob") -> tuple[str, ...]:
    """The fields of a request that need the second path: the submit handler."""
    return tuple(path for path in used_fields(request) if path not in _KNOWN[action])


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
