"""In whose name a task calls a service: the machine's role, or one that this role takes on for the state."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task.credentials import StateCredentials
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from embedded import clients
from embedded.access import roles

STATES = "states.amazonaws.com"
SESSION = "StepFunctions"


@dataclass
class TaskCredentials(StateCredentials):  # type: ignore[misc]
    """The role that calls, and the machine's role where that is another."""

    machine_role_arn: str | None = None


def state_credentials(self: Any, env: Any) -> TaskCredentials:
    """The credentials of a Task state, which the machine's role must be able to take on."""
    machine_role = env.aws_execution_details.role_arn
    if not self.credentials:
        return TaskCredentials(role_arn=machine_role)
    self.credentials.eval(env=env)
    role_arn = env.stack.pop().role_arn
    through = TaskCredentials(role_arn=role_arn, machine_role_arn=machine_role)
    try:
        _assumed(env.aws_execution_details.region, through)
    except ClientError as error:
        raise _refused(env, str(error.response["Error"]["Message"])) from error
    return through


def _refused(env: Any, cause: str) -> FailureEventException:
    name = StatesErrorName(typ=StatesErrorNameType.StatesPermissions)
    details = TaskFailedEventDetails(error=name.error_name, cause=cause)
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=name,
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),
        )
    )


def _assumed(region: str, credentials: TaskCredentials) -> dict[str, str]:
    machine_role = str(credentials.machine_role_arn)
    sts = roles.client_as(machine_role, service=STATES, session=SESSION, api="sts", region=region)
    answer: dict[str, str] = sts.assume_role(RoleArn=credentials.role_arn, RoleSessionName=SESSION)["Credentials"]
    return answer


def client_of_role(region: str, service: str, state_credentials: StateCredentials | None = None) -> Any:
    """A client in the name of the task's role, where moto has one of nobody's."""
    assert state_credentials is not None, f"moto made a {service} client without a role"
    # a Map state reads and writes its items with credentials of moto's own
    if not isinstance(state_credentials, TaskCredentials) or state_credentials.machine_role_arn is None:
        return roles.client_as(state_credentials.role_arn, service=STATES, session=SESSION, api=service, region=region)
    keys = _assumed(region, state_credentials)
    return clients.session_client(
        service,
        region,
        access_key=keys["AccessKeyId"],
        secret_key=keys["SecretAccessKey"],
        token=keys["SessionToken"],
    )
