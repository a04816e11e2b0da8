"""The AutoMLJob construct: its definition, its role, its functions."""

import json
from typing import Any

import pytest
from aws_cdk import aws_s3 as s3

from shardyard.foundation.storage import Storage
from shardyard.jobs.automl.automl_job import AutoMLJob
from shardyard.observability.job_dashboard import section
from shardyard.spec.jobs.automl.automl import AutoMLSpec
from tests.support.automl.automl_rule_cases import BASE
from tests.support.spec.spec_tables import over
from tests.support.training_stack import (
    VISION,
    Template,
    actions,
    job,
    of_type,
    own,
    own_stack,
    statements,
    templates,
    written,
)


def make(**tables: Any) -> AutoMLSpec:
    return AutoMLSpec.from_dict(over(BASE, tables))


@pytest.fixture(scope="module")
def both() -> Template:
    """A stack with an AutoML job and a training job."""
    return templates([make(), job()])["training"]


def machine(template: Template) -> Any:
    (found,) = of_type({"Resources": own(template, "customers")}, "AWS::StepFunctions::StateMachine").values()
    return found


def test_the_machine_creates_looks_and_stops_by_our_own_function(both: Template) -> None:
    text = machine(both)["DefinitionString"]
    states = json.loads(text)["States"]
    assert states["Accepted?"]["Default"] == "Submit"
    assert states["Submit"]["Parameters"]["Payload"]["kind"] == "automl"
    watched = states["Look"]["Parameters"]["Payload"]
    assert watched["max_runtime_seconds.$"] == "$.launch.plan.max_runtime_seconds"
    assert states["Look"]["ResultSelector"]["AutoMLJobStatus.$"] == "$.Payload.AutoMLJobStatus"
    assert states["Learnt?"]["Default"] == "Classify"
    assert "states:::sagemaker:" not in text and "aws-sdk:sagemaker" not in text
    named = machine(both)["DefinitionSubstitutions"]
    assert {name for name in named if f"${{{name}}}" in text} == set(named)


def test_its_role_reads_its_inputs_writes_its_run_and_starts_what_candidates_need(both: Template) -> None:
    own_policy = next(
        properties
        for properties in of_type({"Resources": own(both, "customers")}, "AWS::IAM::ManagedPolicy").values()
        if "s3:PutObject" in json.dumps(properties)
    )
    assert "/tables/customers/*" in json.dumps(own_policy)
    writes = json.dumps([one for one in statements(own_policy) if "s3:PutObject" in one["Action"]])
    assert "/runs/*/customers/*" in writes and "tables" not in writes
    may = actions(own_policy)
    for kind in ("ProcessingJob", "TrainingJob", "TransformJob", "HyperParameterTuningJob"):
        assert {f"sagemaker:{verb}{kind}" for verb in ("Create", "Describe", "Stop")} <= may
    assert not {one for one in may if "Endpoint" in one or "AutoML" in one}, "it neither serves nor starts another"
    (passes,) = [one for one in statements(own_policy) if one["Action"] == "iam:PassRole"]
    assert passes["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_functions_may_do_what_the_second_version_needs_and_only_where_there_is_such_a_job(both: Template) -> None:
    resources = templates([job()])["training"]["Resources"]
    # the sweeper looks for jobs that nobody of this project launched
    alone = json.dumps({name: one for name, one in resources.items() if not name.startswith("Sweeper")})
    assert "AutoML" not in alone and "automl-job" not in alone, "a project without any grants nothing"
    text = json.dumps(both)
    for action in ("CreateAutoMLJobV2", "DescribeAutoMLJobV2", "StopAutoMLJob", "ListAutoMLJobs"):
        assert f"sagemaker:{action}" in text
    assert "sagemaker:ListCandidatesForAutoMLJob" in text
    assert 'CreateAutoMLJob"' not in text, "not the first version"
    functions = of_type(both, "AWS::Lambda::Function").values()
    kinds = [
        one["Environment"]["Variables"]["KINDS"]
        for one in functions
        if "KINDS" in one.get("Environment", {}).get("Variables", {})
    ]
    assert kinds == ["training,automl"]


def test_its_section_of_the_dashboard_says_how_to_run_it() -> None:
    text = json.dumps(section(make(), "arn", "us-east-1", top=0))
    assert "yard run customers" in text and "/aws/sagemaker/TrainingJobs" in text


def test_an_address_that_only_the_deploy_knows_is_filled_in() -> None:
    stack = own_stack()
    bucket = s3.Bucket(stack, "Raw")
    spec = make(inputs={"training": {"s3": f"s3://{bucket.bucket_name}/tables/"}})
    storage = Storage(stack, "Storage", project=VISION)
    AutoMLJob(stack, "Customers", spec=spec, data=storage, network=None, project=VISION)
    (found,) = of_type(written(stack), "AWS::StepFunctions::StateMachine").values()
    assert "s3://" in json.dumps(found["DefinitionSubstitutions"]["Input0"])
    assert "${Input0}" in found["DefinitionString"]
