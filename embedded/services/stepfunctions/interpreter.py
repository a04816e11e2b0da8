"""What is put into moto's interpreter: clients in the machine's role, SageMaker tasks, waits that can be shortened."""

import logging
import time
from types import SimpleNamespace
from typing import Any

import moto.stepfunctions.models as simple_models
import moto.stepfunctions.parser.models as parser_models
from antlr4 import CommonTokenStream, InputStream  # type: ignore[import-untyped]
from moto.core.config import default_user_config
from moto.stepfunctions.parser.asl.antlr.runtime.ASLLexer import ASLLexer
from moto.stepfunctions.parser.asl.antlr.runtime.ASLParser import ASLParser
from moto.stepfunctions.parser.asl.component.common.error_name import error_equals_decl
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.payload.payloadvalue.payloadbinding.payload_binding import (
    PayloadBindingStringExpressionSimple,
)
from moto.stepfunctions.parser.asl.component.common.payload.payloadvalue.payloadvaluelit.payload_value_str import (
    PayloadValueStr,
)
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (
    StateTaskServiceAwsSdk,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import wait_function
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils import boto_client

from embedded import moto_patches
from embedded.access import roles
from embedded.services.stepfunctions import casing, sdk_names
from embedded.services.stepfunctions.options import options
from embedded.services.stepfunctions.sagemaker import SESSION, STATES, SageMakerTask

_moto_service_for = state_task_service_factory.state_task_service_for
_moto_wait_interval = wait_function.WaitFunction._wait_interval
_moto_error_matches = error_equals_decl.ErrorEqualsDecl._eval_body
_moto_binding = Preprocessor.visitPayload_binding_value
_SCALED = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds * options.wait_scale))
_RUNTIME = StatesErrorName(typ=StatesErrorNameType.StatesRuntime)


def client_of_role(region: str, service: str, state_credentials: Any = None) -> Any:
    """A client in the name of the machine's role, where moto has one of nobody's."""
    assert state_credentials is not None, f"moto made a {service} client without a role"
    return roles.client_as(state_credentials.role_arn, service=STATES, session=SESSION, api=service, region=region)


def _service_for(service_name: str) -> Any:
    return SageMakerTask() if service_name == "sagemaker" else _moto_service_for(service_name)


def _wait_interval(self: Any, env: Any, wait_seconds: float) -> None:
    """moto's loop counts whole seconds only; this one counts time, scaled, and ends when the execution does."""
    until = time.monotonic() + wait_seconds * options.wait_scale
    while env.is_running() and (left := until - time.monotonic()) > 0:
        env.program_state_event.wait(min(left, 0.5))


def _error_matches(self: Any, env: Any) -> None:
    """States.Runtime is caught by nothing, on AWS; in moto States.ALL caught it."""
    runtime = env.stack[-1] == _RUNTIME
    _moto_error_matches(self, env)
    if runtime:
        env.stack[-1] = False


def _binding(self: Any, ctx: Any) -> Any:
    """A path under the key `RoleArn.$` in a payload: moto's lexer takes that one key for the Credentials field's."""
    binding = _moto_binding(self, ctx)
    if not binding.field.endswith(".$") or not isinstance(binding.payload_value, PayloadValueStr):
        return binding
    text = ctx.payload_value_decl().getText()
    tree = ASLParser(CommonTokenStream(ASLLexer(InputStream(text)))).string_expression_simple()
    return PayloadBindingStringExpressionSimple(
        field=binding.field[:-2], string_expression_simple=self.visitString_expression_simple(tree)
    )


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


def install() -> None:
    """Put our parts into moto's interpreter: once, when this module is imported."""
    # its lines repeat what the execution's history says, with the whole program in each
    logging.getLogger("moto.stepfunctions.parser").setLevel(logging.CRITICAL)
    # a setting of moto's
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    moto_patches.replace(
        simple_models,
        "stepfunctions_backends",
        parser_models.stepfunctions_parser_backends,
        reason="only the parser's machines run",
    )
    moto_patches.replace_imported(
        "moto.stepfunctions", "boto_client_for", client_of_role, of=boto_client, reason="its clients are nobody's"
    )
    for owner, name, replacement, reason in (
        (state_task_factory, "state_task_service_for", _service_for, "it has no SageMaker task"),
        (wait_function.WaitFunction, "_wait_interval", _wait_interval, "it counts whole seconds"),
        (error_equals_decl.ErrorEqualsDecl, "_eval_body", _error_matches, "it lets States.Runtime be caught"),
        (Preprocessor, "visitPayload_binding_value", _binding, "RoleArn.$ is misread"),
        (StateTaskService, "_normalise_parameters", _normalise_parameters, "it is left empty"),
        (StateTaskService, "_normalise_response", _normalise_response, "it is left empty"),
        (StateTaskService, "_get_boto_service_name", _client_name, "it knows two services by their SDK names"),
        (
            StateTaskServiceAwsSdk,
            "_normalise_service_error_name",
            staticmethod(sdk_names.error_prefix),
            "it knows the errors of two services",
        ),
        (retrier_decl, "time", _SCALED, "its pauses cannot be shortened"),
    ):
        moto_patches.replace(owner, name, replacement, reason=reason)


install()
