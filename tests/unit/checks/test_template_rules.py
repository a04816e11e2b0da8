"""Our template rules: each refuses its failing example and lets the repaired one pass."""

from typing import Any

import pytest

from checks.rules import house, sagemaker
from checks.rules.model import Assembly, Rule

NOTEBOOK = {
    "PlatformIdentifier": "notebook-al2023-v1",
    "DirectInternetAccess": "Disabled",
    "SubnetId": "subnet-1",
    "SecurityGroupIds": ["sg-1"],
}
VARIANT = {"VariantName": "main", "ModelName": "model", "InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
FEATURES = {
    "RecordIdentifierFeatureName": "id",
    "EventTimeFeatureName": "time",
    "FeatureDefinitions": [{"FeatureName": "id"}, {"FeatureName": "time"}],
    "OnlineStoreConfig": {"EnableOnlineStore": True},
}
STEPS = '{"Version": "2020-12-01", "Steps": [{"Name": "train", "Type": "Training"}]}'


def without(properties: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name not in names}


def variants(**changes: Any) -> dict[str, Any]:
    return {"ProductionVariants": [{**VARIANT, **changes}]}


def serverless(memory: int) -> dict[str, Any]:
    variant = {"VariantName": "main", "ModelName": "model", "ServerlessConfig": {"MemorySizeInMB": memory}}
    return {"ProductionVariants": [variant]}


def pipeline(body: str) -> dict[str, Any]:
    return {"PipelineDefinition": {"PipelineDefinitionBody": body}}


CASES: list[tuple[Rule, str, dict[str, Any], dict[str, Any], str]] = [
    (
        sagemaker.notebook_platform,
        sagemaker.NOTEBOOK,
        NOTEBOOK,
        {**NOTEBOOK, "PlatformIdentifier": "notebook-al2-v2"},
        "platform 'notebook-al2-v2' is retired; use 'notebook-al2023-v1'",
    ),
    (
        sagemaker.notebook_needs_subnet,
        sagemaker.NOTEBOOK,
        NOTEBOOK,
        without(NOTEBOOK, "SubnetId"),
        "DirectInternetAccess 'Disabled' needs a SubnetId",
    ),
    (
        sagemaker.notebook_needs_group,
        sagemaker.NOTEBOOK,
        NOTEBOOK,
        without(NOTEBOOK, "SecurityGroupIds"),
        "a SubnetId needs SecurityGroupIds",
    ),
    (
        sagemaker.no_elastic_inference,
        sagemaker.NOTEBOOK,
        NOTEBOOK,
        {**NOTEBOOK, "AcceleratorTypes": ["ml.eia2.medium"]},
        "AcceleratorTypes: Elastic Inference is retired; use a GPU",
    ),
    (
        sagemaker.no_elastic_inference,
        sagemaker.ENDPOINT_CONFIG,
        variants(),
        variants(AcceleratorType="ml.eia2.medium"),
        "AcceleratorType: Elastic Inference is retired; use a GPU",
    ),
    (
        sagemaker.model_one_kind_of_container,
        sagemaker.MODEL,
        {"Containers": [{"Image": "x"}]},
        {"Containers": [{"Image": "x"}], "PrimaryContainer": {"Image": "x"}},
        "PrimaryContainer and Containers exclude each other",
    ),
    (
        sagemaker.model_has_container,
        sagemaker.MODEL,
        {"PrimaryContainer": {"Image": "x"}},
        {"ExecutionRoleArn": "role"},
        "needs PrimaryContainer or Containers",
    ),
    (
        sagemaker.environment_is_text,
        sagemaker.MODEL,
        {"PrimaryContainer": {"Environment": {"WORKERS": "4", "BUCKET": {"Ref": "Bucket"}}}},
        {"PrimaryContainer": {"Environment": {"WORKERS": 4}}},
        "variable WORKERS is 4; write '4'",
    ),
    (
        sagemaker.variant_one_kind_of_capacity,
        sagemaker.ENDPOINT_CONFIG,
        serverless(2048),
        variants(ServerlessConfig={"MemorySizeInMB": 2048}),
        "variant 'main' has both ServerlessConfig and instances",
    ),
    (
        sagemaker.serverless_memory,
        sagemaker.ENDPOINT_CONFIG,
        serverless(2048),
        serverless(2000),
        "MemorySizeInMB 2000 is not allowed (one of 1024, 2048, 3072, 4096, 5120, 6144)",
    ),
    (
        sagemaker.variant_has_model,
        sagemaker.ENDPOINT_CONFIG,
        {"ProductionVariants": [without(VARIANT, "ModelName")], "ExecutionRoleArn": "role"},
        {"ProductionVariants": [without(VARIANT, "ModelName")]},
        "variant 'main' needs a ModelName, or the configuration an ExecutionRoleArn for inference components",
    ),
    (
        sagemaker.features_are_defined,
        sagemaker.FEATURE_GROUP,
        FEATURES,
        {**FEATURES, "EventTimeFeatureName": "when"},
        "EventTimeFeatureName 'when' is not among FeatureDefinitions",
    ),
    (
        sagemaker.feature_group_has_store,
        sagemaker.FEATURE_GROUP,
        FEATURES,
        without(FEATURES, "OnlineStoreConfig"),
        "needs OnlineStoreConfig or OfflineStoreConfig",
    ),
    (
        sagemaker.pipeline_is_json,
        sagemaker.PIPELINE,
        pipeline(STEPS),
        pipeline("{steps}"),
        "PipelineDefinitionBody is not a JSON object",
    ),
    (
        sagemaker.pipeline_has_steps,
        sagemaker.PIPELINE,
        pipeline(STEPS),
        pipeline('{"Version": "2020-12-01", "Steps": [{"Name": "train"}]}'),
        "each of the Steps needs a Name and a Type",
    ),
    (
        sagemaker.pipeline_has_steps,
        sagemaker.PIPELINE,
        pipeline(STEPS),
        pipeline('{"Version": "2020-12-01"}'),
        "PipelineDefinitionBody needs a list of Steps",
    ),
    (
        sagemaker.schedules_are_valid,
        "AWS::Events::Rule",
        {"ScheduleExpression": "cron(0 8 ? * MON-FRI *)"},
        {"ScheduleExpression": "cron(0 8 * * MON-FRI *)"},
        "schedule 'cron(0 8 * * MON-FRI *)': exactly one of day of month and day of week must be '?'",
    ),
]


def found(rule: Rule, type_: str, properties: dict[str, Any]) -> list[str]:
    resources = {"Thing": {"Type": type_, "Properties": properties}}
    return [finding.message for finding in rule(Assembly({"stack": {"Resources": resources}}))]


@pytest.mark.parametrize(
    ("rule", "type_", "good", "bad", "message"), CASES, ids=lambda case: getattr(case, "__name__", "")
)
def test_a_rule_refuses_its_example_and_passes_the_repaired_one(
    rule: Rule, type_: str, good: dict[str, Any], bad: dict[str, Any], message: str
) -> None:
    assert found(rule, type_, good) == []
    assert found(rule, type_, bad) == [message]


def test_every_kind_that_cfn_lint_misses_has_an_example() -> None:
    assert len(sagemaker.RULES) == 15
    assert {rule.__name__ for rule, *_ in CASES} == {rule.__name__ for rule in sagemaker.RULES}


@pytest.mark.parametrize(
    "expression",
    ["rate(5 minutes)", "rate(1 hour)", "cron(*/10 * * * ? *)", "cron(0 0 L * ? 2027)", "cron(15 12 ? * 6#3 *)"],
)
def test_valid_schedules_pass(expression: str) -> None:
    assert found(sagemaker.schedules_are_valid, "AWS::Events::Rule", {"ScheduleExpression": expression}) == []


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("rate(5 minute)", "is neither rate(N minutes), rate(N hours), rate(N days) nor cron(...)"),
        ("cron(0 8 * * ?)", "has 5 fields instead of 6 (minutes hours day month weekday year)"),
        ("cron(0 25 * * ? *)", "hours '25' is not allowed (0 to 23)"),
        ("cron(0 8 * FOO ? *)", "month 'FOO' is not allowed (1 to 12)"),
        ("0 8 * * *", "is neither rate(N minutes), rate(N hours), rate(N days) nor cron(...)"),
    ],
)
def test_invalid_schedules_say_what_is_wrong(expression: str, problem: str) -> None:
    messages = found(sagemaker.schedules_are_valid, "AWS::Events::Rule", {"ScheduleExpression": expression})
    assert messages == [f"schedule {expression!r}: {problem}"]


