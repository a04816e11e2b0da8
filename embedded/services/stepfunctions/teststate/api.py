"""The operation TestState."""

import json
from typing import Any

from moto.stepfunctions.parser.asl.eval.evaluation_details import AWSExecutionDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.asl.eval.variable_store import VariableStore
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from embedded.operations import Call, Params, operation
from embedded.services.stepfunctions import executions, records
from embedded.services.stepfunctions.teststate import contexts, mocks, state
from embedded.services.stepfunctions.teststate.inspection import Inspection
from embedded.services.stepfunctions.teststate.run import Outcome, Run

_NUMBERS = ("maxConcurrency", "toleratedFailureCount", "toleratedFailurePercentage", "errorDetails")


@operation("stepfunctions", "TestState")
def test_state(call: Call, params: Params) -> dict[str, Any]:
    """Run one state, and say what came of it."""
    name, definition, language = state.find(params["definition"], params.get("stateName"))
    parsed = state.parse(name, definition, language)
    mock = mocks.read(params, definition)
    if definition["Type"] == "Task" and mock is None and "roleArn" not in params:
        raise mocks.refused("RoleArn must be specified when testing a Task state")
    given = params.get("input", "{}")
    executions.check_input(given)
    env = _environment(call, params, json.loads(given))
    env.mock = mock
    env.next_state_name = name
    run = Run(parsed, definition, env, params.get("stateConfiguration") or {})
    outcome = run.outcome()
    answer = _answer(outcome)
    if params.get("inspectionLevel", "INFO") != "INFO":
        answer["inspectionData"] = _inspected(run, outcome, env)
    return answer


def _environment(call: Call, params: Params, state_input: Any) -> Inspection:
    own = contexts.own(call.account, call.region, params.get("roleArn"), state_input)
    env = Inspection(
        aws_execution_details=AWSExecutionDetails(
            account=call.account, region=call.region, role_arn=params.get("roleArn")
        ),
        execution_type="STANDARD",
        context=own,
        event_history_context=EventHistoryContext.of_program_start(),
        cloud_watch_logging_session=None,
        activity_store=records.activities(call.account, call.region),
        variable_store=VariableStore(),
    )
    env.given_context = contexts.given(params.get("context"))
    env.failed_iterations = (params.get("stateConfiguration") or {}).get("mapIterationFailureCount", 0)
    env.seen = {"input": state_input}
    for variable, value in json.loads(params.get("variables", "{}")).items():
        env.variable_store.set(variable, value)
    env.variable_store.reset_tracing()
    return env


def _answer(outcome: Outcome) -> dict[str, Any]:
    answer: dict[str, Any] = {"status": outcome.status}
    if outcome.has_output:
        answer["output"] = to_json_str(outcome.output)
    for name, value in (("nextState", outcome.next_state), ("error", outcome.error), ("cause", outcome.cause)):
        if value is not None:
            answer[name] = value
    return answer


def _inspected(run: Run, outcome: Outcome, env: Inspection) -> dict[str, Any]:
    numbers = {name: env.seen[name] for name in _NUMBERS if name in env.seen}
    texts = {name: to_json_str(value) for name, value in run.seen().items() if name not in _NUMBERS}
    variables = {**env.variable_store._outer_scope, **env.variable_store._inner_scope}
    if variables:
        texts["variables"] = to_json_str(variables)
    return {**texts, **numbers, **({"errorDetails": outcome.details} if outcome.details else {})}
