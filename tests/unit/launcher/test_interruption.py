"""What is said of an interrupted run: the truth about every rank."""

import pytest

from training.launcher.endings.interruption import how_it_ended, of_ranks

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
