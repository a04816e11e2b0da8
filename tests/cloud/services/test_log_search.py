"""FilterLogEvents of the embedded cloud finds the streams that were asked for, and no others."""

import time
from typing import Any

import pytest


@pytest.fixture
def logs(cloud: Any) -> Any:
    client = cloud.client("logs")
    client.create_log_group(logGroupName="/search")
    for stream in ("a/algo-1", "a/algo-2", "b/algo-1"):
        client.create_log_stream(logGroupName="/search", logStreamName=stream)
        client.put_log_events(
            logGroupName="/search",
            logStreamName=stream,
            logEvents=[{"timestamp": int(time.time() * 1000), "message": stream}],
        )
    yield client
    client.delete_log_group(logGroupName="/search")


def found(logs: Any, **more: Any) -> list[str]:
    return sorted(event["message"] for event in logs.filter_log_events(logGroupName="/search", **more)["events"])


def test_a_prefix_takes_the_streams_that_begin_so(logs: Any) -> None:
    assert found(logs, logStreamNamePrefix="a/") == ["a/algo-1", "a/algo-2"]


def test_a_prefix_that_no_stream_has_finds_nothing(logs: Any) -> None:
    assert found(logs, logStreamNamePrefix="c/") == []


def test_without_a_prefix_all_or_the_named_ones(logs: Any) -> None:
    assert found(logs) == ["a/algo-1", "a/algo-2", "b/algo-1"]
    assert found(logs, logStreamNames=["b/algo-1"]) == ["b/algo-1"]


def test_a_group_that_is_not_there_is_said(logs: Any) -> None:
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.filter_log_events(logGroupName="/nowhere")


def test_a_stream_that_is_not_there_is_said(logs: Any) -> None:
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match="The specified log stream does not exist"):
        logs.filter_log_events(logGroupName="/search", logStreamNames=["b/algo-1", "b/algo-9"])
