"""What a node is told before its program starts."""

from pathlib import Path

import pytest

from embedded.nodes import node_plans
from embedded.nodes.cell.network import hosts_file
from embedded.nodes.engine import AttemptSpec, NodeSpec
from embedded.nodes.image import Image

IMAGE = Image(requirements=Path("r"), entrypoint=("python",), environment={"PATH": "/bin"}, work_folder="/", copies=())


@pytest.mark.parametrize(("nodes", "processors", "share"), [(1, 16, 16), (2, 16, 8), (8, 2, 1)])
def test_nodes_share_the_processors_of_their_machine(
    nodes: int, processors: int, share: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_plans, "_processors", lambda: processors)
    specs = [NodeSpec(host=f"algo-{n + 1}", folder=tmp_path / str(n), environment={"MINE": "1"}) for n in range(nodes)]
    spec = AttemptSpec(folder=tmp_path, image="i", entrypoint=None, arguments=(), nodes=specs, cloud_port=None)
    for node in specs:
        plan = node_plans.at_moved_root(spec, node, IMAGE, tmp_path / "env", {})
        assert plan.environment["SHARDYARD_CPUS"] == str(share)
        assert plan.environment["MINE"] == "1"


def test_every_address_has_a_name_and_every_name_one_address() -> None:
    """Torch's sockets see peers as IPv4 addresses in IPv6: without a name for them each run began with six errors."""
    lines = [line.split() for line in hosts_file({"algo-1": "10.77.0.2", "algo-2": "10.77.0.3"}).splitlines()]
    names = {address: name for address, name, *_ in lines}
    assert names["::ffff:10.77.0.3"] == "algo-2.ipv6"
    assert [address for address, *found in lines if "algo-2" in found] == ["10.77.0.3"]
