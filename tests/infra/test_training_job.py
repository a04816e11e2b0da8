"""The TrainingJob construct, by its template."""

import hashlib
import io
import json
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from checks.rules.house import MOST, MOST_BYTES
from shardyard.core.project import Project
from shardyard.foundation.identity import Identity
from shardyard.foundation.storage import Storage
from shardyard.images.job_image import JobImage
from shardyard.images.job_source import launcher_bundle, source_bundle
from shardyard.jobs.training_job import TrainingJob
from shardyard.spec.errors import SpecError
from shardyard.spec.job_folder import load_jobs
from shardyard.spec.jobs.data import Channel
from shardyard.spec.settings.settings import Settings
from stacks.build import ROOT, build_foundation
from tests.support.training_stack import (
    VISION,
    Template,
    actions,
    build,
    definition,
    job,
    of_type,
    only,
    own,
    own_stack,
    read,
    statements,
    templates,
    written,
)
from training.launcher.bundle import main


@pytest.fixture(scope="module")
def tiny() -> Template:
    return templates([job()])["training"]


def test_a_job_takes_at_most_eight_resources() -> None:
    full = job(registry={"enabled": True}, deploy={"launch": True}, tensorboard={"enabled": True})
    template = templates([full])["training"]
    assert len(own(template, "tiny")) == 7
    assert not of_type(template, "AWS::SageMaker::ModelPackageGroup"), "China's CloudFormation lacks it"


def test_counts_are_what_the_template_has() -> None:
    app, stacks = build([job(), job("other", registry={"enabled": True})])
    template = json.loads((Path(app.synth().directory) / "shardyard-dev-training.template.json").read_text())
    for one in stacks["training"].jobs:
        assert one.counts["Resources"] == len(own(template, one.spec.name))
        assert one.counts["Parameters"] == sum(
            key.startswith(one.spec.name.capitalize()) for key in template["Parameters"]
        )
        size = len(json.dumps(own(template, one.spec.name))) + 4000
        assert size * 0.8 < one.template_bytes < size * 1.3


def test_the_definition_names_every_placeholder_and_no_other(tiny: Template) -> None:
    machine = only(tiny, "AWS::StepFunctions::StateMachine")
    text = machine["DefinitionString"]
    assert {name for name in machine["DefinitionSubstitutions"] if f"${{{name}}}" in text} == set(
        machine["DefinitionSubstitutions"]
    )
    for name, value in machine["DefinitionSubstitutions"].items():
        text = text.replace(f"${{{name}}}", json.dumps(value).replace('"', "'"))
    assert "${" not in text


def test_the_train_state_names_only_the_fields_that_the_job_uses(tiny: Template) -> None:
    named = set(definition(tiny)["States"]["Train"]["Parameters"])
    assert named == {
        f"{field}.$"
        for field in (
            "AlgorithmSpecification",
            "CheckpointConfig",
            "EnableManagedSpotTraining",
            "Environment",
            "HyperParameters",
            "InputDataConfig",
            "OutputDataConfig",
            "ResourceConfig",
            "RoleArn",
            "StoppingCondition",
            "Tags",
            "TrainingJobName",
            "VpcConfig",
        )
    }


def test_a_field_that_step_functions_does_not_know_takes_the_second_path() -> None:
    template = templates([job(debug={"remote": True})])["training"]
    states = definition(template)["States"]
    assert "Submit" in states and "Train" not in states
    handlers = {f["Handler"] for f in of_type(template, "AWS::Lambda::Function").values()}
    assert "shardyard.handlers.launch.submit.index.handler" in handlers


def test_the_submit_function_passes_the_roles_of_jobs_alone() -> None:
    template = templates([job(debug={"remote": True})])["training"]
    submit = next(p for name, p in of_type(template, "AWS::IAM::ManagedPolicy").items() if "RuntimeSubmit" in name)
    (passes,) = [s for s in submit["PolicyDocument"]["Statement"] if s["Action"] == "iam:PassRole"]
    assert json.dumps(passes["Resource"]).endswith(':role/shardyard-dev/jobs/*"]]}')
    paths = [role.get("Path") for role in of_type(template, "AWS::IAM::Role").values()]
    assert paths.count("/shardyard-dev/jobs/") == 1 and paths.count(None) == len(paths) - 1


