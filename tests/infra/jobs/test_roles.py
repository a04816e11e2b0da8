"""A job's roles: its own, the machine's, one that a team has, and what is granted by and to them."""

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs

from shardyard.foundation.identity import Identity
from shardyard.images.job_image import JobImage
from shardyard.jobs.training_job import TrainingJob
from shardyard.spec.jobs.data import Channel
from shardyard.spec.jobs.job import JobSpec
from stacks.build import ROOT
from tests.support.training_stack import (
    Template,
    actions,
    build,
    job,
    of_type,
    only,
    own,
    read,
    statements,
)


def test_the_execution_role_reads_its_channels_and_writes_its_prefixes(tiny: Template) -> None:
    (policy,) = [p for name, p in of_type(tiny, "AWS::IAM::ManagedPolicy").items() if name.startswith("tinyPolicy")]
    text = json.dumps(policy)
    for place in ("/digits/train/*", "/runs/*/tiny-*", "/checkpoints/tiny/*", ":repository/shardyard-dev/pytorch"):
        assert place in text
    assert "source/" not in text
    for statement in statements(policy):
        assert statement["Resource"] != "*"


def written_by(template: Template, name: str, key: str) -> bool:
    """Whether the role of a job may put an object under a key of the artifact bucket, as IAM matches."""
    (policy,) = [one for title, one in of_type(template, "AWS::IAM::ManagedPolicy").items() if title.startswith(name)]
    verdicts = []
    for statement in statements(policy):
        on = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        ends = [str(one["Fn::Join"][1][-1]) for one in on if isinstance(one, dict) and "Fn::Join" in one]
        if "s3:PutObject" in statement["Action"] and any(fnmatchcase(f"/{key}", end) for end in ends):
            verdicts.append(statement["Effect"])
    return "Allow" in verdicts and "Deny" not in verdicts


@pytest.mark.parametrize("order", [("tiny", "tiny-2"), ("tiny-2", "tiny")])
@pytest.mark.parametrize("second_stack", ["training", "more"])
def test_a_role_writes_nothing_of_a_job_whose_name_begins_alike(order: tuple[str, str], second_stack: str) -> None:
    board = {"tensorboard": {"enabled": True}}
    app, _ = build([job(order[0], **board), job(order[1], stack=second_stack, **board), job("tinyx", **board)])
    template = read(app)
    run, more = "runs/20261121-073000-ab12/", read(app, f"shardyard-dev-{second_stack}")
    whose = {order[0]: template, order[1]: more, "tinyx": template}
    for name, title in (("tiny", "tinyPolicy"), ("tiny-2", "tiny2Policy"), ("tinyx", "tinyxPolicy")):
        for other in whose:
            for place in (
                f"{run}{other}-20261121-073000-ab12-1/output/model.tar.gz",
                f"{run}tensorboard/{other}-20261121-073000-ab12-1/x",
            ):
                assert written_by(whose[name], title, place) == (name == other), (name, place)


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


def file_system(kind: str) -> dict[str, Any]:
    return {"file_system": {"id": "fs-0123456789abcdef0", "type": kind, "path": "/x"}}


def test_a_file_system_is_looked_up_as_its_service_allows() -> None:
    """FSx authorises DescribeFileSystems on no resource, so a statement on a file system's ARN would allow nothing."""
    channels = {"lustre": file_system("FSxLustre"), "efs": file_system("EFS")}
    app, _ = build([job(channels=channels)])
    policies = of_type(read(app), "AWS::IAM::ManagedPolicy")
    (policy,) = [one for name, one in policies.items() if name.startswith("tinyPolicy")]
    lustre, efs = (
        [one["Resource"] for one in statements(policy) if f"{service}:Describe" in json.dumps(one["Action"])]
        for service in ("fsx", "elasticfilesystem")
    )
    assert lustre == ["*"]
    assert [json.dumps(one).endswith(':file-system/fs-0123456789abcdef0"]]}') for one in efs] == [True]


@pytest.mark.parametrize("kind", ["mlflow-app", "mlflow-tracking-server"])
def test_an_mlflow_app_has_a_door_of_its_own(kind: str) -> None:
    """A server is asked under `sagemaker-mlflow` alone; an app refuses whoever may not call its interface."""
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:{kind}/team"
    app, _ = build([job(mlflow={"resource_arn": arn})])
    policies = of_type(read(app), "AWS::IAM::ManagedPolicy")
    (policy,) = [one for name, one in policies.items() if name.startswith("tinyPolicy")]
    (allowed,) = [one["Action"] for one in statements(policy) if one["Resource"] == arn]
    assert ("sagemaker:CallMlflowAppApi" in allowed) is (kind == "mlflow-app")
    assert "sagemaker-mlflow:LogBatch" in allowed


