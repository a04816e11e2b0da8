"""Packages that a job's nodes cannot get are named before a launch."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.spec.spec_tables import make
from yard.starter.script.packages import unreachable_said


def said(root: Path, listed: str, **changes: Any) -> str | None:
    (root / "code").mkdir(exist_ok=True)
    (root / "code/requirements.txt").write_text(listed)
    return unreachable_said(root, make(**({"source": {"dir": "code"}} | changes)))


def test_what_comes_from_an_index_is_named(tmp_path: Path) -> None:
    found = said(tmp_path, "# mine\neinops==0.8\n./mine-1.0-py3-none-any.whl\n--no-binary x\na\nb\nc\n") or ""
    assert found.startswith("code/requirements.txt names einops==0.8, a, b and 1 more: ")
    assert "a channel called wheels" in found
    assert said(tmp_path, "mine @ https://example.com/mine-1.0-py3-none-any.whl\n") is not None, "it lies elsewhere"


@pytest.mark.parametrize(
    ("listed", "changes"),
    [
        ("# nothing\n", {}),
        ("./mine-1.0-py3-none-any.whl\n./two.whl ; python_version > '3'\n", {}),
        ("einops\n", {"channels": {"wheels": {"s3": "wheels/"}}}),
        ("einops\n", {"network": {"vpc": False}}),
        ("einops\n", {"source": {"dir": "gone"}}),
    ],
    ids=["no package", "wheels beside it", "a channel of wheels", "a way out", "no code"],
)
def test_what_can_be_had_is_not_spoken_of(listed: str, changes: dict[str, Any], tmp_path: Path) -> None:
    assert said(tmp_path, listed, **changes) is None
