"""The state machine of one job, as Amazon States Language: from preflight to a receipt and a message.

Plain dicts, no CDK: a stack of forty jobs must synthesise in a second, and a test must be able to run the machine.
`${Name}` stands for what only the deploy knows; CloudFormation puts it in.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shardyard.spec.catalogue.service_jobs import AUTOML, PROCESSING, TRAINING, TRANSFORM, ServiceJob

State = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """The one state that differs between the kinds of jobs: the attempt itself."""

    of: ServiceJob
    """What it creates."""
    state: str
    """Its name."""
    ended: str
    """The name of the question after it."""
    does: str
    """What it does, in the middle of a sentence."""
    limited_here: bool = False
    """Whether the machine keeps the limit of its time: the service has none for this kind."""

    @property
    def answer(self) -> Mapping[str, str]:
        """What is kept of the service's answer."""
        return {f"{field}.$": f"$.{field}" for field in (self.of.name_field, self.of.status_field)}


TRAIN = Task(of=TRAINING, state="Train", ended="Trained?", does="trains")
PROCESS = Task(of=PROCESSING, state="Process", ended="Processed?", does="processes")
TRANSFORM_TASK = Task(of=TRANSFORM, state="Transform", ended="Transformed?", does="transforms", limited_here=True)
AUTOML_TASK = Task(of=AUTOML, state="Learn", ended="Learnt?", does="learns", limited_here=True)
"""Step Functions has no `.sync` for it: it takes the second path always."""

_LAMBDA_RETRY = {
    "ErrorEquals": [
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
    ],
    "IntervalSeconds": 2,
    "MaxAttempts": 6,
    "BackoffRate": 2,
    "MaxDelaySeconds": 60,
    "JitterStrategy": "FULL",
}


def definition(
    *,
    job: str,
    task: Task = TRAIN,
    request_fields: Sequence[str],
    launch: Mapping[str, Any],
    second_path: bool,
    register: bool,
    tells: bool = True,
    model_fields: Sequence[str] = (),
) -> str:
    """The machine of one job as JSON.

    `request_fields` are the top-level fields of the request that this job uses; `launch` is what Preflight is
    given besides the execution's own input. The second path submits through a function of ours, for request fields
    that Step Functions' own integration does not know, and for spot jobs with a wait of their own: a timeout of the
    `.sync` state would count the training too. Without `tells` there is nobody to send a message to. `model_fields`
    are those of the Model that the launch makes before its first attempt and deletes at its end.
    """
    told = "Notify" if tells else "Outcome?"
    then = "Forget" if model_fields else told
    attempt = _submit_and_watch(task) if second_path else {task.state: _attempt(task, request_fields)}
    attempt_first = "Submit" if second_path else task.state
    first = "Modelled?" if model_fields else attempt_first
    states: dict[str, State] = {
        "Preflight": _preflight(launch),
        "Accepted?": _accepted(first),
        "Refused": {
            "Type": "Pass",
            "Comment": "Nothing was paid for",
            "InputPath": "$.launch.refused",
            "ResultPath": "$.end",
            "Next": told,
        },
        **(_model(model_fields, attempt_first) if model_fields else {}),
        **attempt,
        task.ended: _ended(task, "Register" if register else "Receipt"),
        **({"Register": _register()} if register else {}),
        "Classify": _classify(),
        "Again?": _choice([_equals("$.next.action", "again", "Wait")], default="Receipt"),
        "Wait": {
            "Type": "Wait",
            "SecondsPath": "$.next.wait_seconds",
            "Next": first,
        },
        "Receipt": _receipt(then),
        "Broke": _broke(job, task, then),
        **({"Forget": _forget(told)} if model_fields else {}),
        **({"Notify": _notify()} if tells else {}),
        "Outcome?": _choice([_equals("$.end.outcome", "Completed", "Succeeded")], default="Failed"),
        "Succeeded": {"Type": "Succeed", "OutputPath": "$.end"},
        "Failed": {"Type": "Fail", "ErrorPath": "$.end.error", "CausePath": "$.end.cause"},
    }
    machine = {
        "Comment": f"Launches {job}: checks, {task.does}, tries again where that helps, writes a receipt"
        f"{', tells people' if tells else ''}.",
        "StartAt": "Preflight",
        "States": states,
    }
    return json.dumps(machine, separators=(",", ":"))


