"""Endpoints in templates: what waits for a model, what is made before what, who may do what."""

import json
from tempfile import mkdtemp
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

from checks.rules.model import Assembly
from shardyard.core.project import Project
from shardyard.foundation.storage import Storage
from shardyard.serving.endpoint import Endpoint
from shardyard.serving.image import EndpointImage
from shardyard.spec.catalogue.idle_cost import idle_items
from shardyard.spec.errors import SpecError
from stacks.build import ROOT
from tests.support.some import some
from tests.support.spec.endpoints import endpoint

STACK = "shardyard-{}-serving-digits"
VISION = Project(name="vision", stage="dev")
TWO = {"variants": {"next": {"instance_type": "ml.m5.large", "model": {"run": "other:latest"}}}}
SCALED = {
    "variants": {
        "main": {
            "scaling": {
                "most": 3,
                "invocations": 100,
                "steps": {"metric": "cpu", "threshold": 80, "changes": [{"beyond": 0, "add": 1}]},
            }
        }
    }
}


def own(**tables: Any) -> tuple[cdk.Stack, Endpoint]:
    """An endpoint in an app that is not ours."""
    stack = cdk.Stack(cdk.App(outdir=mkdtemp()), "own")
    storage = Storage(
        stack,
        "Storage",
        project=VISION,
        checkpoint_days=30,
        old_version_days=30,
        unfinished_upload_days=7,
        access_log_days=90,
    )
    spec = endpoint(**tables)
    image = EndpointImage.of(stack, spec, project=VISION, root=ROOT)
    made = Endpoint(stack, "Digits", spec=spec, image=image, data=storage, network=None, project=VISION)
    return stack, made


def template(stack: cdk.Stack) -> dict[str, Any]:
    """The app of a stack, written and read."""
    app = stack.node.root
    assert isinstance(app, cdk.App)
    found: dict[str, Any] = app.synth().get_stack_by_name(stack.stack_name).template
    return found


def of(found: dict[str, Any], type_: str) -> list[dict[str, Any]]:
    return [one for one in found["Resources"].values() if one["Type"] == type_]


def only(found: dict[str, Any], type_: str) -> dict[str, Any]:
    (one,) = of(found, type_)
    return one


def test_what_bills_waits_for_a_model(dev: Assembly) -> None:
    found = dev.templates[STACK.format("dev")]
    kinds = {one["Type"]: one.get("Condition") for one in found["Resources"].values()}
    always = {"AWS::IAM::Role", "AWS::IAM::ManagedPolicy"}
    assert {kind for kind, condition in kinds.items() if condition is None} == always
    assert {condition for kind, condition in kinds.items() if kind not in always} == {"HasModel"}
    assert found["Conditions"]["HasModel"] == {"Condition": "DigitsModelGiven"}
    assert list(idle_items(found)) == []


def test_with_a_model_it_bills_and_is_counted(dev: Assembly) -> None:
    found = json.loads(json.dumps(dev.templates[STACK.format("dev")]))
    found["Parameters"]["DigitsModel"]["Default"] = "s3://artifacts/model.tar.gz"
    items = {item.kind: item for item in some(idle_items(found))}
    assert items["AWS::SageMaker::EndpointConfig"].monthly_usd == pytest.approx(0.115 * 730)
    assert items["AWS::SageMaker::EndpointConfig"].why == "endpoint on 1 x ml.m5.large"


def test_the_model_is_the_parameter_s_and_only_an_address_in_s3_is_taken(dev: Assembly) -> None:
    found = dev.templates[STACK.format("dev")]
    model = only(found, "AWS::SageMaker::Model")["Properties"]
    assert model["PrimaryContainer"]["ModelDataUrl"] == {"Ref": "DigitsModel"}
    assert found["Parameters"]["DigitsModel"]["AllowedPattern"].startswith("^(s3://")


def test_names_let_replacement_work(dev: Assembly) -> None:
    """A model or a configuration with a name of ours could not be replaced: the name would be taken."""
    found = dev.templates[STACK.format("dev")]
    assert "ModelName" not in only(found, "AWS::SageMaker::Model")["Properties"]
    config = only(found, "AWS::SageMaker::EndpointConfig")["Properties"]
    assert "EndpointConfigName" not in config
    # Ref gives an ARN, and a name is asked for
    assert "Fn::GetAtt" in config["ProductionVariants"][0]["ModelName"]
    made = only(found, "AWS::SageMaker::Endpoint")["Properties"]
    assert made["EndpointName"] == "shardyard-dev-digits"
    assert made["EndpointConfigName"]["Fn::GetAtt"][1] == "EndpointConfigName"


