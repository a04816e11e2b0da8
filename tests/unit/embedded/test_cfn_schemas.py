"""The dated data that the embedded cloud lives by, and the moto that its patches were written for."""

import json
from pathlib import Path

import embedded
from embedded import loading
from embedded.access import iam_actions
from embedded.cloudformation.providers import PROVIDERS
from embedded.cloudformation.templates import schemas
from scripts import make_iam_actions

loading.load()
CLOUD = Path(embedded.__file__).parent


def test_the_schema_facts_are_those_of_the_pinned_cfn_lint() -> None:
    kept = json.loads((CLOUD / "cloudformation" / "templates" / "schemas.json").read_text())
    assert kept == schemas.build(list(PROVIDERS)), "run `python -m scripts.make_cfn_schemas`"


def test_the_iam_actions_are_those_of_the_pinned_cfn_lint() -> None:
    kept = json.loads((CLOUD / "access" / "iam_actions.json").read_text())
    assert kept == iam_actions.build(make_iam_actions.prefixes()), "run `python -m scripts.make_iam_actions`"


def test_every_provider_has_a_schema_or_needs_none() -> None:
    without = {"AWS::CDK::Metadata", "AWS::CloudFormation::WaitConditionHandle"}
    assert {name for name in PROVIDERS if not schemas.properties_of(name)} <= without


def test_create_only_properties_are_found_at_any_depth() -> None:
    budget = "AWS::Budgets::Budget"
    old = {"Budget": {"BudgetName": "a", "BudgetLimit": {"Amount": 1}}}
    assert schemas.create_only_changes(budget, old, {"Budget": {"BudgetName": "b"}}) == ("Budget",)
    assert schemas.create_only_changes(budget, old, {"Budget": {"BudgetName": "a", "BudgetLimit": {"Amount": 2}}}) == ()
    assert schemas.create_only_changes("AWS::S3::Bucket", {"BucketName": "a"}, {}) == ("BucketName",)


def test_actions_know_whether_they_name_a_resource() -> None:
    assert iam_actions.resource_types("sagemaker:ListTrainingJobs") == ()
    assert "training-job" in (iam_actions.resource_types("sagemaker:CreateTrainingJob") or ())
    assert iam_actions.resource_types("sagemaker:NoSuchThing") is None
