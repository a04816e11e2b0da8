"""Which rank is slow, what is said of it, and how a rank tells its times."""

import os

import pytest

from contract.guards import SLOW_RANK_STEPS
from training.launcher.endings.failure import LaunchRefused
from training.launcher.guards.pace import Pace, Times
from training.launcher.guards.slow import Comparison, refuse_unfit


def ranks(*own: float, whole: float = 1.0) -> dict[str, tuple[str, Times]]:
    return {f"rank {n}": (f"algo-{n + 1}", Times(own=value, whole=whole)) for n, value in enumerate(own)}


def test_a_rank_is_compared_with_the_median_of_the_others() -> None:
    comparison = Comparison(stops=True, ratio=2.0)
    assert comparison.overdue(ranks(0.2, 0.1, 0.2, 0.42)) == (
        "rank 3 on algo-4 is 2.1 times as slow as the others: its own part of a step takes 0.42 s, theirs 0.20 s "
        "(medians of the last 20 steps of 1.00 s; slow_rank)"
    )
    assert comparison.overdue(ranks(0.2, 0.1, 0.2, 0.39)) == ""
    assert comparison.overdue(ranks(0.42)) == "", "one rank has no others"


def test_a_multiple_of_almost_nothing_is_nothing() -> None:
    comparison = Comparison(stops=True, ratio=2.0)
    assert comparison.overdue(ranks(0.001, 0.05)) == ""
    assert comparison.overdue(ranks(0.001, 0.05, whole=0.1)) != ""


def test_what_only_warns_names_the_rank_once_and_takes_it_back() -> None:
    comparison = Comparison(stops=False, ratio=2.0)
    assert comparison.overdue(ranks(0.1, 0.5)) == ""
    (warning, metric) = comparison.tell(ranks(0.1, 0.5))
    assert warning.startswith("launcher: warning: rank 1 on algo-2 is 5.0 times") and warning.endswith("wait for it")
    assert metric == "metric slow_rank_ratio=5"
    assert comparison.tell(ranks(0.1, 0.5)) == []
    assert comparison.tell(ranks(0.1, 0.1)) == [
        "launcher: warning: rank 1 is as fast as the others again",
        "metric slow_rank_ratio=1",
    ]


def test_a_ranks_times_are_the_medians_of_its_last_steps() -> None:
    pace = Pace()
    child = os.fork()
    if child == 0:
        for step in range(SLOW_RANK_STEPS - 1):
            pace.add(5.0 + step, 9.0)
        os._exit(0)
    os.waitpid(child, 0)
    assert pace.times() is None
    for _ in range(SLOW_RANK_STEPS):
        pace.add(0.25, 0.5)
    assert pace.times() == Times(own=0.25, whole=0.5)


def test_a_nodes_times_are_told_when_all_its_ranks_have_done_enough_steps() -> None:
    comparison = Comparison(stops=False, ratio=2.0)
    fast, slow = comparison.pace("rank 0"), comparison.pace("rank 1")
    for _ in range(SLOW_RANK_STEPS):
        fast.add(0.1, 0.2)
    assert comparison.times() is None
    for _ in range(SLOW_RANK_STEPS):
        slow.add(0.1, 0.2)
    assert comparison.times() == {"rank 0": Times(own=0.1, whole=0.2), "rank 1": Times(own=0.1, whole=0.2)}
    comparison.restart()
    assert comparison.times() == {}


@pytest.mark.parametrize("given", ["warn", "stop:1", "stop:nan", "end:2", "warn:inf"])
def test_what_is_no_comparison_is_refused_before_the_start(given: str) -> None:
    with pytest.raises(LaunchRefused, match=r"must be warn or stop, a colon and a number above 1, not '"):
        refuse_unfit("torchrun", {"SHARDYARD_SLOW_RANK": given})


def test_only_torchrun_compares() -> None:
    with pytest.raises(LaunchRefused, match="compares the ranks of torchrun, and SHARDYARD_LAUNCHER is 'plain'"):
        refuse_unfit("plain", {"SHARDYARD_SLOW_RANK": "warn:1.5"})