def _preflight(launch: Mapping[str, Any]) -> State:
    payload = {
        **launch,
        "input.$": "$$.Execution.Input",
        "execution.$": "$$.Execution.Id",
        "started.$": "$$.Execution.StartTime",
    }
    return {
        **function("Preflight", payload),
        "Comment": "Rules, quotas, data, image and cost, before anything is paid for",
        "ResultSelector": {"launch.$": "$.Payload"},
        "Catch": _catch("Broke"),
        "Next": "Accepted?",
    }


def _accepted(first: str) -> State:
    return _choice([{"Variable": "$.launch.refused", "IsPresent": True, "Next": "Refused"}], default=first)


def _model(fields: Sequence[str], following: str) -> dict[str, State]:
    """Make the Model, once for all attempts: a name that is taken would be refused."""
    made = {"Variable": "$.model", "IsPresent": True, "Next": following}
    return {
        "Modelled?": _choice([made], default="Model"),
        "Model": {
            "Type": "Task",
            "Comment": "The SageMaker Model that the job names: the image with the archive that Preflight has found",
            "Resource": "arn:${Partition}:states:::sagemaker:createModel",
            "Parameters": {f"{field}.$": f"$.launch.model.{field}" for field in fields},
            "ResultSelector": {"arn.$": "$.ModelArn"},
            "ResultPath": "$.model",
            "Catch": _catch("Classify"),
            "Next": following,
        },
    }


def _forget(following: str) -> State:
    return {
        "Type": "Task",
        "Comment": "The Model goes; archive and results stay",
        "Resource": "arn:${Partition}:states:::aws-sdk:sagemaker:deleteModel",
        "Parameters": {"ModelName.$": "$.launch.model.ModelName"},
        "ResultPath": None,
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 3, "BackoffRate": 2}],
        # A Model that was never made, or is left, costs nothing and changes nothing about how the job ended.
        "Catch": _catch(following, result="$.unforgotten"),
        "Next": following,
    }


def _attempt(task: Task, request_fields: Sequence[str]) -> State:
    # Only the fields that this job uses: a path that finds nothing fails the state.
    limit = {"TimeoutSecondsPath": "$.launch.plan.max_runtime_seconds"} if task.limited_here else {}
    return {
        "Type": "Task",
        **limit,
        "Comment": f"One attempt, until its {task.of.noun} has ended",
        "Resource": f"arn:${{Partition}}:states:::sagemaker:{task.of.integration}.sync",
        "Parameters": {f"{field}.$": f"$.launch.request.{field}" for field in request_fields},
        "ResultSelector": task.answer,
        "ResultPath": "$.job",
        "Catch": _catch("Classify"),
        "Next": task.ended,
    }


def _submit_and_watch(task: Task) -> dict[str, State]:
    """Submit, then look until the job has ended; a stopped execution is cleaned up by the janitor function."""
    kind = {} if task is TRAIN else {"kind": task.of.kind}
    watched = {
        "name.$": f"$.launch.request.{task.of.name_field}",
        "give_up_seconds.$": "$.launch.plan.give_up_seconds",
        **({"max_runtime_seconds.$": "$.launch.plan.max_runtime_seconds"} if task.limited_here else {}),
        **kind,
    }
    look = {
        **function("Submit", watched),
        "Comment": "Has it ended, or waited too long for spot capacity?",
        "ResultSelector": {name: path.replace("$.", "$.Payload.") for name, path in task.answer.items()},
        "ResultPath": "$.job",
        "Retry": [
            _LAMBDA_RETRY,
            {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 8, "BackoffRate": 2},
        ],
        "Catch": _catch("Classify"),
        "Next": "Ended?",
    }
    return {
        "Submit": {
            **function("Submit", {"request.$": "$.launch.request", **kind}),
            "Comment": f"Create{task.of.resource} by a function: Step Functions' own task lacks what this job asks for",
            "ResultPath": None,
            "Catch": _catch("Classify"),
            "Next": "Watch",
        },
        "Watch": {"Type": "Wait", "SecondsPath": "$.launch.plan.poll_seconds", "Next": "Look"},
        "Look": look,
        "Ended?": _choice(
            [
                _equals(f"$.job.{task.of.status_field}", "InProgress", "Watch"),
                _equals(f"$.job.{task.of.status_field}", "Stopping", "Watch"),
            ],
            default=task.ended,
        ),
    }


