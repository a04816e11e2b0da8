"""How this cloud's Step Functions behaves where the service itself has been seen to behave in two ways, or slowly."""

from dataclasses import dataclass, fields
from typing import Any

from yard.cloud.registry import Params, ServiceError, admin


@dataclass(slots=True)
class MachineOptions:
    """Changed by `POST /_yard/machines`, which answers with all of them."""

    limit_error: str = "modelled"
    """How a SageMaker limit arrives: `modelled` is SageMaker.ResourceLimitExceededException, `generic` is
    SageMaker.AmazonSageMakerException. Both have been seen."""
    wait_scale: float = 1.0
    """What every Wait state and retry interval is multiplied by: a test need not wait an hour for a retry."""


options = MachineOptions()


@admin("machines")
def _machines(params: Params) -> dict[str, Any]:
    for name, value in params.items():
        if name == "limit_error" and value in ("modelled", "generic"):
            options.limit_error = value
        elif name == "wait_scale" and float(value) >= 0:
            options.wait_scale = float(value)
        else:
            text = f"{name}={value!r} is not an option (limit_error: modelled or generic; wait_scale: 0 or more)"
            raise ServiceError("ValidationException", text)
    return {field.name: getattr(options, field.name) for field in fields(options)}