def test_an_endpoint_follows_the_alarms_that_roll_it_back(dev: Assembly) -> None:
    found = dev.templates[STACK.format("dev")]
    made = only(found, "AWS::SageMaker::Endpoint")
    named = {one["AlarmName"] for one in made["Properties"]["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]}
    alarms = {key: one for key, one in found["Resources"].items() if one["Type"] == "AWS::CloudWatch::Alarm"}
    rolling = {key for key, one in alarms.items() if one["Properties"]["AlarmName"] in named}
    assert len(named) == 2 and rolling <= set(made["DependsOn"])
    for key in some(rolling):
        dimensions = {one["Name"]: one["Value"] for one in alarms[key]["Properties"]["Dimensions"]}
        assert dimensions["EndpointName"] == "shardyard-dev-digits", "a literal: a reference would go round in a circle"
        assert dimensions["EndpointConfigName"]["Fn::GetAtt"][1] == "EndpointConfigName"


def test_its_tags_say_whose_it_is(dev: Assembly) -> None:
    """The sweeper leaves alone what a stack owns."""
    made = only(dev.templates[STACK.format("dev")], "AWS::SageMaker::Endpoint")["Properties"]
    found = {tag["Key"]: tag["Value"] for tag in made["Tags"]}
    wanted = {"project": "shardyard", "stage": "dev", "owner": "unnamed", "shardyard:stack": STACK.format("dev")}
    assert found == wanted


def test_in_prod_one_instance_may_fail(prod: Assembly) -> None:
    (variant,) = only(prod.templates[STACK.format("prod")], "AWS::SageMaker::EndpointConfig")["Properties"][
        "ProductionVariants"
    ]
    assert variant["InitialInstanceCount"] == 2


def test_a_model_in_s3_is_known_and_needs_no_parameter() -> None:
    stack, _ = own()
    found = template(stack)
    made = only(found, "AWS::SageMaker::Endpoint")
    assert "Condition" not in made and "HasModel" not in found["Conditions"]
    url = only(found, "AWS::SageMaker::Model")["Properties"]["PrimaryContainer"]["ModelDataUrl"]
    assert url["Fn::If"][0] == "DigitsModelGiven" and url["Fn::If"][1] == {"Ref": "DigitsModel"}
    assert "models/digits/model.tar.gz" in json.dumps(url["Fn::If"][2])


def test_a_variant_with_a_model_of_its_own_has_a_parameter_of_its_own() -> None:
    stack, _ = own(**TWO)
    found = template(stack)
    assert {"DigitsModel", "DigitsModelNext"} <= set(found["Parameters"])
    urls = [one["Properties"]["PrimaryContainer"]["ModelDataUrl"] for one in of(found, "AWS::SageMaker::Model")]
    assert {"Ref": "DigitsModelNext"} in urls and len(urls) == 2
    assert found["Conditions"]["HasModel"] == {"Condition": "DigitsModelNextGiven"}


def test_scaling_is_made_after_the_endpoint_and_taken_away_before() -> None:
    stack, _ = own(**SCALED)
    found = template(stack)
    (made,) = (key for key, one in found["Resources"].items() if one["Type"] == "AWS::SageMaker::Endpoint")
    scalable = only(found, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert scalable["DependsOn"] == [made]
    policies = of(found, "AWS::ApplicationAutoScaling::ScalingPolicy")
    assert {one["Properties"]["PolicyType"] for one in policies} == {"TargetTrackingScaling", "StepScaling"}
    assert found["Resources"][made]["Properties"]["RetainAllVariantProperties"] is True
    (alarm,) = (
        one for one in of(found, "AWS::CloudWatch::Alarm") if one["Properties"]["MetricName"] == "CPUUtilization"
    )
    (action,) = alarm["Properties"]["AlarmActions"]
    assert found["Resources"][action["Ref"]]["Properties"]["PolicyType"] == "StepScaling"


def statements(found: dict[str, Any]) -> list[dict[str, Any]]:
    (policy,) = (one for one in of(found, "AWS::IAM::ManagedPolicy") if "Serves" in one["Properties"]["Description"])
    return list(policy["Properties"]["PolicyDocument"]["Statement"])


def test_the_role_reads_where_the_model_lies_and_writes_what_it_captures_alone() -> None:
    stack, _ = own(capture={"percent": 10})
    text = {json.dumps(one["Action"]): json.dumps(one["Resource"]) for one in statements(template(stack))}
    reads = text['"s3:GetObject"']
    assert "/models/digits/*" in reads and "/runs/" not in reads
    assert "/capture/digits/*" in text['["s3:AbortMultipartUpload", "s3:PutObject"]']
    plain, _ = own()
    actions = json.dumps([one["Action"] for one in statements(template(plain))])
    assert "s3:PutObject" not in actions and "sns:Publish" not in actions


def test_a_wrong_definition_is_refused_before_anything_is_made() -> None:
    with pytest.raises(SpecError, match="no endpoint has"):
        own(variants={"main": {"instance_type": "ml.m5.huge"}})


def test_who_may_invoke_may_invoke_this_endpoint_alone() -> None:
    stack, made = own()
    caller = iam.Role(stack, "Caller", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    made.grant_invoke(caller)
    there = Endpoint.from_endpoint_name(stack, "There", "Other-Endpoint")
    there.grant_invoke(caller)
    (policy,) = of(template(stack), "AWS::IAM::Policy")
    found = policy["Properties"]["PolicyDocument"]["Statement"]
    resources = json.dumps([one["Resource"] for one in found])
    assert all("sagemaker:InvokeEndpoint" in one["Action"] for one in some(found))
    assert ":endpoint/vision-dev-digits" in resources and ":endpoint/other-endpoint" in resources
    assert "*" not in resources


def test_an_image_fits_the_instances_of_each_variant() -> None:
    stack, _ = own(
        image={"folder": None, "framework": "pytorch", "version": "2.6"},
        variants={"gpus": {"instance_type": "ml.g5.xlarge"}},
    )
    found = template(stack)
    images = [json.dumps(one["Properties"]["PrimaryContainer"]["Image"]) for one in of(found, "AWS::SageMaker::Model")]
    assert [("2.6.0-cpu-py312" in one, "2.6.0-gpu-py312" in one) for one in images] == [(True, False), (False, True)]
    assert "DlcAccounts" in found["Mappings"]
    assert "repository/pytorch-inference" in json.dumps(statements(found))


def test_a_built_in_algorithm_is_served_from_the_account_that_publishes_it_there() -> None:
    stack, _ = own(image={"folder": None, "builtin": "kmeans"})
    found = template(stack)
    (model,) = of(found, "AWS::SageMaker::Model")
    image = json.dumps(model["Properties"]["PrimaryContainer"]["Image"])
    assert "/kmeans:1" in image and "BuiltinLinearLearnerAccounts" in image
    assert found["Mappings"]["BuiltinLinearLearnerAccounts"]["us-east-1"] == {"account": "382416733822"}
    assert "repository/kmeans" in json.dumps(statements(found))


def test_metrics_carry_the_endpoint_s_name_and_its_variant() -> None:
    _, made = own()
    latency = made.metric_model_latency("main")
    assert (latency.metric_name, latency.statistic) == ("ModelLatency", "p99")
    assert dict(latency.dimensions or {}) == {"EndpointName": "vision-dev-digits", "VariantName": "main"}
    assert made.metric_invocations("main").statistic == "Sum"
    assert made.metric_errors("main").metric_name == "Invocation5XXErrors"


def test_a_role_that_a_team_has_is_taken_as_it_is() -> None:
    stack = cdk.Stack(cdk.App(outdir=mkdtemp()), "own")
    storage = Storage(
        stack,
        "Storage",
        project=VISION,
        checkpoint_days=1,
        old_version_days=1,
        unfinished_upload_days=1,
        access_log_days=1,
    )
    given = iam.Role.from_role_arn(stack, "Given", "arn:aws:iam::123456789012:role/team")
    spec = endpoint()
    image = EndpointImage.of(stack, spec, project=VISION, root=ROOT)
    Endpoint(stack, "Digits", spec=spec, image=image, data=storage, network=None, project=VISION, role=given)
    model = only(template(stack), "AWS::SageMaker::Model")["Properties"]
    assert model["ExecutionRoleArn"] == "arn:aws:iam::123456789012:role/team"


def test_the_dashboard_has_a_section_for_the_endpoint(dev: Assembly) -> None:
    (board,) = dev.resources("AWS::CloudWatch::Dashboard")
    body = json.dumps(board.properties["DashboardBody"])
    assert "## digits" in body and "shardyard-dev-digits" in body and "ModelLatency" in body


def test_the_definition_stands_in_the_template(dev: Assembly) -> None:
    assert dev.templates[STACK.format("dev")]["Metadata"]["shardyard:endpoint"]["name"] == "digits"
