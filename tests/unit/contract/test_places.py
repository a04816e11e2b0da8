"""Names that others chose become files below their folder, or nothing."""

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contract import places

PARTS = st.one_of(
    st.sampled_from(
        ["", ".", "..", "...", " ", "a", "b.txt", "~", "link", "loop", "up", "\0", "\n", "\\", "C:", "-rf"]
    ),
    st.text(max_size=8),
    st.integers(250, 260).map(lambda count: "x" * count),
    st.sampled_from(["\ud800", "\udcff", "\u202e", "\uff0e\uff0e", "\u2025"]),
)
NAMES = st.lists(PARTS, max_size=6).map("/".join)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with links that lead out of it, in a circle and nowhere."""
    place = tmp_path_factory.mktemp("places") / "folder"
    (place / "a").mkdir(parents=True)
    (place / "link").symlink_to(place.parent)
    (place / "up").symlink_to("..")
    (place / "loop").symlink_to("loop")
    (place / "a/link").symlink_to("/etc")
    return place


def is_inside(folder: Path, found: Path) -> bool:
    place = os.path.realpath(found)
    return place == str(folder) or place.startswith(f"{folder}/")


@given(name=NAMES)
@example("../x")
@example("/etc/passwd")
@example("a/../../x")
@example("link/x")
@example("a/link/passwd")
@example("up/folder2/x")
@example("loop/x")
@example("\ud800")
def test_no_name_leads_out_of_its_folder(folder: Path, name: str) -> None:
    try:
        found = places.below(folder, name)
    except places.MisplacedError:
        return
    assert is_inside(folder, found)
    assert found != folder, "a file needs a name"
    assert ".." not in found.relative_to(folder).parts


@given(path=NAMES)
@example("a/../../x")
@example("/etc")
@example("link")
def test_no_path_ends_outside_of_its_folder(folder: Path, path: str) -> None:
    try:
        found = places.within(folder, path)
    except places.MisplacedError:
        return
    assert is_inside(folder, found)


@given(parts=st.lists(st.from_regex(r"[\w. -]{1,40}", fullmatch=True), min_size=1, max_size=5))
def test_a_plain_name_is_taken(folder: Path, parts: list[str]) -> None:
    name = "/".join(parts)
    if not {".", "..", "link", "loop", "up"} & set(parts) and max(len(part.encode()) for part in parts) <= 255:
        assert places.below(folder, name) == folder / name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a//b", "'//'"),
        ("/a", "'//'"),
        ("a/", "'//'"),
        ("../a", "illegal part '..'"),
        ("a/./b", r"illegal part '\.'"),
        ("nul\0", r"illegal part 'nul\\x00'"),
        ("x" * 256, "more than 255 bytes"),
        ("link/x", "leads out of"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, name: str, said: str) -> None:
    with pytest.raises(places.MisplacedError, match=said):
        places.below(folder, name)


def test_a_path_may_wander_inside(folder: Path) -> None:
    assert places.within(folder, "a/../a//b") == folder / "a/../a//b"
    assert places.within(folder, "") == folder
