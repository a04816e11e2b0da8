"""Rounds of faults under the launcher that take more than a signal to one of two: a disk, a cable, four workers.

`benchmarks.tensorflow_faults` plays all kinds, in both weathers; here the disks alone hold the saves.
"""

import os
import random
from pathlib import Path

import pytest

from benchmarks.fault_rounds.cluster import Cluster, Framework
from benchmarks.fault_rounds.rounds import Undisturbed, play, run_undisturbed
from benchmarks.fault_rounds.sizes import STEPS
from benchmarks.fault_rounds.tensorflow import FAULTS, framework
from tests.support.training.tensorflow import interpreter

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trains() -> Framework:
    return framework(interpreter())


@pytest.fixture(scope="module")
def undisturbed(trains: Framework, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """Of two workers."""
    return run_undisturbed(Cluster(folder=tmp_path_factory.mktemp("undisturbed"), steps=STEPS, framework=trains))


def problems(fault: str, cluster: Cluster, undisturbed: Undisturbed) -> tuple[str, ...]:
    return play(fault, FAULTS[fault], random.Random(fault), cluster, undisturbed).problems


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk and a cable of one's own need root")
@pytest.mark.parametrize("fault", ["full-disk", "link-cut-4s"])
def test_a_full_disk_and_a_pulled_cable_cost_at_most_an_interval(
    tmp_path: Path, trains: Framework, undisturbed: Undisturbed, fault: str
) -> None:
    assert problems(fault, Cluster(folder=tmp_path, steps=STEPS, framework=trains), undisturbed) == ()


def test_four_workers_on_two_nodes_outlive_one_of_them(tmp_path: Path, trains: Framework) -> None:
    def four(name: str) -> Cluster:
        (tmp_path / name).mkdir()
        return Cluster(folder=tmp_path / name, steps=STEPS, framework=trains, processes=2)

    assert problems("four-kill-rank-3", four("killed"), run_undisturbed(four("whole"))) == ()
