"""The rules of CreateTransformJob that its documentation states and its service model does not."""

from collections.abc import Iterator, Mapping
from typing import Any

from embedded.operations import ServiceError
from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.transform.formats import FORMATS, media_type
from shardyard.spec.transform.paths import PathError, parse
from shardyard.spec.transform.plan import DEFAULT_PAYLOAD_MB

_MOST_MB = 100


def check_create(request: Mapping[str, Any], model: Mapping[str, Any]) -> None:
    """Raise the service's error for a request that it would refuse."""
    for rule in (_model, _input, _payloads, _filters, _formats, _capture, _resources, _not_emulated):
        for message in rule(request, model):
            raise ServiceError("ValidationException", message)


def _model(request: Mapping[str, Any], model: Mapping[str, Any]) -> Iterator[str]:
    containers = model.get("Containers", [model.get("PrimaryContainer", {})])
    name = request["ModelName"]
    if len(containers) != 1:
        yield f"The model {name} is a pipeline of {len(containers)} containers: its transform is not emulated."
        return
    container = containers[0]
    if "ModelDataSource" in container:
        yield f"The model {name} has a ModelDataSource, which transform jobs do not support: use ModelDataUrl."
    if container.get("Mode") == "MultiModel":
        yield f"The model {name} is a multi-model, which transform jobs do not support."
    if "Image" not in container:
        yield f"The model {name} is of a model package without an image: its transform is not emulated."


def _input(request: Mapping[str, Any], model: Mapping[str, Any]) -> Iterator[str]:
    source = request["TransformInput"]
    kind = source["DataSource"]["S3DataSource"]["S3DataType"]
    if kind not in ("S3Prefix", "ManifestFile"):
        yield f"S3DataType {kind} is not compatible with transform jobs: use ManifestFile or S3Prefix."
    if "BatchStrategy" in request and source.get("SplitType", "None") == "None":
        yield "To use BatchStrategy, you must set the SplitType property to Line, RecordIO, or TFRecord."


def _payloads(request: Mapping[str, Any], model: Mapping[str, Any]) -> Iterator[str]:
    payload = request.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB)
    together = request.get("MaxConcurrentTransforms", 1) * payload
    if payload > _MOST_MB:
        yield f"MaxPayloadInMB {payload} cannot be greater than {_MOST_MB} MB."
    elif together > _MOST_MB:
        yield f"MaxConcurrentTransforms * MaxPayloadInMB is {together} MB and cannot exceed {_MOST_MB} MB."


def _filters(request: Mapping[str, Any], model: Mapping[str, Any]) -> Iterator[str]:
    for name in ("InputFilter", "OutputFilter"):
        try:
            path = parse(request.get("DataProcessing", {}).get(name, "$"))
        except PathError as error:
            yield f"{name}: {error}."
            continue
        if path.is_ambiguous:
            yield (
                f"{name} {path.text}: a slice with an end is not emulated. The developer guide counts its end, the "
                "JsonPath library that it refers to does not. List the positions."
            )


def _formats(request: Mapping[str, Any], model: Mapping[str, Any]) -> Iterator[str]:
    processing = request.get("DataProcessing", {})
    joins = processing.get("JoinSource", "None") == "Input"
    source, output = request["TransformInput"], request["TransformOutput"]
    read = joins or processing.get("InputFilter", "$") != "$"
    written = joins or processing.get("OutputFilter", "$") != "$"
    for field, asked, needed in (
        ("ContentType", source.get("ContentType", ""), read),
        ("Accept", output.get("Accept", ""), written),
    ):
        if needed and media_type(asked) not in FORMATS:
            yield f"To use DataProcessing, {field} must be one of {', '.join(FORMATS)}, but it is {asked!r}."
    if joins and source.get("SplitType", "None") != output.get("AssembleWith", "None"):
        yield "To join the input with the output, SplitType and AssembleWith must be the same."


def _capture(request: Mapping[str, Any], model: Mapping[str, Any]) -> Iterator[str]:
    config, accept = request.get("DataCaptureConfig", {}), request["TransformOutput"].get("Accept", "")
    if not config.get("DestinationS3Uri", "s3://").startswith("s3://"):
        yield f"DataCaptureConfig: the DestinationS3Uri {config['DestinationS3Uri']} must begin with s3://."
    if config.get("GenerateInferenceId") and media_type(accept) not in FORMATS:
        yield f"To use GenerateInferenceId, Accept must be one of {', '.join(FORMATS)}, but it is {accept!r}."


def _resources(request: Mapping[str, Any], model: Mapping[str, Any]) -> Iterator[str]:
    resources = request["TransformResources"]
    if resources["InstanceCount"] > 100:
        yield f"InstanceCount {resources['InstanceCount']} is more than the maximum of 100."
    known = INSTANCES.get(resources["InstanceType"])
    if "VolumeKmsKeyId" in resources and known is not None and known.local_disk_gb:
        yield f"VolumeKmsKeyId cannot be used with {known.name}: this instance has local storage."


def _not_emulated(request: Mapping[str, Any], model: Mapping[str, Any]) -> Iterator[str]:
    if request.get("MaxPayloadInMB") == 0:
        yield "MaxPayloadInMB 0, bodies in HTTP chunked encoding, is not emulated."
