"""The rules of CreateProcessingJob that its documentation states and its service model does not."""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from embedded.operations import Call, ServiceError
from embedded.services.sagemaker import checks, execution_role
from embedded.services.sagemaker.processing.fields import is_app_managed
from shardyard.spec.catalogue.instances import INSTANCES

_ROOT = "/opt/ml/processing/"


def check_create(request: Mapping[str, Any], account: str, region: str) -> None:
    """Raise the service's error for a request that it would refuse."""
    for rule in (_image, _cluster, _inputs, _outputs, _names):
        for message in rule(request):
            raise ServiceError("ValidationException", message)
    network = request.get("NetworkConfig", {}).get("VpcConfig", {})
    call = Call(account=account, region=region, principal="")
    checks.check_network(call, network.get("Subnets", []), network.get("SecurityGroupIds", []))
    execution_role.check(request["RoleArn"], region)


def _image(request: Mapping[str, Any]) -> Iterator[str]:
    image = request["AppSpecification"]["ImageUri"]
    if ".dkr.ecr." not in image:
        yield f"The ImageUri {image} is not an image of Amazon ECR, which is where processing images are pulled from."


def _cluster(request: Mapping[str, Any]) -> Iterator[str]:
    cluster = request["ProcessingResources"]["ClusterConfig"]
    preferences = cluster.get("InstancePreferences")
    if (preferences is None) == ("InstanceType" not in cluster):
        yield "ClusterConfig must have exactly one of InstanceType and InstancePreferences."
        return
    for field in ("SelectedInstanceType", "SelectedInstanceCount"):
        if field in cluster:
            yield f"{field} is read-only: it is answered by DescribeProcessingJob and not accepted in a request."
    types = [entry["InstanceType"] for entry in preferences or [cluster]]
    if len(set(types)) != len(types):
        yield f"An instance type can appear only once in InstancePreferences, but they are {', '.join(types)}."
    if preferences is not None:
        yield from _counts(cluster, [entry.get("InstanceCount") for entry in preferences])
    own_disks = [one for one in types if one in INSTANCES and INSTANCES[one].local_disk_gb]
    if "VolumeKmsKeyId" in cluster and own_disks:
        yield f"VolumeKmsKeyId cannot be used with {', '.join(own_disks)}: these instances have local storage."
    for one in own_disks:
        room = INSTANCES[one].local_disk_gb
        if cluster["VolumeSizeInGB"] > room:
            yield f"VolumeSizeInGB {cluster['VolumeSizeInGB']} is more than the {room:g} GB of local storage of {one}."


def _counts(cluster: Mapping[str, Any], counts: list[int | None]) -> Iterator[str]:
    given = [count for count in counts if count is not None]
    if given and len(given) < len(counts):
        yield "InstanceCount must be set on every preference in InstancePreferences, or on none."
    elif given and "InstanceCount" in cluster:
        yield "InstanceCount cannot be set both on the preferences and in ClusterConfig."
    elif not given and "InstanceCount" not in cluster:
        yield "InstanceCount must be set on every preference in InstancePreferences, or in ClusterConfig."


def _inputs(request: Mapping[str, Any]) -> Iterator[str]:
    for entry in request.get("ProcessingInputs", []):
        where = f"ProcessingInput {entry['InputName']}"
        if ("S3Input" in entry) == ("DatasetDefinition" in entry):
            yield f"{where} must specify exactly one of S3Input and DatasetDefinition."
            continue
        if "DatasetDefinition" in entry:
            yield from _dataset(where, entry)
            continue
        source = entry["S3Input"]
        if not is_app_managed(entry):
            yield from _local_path(where, source.get("LocalPath"))
        mode = source.get("S3InputMode", "File")
        if source.get("S3CompressionType", "None") == "Gzip" and mode != "Pipe":
            yield f"{where}: S3CompressionType Gzip can only be used in Pipe mode, not in {mode} mode."


def _dataset(where: str, entry: Mapping[str, Any]) -> Iterator[str]:
    definition = entry["DatasetDefinition"]
    kinds = [kind for kind in ("AthenaDatasetDefinition", "RedshiftDatasetDefinition") if kind in definition]
    if len(kinds) != 1:
        yield f"{where} must specify exactly one of AthenaDatasetDefinition and RedshiftDatasetDefinition."
    elif not is_app_managed(entry):
        yield f"{where}: {kinds[0]} is not emulated: the embedded cloud has no engine that runs its query."


def _outputs(request: Mapping[str, Any]) -> Iterator[str]:
    for entry in request.get("ProcessingOutputConfig", {}).get("Outputs", []):
        where = f"ProcessingOutput {entry['OutputName']}"
        if ("S3Output" in entry) == ("FeatureStoreOutput" in entry):
            yield f"{where} must specify exactly one of S3Output and FeatureStoreOutput."
        elif "FeatureStoreOutput" in entry and not is_app_managed(entry):
            yield f"{where}: FeatureStoreOutput is only supported when AppManaged is specified."
        elif not is_app_managed(entry):
            yield from _local_path(where, entry["S3Output"].get("LocalPath"))


def _local_path(where: str, path: str | None) -> Iterator[str]:
    if path is None:
        yield f"{where}: LocalPath is a required parameter when AppManaged is False."
    elif not posixpath.normpath(path).startswith(_ROOT):
        yield f"{where}: the LocalPath {path} must begin with {_ROOT}."


def _names(request: Mapping[str, Any]) -> Iterator[str]:
    inputs = [entry["InputName"] for entry in request.get("ProcessingInputs", [])]
    outputs = [entry["OutputName"] for entry in request.get("ProcessingOutputConfig", {}).get("Outputs", [])]
    for what, names in (("inputs", inputs), ("outputs", outputs)):
        if len(set(names)) != len(names):
            yield f"The names of {what} must be unique, but they are {', '.join(names)}."
