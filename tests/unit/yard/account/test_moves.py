"""The steps of what CloudFormation refuses in one deploy, worked out from templates."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from yard.account import moves, moving
from yard.errors import UserError
from yard.runs import runs
from yard.tuning import searches


def machine(name: str) -> dict[str, Any]:
    return {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"StateMachineName": name}}


def stack(*machines: str, **more: Any) -> dict[str, Any]:
    return {"Resources": {f"M{number}": machine(name) for number, name in enumerate(machines)}, **more}


def exporting(*names: str) -> dict[str, Any]:
    return {"Outputs": {name: {"Value": "x", "Export": {"Name": name}} for name in names}}


def importing(name: str) -> dict[str, Any]:
    return {"Resources": {"R": {"Type": "T", "Properties": {"Deep": [{"Id": {"Fn::ImportValue": name}}]}}}}


def steps(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [step.command for step in moves.steps_of_moves(moves.moved(before, after), after)]


def test_where_nothing_moves_there_are_no_steps() -> None:
    before = {"training": stack("a"), "second": stack("b")}
    assert steps(before, before) == []
    assert steps(before, {"training": stack("a", "new"), "second": stack()}) == []


def test_a_job_is_given_away_before_it_is_taken() -> None:
    before = {"training": stack("a"), "second": stack("b", "c")}
    after = {"training": stack("a", "b"), "second": stack("c")}
    assert steps(before, after) == ["npx cdk deploy second --exclusively"]
    assert moves.machines(moves.moved(before, after)) == ["b"]


def test_a_stack_that_also_takes_comes_after_those_that_it_takes_from() -> None:
    before = {"a": stack("one"), "b": stack("two"), "c": stack()}
    after = {"a": stack(), "b": stack("one"), "c": stack("two")}
    assert steps(before, after) == ["npx cdk deploy a --exclusively", "npx cdk deploy b --exclusively"]


def test_a_stack_that_the_app_no_longer_has_is_deleted_first() -> None:
    before = {"training": stack("a"), "old": stack("b")}
    after = {"training": stack("a"), "new": stack("b")}
    assert steps(before, after) == ["aws cloudformation delete-stack --stack-name old"]


def test_two_stacks_that_exchange_jobs_are_refused_with_the_way() -> None:
    before, after = {"a": stack("one"), "b": stack("two")}, {"a": stack("two"), "b": stack("one")}
    with pytest.raises(UserError, match="a and b exchange jobs") as caught:
        steps(before, after)
    assert "Move the jobs of one of them first" in caught.value.fix


def test_an_export_that_goes_while_it_is_used_is_in_the_way() -> None:
    before = {"network": exporting("vpc", "group"), "training": importing("vpc"), "other": importing("group")}
    assert moves.exports_in_the_way(before, before) == {}
    after = {"network": exporting("group"), "training": {}, "other": importing("group")}
    assert moves.exports_in_the_way(before, after) == {"network": ["training"]}
    # a stack that the app no longer has keeps its exports until it is destroyed
    assert moves.exports_in_the_way(before, {"training": {}, "other": {}}) == {}


def test_a_leftover_that_uses_what_another_is_to_lose_goes_first() -> None:
    before = {"storage": exporting("key", "bucket"), "notebooks": importing("key"), "training": importing("bucket")}
    after = {"storage": exporting("bucket"), "training": importing("bucket")}
    (step,) = moves.steps_of_leftovers(before, after)
    assert step.command == "aws cloudformation delete-stack --stack-name notebooks"
    assert step.why == "the app no longer has notebooks, and it uses what storage is to lose"
    assert moves.steps_of_leftovers(before, {**after, "storage": exporting("key", "bucket")}) == []


def steps_of_users(before: moves.Templates, after: moves.Templates) -> list[moves.Step]:
    return moves.steps_of_users(before, after, network="network")


def test_a_stack_that_stops_using_an_export_goes_before_the_one_that_loses_it() -> None:
    before = {
        "network": exporting("vpc"),
        "training": exporting("submit", "launch"),
        "experiments": importing("submit"),
    }
    needed = {"Resources": {"one": importing("launch"), "other": importing("vpc")}}
    after = {"network": exporting("vpc"), "training": exporting("launch"), "experiments": needed}
    (step,) = steps_of_users(before, after)
    assert step.command == "npx cdk deploy experiments --exclusively"
    assert step.why == "experiments stops using what training is to lose"
    assert steps_of_users({**before, "experiments": needed}, after) == []


@pytest.mark.parametrize("needs", ["submit", "new"])
def test_one_that_needs_what_is_not_there_cannot_go_first(needs: str) -> None:
    before = {"training": exporting("submit"), "experiments": importing("submit")}
    assert steps_of_users(before, {"training": exporting("new"), "experiments": importing(needs)}) == []


def test_who_leaves_the_network_has_steps_of_its_own() -> None:
    before = {"network": exporting("vpc"), "training": importing("vpc")}
    assert steps_of_users(before, {"network": exporting(), "training": {}}) == []


def test_the_last_step_deploys_everything() -> None:
    assert moves.Step(why="rest").command == "npx cdk deploy --all"
    one = moves.Step(why="x", context=("network.kind=none",))
    assert one.command == "npx cdk deploy --all -c network.kind=none"


@pytest.mark.parametrize(
    ("machine", "running", "stop"),
    [
        ("own-dev-digits", "runs", "yard stop {run}"),
        ("own-dev-digits_search", "searches", "yard tune digits --stop --run"),
    ],
)
def test_a_job_that_runs_or_is_searched_is_not_moved(
    machine: str, running: str, stop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    run = runs.Run(job="digits", run_id="r-1", execution_arn="arn", status="RUNNING", started=now, stopped=None)
    found = {"runs": [], "searches": [], running: [run]}
    monkeypatch.setattr(runs, "executions", lambda _, job: found["runs"] if job == "digits" else pytest.fail(job))
    monkeypatch.setattr(
        searches, "executions", lambda _, job: found["searches"] if job == "digits" else pytest.fail(job)
    )
    aws: Any = SimpleNamespace(project=SimpleNamespace(state_machine_name=lambda job: f"own-dev-{job}"))
    with pytest.raises(UserError, match=r"^digits moves to another stack") as caught:
        moving._refuse_running(aws, [machine])
    assert stop.format(run="r-1") in caught.value.fix
    found[running] = [replace(run, status="SUCCEEDED")]
    moving._refuse_running(aws, [machine])
