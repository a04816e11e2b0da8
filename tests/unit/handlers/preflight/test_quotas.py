"""Preflight on quotas: what can never fit, what waits, and which type a launch begins with."""

from tests.support.fakes.fake_aws import FakeAws
from tests.support.preflights import in_progress, launch, refused


def test_a_quota_that_can_never_be_met_says_by_how_much(aws: FakeAws) -> None:
    aws.quotas["L-G5"] = 1
    assert refused(launch(aws)) == (
        "quotas: the quota 'ml.g5.xlarge for training job usage' is 1 and this launch needs 2: 1 more are needed"
    )


def test_a_quota_in_use_is_waited_for(aws: FakeAws) -> None:
    aws.quotas["L-G5"] = 3
    in_progress(aws, 2)
    answer = launch(aws)
    assert "refused" not in answer
    assert (
        "the quota 'ml.g5.xlarge for training job usage' is 3, 2 are in use and this launch needs 2: 1 too many now"
        in answer["plan"]["notes"]
    )


def test_a_quota_in_use_refuses_a_job_that_never_waits(aws: FakeAws) -> None:
    aws.quotas["L-G5"] = 3
    in_progress(aws, 2)
    said = refused(launch(aws, queue={"max_wait": "0s"}))
    assert said.endswith("1 too many now; queue.max_wait is 0, so it does not wait")


def test_a_launch_begins_with_the_first_type_that_fits_now(aws: FakeAws) -> None:
    compute = {"instance_type": "ml.g5.xlarge", "count": 2, "fallback": [{"instance_type": "ml.g6.xlarge"}]}
    aws.quotas["L-G5"] = 0
    answer = launch(aws, compute=compute)
    assert answer["request"]["ResourceConfig"]["InstanceType"] == "ml.g6.xlarge"
    assert [one["instance_type"] for one in answer["plan"]["candidates"]] == ["ml.g6.xlarge"]
    aws.quotas["L-G5"] = 2
    in_progress(aws, 1)
    answer = launch(aws, compute=compute)
    assert answer["request"]["ResourceConfig"]["InstanceType"] == "ml.g6.xlarge"
    assert [one["instance_type"] for one in answer["plan"]["candidates"]] == ["ml.g5.xlarge", "ml.g6.xlarge"]


def test_spot_and_warm_instances_count_apart(aws: FakeAws) -> None:
    aws.quotas["L-G5"] = 2
    in_progress(aws, 2, EnableManagedSpotTraining=True)
    assert launch(aws, queue={"max_wait": "0s"})["plan"]["notes"] == []
    aws.quotas["L-SPOT-G5"] = 3
    said = refused(launch(aws, {"spot": True}, queue={"max_wait": "0s"}))
    assert "spot training job usage' is 3, 2 are in use" in said


def test_a_quota_that_nobody_lists_is_said_not_guessed(aws: FakeAws) -> None:
    answer = launch(aws, {"instance_type": "ml.c5.2xlarge", "processes_per_node": 1})
    assert (
        "the quota 'ml.c5.2xlarge for training job usage' could not be read, so it is unknown whether 2 fit"
        in answer["plan"]["notes"]
    )
