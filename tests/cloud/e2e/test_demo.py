"""`make demo`, as a newcomer runs it in a clone, and what `make demo-clean` leaves."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cloud.house import ROOT

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What git knows of this tree, in a folder of its own, with the packages that are here already."""
    folder = tmp_path_factory.mktemp("clone") / "shardyard"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    yield folder
    demo(folder, "--clean")


def demo(folder: Path, *arguments: str) -> str:
    """Run the demo without anybody's credentials; what it said."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # the clone's own packages, not those of the tree that the tests run in
    env["PYTHONPATH"] = f"{folder}{os.pathsep}{folder / 'constructs'}"
    done = subprocess.run(
        [sys.executable, "-m", "yard.demo", *arguments],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assert_three_digits_were_answered(said: str) -> None:
    """By the endpoint's variant; a model of five epochs may err once."""
    found = re.search(r"asked (\d, \d, \d); answered (\d, \d, \d): (\d) of 3 read right; answered by main", said)
    assert found is not None, said
    right = sum(one == other for one, other in zip(found[1].split(", "), found[2].split(", "), strict=True))
    assert right == int(found[3]) >= 2


def clouds_of(folder: Path) -> list[str]:
    """The processes that name the clone's folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


def test_the_demo_trains_is_interrupted_and_proves_that_nothing_was_lost(clone: Path) -> None:
    said = demo(clone)
    for number in range(1, 9):
        assert f"{number} of 8" in said
    assert "the same weights, bit for bit" in said
    assert "-- the spot capacity is taken away" in said
    assert_three_digits_were_answered(said)
    for line in ("accuracy ", "time ", "on AWS ", "spot saved ", "served ", "Where to look next"):
        assert line in said.partition("== In short")[2]


def test_a_second_demo_runs_on_the_same_cloud(clone: Path) -> None:
    """Its model replaces the first one's, by the endpoint's canary."""
    said = demo(clone)
    assert "the same weights, bit for bit" in said
    assert "main Baking" in said
    assert_three_digits_were_answered(said)


def test_cleaning_leaves_nothing_running_and_no_data(clone: Path) -> None:
    assert clouds_of(clone)
    assert "are gone" in demo(clone, "--clean")
    assert not (clone / ".yard").exists() and not (clone / "cdk.out").exists()
    assert clouds_of(clone) == []
