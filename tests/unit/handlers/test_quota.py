"""The quota resource: raises what is too low, once, and says clearly why it cannot."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shardyard.handlers import service_quotas
from shardyard.handlers.cfn_response import Refused
from shardyard.handlers.resources.quota import index
from shardyard.handlers.resources.quota_codes.index import codes
from shardyard.handlers.service_quotas import Quota
from tests.support.custom_resources import Context, waiting_for_answers

NAME = "ml.g5.12xlarge for training job usage"
OTHER = "ml.p4d.24xlarge for training job usage"


class Quotas:
    """Service Quotas with two quotas, in pages of one."""

    def __init__(self, *, value: float = 0.0, adjustable: bool = True) -> None:
        self.table = [
            {"QuotaCode": "L-2", "QuotaName": OTHER, "Value": 0.0, "Adjustable": True},
            {"QuotaCode": "L-1", "QuotaName": NAME, "Value": value, "Adjustable": adjustable},
        ]
        self.defaults: list[dict[str, Any]] = []
        self.open: list[dict[str, Any]] = []
        self.asked: list[float] = []
        self.error: str | None = None
        self.listed: list[str] = []
        self.request_status = "PENDING"

    def get_paginator(self, operation: str) -> "Quotas":
        self.operation = operation
        if not operation.startswith("list_requested"):
            self.listed.append(operation)
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        if self.error == "list":
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "ListServiceQuotas")
        if self.operation == "list_requested_service_quota_change_history_by_quota":
            return [{"RequestedQuotas": self.open}]
        if self.operation == "list_service_quotas":
            return [{"Quotas": [quota]} for quota in self.table]
        return [{"Quotas": self.defaults}]

    def request_service_quota_increase(self, **request: Any) -> dict[str, Any]:
        if self.error is not None:
            self.open = [{"Status": "PENDING", "DesiredValue": 4.0}] if self.error == "raced" else []
            code = "ResourceAlreadyExistsException" if self.error == "raced" else self.error
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "RequestServiceQuotaIncrease")
        self.asked.append(request["DesiredValue"])
        return {
            "RequestedQuota": {"Status": self.request_status, "DesiredValue": request["DesiredValue"], "CaseId": "77"}
        }


def properties(**at_least: float) -> dict[str, Any]:
    """What the template gives: these quotas, by name."""
    wanted = [
        {"ServiceCode": "sagemaker", "QuotaName": name, "AtLeast": str(value)} for name, value in at_least.items()
    ]
    return {"Quotas": wanted, "FailWhenPending": "false"}


def ask(client: Quotas, name: str = NAME, at_least: float = 4, **more: str) -> dict[str, str]:
    return index.answer(client, {**properties(**{name: at_least}), **more})


def ensured(client: Quotas, at_least: float = 4) -> index.Outcome:
    found = {quota.name: quota for quota in service_quotas.quotas(client, "sagemaker")}
    return index.ensure(client, found[NAME], at_least=at_least)


def test_the_quotas_of_a_stack_are_read_once_and_what_is_wrong_is_said_at_once() -> None:
    client = Quotas()
    answer = index.answer(client, properties(**{NAME: 4, OTHER: 2}))
    assert answer == {
        "Summary": "0 SUFFICIENT, 0 GRANTED, 2 PENDING",
        "Pending": f"{NAME} (case 77); {OTHER} (case 77)",
    }
    assert client.listed == ["list_service_quotas", "list_aws_default_service_quotas"]
    with pytest.raises(Refused, match=r"There is no quota 'one' .* There is no quota 'two'"):
        index.answer(Quotas(), properties(one=1, two=2))


def test_the_answer_stays_within_what_cloudformation_takes() -> None:
    client = Quotas()
    client.table = [
        {"QuotaCode": f"L-{n}", "QuotaName": f"{n:03} {NAME}", "Value": 0.0, "Adjustable": True} for n in range(200)
    ]
    answer = index.answer(client, properties(**{quota["QuotaName"]: 1 for quota in client.table}))
    assert len(json.dumps(answer)) < 3500


def test_a_quota_that_is_high_enough_is_left_alone() -> None:
    client = Quotas(value=8)
    assert ask(client) == {"Summary": "1 SUFFICIENT, 0 GRANTED, 0 PENDING", "Pending": "none"}
    assert client.asked == []


def test_a_quota_that_comes_without_its_value_counts_with_awss_default() -> None:
    client = Quotas()
    (unknown,) = [quota for quota in client.table if quota["QuotaName"] == NAME]
    client.defaults = [{**unknown, "Value": 8.0}]
    del unknown["Value"]
    assert ensured(client).status == "SUFFICIENT"


def test_a_quota_that_is_too_low_is_asked_for() -> None:
    client = Quotas(value=1)
    outcome = ensured(client)
    assert (outcome.status, outcome.case_id, outcome.quota.code) == ("PENDING", "77", "L-1")
    assert client.asked == [4.0]


def test_an_answer_at_once_is_granted() -> None:
    client = Quotas(value=1)
    client.request_status = "APPROVED"
    assert ensured(client).status == "GRANTED"


def test_nothing_is_asked_while_a_request_is_open() -> None:
    client = Quotas(value=1)
    client.open = [{"Status": "CASE_OPENED", "DesiredValue": 4.0, "CaseId": "5"}]
    outcome = ensured(client)
    assert (outcome.status, outcome.case_id, client.asked) == ("PENDING", "5", [])


def test_a_decided_request_does_not_count_as_open() -> None:
    client = Quotas(value=1)
    client.open = [{"Status": "DENIED", "DesiredValue": 4.0}]
    ask(client)
    assert client.asked == [4.0]


def test_an_open_request_for_too_little_is_said() -> None:
    client = Quotas(value=1)
    client.open = [{"Status": "PENDING", "DesiredValue": 2.0}]
    assert ensured(client).message == (
        f"{NAME} is 1; a request for 2 is open, which is less than the 4 needed: deploy again when it is decided."
    )


def test_a_race_with_a_second_stack_ends_pending() -> None:
    client = Quotas(value=1)
    client.error = "raced"
    assert ensured(client).status == "PENDING"


def test_pending_fails_the_deploy_only_if_asked_to() -> None:
    with pytest.raises(Refused, match=r"a request for 4 is open. \(case 77\) The setting quotas.fail_when_pending"):
        ask(Quotas(value=1), FailWhenPending="true")


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(Refused, match=f"There is no quota 'ml.g5.12xlarge for training' .* did you mean '{NAME}'"):
        ask(Quotas(), name="ml.g5.12xlarge for training")


def test_a_quota_that_cannot_be_raised_says_so() -> None:
    with pytest.raises(Refused, match="is 1 and cannot be raised: AWS marks it as not adjustable"):
        ask(Quotas(value=1, adjustable=False))


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("AccessDeniedException", "this role may not call RequestServiceQuotaIncrease"),
        ("TooManyRequestsException", "as too frequent, after all retries; deploy again"),
        ("QuotaExceededException", "as many open quota requests as AWS allows"),
        ("ServiceException", "RequestServiceQuotaIncrease answered ServiceException: no"),
    ],
)
def test_the_services_errors_become_reasons(code: str, says: str) -> None:
    client = Quotas(value=1)
    client.error = code
    with pytest.raises(Refused, match=says):
        ask(client)


def test_a_role_that_may_not_list_is_told_which_action() -> None:
    client = Quotas()
    client.error = "list"
    with pytest.raises(Refused, match="this role may not call ListServiceQuotas"):
        ask(client)


def test_the_kept_codes_are_those_that_launches_need() -> None:
    def quota(name: str) -> Quota:
        return Quota(service="sagemaker", code="L-" + name[:4], name=name, value=0, adjustable=True)

    found = codes([quota(NAME), quota("ml.g5.xlarge for endpoint usage"), quota("Number of instances across all jobs")])
    assert set(found) == {NAME, "Number of instances across all jobs"}


def test_a_deletion_asks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shardyard.handlers.aws.clients", lambda service: pytest.fail(f"called {service}"))
    with waiting_for_answers() as answers:
        # As each quota had a resource of its own once, an update of such a stack deletes those
        was = {"ServiceCode": "sagemaker", "QuotaName": NAME, "AtLeast": "4"}
        index.handler(answers.event("Delete", was, PhysicalResourceId=f"sagemaker/{NAME}"), Context())
    assert (answers.only["Status"], answers.only["PhysicalResourceId"]) == ("SUCCESS", f"sagemaker/{NAME}")
