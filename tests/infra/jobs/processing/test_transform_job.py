"""The TransformJob construct: its definition, its Model, its role, its functions."""

import json
from typing import Any

import pytest
from aws_cdk import aws_s3 as s3

from shardyard.foundation.storage import Storage
from shardyard.images.job_image import JobImage
from shardyard.jobs.transform_job import TransformJob
from shardyard.observability.job_dashboard import section
from shardyard.spec.jobs.transform.transform import TransformSpec
from tests.support.spec.spec_tables import over
from tests.support.spec.transform_rule_cases import BASE
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


def make(**tables: Any) -> TransformSpec:
    return TransformSpec.from_dict(over(BASE, tables))


@pytest.fixture(scope="module")
def both() -> Template:
    """A stack with a transform job and a training job."""
    return templates([make(output={"s3": "digits/out/"}), job()])["training"]


def machine(template: Template) -> Any:
    (found,) = of_type({"Resources": own(template, "score")}, "AWS::StepFunctions::StateMachine").values()
    return found


def test_the_machine_makes_a_model_transforms_and_deletes_it(both: Template) -> None:
    states = json.loads(machine(both)["DefinitionString"])["States"]
    assert states["Accepted?"]["Default"] == "Modelled?"
    assert states["Model"]["Resource"] == "arn:${Partition}:states:::sagemaker:createModel"
    assert states["Model"]["Parameters"]["VpcConfig.$"] == "$.launch.model.VpcConfig"
    assert states["Model"]["Next"] == "Transform"
    transform = states["Transform"]
    assert transform["Resource"] == "arn:${Partition}:states:::sagemaker:createTransformJob.sync"
    assert transform["TimeoutSecondsPath"] == "$.launch.plan.max_runtime_seconds"
    assert states["Wait"]["Next"] == "Modelled?", "the Model of an attempt before is used again"
    assert states["Forget"]["Resource"] == "arn:${Partition}:states:::aws-sdk:sagemaker:deleteModel"
    ends = [name for name, state in states.items() if state.get("Next") == "Forget"]
    assert sorted(ends) == ["Broke", "Receipt"], "a launch that was refused has made none"
    text = machine(both)["DefinitionString"]
    named = machine(both)["DefinitionSubstitutions"]
    assert {name for name in named if f"${{{name}}}" in text} == set(named)


def test_the_machine_may_make_and_delete_models_and_pass_the_jobs_role(both: Template) -> None:
    policies = of_type({"Resources": own(both, "score")}, "AWS::IAM::Policy") | of_type(
        {"Resources": own(both, "score")}, "AWS::IAM::ManagedPolicy"
    )
    of_models = [one for one in policies.values() if "sagemaker:CreateModel" in actions(one)]
    assert len(of_models) == 1
    assert {"sagemaker:DeleteModel", "sagemaker:AddTags"} <= actions(of_models[0])
    training = json.dumps(own(both, "tiny"))
    assert "Model" not in training.replace("ModelName", ""), "a training job's machine may not"


def test_its_role_reads_input_and_model_and_writes_its_output_and_nothing_else(both: Template) -> None:
    own_policy = next(
        properties
        for properties in of_type({"Resources": own(both, "score")}, "AWS::IAM::ManagedPolicy").values()
        if "s3:PutObject" in json.dumps(properties)
    )
    text = json.dumps(own_policy)
    for read in ("/digits/rows/*", "/runs/*/mnist-ddp-*"):
        assert read in text
    writes = json.dumps([one for one in statements(own_policy) if "s3:PutObject" in one["Action"]])
    assert "/digits/out/*" in writes and "/runs/*/score/*" in writes
    assert "digits/rows" not in writes and "mnist-ddp" not in writes
    assert not {action for action in actions(own_policy) if action.startswith("sagemaker:")}


def test_functions_and_machines_may_do_with_transform_jobs_what_they_may_with_training_jobs(both: Template) -> None:
    resources = templates([job()])["training"]["Resources"]
    # the sweeper looks for jobs that nobody of this project launched
    alone = json.dumps({name: one for name, one in resources.items() if not name.startswith("Sweeper")})
    assert "TransformJob" not in alone and "transform-job" not in alone, "a project without any grants nothing"
    assert "DeleteModel" not in alone
    text = json.dumps(both)
    for verb in ("Create", "Describe", "Stop", "List"):
        assert text.count(f"sagemaker:{verb}TransformJob") > 0
    assert "StepFunctionsGetEventsForSageMakerTransformJobsRule" in text
    assert "/aws/sagemaker/TransformJobs" in text
    functions = of_type(both, "AWS::Lambda::Function").values()
    kinds = [
        one["Environment"]["Variables"]["KINDS"]
        for one in functions
        if "KINDS" in one.get("Environment", {}).get("Variables", {})
    ]
    assert kinds == ["training,transform"]


def test_its_section_of_the_dashboard_says_how_to_run_it() -> None:
    text = json.dumps(section(make(), "arn", "us-east-1", top=0))
    assert "yard run score" in text and "/aws/sagemaker/TransformJobs" in text and "TrainingJob" not in text


def test_what_step_functions_is_not_known_to_take_goes_through_our_function() -> None:
    states = json.loads(machine(templates([make(experiment={"name": "digits"})])["training"])["DefinitionString"])
    assert "Submit" in states["States"] and states["States"]["Model"]["Next"] == "Submit"
    watched = states["States"]["Look"]["Parameters"]["Payload"]
    assert watched["max_runtime_seconds.$"] == "$.launch.plan.max_runtime_seconds"


def test_an_address_that_only_the_deploy_knows_is_filled_in() -> None:
    stack = own_stack()
    bucket = s3.Bucket(stack, "Raw")
    spec = make(inputs={"rows": {"s3": f"s3://{bucket.bucket_name}/digits/"}})
    storage = Storage(stack, "Storage", project=VISION)
    image = JobImage(uri="image:1", repository_arn=None)
    TransformJob(stack, "Score", spec=spec, image=image, data=storage, network=None, project=VISION)
    (found,) = of_type(written(stack), "AWS::StepFunctions::StateMachine").values()
    assert "s3://" in json.dumps(found["DefinitionSubstitutions"]["Input0"])
    assert "${Input0}" in found["DefinitionString"]
