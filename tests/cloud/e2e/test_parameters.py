"""CloudFormation parameters with the real command: a value given stays, and empty gives the settings the word back."""

from typing import Any

import pytest

from tests.support.cloud.house import EMAIL
from tests.support.cloud.own_project import JOB, OwnProject, write_settings

pytestmark = pytest.mark.e2e


def addresses(research: OwnProject) -> list[str]:
    """Who the topic writes to."""
    sns = research.aws.client("sns")
    found = sns.list_subscriptions_by_topic(TopicArn=research.topic_arn)["Subscriptions"]
    return [one["Endpoint"] for one in found]


def budget_usd(research: OwnProject) -> float:
    """What a month may cost."""
    budgets = research.aws.client("budgets").describe_budgets(AccountId=research.aws.account)["Budgets"]
    (own,) = [one for one in budgets if one["BudgetName"].startswith("research-")]
    return float(own["BudgetLimit"]["Amount"])


def stack(research: OwnProject, part: str) -> dict[str, Any]:
    """A stack as CloudFormation describes it."""
    name = research.aws.project.stack_name(part)
    described: dict[str, Any] = research.aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    return described


def test_a_value_given_stays_until_it_is_set_back_to_empty(research: OwnProject) -> None:
    assert addresses(research) == [EMAIL]
    try:
        write_settings(research.root, **{"alerts.email": "settings@example.com", "budget.monthly_usd": 55})
        research.deployed("observability", parameters={"observability:MonthlyBudgetUsd": "77"})
        assert addresses(research) == [EMAIL]
        assert budget_usd(research) == 77
        empty = {"observability:AlertEmail": "", "observability:MonthlyBudgetUsd": ""}
        research.deployed("observability", parameters=empty)
        assert addresses(research) == ["settings@example.com"]
        assert budget_usd(research) == 55
    finally:
        write_settings(research.root)
        research.deployed("observability", parameters={"observability:AlertEmail": EMAIL})
    assert addresses(research) == [EMAIL]


def test_a_bad_value_fails_before_the_stack_changes(research: OwnProject) -> None:
    before = stack(research, "observability")
    done = research.deploy("observability", parameters={"observability:AlertEmail": "nobody"})
    assert done.returncode != 0
    said = "must be an e-mail address such as team@example.com, or empty"
    assert said in done.stdout + done.stderr
    assert stack(research, "observability") == before
    assert addresses(research) == [EMAIL]


def test_a_job_takes_its_machines_from_parameters(research: OwnProject) -> None:
    try:
        research.deployed("experiments", parameters={"experiments:OwnCodeInstanceCount": "1"})
        run = research.succeed(JOB, {})
        assert research.attempts(run)[0]["ResourceConfig"]["InstanceCount"] == 1
        assert research.receipt(run)["values"]["instance_count"] == {"value": 1, "source": "parameter"}
    finally:
        research.deployed("experiments", parameters={"experiments:OwnCodeInstanceCount": ""})
    # the execution's input has the last word, as it had over the parameter
    run = research.succeed(JOB, {"max_runtime_seconds": 1800})
    receipt = research.receipt(run)
    assert receipt["values"]["instance_count"] == {"value": 2, "source": "toml"}
    assert receipt["values"]["max_runtime_seconds"] == {"value": 1800, "source": "input"}
