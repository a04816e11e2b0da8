"""What a node is told before its program starts."""

import dataclasses
from pathlib import Path

import pytest

from embedded.nodes import node_plans
from embedded.nodes.cell.network import hosts_file
from embedded.nodes.engine import AttemptSpec, NodeSpec
from embedded.nodes.image import Image, ImageError

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
    assert names["::ffff:127.0.0.1"] == "localhost.ipv6", "the ranks of a single node meet there"
    assert [address for address, *found in lines if "algo-2" in found] == ["10.77.0.3"]


@pytest.mark.parametrize(
    ("entrypoint", "arguments", "command"),
    [
        (None, None, ["run", "--all"]),
        (None, ["-x"], ["run", "-x"]),
        (["sh", "a"], None, ["sh", "a"]),
        (["sh"], ["a"], ["sh", "a"]),
    ],
)
def test_the_command_is_put_together_as_docker_does(
    entrypoint: list[str] | None, arguments: list[str] | None, command: list[str], tmp_path: Path
) -> None:
    image = dataclasses.replace(IMAGE, entrypoint=("run",), arguments=("--all",))
    node = NodeSpec(host="algo-1", folder=tmp_path, environment={})
    spec = AttemptSpec(
        folder=tmp_path, image="i", entrypoint=entrypoint, arguments=arguments, nodes=[node], cloud_port=None
    )
    assert node_plans.at_moved_root(spec, node, image, tmp_path / "env", {}).command == command


def test_an_image_without_a_command_is_refused(tmp_path: Path) -> None:
    image = dataclasses.replace(IMAGE, entrypoint=())
    node = NodeSpec(host="algo-1", folder=tmp_path, environment={})
    spec = AttemptSpec(folder=tmp_path, image="i", entrypoint=None, arguments=None, nodes=[node], cloud_port=None)
    with pytest.raises(ImageError, match="has no ENTRYPOINT and no CMD, and the job names no command"):
        node_plans.at_moved_root(spec, node, image, tmp_path / "env", {})
