"""Preflight on the monthly cap of an owner: what is spent, what is held, and who is refused."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shardyard.handlers.launch import ledger
from shardyard.handlers.launch.preflight.index import preflight
from shardyard.handlers.launch.receipt.index import write_receipt
from tests.support.fakes.fake_aws import STARTED, FakeAws
from tests.support.launches import DEPLOYMENT, preflight_event, tiny
from tests.support.preflights import refused

WORST = 4.0
"""Two instances at 2 USD for an hour."""


def launch(aws: FakeAws, number: int, cap: float | None = 10.0, given: Any = None, **changes: Any) -> dict[str, Any]:
    """The number-th launch of the month; `owner` and `started` may be others."""
    spec = tiny(**({"owner": changes["owner"]} if "owner" in changes else {}))
    event = preflight_event(spec, given)
    event["deployment"] = {**DEPLOYMENT.to_dict(), "tags": {"owner": "team-a"}}
    event["execution"] = event["execution"].replace("-ab12", f"-{number:04}")
    event |= {} if cap is None else {"owner_cap_usd": cap}
    event |= {name: value for name, value in changes.items() if name == "started"}
    return preflight(event, aws, STARTED)


def execution(number: int) -> str:
    return f"arn:aws:states:us-east-1:123456789012:execution:shardyard-dev-tiny:20261121-073000-{number:04}"


def train(aws: FakeAws, answer: dict[str, Any], **outcome: Any) -> None:
    aws.outcomes.append({"TrainingJobStatus": "Completed", **outcome})
    aws("sagemaker").create_training_job(**answer["request"])


def entries(aws: FakeAws) -> dict[str, dict[str, Any]]:
    return {key: json.loads(body) for key, body in aws.objects["artifacts"].items() if key.startswith("ledger/")}


def test_without_a_cap_nothing_is_entered(aws: FakeAws) -> None:
    assert "ledger" not in launch(aws, 1, cap=None)["run"]
    assert entries(aws) == {}


def test_a_launch_holds_its_worst_case_under_its_month_and_owner(aws: FakeAws) -> None:
    key = launch(aws, 1, owner="team b/c")["run"]["ledger"]
    assert key == "ledger/202611/team%20b%2Fc/20261121-073000-0001-1.json"
    assert entries(aws)[key]["reserved_usd"] == WORST


def test_what_is_held_by_others_counts_and_the_refusal_has_all_figures(aws: FakeAws) -> None:
    launch(aws, 1)
    launch(aws, 2)
    assert refused(launch(aws, 3)) == (
        "cost: the worst case is 4.00 USD, and team-a has 2.00 USD left of 10.00 USD for 2026-11 (budget.per_owner): "
        "0.00 USD spent (0 launches), 8.00 USD held (2 launches in progress)"
    )
    assert len(entries(aws)) == 2, "a refused launch holds nothing"


def test_other_owners_and_other_months_do_not_count(aws: FakeAws) -> None:
    launch(aws, 1, owner="team-b")
    launch(aws, 2, owner="team-b")
    assert "ledger" in launch(aws, 3)["run"]
    assert "refused" in launch(aws, 4, owner="team-b")
    assert "ledger" in launch(aws, 5, owner="team-b", started="2026-12-01T00:00:00.000Z")["run"]


def test_a_receipt_settles_what_a_launch_cost(aws: FakeAws) -> None:
    first = launch(aws, 1)
    train(aws, first)
    write_receipt({"launch": first}, aws, STARTED.timestamp())
    spent = entries(aws)[first["run"]["ledger"]]["spent_usd"]
    assert 0 < spent < 1, "ten minutes of two instances"
    launch(aws, 2)
    said = refused(launch(aws, 3, cap=8.0))
    assert f"{spent:.2f} USD spent (1 launch), 4.00 USD held (1 launch in progress)" in said


def test_a_resumed_run_is_counted_launch_by_launch_and_no_attempt_twice(aws: FakeAws) -> None:
    first = launch(aws, 1)
    train(aws, first, TrainingJobStatus="Failed", SecondaryStatus="Failed")
    write_receipt({"launch": first, "failed": FAILED}, aws, STARTED.timestamp())
    again = launch(aws, 2, given={"run_id": first["run"]["id"]})
    train(aws, again, BillableTimeInSeconds=1200, TrainingTimeInSeconds=1200)
    write_receipt({"launch": again}, aws, STARTED.timestamp())
    spent = {key.rpartition("-")[2]: entry["spent_usd"] for key, entry in entries(aws).items()}
    assert spent["2.json"] == pytest.approx(2 * spent["1.json"], rel=1e-3)


FAILED = {"kind": "FAILED", "error": "AlgorithmError", "cause": "it broke"}


def test_a_launch_that_was_cut_off_counts_by_what_its_jobs_billed(aws: FakeAws) -> None:
    first = launch(aws, 1)
    train(aws, first, TrainingJobStatus="Stopping", SecondaryStatus="Stopping")
    ledger.end("artifacts", execution(1), STARTED, first["run"]["id"], aws)
    assert "4.00 USD held (1 launch in progress)" in refused(launch(aws, 2, cap=5.0)), "its bill is still open"
    aws.jobs[first["request"]["TrainingJobName"]] |= {"TrainingJobStatus": "Stopped", "SecondaryStatus": "Stopped"}
    assert "0.67 USD spent (1 launch), 0.00 USD held (0 launches" in refused(launch(aws, 3, cap=4.5))
    assert "ledger" in launch(aws, 4, cap=5.0)["run"]


def test_a_launch_that_was_cut_off_before_its_first_job_counts_nothing(aws: FakeAws) -> None:
    first = launch(aws, 1)
    ledger.end("artifacts", execution(2), STARTED, first["run"]["id"], aws)
    assert not entries(aws)[first["run"]["ledger"]]["ended"], "another execution of the run"
    ledger.end("artifacts", execution(1), STARTED, first["run"]["id"], aws)
    assert "ledger" in launch(aws, 2, cap=4.0)["run"]


def test_an_ended_launch_stays_settled(aws: FakeAws) -> None:
    first = launch(aws, 1)
    train(aws, first)
    write_receipt({"launch": first}, aws, STARTED.timestamp())
    before = entries(aws)
    ledger.end("artifacts", execution(1), datetime(2026, 11, 21, tzinfo=UTC), first["run"]["id"], aws)
    assert entries(aws) == before


def test_of_two_launches_at_once_never_do_both_pass_what_one_may_spend(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, other = ledger.keys, list[dict[str, Any]]()

    def meanwhile(*arguments: Any) -> list[str]:
        if not other:
            other.append({})
            other.append(launch(aws, 2, cap=5.0))
        return count(*arguments)

    monkeypatch.setattr(ledger, "keys", meanwhile)
    first = launch(aws, 1, cap=5.0)
    assert ["refused" in answer for answer in (first, other[1])] == [False, True]
