"""The launcher's own settings: how many processes, how many seconds."""

import os

import pytest

from training.launcher import sm_variables, variables
from training.launcher.endings.failure import LaunchError
from training.launcher.main import processes_per_node


def test_processes_are_one_a_gpu_unless_said() -> None:
    assert processes_per_node("torchrun", 8, {}) == 8
    assert processes_per_node("mpirun", 0, {}) == 1
    assert processes_per_node("torchrun", 0, {"SHARDYARD_PROCESSES_PER_NODE": "2"}) == 2
    with pytest.raises(LaunchError, match="must be a whole number of at least 1, not '0'"):
        processes_per_node("torchrun", 0, {"SHARDYARD_PROCESSES_PER_NODE": "0"})


def test_the_one_process_of_plain_has_all_processors() -> None:
    assert processes_per_node("plain", 8, {"SHARDYARD_PROCESSES_PER_NODE": "8"}) == 1


def test_a_node_has_all_processors_or_its_share_of_a_machine_that_holds_others() -> None:
    assert sm_variables.count_cpus({}) == len(os.sched_getaffinity(0))
    assert sm_variables.count_cpus({"SHARDYARD_CPUS": "3"}) == 3


@pytest.mark.parametrize("given", ["abc", "-1", "nan", "inf", ""])
def test_a_time_that_is_none_is_refused_by_its_variables_name(given: str) -> None:
    assert variables.seconds({}, "SHARDYARD_X_SECONDS", 1.5) == 1.5
    assert variables.seconds({"SHARDYARD_X_SECONDS": "0.25"}, "SHARDYARD_X_SECONDS", 1.5) == 0.25
    with pytest.raises(LaunchError, match=f"SHARDYARD_X_SECONDS must be a number of seconds, not '{given}'"):
        variables.seconds({"SHARDYARD_X_SECONDS": given}, "SHARDYARD_X_SECONDS", 1.5)


@pytest.mark.parametrize("given", ["two", "-1", "1.0", "\u00b2", ""])
def test_a_count_that_is_none_is_refused_by_its_variables_name(given: str) -> None:
    assert variables.whole({}, "SHARDYARD_X", 3) == 3
    assert variables.whole({"SHARDYARD_X": "0"}, "SHARDYARD_X", 3) == 0
    with pytest.raises(LaunchError, match=f"SHARDYARD_X must be a whole number of at least 0, not '{given}'"):
        variables.whole({"SHARDYARD_X": given}, "SHARDYARD_X", 3)


@pytest.mark.parametrize("given", ["65536", "9" * 5000], ids=["one more", "thousands of digits"])
def test_a_count_may_have_a_highest_value(given: str) -> None:
    assert variables.whole({"SHARDYARD_X": "65535"}, "SHARDYARD_X", 3, at_most=65535) == 65535
    with pytest.raises(LaunchError, match=f"SHARDYARD_X must be a whole number from 0 to 65535, not '{given}'"):
        variables.whole({"SHARDYARD_X": given}, "SHARDYARD_X", 3, at_most=65535)