def test_the_submit_function_has_its_own_botocore_and_the_others_stay_small(tmp_path: Path) -> None:
    app, _ = build([job(debug={"remote": True})])
    folder = Path(app.synth().directory)
    template = json.loads((folder / "shardyard-dev-training.template.json").read_text())
    layered = [f for f in of_type(template, "AWS::Lambda::Function").values() if "Layers" in f]
    assert [f["Handler"] for f in layered] == ["shardyard.handlers.launch.submit.index.handler"]
    key = only(template, "AWS::Lambda::LayerVersion")["Content"]["S3Key"]
    layer = folder / f"asset.{key}"
    with zipfile.ZipFile(layer) as packed:
        packed.extractall(tmp_path)
    (handlers,) = {f["Code"]["S3Key"] for f in of_type(template, "AWS::Lambda::Function").values()}
    assert (folder / f"asset.{handlers}").stat().st_size < 1_000_000
    program = "import boto3, botocore; print(botocore.__file__); boto3.client('sagemaker', region_name='us-east-1')"
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": str(tmp_path / "python"), "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith(str(tmp_path)), done.stderr


def test_parameters_are_empty_and_take_what_the_rules_accept(tiny: Template) -> None:
    parameters = {name: of for name, of in tiny["Parameters"].items() if name.startswith("Tiny")}
    assert set(parameters) == {"TinyInstanceType", "TinyInstanceCount", "TinySpot", "TinyMaxRuntimeSeconds"}
    assert {of["Default"] for of in parameters.values()} == {""}
    allowed = parameters["TinyInstanceType"]["AllowedValues"]
    assert "" in allowed and "ml.g5.12xlarge" in allowed
    assert parameters["TinySpot"]["AllowedValues"] == ["", "true", "false"]
    assert all("jobs/tiny.toml" in of["ConstraintDescription"] for of in parameters.values())


def test_a_job_of_groups_has_no_parameter_for_type_and_count() -> None:
    groups = [{"name": "a", "instance_type": "ml.c5.xlarge"}, {"name": "b", "instance_type": "ml.g5.xlarge"}]
    template = templates([job(compute={"groups": groups})])["training"]
    assert {name for name in template["Parameters"] if name.startswith("Tiny")} == {"TinySpot", "TinyMaxRuntimeSeconds"}


def test_the_execution_role_reads_its_channels_and_writes_its_prefixes(tiny: Template) -> None:
    (policy,) = [p for name, p in of_type(tiny, "AWS::IAM::ManagedPolicy").items() if name.startswith("tinyPolicy")]
    text = json.dumps(policy)
    for place in ("/digits/train/*", "/runs/*/tiny-*", "/checkpoints/tiny/*", ":repository/shardyard-dev/pytorch"):
        assert place in text
    assert "source/" not in text
    for statement in statements(policy):
        assert statement["Resource"] != "*"


