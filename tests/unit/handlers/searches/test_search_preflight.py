"""What is refused before a search, and what it begins with."""

from typing import Any

import pytest

from shardyard.handlers.launch.preflight.index import preflight
from shardyard.spec.catalogue.service_jobs import TUNING
from tests.support.fakes.fake_aws import STARTED
from tests.support.searches import SEARCH, FakeSearches, search_event, tuned


def asked(aws: FakeSearches | None = None, given: Any = None, **tables: Any) -> dict[str, Any]:
    second_path = tables.pop("second_path", True)
    event = search_event(tuned(**tables), given, second_path=second_path)
    return preflight(event, FakeSearches() if aws is None else aws, STARTED)


def refused(answer: dict[str, Any]) -> str:
    return str(answer["refused"]["cause"])


def test_a_search_is_accepted_with_its_request_and_plan() -> None:
    answer = asked()
    assert answer["request"][TUNING.name_field] == SEARCH
    assert answer["run"]["kind"] == "tuning"
    assert answer["plan"]["search"] == {
        "strategy": "Bayesian",
        "objective": {"metric": "validation_loss", "goal": "Minimize"},
        "max_jobs": 3,
        "max_parallel": 2,
    }
    assert answer["cost"]["lines"][-2].startswith("3 trials x ")
    tags = {tag["Key"] for tag in answer["request"]["Tags"]}
    assert {"job", "run", "shardyard:execution"} <= tags


def with_variants(*there: str, **tables: Any) -> dict[str, Any]:
    """What is answered where the job's folder has several images, of which these are in the repository."""
    event = search_event(tuned(**tables))
    event["folder"] = "pytorch"
    event["deployment"]["image_bases"] = {"cpu": "python:3.11", "gpu": "aws:pytorch/2.13"}
    aws = FakeSearches()
    aws.images = {("shardyard-dev/pytorch", f"abc-{one}"): f"sha256:{one}" for one in there}
    return preflight(event, aws, STARTED)


CPU_JOB = {"job_compute": {"instance_type": "ml.m5.large"}}


@pytest.mark.parametrize(
    ("types", "needed"),
    [
        (["ml.g5.xlarge"], "gpu"),
        (["ml.m5.xlarge"], "cpu"),
        (["ml.m5.xlarge", "ml.g5.xlarge"], "gpu"),
        ([], "cpu"),
    ],
)
def test_the_image_that_is_sent_is_the_one_that_was_looked_at(types: list[str], needed: str) -> None:
    instances = {"instances": [{"instance_type": one, "count": 1} for one in types]}
    answer = with_variants(needed, **instances, **CPU_JOB)
    sent = answer["request"]["TrainingJobDefinition"]["AlgorithmSpecification"]["TrainingImage"]
    assert sent.endswith(f"/pytorch:abc-{needed}")
    assert answer["plan"]["image"] == {"uri": sent, "digest": f"sha256:{needed}"}
    other = {"cpu": "gpu", "gpu": "cpu"}[needed]
    assert f"pytorch:abc-{needed} is not in its repository" in refused(with_variants(other, **instances, **CPU_JOB))


