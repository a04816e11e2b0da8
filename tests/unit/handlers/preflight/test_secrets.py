"""Whether a job's secrets are there: said before anything bills, without reading one."""

from datetime import UTC, datetime

import pytest

from shardyard.handlers.launch.preflight import secrets
from tests.support.fakes.fake_aws import FakeAws, failure
from tests.support.preflights import launch, refused

NAMED = {"secrets": {"WANDB_API_KEY": "secret:team/wandb#key"}}
THERE = {"VersionIdsToStages": {"1": ["AWSPREVIOUS"], "2": ["AWSCURRENT"]}}


def test_a_secret_with_a_value_is_only_looked_at(aws: FakeAws) -> None:
    aws.secrets["team/wandb"] = THERE
    answer = launch(aws, **NAMED)
    assert answer["request"]["Environment"]["SHARDYARD_SECRET_WANDB_API_KEY"] == "secret:team/wandb#key"
    assert "secretsmanager.describe_secret" in aws.calls and "secretsmanager.get_secret_value" not in aws.calls


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (None, "there is no secret team/wandb in this account and region (make it: yard secret set team/wandb)"),
        ({}, "the secret team/wandb has no value (give it one: yard secret set team/wandb)"),
        (
            {"VersionIdsToStages": {"1": ["AWSPENDING"]}},
            "the secret team/wandb has no value (give it one: yard secret set team/wandb)",
        ),
        (
            {**THERE, "DeletedDate": datetime(2026, 11, 1, tzinfo=UTC)},
            "the secret team/wandb is marked for deletion (aws secretsmanager restore-secret --secret-id team/wandb)",
        ),
    ],
)
def test_one_that_is_missing_empty_or_going_is_refused(aws: FakeAws, seen: dict[str, object] | None, says: str) -> None:
    if seen is not None:
        aws.secrets["team/wandb"] = seen
    assert refused(launch(aws, **NAMED)) == f"secrets.WANDB_API_KEY: {says}"


def test_another_accounts_and_another_regions_are_for_the_job_to_read(aws: FakeAws) -> None:
    class Denies:
        def describe_secret(self, **_: object) -> None:
            raise failure("AccessDeniedException")

    arn = "arn:aws:secretsmanager:{}:210987654321:secret:hub-a1B2c3"
    here, elsewhere = f"secret:{arn.format('us-east-1')}", f"secret:{arn.format('eu-west-1')}"
    assert secrets.secret_problems({"A": here}, "us-east-1", lambda _: Denies()) == []
    assert secrets.secret_problems({"A": elsewhere}, "us-east-1", aws) == [] and aws.calls == []
    (problem,) = secrets.secret_problems({"A": "secret:hub"}, "us-east-1", lambda _: Denies())
    assert "there is no secret hub" in problem.message