def lambda_function(**changes: Any) -> dict[str, Any]:
    ours = {
        "Handler": "shardyard.handlers.resources.quota.index.handler",
        "Runtime": "python3.13",
        "Code": {"S3Bucket": "assets", "S3Key": "a.zip"},
    }
    return {"Type": "AWS::Lambda::Function", "Properties": {**ours, **changes}}


def functions(*resources: dict[str, Any]) -> list[str]:
    named = {f"Function{number}": resource for number, resource in enumerate(resources)}
    return [str(finding) for finding in house.only_our_functions(Assembly({"stack": {"Resources": named}}))]


def test_functions_of_ours_that_share_the_asset_pass() -> None:
    assert (
        functions(lambda_function(), lambda_function(Handler="shardyard.handlers.launch.preflight.index.handler")) == []
    )


def test_a_node_function_that_cdk_added_is_refused() -> None:
    assert functions(lambda_function(Handler="__entrypoint__.handler", Runtime="nodejs22.x")) == [
        "stack/Function0: handler '__entrypoint__.handler' on 'nodejs22.x' is not ours; write a handler in "
        "shardyard/handlers [only-our-functions]"
    ]


def test_two_assets_are_one_too_many() -> None:
    other = lambda_function(Code={"S3Bucket": "assets", "S3Key": "b.zip"})
    assert functions(lambda_function(), other) == [
        "stack/Function0, stack/Function1: have different code; all functions share one asset [only-our-functions]"
    ]


@pytest.mark.parametrize(("section", "most"), house.MOST.items())
def test_a_stack_at_its_budget_passes_and_one_more_does_not(section: str, most: int) -> None:
    full = {section: {f"Thing{number}": {"Type": "T"} for number in range(most)}}
    assert list(house.stack_budgets(Assembly({"stack": full}))) == []
    full[section]["OneMore"] = {"Type": "T"}
    (finding,) = house.stack_budgets(Assembly({"stack": full}))
    assert str(finding).startswith(f"stack: {most + 1} {section.lower()} are too many ({most} or fewer)")


def test_a_template_that_is_too_large_is_refused() -> None:
    (finding,) = house.stack_budgets(Assembly({"stack": {"Description": "x" * 901_000}}))
    assert finding.message == "901 KB are too many (900 or fewer); move some to another stack"
