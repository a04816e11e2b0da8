"""A project of one's own, made and run by an installed wheel: no checkout is on any import path."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shardyard.spec.catalogue.images import content_tag

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.e2e
_COPIED = ("constructs", "contract", "embedded", "serving", "stacks", "training", "yard", "containers")
_FILES = ("setup.py", "pyproject.toml", "requirements.txt", "README.md", "LICENSE", "CHANGELOG.md", "MANIFEST.in")
_OWN = ("stacks", "training", "serving", "checks", "tests", "jobs")
_LONGEST_SECONDS = 900


@dataclass(frozen=True, kw_only=True)
class Installed:
    """A project of somebody's own, and the environment that it is used from."""

    root: Path
    wheel: Path

    def run(self, *command: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project as its owner does; it must end with this exit code."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
        path = f"{self.root / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**kept, "PATH": path, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LONGEST_SECONDS,
        )
        assert done.returncode == code, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    def python(self, code: str) -> str:
        """What a line of Python prints in the project's environment."""
        return self.run("python", "-P", "-c", code).stdout.strip()


def build_wheel(folder: Path) -> Path:
    """Build the wheel as pip does, from a copy, so that nothing is written into the checkout."""
    source = folder / "source"
    for name in _COPIED:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (*_FILES, "cdk.json", "package.json", "app.py"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder), str(source)]
    subprocess.run(command, check=True, cwd=folder)
    shutil.rmtree(source)
    (wheel,) = folder.glob("*.whl")
    return wheel


def make_environment(folder: Path, wheel: Path) -> None:
    """A fresh environment with the wheel, and with the packages of this one beside it but for the checkout's own."""
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = (folder / "lib").glob("python*/site-packages")
    (here,) = {Path(path) for path in sys.path if path.endswith("site-packages")}
    for path in here.iterdir():
        if "shardyard" not in path.name and not path.name.endswith(".pth"):
            (site / path.name).symlink_to(path)
    command = [sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "install", "--quiet", "--no-deps"]
    subprocess.run([*command, str(wheel)], check=True, cwd=folder)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """A project that the wheel's own `yard init` made, with packages of its owner's named as our rooms."""
    folder = tmp_path_factory.mktemp("wheel")
    wheel = build_wheel(folder)
    root = folder / "vision"
    root.mkdir()
    make_environment(root / ".venv", wheel)
    (root / "node_modules").symlink_to(ROOT / "node_modules")
    project = Installed(root=root, wheel=wheel)
    project.run("yard", "init", ".")
    for name in _OWN:
        (root / name).mkdir(exist_ok=True)
        (root / name / "__init__.py").write_text("raise RuntimeError('imported in place of ours')\n")
    yield project
    project.run("yard", "cloud", "down")


def test_the_wheel_holds_what_git_holds_and_no_name_that_a_project_may_want(installed: Installed) -> None:
    names = [name for name in zipfile.ZipFile(installed.wheel).namelist() if ".dist-info/" not in name]
    assert {name.partition("/")[0] for name in names} == {"contract", "embedded", "shardyard", "yard"}
    folders = ["contract", "containers", "embedded", "serving", "stacks", "training", "yard", "constructs/shardyard"]
    listed = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    kept = {"stacks": "shardyard/stacks", "constructs/shardyard": "shardyard"}
    kept |= {name: f"shardyard/_product/{name}" for name in ("training", "serving", "containers")}
    wanted = set()
    for path in listed.stdout.splitlines():
        above = "constructs/shardyard" if path.startswith("constructs/") else path.partition("/")[0]
        wanted.add(kept.get(above, above) + path.removeprefix(above))
    assert len(wanted) > 400
    assert wanted - set(names) == set()


def test_nothing_comes_from_the_checkout(installed: Installed) -> None:
    for name in ("shardyard", "yard", "embedded", "contract", "shardyard.stacks.build"):
        place = Path(installed.python(f"import {name} as found; print(found.__file__)"))
        assert place.is_relative_to(installed.root / ".venv"), name
    assert installed.python("import importlib.util as u; print(u.find_spec('training'), u.find_spec('stacks'))") == (
        "None None"
    )
    assert str(ROOT) not in [*installed.python("import sys; print(*sys.path, sep='\\n')").splitlines()]


def test_an_image_has_the_tag_that_the_checkout_gives_it(installed: Installed) -> None:
    shutil.copytree(ROOT / "containers/pytorch", installed.root / "containers/pytorch")
    try:
        found = installed.python(
            "from pathlib import Path; from shardyard.spec.catalogue.images import content_tag; "
            "print(content_tag(Path.cwd(), 'pytorch'))"
        )
    finally:
        shutil.rmtree(installed.root / "containers")
    assert found == content_tag(ROOT, "pytorch")


def test_the_project_is_checked_synthesised_deployed_and_trained(installed: Installed) -> None:
    assert "1 job checked: no problems." in installed.run("yard", "check").stderr
    assert "No file of yours needs a change." in installed.run("yard", "upgrade").stderr
    installed.run("python", "app.py", CDK_OUTDIR=str(installed.root / "bare"))
    assert (installed.root / "bare/vision-dev-training.template.json").exists()
    script = """
set -e
yard cloud up
eval "$(yard cloud env)"
npx cdk synth --quiet
npx cdk bootstrap
npx cdk deploy --all --require-approval never --concurrency 4
yard train hello --yes --follow
yard receipt hello
"""
    done = installed.run("bash", "-c", script)
    assert "hello, run" in done.stdout + done.stderr and "completed" in done.stdout + done.stderr
    assert "imported in place of ours" not in done.stdout + done.stderr
