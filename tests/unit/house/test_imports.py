"""The pure parts load in a bare interpreter. Who may import whom is in pyproject.toml, for import-linter."""

import subprocess
import sys
from pathlib import Path

import pytest

from shardyard.core.handler_code import code_files

ROOT = Path(__file__).parents[3]

BARE = """
import importlib, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"aws_cdk", "constructs", "jsii", "cdk_nag", "torch", "moto", "typer", "rich"}:
            raise ImportError(f"{name} is blocked")
# Only what lies at the given place counts, and not what `pip install -e` has put beside it
found = [finder for finder in sys.meta_path if "__editable__" not in getattr(finder, "__module__", "")]
sys.meta_path[:] = [Blocked(), *found]
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    importlib.import_module(name)
"""


def bare(root: Path, names: list[str]) -> "subprocess.CompletedProcess[str]":
    """Import modules in an interpreter that has neither CDK nor a framework."""
    command = [sys.executable, "-c", BARE, str(root), *names]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env={"PATH": "/usr/bin"})


@pytest.mark.parametrize("folder", ["spec", "handlers"])
def test_every_module_of_the_handlers_asset_loads_in_a_bare_interpreter_without_cdk(
    folder: str, tmp_path: Path
) -> None:
    for name, content in code_files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    paths = [path.relative_to(tmp_path) for path in sorted((tmp_path / "shardyard" / folder).rglob("*.py"))]
    names = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in paths]
    assert len(names) > 5
    result = bare(tmp_path, names)
    assert result.returncode == 0, result.stderr


def test_the_launcher_starts_without_a_framework() -> None:
    result = bare(ROOT, ["training.launcher.main"])
    assert result.returncode == 0, result.stderr
