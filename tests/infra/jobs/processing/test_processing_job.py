"""The ProcessingJob construct: its definition, its role, its alarm, its section of the dashboard."""

import json
from typing import Any

import pytest
from aws_cdk import aws_s3 as s3

from shardyard.foundation.storage import Storage
from shardyard.images.job_image import JobImage
from shardyard.jobs.processing_job import ProcessingJob
from shardyard.observability.job_dashboard import section
from shardyard.spec.jobs.processing.processing import ProcessingSpec
from tests.support.spec.processing_rule_cases import BASE
from tests.support.spec.spec_tables import over
from tests.support.training_stack import (
    VISION,
    Template,
    actions,
    job,
    of_type,
    only,
    own,
    own_stack,
    statements,
    templates,
    written,
)

TABLES: dict[str, Any] = {
    "name": "prepare",
    "owner": "vision",
    "inputs": {
        "raw": {"s3": "digits/raw/", "distribution": "ShardedByS3Key"},
        "model": {"s3": "runs/", "bucket": "artifacts", "named_at_launch": True},
        "elsewhere": {"s3": "s3://team-data/labels/"},
    },
    "outputs": {"shards": {"s3": "digits/shards/"}, "report": {}},
}


def make(**tables: Any) -> ProcessingSpec:
    return ProcessingSpec.from_dict(over(over(BASE, TABLES), tables))


@pytest.fixture(scope="module")
def both() -> Template:
    """A stack with a processing job and a training job."""
    return templates([make(), job()])["training"]


def machine(template: Template) -> Any:
    (found,) = of_type({"Resources": own(template, "prepare")}, "AWS::StepFunctions::StateMachine").values()
    return found


def test_the_machine_creates_a_processing_job_and_waits_for_it(both: Template) -> None:
    states = json.loads(machine(both)["DefinitionString"])["States"]
    process = states["Process"]
    assert process["Resource"] == "arn:${Partition}:states:::sagemaker:createProcessingJob.sync"
    assert process["Next"] == "Processed?"
    assert states["Processed?"]["Choices"] == [
        {"Variable": "$.job.ProcessingJobStatus", "StringEquals": "Completed", "Next": "Receipt"}
    ]
    assert "Register" not in states and "Train" not in states
    text = machine(both)["DefinitionString"]
    named = machine(both)["DefinitionSubstitutions"]
    assert {name for name in named if f"${{{name}}}" in text} == set(named)


def test_it_has_what_a_training_job_has_and_three_parameters(both: Template) -> None:
    kinds = sorted(resource["Type"] for resource in own(both, "prepare").values())
    assert kinds == sorted(resource["Type"] for resource in own(both, "tiny").values())
    names = {name for name in both["Parameters"] if name.startswith("Prepare")}
    assert names == {"PrepareInstanceType", "PrepareInstanceCount", "PrepareMaxRuntimeSeconds"}
    assert "yard run prepare" in both["Outputs"]["PrepareLaunch"]["Description"]


def test_its_role_reads_its_inputs_and_writes_its_outputs_and_nothing_else(both: Template) -> None:
    own_policy = next(
        properties
        for name, properties in of_type({"Resources": own(both, "prepare")}, "AWS::IAM::ManagedPolicy").items()
        if "s3:PutObject" in json.dumps(properties)
    )
    text = json.dumps(own_policy)
    for place in ("/digits/shards/*", "/runs/*/prepare/*"):
        assert place in text
    for read in ("/digits/raw/*", "/runs/*", "team-data/labels/*"):
        assert read in text
    writes = [one for one in statements(own_policy) if "s3:PutObject" in one["Action"]]
    assert "digits/raw" not in json.dumps(writes) and "team-data" not in json.dumps(writes)
    assert not {action for action in actions(own_policy) if action.startswith(("sagemaker:", "athena:", "redshift"))}


def test_queries_and_feature_groups_bring_their_own_permissions() -> None:
    spec = make(
        inputs={
            "rows": {"athena": {"database": "d", "query": "select 1", "work_group": "team"}},
            "users": {
                "redshift": {
                    "cluster": "c",
                    "database": "d",
                    "user": "u",
                    "query": "select 1",
                    "cluster_role_arn": "arn:aws:iam::123456789012:role/redshift",
                }
            },
        },
        outputs={"clicks": {"feature_group": "Clicks", "app_managed": True}},
    )
    template = templates([spec])["training"]
    text = json.dumps(own(template, "prepare"))
    for found in ("workgroup/team", "table/d/*", "dbuser:c/u", "dbname:c/d", "cluster:c", "feature-group/clicks"):
        assert found in text, found
    # a query's fields are not known to pass through Step Functions' own integration
    assert "Submit" in json.loads(machine(template)["DefinitionString"])["States"]


def test_functions_and_machines_may_do_with_processing_jobs_what_they_may_with_training_jobs(both: Template) -> None:
    resources = templates([job()])["training"]["Resources"]
    # the sweeper looks for jobs that nobody of this project launched
    alone = json.dumps({name: one for name, one in resources.items() if not name.startswith("Sweeper")})
    assert "ProcessingJob" not in alone and "processing-job" not in alone, "a project without any grants nothing"
    text = json.dumps(both)
    for verb in ("Create", "Describe", "Stop", "List"):
        assert text.count(f"sagemaker:{verb}ProcessingJob") > 0
    assert "StepFunctionsGetEventsForSageMakerProcessingJobsRule" in text
    assert "/aws/sagemaker/ProcessingJobs" in text
    functions = of_type(both, "AWS::Lambda::Function").values()
    kinds = [
        one["Environment"]["Variables"]["KINDS"]
        for one in functions
        if "KINDS" in one.get("Environment", {}).get("Variables", {})
    ]
    assert kinds == ["training,processing"]


def test_its_section_of_the_dashboard_says_how_to_run_it() -> None:
    found = section(make(), "arn", "us-east-1", top=0)
    text = json.dumps(found)
    assert "yard run prepare" in text and "/aws/sagemaker/ProcessingJobs" in text and "TrainingJob" not in text


def test_an_address_that_only_the_deploy_knows_is_filled_in() -> None:
    stack = own_stack()
    bucket = s3.Bucket(stack, "Raw")
    spec = make(inputs={"raw": {"s3": f"s3://{bucket.bucket_name}/digits/"}, "model": None, "elsewhere": None})
    storage = Storage(stack, "Storage", project=VISION)
    image = JobImage(uri="image:1", repository_arn=None)
    ProcessingJob(stack, "Prepare", spec=spec, image=image, data=storage, network=None, project=VISION)
    found = only(written(stack), "AWS::StepFunctions::StateMachine")
    definition = json.loads(found["DefinitionString"])["States"]["Preflight"]["Parameters"]["Payload"]["definition"]
    assert definition["inputs"]["raw"]["s3"] == "${Input0}"
    assert "Raw" in json.dumps(found["DefinitionSubstitutions"]["Input0"])
