"""Manifests: what is written is read back, and any change to it is found."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.saves import manifest as manifest_module
from training.saves.manifest import (
    MANIFEST,
    Damaged,
    FileEntry,
    Manifest,
    Save,
    hash_file,
    newest_first,
    rank_folder,
    ranks_needed,
    read_manifest,
    verify,
)
from training.saves.storage import Folder

SAVE = Save(step=10, generation=1)

names = st.text("abc._0", min_size=1, max_size=8)
entries = st.builds(
    FileEntry, bytes=st.integers(0, 10**12), sha256=st.text("0123456789abcdef", min_size=64, max_size=64)
)
manifests = st.builds(
    Manifest,
    run_id=names,
    step=st.integers(0, 10**9),
    generation=st.integers(1, 99),
    rank=st.integers(0, 7),
    world_size=st.just(8),
    layout=names,
    needs=st.lists(st.integers(0, 7), max_size=8).map(tuple),
    files=st.dictionaries(names, entries, max_size=3),
)


def make(
    rank: int = 0, *, world: int = 2, layout: str = "a", needs: tuple[int, ...] = (0,), **more: object
) -> Manifest:
    fields = {"run_id": "run", "step": 10, "generation": 1, "files": {}, **more}
    return Manifest(rank=rank, world_size=world, layout=layout, needs=needs, **fields)


@given(manifests)
def test_a_manifest_is_read_back_as_it_was(manifest: Manifest) -> None:
    assert Manifest.decode(manifest.encode(), "x") == manifest


@given(manifests, st.data())
def test_no_change_of_one_bit_is_believed(manifest: Manifest, data: st.DataObject) -> None:
    encoded = bytearray(manifest.encode())
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = Manifest.decode(bytes(encoded), "x")
    except Damaged:
        return
    assert found == manifest, "a change that JSON does not see is no change: white space"


@given(manifests, st.data())
def test_no_cut_manifest_is_believed(manifest: Manifest, data: st.DataObject) -> None:
    encoded = manifest.encode()
    with pytest.raises(Damaged, match="rank-3/manifest"):
        Manifest.decode(encoded[: data.draw(st.integers(0, len(encoded) - 1))], "rank-3/manifest.json")


@given(st.lists(st.builds(Save, step=st.integers(0, 10**9), generation=st.integers(1, 99))))
def test_saves_are_found_by_their_names_and_sorted_by_step_and_then_start(saves: list[Save]) -> None:
    assert [Save.parse(save.name) for save in saves] == saves
    assert sorted(saves) == sorted(saves, key=lambda save: (save.step, save.generation))


@pytest.mark.parametrize(
    "name", ["latest.json", "step-1-g1", "step-00000001", "xstep-00000001-g1", "step-00000001-g1.tmp"]
)
def test_other_names_are_no_saves(name: str) -> None:
    assert Save.parse(name) is None


@given(st.lists(st.sets(st.builds(Save, step=st.integers(0, 5), generation=st.integers(1, 2))), min_size=1, max_size=4))
def test_a_save_is_usable_only_if_every_rank_has_it(offers: list[set[Save]]) -> None:
    chosen = newest_first(offers)
    assert set(chosen) == set.intersection(*offers)
    assert chosen == sorted(chosen, reverse=True)


def test_in_place_a_rank_needs_what_its_own_node_wrote() -> None:
    here = {2: make(2, world=4, needs=(2, 3)), 3: make(3, world=4, needs=(2, 3))}
    assert ranks_needed(2, 4, "a", here) == (2, 3)
    assert ranks_needed(2, 4, "a", {2: here[2]}) is None, "its neighbour's part is missing"
    assert ranks_needed(0, 4, "a", here) is None, "a fresh node without the union cannot go on"


@pytest.mark.parametrize(("world", "layout"), [(4, "b"), (2, "a"), (8, "a")])
def test_another_world_or_layout_needs_all_that_was_written(world: int, layout: str) -> None:
    everything = {rank: make(rank, world=4, needs=(rank,)) for rank in range(4)}
    assert ranks_needed(1, world, layout, everything) == (0, 1, 2, 3)
    del everything[3]
    assert ranks_needed(1, world, layout, everything) is None


def test_nothing_is_needed_of_nothing() -> None:
    assert ranks_needed(0, 1, "a", {}) is None


def storage(rank_folder: Path) -> Folder:
    """The run's folder, in which the save's is, in which the rank's is."""
    return Folder(rank_folder.parent.parent)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A save of rank 1 with one file, under tmp_path."""
    folder = tmp_path / "step-00000010-g1" / rank_folder(1)
    folder.mkdir(parents=True)
    (folder / "weights").write_bytes(bytes(range(200)))
    manifest = make(1, needs=(1,), files={"weights": hash_file(Folder(folder), "weights")})
    (folder / MANIFEST).write_bytes(manifest.encode())
    return folder


def test_sound_files_are_accepted(written: Path) -> None:
    verify(storage(written), read_manifest(storage(written), SAVE, 1))


@given(position=st.integers(0, 199), bit=st.integers(0, 7))
def test_any_flipped_bit_of_a_file_is_found(tmp_path_factory: pytest.TempPathFactory, position: int, bit: int) -> None:
    folder = tmp_path_factory.mktemp("save") / "step-00000010-g1" / rank_folder(1)
    folder.mkdir(parents=True)
    data = bytearray(range(200))
    (folder / "weights").write_bytes(data)
    manifest = make(1, files={"weights": hash_file(Folder(folder), "weights")})
    data[position] ^= 1 << bit
    (folder / "weights").write_bytes(data)
    with pytest.raises(Damaged, match="step-00000010-g1/rank-00001/weights does not match its sha256"):
        verify(storage(folder), manifest)


def test_a_cut_file_is_named_with_its_sizes(written: Path) -> None:
    (written / "weights").write_bytes(bytes(150))
    with pytest.raises(Damaged, match="rank-00001/weights has 150 bytes instead of 200"):
        verify(storage(written), read_manifest(storage(written), SAVE, 1))


def test_a_lost_file_is_named(written: Path) -> None:
    (written / "weights").unlink()
    with pytest.raises(Damaged, match="rank-00001/weights cannot be read: No such file"):
        verify(storage(written), read_manifest(storage(written), SAVE, 1))


def test_without_a_manifest_a_save_was_not_finished(written: Path) -> None:
    (written / MANIFEST).unlink()
    with pytest.raises(Damaged, match=r"manifest\.json is missing: the save was not finished"):
        read_manifest(storage(written), SAVE, 1)


def test_a_manifest_in_the_wrong_place_is_not_believed(written: Path) -> None:
    written.rename(written.parent / rank_folder(0))
    with pytest.raises(Damaged, match="is the manifest of rank 1 at step 10"):
        read_manifest(storage(written), SAVE, 0)


def test_another_format_is_refused_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_module, "FORMAT", 1)
    older = make().encode()
    monkeypatch.undo()
    with pytest.raises(Damaged, match="x has format 1 and this version reads format 2 only"):
        Manifest.decode(older, "x")
