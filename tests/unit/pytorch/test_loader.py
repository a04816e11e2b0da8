"""Batches of a channel: an epoch without one is an error, never a loop without an end."""

import io
import json
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
import torch.distributed as dist

from tests.support.training.data_files import make_channel, numbers
from training.data import DataError, Npy, Reader, ShardError, Tokens, World, channel, s3
from training.pytorch import data as pytorch_data
from training.pytorch.data import Loader, _workers_context, flag_device


@pytest.mark.parametrize("stream", [False, True])
def test_an_epoch_without_a_batch_is_an_error(tmp_path: Path, stream: bool) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": numbers(3)})
    loader = Loader(channel("train", environ=environ, stream=stream), 4)
    with pytest.raises(DataError, match="an epoch of the channel 'train' has not one batch of 4 on every rank: take a"):
        list(loader)


@pytest.mark.parametrize("stream", [False, True])
def test_a_run_that_stopped_at_the_last_batch_of_an_epoch_goes_on_with_the_next(tmp_path: Path, stream: bool) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": numbers(5)})
    loader = Loader(channel("train", environ=environ, stream=stream), 2, collate=list)
    for number, _ in enumerate(loader):
        if number == 1:
            break
    state = json.loads(json.dumps(loader.state_dict()))
    resumed = Loader(channel("train", environ=environ, stream=stream), 2, collate=list)
    resumed.load_state_dict(state)
    assert list(resumed) == []
    assert len(list(resumed)) == 2


def test_workers_are_forks_unless_s3_has_threads_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "is_in_use", lambda: False)
    assert _workers_context() is None
    monkeypatch.setattr(s3, "is_in_use", lambda: True)
    assert _workers_context().get_start_method() == "forkserver"


BROKEN = {"a.jsonl": b"0\n1\noops\n3\n"}


@pytest.mark.parametrize("workers", [0, 1])
def test_a_worker_that_cannot_read_says_so_in_the_same_words(tmp_path: Path, workers: int) -> None:
    loader = Loader(channel("train", environ=make_channel(tmp_path, BROKEN)), 2, workers=workers)
    with pytest.raises(ShardError, match=r"^\S+a\.jsonl cannot be read at byte 4: this line is not JSON"):
        list(loader)


@pytest.mark.parametrize("workers", [0, 1])
def test_what_workers_pass_over_is_counted(tmp_path: Path, workers: int) -> None:
    dataset = channel("train", environ=make_channel(tmp_path, BROKEN), skip_unreadable=True)
    batches = list(Loader(dataset, 2, workers=workers, collate=list))
    assert sorted(sample for batch in batches for sample in batch) == [0, 1, 3, 3]
    assert dataset.skipped == 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_run_that_stopped_behind_the_smaller_last_batch_is_at_the_end_of_that_epoch(
    tmp_path: Path, stream: bool
) -> None:
    """Other ranks may have had a full one last, and all of them have to be in the same epoch when they go on."""
    environ = make_channel(tmp_path, {"a.jsonl": numbers(5)})
    loader = Loader(channel("train", environ=environ, stream=stream), 2, collate=list, last="keep")
    states = [loader.state_dict() for _ in loader]
    assert [state["epoch"] for state in states] == [0, 0, 0]
    resumed = Loader(channel("train", environ=environ, stream=stream), 2, collate=list, last="keep")
    resumed.load_state_dict(states[-1])
    assert list(resumed) == []
    assert resumed.state_dict()["epoch"] == 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_rank_without_a_sample_is_no_error_under_join(tmp_path: Path, stream: bool) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": numbers(3)})
    last = World(rank=3, world_size=4, local_rank=3, local_world_size=4)
    found = channel("train", environ=environ, stream=stream, world=last, equalise="join")
    assert list(Loader(found, 2, last="keep")) == []


@pytest.mark.parametrize(
    "wrong",
    [{"batch_size": 0}, {"batch_size": "8"}, {"batch_size": True}, {"workers": -1}, {"workers": 1.0}, {"last": "pad"}],
)
def test_arguments_of_a_loader_that_mean_nothing_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    found = channel("train", environ=make_channel(tmp_path, {"a.jsonl": numbers(3)}))
    ((name, value),) = wrong.items()
    with pytest.raises(DataError, match=f"{name}( is)? {value!r}"):
        Loader(found, **{"batch_size": 1, **wrong})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("reader", "stream"), [(Npy(), False), (Tokens(block=2), False), (Tokens(block=2), True)])
def test_arrays_become_tensors_without_a_warning(tmp_path: Path, reader: Reader, stream: bool) -> None:
    content = io.BytesIO()
    numpy.save(content, numpy.arange(9, dtype=numpy.uint16))
    raw = numpy.arange(9, dtype=numpy.uint16).tobytes()
    files = {"a.npy": content.getvalue()} if isinstance(reader, Npy) else {"a.bin": raw}
    found = channel("train", reader, environ=make_channel(tmp_path, files), stream=stream)
    assert all(batch.is_contiguous() for batch in Loader(found, 2))


@pytest.mark.parametrize(("last", "batches"), [("drop", 2), ("keep", 3)])
def test_a_loader_knows_the_batches_of_an_epoch_also_in_its_middle(tmp_path: Path, last: Any, batches: int) -> None:
    loader = Loader(channel("train", environ=make_channel(tmp_path, {"a.jsonl": numbers(5)})), 2, last=last)
    assert [len(loader) for _ in loader] == [batches] * batches


def test_what_is_read_through_has_no_length(tmp_path: Path) -> None:
    loader = Loader(channel("train", environ=make_channel(tmp_path, {"a.jsonl": numbers(5)}), stream=True), 2)
    with pytest.raises(TypeError, match="the channel 'train' streams"):
        len(loader)
    assert len(list(loader)) == 2


@pytest.mark.parametrize(
    ("backend", "device"), [("nccl", "cuda"), ("smddp", "cuda"), ("gloo", "cpu"), ("cpu:gloo,cuda:nccl", "cpu")]
)
def test_ranks_agree_on_the_device_that_their_backend_takes(
    monkeypatch: pytest.MonkeyPatch, backend: str, device: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(dist, "get_backend", lambda: backend)
    assert flag_device() == torch.device(device)


def test_without_a_gpu_ranks_agree_in_memory_whatever_the_backend_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group that was made without naming one says `undefined`."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(dist, "get_backend", lambda: "undefined")
    assert flag_device() == torch.device("cpu")


@pytest.mark.parametrize(
    ("had_more", "said"),
    [
        ([False, False, False], None),
        ([True, False, False], "because ranks 1, 2 had no more; rank 0 had data left"),
        ([False, *[True] * 7], "because rank 0 had no more; ranks 1, 2, 3, 4 and 3 more had data left"),
    ],
)
def test_the_first_epoch_that_ends_with_data_left_on_a_rank_is_told_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    had_more: list[bool],
    said: str | None,
) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": numbers(5)})
    loader = Loader(channel("train", environ=environ, stream=True), 2)
    list(loader)  # all ranks even
    answers = iter([had_more])
    monkeypatch.setattr(pytorch_data, "_each", lambda _: next(answers, [False]))
    for _ in range(2):
        list(loader)
    warnings = capfd.readouterr().err.splitlines()
    assert len(warnings) == (said is not None)
    if said is not None:
        assert warnings[0].startswith(
            f"data: warning: channel train: the epoch ended after 2 batches {said}, which is left out: "
        )
        assert warnings[0].endswith('equal, read it with stream=False, or use equalise="join"')
