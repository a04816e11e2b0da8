"""AddTags, ListTags and DeleteTags for every kind of SageMaker resource.

A kind that is emulated here registers how to find its tags by ARN; moto answers for all others.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from moto.sagemaker.models import sagemaker_backends

from embedded.operations import Call, Params, operation


class Tags(ABC):
    """The tags of one resource."""

    @abstractmethod
    def read(self) -> dict[str, str]:
        """The tags now."""

    @abstractmethod
    def write(self, tags: dict[str, str]) -> None:
        """Replace all tags with these."""


Finder = Callable[[Call, str], Tags | None]
_finders: list[Finder] = []


def taggable(finder: Finder) -> Finder:
    """Register how to find a kind's tags by ARN; the finder returns None for an ARN of another kind."""
    _finders.append(finder)
    return finder


@operation("sagemaker", "AddTags")
def add_tags(call: Call, params: Params) -> Mapping[str, Any]:
    tags = _find(call, params["ResourceArn"])
    if tags is None:
        return {"Tags": _moto(call).add_tags(params["ResourceArn"], params["Tags"])}
    tags.write({**tags.read(), **{tag["Key"]: tag["Value"] for tag in params["Tags"]}})
    return {"Tags": _listed(tags)}


@operation("sagemaker", "ListTags")
def list_tags(call: Call, params: Params) -> Mapping[str, Any]:
    tags = _find(call, params["ResourceArn"])
    return {"Tags": _moto(call).list_tags(params["ResourceArn"])[0] if tags is None else _listed(tags)}


@operation("sagemaker", "DeleteTags")
def delete_tags(call: Call, params: Params) -> Mapping[str, Any]:
    tags = _find(call, params["ResourceArn"])
    if tags is None:
        _moto(call).delete_tags(params["ResourceArn"], params["TagKeys"])
    else:
        tags.write({key: value for key, value in tags.read().items() if key not in params["TagKeys"]})
    return {}


def _find(call: Call, arn: str) -> Tags | None:
    found = (finder(call, arn) for finder in _finders)
    return next((tags for tags in found if tags is not None), None)


def _listed(tags: Tags) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.read().items()]


def _moto(call: Call) -> Any:
    return sagemaker_backends[call.account][call.region]
