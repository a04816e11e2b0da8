"""The strategy `plain`: what each node's one process is told of the others."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from tests.support.training.contract_files import TWO_NODES, write_config
from training.launcher import plain


def test_the_processes_of_several_nodes_are_ranks_of_one_group(tmp_path: Path) -> None:
    """Without RANK each one would train alone, and all would write checkpoints of the same names."""
    contract = write_config(tmp_path, resource=TWO_NODES)
    launch = SimpleNamespace(contract=contract, addresses={"algo-1": "10.0.0.1", "algo-2": "10.0.0.2"})
    assert plain.group_variables(cast(Any, launch)) == {
        "RANK": "1",
        "WORLD_SIZE": "2",
        "LOCAL_RANK": "0",
        "LOCAL_WORLD_SIZE": "1",
        "GROUP_RANK": "1",
        "MASTER_ADDR": "10.0.0.1",
        "MASTER_PORT": "7777",
    }


def test_the_process_of_a_single_node_is_no_rank(tmp_path: Path) -> None:
    launch = SimpleNamespace(contract=write_config(tmp_path), addresses={"algo-1": "127.0.0.1"})
    assert plain.group_variables(cast(Any, launch)) == {}
