"""Every shipped job's machine: sound by itself, and accepted by an interpreter of the language that is not ours."""

import json
import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions_tasks as tasks

from shardyard.spec.job_folder import load_jobs
from shardyard.spec.requests.sfn_fields import CDK, KNOWN_FIELDS, used_fields
from shardyard.spec.tuning.trials import searched
from stacks.build import ROOT
from tests.support.some import some
from tests.support.training_stack import of_type, templates


@pytest.fixture(scope="module")
def machines() -> dict[str, str]:
    template = templates(load_jobs(ROOT / "jobs", "prod"), stage="prod")["training"]
    found = of_type(template, "AWS::StepFunctions::StateMachine").values()
    return {machine["StateMachineName"]: machine["DefinitionString"] for machine in found}


def following(state: dict[str, Any]) -> set[str]:
    """The states that one state may go to."""
    choices = [*state.get("Choices", []), *state.get("Catch", [])]
    single = [state[key] for key in ("Next", "Default") if key in state]
    return {choice["Next"] for choice in choices} | set(single)


def test_every_state_is_reached_and_every_way_ends(machines: dict[str, str]) -> None:
    jobs = load_jobs(ROOT / "jobs", "prod")
    assert len(machines) == len(jobs) + sum(searched(job) is not None for job in jobs)
    for text in machines.values():
        machine = json.loads(text)
        states = machine["States"]
        reached, left = set(), {machine["StartAt"]}
        while left:
            name = left.pop()
            reached.add(name)
            left |= following(states[name]) - reached
        assert reached == set(states)
        ends = {name for name, state in states.items() if state["Type"] in ("Succeed", "Fail")}
        for name in states:
            seen, left = set(), {name}
            while left:
                here = left.pop()
                seen.add(here)
                left |= following(states[here]) - seen
            assert seen & ends, f"{name} never ends"


def test_no_intrinsic_function_holds_a_line_break(machines: dict[str, str]) -> None:
    """Validators of the language disagree on a line break in the text of States.Format."""
    values = [
        value
        for text in machines.values()
        for state in json.loads(text)["States"].values()
        for key, value in state.get("Parameters", {}).items()
        if key.endswith(".$")
    ]
    calls = [value for value in values if value.startswith("States.")]
    assert [value for value in some(calls) if "\n" in value] == []


def test_whatever_fails_is_told(machines: dict[str, str]) -> None:
    """From every Catch, and from everything before an end, the way leads through Notify."""
    for text in some(machines.values()):
        states = json.loads(text)["States"]
        for name, state in some(states.items()):
            if state["Type"] == "Task":
                assert state["Catch"][0]["ErrorEquals"] == ["States.ALL"], name
            if name not in ("Notify", "Outcome?", "Succeeded", "Failed"):
                assert not {"Succeeded", "Failed", "Outcome?"} & following(state), name


def test_functions_retry_what_the_service_got_wrong(machines: dict[str, str]) -> None:
    for text in some(machines.values()):
        states = json.loads(text)["States"].values()
        for state in some(state for state in states if state.get("Resource", "").endswith("lambda:invoke")):
            assert "Lambda.ServiceException" in state["Retry"][0]["ErrorEquals"]


def test_another_interpreter_takes_it(machines: dict[str, str]) -> None:
    parser = pytest.importorskip("moto.stepfunctions.parser.asl.parse.asl_parser").AmazonStateLanguageParser
    shapes = {re.sub(r'"definition":.*?"deployment"', '"deployment"', text) for text in machines.values()}
    for text in some(list(shapes)[:3]):
        program, _ = parser.parse(text.replace("${Partition}", "aws"))
        assert program.start_at.start_at_name == "Preflight"


def test_every_field_that_is_said_to_be_cdks_is_written_by_its_task() -> None:
    stack = cdk.Stack(cdk.App(), "stack")
    vpc = ec2.Vpc(stack, "Vpc")
    key, bucket = kms.Key(stack, "Key"), s3.Bucket(stack, "Bucket")
    place = tasks.S3Location.from_bucket(bucket, "place")
    where = tasks.S3DataSource(
        s3_location=place,
        s3_data_type=tasks.S3DataType.AUGMENTED_MANIFEST_FILE,
        s3_data_distribution_type=tasks.S3DataDistributionType.SHARDED_BY_S3_KEY,
        attribute_names=["a"],
    )
    channel = tasks.Channel(
        channel_name="train",
        data_source=tasks.DataSource(s3_data_source=where),
        compression_type=tasks.CompressionType.GZIP,
        content_type="text/csv",
        input_mode=tasks.InputMode.PIPE,
        record_wrapper_type=tasks.RecordWrapperType.RECORD_IO,
    )
    written: set[str] = set()
    for number, chosen in enumerate(
        (
            {"training_image": tasks.DockerImage.from_registry("image")},
            {"algorithm_name": "algorithm"},
        )
    ):
        task = tasks.SageMakerCreateTrainingJob(
            stack,
            f"Train{number}",
            training_job_name="job",
            algorithm_specification=tasks.AlgorithmSpecification(
                training_input_mode=tasks.InputMode.FILE,
                metric_definitions=[tasks.MetricDefinition(name="loss", regex="(.)")],
                **chosen,
            ),
            enable_network_isolation=True,
            environment={"A": "b"},
            hyperparameters={"a": "b"},
            input_data_config=[channel],
            output_data_config=tasks.OutputDataConfig(s3_output_location=place, encryption_key=key),
            resource_config=tasks.ResourceConfig(
                instance_count=1,
                instance_type=ec2.InstanceType("m5.large"),
                volume_size=cdk.Size.gibibytes(10),
                volume_encryption_key=key,
            ),
            stopping_condition=tasks.StoppingCondition(max_runtime=cdk.Duration.hours(1)),
            tags={"a": "b"},
            vpc_config=tasks.VpcConfig(vpc=vpc),
        )
        written |= set(used_fields(stack.resolve(task.to_state_json())["Parameters"]))
    said = {path for path, evidence in KNOWN_FIELDS.items() if evidence == CDK}
    assert said <= written
    assert {path for path in written if "Fn::" not in path and not path.endswith(".Ref")} == said
