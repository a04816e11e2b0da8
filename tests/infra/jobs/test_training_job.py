"""The TrainingJob construct: its resources, its definition, its parameters."""

import json
import re
from pathlib import Path

import pytest

from shardyard.spec.errors import SpecError
from tests.support.training_stack import (
    Template,
    build,
    definition,
    job,
    of_type,
    only,
    own,
    templates,
)


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
        head = one.spec.name.capitalize()
        beside = [
            found for part in ("Parameters", "Outputs") for key, found in template[part].items() if key.startswith(head)
        ]
        assert len(beside) == 5
        size = len(json.dumps([own(template, one.spec.name), beside], separators=(",", ":")))
        assert size * 0.95 < one.template_bytes < size * 1.15


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


def test_parameters_are_empty_and_take_what_the_rules_accept(tiny: Template) -> None:
    parameters = {name: of for name, of in tiny["Parameters"].items() if name.startswith("Tiny")}
    assert set(parameters) == {"TinyInstanceType", "TinyInstanceCount", "TinySpot", "TinyMaxRuntimeSeconds"}
    assert {of["Default"] for of in parameters.values()} == {""}
    allowed = re.compile(parameters["TinyInstanceType"]["AllowedPattern"])
    assert allowed.fullmatch("") and allowed.fullmatch("ml.g5.12xlarge") and not allowed.fullmatch("ml.g5.3xlarge")
    assert parameters["TinySpot"]["AllowedValues"] == ["", "true", "false"]
    assert all("jobs/tiny.toml" in of["Description"] for of in parameters.values())
    assert all(of["ConstraintDescription"].endswith(", or empty") for of in parameters.values())


def test_a_job_of_groups_has_no_parameter_for_type_and_count() -> None:
    groups = [{"name": "a", "instance_type": "ml.c5.xlarge"}, {"name": "b", "instance_type": "ml.g5.xlarge"}]
    template = templates([job(compute={"groups": groups})])["training"]
    assert {name for name in template["Parameters"] if name.startswith("Tiny")} == {"TinySpot", "TinyMaxRuntimeSeconds"}


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
