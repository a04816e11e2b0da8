"""Fakes of the services that a launch talks to, for whole launches without moto: small, strict, and slow if asked."""

import functools
import io
import json
import time
import urllib.parse
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import botocore.validate
from botocore.exceptions import ClientError

from embedded.model_check import requests
from embedded.operations import ServiceError
from shardyard.spec import names

CODES = {
    **{f"ml.{kind}.xlarge for training job usage": f"L-{kind.upper()}" for kind in ("g5", "g6")},
    **{f"ml.{kind}.xlarge for spot training job usage": f"L-SPOT-{kind.upper()}" for kind in ("g5", "g6")},
    "ml.g5.xlarge for training warm pool usage": "L-WARM",
    "Number of instances across all training jobs": "L-ALL",
    "Number of instances across all spot training jobs": "L-ALL-SPOT",
    "Maximum number of instances per training job": "L-ONE",
    "Maximum number of instances per spot training job": "L-ONE-SPOT",
    "Longest run time for a training job": "L-SECONDS",
}
"""The codes that a deploy would have resolved."""
CONFIGURATION = {"architecture": "amd64", "config": {"Env": ["NVIDIA_VISIBLE_DEVICES=all"]}}
STARTED = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)


def failure(code: str, message: str = "") -> ClientError:
    """A failed call as botocore raises it."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "Call")


class FakeAws:
    """Gives a fake for each service; `delay_seconds` is what every call takes."""

    def __init__(self, delay_seconds: float = 0.0) -> None:
        self.delay_seconds = delay_seconds
        self.calls: list[str] = []
        self.spans: list[tuple[float, float]] = []
        """When each call began and ended."""
        self.objects: dict[str, dict[str, bytes]] = {"artifacts": {names.QUOTA_CODES_KEY: json.dumps(CODES).encode()}}
        self.counted: dict[str, int] = {}
        """Keys that exist without content: bucket/prefix and how many."""
        self.jobs: dict[str, dict[str, Any]] = {}
        self.processing: dict[str, dict[str, Any]] = {}
        """Processing jobs; `fake_processing` has what is done with them."""
        self.images = {("shardyard-dev/pytorch", "abc"): "sha256:" + "1" * 64}
        self.configurations: dict[str, Any] = {}
        """What images say of themselves, by digest, where it is not what ours say."""
        self.quotas: dict[str, float] = {}
        self.prices: dict[str, float] = {}
        self.secrets: dict[str, dict[str, Any]] = {}
        """What DescribeSecret answers, by name."""
        self.groups: dict[str, tuple[str, ...]] = {"sg-1": ("IpPermissions", "IpPermissionsEgress")}
        """Security groups and the directions in which each allows itself everything."""
        self.rules: dict[str, dict[str, list[Any]]] = {}
        """Security groups with rules of their own, by direction."""
        self.interfaces: dict[str, list[dict[str, Any]]] = {}
        """Network interfaces by the value that a filter finds them with."""
        self.packages: list[dict[str, Any]] = []
        self.groups_of_models: list[str] = []
        self.messages: list[dict[str, Any]] = []
        self.outcomes: list[Mapping[str, Any]] = []
        """What becomes of each created job in turn: fields of its description, or an error to raise."""
        self.now = STARTED

    def pass_to(self, moment: float) -> None:
        """Let time pass: what is stopping has stopped, and what trains is through after six hours."""
        self.now = datetime.fromtimestamp(moment, UTC)
        for job in self.jobs.values():
            if job["TrainingJobStatus"] == "Stopping":
                job |= {"TrainingJobStatus": "Stopped", "SecondaryStatus": "Stopped"}
            elif job["SecondaryStatus"] == "Training" and self.now - job["TrainingStartTime"] > timedelta(hours=6):
                job |= {"TrainingJobStatus": "Completed", "SecondaryStatus": "Completed"}

    @property
    def longest_chain(self) -> int:
        """How many calls followed one another at most, each begun after the end of the one before."""
        chain, ended = 0, 0.0
        for began, end in sorted(self.spans, key=lambda span: span[1]):
            if began >= ended:
                chain, ended = chain + 1, end
        return chain

    def __call__(self, service: str) -> "Service":
        return Service(self, service.replace("-", "_"))


class Service:
    """One service: an operation is a method `_<service>_<operation>` below."""

    def __init__(self, aws: FakeAws, name: str) -> None:
        self._aws, self._name = aws, name

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        handle = OPERATIONS.get(operation) or globals()[f"{self._name}_{operation}"]

        def call(**given: Any) -> Any:
            self._aws.calls.append(f"{self._name}.{operation}")
            began = time.monotonic()
            time.sleep(self._aws.delay_seconds)
            self._aws.spans.append((began, time.monotonic()))
            return handle(self._aws, **given)

        return call


OPERATIONS: dict[str, Callable[..., Any]] = {}
"""Operations that other modules of tests bring."""


def s3_list_objects_v2(aws: FakeAws, *, Bucket: str, Prefix: str, ContinuationToken: str = "0") -> Any:
    keys = sorted(key for key in aws.objects.get(Bucket, {}) if key.startswith(Prefix))
    keys += [f"{Prefix}{number:06}" for number in range(aws.counted.get(f"{Bucket}/{Prefix}", 0))]
    begin = int(ContinuationToken)
    page = keys[begin : begin + 1000]
    more = begin + 1000 < len(keys)
    return {
        "Contents": [{"Key": key, "Size": 100, "ETag": "e"} for key in page],
        "IsTruncated": more,
        **({"NextContinuationToken": str(begin + 1000)} if more else {}),
    }


def secretsmanager_describe_secret(aws: FakeAws, *, SecretId: str) -> Any:
    if SecretId not in aws.secrets:
        raise failure("ResourceNotFoundException")
    return aws.secrets[SecretId]


def s3_get_object(aws: FakeAws, *, Bucket: str, Key: str) -> Any:
    if Key not in aws.objects.get(Bucket, {}):
        raise failure("NoSuchKey")
    return {"Body": io.BytesIO(aws.objects[Bucket][Key])}


def s3_head_object(aws: FakeAws, *, Bucket: str, Key: str) -> Any:
    if Key not in aws.objects.get(Bucket, {}):
        raise failure("404")
    return {}


def s3_put_object(aws: FakeAws, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> Any:
    aws.objects.setdefault(Bucket, {})[Key] = Body
    return {}


def s3_copy_object(aws: FakeAws, *, Bucket: str, Key: str, CopySource: Mapping[str, str]) -> Any:
    aws.objects.setdefault(Bucket, {})[Key] = aws.objects[CopySource["Bucket"]][CopySource["Key"]]
    return {}


def ec2_describe_security_groups(aws: FakeAws, *, GroupIds: list[str]) -> Any:
    def rules(group: str, direction: str) -> list[Any]:
        to_itself = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}
        to_all = {"IpProtocol": "-1", "UserIdGroupPairs": [], "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        return [to_itself if direction in aws.groups[group] else to_all]

    if not aws.groups:
        raise failure("UnauthorizedOperation")
    found = [
        {
            "GroupId": group,
            **aws.rules.get(group, {one: rules(group, one) for one in _DIRECTIONS if group in aws.groups}),
        }
        for group in GroupIds
    ]
    return {"SecurityGroups": found}


def ec2_describe_network_interfaces(aws: FakeAws, *, Filters: list[dict[str, Any]]) -> Any:
    (wanted,) = Filters
    return {"NetworkInterfaces": aws.interfaces.get(f"{wanted['Name']}={wanted['Values'][0]}", [])}


_DIRECTIONS = ("IpPermissions", "IpPermissionsEgress")


def ecr_batch_get_image(aws: FakeAws, *, registryId: str, repositoryName: str, imageIds: list[Any]) -> Any:
    digest = aws.images.get((repositoryName, imageIds[0].get("imageTag")))
    if digest is None:
        failed = {"imageId": imageIds[0], "failureCode": "ImageNotFound", "failureReason": "Requested image not found"}
        return {"images": [], "failures": [failed]}
    manifest = json.dumps({"config": {"digest": digest}})
    return {"images": [{"imageId": {"imageDigest": digest}, "imageManifest": manifest}], "failures": []}


def ecr_get_download_url_for_layer(aws: FakeAws, *, registryId: str, repositoryName: str, layerDigest: str) -> Any:
    text = json.dumps(aws.configurations.get(layerDigest, CONFIGURATION))
    return {"downloadUrl": f"data:application/json,{urllib.parse.quote(text)}", "layerDigest": layerDigest}


def service_quotas_get_service_quota(aws: FakeAws, *, ServiceCode: str, QuotaCode: str) -> Any:
    if QuotaCode not in aws.quotas:
        raise failure("NoSuchResourceException")
    return {"Quota": {"Value": aws.quotas[QuotaCode]}}


def service_quotas_get_aws_default_service_quota(aws: FakeAws, *, ServiceCode: str, QuotaCode: str) -> Any:
    return {"Quota": {"Value": 432_000.0 if QuotaCode == "L-SECONDS" else 1000.0}}


def pricing_get_products(aws: FakeAws, *, ServiceCode: str, Filters: list[Any], MaxResults: int) -> Any:
    kind = next(one["Value"] for one in Filters if one["Field"] == "instanceName")
    if kind not in aws.prices:
        return {"PriceList": []}
    dimension = {"unit": "Hrs", "pricePerUnit": {"USD": str(aws.prices[kind])}}
    terms = {"OnDemand": {"a": {"priceDimensions": {"b": dimension}}}}
    return {"PriceList": [json.dumps({"product": {}, "terms": terms})]}


def sagemaker_list_training_jobs(aws: FakeAws, *, MaxResults: int, **query: Any) -> Any:
    found = [
        job
        for name, job in aws.jobs.items()
        if query.get("NameContains", "") in name
        and query.get("StatusEquals", job["TrainingJobStatus"]) == job["TrainingJobStatus"]
        and query.get("WarmPoolStatusEquals") in (None, job.get("WarmPoolStatus", {}).get("Status"))
    ]
    return {"TrainingJobSummaries": found[:MaxResults]}


def sagemaker_describe_training_job(aws: FakeAws, *, TrainingJobName: str) -> Any:
    if TrainingJobName not in aws.jobs:
        raise failure("ValidationException", "Requested resource not found.")
    return aws.jobs[TrainingJobName]


def sagemaker_stop_training_job(aws: FakeAws, *, TrainingJobName: str) -> Any:
    job = aws.jobs[TrainingJobName]
    job |= {"TrainingJobStatus": "Stopping", "SecondaryStatus": "Stopping"}
    job["SecondaryStatusTransitions"] = [*job.get("SecondaryStatusTransitions", []), *transitions(Stopping=aws.now)]
    return {}


def transitions(**began: datetime) -> list[dict[str, Any]]:
    """The secondary statuses that a job went through, in order, and when each began."""
    return [{"Status": status, "StartTime": moment} for status, moment in began.items()]


def sagemaker_list_tags(aws: FakeAws, *, ResourceArn: str) -> Any:
    return {"Tags": aws.jobs[ResourceArn.rpartition("/")[2]].get("Tags", [])}


def sns_publish(aws: FakeAws, **message: Any) -> None:
    aws.messages.append(message)


def fits_the_model(operation: str, request: Mapping[str, Any]) -> None:
    """Refuse what the service's model does not take: a missing or unknown field, a length, a pattern."""
    model = loaded_model("sagemaker").operation_model(operation)
    botocore.validate.validate_parameters(request, model.input_shape)
    try:
        requests.check("sagemaker", "json", model, request)
    except ServiceError as error:
        raise failure(error.code, error.message) from error


