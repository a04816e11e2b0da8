"""A job's search: its state machine beside the job's own, with exactly the permissions that it needs."""

import json
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

from checks.asl import validators
from checks.asl.definitions import definition_of
from shardyard.spec.jobs.data import Channel
from tests.support.training_stack import Template as Json
from tests.support.training_stack import build, job, of_type, templates

SEARCH = {
    "objective": {"metric": "validation_loss"},
    "ranges": {"learning_rate": {"type": "continuous", "min": 1e-4, "max": 0.1}},
    "max_jobs": 4,
    "max_parallel": 2,
}
JOBS = [
    job("tiny", tuning={**SEARCH, "register": True, "retrain": {"enabled": True}}),
    job(
        "plain",
        image={"algorithm": "own"},
        program=None,
        checkpoints={},
        tuning={**SEARCH, "objective": {"metric": "validation:auc"}},
    ),
    job("alone"),
]


@pytest.fixture(scope="module")
def template() -> Json:
    return templates(JOBS)["training"]


@pytest.fixture(scope="module")
def machines(template: Json) -> dict[str, dict[str, Any]]:
    found = of_type(template, "AWS::StepFunctions::StateMachine").values()
    return {machine["StateMachineName"]: machine for machine in found}


def states(machines: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(machines[f"shardyard-dev-{name}"]["DefinitionString"])["States"]
    return found


def test_a_job_with_a_search_has_two_machines(machines: dict[str, dict[str, Any]]) -> None:
    assert sorted(name.removeprefix("shardyard-dev-") for name in machines) == [
        "alone",
        "plain",
        "plain_search",
        "tiny",
        "tiny_search",
    ]


def test_aws_validators_accept_both_kinds_of_machine(machines: dict[str, dict[str, Any]]) -> None:
    found = {name: definition_of({"Properties": one}) for name, one in machines.items() if name.endswith("_search")}
    assert len(found) == 2
    assert validators.problems(found) == []


def test_the_job_itself_knows_nothing_of_its_search(machines: dict[str, dict[str, Any]]) -> None:
    given = states(machines, "tiny")["Preflight"]["Parameters"]["Payload"]
    assert "tuning" not in given["definition"]
    searched = states(machines, "tiny_search")["Preflight"]["Parameters"]["Payload"]
    assert searched["definition"]["tuning"]["max_jobs"] == 4
    assert searched["parameters"] == given["parameters"], "a stack's parameters are for both"


def test_step_functions_own_task_waits_while_a_function_looks(machines: dict[str, dict[str, Any]]) -> None:
    searching = states(machines, "plain_search")["Search"]
    assert searching["Type"] == "Parallel"
    create, watch = searching["Branches"]
    task = create["States"]["Create"]
    assert task["Resource"].endswith(":states:::sagemaker:createHyperParameterTuningJob.sync")
    assert set(task["Parameters"]) == {
        f"{field}.$"
        for field in (
            "HyperParameterTuningJobConfig",
            "HyperParameterTuningJobName",
            "Tags",
            "TrainingJobDefinition",
        )
    }
    assert watch["States"]["Look"]["Parameters"]["Payload"]["kind"] == "tuning"
    assert watch["States"]["Ended?"]["Default"] == "Seen"
    assert searching["Next"] == searching["Catch"][0]["Next"] == "Classify"


def test_a_program_is_searched_by_our_own_function(machines: dict[str, dict[str, Any]]) -> None:
    found = states(machines, "tiny_search")
    assert "Search" not in found and {"Submit", "Watch", "Look", "Ended?"} <= set(found)
    assert found["Ended?"]["Default"] == "Classify"


def test_what_follows_a_search_is_in_order(machines: dict[str, dict[str, Any]]) -> None:
    found = states(machines, "tiny_search")
    assert found["Found?"]["Choices"][0]["Next"] == "Register"
    assert found["Register"]["Next"] == "Settle"
    assert found["Settle"]["Next"] == found["Settle"]["Catch"][0]["Next"] == "Retrain"
    assert found["Retrain"]["Next"] == "Receipt"
    assert found["Retrain"]["Catch"][0]["Next"] == "Receipt", "what the search has cost is told in any case"
    assert states(machines, "plain_search")["Found?"]["Choices"][0]["Next"] == "Receipt"


def statements(template: Json, description: str) -> list[dict[str, Any]]:
    policies = of_type(template, "AWS::IAM::ManagedPolicy").values()
    found = [one for one in policies if one["Description"] == description]
    assert len(found) == 1
    made: list[dict[str, Any]] = found[0]["PolicyDocument"]["Statement"]
    return made


def actions(found: list[dict[str, Any]]) -> set[str]:
    return {one for statement in found for one in _listed(statement["Action"])}


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def test_the_machines_role_may_start_the_job_only_where_it_does(template: Json) -> None:
    with_job = actions(statements(template, "Runs the state machine shardyard-dev-tiny_search"))
    assert {"states:StartExecution", "states:DescribeExecution", "states:StopExecution", "iam:PassRole"} <= with_job
    assert actions(statements(template, "Runs the state machine shardyard-dev-plain_search")) == {"iam:PassRole"}


def test_launches_may_search(template: Json) -> None:
    allowed = actions(statements(template, "What every job's state machine may do"))
    assert {f"sagemaker:{verb}HyperParameterTuningJob" for verb in ("Create", "Describe", "Stop")} <= allowed
    text = json.dumps(statements(template, "What every job's state machine may do"))
    assert "StepFunctionsGetEventsForSageMakerHyperParameterTuningJobsRule" in text


def test_functions_list_trials_only_where_there_is_a_search(template: Json) -> None:
    listing = "sagemaker:ListTrainingJobsForHyperParameterTuningJob"
    assert listing in json.dumps(template)
    without = json.dumps(templates([job("alone")])["training"])
    assert listing not in without


def test_the_janitor_is_told_of_searches(template: Json) -> None:
    Template.from_json(template).has_resource_properties(
        "AWS::Lambda::Function",
        Match.object_like({"Environment": {"Variables": Match.object_like({"KINDS": "training,tuning"})}}),
    )


def test_a_search_takes_what_it_says_of_its_stacks_budgets(template: Json) -> None:
    _, stacks = build(JOBS)
    made = {one.name: one for one in stacks["training"].jobs}
    assert made["tiny"].counts["Resources"] - made["alone"].counts["Resources"] == 5
    assert made["tiny"].counts["Outputs"] == 2
    assert made["alone"].search is None
    outputs = template["Outputs"]
    assert {"TinyLaunch", "TinySearch"} <= set(outputs)
    assert outputs["TinySearch"]["Description"] == "Launches tiny; so does: yard tune tiny"


def test_a_channel_that_is_added_reaches_the_search_too() -> None:
    _, stacks = build(JOBS)
    tiny = stacks["training"].jobs[0]
    assert tiny.name == "tiny"
    tiny.add_channel("more", Channel(s3="digits/more/"))
    assert tiny.search is not None
    assert "more" in tiny.spec.channels
    assert tiny.search.spec.channels.keys() == tiny.spec.channels.keys()
