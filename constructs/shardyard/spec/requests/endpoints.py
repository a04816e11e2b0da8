"""An endpoint's definition as the requests that make it: Model, EndpointConfig, Endpoint, as AWS names their fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shardyard.spec.catalogue.instances import has_local_disk
from shardyard.spec.endpoints.endpoint import EndpointSpec, Variant

CSV = "text/csv"
JSON = "application/json"
_WITH_ANSWER = {"SuccessTopic": "SUCCESS_NOTIFICATION_TOPIC", "ErrorTopic": "ERROR_NOTIFICATION_TOPIC"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """What the deploy knows of an endpoint's surroundings; references are welcome."""

    endpoint_name: str
    role_arn: str
    artifact_bucket: str
    image_uris: Mapping[str, str]
    """The image of each variant."""
    model_urls: Mapping[str, str]
    """The model of each variant, in S3."""
    key_arn: str | None
    """Encrypts disks and results; None leaves that to AWS."""
    subnets: Sequence[str] = ()
    """Where the containers run; empty outside a VPC."""
    security_group_ids: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    def address(self, s3: str | None, otherwise: str) -> str:
        """An address of the file's; a key alone lies in the artifact bucket."""
        place = otherwise if s3 is None else s3
        return place if place.startswith("s3://") else f"s3://{self.artifact_bucket}/{place}"


def capture_place(spec: EndpointSpec) -> str:
    """Where captured data go, as the file says it."""
    assert spec.capture is not None
    return f"capture/{spec.name}/" if spec.capture.s3 is None else spec.capture.s3


def answer_place(spec: EndpointSpec) -> str:
    """Where asynchronous answers go, as the file says it."""
    queue = spec.asynchronous
    return f"async/{spec.name}/" if queue is None or queue.s3 is None else queue.s3


def model_place(spec: EndpointSpec, variant: str) -> str:
    """Below what a variant's models lie, as the file says it: another model of the same place needs no deploy."""
    model = spec.model_of(variant)
    if model.file is not None:
        return f"models/{spec.name}/"
    if model.s3 is None:
        return "runs/"
    folder, slash, _ = model.s3.rpartition("/")
    return f"{folder}{slash}"


def model_request(spec: EndpointSpec, variant: str, site: Site) -> dict[str, Any]:
    """CreateModel's fields, but for the name."""
    container: dict[str, Any] = {"Image": site.image_uris[variant], "Environment": _environment(spec, variant)}
    url = site.model_urls[variant]
    if spec.kind == "multi-model":
        cached = "Enabled" if spec.multi_model.cache else "Disabled"
        container |= {"Mode": "MultiModel", "ModelDataUrl": url, "MultiModelConfig": {"ModelCacheSetting": cached}}
    elif spec.model_of(variant).is_prefix:
        source = {"S3Uri": url, "S3DataType": "S3Prefix", "CompressionType": "None"}
        container["ModelDataSource"] = {"S3DataSource": source}
    else:
        container["ModelDataUrl"] = url
    request: dict[str, Any] = {"ExecutionRoleArn": site.role_arn, "PrimaryContainer": container}
    if spec.network.isolation:
        request["EnableNetworkIsolation"] = True
    if spec.in_network and site.subnets:
        request["VpcConfig"] = {"Subnets": list(site.subnets), "SecurityGroupIds": list(site.security_group_ids)}
    return {**request, "Tags": tags(site)}


def _environment(spec: EndpointSpec, variant: str) -> dict[str, str]:
    return {**spec.environment, **spec.variants[variant].environment}


def config_request(spec: EndpointSpec, site: Site, models: Mapping[str, str]) -> dict[str, Any]:
    """CreateEndpointConfig's fields, but for the name; `models` are the models' names by variant."""
    request: dict[str, Any] = {
        "ProductionVariants": [_variant(name, one, models[name]) for name, one in spec.production.items()]
    }
    if spec.shadows:
        request["ShadowProductionVariants"] = [_variant(name, one, models[name]) for name, one in spec.shadows.items()]
    results_key = spec.encryption.results_key if spec.encryption.results_key is not None else site.key_arn
    if spec.capture is not None:
        request["DataCaptureConfig"] = _capture(spec, site, results_key)
    if spec.kind == "asynchronous":
        request["AsyncInferenceConfig"] = _queue(spec, site, results_key)
    volume_key = volume_key_of(spec, site.key_arn)
    if volume_key is not None:
        request["KmsKeyId"] = volume_key
    return {**request, "Tags": tags(site)}


def volume_key_of(spec: EndpointSpec, project_key: str | None) -> str | None:
    """The key of the disks; None where the instances bring encrypted disks of their own, or have none."""
    kinds = tuple(str(one.instance_type) for one in spec.variants.values())
    if spec.kind == "serverless" or has_local_disk(kinds):
        return None
    return spec.encryption.volume_key if spec.encryption.volume_key is not None else project_key