@functools.cache
def loaded_model(service: str) -> Any:
    """botocore's model of a service."""
    return botocore.session.get_session().get_service_model(service)


def sagemaker_create_model_package_group(aws: FakeAws, **request: Any) -> None:
    fits_the_model("CreateModelPackageGroup", request)
    if request["ModelPackageGroupName"] in aws.groups_of_models:
        raise failure("ValidationException", "Model Package Group already exists: arn")
    aws.groups_of_models.append(request["ModelPackageGroupName"])


def sagemaker_create_model_package(aws: FakeAws, **request: Any) -> Any:
    fits_the_model("CreateModelPackage", request)
    aws.packages.append(request)
    return {"ModelPackageArn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/g/1"}


def sagemaker_create_training_job(aws: FakeAws, **request: Any) -> Any:
    """Create a job and let it end at once, in the way that `outcomes` says next."""
    name = request["TrainingJobName"]
    assert name not in aws.jobs, "a training job's name is used twice"
    outcome = dict(aws.outcomes.pop(0)) if aws.outcomes else {"TrainingJobStatus": "Completed"}
    if "error" in outcome:
        raise failure(outcome["error"], outcome["message"])
    status = outcome["TrainingJobStatus"]
    aws.jobs[name] = {
        **request,
        "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{name}",
        "SecondaryStatus": status,
        "SecondaryStatusTransitions": transitions(Starting=aws.now),
        "CreationTime": aws.now,
        "TrainingStartTime": STARTED,
        "TrainingEndTime": STARTED + timedelta(seconds=600),
        "TrainingTimeInSeconds": 600,
        "BillableTimeInSeconds": 600,
        "ModelArtifacts": {
            "S3ModelArtifacts": f"{request['OutputDataConfig']['S3OutputPath']}{name}/output/model.tar.gz"
        },
        "FinalMetricDataList": [{"MetricName": "loss", "Value": 0.25}],
        **outcome,
    }
    return {"TrainingJobArn": aws.jobs[name]["TrainingJobArn"]}


def s3_delete_object(aws: FakeAws, *, Bucket: str, Key: str) -> Any:
    aws.objects.get(Bucket, {}).pop(Key, None)
    return {}
