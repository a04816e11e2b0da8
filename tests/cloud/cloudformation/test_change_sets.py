"""Change sets: what they say of each resource before anything happens, and what becomes of them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.conftest import Cloud
from tests.support.cloud.stacks_api import StackUnderTest, bucket, of, parameter

UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"


@pytest.fixture
def stack(cloud: Cloud) -> StackUnderTest:
    return StackUnderTest(cloud)


def with_size(default: str) -> dict[str, Any]:
    """A template with one parameter, Size, that becomes an output and the value of a resource."""
    return {
        "Parameters": {"Size": {"Type": "String", "Default": default}},
        "Resources": {"A": parameter({"Fn::Join": ["", ["size-", {"Ref": "Size"}]]})},
        "Outputs": {"Size": {"Value": {"Ref": "Size"}}},
    }


def change_set(stack: StackUnderTest, template: dict[str, Any], kind: str, **options: Any) -> dict[str, Any]:
    stack.api.create_change_set(
        StackName=stack.name, ChangeSetName="changes", ChangeSetType=kind, TemplateBody=json.dumps(template), **options
    )
    found: dict[str, Any] = stack.api.describe_change_set(
        StackName=stack.name, ChangeSetName="changes", IncludePropertyValues=True
    )
    return found


def changes_of(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["ResourceChange"]["LogicalResourceId"]: item["ResourceChange"] for item in found["Changes"]}


def context(change: dict[str, Any], which: str) -> Any:
    return json.loads(change[f"{which}Context"])["Properties"]


def reasons(change: dict[str, Any]) -> set[tuple[str, str, str | None]]:
    return {(item["Evaluation"], item["ChangeSource"], item.get("CausingEntity")) for item in change["Details"]}


def test_a_change_set_of_a_new_stack_is_reviewed_and_executed(stack: StackUnderTest) -> None:
    found = change_set(stack, with_size("1"), "CREATE")
    assert stack.describe()["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert [change["ResourceChange"]["Action"] for change in found["Changes"]] == ["Add"]
    stack.api.execute_change_set(StackName=stack.name, ChangeSetName="changes")
    assert stack.status() == "CREATE_COMPLETE"
    assert stack.outputs() == {"Size": "1"}


def test_a_change_set_says_what_changes_and_what_is_replaced(stack: StackUnderTest) -> None:
    def template(name: str, value: str, *, third: bool) -> dict[str, Any]:
        found = of(Box=bucket(BucketName=f"{stack.name}-{name}"), P=parameter(value))
        return {"Resources": {**found["Resources"], **({"Third": parameter("3")} if third else {})}}

    stack.create(template("one", "a", third=True))
    found = change_set(stack, template("two", "b", third=False), "UPDATE")
    changes = changes_of(found)
    assert {name: change["Action"] for name, change in changes.items()} == {
        "Box": "Modify",
        "P": "Modify",
        "Third": "Remove",
    }
    assert changes["Box"]["Replacement"] == "True"
    assert changes["P"]["Replacement"] == "False"
    assert changes["P"]["Details"][0]["Target"]["Name"] == "Value"
    stack.api.delete_change_set(StackName=stack.name, ChangeSetName="changes")
    assert stack.api.list_change_sets(StackName=stack.name)["Summaries"] == []


def test_a_change_set_without_changes_fails_in_the_words_that_clients_look_for(stack: StackUnderTest) -> None:
    stack.create(with_size("1"))
    found = change_set(stack, with_size("1"), "UPDATE")
    assert found["Status"] == "FAILED"
    assert "didn't contain changes" in found["StatusReason"]
    with pytest.raises(ClientError, match="cannot be executed"):
        stack.api.execute_change_set(StackName=stack.name, ChangeSetName="changes")


def topic(name: str, **properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name, **properties}}


def test_property_values_before_and_after(stack: StackUnderTest) -> None:
    stack.create(of(P=parameter("one"), Gone=parameter("gone")))
    changes = changes_of(change_set(stack, of(P=parameter("two"), New=parameter({"Ref": "P"})), "UPDATE"))
    assert context(changes["P"], "Before") == {"Type": "String", "Value": "one"}
    assert context(changes["P"], "After") == {"Type": "String", "Value": "two"}
    assert changes["P"]["Details"][0]["Target"] == {
        "Attribute": "Properties",
        "Name": "Value",
        "Path": "/Properties/Value",
        "RequiresRecreation": "Never",
        "AttributeChangeType": "Modify",
        "BeforeValue": "one",
        "AfterValue": "two",
    }
    assert context(changes["New"], "After")["Value"] == stack.physical_id("P")
    assert "BeforeContext" not in changes["New"]
    assert changes["Gone"]["PolicyAction"] == "Delete"
    assert "AfterContext" not in changes["Gone"]


def test_values_are_left_out_unless_asked_for(stack: StackUnderTest) -> None:
    stack.create(of(P=parameter("one")))
    change_set(stack, of(P=parameter("two")), "UPDATE")
    found = stack.api.describe_change_set(StackName=stack.name, ChangeSetName="changes")
    (change,) = changes_of(found).values()
    assert not {"BeforeContext", "AfterContext"} & set(change)
    assert change["Details"][0]["Target"] == {
        "Attribute": "Properties",
        "Name": "Value",
        "RequiresRecreation": "Never",
    }
    assert found["RollbackConfiguration"] == {}


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ({"Ref": "T"}, ("ResourceReference", "T")),
        ({"Fn::GetAtt": ["T", "TopicName"]}, ("ResourceAttribute", "T.TopicName")),
        ({"Fn::Sub": "${T.TopicName}!"}, ("ResourceAttribute", "T.TopicName")),
        ({"Fn::Join": ["-", [{"Ref": "T"}, "x"]]}, ("ResourceReference", "T")),
        ({"Fn::Base64": {"Ref": "T"}}, ("ResourceReference", "T")),
        ({"Fn::Select": [0, {"Fn::Split": [":", {"Ref": "T"}]}]}, ("ResourceReference", "T")),
    ],
    ids=["Ref", "GetAtt", "Sub", "Join", "Base64", "Select of Split"],
)
def test_who_refers_to_a_replaced_resource_changes_with_it(
    stack: StackUnderTest, value: Any, cause: tuple[str, str]
) -> None:
    stack.create(of(T=topic(f"{stack.name}-one"), P=parameter(value)))
    changes = changes_of(change_set(stack, of(T=topic(f"{stack.name}-two"), P=parameter(value)), "UPDATE"))
    assert (changes["T"]["Replacement"], changes["T"]["PolicyAction"]) == ("True", "ReplaceAndDelete")
    assert changes["P"]["Replacement"] == "False"
    assert UNKNOWN in context(changes["P"], "After")["Value"]
    assert reasons(changes["P"]) == {("Static", *cause), ("Dynamic", "DirectModification", None)}


def test_a_changed_parameter_is_named_as_the_cause(stack: StackUnderTest) -> None:
    stack.create(with_size("1"))
    given = [{"ParameterKey": "Size", "ParameterValue": "2"}]
    (change,) = changes_of(change_set(stack, with_size("1"), "UPDATE", Parameters=given)).values()
    assert reasons(change) == {("Static", "ParameterReference", "Size"), ("Dynamic", "DirectModification", None)}
    assert context(change, "After")["Value"] == "size-2"


def test_a_replacement_that_only_the_service_can_tell_is_conditional() -> None:
    from embedded.cloudformation.plan import Step
    from embedded.cloudformation.stack import Deployed
    from embedded.cloudformation.templates.template import Resource

    kind = "AWS::SageMaker::Endpoint"
    old = Deployed(logical_id="E", type=kind, physical_id="e", properties={"EndpointName": "a"}, attributes={})
    wanted = Resource(logical_id="E", type=kind, properties={})
    step = Step(action="update", properties=("EndpointName",), perhaps=("EndpointName",))
    assert (step.replacement, step.recreation("EndpointName")) == ("Conditional", "Conditionally")
    assert Step.of(wanted, old, {"EndpointName": "b"}).replacement == "True"


def test_a_condition_that_no_longer_holds_removes_its_resource(stack: StackUnderTest) -> None:
    def template(wanted: str) -> dict[str, Any]:
        conditions = {"Wanted": {"Fn::Equals": ["yes", wanted]}}
        return {"Conditions": conditions, **of(P={**parameter("p"), "Condition": "Wanted"}, Stays=parameter("s"))}

    stack.create(template("yes"))
    changes = changes_of(change_set(stack, template("no"), "UPDATE"))
    assert {name: change["Action"] for name, change in changes.items()} == {"P": "Remove"}


def test_an_export_that_is_not_there_yet_is_a_warning(stack: StackUnderTest) -> None:
    found = change_set(stack, of(P=parameter({"Fn::ImportValue": f"{stack.name}-none"})), "CREATE")
    assert found["Status"] == "CREATE_COMPLETE"
    assert f"No export named {stack.name}-none" in found["StatusReason"]
    assert context(changes_of(found)["P"], "After")["Value"] == UNKNOWN
    stack.api.execute_change_set(StackName=stack.name, ChangeSetName="changes")
    assert stack.status() == "ROLLBACK_COMPLETE"


def test_an_executed_change_set_is_known_by_its_id(stack: StackUnderTest) -> None:
    arn = change_set(stack, of(P=parameter("p")), "CREATE")["ChangeSetId"]
    stack.api.execute_change_set(ChangeSetName=arn)
    assert stack.status() == "CREATE_COMPLETE"
    assert stack.describe()["ChangeSetId"] == arn
    assert stack.api.describe_change_set(ChangeSetName=arn)["ExecutionStatus"] == "EXECUTE_COMPLETE"
    with pytest.raises(stack.api.exceptions.ChangeSetNotFoundException):
        stack.api.describe_change_set(StackName=stack.name, ChangeSetName="changes")


def test_creation_takes_over_a_stack_under_review_and_makes_its_change_sets_obsolete(stack: StackUnderTest) -> None:
    found = change_set(stack, of(P=parameter("p")), "CREATE")
    assert stack.create(of(P=parameter("q"))) == "CREATE_COMPLETE"
    assert stack.describe()["StackId"] == found["StackId"]
    past = stack.api.describe_change_set(ChangeSetName=found["ChangeSetId"])
    assert past["ExecutionStatus"] == "OBSOLETE"


def test_a_deleted_change_set_is_not_found(stack: StackUnderTest) -> None:
    arn = change_set(stack, of(P=parameter("p")), "CREATE")["ChangeSetId"]
    stack.api.delete_change_set(ChangeSetName=arn)
    with pytest.raises(stack.api.exceptions.ChangeSetNotFoundException, match="does not exist"):
        stack.api.describe_change_set(ChangeSetName=arn)


@pytest.mark.parametrize("verb", ["describe_change_set", "delete_change_set", "execute_change_set"])
def test_a_name_without_a_stack_is_refused(stack: StackUnderTest, verb: str) -> None:
    with pytest.raises(ClientError, match="StackName must be specified if ChangeSetName is not specified as an ARN"):
        getattr(stack.api, verb)(ChangeSetName="changes")


@pytest.mark.parametrize(("wanted", "left"), [("yes", True), ("no", False)])
def test_a_deletion_policy_may_be_a_function(stack: StackUnderTest, wanted: str, *, left: bool) -> None:
    name = f"/{stack.name}/kept"
    kept = {
        **parameter("p", Name=name),
        "DeletionPolicy": {"Fn::If": ["Keep", "Retain", "Delete"]},
        "UpdateReplacePolicy": {"Fn::FindInMap": ["Policies", "P", "Replace"]},
    }
    template = {
        "Mappings": {"Policies": {"P": {"Replace": "Retain"}}},
        "Conditions": {"Keep": {"Fn::Equals": ["yes", wanted]}},
        **of(P=kept),
    }
    found = change_set(stack, template, "CREATE")
    assert found["Status"] == "CREATE_COMPLETE"
    stack.api.execute_change_set(StackName=stack.name, ChangeSetName="changes")
    assert stack.status() == "CREATE_COMPLETE"
    assert stack.delete() == "DELETE_COMPLETE"
    parameters = stack.cloud.client("ssm").get_parameters(Names=[name])["Parameters"]
    assert bool(parameters) is left


def test_who_names_an_attribute_of_a_changed_resource_may_change(stack: StackUnderTest) -> None:
    def template(value: str) -> dict[str, Any]:
        middle = parameter({"Fn::GetAtt": ["First", "Value"]})
        return of(First=parameter(value), Middle=middle, Last=parameter({"Fn::GetAtt": ["Middle", "Value"]}))

    stack.create(template("one"))
    assert set(changes_of(change_set(stack, template("two"), "UPDATE"))) == {"First"}
    found = changes_of(stack.api.describe_change_set(StackName=stack.name, ChangeSetName="changes"))
    assert reasons(found["Middle"]) == {("Dynamic", "ResourceAttribute", "First.Value")}
    assert reasons(found["Last"]) == {("Dynamic", "ResourceAttribute", "Middle.Value")}


def test_what_a_removed_resource_had_from_others_is_not_told(stack: StackUnderTest) -> None:
    stack.create(of(Stays=parameter("s"), Gone=parameter({"Ref": "Stays"})))
    (gone,) = changes_of(change_set(stack, of(Stays=parameter("s")), "UPDATE")).values()
    assert context(gone, "Before") == {"Type": "String", "Value": UNKNOWN}
