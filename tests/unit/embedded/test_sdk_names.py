"""How AWS SDK tasks of a state machine call the services."""

import pytest

from embedded.bus import sdk_names

NAMES = {
    "apigatewayv2": ("apigatewayv2", "ApiGatewayV2"),
    "cloudwatch": ("cloudwatch", "CloudWatch"),
    "cloudwatchlogs": ("logs", "CloudWatchLogs"),
    "dynamodb": ("dynamodb", "DynamoDb"),
    "ec2": ("ec2", "Ec2"),
    "eventbridge": ("events", "EventBridge"),
    "lambda": ("lambda", "Lambda"),
    "s3": ("s3", "S3"),
    "sagemaker": ("sagemaker", "SageMaker"),
    "secretsmanager": ("secretsmanager", "SecretsManager"),
    "servicequotas": ("service-quotas", "ServiceQuotas"),
    "sesv2": ("sesv2", "SesV2"),
    "sfn": ("stepfunctions", "Sfn"),
    "sns": ("sns", "Sns"),
}
"""The name in a resource: botocore's name, and what the names of errors begin with."""


@pytest.mark.parametrize("name", NAMES)
def test_a_service_is_called_by_its_service_id(name: str) -> None:
    assert (sdk_names.client_name(name), sdk_names.error_prefix(name)) == NAMES[name]


def test_step_functions_own_tasks_go_to_step_functions() -> None:
    assert sdk_names.client_name("states") == "stepfunctions"
    assert sdk_names.client_name("no-such-service") == "no-such-service"