def test_trials_that_may_wait_for_spot_are_looked_at_less_often() -> None:
    """An execution's history ends after 25,000 events."""
    tables = {"max_jobs": 20, "max_parallel": 2, "job_limits": {"max_runtime": "1h"}, "cap_usd": 400}
    calm = asked(**tables)["plan"]["poll_seconds"]
    spot = asked(**tables, job_spot={"enabled": True, "max_wait": "10h"})["plan"]["poll_seconds"]
    assert (calm, spot) == (10 * 3600 // 1500, 10 * 10 * 3600 // 1500)


@pytest.mark.parametrize(
    ("tables", "whose"),
    [
        ({"cap_usd": 1}, "the search's cap (tuning.cap_usd) is 1.00 USD"),
        ({"job_cost": {"cap_usd": 1}}, "the job's cap (cost.cap_usd) is 1.00 USD"),
        ({"max_jobs": 700, "cap_usd": 9000}, "the project's cap (training.cap_usd) is 500.00 USD"),
    ],
    ids=["its own", "the job's", "the project's"],
)
def test_the_worst_case_of_all_trials_is_held_against_the_cap(tables: dict[str, Any], whose: str) -> None:
    assert whose in refused(asked(**tables))


def test_a_cap_given_at_launch_takes_the_place_of_both() -> None:
    assert "refused" not in asked(given={"cap_usd": 400}, cap_usd=1, job_cost={"cap_usd": 1})


def test_as_many_trials_at_once_must_fit_into_the_quotas() -> None:
    aws = FakeSearches()
    aws.quotas["L-G5"] = 3
    text = refused(asked(aws))
    assert "'ml.g5.xlarge for training job usage' is 3 and this launch needs 4: 1 more" in text
    assert "(with 2 trials at once)" in text
    assert "refused" not in asked(aws, max_parallel=1)


def test_one_instance_type_that_fits_is_enough() -> None:
    aws = FakeSearches()
    aws.quotas["L-G5"] = 0
    types = [{"instance_type": "ml.g5.xlarge"}, {"instance_type": "ml.g6.xlarge"}]
    assert "refused" not in asked(aws, instances=types)


def test_limits_per_job_do_not_add_up() -> None:
    aws = FakeSearches()
    aws.quotas["L-ONE"] = 2
    assert "refused" not in asked(aws)


def test_the_rules_are_applied_to_what_the_launch_was_given() -> None:
    text = refused(asked(given={"hyperparameters": {"lr": 0.1}}))
    assert "tuning.ranges.lr: hyperparameters.lr is 0.1 already" in text


def test_a_search_is_not_resumed() -> None:
    assert "a search is not resumed" in refused(asked(given={"run_id": "20261101-000000-0000"}))


def test_the_run_id_that_the_execution_has_anyway_may_be_given() -> None:
    assert "refused" not in asked(given={"run_id": "20261121-073000-ab12"})


def test_what_the_deployed_machine_cannot_send_is_refused() -> None:
    text = refused(asked(second_path=False))
    assert "its state machine cannot send TrainingJobDefinition.Environment" in text


def test_machines_that_no_image_is_for_are_refused_with_all_else_and_break_nothing() -> None:
    event = search_event(tuned(), {"instance_type": "ml.trn1.2xlarge", "run_id": "20261101-000000-0000"})
    event["deployment"]["image_bases"] = {"cpu": "python:3.11-slim-bookworm", "gpu": "aws:pytorch/2.13"}
    text = refused(preflight(event, FakeSearches(), STARTED))
    assert "image.folder: containers/pytorch has no image for these instances: ml.trn1.2xlarge needs neuron" in text
    assert "a search is not resumed" in text


def parent(status: str = "Completed", metric: str = "validation_loss", trials: int = 10) -> dict[str, Any]:
    return {
        TUNING.status_field: status,
        "HyperParameterTuningJobConfig": {"HyperParameterTuningJobObjective": {"MetricName": metric}},
        "ObjectiveStatusCounters": {"Succeeded": trials},
    }


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ({}, "there is no tuning job old in this account and region"),
        ({"old": parent(status="InProgress")}, "old is still searching (wait for it, or stop it)"),
        ({"old": parent(metric="accuracy")}, "old has searched for accuracy, and this search is for validation_loss"),
        ({"old": parent(trials=498)}, "the parents have 498 trials and this search 3: together 500 or fewer"),
    ],
    ids=["missing", "running", "another objective", "too many trials"],
)
def test_the_parents_of_a_warm_start_are_looked_at(found: dict[str, Any], says: str) -> None:
    aws = FakeSearches()
    aws.searches = found
    assert says in refused(asked(aws, warm_start={"parents": ["old"]}))


def test_a_warm_start_from_a_search_that_has_ended() -> None:
    aws = FakeSearches()
    aws.searches = {"old": parent()}
    assert asked(aws, warm_start={"parents": ["old"]})["request"]["WarmStartConfig"]
