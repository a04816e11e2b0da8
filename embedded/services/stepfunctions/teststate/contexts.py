"""The context object of a tested state: the service's own, or the one that the test gives."""

import datetime
import json
import uuid
from collections.abc import Mapping
from typing import Any

from embedded.services.stepfunctions.teststate.mocks import refused
from embedded.services.stepfunctions.times import timestamp

_TEXT, _NUMBER, _ANYTHING = (str, "a string"), (int, "a number"), (object, "anything")
_FIELDS: Mapping[str, Mapping[str, tuple[type, str]]] = {
    "Execution": {"Id": _TEXT, "Input": _ANYTHING, "Name": _TEXT, "RoleArn": _TEXT, "StartTime": _TEXT},
    "State": {"EnteredTime": _TEXT, "Name": _TEXT, "RetryCount": _NUMBER},
    "StateMachine": {"Id": _TEXT, "Name": _TEXT},
    "Task": {"Token": _TEXT},
}


def given(text: str | None) -> dict[str, Any] | None:
    """The context object of a request; None where the service makes one."""
    if text is None:
        return None
    try:
        context = json.loads(text)
    except ValueError as error:
        raise _invalid("it must be valid JSON") from error
    if not isinstance(context, dict):
        raise _invalid("it must be a JSON object")
    for name, fields in context.items():
        if name == "Map":
            raise _invalid("'Map' field is not supported when mocking a Context object")
        if name not in _FIELDS:
            raise _invalid(f"Field '{name}' is not allowed")
        if not isinstance(fields, dict):
            raise _invalid(f"{name} must be an object")
        for field, value in fields.items():
            if field not in _FIELDS[name]:
                raise _invalid(f"Field '{field}' is not allowed")
            kind, words = _FIELDS[name][field]
            if not isinstance(value, kind):
                raise _invalid(f"{name}.{field} must be {words}")
    return context


def _invalid(text: str) -> Exception:
    return refused(f"Invalid Context object provided: {text}")


def own(account: str, region: str, role_arn: str | None, state_input: Any) -> dict[str, Any]:
    """The context object of an execution that is this test alone."""
    machine, run = f"TestState-{uuid.uuid4()}", str(uuid.uuid4())
    return {
        "Execution": {
            "Id": f"arn:aws:states:{region}:{account}:express:{machine}:{run}",
            "Input": state_input,
            "Name": run,
            "RoleArn": role_arn,
            "StartTime": timestamp(datetime.datetime.now(tz=datetime.UTC)),
        },
        "StateMachine": {"Id": f"arn:aws:states:{region}:{account}:stateMachine:{machine}", "Name": machine},
    }
