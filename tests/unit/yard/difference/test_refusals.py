"""What CloudFormation would refuse, said before a deploy."""

from collections.abc import Mapping
from typing import Any

from tests.support.differences import compared, machine, only, stack
from yard.difference.sides import Stack


def exporting(resources: Mapping[str, Any], of: str | None) -> Stack:
    outputs = {} if of is None else {"Out": {"Value": {"Ref": of}, "Export": {"Name": "vpc"}}}
    return stack("network", resources, Outputs=outputs)


def test_an_export_in_use_that_would_go_or_change_is_refused() -> None:
    vpc = lambda cidr: {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": cidr}}}  # noqa: E731
    user = stack("jobs", {"Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Fn::ImportValue": "vpc"}}}})
    before = [exporting(vpc("a"), "Vpc"), user]
    gone = compared(before, [exporting({}, None), stack("jobs", {})])
    assert [one for one in gone.refusals if "export of Vpc would go" in one]
    other = compared(before, [exporting(vpc("b"), "Vpc"), user])
    assert [one for one in other.refusals if "would take another value, and jobs in the account still use it" in one]
    assert compared(before, before).refusals == []
    assert compared([exporting(vpc("a"), "Vpc")], [exporting({}, None)]).refusals == [], "nobody uses it"


def test_a_job_that_moves_to_a_stack_that_is_deployed_first_meets_its_own_name() -> None:
    here, there = {"A": machine("digits")}, {"B": machine("digits")}
    back = compared([stack("one", {}), stack("two", there)], [stack("one", here), stack("two", {})])
    assert len(back.refusals) == 1
    assert "'digits' already exists in two" in back.refusals[0]
    away = compared([stack("one", here), stack("two", {})], [stack("one", {}), stack("two", there)])
    assert away.refusals == [], "the first stack lets it go before the second one makes it"
    assert len(only(here, there).refusals) == 1, "in one stack, what is new comes before what goes"


def test_a_named_notebook_instance_in_another_network_cannot_be_made_anew() -> None:
    def instance(subnet: Any, name: Any = "team-dev-ann") -> dict[str, Any]:
        properties = {"NotebookInstanceName": name, "SubnetId": subnet}
        return {"Ann": {"Type": "AWS::SageMaker::NotebookInstance", "Properties": properties}}

    (said,) = only(instance("subnet-1"), instance("subnet-2")).refusals
    assert "AWS::SageMaker::NotebookInstance 'team-dev-ann' would have to be made anew (SubnetId)" in said
    assert "yard move" in said
    assert only(instance("subnet-1"), instance("subnet-1")).refusals == []
    assert only(instance("subnet-1"), instance("subnet-2", "team-dev-bob")).refusals == [], (
        "another name may stand beside"
    )
    assert only(instance({"Ref": "A"}), instance({"Ref": "B"})).refusals == [], "two references may be one value"
