"""Custom resource: resolves the codes of SageMaker's quotas for jobs once and stores them in the artifact bucket.

Codes are opaque and there are thousands of quotas: listing them all would delay each launch by seconds.
"""

import json
from collections.abc import Iterable

from shardyard.handlers import aws, service_quotas
from shardyard.handlers.cfn_response import Answer, Request, custom_resource
from shardyard.handlers.service_quotas import Quota

_NEEDED_BY_LAUNCHES = ("training", "processing job", "Number of instances")


def codes(found: Iterable[Quota]) -> dict[str, str]:
    """The codes of the quotas that a launch may need, by name."""
    return {quota.name: quota.code for quota in found if any(word in quota.name for word in _NEEDED_BY_LAUNCHES)}


@custom_resource
def handler(request: Request) -> Answer:
    """Write the map on create and update; on delete it goes with the bucket."""
    bucket, key = request.properties["Bucket"], request.properties["Key"]
    if request.kind == "Delete":
        return Answer(physical_id=request.physical_id)
    found = codes(service_quotas.quotas(aws.clients("service-quotas"), "sagemaker"))
    body = json.dumps(found, indent=1, sort_keys=True).encode()
    aws.clients("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
    return Answer(physical_id=f"s3://{bucket}/{key}", data={"Count": str(len(found))})
