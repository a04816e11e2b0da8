"""The checklist of an account: each step in order, by what AWS answers, and what is a person's to see."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.session import Session

from shardyard.spec.settings.settings import Settings
from tests.support.spec.spec_tables import parse
from yard.account import quotas
from yard.account.checklist import services, steps
from yard.account.quotas import QuotaRow

JOB = {"image": {"folder": "x"}, "program": {"entry": "a.py"}, "compute": {"instance_type": "ml.g5.xlarge", "count": 1}}


class Account:
    """What an account answers; an operation that is not in `answers` is denied."""

    def __init__(
        self, region: str = "us-east-1", caller: str = "arn:aws:sts::1:assumed-role/a/b", **answers: Any
    ) -> None:
        self.answers = {
            "get_account_summary": {"SummaryMap": {"AccountMFAEnabled": 1, "AccountAccessKeysPresent": 0}},
            "get_account_plan_state": {"accountPlanType": "PAID"},
            "get_region_opt_status": {"RegionOptStatus": "ENABLED_BY_DEFAULT"},
            "get_parameter": {"Parameter": {"Value": "30"}},
            "describe_budgets": {"Budgets": [{"BudgetName": "b", "BudgetLimit": {"Amount": "9", "Unit": "USD"}}]},
            **answers,
        }
        self.region, self.account, self.partition, self._caller = region, "123456789012", "aws", caller
        self.session = SimpleNamespace(get_available_regions=Session().get_available_regions)
        settings = Settings.from_context({})
        self.project = SimpleNamespace(
            settings=settings, deploy="npx cdk deploy --all", jobs=lambda: (parse(JOB, "gpt"),)
        )

    @property
    def caller(self) -> str:
        if not self._caller:
            raise NoCredentialsError
        return self._caller

    def client(self, service: str) -> Any:
        return self

    def __getattr__(self, operation: str) -> Any:
        def call(**given: Any) -> Any:
            if self.answers.get(operation) is None:
                raise ClientError(
                    {"Error": {"Code": "AccessDenied", "Message": "not authorized to perform x"}}, operation
                )
            return self.answers[operation]

        return call

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=lambda **given: [getattr(self, operation)(**given)])


@pytest.fixture(autouse=True)
def granted(monkeypatch: pytest.MonkeyPatch) -> None:
    row = QuotaRow(quota="ml.g5.xlarge", code="L-1", needed=1, granted=4, used=0, pending=None)
    monkeypatch.setattr(steps, "table", lambda aws: [row])


def said(account: Account) -> list[tuple[str, str, str]]:
    return [(one.what, one.state, one.says) for one in steps.walk(account)]  # type: ignore[arg-type]


def of(account: Account, what: str) -> list[tuple[str, str]]:
    return [(state, says) for name, state, says in said(account) if name == what]


def test_a_good_account_is_walked_in_order_and_the_rest_is_a_persons() -> None:
    found = said(Account())
    names = list(dict.fromkeys(what for what, _, _ in found))
    assert names[:8] == ["account", "root user", "credits", "region", "services", "quotas", "bootstrap", "budgets"]
    assert {state for what, state, _ in found if what in names[:8]} == {"ok", "person"}
    assert ("budgets", "ok", "1 in the account: b (9 USD)") in found
    persons = [what for what, state, _ in found if state == "person"]
    assert persons == ["credits", "payment", "mail", "alerts", "billing access"]


def test_the_root_user_is_warned_of() -> None:
    summary = {"SummaryMap": {"AccountMFAEnabled": 0, "AccountAccessKeysPresent": 1}}
    account = Account(caller="arn:aws:iam::123456789012:root", get_account_summary=summary)
    assert of(account, "account") == [("warning", "123456789012: you are its root user")]
    assert [state for state, _ in of(account, "root user")] == ["warning", "warning"]


def test_a_free_plan_is_named_with_what_is_left_of_it() -> None:
    left = {"accountPlanRemainingCredits": {"amount": 87.5, "unit": "USD"}}
    plan = {"accountPlanType": "FREE", "accountPlanExpirationDate": datetime(2027, 1, 2, tzinfo=UTC), **left}
    state, says = of(Account(get_account_plan_state=plan), "credits")[0]
    assert (state, says) == ("warning", "the plan is FREE, with 87.5 USD left until 2027-01-02")


def test_a_region_that_is_off_or_lacks_a_service_is_missing() -> None:
    off = Account("eu-south-2", get_region_opt_status={"RegionOptStatus": "DISABLED"})
    assert of(off, "region") == [("missing", "eu-south-2 is DISABLED in this account")]
    lacking = of(Account("no-where-1"), "services")
    assert ("missing", "no-where-1 has no sagemaker: training and processing") in lacking
    assert not any("has no iam" in says for _, says in lacking), "one endpoint serves all regions"


def test_services_follow_from_settings_and_jobs() -> None:
    channels = {"a": {"file_system": {"id": "fs-12345678", "type": "EFS", "path": "/x"}}}
    job = parse({**JOB, "secrets": {"KEY": "secret:a"}, "channels": channels}, "gpt")
    found = services.needed(Settings.from_context({"network.kind": "none"}), [job])
    assert found["secretsmanager"] == "[secrets] of gpt" and found["efs"] == "a channel of gpt"
    assert "ec2" not in found and "ec2" in services.needed(Settings.from_context({}), [])


def test_every_service_is_one_that_botocore_knows() -> None:
    every = {*services._ALWAYS, *services._FILE_SYSTEMS.values(), "ec2", "secretsmanager"}
    assert every - set(Session().get_available_services()) == set()


@pytest.mark.parametrize(
    ("granted", "pending", "says"),
    [
        (0, None, ("missing", "q: 2 needed, 0 granted")),
        (0, 2, ("warning", "q: 2 needed, 0 granted, 2 asked for")),
        (None, None, ("warning", "q: not listed in us-east-1")),
    ],
)
def test_quotas_that_are_too_low_are_named(
    monkeypatch: pytest.MonkeyPatch, granted: float | None, pending: float | None, says: tuple[str, str]
) -> None:
    row = quotas.QuotaRow(quota="q", code=None, needed=2, granted=granted, used=0, pending=pending)
    monkeypatch.setattr(steps, "table", lambda aws: [row])
    assert of(Account(), "quotas") == [says]


def test_what_the_role_may_not_see_is_not_checked_and_the_walk_goes_on() -> None:
    found = said(Account(get_account_summary=None, describe_budgets=None, get_account_plan_state=None))
    for what in ("root user", "budgets", "credits"):
        assert [(state, says.partition(":")[0]) for name, state, says in found if name == what] == [
            ("warning", "not checked")
        ]
    assert any(state == "person" for _, state, _ in found)


def test_without_a_budget_nobody_is_told() -> None:
    assert [state for state, _ in of(Account(describe_budgets={"Budgets": []}), "budgets")] == ["warning"]


def test_without_credentials_a_persons_steps_are_still_said() -> None:
    found = said(Account(caller=""))
    assert found[0] == ("account", "missing", "not checked: There are no AWS credentials.")
    assert [state for _, state, _ in found[1:]] == ["person"] * 4
