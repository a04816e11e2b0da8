"""Batches of a channel: an epoch without one is an error, never a loop without an end."""

import json
from pathlib import Path

import pytest

from tests.unit.test_data_channel import make_channel, numbers
from training.data import DataError, channel, s3
from training.pytorch.data import Loader, _workers_context


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
