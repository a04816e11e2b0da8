"""An endpoint from its file to its answers and back, by the real template and the real command.

Its container is a small server that runs `code/inference.py` of its model, as the runtime of our images does.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3

from embedded import lifecycle
from shardyard.core.project import Project
from shardyard.foundation.storage import Storage
from shardyard.serving.endpoint import Endpoint
from shardyard.serving.image import EndpointImage
from shardyard.spec import names
from shardyard.spec.endpoint_folder import load_endpoints
from tests.support.cloud.yard_command import Yard
from tests.support.clouds.serving_cloud import ServingCloud, packed, serving_cloud
from tests.support.clouds.training_cloud import BUCKET, wait_until
from tests.support.serving.model_server import PROGRAM

pytestmark = pytest.mark.e2e
NAME = "vision-dev-digits"
STACK = "vision-dev-serving-digits"
FILE = """
[model]
file = "model.tar.gz"

[image]
repository = "test/scripted"
tag = "1"

[variants.main]
instance_type = "ml.m5.large"
count = 2

[network]
isolation = true

[deployment]
strategy = "canary"
step_percent = 50
bake = "2m"

[alarms]
errors_5xx_percent = 1
"""
_SCRIPT = """
script = Path("/opt/ml/model/code/inference.py")
known = {}
if script.is_file():
    exec(script.read_text(), known)
"""
_RUNS = """
        if known:
            try:
                known["predict_fn"](text, known["model_fn"]("/opt/ml/model"))
            except Exception as error:
                return self.reply(500, type(error).__name__.encode())
"""


def scripted() -> str:
    """The small model server, which also runs the model's own code."""
    head, tail = PROGRAM.split("loaded, most_models, lock", 1)
    program = f"{head}{_SCRIPT}loaded, most_models, lock{tail}"
    before = '        text = body.decode(errors="replace")\n'
    assert before in program
    return program.replace(before, before + _RUNS)


def template(root: Path) -> dict[str, Any]:
    """The endpoint's own stack, with buckets that are there."""
    app = cdk.App(outdir=mkdtemp())
    alone = cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
    stack = cdk.Stack(app, STACK, synthesizer=alone)
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", BUCKET)
    storage = Storage.from_buckets(stack, "Storage", data=bucket, artifacts=bucket)
    (spec,) = load_endpoints(root / "endpoints", "dev", root=root)
    project = Project(name="vision", stage="dev", tags={"owner": "unnamed"})
    made = Endpoint(
        stack,
        "Endpoint",
        spec=spec,
        image=EndpointImage.of(stack, spec, project=project, root=root),
        data=storage,
        network=None,
        project=project,
    )
    stack.add_metadata(names.ENDPOINT_METADATA, spec.to_dict())
    cdk.CfnOutput(stack, "Name", value=made.endpoint_name).override_logical_id("EndpointName")
    config = cdk.CfnOutput(stack, "Config", value=made.config_name, condition=made.has_model)
    config.override_logical_id("EndpointConfigName")
    found: dict[str, Any] = app.synth().get_stack_by_name(STACK).template
    return found


def deploy_template(cloud: ServingCloud, found: dict[str, Any]) -> str:
    """Create or update the stack by hand; parameters keep what they have, as the CDK command does."""
    stacks = cloud.client("cloudformation")
    given = {"StackName": STACK, "TemplateBody": json.dumps(found), "Capabilities": ["CAPABILITY_NAMED_IAM"]}
    try:
        known = stacks.describe_stacks(StackName=STACK)["Stacks"][0].get("Parameters", [])
    except stacks.exceptions.ClientError:
        stacks.create_stack(**given)
    else:
        kept = [{"ParameterKey": one["ParameterKey"], "UsePreviousValue": True} for one in known]
        stacks.update_stack(**given, Parameters=kept)

    def status() -> str:
        return str(stacks.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"])

    wait_until(lambda: not status().endswith("_IN_PROGRESS"), 120, "the deploy")
    return status()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServingCloud]:
    with serving_cloud(tmp_path_factory.mktemp("cloud")) as running:
        running.image("scripted", scripted())
        running.admin("clock", rate=60)
        yield running


@pytest.fixture(scope="module")
def project(cloud: ServingCloud) -> Path:
    """A project of one endpoint, whose stack is deployed without a model."""
    root = cloud.project
    (root / "jobs").mkdir()
    (root / "endpoints").mkdir()
    (root / "endpoints/digits.toml").write_text(FILE)
    settings = {"context": {"project": "vision", "training.no_jobs": True}, "app": f"{sys.executable} app.py"}
    (root / "cdk.json").write_text(json.dumps(settings))
    cloud.put("models/digits/first/model.tar.gz", packed({"answer.txt": "first"}))
    cloud.put("models/digits/second/model.tar.gz", packed({"answer.txt": "second"}))
    # In place of the project's stack of buckets: what the command reads of it
    outputs = {"ArtifactBucketName": {"Value": BUCKET}}
    storage = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}, "Outputs": outputs}
    cloud.client("cloudformation").create_stack(StackName="vision-dev-storage", TemplateBody=json.dumps(storage))
    assert deploy_template(cloud, template(root)) == "CREATE_COMPLETE"
    return root


