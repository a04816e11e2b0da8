"""Tasks in moto's interpreter: in whose name they call, how they name what they send and what they get."""

import re
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_api_gateway import (
    StateTaskServiceApiGateway,
    TaskParameters,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (
    StateTaskServiceAwsSdk,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_events import (
    SfnFailedEntryCountException,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_lambda import (
    StateTaskServiceLambda,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from embedded import moto_patches
from embedded.bus import sdk_names
from embedded.services.stepfunctions import casing, optimised
from embedded.services.stepfunctions.credentials import client_of_role, state_credentials
from embedded.services.stepfunctions.interpreter.failures import runtime_failure
from embedded.services.stepfunctions.sagemaker.task import SageMakerTask

_moto_service_for = state_task_service_factory.state_task_service_for
_GATEWAY = {"invoke": set(TaskParameters.__annotations__)}
_moto_gateway_failure = StateTaskServiceApiGateway._from_error
_moto_lambda_failure = StateTaskServiceLambda._error_cause_from_client_error


def _service_for(service_name: str) -> Any:
    return SageMakerTask() if service_name == "sagemaker" else _moto_service_for(service_name)


def _normalise_parameters(
    self: Any, parameters: dict[str, Any], boto_service_name: str | None = None, service_action_name: str | None = None
) -> None:
    """Name the parameters as the service does: moto has left this out."""
    service = self._get_boto_service_name(boto_service_name)
    model = casing.operation(service, service_action_name or self.resource.api_action)
    named = casing.to_service(dict(parameters), model.input_shape)
    parameters.clear()
    parameters.update(named)


def _normalise_response(
    self: Any, response: Any, boto_service_name: str | None = None, service_action_name: str | None = None
) -> None:
    """Name the answer's fields as Step Functions does: moto has left this out."""
    if not isinstance(response, dict):
        return
    service = self._get_boto_service_name(boto_service_name)
    model = casing.operation(service, service_action_name or self.resource.api_action)
    named = casing.from_service(dict(response), model.output_shape)
    response.clear()
    response.update(named)


def _client_name(self: Any, boto_service_name: str | None = None) -> str:
    return sdk_names.client_name(boto_service_name or self.resource.api_name)


def _parameters(self: Any, env: Any) -> Any:
    """A task's parameters; what the integration does not take ends the execution, where moto leaves it out."""
    if self.parargs is None:
        return {}
    self.parargs.eval(env=env)
    parameters = env.stack.pop()
    if isinstance(self, StateTaskService) and isinstance(parameters, dict):
        fields = optimised.unsupported(self.resource.service_name, self.resource.api_action, parameters)
        if fields:
            problems = ", ".join(map(optimised.refusal, fields))
            text = (
                f"The Parameters '{to_json_str(parameters, separators=(',', ':'))}' could not be used to start the Task"
            )
            raise runtime_failure(env, f"{text}: [{problems}]")
    return parameters


def _gateway_task(self: Any, env: Any, *_: Any, **__: Any) -> None:
    del self
    raise runtime_failure(env, "apigateway:invoke is not emulated by the embedded cloud: mock the task with TestState")


def _gateway_failure(self: Any, env: Any, ex: Exception) -> Any:
    """What was refused by name keeps its name: moto makes an event of it that knows no state."""
    if isinstance(ex, FailureEventException):
        return ex.failure_event
    return _moto_gateway_failure(self, env, ex)


def _events_failure(self: Any, cause: Any) -> None:
    """PutEvents' answer, as JSON, where some of its entries failed."""
    text = to_json_str(cause, separators=(",", ":"))
    Exception.__init__(self, text)
    self.cause = text


def _lambda_failure(client_error: Any) -> tuple[str, str]:
    """A function that is not there is named with the version that the service asks for."""
    error, cause = _moto_lambda_failure(client_error)
    return error, re.sub(r"(Function not found: arn:[\w:-]+?:function:[\w-]+) ", r"\1:$LATEST ", cause)


def install() -> None:
    """Replace moto's parts."""
    moto_patches.replace_imported(
        "moto.stepfunctions", "boto_client_for", client_of_role, of=boto_client, reason="its clients are nobody's"
    )
    for owner, name, replacement, reason in (
        (state_task_factory, "state_task_service_for", _service_for, "it has no SageMaker task"),
        (StateTask, "_eval_state_credentials", state_credentials, "any role may be named to it"),
        (StateTask, "_eval_parameters", _parameters, "it leaves out what an integration does not take"),
        (SfnFailedEntryCountException, "__init__", _events_failure, "its cause is no text"),
        (StateTaskServiceApiGateway, "_eval_service_task", _gateway_task, "no APIs are served here"),
        (StateTaskServiceApiGateway, "_from_error", _gateway_failure, "its event has no execution"),
        (StateTaskServiceApiGateway, "_SUPPORTED_API_PARAM_BINDINGS", _GATEWAY, "it knows two of its parameters"),
        (StateTaskService, "_normalise_parameters", _normalise_parameters, "it is left empty"),
        (StateTaskService, "_normalise_response", _normalise_response, "it is left empty"),
        (StateTaskService, "_get_boto_service_name", _client_name, "it knows two services by their SDK names"),
        (
            StateTaskServiceAwsSdk,
            "_normalise_service_error_name",
            staticmethod(sdk_names.error_prefix),
            "it knows the errors of two services",
        ),
        (
            StateTaskServiceLambda,
            "_error_cause_from_client_error",
            staticmethod(_lambda_failure),
            "it names no version of a function that is not there",
        ),
    ):
        moto_patches.replace(owner, name, replacement, reason=reason)
