"""The layout that makes `import aws_cdk` work. No CDK import here, so a broken layout gives a readable failure."""

import importlib.util
import re
import subprocess
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[3]
MOST_FILES = 18


def test_constructs_folder_is_not_a_package() -> None:
    assert not (ROOT / "constructs" / "__init__.py").exists(), "delete it: it hides PyPI's constructs"


def test_constructs_is_the_one_from_pypi() -> None:
    spec = importlib.util.find_spec("constructs")
    assert spec and spec.origin and ROOT / "constructs" not in Path(spec.origin).parents


def test_no_folder_hides_a_framework() -> None:
    """What stands on a source root is imported by its bare name."""
    for root in (ROOT, ROOT / "constructs"):
        for name in ("tensorflow", "keras", "tf_keras", "torch"):
            assert not (root / name).exists(), f"rename {root / name}: it hides {name}"


def test_stacks_import_one_another_by_no_absolute_name() -> None:
    paths = sorted((ROOT / "stacks").glob("*.py"))
    assert len(paths) > 5
    absolute = re.compile(r"^\s*(from|import) stacks\b", re.MULTILINE)
    assert [path.name for path in paths if absolute.search(path.read_text())] == [], "a wheel has shardyard.stacks"


def test_app_py_is_short() -> None:
    lines = (ROOT / "app.py").read_text().splitlines()
    assert len(lines) <= 40


def test_no_folder_is_a_heap() -> None:
    """A prefix that many files share is a folder."""
    tracked = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [Path(line) for line in tracked.splitlines() if not line.endswith("__init__.py")]
    assert len(paths) > 500
    by_folder = Counter(path.parent.as_posix() for path in paths)
    assert {folder: count for folder, count in by_folder.items() if count > MOST_FILES} == {}