PLAN = "arn:aws-us-gov:sagemaker:us-gov-west-1:123456789012:training-plan/plan-1"
OTHER = "arn:aws-us-gov:sagemaker:us-gov-west-1:123456789012:training-plan/plan-2"
PLANNED = {"instance_type": "ml.p5.48xlarge", "training_plan": PLAN}


def created_by_submit(*jobs: JobSpec) -> list[Any]:
    """On which resources the submit function may create training jobs, by statement."""
    app, _ = build(jobs)
    policies = of_type(read(app), "AWS::IAM::ManagedPolicy")
    (submit,) = [policy for name, policy in policies.items() if "RuntimeSubmit" in name]
    return [one["Resource"] for one in statements(submit) if "sagemaker:CreateTrainingJob" in one["Action"]]


def test_a_job_on_a_training_plan_is_created_on_the_plan_and_its_capacity() -> None:
    """CreateTrainingJob is authorised on the plan too, and on the capacity that the plan reserved."""
    capacity = "arn:aws-us-gov:sagemaker:us-gov-west-1:123456789012:reserved-capacity/*"
    other = job("other", compute={"preferences": [{**PLANNED, "training_plan": OTHER}, PLANNED]})
    jobs, plans = created_by_submit(job(compute=PLANNED), other)
    assert json.dumps(jobs).endswith(':training-job/*"]]}')
    assert plans == [capacity, PLAN, OTHER]


def test_without_a_plan_jobs_are_created_on_no_plan() -> None:
    (jobs,) = created_by_submit(job(debug={"remote": True}))
    assert json.dumps(jobs).endswith(':training-job/*"]]}')


def test_a_job_on_a_training_plan_is_created_by_submit_alone() -> None:
    """The machines' own policy needs no right on a plan as long as Step Functions is not known to take one."""
    app, stacks = build([job(compute=PLANNED), job("other", compute={"preferences": [PLANNED]})])
    assert [one.second_path for one in stacks["training"].jobs] == [True, True]
    policies = of_type(read(app), "AWS::IAM::ManagedPolicy")
    (shared,) = [policy for name, policy in policies.items() if "LaunchPolicy" in name]
    assert "training-plan" not in json.dumps(shared)


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


def test_a_job_with_secrets_reads_these_alone_and_decrypts_only_through_secrets_manager() -> None:
    foreign = "arn:aws:secretsmanager:eu-west-1:210987654321:secret:hub-a1B2c3"
    named = {"KEY": "secret:team/wandb#key", "USER": "secret:team/wandb#user", "HF_TOKEN": f"secret:{foreign}"}
    app, _ = build([job(secrets=named), job("other")])
    policies = of_type(read(app), "AWS::IAM::ManagedPolicy")
    (tiny,) = [one for name, one in policies.items() if name.startswith("tinyPolicy")]
    (reads,) = [one for one in statements(tiny) if one["Action"] == "secretsmanager:GetSecretValue"]
    assert reads["Resource"][0] == foreign
    assert json.dumps(reads["Resource"][1]).endswith(':secret:team/wandb-??????"]]}')
    (decrypts,) = [one for one in statements(tiny) if one["Action"] == "kms:Decrypt"]
    assert decrypts["Resource"][1] == "arn:aws:kms:eu-west-1:210987654321:key/*"
    assert decrypts["Condition"]["StringLike"] == {
        "kms:EncryptionContext:SecretARN": reads["Resource"],
        "kms:ViaService": "secretsmanager.*.amazonaws.com*",
    }
    (preflight,) = [one for name, one in policies.items() if "RuntimePreflight" in name]
    (looks,) = [one for one in statements(preflight) if "secretsmanager" in json.dumps(one["Action"])]
    assert (looks["Action"], looks["Resource"]) == ("secretsmanager:DescribeSecret", reads["Resource"])
    (other,) = [one for name, one in policies.items() if name.startswith("otherPolicy")]
    assert "secretsmanager" not in json.dumps(other)
