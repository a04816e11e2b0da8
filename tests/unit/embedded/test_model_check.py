"""What a service's model refuses, beyond what botocore's clients check, and in whose words."""

import re
import warnings
from typing import Any

import botocore.session
import pytest

from embedded import loading, traits
from embedded.model_check import answers, patterns, requests
from embedded.operations import ServiceError, operations

SESSION = botocore.session.get_session()


def check(service: str, operation: str, **params: Any) -> None:
    model = SESSION.get_service_model(service)
    requests.check(service, model.metadata["protocol"], model.operation_model(operation), params)


def refused(service: str, operation: str, **params: Any) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        check(service, operation, **params)
    return caught.value


ARN = "arn:aws:sagemaker:us-east-1:123456789012:x/y"


def test_a_required_member_that_is_absent_is_null() -> None:
    assert refused("sagemaker", "AddTags", ResourceArn=ARN).message == (
        "1 validation error detected: Value null at 'tags' failed to satisfy constraint: Member must not be null"
    )


def test_every_problem_is_named_with_its_place() -> None:
    tags = [{"Key": "Ünïcode key", "Value": "v"}, {"Key": "bad*", "Value": "x" * 257}]
    error = refused("sagemaker", "AddTags", ResourceArn=ARN, Tags=tags)
    assert error.message.startswith("2 validation errors detected: Value 'bad*' at 'tags.2.member.key'")
    assert error.message.endswith(
        "at 'tags.2.member.value' failed to satisfy constraint: Member must have length less than or equal to 256"
    )


@pytest.mark.parametrize("value", ["a#b", "a,b", "a\nb", "\u0301"])
def test_a_class_of_letters_is_read_as_the_service_means_it(value: str) -> None:
    check("sagemaker", "CreateModelPackage", CustomerMetadataProperties={"caf\u00e9 1_.:/=+-@": "\u6570\u00a0\u00bd"})
    error = refused("sagemaker", "CreateModelPackage", CustomerMetadataProperties={value: "x"})
    assert "at 'customerMetadataProperties.key' failed to satisfy constraint" in error.message


def test_a_symbol_stands_in_a_description() -> None:
    check("sagemaker", "CreateModelPackage", ModelPackageDescription="a \u20ac 1, b\u0301!")
    assert (
        "at 'modelPackageDescription'"
        in refused("sagemaker", "CreateModelPackage", ModelPackageDescription="a\tb").message
    )


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("iam:GetRole", {"RoleName": "x" * 65}, "ValidationError", "at 'roleName'.*less than or equal to 64"),
    ("sts:AssumeRole", {"RoleArn": ARN, "RoleSessionName": "a b"}, "ValidationError", "at 'roleSessionName'.*pattern"),
    ("logs:CreateLogGroup", {"logGroupName": "a b"}, "InvalidParameterException", "at 'logGroupName'"),
    ("logs:CreateLogGroup", {}, "InvalidParameterException", "Value null at 'logGroupName'"),
    ("events:PutRule", {"Name": "a", "State": "ON"}, "ValidationException", r"enum value set: \[ENABLED, "),
    ("lambda:Invoke", {"FunctionName": "f g"}, "ValidationException", "at 'functionName'.*pattern"),
    ("ecr:CreateRepository", {"repositoryName": "Upper"}, "InvalidParameterException", "at 'repositoryName'"),
    ("cloudwatch:DescribeAlarms", {"MaxRecords": 101}, "ValidationError", "at 'maxRecords'.*less than or equal to 100"),
    ("cloudformation:DeleteStack", {"StackName": "a", "ClientRequestToken": "-"}, "ValidationError", "at 'clientReq"),
]


@pytest.mark.parametrize(("what", "params", "code", "says"), REFUSED, ids=[row[0] for row in REFUSED])
def test_each_service_refuses_with_its_own_code(what: str, params: dict[str, Any], code: str, says: str) -> None:
    loading.load()
    error = refused(*what.split(":"), **params)
    assert error.code == code
    assert re.search(says, error.message)


def test_a_secret_value_is_not_shown() -> None:
    error = refused("secretsmanager", "CreateSecret", Name="n", SecretString="s" * 65537)
    assert "detected: Value at 'secretString'" in error.message


@pytest.mark.parametrize("value", ["many", True, 1.5, [1]])
def test_a_value_of_another_type_cannot_be_read(value: Any) -> None:
    error = refused("sagemaker", "ListTrainingJobs", MaxResults=value)
    assert error.code == "SerializationException"
    assert error.message.startswith("maxResults: ")


def test_every_pattern_of_a_service_with_operations_here_can_be_read() -> None:
    loading.load()
    found = set()
    for service in {service for service, _ in operations()}:
        model = SESSION.get_service_model(service)
        found |= {model.shape_for(name).metadata.get("pattern") for name in model.shape_names} - {None}
    assert len(found) > 300
    with warnings.catch_warnings():
        # Python would read a set inside of a class otherwise than Java
        warnings.simplefilter("error")
        for pattern in found:
            patterns.compiled(pattern)


@pytest.mark.parametrize(
    ("java", "fits", "fails"),
    [
        (r"\p{ASCII}*", "a b~", "é"),
        (r"[\w-_]*", "a-b_1", "a b"),
        (r"[^\p{Cc}]+", "a b", "a\tb"),
        (r"(?!aws:)[A-Z]{1,3}", "ABC", "aws:"),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", "a\t\U0001f600", "a\nb"),
        (r"x(?i)y", "xY", "xz"),
        (r"([a-z]+)${1,256}", "abc", "a1"),
    ],
)
def test_java_patterns_mean_here_what_they_mean_there(java: str, fits: str, fails: str) -> None:
    assert patterns.compiled(java).fullmatch(fits)
    assert not patterns.compiled(java).fullmatch(fails)


def answer(service: str, operation: str, result: dict[str, Any]) -> list[str]:
    model = SESSION.get_service_model(service).operation_model(operation)
    return list(answers.broken(model.output_shape, result))


def test_an_answer_that_fits_its_model_passes() -> None:
    summary = {"TrainingJobName": "a", "TrainingJobArn": "b", "CreationTime": 1.5, "TrainingJobStatus": "NewWord"}
    assert answer("sagemaker", "ListTrainingJobs", {"TrainingJobSummaries": [summary], "NextToken": None}) == []


def test_an_answer_names_what_cannot_be_written() -> None:
    summary = {"TrainingJobName": 1, "RoleArn": "only in the description"}
    assert answer("sagemaker", "ListTrainingJobs", {"TrainingJobSummaries": [summary]}) == [
        ".TrainingJobSummaries[0].TrainingJobName is a int, not a string"
    ]


MISSING = [
    ("ec2", "DeleteVpc", "MissingParameter", "The request must contain the parameter VpcId"),
    ("sqs", "SendMessage", "MissingParameter", "The request must contain the parameter QueueUrl."),
    ("sns", "DeleteTopic", "InvalidParameter", "Invalid parameter: TopicArn Reason: no value for required parameter"),
]


@pytest.mark.parametrize(("service", "operation", "code", "says"), MISSING, ids=[row[0] for row in MISSING])
def test_a_service_with_words_of_its_own_misses_what_must_be_given(
    service: str, operation: str, code: str, says: str
) -> None:
    loading.load()
    words = traits.of(service).missing
    assert words is not None
    model = SESSION.get_service_model(service).operation_model(operation)
    with pytest.raises(ServiceError) as caught:
        requests.check_given(model, {}, *words)
    assert (caught.value.code, caught.value.message) == (code, says)
    requests.check_given(model, {name: "x" for name in model.input_shape.required_members}, *words)
