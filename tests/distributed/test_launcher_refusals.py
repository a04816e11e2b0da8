"""A program that refuses what it was asked for is started once, and the failure file says why, under any launcher."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contract.exit_codes import REFUSED
from tests.support.training.launching import Node, nodes

LAUNCHERS = [
    pytest.param({"launcher": "plain"}, "the program", id="plain"),
    pytest.param({"launcher": "torchrun", "SHARDYARD_FORK": "1"}, "rank 0", id="torchrun"),
    pytest.param(
        {"launcher": "torchrun", "SHARDYARD_FORK": "0"}, "rank 0", id="torchrun-without-fork", marks=pytest.mark.e2e
    ),
    pytest.param(
        {"launcher": "mpirun"},
        "rank 0",
        id="mpirun",
        marks=[
            pytest.mark.e2e,
            pytest.mark.skipif(
                shutil.which("mpirun") is None, reason="Open MPI is not installed: apt-get install openmpi-bin"
            ),
        ],
    ),
]

COUNTS = """
from pathlib import Path
with open("{starts}", "a") as starts:
    starts.write("started\\n")
"""
"""What a program does first here, so that a test can count its starts."""

OURS = "from training.pytorch.programs.gpt import main; main()"
RAISES = "from contract.refusal import Refused; raise Refused('width 7 is odd: choose an even one')"
EXITS = "import sys; print('width 7 is odd: choose an even one', file=sys.stderr); sys.exit(78)"


@contextmanager
def run(
    folder: Path, program: str, variables: dict[str, str], *arguments: str, code: int = REFUSED
) -> Iterator[tuple[Node, int]]:
    """A node whose program has ended with this code of the launcher, and how often it was started."""
    starts = folder / "starts"
    with nodes(folder, COUNTS.format(starts=starts) + program, processes=1, arguments=list(arguments), **variables) as (
        node,
    ):
        assert node.end() == code
        yield node, len(starts.read_text().splitlines())


@pytest.mark.parametrize(("variables", "who"), LAUNCHERS)
def test_a_program_of_ours_that_refuses_is_started_once(tmp_path: Path, variables: dict[str, str], who: str) -> None:
    """A new Python says it by its exit code as well as a fork."""
    with run(tmp_path, OURS, variables, "--plan", "hsdp") as (node, starts):
        assert starts == 1
        assert node.failure.startswith(
            f"{who} on algo-1 failed: training.pytorch.parallel.plan.PlanError: shard_size is missing: the plan hsdp "
        )
        assert not [line for line in node.own_lines if "restart" in line]


@pytest.mark.parametrize(("variables", "who"), LAUNCHERS)
def test_a_script_that_exits_with_78_is_started_once(tmp_path: Path, variables: dict[str, str], who: str) -> None:
    with run(tmp_path, EXITS, variables) as (node, starts):
        assert starts == 1
        assert node.failure.splitlines() == [
            f"{who} on algo-1 ended with exit code 78",
            "width 7 is odd: choose an even one",
        ]


@pytest.mark.parametrize(("variables", "who"), LAUNCHERS)
def test_a_script_that_raises_a_refusal_says_its_reason(tmp_path: Path, variables: dict[str, str], who: str) -> None:
    """A Python of its own ends with 1 whatever the class is: there torchrun cannot tell it from another failure."""
    restarts = 1 if variables.get("SHARDYARD_FORK") == "0" else 0
    code = REFUSED if variables.get("SHARDYARD_FORK") == "1" else 1
    with run(tmp_path, RAISES, {**variables, "SHARDYARD_MAX_RESTARTS": "1"}, code=code) as (node, starts):
        assert starts == 1 + restarts
        assert node.failure.startswith(
            f"{who} on algo-1 failed: contract.refusal.Refused: width 7 is odd: choose an even one\nTraceback"
        )


@pytest.mark.parametrize(("variables", "who"), LAUNCHERS[:2])
def test_a_job_whose_image_lacks_the_s3_connector_is_started_once(
    tmp_path: Path, variables: dict[str, str], who: str
) -> None:
    program = """
import sys
sys.modules["s3torchconnectorclient"] = None  # what an import finds in an image without the package
from training.data import resolve
resolve("s3://bucket/prefix").sources()
"""
    code = 1 if variables["launcher"] == "plain" else REFUSED
    with run(tmp_path, program, variables, code=code) as (node, starts):
        assert starts == 1
        assert node.failure.startswith(
            f"{who} on algo-1 failed: training.data.s3.S3Unavailable: addresses in S3 need the package "
            "s3torchconnectorclient"
        )


@pytest.mark.parametrize(("variables", "who"), LAUNCHERS[1:])
def test_every_node_passes_the_refusal_of_one_on(tmp_path: Path, variables: dict[str, str], who: str) -> None:
    """Which node's exit code SageMaker puts into the reason is not said, so each one has the same."""
    # The other rank fails as well, a little later: it has lost its peer
    program = "import os, sys, time\ntime.sleep(int(os.environ['RANK']))\nsys.exit([78, 1][int(os.environ['RANK'])])"
    with nodes(tmp_path, program, count=2, processes=1, **variables) as running:
        assert [node.end() for node in running] == [REFUSED, REFUSED]
        assert {node.failure for node in running} == {f"{who} on algo-1 ended with exit code 78"}
