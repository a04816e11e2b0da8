"""The lines of a run, in the order in which its nodes printed them."""

from typing import Any

from yard.runs.logs import Tail


class Logs:
    """CloudWatch Logs with ids that are not padded."""

    def __init__(self, *messages: str) -> None:
        self._events = [
            {"timestamp": 5, "eventId": str(number + 8), "logStreamName": "j-1/algo-1-1", "message": message}
            for number, message in enumerate(messages)
        ]

    def client(self, _: str) -> "Logs":
        return self

    def get_paginator(self, _: str) -> "Logs":
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"events": list(reversed(self._events))}]


def lines(*messages: str) -> list[str]:
    aws: Any = Logs(*messages)
    return [line.text for line in Tail(aws, "r").lines(["j-1"])]


def test_lines_of_one_millisecond_keep_their_order() -> None:
    assert lines("a", "b", "c", "d") == ["a", "b", "c", "d"]


def test_a_progress_bar_is_its_last_state() -> None:
    assert lines("[rank 0]  10%|# |\r[rank 0]  20%|##|\r\n") == ["[rank 0]  20%|##|"]