def _ended(task: Task, following: str) -> State:
    # A job that was stopped arrives here as a success of the task.
    return _choice([_equals(f"$.job.{task.of.status_field}", "Completed", following)], default="Classify")


def _register() -> State:
    return {
        **function("Register", {"launch.$": "$.launch"}),
        "Comment": "The model into the Model Registry, pending approval",
        "ResultSelector": {"model_package_arn.$": "$.Payload.model_package_arn"},
        "ResultPath": "$.registered",
        "Catch": _catch("Receipt", result="$.registration_failure"),
        "Next": "Receipt",
    }


def _classify() -> State:
    return {
        **function("Classify"),
        "Comment": "Why did it not complete, and does another attempt help?",
        "OutputPath": "$.Payload",
        "Catch": _catch("Broke"),
        "Next": "Again?",
    }


def _receipt(following: str) -> State:
    return {
        **function("Receipt"),
        "Comment": "What every attempt did and cost",
        "ResultSelector": {f"{name}.$": f"$.Payload.{name}" for name in _END},
        "ResultPath": "$.end",
        "Catch": _catch("Broke"),
        "Next": following,
    }


_END = ("outcome", "error", "cause", "subject", "text", "receipt")


def _broke(job: str, task: Task, following: str) -> State:
    """One of our own functions failed: say so, rather than end without a word."""
    return {
        "Type": "Pass",
        "Parameters": {
            "outcome": "Failed",
            "error": "LaunchBroke",
            "cause.$": "$.failure.Cause",
            "subject": f"{job}: the launch itself broke"[:99],
            "text.$": f"States.Format('A step of the launch failed, not the {task.of.kind}: {{}}. {{}}', "
            "$.failure.Error, $.failure.Cause)",
        },
        "ResultPath": "$.end",
        "Next": following,
    }


def _notify() -> State:
    return {
        "Type": "Task",
        "Comment": "The one message of this launch",
        "Resource": "arn:${Partition}:states:::sns:publish",
        "Parameters": {"TopicArn": "${Topic}", "Subject.$": "$.end.subject", "Message.$": "$.end.text"},
        "ResultPath": None,
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 4, "BackoffRate": 2}],
        # A message that cannot be sent changes nothing about how the training ended.
        "Catch": _catch("Outcome?", result="$.unsent"),
        "Next": "Outcome?",
    }


def function(substitution: str, payload: Mapping[str, Any] | None = None) -> State:
    """Call a function; without a payload it is given the whole state."""
    given: dict[str, Any] = {"Payload.$": "$"} if payload is None else {"Payload": dict(payload)}
    return {
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::lambda:invoke",
        "Parameters": {"FunctionName": f"${{{substitution}}}", **given},
        "Retry": [_LAMBDA_RETRY],
    }


def _choice(choices: list[State], *, default: str) -> State:
    return {"Type": "Choice", "Choices": choices, "Default": default}


def _equals(variable: str, value: str, following: str) -> State:
    return {"Variable": variable, "StringEquals": value, "Next": following}


def _catch(following: str, result: str = "$.failure") -> list[State]:
    return [{"ErrorEquals": ["States.ALL"], "ResultPath": result, "Next": following}]
