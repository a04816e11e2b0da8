"""Tasks in moto's interpreter: in whose name they call, how they name what they send and what they get."""

import re
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (
    StateTaskServiceAwsSdk,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_lambda import (
    StateTaskServiceLambda,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.utils import boto_client

from embedded import moto_patches
from embedded.services.stepfunctions import casing, sdk_names
from embedded.services.stepfunctions.credentials import client_of_role, state_credentials
from embedded.services.stepfunctions.sagemaker.task import SageMakerTask

_moto_service_for = state_task_service_factory.state_task_service_for
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
