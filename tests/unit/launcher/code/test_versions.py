"""Which frameworks a node has, told without importing one."""

import sys
from pathlib import Path

import pytest

from training.launcher.package import versions_of_frameworks

PYTHON = f"Python {sys.version.split()[0]}"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    found = tmp_path / "lib/python3/site-packages"
    for name in ("numpy-2.4.6", "torch-2.13.0+cpu", "scikit_learn-1.9.1", "torchvision_extra-1.0", "attrs-26.1.0"):
        (found / f"{name}.dist-info").mkdir(parents=True)
    (found / "jax").mkdir()
    return found


def test_frameworks_are_told_in_one_order_and_other_packages_are_not(place: Path) -> None:
    said = f"{PYTHON}, torch 2.13.0+cpu, scikit-learn 1.9.1, numpy 2.4.6"
    assert versions_of_frameworks([str(place)]) == said


def test_the_place_that_python_looks_at_first_counts(place: Path, tmp_path: Path) -> None:
    first = tmp_path / "user/site-packages"
    (first / "torch-2.9.1.dist-info").mkdir(parents=True)
    places = [str(tmp_path / "code"), str(tmp_path / "gone/site-packages"), str(first), str(place)]
    assert ", torch 2.9.1, " in versions_of_frameworks(places)


def test_what_has_no_framework_has_a_python() -> None:
    assert versions_of_frameworks([]) == PYTHON
