"""The optimised integration of Step Functions with SageMaker, which moto 5.2.5 does not have."""

import contextlib
import datetime
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails, TaskSubmittedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from embedded.services.stepfunctions.credentials import client_of_role
from embedded.services.stepfunctions.error_names import error_name_of
from embedded.services.stepfunctions.options import options
from embedded.services.stepfunctions.permissions import missing_for_run
from embedded.services.stepfunctions.sagemaker import job_changes
from embedded.services.stepfunctions.sagemaker.fields import unsupported_fields

POLL_SECONDS = 1.0
_SIMPLE = ("createEndpoint", "createEndpointConfig", "createLabelingJob", "createModel", "updateEndpoint")
MANAGED_TAG = {"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """The calls for one kind of job."""

    kind: str
    """`TrainingJob`: the stem of the names of the API's operations and fields."""

    @property
    def name_field(self) -> str:
        """The field that holds the job's name."""
        return f"{self.kind}Name"

    @property
    def status_field(self) -> str:
        """The field that holds the job's status."""
        return f"{self.kind}Status"

    def call(self, client: Any, verb: str, **parameters: Any) -> dict[str, Any]:
        """`Create`, `Describe` or `Stop` a job."""
        answer: dict[str, Any] = getattr(client, _snake(f"{verb}{self.kind}"))(**parameters)
        answer.pop("ResponseMetadata", None)
        return answer


JOBS = {
    "createTrainingJob": Job(kind="TrainingJob"),
    "createProcessingJob": Job(kind="ProcessingJob"),
    "createTransformJob": Job(kind="TransformJob"),
    "createHyperParameterTuningJob": Job(kind="HyperParameterTuningJob"),
}


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def plain(value: Any) -> Any:
    """An answer as Step Functions shows it: JSON, times in milliseconds."""
    if isinstance(value, datetime.datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


class SageMakerTask(StateTaskServiceCallback):  # type: ignore[misc]
    """One Task state whose resource is `arn:aws:states:::sagemaker:<action>[.sync]`."""

    def __init__(self) -> None:
        super().__init__(supported_integration_patterns={ResourceCondition.Sync})

    def _validate_service_integration_is_supported(self) -> None:
        action, condition = self.resource.api_action, self.resource.condition
        if (condition is None and action in (*_SIMPLE, *JOBS)) or (
            condition == ResourceCondition.Sync and action in JOBS
        ):
            return
        raise ValueError(
            f"The resource provided {self.resource.resource_arn} is not recognized. The value is not a valid resource "
            "ARN, or the resource is not available in this region."
        )

    def _get_supported_parameters(self) -> None:
        return None

    def _normalise_parameters(self, parameters: dict[str, Any], *_: Any) -> None:
        """SageMaker names its fields as Step Functions does, and a value of the wrong type is to be refused."""

    def _normalise_response(self, response: Any, *_: Any) -> None:
        """Nothing to rename."""

    def _eval_service_task(
        self, env: Any, resource_runtime_part: Any, normalised_parameters: dict[str, Any], state_credentials: Any
    ) -> None:
        region, account = resource_runtime_part.region, resource_runtime_part.account
        parameters, role_arn, action = normalised_parameters, state_credentials.role_arn, self.resource.api_action
        client = client_of_role(region, "sagemaker", state_credentials)
        shape = client.meta.service_model.operation_model(action[0].upper() + action[1:]).input_shape
        refused = dict.fromkeys([*_unknown(parameters, shape), *unsupported_fields(action, parameters)])
        problems = [f'The field "{field}" is not supported by Step Functions' for field in refused]
        problems += _misfits(parameters, shape, "")
        if problems:
            text = f"The Parameters '{json.dumps(parameters)}' could not be used to start the Task"
            raise ValueError(f"{text}: [{', '.join(problems)}]")
        if self.resource.condition == ResourceCondition.Sync:
            self._check_role(env, region, account, role_arn, parameters)
        if "Tags" in shape.members:
            parameters["Tags"] = [*parameters.get("Tags", []), MANAGED_TAG]
        response = getattr(client, _snake(action))(**parameters)
        metadata = response.pop("ResponseMetadata", {})
        answer = plain(response)
        answer["SdkHttpMetadata"] = {"HttpStatusCode": metadata.get("HTTPStatusCode", 200)}
        answer["SdkResponseMetadata"] = {"RequestId": metadata.get("RequestId", "")}
        env.stack.append(answer)

    def _check_role(self, env: Any, region: str, account: str, role_arn: str, parameters: dict[str, Any]) -> None:
        action = self.resource.api_action
        job = JOBS[action]
        lacking = missing_for_run(
            role_arn, region, account, action, parameters[job.name_field], parameters.get("RoleArn")
        )
        if lacking:
            text = (
                f"User: {role_arn} is not authorized to perform: {'; '.join(lacking)}, which Step Functions needs for "
                f"{self.resource.resource_arn} (Service: AmazonSageMaker; Status Code: 400; "
                "Error Code: AccessDeniedException)"
            )
            raise FailureEventException(self._failure(env, "SageMaker.AmazonSageMakerException", text))

    def _failure(self, env: Any, error: str, cause: str) -> FailureEvent:
        details = TaskFailedEventDetails(
            resource=self._get_sfn_resource(), resourceType=self._get_sfn_resource_type(), error=error, cause=cause
        )
        return FailureEvent(
            env=env,
            error_name=error_name_of(error),
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),
        )

    def _from_error(self, env: Any, ex: Exception) -> FailureEvent:
        if not isinstance(ex, ClientError):
            return super()._from_error(env=env, ex=ex)
        code, message = ex.response["Error"]["Code"], ex.response["Error"]["Message"]
        metadata = ex.response["ResponseMetadata"]
        cause = (
            f"{message} (Service: AmazonSageMaker; Status Code: {metadata['HTTPStatusCode']}; Error Code: {code}; "
            f"Request ID: {metadata.get('RequestId', '')}; Proxy: null)"
        )
        modelled = code in ("ResourceLimitExceeded", "ResourceInUse", "ResourceNotFound", "ConflictException")
        if not modelled or (code == "ResourceLimitExceeded" and options.limit_error == "generic"):
            return self._failure(env, "SageMaker.AmazonSageMakerException", cause)
        return self._failure(env, f"SageMaker.{code.removesuffix('Exception')}Exception", cause)

    def _after_eval_execution(
        self, env: Any, resource_runtime_part: Any, normalised_parameters: dict[str, Any], state_credentials: Any
    ) -> None:
        if self.resource.condition is None:
            super()._after_eval_execution(env, resource_runtime_part, normalised_parameters, state_credentials)
            return
        details = TaskSubmittedEventDetails(
            resource=self._get_sfn_resource(),
            resourceType=self._get_sfn_resource_type(),
            output=json.dumps(env.stack[-1]),
            outputDetails={"truncated": False},
        )
        env.event_manager.add_event(
            context=env.event_history_context,
            event_type=HistoryEventType.TaskSubmitted,
            event_details=EventDetails(taskSubmittedEventDetails=details),
        )
        self._eval_integration_pattern(env, resource_runtime_part, normalised_parameters, state_credentials)
        if env.is_running():
            # an aborted task has not succeeded: its history ends with the submission
            StateTaskService._after_eval_execution(
                self, env, resource_runtime_part, normalised_parameters, state_credentials
            )

    def _eval_integration_pattern(
        self, env: Any, resource_runtime_part: Any, normalised_parameters: dict[str, Any], state_credentials: Any
    ) -> None:
        # moto's own calls interrupt_all() on None for every service without waitForTaskToken
        env.stack.pop()
        job = JOBS[self.resource.api_action]
        client = client_of_role(resource_runtime_part.region, "sagemaker", state_credentials)
        name = {job.name_field: normalised_parameters[job.name_field]}
        described = _wait(env, lambda: job.call(client, "Describe", **name), job)
        if described is None:
            # the execution was stopped or the state ran out of time: the service stops the job as best it can
            with contextlib.suppress(ClientError):
                job.call(client, "Stop", **name)
            env.stack.append({})
            return
        status = described[job.status_field]
        if status == "Failed" or (status == "Stopped" and options.stopped_job == "fails"):
            raise FailureEventException(self._failure(env, "States.TaskFailed", json.dumps(plain(described))))
        env.stack.append(plain(described))


def _wait(env: Any, describe: Callable[[], dict[str, Any]], job: Job) -> dict[str, Any] | None:
    """The job's description once it has ended; None when the execution no longer waits for it."""
    while env.is_running():
        seen = job_changes.generation()
        described = describe()
        if described[job.status_field] in ("Completed", "Failed", "Stopped"):
            return described
        job_changes.wait_for_change(seen, POLL_SECONDS)
    return None


def _unknown(value: Any, shape: Shape) -> list[str]:
    """The fields, at any depth, that the API does not have."""
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        found = [name for name in value if name not in shape.members]
        for name, member in shape.members.items():
            found += _unknown(value.get(name), member)
        return found
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [field for item in value for field in _unknown(item, shape.member)]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return [field for item in value.values() for field in _unknown(item, shape.value)]
    return []


_WANTED: dict[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "a STRING"),
    "integer": ((int,), "an INTEGER"),
    "long": ((int,), "a LONG"),
    "float": ((int, float), "a FLOAT"),
    "double": ((int, float), "a DOUBLE"),
    "boolean": ((bool,), "a BOOLEAN"),
    "structure": ((dict,), "an OBJECT"),
    "map": ((dict,), "an OBJECT"),
    "list": ((list,), "an ARRAY"),
}


def _misfits(value: Any, shape: Shape, name: str) -> list[str]:
    """What is missing or of the wrong type, in the service's words."""
    wanted = _WANTED.get(shape.type_name)
    if wanted is not None and (not isinstance(value, wanted[0]) or (isinstance(value, bool) and bool not in wanted[0])):
        return [f"The value for the field '{name}' must be {wanted[1]}"]
    if isinstance(shape, StructureShape):
        missing = [f'The field "{field}" is required but was missing' for field in shape.required_members]
        missing = [text for field, text in zip(shape.required_members, missing, strict=True) if field not in value]
        for field, member in shape.members.items():
            if field in value:
                missing += _misfits(value[field], member, field)
        return missing
    if isinstance(shape, ListShape):
        return [text for item in value for text in _misfits(item, shape.member, name)]
    if isinstance(shape, MapShape):
        return [text for item in value.values() for text in _misfits(item, shape.value, name)]
    return []
