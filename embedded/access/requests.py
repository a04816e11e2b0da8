"""What a request asks of IAM: its actions, each on its resources, and what is known for conditions."""

from typing import Any

from moto.utilities.utils import get_partition

from embedded.access import facts
from embedded.access.iam_actions import resource_types
from embedded.access.request_resources import Ask, Resources, Where, pass_role
from embedded.protocol import Parsed


def asks_of(parsed: Parsed, account: str, region: str) -> list[Ask]:
    """Everything that the caller must be allowed for this request."""
    where = Where(account=account, region=region, partition=get_partition(region))
    action = facts.find_action(parsed.service, parsed.operation, parsed.params)
    prefix = action.split(":")[0]
    context = {**facts.find_keys(prefix, parsed.params), **_tag_keys(parsed.params)}
    own = Ask(action=action, resources=_resources(prefix, action, parsed.params, where), context=context)
    return [
        own,
        *_tagging(own, parsed.params),
        *_passed_role(action, parsed.params),
        *facts.find_further(prefix, parsed, own, where),
    ]


def _resources(prefix: str, action: str, params: dict[str, Any], where: Where) -> Resources:
    if resource_types(action) == ():
        return ["*"]
    return facts.find_resources(prefix, action, params, where)


def _tag_keys(params: dict[str, Any]) -> dict[str, Any]:
    """The condition keys of tags that a request gives."""
    tags = params.get("Tags", params.get("tags"))
    pairs = list(tags.items()) if isinstance(tags, dict) else [_pair(item) for item in tags or ()]
    keys: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in pairs if value is not None}
    return keys | ({"aws:TagKeys": [key for key, _ in pairs]} if pairs else {})


def _pair(tag: dict[str, str]) -> tuple[str, str]:
    return tag.get("Key", tag.get("key", "")), tag.get("Value", tag.get("value", ""))


def _tagging(own: Ask, params: dict[str, Any]) -> list[Ask]:
    """Tagging at creation needs the permission to tag."""
    tagging = facts.find_tagging(own.action) if params.get("Tags") or params.get("tags") else None
    return [] if tagging is None else [Ask(action=tagging, resources=own.resources, context=own.context)]


def _passed_role(action: str, params: dict[str, Any]) -> list[Ask]:
    """Handing a role to a service needs the permission to pass it to that service."""
    passed = facts.find_passed(action)
    return [pass_role(params[passed[0]], passed[1])] if passed is not None and params.get(passed[0]) else []
