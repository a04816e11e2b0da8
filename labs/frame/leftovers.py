"""What of a lab's project is still in the account: everything that bills, or that a name or tag leads to."""

import time
from collections.abc import Iterator
from typing import Any

from yard.aws import Aws

_SECONDS = 60.0
"""The tagging interface tells of deleted things for a while."""
_HISTORY = (":training-job/", ":processing-job/", ":transform-job/", ":hyper-parameter-tuning-job/", ":model-package")
"""What is over and costs nothing, and what no interface deletes."""


def left(aws: Aws, project: str) -> list[str]:
    """What is left after a while, each with its kind; empty when all is gone."""
    until = time.monotonic() + _SECONDS
    while found := [*_named(aws, project), *_running(aws, project), *_tagged(aws, project)]:
        if time.monotonic() > until:
            break
        time.sleep(1)
    return found


def _named(aws: Aws, project: str) -> Iterator[str]:
    stacks = aws.client("cloudformation").get_paginator("describe_stacks").paginate()
    yield from (
        f"stack {stack['StackName']}"
        for page in stacks
        for stack in page["Stacks"]
        if stack["StackName"].startswith(f"{project}-")
    )
    buckets = aws.client("s3").list_buckets()["Buckets"]
    yield from (f"bucket {one['Name']}" for one in buckets if one["Name"].startswith(f"{project}-"))


def _running(aws: Aws, project: str) -> Iterator[str]:
    sagemaker = aws.client("sagemaker")
    for operation, field, name in (
        ("list_endpoints", "Endpoints", "EndpointName"),
        ("list_notebook_instances", "NotebookInstances", "NotebookInstanceName"),
    ):
        for page in sagemaker.get_paginator(operation).paginate():
            yield from (f"{name} {one[name]}" for one in page[field] if one[name].startswith(f"{project}-"))
    for page in sagemaker.get_paginator("list_training_jobs").paginate(NameContains=project):
        for job in page["TrainingJobSummaries"]:
            warm = job.get("WarmPoolStatus", {}).get("Status")
            if job["TrainingJobStatus"] == "InProgress" or warm in ("Available", "InUse"):
                yield f"training job {job['TrainingJobName']}"


def _tagged(aws: Aws, project: str) -> Iterator[str]:
    pages = aws.client("resourcegroupstaggingapi").get_paginator("get_resources")
    for page in pages.paginate(TagFilters=[{"Key": "project", "Values": [project]}]):
        for one in page["ResourceTagMappingList"]:
            arn = one["ResourceARN"]
            if not (any(kind in arn for kind in _HISTORY) or _is_key_that_goes(aws, arn) or _is_gateway_gone(aws, arn)):
                yield arn


def _is_key_that_goes(aws: Aws, arn: str) -> bool:
    """A key is deleted after a waiting period, in which it costs nothing."""
    if ":kms:" not in arn:
        return False
    described: dict[str, Any] = aws.client("kms").describe_key(KeyId=arn)
    return str(described["KeyMetadata"]["KeyState"]) == "PendingDeletion"


def _is_gateway_gone(aws: Aws, arn: str) -> bool:
    """EC2 lists a deleted gateway for about an hour more, in which it costs nothing."""
    _, is_gateway, name = arn.partition(":natgateway/")
    if not is_gateway:
        return False
    named = [{"Name": "nat-gateway-id", "Values": [name]}]
    gateways = aws.client("ec2").describe_nat_gateways(Filter=named)["NatGateways"]
    return all(one["State"] in ("deleting", "deleted") for one in gateways)
