"""How this cloud's Step Functions behaves where the service itself has been seen to behave in two ways."""

from dataclasses import dataclass, fields
from typing import Any

from embedded.operations import Params, ServiceError, admin


@dataclass(slots=True)
class MachineOptions:
    """Changed by `POST /_yard/machines`, which answers with all of them."""

    limit_error: str = "modelled"
    """How a SageMaker limit arrives: `modelled` is SageMaker.ResourceLimitExceededException, `generic` is
    SageMaker.AmazonSageMakerException. Both have been seen."""
    stopped_job: str = "succeeds"
    """How a `.sync` task ends whose job was stopped, by a person or by its longest run time: `succeeds` with the job's
    description as its result, or `fails` with States.TaskFailed. The service's documentation does not say."""


options = MachineOptions()


_WORDS = {"limit_error": ("modelled", "generic"), "stopped_job": ("succeeds", "fails")}


@admin("machines")
def _machines(params: Params) -> dict[str, Any]:
    for name, value in params.items():
        if value in _WORDS.get(name, ()):
            setattr(options, name, value)
        else:
            known = [f"{key}: {' or '.join(words)}" for key, words in _WORDS.items()]
            text = f"{name}={value!r} is not an option ({'; '.join(known)})"
            raise ServiceError("ValidationException", text)
    return {field.name: getattr(options, field.name) for field in fields(options)}
