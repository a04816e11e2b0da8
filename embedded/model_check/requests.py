"""A request that its service's model does not allow is refused in the service's own words."""

from collections.abc import Mapping
from typing import Any

from embedded import traits
from embedded.model_check.constraints import WrongType, problems
from embedded.operations import ServiceError


def check(service: str, protocol: str, operation: Any, params: Mapping[str, Any]) -> None:
    """Raise the service's error that names every value which breaks the operation's model."""
    shape = operation.input_shape
    if shape is None:
        return
    try:
        found = list(problems(shape, params))
    except WrongType as error:
        raise ServiceError("SerializationException", str(error)) from None
    if found:
        code = traits.of(service).invalid
        if code is None:
            code = "ValidationError" if protocol == "query" else "ValidationException"
        head = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: "
        raise ServiceError(code, head + "; ".join(found))


def check_given(operation: Any, params: Mapping[str, Any], code: str, words: str) -> None:
    """Raise the error of a service with words of its own for the first parameter that must be given and is not."""
    shape = operation.input_shape
    required = () if shape is None else shape.required_members
    absent = next((name for name in required if params.get(name) is None), None)
    if absent is not None:
        raise ServiceError(code, words.format(absent))