def _variant(name: str, one: Variant, model: str) -> dict[str, Any]:
    request: dict[str, Any] = {"VariantName": name, "ModelName": model, "InitialVariantWeight": one.weight}
    if one.serverless is not None:
        capacity = {"MemorySizeInMB": one.serverless.memory_mb, "MaxConcurrency": one.serverless.concurrency}
        if one.serverless.provisioned is not None:
            capacity["ProvisionedConcurrency"] = one.serverless.provisioned
        return {**request, "ServerlessConfig": capacity}
    request |= {"InstanceType": one.instance_type, "InitialInstanceCount": one.count}
    optional = {
        "VolumeSizeInGB": one.volume_gb,
        "ContainerStartupHealthCheckTimeoutInSeconds": one.startup_seconds,
        "ModelDataDownloadTimeoutInSeconds": one.download_seconds,
    }
    request |= {key: value for key, value in optional.items() if value is not None}
    if one.routing is not None:
        request["RoutingConfig"] = {"RoutingStrategy": one.routing.upper().replace("-", "_")}
    return request


def _capture(spec: EndpointSpec, site: Site, key: str | None) -> dict[str, Any]:
    assert spec.capture is not None
    modes = {"both": ("Input", "Output"), "input": ("Input",), "output": ("Output",)}[spec.capture.parts]
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": spec.capture.percent,
        "DestinationS3Uri": site.address(capture_place(spec), ""),
        "CaptureOptions": [{"CaptureMode": mode} for mode in modes],
        "CaptureContentTypeHeader": {"CsvContentTypes": [CSV], "JsonContentTypes": [JSON]},
        **({} if key is None else {"KmsKeyId": key}),
    }


def _queue(spec: EndpointSpec, site: Site, key: str | None) -> dict[str, Any]:
    place = site.address(answer_place(spec), "")
    output: dict[str, Any] = {"S3OutputPath": f"{place}answers/", "S3FailurePath": f"{place}failures/"}
    if key is not None:
        output["KmsKeyId"] = key
    queue = spec.asynchronous
    if queue is None:
        return {"OutputConfig": output}
    topics = {"SuccessTopic": queue.success_topic, "ErrorTopic": queue.error_topic}
    told: dict[str, Any] = {name: topic for name, topic in topics.items() if topic is not None}
    if queue.include_answer:
        told["IncludeInferenceResponseIn"] = [_WITH_ANSWER[name] for name in topics if name in told]
    if any(topics.values()):
        output["NotificationConfig"] = told
    client = {} if queue.concurrency is None else {"MaxConcurrentInvocationsPerInstance": queue.concurrency}
    return {"OutputConfig": output, **({"ClientConfig": client} if client else {})}


def endpoint_request(spec: EndpointSpec, site: Site, config: str, alarms: Sequence[str]) -> dict[str, Any]:
    """The endpoint as CloudFormation takes it; `alarms` are the names of those that roll a deployment back."""
    request: dict[str, Any] = {"EndpointName": site.endpoint_name, "EndpointConfigName": config}
    if spec.kind != "serverless":
        request["DeploymentConfig"] = _deployment(spec, alarms)
    if spec.scaled:
        # What scaled out stays so: an update would put each variant back to the number that it began with
        request["RetainAllVariantProperties"] = True
    return {**request, "Tags": tags(site)}


def _deployment(spec: EndpointSpec, alarms: Sequence[str]) -> dict[str, Any]:
    one = spec.deployment
    if one.strategy == "rolling":
        policy: dict[str, Any] = {
            "RollingUpdatePolicy": {
                "MaximumBatchSize": _percent(one.step_percent),
                "RollbackMaximumBatchSize": _percent(one.rollback_percent),
                "WaitIntervalInSeconds": one.bake_seconds,
                "MaximumExecutionTimeoutInSeconds": one.timeout_seconds,
            }
        }
    else:
        routing: dict[str, Any] = {
            "Type": one.strategy.upper().replace("-", "_"),
            "WaitIntervalInSeconds": one.bake_seconds,
        }
        if one.strategy == "canary":
            routing["CanarySize"] = _percent(one.step_percent)
        elif one.strategy == "linear":
            routing["LinearStepSize"] = _percent(one.step_percent)
        policy = {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": routing,
                "TerminationWaitInSeconds": one.keep_old_seconds,
                "MaximumExecutionTimeoutInSeconds": one.timeout_seconds,
            }
        }
    if alarms:
        policy["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": name} for name in alarms]}
    return policy


def _percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def tags(site: Site) -> list[dict[str, str]]:
    """The tags as AWS takes them."""
    return [{"Key": key, "Value": value} for key, value in site.tags.items()]
