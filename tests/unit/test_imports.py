"""Who may import whom, read from the sources; and that the pure parts need no CDK."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONSTRUCTS = ROOT / "constructs"
OURS = {"shardyard", "stacks", "training", "yard", "scripts", "benchmarks", "tests"}
CDK = {"aws_cdk", "constructs", "cdk_nag", "jsii"}
AWS = {"boto3", "botocore"}


def sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def imported(path: Path) -> Iterator[str]:
    """Full names of what a module imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def foreign(name: str) -> bool:
    """Whether a name is neither ours nor the standard library's."""
    top = name.partition(".")[0]
    return top not in OURS and top not in sys.stdlib_module_names


def offences(folder: Path, *, ours: tuple[str, ...], third: set[str] | None) -> list[str]:
    """Imports of our own packages not named, and, unless `third` is None, of packages not in it."""
    found = []
    for path in sources(folder):
        for name in imported(path):
            top = name.partition(".")[0]
            is_ours = top in OURS
            allowed = any(name == prefix or name.startswith(f"{prefix}.") for prefix in ours)
            if (is_ours and not allowed and not any(prefix.startswith(f"{name}.") for prefix in ours)) or (
                third is not None and foreign(name) and top not in third
            ):
                found.append(f"{path.relative_to(ROOT)} imports {name}")
    return found


def test_spec_needs_the_standard_library_alone() -> None:
    assert offences(CONSTRUCTS / "shardyard" / "spec", ours=("shardyard.spec",), third=set()) == []


def test_handlers_need_spec_and_boto3_alone() -> None:
    folder = CONSTRUCTS / "shardyard" / "handlers"
    assert offences(folder, ours=("shardyard.spec", "shardyard.handlers"), third=AWS) == []


def test_template_rules_need_the_standard_library_alone() -> None:
    folder = CONSTRUCTS / "shardyard" / "template_rules"
    assert offences(folder, ours=("shardyard.spec", "shardyard.template_rules"), third=set()) == []


def test_constructs_do_not_know_stacks_yard_or_training() -> None:
    assert offences(CONSTRUCTS / "shardyard", ours=("shardyard",), third=CDK | AWS) == []


def test_constructs_do_not_import_handlers() -> None:
    folder = CONSTRUCTS / "shardyard"
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(folder)
        if "handlers" not in path.relative_to(folder).parts
        for name in imported(path)
        if name.startswith("shardyard.handlers")
    ]
    assert found == []


def test_stacks_know_constructs_alone() -> None:
    assert offences(ROOT / "stacks", ours=("shardyard", "stacks"), third=CDK) == []


def test_training_goes_into_an_image_alone() -> None:
    assert offences(ROOT / "training", ours=("training",), third=None) == []


def test_the_launcher_is_framework_blind() -> None:
    # torchrun's own agent needs torch, and the launcher starts it as a program of its own.
    result = bare(ROOT, ["training.launcher.main"])
    assert result.returncode == 0, result.stderr
    found = [
        f"{path.name}: {name}"
        for path in sources(ROOT / "training" / "launcher")
        for name in imported(path)
        if foreign(name) and not path.name.startswith("torchrun_")
    ]
    assert found == []


def test_frameworks_do_not_import_each_other() -> None:
    for one, other in (("pytorch", "tf"), ("tf", "pytorch")):
        folder = ROOT / "training" / one
        found = [name for path in sources(folder) for name in imported(path) if name.startswith(f"training.{other}")]
        assert found == []


def test_yard_never_imports_cdk_and_only_its_cloud_imports_moto() -> None:
    assert offences(ROOT / "yard", ours=("shardyard.spec", "shardyard.handlers", "yard", "training"), third=None) == []
    for path in sources(ROOT / "yard"):
        tops = {name.partition(".")[0] for name in imported(path)}
        assert not tops & CDK, path
        assert "moto" not in tops or "cloud" in path.relative_to(ROOT / "yard").parts, path


@pytest.mark.parametrize("package", ["shardyard", "shardyard.handlers"])
def test_packages_that_cost_nothing_hold_no_import(package: str) -> None:
    path = CONSTRUCTS.joinpath(*package.split(".")) / "__init__.py"
    assert not list(imported(path))


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
    found = sources(CONSTRUCTS / "shardyard" / folder)
    return [".".join(path.relative_to(CONSTRUCTS).with_suffix("").parts).removesuffix(".__init__") for path in found]


@pytest.mark.parametrize("folder", ["spec", "handlers"])
def test_every_module_loads_in_a_bare_interpreter_without_cdk(folder: str) -> None:
    names = modules(folder)
    assert len(names) > 5
    result = bare(CONSTRUCTS, names)
    assert result.returncode == 0, result.stderr
