"""What is said of an interrupted run: the truth about every rank."""

import pytest

from tests.support.orders import make_order
from training.launcher.endings.interruption import between_starts, how_it_ended, nothing_saved, of_ranks
from training.launcher.forking.verdict import Verdict
from training.launcher.supervise import Child

SAVED, ENDED = how_it_ended(75), how_it_ended(0)


@pytest.mark.parametrize(
    ("ended", "says"),
    [
        ({0: SAVED, 1: SAVED}, "every rank of algo-2 saved and ended"),
        ({1: ENDED}, "every rank of algo-2 ended with 0 after SIGTERM"),
        ({10: SAVED, 9: ENDED, 2: SAVED}, "rank 2, 10 saved and ended; rank 9 ended with 0 after SIGTERM"),
    ],
)
def test_ranks_that_ended_alike_are_named_together(ended: dict[int, str], says: str) -> None:
    assert of_ranks(ended, all_of_them="every rank of algo-2") == says


def test_how_long_a_lost_process_ran_tells_whether_it_can_have_been_only_importing() -> None:
    child = Child("rank 0", pid=1)
    child.ended_at = child.started_at + 7.4
    assert nothing_saved(child, "algo-1", stopped_late=False, grace_seconds=110).startswith(
        "rank 0 on algo-1 was interrupted (SIGTERM) 7 s after its start and had no handler for the signal"
    )


def test_an_interruption_between_two_starts_says_so_and_why_there_was_another() -> None:
    assert between_starts("") == "SIGTERM came while the ranks were starting again"
    assert between_starts("rank 0 on algo-1 failed: ValueError: x\nTraceback") == (
        "SIGTERM came while the ranks were starting again after rank 0 on algo-1 failed: ValueError: x"
    )


@pytest.mark.parametrize(
    ("began", "failed", "says"),
    [
        (False, "", "SIGTERM came before the program was started"),
        (True, "", "SIGTERM came while the ranks were starting again"),
        (True, "rank 0 failed: x", "SIGTERM came while the ranks were starting again after rank 0 failed: x"),
    ],
)
def test_a_node_whose_ranks_have_run_never_says_that_nothing_was_started(began: bool, failed: str, says: str) -> None:
    """The ranks of a start that failed are forgotten before the next one."""
    outcome = Verdict(make_order()).of_interruption([], [], ranks_began=began, failed=failed)
    assert outcome == {"code": 75, "message": says}


def test_a_failure_is_called_the_same_only_at_the_same_place_and_soon_after_a_start() -> None:
    def ended(line: int, seconds: float, message: str = "no such column") -> Child:
        child = Child("rank 0", pid=1)
        child.status, child.ended_at = 1, child.started_at + seconds
        place = f'Traceback (most recent call last):\n  File "/opt/ml/code/train.py", line {line}, in load\n'
        child.tail = f"{place}    load()\nValueError: {message}\n".encode()
        return child

    verdict = Verdict(make_order())
    assert [verdict.repeats(ended(4, 5)), verdict.repeats(ended(4, 6))] == [False, True]
    verdict = Verdict(make_order())
    assert [verdict.repeats(ended(4, 5)), verdict.repeats(ended(5, 5)), verdict.repeats(ended(5, 5, "other"))] == [
        False,
        False,
        False,
    ]
    verdict = Verdict(make_order())
    assert [verdict.repeats(ended(4, 500)), verdict.repeats(ended(4, 5)), verdict.repeats(ended(4, 500))] == [
        False,
        False,
        False,
    ]
