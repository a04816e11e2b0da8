"""The rules of CreateTrainingJob that its documentation states and its service model does not."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from embedded.operations import Call, ServiceError
from embedded.services.sagemaker import checks, execution_role
from embedded.services.sagemaker.jobs.channels import check_objects
from shardyard.spec.catalogue.instances import INSTANCES

_RESERVED_PATHS = ("/opt/ml/input", "/opt/ml/model", "/opt/ml/output", "/opt/ml/code", "/opt/ml/errors")
_RUNTIME_SECONDS_MOST = 28 * 86400


def check_create(request: Mapping[str, Any], account: str, region: str) -> None:
    """Raise the service's error for a request that it would refuse."""
    for rule in (_algorithm, _resources, _stopping, _channels, _checkpoints, _tensorboard, _metrics):
        for message in rule(request):
            raise ServiceError("ValidationException", message)
    network = request.get("VpcConfig", {})
    call = Call(account=account, region=region, principal="")
    checks.check_network(call, network.get("Subnets", []), network.get("SecurityGroupIds", []))
    execution_role.check(request["RoleArn"], region)
    check_objects(
        execution_role.client(request["RoleArn"], "s3", region),
        request.get("InputDataConfig", []),
        request["RoleArn"],
        region,
    )


def _algorithm(request: Mapping[str, Any]) -> Iterator[str]:
    algorithm = request.get("AlgorithmSpecification")
    if algorithm is None:
        yield "AlgorithmSpecification is required: the embedded cloud does not run serverless jobs."
        return
    if ("TrainingImage" in algorithm) == ("AlgorithmName" in algorithm):
        yield "Exactly one of TrainingImage and AlgorithmName must be specified in AlgorithmSpecification."
    elif ".dkr.ecr." not in algorithm.get("TrainingImage", ".dkr.ecr.") and "TrainingImageConfig" not in algorithm:
        yield (
            "TrainingImageConfig with TrainingRepositoryAccessMode set to VPC must be provided when using a training "
            "image from a private Docker registry."
        )
    elif "AlgorithmName" in algorithm:
        yield "AlgorithmName is not emulated: the embedded cloud runs jobs that name a TrainingImage."


def _resources(request: Mapping[str, Any]) -> Iterator[str]:
    config = request.get("ResourceConfig")
    if config is None:
        yield "ResourceConfig is required."
        return
    groups, preferences = config.get("InstanceGroups"), config.get("InstancePreferences")
    if groups:
        if "InstanceType" in config or "InstanceCount" in config:
            yield "InstanceGroups cannot be used together with InstanceType and InstanceCount in ResourceConfig."
        names = [group["InstanceGroupName"] for group in groups]
        if len(set(names)) != len(names):
            yield f"The names of instance groups must be unique, but they are {', '.join(names)}."
    elif preferences:
        yield from _preferences(request, config)
    elif "InstanceType" not in config:
        yield "ResourceConfig must name an InstanceType, InstanceGroups or InstancePreferences."
    counts = [group["InstanceCount"] for group in groups] if groups else [config.get("InstanceCount", 1)]
    if min(counts) < 1:
        yield f"InstanceCount must be at least 1, not {min(counts)}."
    types = [group["InstanceType"] for group in groups or preferences or [config] if "InstanceType" in group]
    own_disks = [one for one in types if one in INSTANCES and INSTANCES[one].local_disk_gb]
    if "VolumeKmsKeyId" in config and types and len(own_disks) == len(types):
        yield f"VolumeKmsKeyId cannot be used with {', '.join(own_disks)}: these instances have local storage."
    if config.get("KeepAlivePeriodInSeconds") and request.get("EnableManagedSpotTraining"):
        yield "KeepAlivePeriodInSeconds cannot be used with managed spot training."


