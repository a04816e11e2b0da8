"""The sweeper's function may stop exactly what the settings let it stop."""

import pytest

from tests.support.training_stack import Template, actions, of_type, templates

LOOKS = {
    "cloudwatch:GetMetricStatistics",
    "ec2:DescribeAddresses",
    "ec2:DescribeNatGateways",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeVolumes",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "sagemaker:DescribeEndpoint",
    "sagemaker:ListAutoMLJobs",
    "sagemaker:ListEndpoints",
    "sagemaker:ListNotebookInstances",
    "sagemaker:ListHyperParameterTuningJobs",
    "sagemaker:ListProcessingJobs",
    "sagemaker:ListTransformJobs",
    "sagemaker:ListTags",
    "sagemaker:ListTrainingJobs",
    "sns:Publish",
    "tag:GetResources",
}
SOME = {"sagemaker:DeleteEndpoint", "sagemaker:StopNotebookInstance"}


def sweeper(**context: str) -> tuple[Template, Template]:
    """The function and its policy."""
    template = templates([], **context)["training"]
    (function,) = [f for f in of_type(template, "AWS::Lambda::Function").values() if "sweep" in f["Handler"]]
    (policy,) = [p for name, p in of_type(template, "AWS::IAM::ManagedPolicy").items() if name.startswith("Sweeper")]
    return function, policy


@pytest.mark.parametrize(
    ("context", "kinds", "stops"),
    [
        ({}, "endpoint,notebook", SOME),
        ({"stage": "prod"}, "", set()),
        ({"sweeper.stops": "never", "sweeper.stops_jobs": "true"}, "", set()),
        ({"stage": "prod", "sweeper.stops": "always"}, "endpoint,notebook", SOME),
        (
            {"sweeper.stops_jobs": "true"},
            "endpoint,notebook,training job,processing job,transform job,tuning job,AutoML job",
            SOME
            | {
                "sagemaker:StopAutoMLJob",
                "sagemaker:StopHyperParameterTuningJob",
                "sagemaker:StopProcessingJob",
                "sagemaker:StopTrainingJob",
                "sagemaker:StopTransformJob",
            },
        ),
        (
            {"sweeper.ends_warm_pools": "true"},
            "endpoint,notebook,warm pool",
            SOME | {"sagemaker:UpdateTrainingJob"},
        ),
    ],
)
def test_the_function_may_stop_what_the_settings_allow(context: dict[str, str], kinds: str, stops: set[str]) -> None:
    function, policy = sweeper(**context)
    assert function["Environment"]["Variables"]["MAY_STOP"] == kinds
    assert {one for one in actions(policy) if not one.startswith(("logs:", "xray:"))} == LOOKS | stops
    for statement in policy["PolicyDocument"]["Statement"]:
        if isinstance(statement["Action"], str) and statement["Action"] in stops:
            ours = statement["Condition"]["StringEquals"]
            stage = context.get("stage", "dev")
            assert ours == {"aws:ResourceTag/project": "shardyard", "aws:ResourceTag/stage": stage}
