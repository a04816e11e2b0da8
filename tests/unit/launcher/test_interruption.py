"""What is said of an interrupted run: the truth about every rank."""

import pytest

from training.launcher.endings.interruption import how_it_ended, nothing_saved, of_ranks
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
