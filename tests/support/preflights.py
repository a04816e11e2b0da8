"""Calls of the Preflight handler on the small job."""

from typing import Any

from shardyard.handlers.launch.preflight.index import preflight
from tests.support.fakes.fake_aws import STARTED, FakeAws
from tests.support.launches import preflight_event, tiny


def launch(aws: FakeAws, given: Any = None, parameters: dict[str, str] | None = None, **tables: Any) -> dict[str, Any]:
    return preflight(preflight_event(tiny(**tables), given, parameters), aws, STARTED)


def refused(answer: dict[str, Any]) -> str:
    """The refusal's text; fails when it was accepted."""
    return str(answer["refused"]["cause"])


def in_progress(aws: FakeAws, count: int, kind: str = "ml.g5.xlarge", **fields: Any) -> None:
    for number in range(count):
        aws.jobs[f"other-{number}"] = {
            "TrainingJobName": f"other-{number}",
            "TrainingJobStatus": "InProgress",
            "ResourceConfig": {"InstanceType": kind, "InstanceCount": 1},
            **fields,
        }
