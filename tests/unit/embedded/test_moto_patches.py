"""What replaces moto's parts stands on the moto it was written for."""

import sys
from importlib.metadata import version
from types import ModuleType

import pytest

from embedded import loading, moto_patches


def test_every_patch_is_in_place_on_the_moto_it_was_written_for() -> None:
    loading.load()
    assert version("moto") == moto_patches.MOTO_VERSION, "look at every patch again before another moto is pinned"
    assert len(moto_patches.PATCHES) >= 15
    for patch in moto_patches.PATCHES:
        assert vars(patch.owner)[patch.name] is patch.replacement, f"{patch.name} was replaced by something else"
        assert patch.reason


def test_what_moto_does_not_have_cannot_be_replaced() -> None:
    with pytest.raises(AttributeError, match="has no no_such_part to replace"):
        moto_patches.replace(moto_patches, "no_such_part", None, reason="none")


def test_two_parts_cannot_replace_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moto_patches, "PATCHES", [])
    theirs = ModuleType("theirs")
    vars(theirs)["part"] = 1
    moto_patches.replace(theirs, "part", 2, reason="it is too small")
    with pytest.raises(ValueError, match="part is replaced already, because it is too small"):
        moto_patches.replace(theirs, "part", 3, reason="it is too small for us too")
    assert vars(theirs)["part"] == 2


def test_a_function_is_replaced_wherever_it_was_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moto_patches, "PATCHES", [])
    names = ("theirs.home", "theirs.user", "theirs.other", "not_theirs")
    home, user, other, not_theirs = (ModuleType(name) for name in names)
    for module in (home, user, other, not_theirs):
        monkeypatch.setitem(sys.modules, module.__name__, module)
        vars(module)["part"] = min
    vars(other)["part"] = max
    moto_patches.replace_imported("theirs", "part", sum, of=home, reason="it is wrong")
    assert [vars(module)["part"] for module in (home, user, other, not_theirs)] == [sum, sum, max, min]
