"""A small valid endpoint to which tests lay their own tables."""

from typing import Any

from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.requests.endpoints import Site
from tests.support.spec.endpoint_rule_cases import BASE
from tests.support.spec.spec_tables import over

ROLE = "arn:aws:iam::123456789012:role/endpoints/digits"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1"


def endpoint(**tables: Any) -> EndpointSpec:
    """The small endpoint with tables laid over it; None removes a key."""
    return EndpointSpec.from_dict(over(BASE, tables))


def site(spec: EndpointSpec, **more: Any) -> Site:
    """What a deploy would know of it."""
    known: dict[str, Any] = {
        "endpoint_name": f"vision-dev-{spec.name}",
        "role_arn": ROLE,
        "artifact_bucket": "artifacts",
        "image_uris": {name: f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{name}:1" for name in spec.variants},
        "model_urls": {name: f"s3://artifacts/models/{name}/model.tar.gz" for name in spec.variants},
        "key_arn": KEY,
        "subnets": ("subnet-1",),
        "security_group_ids": ("sg-1",),
        "tags": {"project": "vision"},
    }
    return Site(**{**known, **more})
