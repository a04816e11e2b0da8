"""The pure parts load in a bare interpreter. Who may import whom is in pyproject.toml, for import-linter."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CONSTRUCTS = ROOT / "constructs"


BARE = """
import importlib, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"aws_cdk", "constructs", "jsii", "cdk_nag", "torch", "moto", "typer", "rich"}:
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocked())
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    importlib.import_module(name)
"""


def bare(root: Path, names: list[str]) -> "subprocess.CompletedProcess[str]":
    """Import modules in an interpreter that has neither CDK nor a framework."""
    command = [sys.executable, "-c", BARE, str(root), *names]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env={"PATH": "/usr/bin"})


def modules(folder: str) -> list[str]:
    found = sorted((CONSTRUCTS / "shardyard" / folder).rglob("*.py"))
    return [".".join(path.relative_to(CONSTRUCTS).with_suffix("").parts).removesuffix(".__init__") for path in found]


@pytest.mark.parametrize("folder", ["spec", "handlers"])
def test_every_module_loads_in_a_bare_interpreter_without_cdk(folder: str) -> None:
    names = modules(folder)
    assert len(names) > 5
    result = bare(CONSTRUCTS, names)
    assert result.returncode == 0, result.stderr


def test_the_launcher_starts_without_a_framework() -> None:
    result = bare(ROOT, ["training.launcher.main"])
    assert result.returncode == 0, result.stderr
