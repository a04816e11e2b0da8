"""A small app with training jobs, synthesised once for each shape that a test asks for."""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import aws_cdk as cdk

from checks.asl.definitions import whole_template
from shardyard.core.project import Project
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.settings.settings import Settings
from stacks.build import ROOT, build_foundation
from stacks.observability import ObservabilityStack
from stacks.training import Ground, TrainingStack, training_stacks
from tests.support.spec.spec_tables import parse

Template = dict[str, Any]

VISION = Project(name="vision", stage="dev")
"""A project in an app of its own, which has no settings."""

_TINY = {
    "image": {"folder": "pytorch"},
    "program": {"entry": "training.pytorch.programs.mnist"},
    "compute": {"instance_type": "ml.g5.xlarge", "count": 2},
    "limits": {"max_runtime": "1h"},
    "checkpoints": {"enabled": True},
    "channels": {"train": {"s3": "digits/train/"}},
}


def job(name: str = "tiny", **tables: Any) -> JobSpec:
    """A small job, with these tables in place of its own."""
    return parse({**_TINY, **tables}, name)


def build(jobs: Sequence[JobSpec], root: Path = ROOT, **context: str) -> tuple[cdk.App, dict[str, TrainingStack]]:
    """The foundation and the training stacks of some jobs, not yet written."""
    app = cdk.App(outdir=mkdtemp())
    settings = Settings.from_context(context)
    foundation = build_foundation(app, settings, root=ROOT)
    observability = ObservabilityStack(app, settings=settings, storage=foundation.storage, jobs=())
    ground = Ground(
        settings=settings,
        storage=foundation.storage,
        placement=foundation.placement,
        alerts=observability.alerts.resource,
        dashboard_name=observability.dashboard.name,
        root=root,
    )
    return app, training_stacks(app, ground=ground, jobs=jobs)


def templates(jobs: Sequence[JobSpec], root: Path = ROOT, **context: str) -> dict[str, Template]:
    """The templates of the training stacks, by part."""
    app, stacks = build(jobs, root, **context)
    folder = Path(app.synth().directory)
    return {part: whole_template(folder / f"{stack.stack_name}.template.json") for part, stack in stacks.items()}


def read(app: cdk.App, stack: str = "shardyard-dev-training") -> Template:
    """Write the app, and read one of its templates, with the definitions of its machines."""
    return whole_template(Path(app.synth().directory, f"{stack}.template.json"))


def own_stack() -> cdk.Stack:
    """A stack `own` in an app that is not ours."""
    return cdk.Stack(cdk.App(outdir=mkdtemp()), "own")


def written(stack: cdk.Stack) -> Template:
    """Write the app of a stack, and read its template."""
    app = stack.node.root
    assert isinstance(app, cdk.App)
    return read(app, stack.stack_name)


def definition(template: Template) -> Any:
    """The definition of the one state machine."""
    return json.loads(only(template, "AWS::StepFunctions::StateMachine")["DefinitionString"])


def own(template: Template, name: str) -> dict[str, Template]:
    """The resources of one job: their logical ids begin with its name."""
    start = name.replace("-", "")
    return {key: value for key, value in template["Resources"].items() if key.startswith(start)}


def of_type(template: Template, kind: str) -> dict[str, Template]:
    """The properties of each resource of a type, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def only(template: Template, kind: str) -> Template:
    """The properties of the one resource of a type."""
    (properties,) = of_type(template, kind).values()
    return properties


def statements(policy: Template) -> list[dict[str, Any]]:
    """A managed policy's statements."""
    return list(policy["PolicyDocument"]["Statement"])


def actions(policy: Template) -> set[str]:
    """Every action that a policy allows."""
    found: set[str] = set()
    for statement in statements(policy):
        action = statement["Action"]
        found |= {action} if isinstance(action, str) else set(action)
    return found
