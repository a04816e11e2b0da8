"""Definitions that lie beside the templates are compared as if they stood in them."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from yard.difference import definitions
from yard.difference.jobs import jobs_of
from yard.difference.sides import Side, Stack

KEY = "0123.json"


def states(**payload: Any) -> dict[str, Any]:
    given = {"definition": {"name": "tiny", "count": 2}, "deployment": {"bucket": "${Bucket}"}, **payload}
    return {"States": {"Preflight": {"Parameters": {"Payload": given}}}}


def side(**properties: Any) -> Side:
    where = {"DefinitionS3Location": {"Bucket": "assets", "Key": KEY}, **properties}
    resources = {"Tiny": {"Type": definitions.MACHINE, "Properties": where}, "Topic": {"Type": "AWS::SNS::Topic"}}
    return Side([Stack(name="one", template={"Resources": resources}, physical={"Tiny": "arn:tiny"})])


def account(definition: dict[str, Any]) -> Any:
    machine = SimpleNamespace(describe_state_machine=lambda **_: {"definition": json.dumps(definition)})
    return SimpleNamespace(client=lambda _: machine)


def definition(found: Side) -> dict[str, Any]:
    (stack,) = found.stacks
    assert "DefinitionS3Location" not in stack.resources["Tiny"]["Properties"]
    read: dict[str, Any] = json.loads(stack.resources["Tiny"]["Properties"]["DefinitionString"])
    return read


def test_both_sides_have_their_definitions(tmp_path: Path) -> None:
    (tmp_path / f"asset.{KEY}").write_text(json.dumps(states()))
    after = definitions.from_assembly(side(), tmp_path)
    assert definition(after) == states() and jobs_of(after)["tiny"].definition["count"] == 2
    deployed = states(deployment={"bucket": "vision-artifacts"})
    assert definition(definitions.from_account(side(), account(deployed))) == deployed


def test_what_a_deploy_fills_in_is_no_difference_and_all_else_is(tmp_path: Path) -> None:
    now = states(places=["s3://${Bucket}/runs", "a"], note="for ${Bucket}")
    (tmp_path / f"asset.{KEY}").write_text(json.dumps(now))
    after = definitions.from_assembly(side(), tmp_path)
    filled = states(deployment={"bucket": "b"}, places=["s3://b/runs", "a"], note="for b")
    before = definitions.from_account(side(), account(filled))
    assert definition(definitions.aligned(before, after)) == now
    for other in (
        {"places": ["s3://b/other", "a"]},
        {"places": ["s3://b/runs"]},
        {"note": "of b"},
        {"definition": {"name": "tiny", "count": 3}},
        {"more": 1},
    ):
        deployed = {**filled["States"]["Preflight"]["Parameters"]["Payload"], **other}
        before = definitions.from_account(side(), account(states(**deployed)))
        assert definition(definitions.aligned(before, after)) != now, other


def test_a_machine_without_its_file_or_of_an_older_deploy_stays_as_it_is(tmp_path: Path) -> None:
    assert definitions.from_assembly(side(), tmp_path).stacks[0].template == side().stacks[0].template
    resources = {"Tiny": {"Type": definitions.MACHINE, "Properties": {"DefinitionString": json.dumps(states())}}}
    older = Side([Stack(name="one", template={"Resources": resources}, physical={"Tiny": "arn:tiny"})])
    assert definition(definitions.from_account(older, account({}))) == states()
    assert definition(definitions.aligned(older, Side([]))) == states()
