"""The condition keys `aws:ResourceTag/NAME`: the tags of what a request names, as the service itself lists them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from embedded.access import facts
from embedded.access.request_resources import Ask, Where

_KEY = "aws:ResourceTag/"


def are_asked_for(documents: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a policy has a condition on them: only then is the service asked."""
    return any(_KEY in json.dumps(document) for document in documents)


def context(ask: Ask, where: Where) -> dict[str, str]:
    """The keys of the one resource that is asked for."""
    if ask.resources is None or len(ask.resources) != 1:
        return {}
    tags = facts.find_tags(ask.action.split(":")[0], ask.resources[0], where)
    return {f"{_KEY}{key}": value for key, value in tags.items()}
