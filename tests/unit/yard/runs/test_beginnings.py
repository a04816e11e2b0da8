"""How a run began: the versions and the first step, from the first lines of its first node."""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contract.images import VERSIONS_LINE
from tests.support.screens.account import TRAINED, Account, receipt, training_job
from yard.runs import beginnings, runs
from yard.runs.logs import Line


def lines(*texts: str) -> list[Line]:
    return [Line(number, "algo-1", text) for number, text in enumerate(texts)]


def test_the_last_start_that_told_its_versions_counts() -> None:
    told = lines(
        f"{VERSIONS_LINE}Python 3.11.7, torch 2.9.1", "loading", f"{VERSIONS_LINE}Python 3.11.7, torch 2.13.0+cpu"
    )
    assert beginnings.versions(told) == {"Python": "3.11.7", "torch": "2.13.0+cpu"}
    assert beginnings.versions(lines("metric step=1 loss=2")) == {}
    assert beginnings.versions(lines(VERSIONS_LINE)) == {}


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["loading", "metric step=12 loss=2", "metric step=13 loss=1"], {"step": 12.0}),
        (["epoch 5: train_loss 0.04", "epoch 6: train_loss 0.03"], {"epoch": 5.0}),
        (["epoch 5: train_loss 0.04", "metric step=500 loss=2"], {"step": 500.0}),
        (["nothing of it"], {}),
    ],
)
def test_the_first_step_is_told_else_the_first_epoch(texts: list[str], found: dict[str, float]) -> None:
    assert beginnings.first_report(lines(*texts), training_job(TRAINED)) == found


class Logs(Account):
    """An account whose log of the second attempt begins with its versions and goes on without end."""

    read = 0

    def get_paginator(self, operation: str) -> Any:
        return self

    def paginate(self, **wanted: Any) -> Iterator[dict[str, Any]]:
        assert wanted["logStreamNamePrefix"].endswith("-2/algo-1-"), "the last attempt, the first node"
        while True:
            self.read += 1
            yield {"events": [self.event(f"{VERSIONS_LINE}Python 3.11.7"), self.event(f"metric step={self.read + 6}")]}

    def event(self, message: str) -> dict[str, Any]:
        return {"eventId": message, "timestamp": 1, "logStreamName": "job/algo-1-1", "message": message}


def whole(account: Account) -> dict[str, Any]:
    aws: Any = SimpleNamespace(client=account.client)
    now = datetime(2026, 11, 28, 23, 49, 40, tzinfo=UTC)
    run = runs.Run(
        job="gpt-fsdp", run_id=TRAINED, execution_arn="e", status="SUCCEEDED", started=now, stopped=now, kind="training"
    )
    found = receipt(TRAINED)
    again = {**found["attempts"][0], "name": found["attempts"][0]["name"][:-1] + "2"}
    return beginnings.told(aws, run, {**found, "attempts": [*found["attempts"], again]})


def test_a_log_without_end_is_not_read_to_it() -> None:
    account = Logs()
    found = whole(account)
    assert found["versions"] == {"Python": "3.11.7"}
    assert found["attempts"][-1]["first_report"] == {"step": 7.0}
    assert "first_report" not in found["attempts"][0]
    assert account.read <= 1001


def test_who_may_not_read_logs_has_a_receipt_all_the_same() -> None:
    class Closed(Logs):
        def paginate(self, **wanted: Any) -> Iterator[dict[str, Any]]:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "FilterLogEvents")

    found = whole(Closed())
    assert (found["versions"], found["attempts"][-1]["first_report"]) == ({}, {})
