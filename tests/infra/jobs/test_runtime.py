"""What jobs share: one runtime for a project in any app, the topic, the second path's function, launches on deploy."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from constructs import Construct

from shardyard.core.project import Project
from shardyard.foundation.storage import Storage
from shardyard.images.job_image import JobImage
from shardyard.jobs.training_job import TrainingJob
from shardyard.spec.settings.settings import Settings
from stacks.build import ROOT, build_foundation
from tests.support.training_stack import (
    VISION,
    Template,
    definition,
    job,
    of_type,
    only,
    own,
    read,
    statements,
    templates,
)


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


def test_launch_on_deploy_is_asked_for(tiny: Template) -> None:
    assert not of_type(tiny, "Custom::Launches")
    template = templates([job(deploy={"launch": True})])["training"]
    (machine,) = only(template, "Custom::Launches")["Machines"]
    assert len(machine["Digest"]) == 64


def test_each_stack_launches_its_own_jobs() -> None:
    """A job's stack stands on the one with the functions, which cannot wait for it in turn."""
    launched = {"deploy": {"launch": True}}
    found = templates([job(**launched), job("far", stack="second", **launched), job("off", stack="second")])
    for part, name in (("training", "tiny"), ("second", "far")):
        (machine,) = only(found[part], "Custom::Launches")["Machines"]
        assert machine["Arn"]["Fn::GetAtt"][0].startswith(f"{name}Machine"), part
