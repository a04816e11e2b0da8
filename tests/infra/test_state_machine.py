"""Every shipped job's machine: sound by itself, and accepted by an interpreter of the language that is not ours."""

import json
import re
from typing import Any

import pytest

from shardyard.spec.jobs import load_jobs
from stacks.build import ROOT
from tests.infra.training_stack import of_type, templates


@pytest.fixture(scope="module")
def machines() -> dict[str, str]:
    template = templates(load_jobs(ROOT / "jobs", "prod"), stage="prod")["training"]
    found = of_type(template, "AWS::StepFunctions::StateMachine").values()
    return {machine["StateMachineName"]: machine["DefinitionString"] for machine in found}


def following(state: dict[str, Any]) -> set[str]:
    """The states that one state may go to."""
    choices = [*state.get("Choices", []), *state.get("Catch", [])]
    single = [state[key] for key in ("Next", "Default") if key in state]
    return {choice["Next"] for choice in choices} | set(single)


def test_every_state_is_reached_and_every_way_ends(machines: dict[str, str]) -> None:
    assert len(machines) == len(load_jobs(ROOT / "jobs", "prod"))
    for text in machines.values():
        machine = json.loads(text)
        states = machine["States"]
        reached, left = set(), {machine["StartAt"]}
        while left:
            name = left.pop()
            reached.add(name)
            left |= following(states[name]) - reached
        assert reached == set(states)
        ends = {name for name, state in states.items() if state["Type"] in ("Succeed", "Fail")}
        for name in states:
            seen, left = set(), {name}
            while left:
                here = left.pop()
                seen.add(here)
                left |= following(states[here]) - seen
            assert seen & ends, f"{name} never ends"


def test_whatever_fails_is_told(machines: dict[str, str]) -> None:
    """From every Catch, and from everything before an end, the way leads through Notify."""
    for text in machines.values():
        states = json.loads(text)["States"]
        for name, state in states.items():
            if state["Type"] == "Task":
                assert state["Catch"][0]["ErrorEquals"] == ["States.ALL"], name
            if name not in ("Notify", "Outcome?", "Succeeded", "Failed"):
                assert not {"Succeeded", "Failed", "Outcome?"} & following(state), name


def test_functions_retry_what_the_service_got_wrong(machines: dict[str, str]) -> None:
    for text in machines.values():
        for state in json.loads(text)["States"].values():
            if state.get("Resource", "").endswith("lambda:invoke"):
                assert "Lambda.ServiceException" in state["Retry"][0]["ErrorEquals"]


def test_another_interpreter_takes_it(machines: dict[str, str]) -> None:
    parser = pytest.importorskip("moto.stepfunctions.parser.asl.parse.asl_parser").AmazonStateLanguageParser
    shapes = {re.sub(r'"definition":.*?"deployment"', '"deployment"', text) for text in machines.values()}
    for text in list(shapes)[:3]:
        program, _ = parser.parse(text.replace("${Partition}", "aws"))
        assert program.start_at.start_at_name == "Preflight"
