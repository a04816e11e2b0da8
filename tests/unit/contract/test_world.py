"""Which rank a process is, by the variables of its launcher."""

import pytest

from contract.world import World

TORCHRUN = {"RANK": "5", "WORLD_SIZE": "6", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "GROUP_RANK": "1"}


def test_a_process_without_variables_is_alone() -> None:
    assert World.from_environ({}) == World(rank=0, world_size=1, local_rank=0, local_world_size=1)


def test_without_local_variables_all_ranks_are_on_one_node() -> None:
    world = World.from_environ({"RANK": "3", "WORLD_SIZE": "4"})
    assert (world.local_rank, world.local_world_size, world.node, world.nodes) == (3, 4, 0, 1)


def test_a_node_is_counted_where_the_launcher_does_not_number_it() -> None:
    """Open MPI does not."""
    variables = {name: value for name, value in TORCHRUN.items() if name != "GROUP_RANK"}
    assert World.from_environ({**variables, "RANK": "3"}).node == 1


def test_a_node_with_fewer_ranks_than_another_has_the_launchers_number() -> None:
    """Four ranks on the first node and two on the second: counting would make it the third."""
    assert World.from_environ(TORCHRUN).node == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"RANK": "6"}, "rank 6 is not in a world of 6"),
        ({"LOCAL_RANK": "2"}, "local rank 2 is not among 2 of 6"),
        ({"LOCAL_WORLD_SIZE": "7"}, "local rank 1 is not among 7 of 6"),
    ],
)
def test_numbers_that_contradict_each_other_are_refused(changes: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        World.from_environ({**TORCHRUN, **changes})
