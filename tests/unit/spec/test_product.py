"""Where the product's own files are found, and a module of the user's in the place of ours."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from shardyard.spec import product
from shardyard.spec.catalogue.images import content_tag
from shardyard.spec.errors import SpecError
from yard.image_builds import build_context
from yard.plan import check_names
from yard.project import Project, find_project
from yard.starter import begin
from yard.starter.files import Choices

ROOT = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of one's own, with an image."""
    given = Choices(project="vision", stage="dev", owner="me", containers=True, requirement="shardyard")
    begin.begin(tmp_path, given)
    return find_project(tmp_path)


def test_a_checkout_has_its_own_files_and_a_project_takes_ours(project: Project, tmp_path: Path) -> None:
    assert product.image_sources(ROOT) == ROOT
    assert product.image_sources(project.root) == product.product_root() == ROOT
    (project.root / "training").mkdir()
    (project.root / "training/__init__.py").write_text("mine = True")
    assert product.image_sources(project.root) == ROOT, "a training/ of one's own is no checkout"
    assert content_tag(project.root, "pytorch") == content_tag(ROOT, "pytorch")


@pytest.mark.parametrize("name", ["contract/__init__.py", "constructs.py", "yard/__init__.py"])
def test_a_module_that_app_py_would_import_in_place_of_ours_is_a_problem(project: Project, name: str) -> None:
    check_names(project)
    (project.root / name).parent.mkdir(exist_ok=True)
    (project.root / name).write_text("")
    with pytest.raises(SpecError, match=rf"^{name.partition('/')[0]}: app\.py would import it in place of"):
        check_names(project)


@pytest.mark.parametrize(
    "name", ["stacks/__init__.py", "training/__init__.py", "serving/__init__.py", "contract/a.txt"]
)
def test_other_names_are_free(project: Project, name: str) -> None:
    (project.root / name).parent.mkdir(exist_ok=True)
    (project.root / name).write_text("")
    check_names(project)


@pytest.mark.parametrize("name", ["contract/__init__.py", "contract.py"])
def test_an_app_whose_folder_hides_contract_ends_with_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("raise RuntimeError('it ran')")
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; sys.path.append({str(ROOT)!r}); import stacks.app"
    done = subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 1
    where = tmp_path / name.partition("/")[0]
    assert done.stderr == (
        f"{where} is imported in place of the package `contract` of Shardyard: give it another name, "
        "or take its folder out of PYTHONPATH.\n"
    )


def test_docker_builds_from_the_project_and_our_sources(project: Project) -> None:
    assert build_context(ROOT, "pytorch") == ROOT
    (project.root / "containers/pytorch/requirements.txt").write_text("mine==1\n")
    context = build_context(project.root, "pytorch")
    assert (context / "containers/pytorch/requirements.txt").read_text() == "mine==1\n"
    for part in (
        "contract/variables.py",
        "training/launcher/__main__.py",
        "containers/pytorch/Dockerfile.dockerignore",
    ):
        assert (context / part).is_file(), part
    assert content_tag(context, "pytorch") == content_tag(project.root, "pytorch")


def test_the_wheel_takes_its_dependencies_from_requirements_txt() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert settings["project"]["dynamic"] == ["dependencies"]
    assert settings["tool"]["setuptools"]["dynamic"]["dependencies"] == {"file": ["requirements.txt"]}
