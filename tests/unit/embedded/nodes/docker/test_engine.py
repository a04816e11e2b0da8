"""What the engine `docker` asks of the daemon for a node, and what it refuses before it asks."""

from pathlib import Path
from typing import Any

import pytest

from embedded.nodes.docker import engine as engines
from embedded.nodes.docker.engine import DockerEngine
from embedded.nodes.engine import AttemptSpec, NodeSpec
from embedded.nodes.image import ImageError

URI = "123456789012.dkr.ecr.us-east-1.amazonaws.com/test/x:1"


class Started(Exception):
    """Stands for a start, with the plan."""


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> DockerEngine:
    class FakeDaemon:
        config: dict[str, Any] = {"Entrypoint": ["python"], "Cmd": None}

        def call(self, method: str, path: str, body: Any = None) -> Any:
            return {"Config": self.config}

    class FakeNetwork:
        gateway = "10.77.3.1"

        def __init__(self, _: Any, name: str, *__: Any, **___: Any) -> None:
            self.name = name

        def address(self, index: int) -> str:
            return f"10.77.3.{index + 2}"

    def start(_: Any, plan: Any, __: Any) -> None:
        raise Started(plan)

    made = DockerEngine(Path("/no/such.sock"))
    made.daemon = FakeDaemon()  # type: ignore[assignment]
    monkeypatch.setattr(engines.pulling, "ensure", lambda *_: "local@sha256:1")
    monkeypatch.setattr(engines, "Network", FakeNetwork)
    monkeypatch.setattr(engines, "DockerAttempt", start)
    return made


def spec(folder: Path, **given: Any) -> AttemptSpec:
    shared = folder / "shared"
    node = NodeSpec(
        host="algo-1",
        folder=folder / "algo-1",
        environment={"AWS_ENDPOINT_URL": "http://cloud.invalid:4566", "MINE": "yes"},
        mounts=((shared, "/opt/ml/input/data/efs", True),),
    )
    made = {"entrypoint": None, "arguments": ["train"], "cloud_port": 4566, "image": URI, **given}
    return AttemptSpec(folder=folder, nodes=[node], **made)


def request(engine: DockerEngine, wanted: AttemptSpec) -> dict[str, Any]:
    with pytest.raises(Started) as started:
        engine.start(wanted)
    found: dict[str, Any] = started.value.args[0].containers["algo-1"]
    return found


def test_a_container_has_what_the_contract_promises(engine: DockerEngine, tmp_path: Path) -> None:
    made = request(engine, spec(tmp_path))
    assert (made["Image"], made["Hostname"], made["Cmd"]) == ("local@sha256:1", "algo-1", ["train"])
    assert "Entrypoint" not in made, "the image's own"
    variables = dict(one.split("=", 1) for one in made["Env"])
    assert variables["AWS_ENDPOINT_URL"] == "http://10.77.3.1:4566", "where the cloud answers on this network"
    assert (variables["MINE"], variables["SHARDYARD_WITHOUT_GPUS"]) == ("yes", "1")
    mounts = {one["Target"]: (one["Source"], one["ReadOnly"]) for one in made["HostConfig"]["Mounts"]}
    assert mounts == {
        "/opt/ml": (str(tmp_path / "algo-1" / "ml"), False),
        "/etc/hosts": (str(tmp_path / "hosts"), False),
        "/opt/ml/input/data/efs": (str(tmp_path / "shared"), True),
    }
    assert "10.77.3.2 algo-1" in (tmp_path / "hosts").read_text()
    memory = made["HostConfig"]["Memory"]
    assert made["HostConfig"]["MemorySwap"] == memory and made["HostConfig"]["ShmSize"] == memory // 2
    assert not {"Privileged", "CapAdd", "PortBindings"} & set(made["HostConfig"])


def test_the_jobs_own_command_and_memory(engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines.current, "node_memory_mb", 64.0)
    made = request(engine, spec(tmp_path, entrypoint=["/bin/x"], arguments=None))
    assert made["Entrypoint"] == ["/bin/x"] and "Cmd" not in made
    assert made["HostConfig"]["Memory"] == 64 << 20


def test_packages_that_no_index_can_give_are_refused(engine: DockerEngine, tmp_path: Path) -> None:
    with pytest.raises(
        ImageError, match=r"requirements\.txt names packages, and nodes of the engine `docker` reach no"
    ):
        engine.start(spec(tmp_path, requirements=tmp_path / "requirements.txt"))


def test_an_image_without_a_command_is_refused(engine: DockerEngine, tmp_path: Path) -> None:
    engine.daemon.config = {"Entrypoint": None, "Cmd": None}  # type: ignore[attr-defined]
    with pytest.raises(ImageError, match="has no ENTRYPOINT and no CMD"):
        engine.start(spec(tmp_path, arguments=None))
    assert request(engine, spec(tmp_path))["Cmd"] == ["train"]
