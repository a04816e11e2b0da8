"""Channels as datasets: modes, distributions, settings, and what a channel is named by."""

from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.support.training.data_files import make_channel, numbers, open_map, told, world
from training.data import (
    DataError,
    Dataset,
    Files,
    Stream,
    Tar,
    Tokens,
    channel,
    resolve,
)

CHANNELS = import_module("training.data.channel")
"""The package has a function of this name."""


def test_the_ranks_divide_a_replicated_channel(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": numbers(7), "b.jsonl": numbers(6, 7)})
    shares = [list(open_map(environ, world=world(rank, 4), equalise="join")) for rank in range(4)]
    assert sorted(number for share in shares for number in share) == list(range(13))
    dropped = [open_map(environ, world=world(rank, 4)) for rank in range(4)]
    assert [len(dataset) for dataset in dropped] == [3, 3, 3, 3]


def test_each_epoch_has_an_order_of_its_own_and_each_seed_too(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": numbers(50)})
    dataset = open_map(environ)
    first, second = list(dataset), list(dataset)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert list(open_map(environ)) == first
    assert list(open_map(environ, seed=1)) != first
    assert list(open_map(environ, shuffle=False)) == list(range(50))


def test_nodes_that_own_their_files_divide_them_among_local_ranks(tmp_path: Path) -> None:
    owned = {0: numbers(20), 1: numbers(10, 100)}
    bases = {node: tmp_path / f"node{node}" for node in owned}
    environs = {
        node: make_channel(bases[node], {"a.jsonl": content}, S3DistributionType="ShardedByS3Key")
        for node, content in owned.items()
    }

    def read(equalise: str) -> list[list[int]]:
        return [
            list(
                open_map(
                    environs[rank // 2], world=world(rank, 4, 2), equalise=equalise, gather=told([20, 20, 10, 10], 2, 2)
                )
            )
            for rank in range(4)
        ]

    joined = read("join")
    assert [len(share) for share in joined] == [10, 10, 5, 5]
    assert sorted(chain(*joined)) == [*range(20), *range(100, 110)]
    assert [len(share) for share in read("drop")] == [5, 5, 5, 5]
    repeated = read("repeat")
    assert [len(share) for share in repeated] == [10, 10, 10, 10]
    assert sorted(repeated[2] + repeated[3]) == sorted([*range(100, 110)] * 2)


def test_a_node_with_too_little_is_named_on_all_ranks(tmp_path: Path) -> None:
    """If only its own ranks refused, the others would wait for them."""
    environ = make_channel(tmp_path, {"a.jsonl": numbers(20)}, S3DistributionType="ShardedByS3Key")
    with pytest.raises(DataError, match="node 1's part of the channel 'train' has 1 samples for 2 ranks"):
        open_map(environ, world=world(0, 4, 2), gather=told([20, 20, 1, 1], 2, 2))


def test_nodes_that_own_their_files_need_to_hear_of_each_other(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": numbers(20)}, S3DistributionType="ShardedByS3Key")
    with pytest.raises(DataError, match=r"training\.pytorch\.data\.channel brings it"):
        open_map(environ, world=world(0, 2, 1))


def mounted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *places: tuple[Path, str]) -> None:
    """Have the system say that these file systems are mounted, below a root that is a program's, too."""
    lines = ["fuse-overlayfs / fuse.fuse-overlayfs rw 0 0", "proc /proc proc rw 0 0"]
    lines += [f"device {place} {kind} ro,nosuid 0 0" for place, kind in places]
    (tmp_path / "mounts").write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(CHANNELS, "MOUNTS", tmp_path / "mounts")


def test_fast_file_reads_tar_through_and_files_at_any_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SageMaker tells of FastFile as of File: only the mount shows it (tests/recorded/container_files.json)."""
    through = make_channel(tmp_path / "through", {"a.jsonl": numbers(3)}, TrainingInputMode="File")
    anywhere = make_channel(tmp_path / "anywhere", {"a.jpg": b"", "b.jpg": b""}, TrainingInputMode="File")
    mounted(monkeypatch, tmp_path)
    assert resolve("train", through).mode == "File"
    assert isinstance(channel("train", environ=through), Dataset)
    mounted(
        monkeypatch, tmp_path, *((tmp_path / name / "input/data/train", "fuse") for name in ("through", "anywhere"))
    )
    assert resolve("train", through).mode == "FastFile"
    assert isinstance(channel("train", environ=through), Stream)
    assert isinstance(channel("train", environ=anywhere), Dataset)


def test_a_disk_inside_a_mount_is_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": numbers(3)})
    data = tmp_path / "input" / "data"
    mounted(monkeypatch, tmp_path, (data, "fuse.mount-s3"), (data / "train", "ext4"), (data / "other", "fuse"))
    assert resolve("train", environ).mode == "File"
    mounted(monkeypatch, tmp_path, (data, "fuse.mount-s3"), (data / "other", "ext4"))
    assert resolve("train", environ).mode == "FastFile"


def test_a_system_without_a_list_of_mounts_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CHANNELS, "MOUNTS", tmp_path / "none")
    assert resolve("train", make_channel(tmp_path, {"a.jsonl": numbers(3)})).mode == "File"


def test_streams_divide_whole_files_and_then_samples(tmp_path: Path) -> None:
    files = {f"{letter}.jsonl": numbers(6, 10 * place) for place, letter in enumerate("abcde")}
    environ = make_channel(tmp_path, files)
    shares = [
        list(channel("train", environ=environ, stream=True, equalise="join", world=world(rank, 2))) for rank in range(2)
    ]
    assert [len(share) for share in shares] == [15, 15]
    assert sorted(chain(*shares)) == sorted(10 * place + number for place in range(5) for number in range(6))


def test_a_bare_loop_over_a_stream_whose_ranks_may_end_unevenly_is_refused(tmp_path: Path) -> None:
    """Of five samples one rank finds three: with a step for each, it would wait for the other for ever."""
    environ = make_channel(tmp_path, {"a.jsonl": numbers(5)})
    for rank in range(2):
        stream = channel("train", environ=environ, stream=True, world=world(rank, 2))
        with pytest.raises(DataError, match=r"'train' streams, and its 2 ranks may find different numbers of samples"):
            next(iter(stream))
    alone = channel("train", environ=environ, stream=True)
    assert sorted(alone) == list(range(5))
    joined = [channel("train", environ=environ, stream=True, world=world(rank, 2), equalise="join") for rank in (0, 1)]
    assert [len(list(part)) for part in joined] == [3, 2]


def test_a_plain_file_is_called_by_its_place_in_the_channel(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, {}, S3DistributionType="ShardedByS3Key")
    for name in ("cat/1.txt", "dog/1.txt"):
        path = tmp_path / "input" / "data" / "train" / name
        path.parent.mkdir()
        path.write_bytes(b"")
    assert [sample["__key__"] for sample in open_map(environ, shuffle=False)] == ["cat/1", "dog/1"]
    (tmp_path / "input" / "data" / "train" / "dog" / "1.txt").unlink()
    assert [sample["__key__"] for sample in open_map(environ)] == ["cat/1"], "a label must not depend on the others"


def test_unknown_and_empty_channels_are_named(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, {})
    with pytest.raises(DataError, match="the job has no channel 'test'; its channels: train"):
        channel("test", environ=environ)
    with pytest.raises(DataError, match="the channel 'train' is empty"):
        channel("train", environ=environ)
    environ = make_channel(tmp_path, {"a.txt": b""}, TrainingInputMode="Tape")
    with pytest.raises(DataError, match="the input mode 'Tape'; known: File, FastFile, Pipe"):
        channel("train", environ=environ)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"equalise": "drop_last"}, "equalise is 'drop_last'; known: drop, repeat, join"),
        ({"window": 0}, "window is 0 and must be a whole number from 1, or None"),
        ({"window": 2.5}, "window is 2.5 and must be a whole number"),
        ({"seed": None}, "seed is None and must be a whole number"),
        ({"equalise": "repeat", "stream": True}, "how much of it to repeat is not known"),
    ],
)
def test_settings_that_mean_nothing_are_refused(tmp_path: Path, wrong: dict[str, Any], message: str) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": numbers(3)})
    with pytest.raises(DataError, match=message):
        channel("train", environ=environ, **wrong)


@pytest.mark.parametrize("reader", [Tar, "tar"])
def test_a_reader_is_no_class_and_no_name(tmp_path: Path, reader: Any) -> None:
    with pytest.raises(DataError, match=r"and a reader is meant, as Tar\(\)"):
        channel("train", reader, environ=make_channel(tmp_path, {"a.tar": b""}))


def test_a_channel_is_found_by_its_folder_too(tmp_path: Path) -> None:
    """Scripts hand over SM_CHANNEL_TRAIN. Taken as any folder, every node would drop the other nodes' share of it."""
    environ = make_channel(tmp_path, {"a.jsonl": numbers(9)}, S3DistributionType="ShardedByS3Key")
    for name in (str(tmp_path / "input" / "data" / "train"), "train/"):
        assert resolve(name, environ).distribution == "ShardedByS3Key"
        assert resolve(name, environ).name == "train"
    with pytest.raises(DataError, match="a channel has a name, and this one is empty"):
        resolve("", environ)


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": b"1"})
    (tmp_path / "input" / "data" / "train" / "loop").symlink_to(".")
    with pytest.raises(
        DataError, match=r"of the channel 'train' cannot be listed: \S+loop: Too many levels of symbolic"
    ):
        channel("train", environ=environ)


def test_an_empty_file_that_only_marks_something_is_no_data(tmp_path: Path) -> None:
    """Spark writes `_SUCCESS` beside its parts."""
    environ = make_channel(tmp_path, {"_SUCCESS": b"", "a.jsonl": numbers(3), "_b.jsonl": numbers(2, 3)})
    assert sorted(open_map(environ)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("stream", [False, True])
def test_tables_that_no_reader_knows_are_called_plain_files_by_the_first_rank(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], stream: bool
) -> None:
    environ = make_channel(tmp_path, {"a.parquet": b"PAR1", "b.tsv": b"a\tb", "c.TSV": b"", "d.jpg": b""})
    for rank in (0, 1):
        channel("train", environ=environ, world=world(rank, 2), stream=stream)
    assert capfd.readouterr().err == (
        "data: channel train: .parquet, .tsv: no reader knows these, so each file is one sample, its bytes as they "
        "are; for rows make .csv, .jsonl or .tar of them, or say reader=Files()\n"
    )
    channel("train", Files(), environ=environ, stream=stream)
    assert capfd.readouterr().err == ""


def test_too_few_tokens_for_a_block_are_counted(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, {"a.bin": bytes(14), "b.bin": bytes(6)})
    with pytest.raises(
        DataError,
        match=r"'train' has 0 samples \(blocks of 1024 and one more, of 10 tokens in 2 files\) for 2 ranks",
    ):
        channel("train", Tokens(block=1024), environ=environ, world=world(0, 2))


def test_channels_that_were_set_by_hand_are_listed_and_the_nearest_is_named(tmp_path: Path) -> None:
    environ = {"SAGEMAKER_BASE_DIR": str(tmp_path), "SM_CHANNEL_TRAIN": "/a", "SM_CHANNEL_VALIDATION": "/b"}
    with pytest.raises(
        DataError, match=r"no channel 'validaton'; its channels: train, validation; did you mean 'validation'\?$"
    ):
        channel("validaton", environ=environ)
    with pytest.raises(DataError, match=r"no channel 'xyz'; its channels: train, validation$"):
        channel("xyz", environ=environ)
    with pytest.raises(DataError, match=r"no channel 'Train'; its channels: none$"):
        channel("Train", environ={"SAGEMAKER_BASE_DIR": str(tmp_path)})
