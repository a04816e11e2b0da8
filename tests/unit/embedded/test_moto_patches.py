"""What replaces moto's parts stands on the moto it was written for."""

from importlib.metadata import version

import pytest

from embedded import loading, moto_patches


def test_every_patch_is_in_place_on_the_moto_it_was_written_for() -> None:
    loading.load()
    assert version("moto") == moto_patches.MOTO_VERSION, "look at every patch again before another moto is pinned"
    assert len(moto_patches.PATCHES) >= 10
    for patch in moto_patches.PATCHES:
        assert getattr(patch.owner, patch.name) is patch.replacement, f"{patch.name} was replaced by something else"


def test_what_moto_does_not_have_cannot_be_replaced() -> None:
    with pytest.raises(AttributeError, match="has no no_such_part to replace"):
        moto_patches.replace(moto_patches, "no_such_part", None, reason="none")
