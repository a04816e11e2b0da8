"""An image of one's own, copied from another."""

from pathlib import Path

import pytest

from shardyard.spec.jobs.code.project_files import missing_files
from tests.support.spec.spec_tables import make
from yard.errors import UserError
from yard.images import new_image

ROOT = Path(__file__).parents[3]
JOB = make(image={"folder": "mine"}, program=None)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "containers/pytorch").mkdir(parents=True)
    for path in (ROOT / "containers/pytorch").iterdir():
        (tmp_path / "containers/pytorch" / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_a_new_image_installs_its_own_packages(project: Path) -> None:
    folder = new_image(project, "mine", "pytorch")
    assert "source=containers/mine,target=/build" in (folder / "Dockerfile").read_text()
    assert "containers/pytorch" not in (folder / "Dockerfile.dockerignore").read_text()
    assert [str(problem) for problem in missing_files(JOB, project)] == []


def test_a_copy_by_hand_that_names_the_other_image_is_refused(project: Path) -> None:
    (project / "containers/mine").mkdir()
    for path in (project / "containers/pytorch").iterdir():
        (project / "containers/mine" / path.name).write_bytes(path.read_bytes())
    said = [str(problem) for problem in missing_files(JOB, project)]
    assert len(said) == 1
    assert said[0].startswith(
        "image.folder: containers/mine/Dockerfile takes containers/pytorch/requirements.txt, another image's list"
    )


@pytest.mark.parametrize("name", ["automl", "spark", "tensorflow"])
def test_an_image_that_ships_is_copied_from_the_one_of_its_name(project: Path, name: str) -> None:
    folder = new_image(project, name)
    assert (folder / "requirements.lock").read_bytes() == (
        ROOT / "containers" / name / "requirements.lock"
    ).read_bytes()
    assert (folder / "variants.toml").exists() == (ROOT / "containers" / name / "variants.toml").exists()


def test_any_other_is_copied_from_pytorch(project: Path) -> None:
    assert (new_image(project, "vision") / "variants.toml").is_file()


@pytest.mark.parametrize(("name", "said"), [("pytorch", "is there already"), ("Mine", "is no name for an image")])
def test_a_name_that_cannot_be(project: Path, name: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        new_image(project, name, "pytorch")


def test_nothing_to_copy(project: Path) -> None:
    with pytest.raises(UserError, match="no containers/none/Dockerfile to copy"):
        new_image(project, "mine", "none")
