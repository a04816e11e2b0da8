"""The order of samples in memory: each at most once an epoch, equal batches on all ranks, exact positions."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data import Channel, DataError, World
from training.data.balance import Gather
from training.data.batches import EpochBatches, equal_batches


@given(st.integers(1, 200), st.integers(1, 8), st.integers(1, 5), st.integers(0, 9))
def test_an_epoch_has_each_sample_once_but_for_an_incomplete_batch(
    samples: int, size: int, parts: int, seed: int
) -> None:
    if samples < size * parts:
        with pytest.raises(ValueError, match="do not fill one batch"):
            EpochBatches(samples, batch_size=size, parts=parts)
        return
    ranks = [EpochBatches(samples, batch_size=size, part=part, parts=parts, seed=seed) for part in range(parts)]
    for _ in range(2):
        drawn = numpy.concatenate([next(rank) for _ in range(ranks[0].per_epoch) for rank in ranks])
        assert len(set(drawn.tolist())) == len(drawn)
        assert samples - len(drawn) < size * parts
        assert all(rank.epoch == ranks[0].epoch for rank in ranks)


@given(st.integers(0, 40), st.sampled_from([1, 2, 4]), st.sampled_from([1, 2, 4]))
def test_another_number_of_ranks_goes_on_with_the_same_samples(done: int, before: int, after: int) -> None:
    def ranks(parts: int) -> list[EpochBatches]:
        return [EpochBatches(50, batch_size=8 // parts, part=part, parts=parts, seed=1) for part in range(parts)]

    undisturbed = [{int(one) for rank in [whole] for one in next(rank)} for whole in ranks(1) for _ in range(done + 5)]
    first, second = ranks(before), ranks(after)
    for _ in range(done):
        for rank in first:
            next(rank)
    for rank in second:
        rank.load_state_dict(first[0].state_dict())
    for step in range(done, done + 5):
        assert {int(one) for rank in second for one in next(rank)} == undisturbed[step]


def test_another_batch_goes_on_at_the_very_next_sample() -> None:
    """7 samples are no multiple of 2 batches of 2: nothing of them comes again, and the epoch ends in time."""
    first, second = EpochBatches(20, batch_size=7), EpochBatches(20, batch_size=2, parts=2)
    seen = next(first).tolist()
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    while second.epoch == 0:
        seen += next(second).tolist()
    assert len(seen) == len(set(seen)) == 7 + 2 * 3


def test_a_position_belongs_to_its_seed() -> None:
    state = EpochBatches(20, batch_size=2).state_dict()
    with pytest.raises(ValueError, match="saved with seed 0, and now it is 1"):
        EpochBatches(20, batch_size=2, seed=1).load_state_dict(state)


def test_a_position_in_an_epoch_belongs_to_its_samples() -> None:
    first = EpochBatches(20, batch_size=10)
    EpochBatches(30, batch_size=10).load_state_dict(first.state_dict())
    next(first)
    with pytest.raises(DataError, match="saved with 20 samples, and now there are 30"):
        EpochBatches(30, batch_size=10).load_state_dict(first.state_dict())
    EpochBatches(20, batch_size=5).load_state_dict(first.state_dict())


def divide(samples: int, *, rank: int = 0, channel: Channel | None = None, **settings: Any) -> EpochBatches:
    world = World(rank=rank, world_size=2, local_rank=0, local_world_size=1)
    return equal_batches(samples, channel=channel, world=world, part=0, seed=0, **settings)


def told(*answers: Sequence[int]) -> Gather:
    """What all ranks say: their batches, the ranks of their nodes, their samples, and how many ranks share those."""
    left = iter(answers)
    return lambda _: next(left)


def sharded(tmp_path: Path) -> Channel:
    return Channel(name="train", folder=tmp_path, distribution="ShardedByS3Key")


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (
            (300, 100),
            "data: warning: channel train: samples per node 300, 100; imbalance 50.0 percent; an epoch reads 200 of "
            "400 and leaves out 200: make the objects under the prefix more equal, or their number a multiple of nodes",
        ),
        (
            (100, 101),
            "data: channel train: samples per node 100, 101; imbalance 0.5 percent; an epoch reads 200 of 201 and "
            "leaves out 1",
        ),
        (
            (19, 19),
            "data: warning: channel train: samples per node 19, 19; imbalance 0.0 percent; an epoch reads 20 of 38 "
            "and leaves out 18: take a smaller batch, fewer ranks or more data",
        ),
    ],
)
def test_the_first_rank_says_once_what_nodes_hold_and_an_epoch_leaves_out(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], held: tuple[int, int], said: str
) -> None:
    for rank in range(2):
        gather = told([samples // 10 for samples in held], [1, 1], held, [1, 1])
        batches = divide(held[rank], rank=rank, channel=sharded(tmp_path), batch_size=10, parts=1, gather=gather)
        assert batches.per_epoch == min(held) // 10
    assert capfd.readouterr().err == said + "\n"


def test_nodes_that_all_have_the_same_files_have_nothing_to_compare(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for channel in (None, Channel(name="train", folder=tmp_path)):
        divide(40, channel=channel, batch_size=4, parts=2, gather=lambda own: [own, own])
    assert capfd.readouterr().err == ""


def test_all_ranks_refuse_when_one_has_no_batch() -> None:
    def make(samples: int, counts: list[int]) -> EpochBatches:
        return divide(samples, batch_size=4, parts=2, gather=lambda own: [own, *counts])

    assert make(40, [3, 7]).per_epoch == 3
    with pytest.raises(DataError, match="rank 2 has not one batch of 4 in an epoch, and others have 5"):
        make(40, [5, 0])
    with pytest.raises(DataError, match="7 samples do not fill one batch of 4 on each of 2 ranks"):
        make(7, [5, 5])


def test_epochs_and_seeds_are_shuffled_differently() -> None:
    first, second = EpochBatches(20, batch_size=20, seed=1), EpochBatches(20, batch_size=20, seed=2)
    orders = [tuple(next(first)), tuple(next(first)), tuple(next(second))]
    assert len(set(orders)) == 3
    assert tuple(next(EpochBatches(20, batch_size=20, seed=1))) == orders[0]


def test_a_limit_cuts_every_epoch() -> None:
    batches = EpochBatches(40, batch_size=4)
    batches.limit(3)
    for _ in range(3):
        assert batches.epoch == 0
        next(batches)
    assert batches.epoch == 1


def test_a_batch_needs_a_sample() -> None:
    for wrong in (0, "8", 2.0):
        with pytest.raises(ValueError, match=f"batch_size is {wrong!r} and must be a whole number, 1 or more"):
            EpochBatches(4, batch_size=wrong)
