"""Pipe mode: a pipe for each epoch, counted from the start of the job and not of the run."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.support.training.data_files import make_channel, recordio, world, write_tar
from training.data import DataError, Files, Npy, RecordIO, Stream, Tar, channel, resolve

RECORDS = [b"%d" % number for number in range(10)]


def open_pipe(environ: dict[str, str], **settings: Any) -> Stream:
    stream = channel("train", RecordIO(), environ=environ, **settings)
    assert isinstance(stream, Stream)
    return stream


@contextmanager
def fed(base: Path, content: bytes = recordio(*RECORDS)) -> Iterator[dict[str, str]]:
    """A channel whose pipes are fed as SageMaker does: the next one is there when somebody reads the one before."""
    environ = make_channel(base, {}, TrainingInputMode="Pipe")
    stop = threading.Event()

    def path(number: int) -> Path:
        return base / "input" / "data" / f"train_{number}"

    def feed() -> None:
        for number in count():
            with open(path(number), "wb") as pipe:
                os.mkfifo(path(number + 1))
                if stop.is_set():
                    return
                pipe.write(content)

    os.mkfifo(path(0))
    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    yield environ
    stop.set()
    waiting = max(int(one.name.removeprefix("train_")) for one in path(0).parent.glob("train_*"))
    os.close(os.open(path(waiting), os.O_RDONLY))
    feeder.join(timeout=5)


def test_a_pipe_carries_one_epoch_and_is_divided_among_nodes(tmp_path: Path) -> None:
    with fed(tmp_path) as environ:
        dataset = open_pipe(environ, world=world(1, 2, 1), equalise="join")
        odd = [record for number, record in enumerate(RECORDS) if number % 2 == 1]
        assert sorted(dataset) == odd
        assert sorted(dataset) == odd


def test_a_resumed_job_reads_its_pipes_from_the_first_on(tmp_path: Path) -> None:
    with fed(tmp_path / "first") as environ:
        before = open_pipe(environ, window=4)
        epochs = [list(before) for _ in range(2)]
        begun = iter(before)
        epochs.append([next(begun) for _ in range(3)])
        state = before.state_dict()
        begun.close()  # type: ignore[attr-defined]  # a generator
    with fed(tmp_path / "second") as environ:
        after = open_pipe(environ, window=4).load_state_dict(state)
        assert after.epoch == 2
        assert sorted(epochs[2] + list(after)) == RECORDS


def test_a_process_that_is_restarted_in_place_reads_the_next_pipe(tmp_path: Path) -> None:
    with fed(tmp_path) as environ:
        assert sorted(open_pipe(environ)) == RECORDS
        assert sorted(open_pipe(environ)) == RECORDS


def test_one_tar_behind_the_other_is_read_to_the_end_of_the_pipe(tmp_path: Path) -> None:
    """Each tar says that it is over, and the pipe is not."""
    shards = [write_tar(tmp_path / name, [(f"{name}.txt", name.encode())]).read_bytes() for name in "abc"]
    with fed(tmp_path, b"".join(shards)) as environ:
        assert [sample["txt"] for sample in channel("train", Tar(), environ=environ, shuffle=False)] == [
            b"a",
            b"b",
            b"c",
        ]


def test_what_is_damaged_in_a_pipe_is_passed_over_once(tmp_path: Path) -> None:
    shard = write_tar(tmp_path / "a", [("a.txt", b"a")]).read_bytes()
    with fed(tmp_path, shard + b"garbage" * 1000) as environ:
        found = channel("train", Tar(), environ=environ, skip_unreadable=True)
        assert [sample["txt"] for sample in found] == [b"a"]
        assert found.skipped == 1


def test_what_a_pipe_cannot_do_is_said(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, {}, TrainingInputMode="Pipe")
    with pytest.raises(DataError, match="which the 2 processes of a node cannot share"):
        channel("train", RecordIO(), environ=environ, world=world(0, 2))
    with pytest.raises(DataError, match="say its `reader`"):
        channel("train", environ=environ, world=world(0, 1))
    for reader in (Files(), Npy()):
        with pytest.raises(DataError, match='record_wrapper = "RecordIO"'):
            channel("train", reader, environ=environ)
    with pytest.raises(DataError, match=r"is in Pipe mode, and there is no pipe \S+train_0"):
        list(open_pipe(environ, skip_unreadable=True))


def test_who_wants_files_is_told_which_mode_brings_them(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, {}, TrainingInputMode="Pipe")
    (tmp_path / "input" / "data" / "train").rmdir()
    wanted = (
        "the channel 'train' is in Pipe mode, and this program reads files: set the channel's mode to File or FastFile"
    )
    with pytest.raises(DataError, match=wanted):
        resolve("train", environ).files()
    with pytest.raises(DataError, match=wanted):
        channel("train", RecordIO(), environ=environ, stream=False)


def test_another_number_of_nodes_cannot_continue_a_pipe(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, {}, TrainingInputMode="Pipe")
    state = open_pipe(environ, world=world(0, 2, 1)).state_dict()
    open_pipe(environ, world=world(0, 3, 1)).load_state_dict(state)
    with pytest.raises(DataError, match="belongs to one of 2 nodes, not 3: a pipe is read once"):
        open_pipe(environ, world=world(0, 3, 1)).load_state_dict({**state, "position": 4})