def _preferences(request: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    for other in ("InstanceType", "InstancePlacementConfig"):
        if other in config:
            yield f"InstancePreferences cannot be used together with {other} in ResourceConfig."
    if request.get("EnableManagedSpotTraining"):
        yield "InstancePreferences cannot be used with managed spot training."


def _stopping(request: Mapping[str, Any]) -> Iterator[str]:
    condition = request.get("StoppingCondition", {})
    runtime = condition.get("MaxRuntimeInSeconds", 86400)
    wait = condition.get("MaxWaitTimeInSeconds")
    if not 1 <= runtime <= _RUNTIME_SECONDS_MOST:
        yield f"MaxRuntimeInSeconds must be between 1 and {_RUNTIME_SECONDS_MOST}, not {runtime}."
    if request.get("EnableManagedSpotTraining"):
        if wait is None or wait < runtime:
            yield "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
    elif wait is not None:
        yield "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true"


def _channels(request: Mapping[str, Any]) -> Iterator[str]:
    channels = request.get("InputDataConfig", [])
    names = [channel["ChannelName"] for channel in channels]
    yield from (f"Channel {name}: no folder can have this name." for name in names if name in (".", ".."))
    if len(set(names)) != len(names):
        yield f"Channel names must be unique, but they are {', '.join(names)}."
    groups = {group["InstanceGroupName"] for group in request["ResourceConfig"].get("InstanceGroups", [])}
    default_mode = request["AlgorithmSpecification"]["TrainingInputMode"]
    for channel in channels:
        mode = channel.get("InputMode", default_mode)
        yield from _channel(channel, mode, sorted(groups), has_network="VpcConfig" in request)


def _channel(channel: Mapping[str, Any], mode: str, groups: Sequence[str], *, has_network: bool) -> Iterator[str]:
    name, source = channel["ChannelName"], channel["DataSource"]
    if len(source) != 1:
        yield f"Channel {name}: DataSource must have exactly one of S3DataSource, FileSystemDataSource, DatasetSource."
        return
    if "DatasetSource" in source:
        yield f"Channel {name}: DatasetSource is not emulated."
    if "FileSystemDataSource" in source and not has_network:
        yield f"Channel {name}: a FileSystemDataSource needs a VpcConfig with a way to the file system."
    s3 = source.get("S3DataSource")
    if s3 is None:
        return
    unknown = [group for group in s3.get("InstanceGroupNames", []) if group not in groups]
    if unknown:
        yield f"Channel {name}: no such instance group: {', '.join(unknown)}."
    if s3["S3DataType"] == "Converse":
        yield f"Channel {name}: the S3DataType Converse is not emulated."
    if s3["S3DataType"] == "AugmentedManifestFile":
        if mode != "Pipe":
            yield f"Channel {name}: AugmentedManifestFile can only be used if the channel's input mode is Pipe."
        if not s3.get("AttributeNames"):
            yield f"Channel {name}: AugmentedManifestFile needs AttributeNames."
    for field in ("CompressionType", "RecordWrapperType"):
        if channel.get(field, "None") != "None" and mode != "Pipe":
            yield f"Channel {name}: {field} {channel[field]} can only be used in Pipe mode, not in {mode} mode."


def _checkpoints(request: Mapping[str, Any]) -> Iterator[str]:
    path = posixpath.normpath(request.get("CheckpointConfig", {}).get("LocalPath", "/opt/ml/checkpoints"))
    if not path.startswith("/opt/ml/"):
        yield f"The checkpoints' LocalPath {path} is not below /opt/ml/."
    if any(path == reserved or path.startswith(reserved + "/") for reserved in _RESERVED_PATHS):
        yield f"The checkpoints' LocalPath {path} is reserved by SageMaker."


def _tensorboard(request: Mapping[str, Any]) -> Iterator[str]:
    path = posixpath.normpath(request.get("TensorBoardOutputConfig", {}).get("LocalPath", "/opt/ml/output/tensorboard"))
    if not path.startswith("/opt/ml/"):
        yield f"The embedded cloud carries TensorBoard files from below /opt/ml alone; LocalPath is {path}."


def _metrics(request: Mapping[str, Any]) -> Iterator[str]:
    for definition in request["AlgorithmSpecification"].get("MetricDefinitions", []):
        try:
            groups = re.compile(definition["Regex"]).groups
        except re.error as error:
            yield f"The regex {definition['Regex']!r} of metric {definition['Name']} is invalid: {error}."
            continue
        if groups != 1:
            yield f"The regex {definition['Regex']!r} of metric {definition['Name']} must have one group, not {groups}."
