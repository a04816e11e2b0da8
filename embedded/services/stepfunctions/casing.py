"""Step Functions writes every field with a capital first letter; the services' own models do not all do so."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.response import StreamingBody
from moto.core.utils import get_service_model


def operation(service: str, action: str) -> OperationModel:
    """The model of an operation by botocore's service and its name: `startExecution`, or `start_execution`."""
    # the front reads the same models: another loader would hold them in memory a second time
    found: OperationModel = get_service_model(service).operation_model(
        "".join(capital(part) for part in action.split("_"))
    )
    return found


def to_service(value: Any, shape: Shape | None) -> Any:
    """Parameters of a Task state as the service's model names them.

    An object for a text is sent as JSON, and null is not sent.
    """
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        names = {capital(name): name for name in shape.members}
        return {
            names.get(key, key): to_service(item, shape.members.get(names.get(key, key)))
            for key, item in value.items()
            if item is not None or names.get(key, key) in shape.required_members
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [to_service(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {key: to_service(item, shape.value) for key, item in value.items()}
    if shape is not None and shape.type_name == "string" and isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"))
    if shape is not None and shape.type_name == "blob" and not isinstance(value, bytes):
        return (value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))).encode()
    return value


def from_service(value: Any, shape: Shape | None) -> Any:
    """A service's answer as a Task state shows it."""
    if isinstance(value, StreamingBody):
        return value.read().decode("utf-8", "replace")
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        return {capital(key): from_service(item, shape.members.get(key)) for key, item in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [from_service(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {key: from_service(item, shape.value) for key, item in value.items()}
    return value


def capital(name: str) -> str:
    return name[:1].upper() + name[1:]
