"""The condition keys `aws:ResourceTag/NAME`: the tags of what a request names, as the service itself lists them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from embedded.access.requests import Ask
from embedded.clients import client

_KEY = "aws:ResourceTag/"


def are_asked_for(documents: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a policy has a condition on them: only then is the service asked."""
    return any(_KEY in json.dumps(document) for document in documents)


def context(ask: Ask, account: str, region: str) -> dict[str, str]:
    """The keys of a SageMaker resource that is there; of other services' resources none are known."""
    if not ask.action.startswith("sagemaker:") or ask.resources is None or len(ask.resources) != 1:
        return {}
    try:
        tags = client("sagemaker", account, region).list_tags(ResourceArn=ask.resources[0])["Tags"]
    except ClientError:  # not there, or a pattern: then it has no tags either
        return {}
    return {f"{_KEY}{tag['Key']}": tag["Value"] for tag in tags}