def test_the_machines_role_holds_what_sync_documents_and_passes_one_role(tiny: Template) -> None:
    policies = of_type(tiny, "AWS::IAM::ManagedPolicy")
    (shared,) = [p for name, p in policies.items() if "LaunchPolicy" in name]
    sync = {
        "sagemaker:CreateTrainingJob",
        "sagemaker:DescribeTrainingJob",
        "sagemaker:ListTags",
        "sagemaker:StopTrainingJob",
        "sagemaker:AddTags",
        "events:PutTargets",
        "events:PutRule",
        "events:DescribeRule",
    }
    ours = {"lambda:InvokeFunction", "sns:Publish", "kms:Decrypt", "kms:GenerateDataKey"}
    assert {a for a in actions(shared) if not a.startswith(("logs:", "xray:"))} == sync | ours
    assert "StepFunctionsGetEventsForSageMakerTrainingJobsRule" in json.dumps(shared)
    (own_policy,) = [p for name, p in policies.items() if name.startswith("tinyMachinePolicy")]
    (statement,) = statements(own_policy)
    assert statement["Action"] == "iam:PassRole"
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_a_jobs_own_code_is_put_into_the_artifact_bucket(tmp_path: Path) -> None:
    for folder in ("containers", "contract", "training"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.py").write_text("print(1)\n")
    spec = job(source={"dir": "mine"}, program={"entry": "train.py"})
    template = templates([spec], tmp_path)["training"]
    (sha256,) = only(template, "Custom::SourceBundles")["Bundles"]
    assert f'"sha256":"{sha256}"' in only(template, "AWS::StepFunctions::StateMachine")["DefinitionString"]


def test_an_aws_container_brings_the_launcher_along() -> None:
    spec = job(image={"framework": "pytorch", "version": "2.13"}, source=None)
    template = templates([spec])["training"]
    (sha256,) = only(template, "Custom::SourceBundles")["Bundles"]
    machine = only(template, "AWS::StepFunctions::StateMachine")
    assert f'"launcher_sha256":"{sha256}"' in machine["DefinitionString"]
    assert template["Mappings"]["DlcAccounts"]["us-east-1"] == {"account": "763104351884"}


def test_the_zip_is_byte_for_byte_the_one_that_the_launcher_makes_of_itself(tmp_path: Path) -> None:
    assert main([str(tmp_path / "launcher.zip")]) == 0
    ours = launcher_bundle(ROOT)
    assert (tmp_path / "launcher.zip").read_bytes() == ours
    with zipfile.ZipFile(io.BytesIO(ours)) as archive:
        names = archive.namelist()
    assert "training/pytorch/programs/mnist.py" in names, "a module of training/ runs in AWS's image as in ours"


def test_every_zip_is_stored_so_that_no_version_of_zlib_has_a_say_in_a_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("containers", "contract", "training"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.py").write_text("print(1)\n" * 100)
    monkeypatch.setattr(zlib, "compressobj", None)
    own = job(source={"dir": "mine"}, program={"entry": "train.py"})
    brought = job("second", image={"framework": "pytorch", "version": "2.13"}, debug={"remote": True}, source=None)
    app, _ = build([own, brought], tmp_path)
    every_zip = {path.name: path.read_bytes() for path in Path(app.synth().directory).glob("asset.*.zip")}
    # The handlers', the layer's, a job's own code and the launcher's
    assert len(every_zip) == 4
    for name, content in every_zip.items():
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
        assert entries, name
        assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}, name
        assert all(entry.compress_size == entry.file_size for entry in entries), name
    # Lambda takes 50 MB as a zip, unpacked 250 MB with all layers
    assert sum(map(len, every_zip.values())) < 20_000_000


def test_a_job_stands_without_a_runtime_and_the_jobs_of_an_app_share_one() -> None:
    """The signature of the first design: spec, image, data, network, and no more."""
    app = cdk.App(outdir=mkdtemp())
    ground = build_foundation(app, Settings())
    stacks = [cdk.Stack(app, name) for name in ("one", "two")]
    made = []
    for number, stack in enumerate((*stacks, stacks[0])):
        spec = job(f"tiny-{number}")
        image = JobImage.of(stack, spec, project=VISION, root=ROOT)
        made.append(
            TrainingJob(
                stack, spec.name, project=VISION, spec=spec, image=image, data=ground.storage, network=ground.placement
            )
        )
    folder = Path(app.synth().directory)
    one, two = (json.loads((folder / f"{name}.template.json").read_text()) for name in ("one", "two"))
    handlers = [function["Handler"] for function in of_type(one, "AWS::Lambda::Function").values()]
    assert "shardyard.handlers.launch.preflight.index.handler" in handlers and len(handlers) == len(set(handlers))
    assert not of_type(two, "AWS::Lambda::Function")
    assert [len(own(one, name)) for name in ("tiny-0", "tiny-2")] == [7, 7] and len(own(two, "tiny-1")) == 7


def in_an_app_of_its_own(topic_of: Callable[[cdk.Stack], sns.ITopic] | None) -> Template:
    """The stack of one job in an app without the observability stack."""
    app = cdk.App(outdir=mkdtemp())
    ground, stack = build_foundation(app, Settings()), cdk.Stack(app, "one")
    image = JobImage.of(stack, job(), project=VISION, root=ROOT)
    alerts = None if topic_of is None else topic_of(stack)
    TrainingJob(
        stack, "tiny", project=VISION, spec=job(), image=image, data=ground.storage, network=None, alerts=alerts
    )
    return read(app, "one")


def test_without_a_topic_nothing_is_about_one() -> None:
    template = in_an_app_of_its_own(None)
    text = json.dumps(template)
    assert "sns" not in text and "TOPIC_ARN" not in text and "Topic" not in text
    states = definition(template)["States"]
    assert {states[name]["Next"] for name in ("Refused", "Receipt", "Broke")} == {"Outcome?"}
    assert "Notify" not in states
    assert "AlarmActions" not in only(template, "AWS::CloudWatch::Alarm")


def test_launches_tell_on_the_topic_that_was_given() -> None:
    template = in_an_app_of_its_own(lambda stack: sns.Topic(stack, "Team"))
    (name,) = of_type(template, "AWS::SNS::Topic")
    machine = only(template, "AWS::StepFunctions::StateMachine")
    assert machine["DefinitionSubstitutions"]["Topic"] == {"Ref": name}
    assert only(template, "AWS::CloudWatch::Alarm")["AlarmActions"] == [{"Ref": name}]
    publishers = [
        key
        for key, policy in of_type(template, "AWS::IAM::ManagedPolicy").items()
        for statement in statements(policy)
        if statement["Action"] == "sns:Publish" and statement["Resource"] == {"Ref": name}
    ]
    assert len(publishers) == 2, "the machines and the janitor"


def test_two_projects_share_a_stack() -> None:
    app = cdk.App(outdir=mkdtemp())
    stack = cdk.Stack(app, "both")
    for name in ("red", "blue"):
        project = Project(name=name, stage="dev")
        place = Construct(stack, name)
        data = Storage(place, "Storage", project=project)
        image = JobImage.of(stack, job(), project=project, root=ROOT)
        spec = job(f"{name}-job")
        for number in range(2):
            one = replace(spec, name=f"{spec.name}-{number}")
            TrainingJob(place, one.name, project=project, spec=one, image=image, data=data, network=None)
    functions = of_type(read(app, "both"), "AWS::Lambda::Function").values()
    made = [one["FunctionName"] for one in functions if one["FunctionName"].endswith("-preflight")]
    assert sorted(made) == ["blue-dev-preflight", "red-dev-preflight"]


def test_a_job_with_code_of_its_own_stands_without_a_runtime_too(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.py").write_text("print(1)\n")
    app = cdk.App(outdir=mkdtemp())
    ground, stack = build_foundation(app, Settings()), cdk.Stack(app, "one")
    spec = job(source={"dir": "mine"}, program={"entry": "train.py"})
    image = JobImage.of(stack, spec, project=VISION, root=ROOT)
    bundle = source_bundle(tmp_path, "mine")
    with pytest.raises(ValueError, match="tiny: `source` is given where the spec has"):
        TrainingJob(stack, "bare", project=VISION, spec=spec, image=image, data=ground.storage, network=None)
    TrainingJob(stack, "tiny", project=VISION, spec=spec, image=image, data=ground.storage, network=None, source=bundle)
    template = json.loads((Path(app.synth().directory) / "one.template.json").read_text())
    assert list(only(template, "Custom::SourceBundles")["Bundles"]) == [hashlib.sha256(bundle).hexdigest()]


def with_role(role_of: Callable[[cdk.Stack], iam.IRole], **tables: Any) -> tuple[cdk.App, TrainingJob]:
    """An app with a job `other` whose role was given."""
    app, stacks = build([job()])
    training = stacks["training"]
    spec = job("other", **tables)
    image = JobImage.of(training, spec, project=training.project, root=ROOT)
    runtime, role = training.runtime, role_of(cdk.Stack(app, "team"))
    return app, TrainingJob(
        training,
        "other",
        spec=spec,
        image=image,
        data=runtime.storage,
        network=None,
        role=role,
        runtime=runtime,
    )


def test_a_role_that_was_given_may_do_what_the_job_needs() -> None:
    """A role of another stack, which must not come to depend on the job's: that one depends on it."""
    app, one = with_role(lambda team: iam.Role(team, "Own", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com")))
    one.add_channel("more", Channel(s3="more/"))
    template = read(app)
    machines = of_type(template, "AWS::StepFunctions::StateMachine").values()
    (machine,) = [one for one in machines if one["StateMachineName"] == "shardyard-dev-other"]
    assert "OwnArn" not in own(template, "other")
    assert "ExportsOutputFnGetAttOwn" in json.dumps(machine["DefinitionSubstitutions"]["Role"])
    policy = only(template, "AWS::IAM::Policy")
    assert "ExportsOutputRefOwn" in json.dumps(policy["Roles"])
    text = json.dumps(policy)
    for part in ("/digits/train/*", "/more/*", "/runs/*/other-*", "kms:CreateGrant", "cloudwatch:PutMetricData"):
        assert part in text
    assert len(own(template, "other")) == one.counts["Resources"] == 6, "no role of ours"


def test_on_the_second_path_submit_passes_the_role_that_was_given_too() -> None:
    arn = "arn:aws:iam::123456789012:role/team/training"
    app, _ = with_role(lambda team: iam.Role.from_role_arn(team, "Fixed", arn), debug={"remote": True})
    policies = of_type(read(app), "AWS::IAM::ManagedPolicy")
    (submit,) = [policy for name, policy in policies.items() if "RuntimeSubmit" in name]
    (passes,) = [one for one in statements(submit) if one["Action"] == "iam:PassRole"]
    ours, given = passes["Resource"]
    assert json.dumps(ours).endswith(':role/shardyard-dev/jobs/*"]]}') and given == arn


def test_a_role_that_cannot_be_changed_is_left_alone() -> None:
    arn = "arn:aws:iam::123456789012:role/team/training"
    app, one = with_role(lambda team: iam.Role.from_role_arn(team, "Fixed", arn, mutable=False))
    template = read(app)
    assert not of_type(template, "AWS::IAM::Policy")
    assert one.role.role_arn == arn and arn in json.dumps(own(template, "other"))


def test_a_launch_is_granted_to_a_role_of_the_project() -> None:
    app, stacks = build([job()])
    (one,) = stacks["training"].jobs
    identity = app.node.find_child("shardyard-dev-identity").node.find_child("Identity")
    assert isinstance(identity, Identity)
    one.grant_launch(identity.notebook_role)
    template = read(app, "shardyard-dev-identity")
    policy = only(template, "AWS::IAM::Policy")
    (name,) = [key for key in of_type(template, "AWS::IAM::Role") if "Notebook" in key]
    assert policy["Roles"] == [{"Ref": name}] and "states:StartExecution" in actions(policy)


def test_the_role_of_a_job_takes_grants() -> None:
    app, stacks = build([job()])
    queue = sqs.Queue(stacks["training"], "Queue")
    queue.grant_send_messages(stacks["training"].jobs[0].role)
    template = read(app)
    policy = only(template, "AWS::IAM::Policy")
    (name,) = [key for key in of_type(template, "AWS::IAM::Role") if key.startswith("tinyRole")]
    assert policy["Roles"] == [{"Ref": name}] and "sqs:SendMessage" in actions(policy)


def test_launch_on_deploy_is_asked_for(tiny: Template) -> None:
    assert not of_type(tiny, "Custom::Launches")
    template = templates([job(deploy={"launch": True})])["training"]
    (machine,) = only(template, "Custom::Launches")["Machines"]
    assert len(machine["Digest"]) == 64


def test_others_can_be_let_in_and_told() -> None:
    app, stacks = build([job()])
    (one,) = stacks["training"].jobs
    stack = cdk.Stack(app, "other")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    one.grant_launch(role)
    one.on_success("Done", targets.SqsQueue(sqs.Queue(stacks["training"], "Queue")))
    assert one.metric_failed().metric_name == "ExecutionsFailed"
    folder = Path(app.synth().directory)
    policy = only(json.loads((folder / "other.template.json").read_text()), "AWS::IAM::Policy")
    assert {"states:StartExecution", "states:StopExecution"} <= actions(policy)
    training = json.loads((folder / "shardyard-dev-training.template.json").read_text())
    patterns = [rule.get("EventPattern", {}) for rule in of_type(training, "AWS::Events::Rule").values()]
    assert ["SUCCEEDED"] in [pattern.get("detail", {}).get("status") for pattern in patterns]


def test_a_channel_can_be_added() -> None:
    app, stacks = build([job()])
    stacks["training"].jobs[0].add_channel("more", Channel(s3="more/"))
    template = json.loads((Path(app.synth().directory) / "shardyard-dev-training.template.json").read_text())
    assert "more" in definition(template)["States"]["Preflight"]["Parameters"]["Payload"]["definition"]["channels"]
    assert "/more/*" in json.dumps(of_type(template, "AWS::IAM::ManagedPolicy"))


def test_a_channel_may_lie_in_a_bucket_of_the_same_app() -> None:
    app, stacks = build([job()])
    stack = stacks["training"]
    bucket = s3.Bucket(stack, "Team")
    stack.jobs[0].add_channel("more", Channel(s3=f"s3://{bucket.bucket_name}/more/"))
    template = read(app)
    (name,) = of_type(template, "AWS::S3::Bucket")
    channels = definition(template)["States"]["Preflight"]["Parameters"]["Payload"]["definition"]["channels"]
    assert channels["more"]["s3"] == "${Channel0}"
    substitutions = only(template, "AWS::StepFunctions::StateMachine")["DefinitionSubstitutions"]
    assert substitutions["Channel0"] == {"Fn::Join": ["", ["s3://", {"Ref": name}, "/more/"]]}
    readers = [key for key, p in of_type(template, "AWS::IAM::ManagedPolicy").items() if f'"{name}"' in json.dumps(p)]
    assert sorted(key[:16] for key in readers) == ["RuntimePreflight", readers[1][:16]]
    assert readers[1].startswith("tinyPolicy")


def test_a_channel_in_a_bucket_that_is_given_brings_the_buckets_key() -> None:
    app, stacks = build([job()])
    stack = stacks["training"]
    bucket = s3.Bucket(stack, "Team", encryption=s3.BucketEncryption.KMS)
    stack.jobs[0].add_channel("more", Channel(s3="more/"), bucket=bucket)
    template = read(app)
    (name,), (key,) = of_type(template, "AWS::S3::Bucket"), of_type(template, "AWS::KMS::Key")
    substitutions = only(template, "AWS::StepFunctions::StateMachine")["DefinitionSubstitutions"]
    assert substitutions["Channel0"] == {"Fn::Join": ["", ["s3://", {"Ref": name}, "/more/"]]}
    users = [
        logical_id
        for logical_id, one in of_type(template, "AWS::IAM::ManagedPolicy").items()
        if any("kms:Decrypt" in s["Action"] and f'"{key}", "Arn"' in json.dumps(s["Resource"]) for s in statements(one))
    ]
    assert [one.rstrip("0123456789ABCDEF") for one in sorted(users)] == ["RuntimePreflightPolicy", "tinyPolicy"]


@pytest.mark.parametrize("address", ["s3://elsewhere/more/", None])
def test_a_channel_with_a_bucket_takes_a_prefix_alone(address: str | None) -> None:
    _, stacks = build([job()])
    bucket = s3.Bucket(stacks["training"], "Team")
    channel = Channel(s3=address) if address is not None else Channel(dataset_arn="arn:aws:x:hub-content/data")
    message = rf"^tiny: channel 'more': s3={address!r} is not allowed with a bucket; give the prefix in it"
    with pytest.raises(ValueError, match=message):
        stacks["training"].jobs[0].add_channel("more", channel, bucket=bucket)


def test_checkpoints_may_lie_in_a_bucket_of_the_same_app() -> None:
    stack = own_stack()
    bucket, saves = s3.Bucket(stack, "Team"), s3.Bucket(stack, "Saves")
    data = Storage.from_buckets(stack, "Storage", data=bucket, artifacts=bucket)
    plain = job()
    spec = replace(plain, checkpoints=replace(plain.checkpoints, s3=f"s3://{saves.bucket_name}/tiny/"))
    TrainingJob(stack, "tiny", project=VISION, spec=spec, image=None, data=data, network=None)
    template = written(stack)
    (name,) = [one for one in of_type(template, "AWS::S3::Bucket") if one.startswith("Saves")]
    payload = definition(template)["States"]["Preflight"]["Parameters"]["Payload"]
    assert payload["definition"]["checkpoints"]["s3"] == "${Checkpoints}"
    substitutions = only(template, "AWS::StepFunctions::StateMachine")["DefinitionSubstitutions"]
    assert substitutions["Checkpoints"] == {"Fn::Join": ["", ["s3://", {"Ref": name}, "/tiny/"]]}
    (own_policy,) = [
        one for key, one in of_type(template, "AWS::IAM::ManagedPolicy").items() if key.startswith("tinyP")
    ]
    (writes,) = [s for s in statements(own_policy) if "PutObject" in str(s["Action"]) and name in json.dumps(s)]
    assert json.dumps(writes["Resource"]).endswith('/tiny/*"]]}')


def test_what_is_wrong_with_a_job_of_code_names_the_job() -> None:
    with pytest.raises(SpecError, match=r"^job 'tiny': '\$\{' is not allowed"):
        build([job(hyperparameters={"a": "${Role}"})])


@pytest.mark.parametrize(
    ("text", "meaning"), [("${Role}", "a CloudFormation placeholder"), ("x.$", "a path of its own")]
)
def test_what_the_machine_would_misread_is_refused(text: str, meaning: str) -> None:
    tables = {text: "1"} if text.endswith("$") else {"a": text}
    with pytest.raises(SpecError, match=meaning):
        build([job(hyperparameters=tables)])


def test_jobs_go_to_the_stack_that_they_name() -> None:
    found = templates([job(), job("far", stack="second")])
    assert set(found) == {"training", "second"}
    assert not of_type(found["second"], "AWS::Lambda::Function")  # the functions are shared
    assert len(of_type(found["second"], "AWS::StepFunctions::StateMachine")) == 1


def test_a_full_stack_says_which_jobs_to_move() -> None:
    with pytest.raises(SpecError, match=r"stack 'training': 50 jobs need 200 parameters .* jobs/tiny-49.toml"):
        build([job(f"tiny-{number}") for number in range(50)])


def test_forty_jobs_fit_one_stack() -> None:
    shipped = load_jobs(ROOT / "jobs", "dev")
    jobs = [replace(shipped[n % len(shipped)], name=f"{shipped[n % len(shipped)].name}-{n}") for n in range(40)]
    template = templates(jobs)["training"]
    assert {section: len(template[section]) <= most for section, most in MOST.items()} == dict.fromkeys(MOST, True)
    assert len(json.dumps(template).encode()) <= MOST_BYTES


@pytest.mark.slow
def test_synth_grows_by_at_most_30_ms_a_job() -> None:
    """The best of three slopes: what else runs here must not decide."""

    def seconds(count: int) -> float:
        jobs = [job(f"tiny-{number}", stack=f"training-{number // 30}") for number in range(count)]
        before = time.perf_counter()
        build(jobs)[0].synth()
        return time.perf_counter() - before

    seconds(1)
    assert min((seconds(60) - seconds(10)) / 50 for _ in range(3)) <= 0.030
