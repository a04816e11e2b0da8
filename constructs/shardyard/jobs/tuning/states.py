"""The state machine of a search, made of the job's own states: what a launch does besides is written there.

Two branches run at the same time: Step Functions' own task waits for the end of the search, and a function looks at
its first trials and stops it if none of them can have printed the objective. Where Step Functions is not known to take
what the search asks for, that function creates the search too, and one loop does both.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shardyard.jobs.state_machine import State, Task, definition, function
from shardyard.spec.catalogue.service_jobs import TUNING

TUNE = Task(of=TUNING, state="Search", ended="Searched?", does="searches")
_STATUSES = {f"{field}.$": f"$[0].{field}" for field in (TUNING.name_field, TUNING.status_field)}


def search_definition(
    *,
    job: str,
    task: Task,
    request_fields: Sequence[str],
    launch: Mapping[str, Any],
    second_path: bool,
    register: bool,
    tells: bool,
    retrain: bool,
) -> str:
    """The machine as JSON; with `retrain` it launches the job with the best values after the search."""
    given: dict[str, Any] = {
        "job": job,
        "task": task,
        "request_fields": request_fields,
        "launch": {**launch, "second_path": second_path},
        "register": register,
        "tells": tells,
    }
    machine = json.loads(definition(**given, second_path=second_path))
    states: dict[str, State] = machine["States"]
    if not second_path:
        looking = json.loads(definition(**given, second_path=True))["States"]
        states[task.state] = _with_a_look(states[task.state], looking, task)
    _always_classify(states, task)
    states["Again?"]["Default"] = "Found?"
    after = (["Register"] if register else []) + (["Settle", "Retrain"] if retrain else []) + ["Receipt"]
    states["Found?"] = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.best", "IsPresent": True, "Next": after[0]}],
        "Default": "Receipt",
    }
    if register:
        states["Register"]["Parameters"]["Payload"]["training_job.$"] = "$.best.training_job"
        states["Register"]["Next"] = after[1]
    if retrain:
        states["Settle"] = _settle()
        states["Retrain"] = _retrain()
    return json.dumps(machine, separators=(",", ":"))


def _with_a_look(attempt: State, looking: Mapping[str, State], task: Task) -> State:
    """Both branches; whichever way the search ends, the look ends with it, and a failure of either ends both."""
    search = {key: value for key, value in attempt.items() if key not in ("ResultPath", "Catch", "Next")}
    look = {key: value for key, value in looking["Look"].items() if key != "Catch"}
    watch = {name: dict(state) for name, state in looking.items() if name in ("Watch", "Ended?")}
    watch["Ended?"]["Default"] = "Seen"
    return {
        "Type": "Parallel",
        "Comment": "The search until it has ended, and a look at its first trials",
        "Branches": [
            {"StartAt": "Create", "States": {"Create": {**search, "End": True}}},
            {"StartAt": "Watch", "States": {**watch, "Look": look, "Seen": {"Type": "Succeed"}}},
        ],
        "ResultSelector": _STATUSES,
        "ResultPath": "$.job",
        "Catch": attempt["Catch"],
        "Next": task.ended,
    }


def _always_classify(states: dict[str, State], task: Task) -> None:
    """However a search ended, the same function reads it: a search that was stopped may have found something."""
    del states[task.ended]
    for state in states.values():
        for key in ("Next", "Default"):
            if state.get(key) == task.ended:
                state[key] = "Classify"


def _settle() -> State:
    """What the search has cost takes the place of its worst case, or both would be held against the owner's cap."""
    return {
        **function("Receipt", {"launch.$": "$.launch", "settles": True}),
        "Comment": "What the search has cost, before the job's own launch counts",
        "ResultPath": None,
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.unsettled", "Next": "Retrain"}],
        "Next": "Retrain",
    }


def _retrain() -> State:
    return {
        "Type": "Task",
        "Comment": "The job itself with the best hyperparameters, by a launch of its own",
        "Resource": "arn:${Partition}:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": "${Job}", "Name.$": "$.best.run_id", "Input.$": "$.best.launch"},
        "ResultSelector": {"execution.$": "$.ExecutionArn", "status.$": "$.Status"},
        "ResultPath": "$.retrained",
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.retraining_failure", "Next": "Receipt"}],
        "Next": "Receipt",
    }
