"""The state machine of one job, as Amazon States Language: from preflight to a receipt and a message.

Plain dicts, no CDK: a stack of forty jobs must synthesise in a second, and a test must be able to run the machine.
`${Name}` stands for what only the deploy knows; CloudFormation puts it in.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

State = dict[str, Any]

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
    request_fields: Sequence[str],
    launch: Mapping[str, Any],
    second_path: bool,
    register: bool,
    tells: bool = True,
) -> str:
    """The machine of one job as JSON.

    `request_fields` are the top-level fields of CreateTrainingJob that this job uses; `launch` is what Preflight is
    given besides the execution's own input. The second path submits through a function of ours, for request fields
    that Step Functions' own integration does not know, and for spot jobs with a wait of their own: a timeout of the
    `.sync` state would count the training too. Without `tells` there is nobody to send a message to.
    """
    then = "Notify" if tells else "Outcome?"
    train = _submit_and_watch() if second_path else {"Train": _train(request_fields)}
    states: dict[str, State] = {
        "Preflight": _preflight(launch),
        "Accepted?": _accepted("Submit" if second_path else "Train"),
        "Refused": {
            "Type": "Pass",
            "Comment": "Nothing was paid for",
            "InputPath": "$.launch.refused",
            "ResultPath": "$.end",
            "Next": then,
        },
        **train,
        "Trained?": _trained("Register" if register else "Receipt"),
        **({"Register": _register()} if register else {}),
        "Classify": _classify(),
        "Again?": _choice([_equals("$.next.action", "again", "Wait")], default="Receipt"),
        "Wait": {
            "Type": "Wait",
            "SecondsPath": "$.next.wait_seconds",
            "Next": "Submit" if second_path else "Train",
        },
        "Receipt": _receipt(then),
        "Broke": _broke(job, then),
        **({"Notify": _notify()} if tells else {}),
        "Outcome?": _choice([_equals("$.end.outcome", "Completed", "Succeeded")], default="Failed"),
        "Succeeded": {"Type": "Succeed", "OutputPath": "$.end"},
        "Failed": {"Type": "Fail", "ErrorPath": "$.end.error", "CausePath": "$.end.cause"},
    }
    machine = {
        "Comment": f"Launches {job}: checks, trains, tries again where that helps, writes a receipt"
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
        **_function("Preflight", payload),
        "Comment": "Rules, quotas, data, image and cost, before anything is paid for",
        "ResultSelector": {"launch.$": "$.Payload"},
        "Catch": _catch("Broke"),
        "Next": "Accepted?",
    }


def _accepted(first: str) -> State:
    return _choice([{"Variable": "$.launch.refused", "IsPresent": True, "Next": "Refused"}], default=first)


def _train(request_fields: Sequence[str]) -> State:
    # Only the fields that this job uses: a path that finds nothing fails the state.
    return {
        "Type": "Task",
        "Comment": "One attempt, until its training job has ended",
        "Resource": "arn:${Partition}:states:::sagemaker:createTrainingJob.sync",
        "Parameters": {f"{field}.$": f"$.launch.request.{field}" for field in request_fields},
        "ResultSelector": _JOB,
        "ResultPath": "$.job",
        "Catch": _catch("Classify"),
        "Next": "Trained?",
    }


_JOB = {"TrainingJobName.$": "$.TrainingJobName", "TrainingJobStatus.$": "$.TrainingJobStatus"}


def _submit_and_watch() -> dict[str, State]:
    """Submit, then look until the job has ended; a stopped execution is cleaned up by the janitor function."""
    watched = {
        "name.$": "$.launch.request.TrainingJobName",
        "give_up_seconds.$": "$.launch.plan.give_up_seconds",
    }
    look = {
        **_function("Submit", watched),
        "Comment": "Has it ended, or waited too long for spot capacity?",
        "ResultSelector": {name: path.replace("$.", "$.Payload.") for name, path in _JOB.items()},
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
            **_function("Submit", {"request.$": "$.launch.request"}),
            "Comment": "CreateTrainingJob by a function: Step Functions' own task lacks what this job asks for",
            "ResultPath": None,
            "Catch": _catch("Classify"),
            "Next": "Watch",
        },
        "Watch": {"Type": "Wait", "SecondsPath": "$.launch.plan.poll_seconds", "Next": "Look"},
        "Look": look,
        "Ended?": _choice(
            [
                _equals("$.job.TrainingJobStatus", "InProgress", "Watch"),
                _equals("$.job.TrainingJobStatus", "Stopping", "Watch"),
            ],
            default="Trained?",
        ),
    }


def _trained(following: str) -> State:
    # A job that was stopped arrives here as a success of the task.
    return _choice([_equals("$.job.TrainingJobStatus", "Completed", following)], default="Classify")


def _register() -> State:
    return {
        **_function("Register", {"launch.$": "$.launch"}),
        "Comment": "The model into the Model Registry, pending approval",
        "ResultSelector": {"model_package_arn.$": "$.Payload.model_package_arn"},
        "ResultPath": "$.registered",
        "Catch": _catch("Receipt", result="$.registration_failure"),
        "Next": "Receipt",
    }


def _classify() -> State:
    return {
        **_function("Classify"),
        "Comment": "Why did it not complete, and does another attempt help?",
        "OutputPath": "$.Payload",
        "Catch": _catch("Broke"),
        "Next": "Again?",
    }


def _receipt(following: str) -> State:
    return {
        **_function("Receipt"),
        "Comment": "What every attempt did and cost",
        "ResultSelector": {f"{name}.$": f"$.Payload.{name}" for name in _END},
        "ResultPath": "$.end",
        "Catch": _catch("Broke"),
        "Next": following,
    }


_END = ("outcome", "error", "cause", "subject", "text", "receipt")


def _broke(job: str, following: str) -> State:
    """One of our own functions failed: say so, rather than end without a word."""
    return {
        "Type": "Pass",
        "Parameters": {
            "outcome": "Failed",
            "error": "LaunchBroke",
            "cause.$": "$.failure.Cause",
            "subject": f"{job}: the launch itself broke"[:99],
            "text.$": "States.Format('A step of the launch failed, not the training: {}. {}', "
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


def _function(substitution: str, payload: Mapping[str, Any] | None = None) -> State:
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
