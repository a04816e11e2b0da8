"""Every alarm, fired: it goes to ALARM, and its message reaches the person behind the topic."""

from typing import Any

import pytest

from tests.cloud.e2e.test_own_code import BROKEN
from tests.support.cloud.house import EMAIL, MINUTES, House, wait_until
from tests.support.cloud.own_project import JOB, OwnProject

pytestmark = pytest.mark.e2e


def state(house: House, alarm: str) -> str:
    """The state of an alarm."""
    return str(house.aws.client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["StateValue"])


def check_rang(house: House, alarm: str) -> dict[str, Any]:
    """Wait for an alarm and for its message."""
    wait_until(lambda: state(house, alarm) == "ALARM", f"the alarm {alarm}", seconds=MINUTES)
    mail = house.mail(f'ALARM: "{alarm}"')
    assert mail["to"] == EMAIL
    return mail


def test_a_failed_job_rings(research: OwnProject) -> None:
    assert research.run(JOB, BROKEN).status == "FAILED"
    check_rang(research, f"research-dev-{JOB}-failed")
    assert state(research, "research-dev-failed-jobs") != "ALARM", "one failure rings one alarm"


@pytest.mark.parametrize(
    ("alarm", "metric"),
    [
        ("failed-jobs", "FailuresOutsideLaunches"),
        ("low-gpu", "LowGpuMinutes"),
        ("silent-job", "SilentMinutes"),
    ],
    ids=["a failure outside of launches", "idle GPUs", "silence"],
)
def test_a_metric_over_all_jobs_rings(research: OwnProject, alarm: str, metric: str) -> None:
    name = f"research-dev-{alarm}"
    dimensions = [{"Name": "Project", "Value": "research"}, {"Name": "Stage", "Value": "dev"}]
    research.cloud.admin("evaluate-alarms", name=name)
    assert state(research, name) == "OK"
    data = {"MetricName": metric, "Dimensions": dimensions, "Value": 600.0}
    research.aws.client("cloudwatch").put_metric_data(Namespace="Shardyard", MetricData=[data])
    research.cloud.admin("evaluate-alarms", name=name)
    assert "GreaterThanOrEqualToThreshold" in check_rang(research, name)["text"]