@pytest.fixture(scope="module")
def yard(cloud: ServingCloud, project: Path) -> Yard:
    """The command, run in the project."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return Yard(env=kept | lifecycle.variables(cloud.state, cloud.folder), folder=project)


def model(name: str) -> str:
    return f"s3://{BUCKET}/models/digits/{name}/model.tar.gz"


def deploy(yard: Yard, name: str, code: int = 0) -> dict[str, Any]:
    """`yard deploy` of one of the models."""
    found: dict[str, Any] = yard.json("deploy", "digits", "--s3", model(name), "--yes", "--json", code=code)
    return found


def test_an_endpoint_lives_changes_goes_back_and_goes(cloud: ServingCloud, project: Path, yard: Yard) -> None:
    """One long test: each step needs the one before, and a deploy takes a minute of a processor."""
    # Without a model nothing stands
    assert yard.json("endpoints", "--json")[0]["status"] == "no model"
    assert cloud.client("sagemaker").list_endpoints()["Endpoints"] == []
    assert "has no model yet" in yard("endpoint", "scale", "digits", "2", code=1).stderr

    # A model of another place would fail for want of permission, and is refused before anything changes
    refused = yard("deploy", "digits", "--s3", f"s3://{BUCKET}/elsewhere/model.tar.gz", "--yes", code=1)
    assert f"it reads what lies below s3://{BUCKET}/models/digits/" in refused.stderr
    events = cloud.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
    assert not any(one["ResourceStatus"].startswith("UPDATE") for one in events)

    # The first model makes it
    first = deploy(yard, "first")
    assert (first["verdict"], first["status"], first["stack_status"]) == ("served", "InService", "UPDATE_COMPLETE")
    sent = yard("invoke", "digits", "--json", '"hello"')
    assert sent.stdout == 'first:"hello"' and "main answered" in sent.stderr

    # A second one replaces it by a canary, and the template deployed again keeps it
    second = deploy(yard, "second")
    assert second["verdict"] == "served" and second["in_service"] != first["in_service"]
    assert yard("invoke", "digits", "--csv", "1").stdout == "second:1"
    changed = template(project)
    alarms = [one for one in changed["Resources"].values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    alarms[0]["Properties"]["AlarmDescription"] = "described anew"
    assert deploy_template(cloud, changed) == "UPDATE_COMPLETE"
    assert cloud.describe_endpoint(NAME)["EndpointConfigName"] == second["in_service"], "a later deploy undoes nothing"

    # Traffic, a change beside deploys, and what is refused
    request = project / "request.json"
    request.write_text("1")
    load = yard.json("endpoint", "load", "digits", str(request), "--seconds", "2", "--rate", "40", "--json")
    whole, *variants = load["summary"]
    assert (whole["requests"], whole["errors"], whole["lost"]) == (80, 0, 0)
    assert [one["variant"] for one in variants] == ["main"]
    yard("endpoint", "scale", "digits", "1")
    cloud.settled(NAME)
    status = yard.json("endpoint", "status", "digits", "--json")
    assert status["asked"] == status["in_service"] and status["variants"][0]["instances"] == "1"
    assert "serving second" in yard("endpoint", "logs", "digits").stdout
    assert "1 endpoint checked" in yard("check").stderr

    # The bad day: rolled back, and no request lost
    rehearsal = yard.json("endpoint", "rehearse", "digits", str(request), "--rate", "20", "--yes", "--json")
    assert rehearsal["problems"] == [] and rehearsal["verdict"] in ("rolled back", "silently rolled back")
    assert yard("invoke", "digits", "--csv", "1").stdout == "second:1"
    assert cloud.keys("models/digits/rehearsal") == []

    # A container that cannot start goes back too, and leaves a stack that the next deploy accepts
    cloud.put("models/digits/none/model.tar.gz", b"no archive")
    assert deploy(yard, "none", code=3)["verdict"] in ("rolled back", "silently rolled back")
    assert deploy(yard, "first")["verdict"] == "served"

    # And it goes, with everything that bills
    assert yard.json("endpoint", "delete", "digits", "--yes", "--json")["gone"] is True
    assert cloud.client("sagemaker").list_models()["Models"] == []
    assert yard.json("endpoints", "--json")[0]["status"] == "no model"
