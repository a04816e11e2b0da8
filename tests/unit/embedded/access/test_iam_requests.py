"""What a request asks of IAM: the services' folders say what is special to each."""

from typing import Any

import pytest
from botocore.session import get_session

from embedded import loading
from embedded.access import facts
from embedded.access.request_resources import Ask
from embedded.access.requests import asks_of
from embedded.protocol import Parsed

BUCKET = "arn:aws:s3:::a"
ROLE = "arn:aws:iam::123456789012:role/r"


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    loading.load()


def asked(service: str, operation: str, **params: Any) -> list[Ask]:
    """What a request asks, in the default account."""
    model = get_session().get_service_model(service).operation_model(operation)
    request = Parsed(service=service, operation=operation, protocol="json", params=params, model=model)
    return asks_of(request, "123456789012", "us-east-1")


@pytest.mark.parametrize(
    ("service", "operation", "params", "action"),
    [
        ("budgets", "DescribeBudgets", {}, "budgets:ViewBudget"),
        ("lambda", "Invoke", {}, "lambda:InvokeFunction"),
        ("resourcegroupstaggingapi", "GetResources", {}, "tag:GetResources"),
        ("s3", "GetObject", {"VersionId": "1"}, "s3:GetObjectVersion"),
        ("s3", "ListObjectsV2", {}, "s3:ListBucket"),
        ("sagemaker-runtime", "InvokeEndpoint", {}, "sagemaker:InvokeEndpoint"),
        ("service-quotas", "ListServices", {}, "servicequotas:ListServices"),
        ("stepfunctions", "StartExecution", {}, "states:StartExecution"),
        ("synthetics", "GetCanary", {}, "synthetics:GetCanary"),
    ],
)
def test_each_service_names_its_own_actions(service: str, operation: str, params: dict[str, Any], action: str) -> None:
    assert asked(service, operation, **params)[0].action == action


def test_a_copy_reads_its_source() -> None:
    own, source = asked("s3", "CopyObject", Bucket="a", Key="k", CopySource="b/from?versionId=1")
    assert (own.action, own.resources) == ("s3:PutObject", [f"{BUCKET}/k"])
    assert (source.action, source.resources) == ("s3:GetObject", ["arn:aws:s3:::b/from"])


def test_each_target_of_a_rule_passes_its_role() -> None:
    targets = [{"Id": "1", "Arn": "x", "RoleArn": ROLE}, {"Id": "2", "Arn": "y"}]
    own, role = asked("events", "PutTargets", Rule="r", Targets=targets)
    assert own.resources == ["arn:aws:events:us-east-1:123456789012:rule/r"]
    assert role == Ask(action="iam:PassRole", resources=[ROLE], context={"iam:PassedToService": "events.amazonaws.com"})


def test_only_a_buckets_policy_binds_the_root_and_only_a_keys_policy_decides() -> None:
    registered = sorted(facts._policies)
    assert [name for name in registered if facts.policy_always_holds(name)] == ["s3"]
    assert [name for name in registered if facts.policy_decides(name)] == ["kms"]
    assert not facts.policy_always_holds("sqs")


def test_tags_given_at_creation_ask_to_tag_and_say_for_which_call() -> None:
    request = Parsed(
        service="sagemaker",
        operation="CreateTrainingJob",
        protocol="json",
        params={"TrainingJobName": "a", "Tags": [{"Key": "project", "Value": "shardyard"}]},
        model=get_session().get_service_model("sagemaker").operation_model("CreateTrainingJob"),
    )
    (tagging,) = [a for a in asks_of(request, "123456789012", "us-east-1") if a.action == "sagemaker:AddTags"]
    assert tagging.context["sagemaker:TaggingAction"] == "CreateTrainingJob"
    assert tagging.context["aws:RequestTag/project"] == "shardyard"
    assert tagging.resources == ["arn:aws:sagemaker:us-east-1:123456789012:training-job/a"]


def test_a_tuning_job_asks_for_what_each_of_its_definitions_does() -> None:
    def definition(name: str, role: str) -> dict[str, Any]:
        return {"RoleArn": role, "ResourceConfig": {"InstanceType": name}, "EnableNetworkIsolation": name == "ml.a"}

    arn = "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/t"
    named: dict[str, Any] = {"HyperParameterTuningJobName": "t", "Tags": [{"Key": "k", "Value": "v"}]}
    many = [definition("ml.a", ROLE), definition("ml.b", f"{ROLE}2")]
    own, other, tags, *roles = asked("sagemaker", "CreateHyperParameterTuningJob", TrainingJobDefinitions=many, **named)
    assert own.action == other.action == "sagemaker:CreateHyperParameterTuningJob"
    assert own.resources == other.resources == tags.resources == [arn]
    assert own.context["sagemaker:InstanceTypes"] == ["ml.a"] and own.context["sagemaker:NetworkIsolation"] is True
    assert other.context["sagemaker:InstanceTypes"] == ["ml.b"] and other.context["sagemaker:NetworkIsolation"] is False
    assert tags.action == "sagemaker:AddTags"
    assert [role.resources for role in roles] == [[ROLE], [f"{ROLE}2"]]
    *_, single = asked("sagemaker", "CreateHyperParameterTuningJob", TrainingJobDefinition=many[0], **named)
    assert (single.action, single.resources) == ("iam:PassRole", [ROLE])


def test_a_processing_job_is_judged_by_its_own_fields() -> None:
    own, *_ = asked(
        "sagemaker",
        "CreateProcessingJob",
        ProcessingJobName="job",
        RoleArn=ROLE,
        ProcessingResources={"ClusterConfig": {"InstanceType": "ml.m5.large", "VolumeKmsKeyId": "volume"}},
        ProcessingOutputConfig={"Outputs": [], "KmsKeyId": "output"},
        NetworkConfig={
            "EnableNetworkIsolation": True,
            "EnableInterContainerTrafficEncryption": True,
            "VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
        },
    )
    assert own.resources == ["arn:aws:sagemaker:us-east-1:123456789012:processing-job/job"]
    wanted = {
        "InstanceTypes": ["ml.m5.large"],
        "VolumeKmsKey": "volume",
        "OutputKmsKey": "output",
        "NetworkIsolation": True,
        "InterContainerTrafficEncryption": True,
        "VpcSubnets": ["subnet-1"],
        "VpcSecurityGroupIds": ["sg-1"],
    }
    assert {name: own.context[f"sagemaker:{name}"] for name in wanted} == wanted
