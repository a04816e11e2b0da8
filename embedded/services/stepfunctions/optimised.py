"""Which fields the optimised integrations take: every other is refused, at creation where the definition names it."""

from collections.abc import Iterable

from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_dynamodb,
    state_task_service_events,
    state_task_service_lambda,
    state_task_service_sfn,
    state_task_service_sns,
    state_task_service_sqs,
)

_MODULES = {
    "dynamodb": state_task_service_dynamodb,
    "events": state_task_service_events,
    "lambda": state_task_service_lambda,
    "sns": state_task_service_sns,
    "sqs": state_task_service_sqs,
    "states": state_task_service_sfn,
}
_MORE = {("lambda", "invoke"): {"InvocationType"}}
"""Documented, and missing in moto's lists."""


def unsupported(service: str, action: str, names: Iterable[str]) -> list[str]:
    """The fields that a service's integration refuses; none for one whose list is not known."""
    module = _MODULES.get(service)
    known = None if module is None else module._SUPPORTED_API_PARAM_BINDINGS.get(action.lower())
    if known is None:
        return []
    taken = set(known) | _MORE.get((service, action), set())
    return [name for name in names if name not in taken]


def refusal(field: str) -> str:
    """The service's words."""
    return f'The field "{field}" is not supported by Step Functions'
