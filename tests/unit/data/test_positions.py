"""Positions in a channel: exact, with any number of ranks, and refused where they would mean other samples."""

import json
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.training.data_files import make_channel, numbers, open_map, told, world
from training.data import DataError, Dataset, Stream, channel
from training.data.sharding import Equalise

FILES = st.lists(st.integers(0, 9) | st.integers(60, 90), min_size=1, max_size=7)
RANKS = st.integers(min_value=1, max_value=5)


def make_files(base: Path, sizes: list[int]) -> dict[str, str]:
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    named = zip(range(len(sizes)), sizes, starts, strict=True)
    return make_channel(base, {f"{place}.jsonl": numbers(size, start) for place, size, start in named})


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("taken", [0, 1, 7, 24, 25, 30])
def test_a_new_dataset_continues_at_the_very_next_sample(tmp_path: Path, stream: bool, taken: int) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": numbers(30), "b.jsonl": numbers(20, 30)})

    def open_it() -> Dataset | Stream:
        equalise: Equalise = "join" if stream else "drop"
        return channel("train", environ=environ, world=world(1, 2), stream=stream, window=8, equalise=equalise)

    def take(dataset: Dataset | Stream, count: int) -> list[Any]:
        taken_samples: list[Any] = []
        while len(taken_samples) < count:
            for sample in dataset:
                taken_samples.append(sample)
                if len(taken_samples) == count:
                    break
        return taken_samples

    undisturbed = take(open_it(), 60)
    first = open_it()
    before = take(first, taken)
    state = json.loads(json.dumps(first.state_dict()))
    second = open_it()
    second.load_state_dict(state)
    assert before + take(second, 60 - taken) == undisturbed


@given(sizes=FILES, ranks=RANKS, stream=st.booleans(), shuffle=st.booleans(), window=st.none() | st.integers(1, 12))
def test_all_ranks_together_read_every_sample_of_any_files_once(
    tmp_path_factory: pytest.TempPathFactory,
    sizes: list[int],
    ranks: int,
    stream: bool,
    shuffle: bool,
    window: int | None,
) -> None:
    environ = make_files(tmp_path_factory.mktemp("files"), [*sizes, 1])
    settings: Any = {"stream": stream, "shuffle": shuffle, "window": window, "equalise": "join"}
    parts = [channel("train", environ=environ, world=world(rank, ranks), **settings) for rank in range(ranks)]
    for _ in range(2):
        assert sorted(chain(*parts)) == list(range(sum(sizes) + 1))


@given(sizes=FILES, groups=st.lists(st.tuples(RANKS, st.integers(0, 3)), min_size=1, max_size=3), last=RANKS)
def test_any_numbers_of_ranks_continue_a_stream_one_after_the_other(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], groups: list[tuple[int, int]], last: int
) -> None:
    """Each group consumes as much on all of its ranks, as between the batches of a loader, and the next takes over."""
    environ = make_files(tmp_path_factory.mktemp("files"), [*sizes, 1])
    read: list[int] = []
    states: list[dict[str, Any]] = []

    def open_group(ranks: int) -> list[Any]:
        found: list[Any] = [
            channel("train", environ=environ, world=world(rank, ranks), stream=True) for rank in range(ranks)
        ]
        for rank, part in enumerate(found if states else []):
            part.load_state_dict(states[rank] if len(states) == ranks else states[0])
        return found

    for ranks, steps in groups:
        parts = open_group(ranks)
        iterators = [part.rest() for part in parts]
        for _ in range(steps):
            taken = [sample for one in iterators for sample in islice(one, 1)]
            if len(taken) < ranks:
                return  # one of them has no more, and a loader stops them all
            read += taken
        states = [json.loads(json.dumps(part.state_dict())) for part in parts]
    rest = chain(*(part.rest() for part in open_group(last)))
    assert sorted([*read, *rest]) == list(range(sum(sizes) + 1))


def test_a_stream_that_another_number_of_ranks_continued_ends_its_epoch_for_all(tmp_path: Path) -> None:
    environ = make_files(tmp_path, [6, 6])
    first = channel("train", environ=environ, world=world(0, 2), stream=True)
    assert isinstance(first, Stream)
    next(first.rest())
    second = channel("train", environ=environ, stream=True).load_state_dict(first.state_dict())
    assert len(list(second)) == 10
    assert sorted(second) == list(range(12))


@pytest.mark.parametrize("stream", [False, True])
def test_a_position_is_refused_for_other_data_or_another_order(tmp_path: Path, stream: bool) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": numbers(10)})
    state = channel("train", environ=environ, stream=stream).state_dict()
    with pytest.raises(DataError, match="with seed 0, not 1"):
        channel("train", environ=environ, stream=stream, seed=1).load_state_dict(state)
    with pytest.raises(DataError, match=r"with stream=(True|False), and this one has"):
        channel("train", environ=environ, stream=not stream).load_state_dict(state)
    make_channel(tmp_path, {"b.jsonl": numbers(1)})
    with pytest.raises(DataError, match="with other files or samples"):
        channel("train", environ=environ, stream=stream).load_state_dict(state)


def test_a_rank_of_a_stream_loads_its_own_position(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": numbers(10)})
    first = channel("train", environ=environ, world=world(0, 2), stream=True)
    assert isinstance(first, Stream)
    next(first.rest())
    with pytest.raises(DataError, match="belongs to part 0 of 2, not 1: every rank has to load its own"):
        channel("train", environ=environ, world=world(1, 2), stream=True).load_state_dict(first.state_dict())


@pytest.mark.parametrize("stream", [False, True])
def test_other_nodes_cannot_continue_an_epoch_in_files_that_each_owns(tmp_path: Path, stream: bool) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": numbers(20)}, S3DistributionType="ShardedByS3Key")

    def open_on(nodes: int) -> Dataset | Stream:
        gather = told([20] * nodes, *[1] * nodes)
        settings: Any = {"equalise": "join" if stream else "drop", "gather": gather}
        return channel("train", environ=environ, world=world(0, nodes, 1), stream=stream, **settings)

    dataset = open_on(2)
    at_the_beginning = dataset.state_dict()
    next(iter(dataset))
    with pytest.raises(DataError, match="with ShardedByS3Key on 2 nodes, not 3"):
        open_on(3).load_state_dict(dataset.state_dict())
    open_on(3).load_state_dict(at_the_beginning)


def test_drop_reads_nothing_twice_when_other_local_ranks_continue(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": numbers(10)}, S3DistributionType="ShardedByS3Key")
    three = [open_map(environ, world=world(rank, 3)) for rank in range(3)]
    read = [next(one) for one in map(iter, three) for _ in range(3)]
    two = [open_map(environ, world=world(rank, 2)).load_state_dict(three[0].state_dict()) for rank in range(2)]
    read += chain(*two)
    assert len(read) == len(set(read))


DAMAGED = {"a.jsonl": b"".join(b"oops\n" if n % 3 == 0 else b"%d\n" % n for n in range(30))}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("taken", [0, 1, 7, 20, 30])
def test_what_was_passed_over_is_counted_on_behind_a_position(tmp_path: Path, stream: bool, taken: int) -> None:
    """A stream reads the beginning of its epoch again, when it goes on too, and must not count that twice."""
    environ = make_channel(tmp_path, DAMAGED)
    undisturbed = channel("train", environ=environ, stream=stream, skip_unreadable=True, window=4)
    for _ in range(3):
        list(undisturbed)
    first = channel("train", environ=environ, stream=stream, skip_unreadable=True, window=4)
    list(islice(chain(first, first), taken))
    second = channel("train", environ=environ, stream=stream, skip_unreadable=True, window=4)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert stream or second.skipped == first.skipped
    for one in (first, second):
        while one.epoch < 3:
            list(one)
    assert first.skipped == second.skipped == undisturbed.skipped == 30


@pytest.mark.parametrize("stream", [False, True])
def test_a_position_without_a_count_is_one_of_an_earlier_version(tmp_path: Path, stream: bool) -> None:
    dataset = channel("train", environ=make_channel(tmp_path, DAMAGED), stream=stream, skip_unreadable=True)
    state = dataset.state_dict()
    del state["skipped"]
    dataset.load_state_dict({**state, "epoch": 2})
    assert (dataset.epoch, dataset.skipped) == (2, 0)


GIANT = {"a.jsonl": numbers(1), "b.jsonl": numbers(97, 1), "c.jsonl": numbers(1, 98), "d.jsonl": numbers(1, 99)}


def open_stream(environ: dict[str, str], rank: int, ranks: int, **settings: Any) -> Stream:
    found = channel("train", environ=environ, world=world(rank, ranks), stream=True, **settings)
    assert isinstance(found, Stream)
    return found


def test_a_file_of_nearly_all_samples_is_divided_among_the_ranks(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, GIANT)
    shares = [list(open_stream(environ, rank, 4).rest()) for rank in range(4)]
    assert sorted(chain(*shares)) == list(range(100))
    assert min(len(share) for share in shares) >= 24


def test_a_position_of_an_earlier_version_is_refused_only_where_files_were_divided_otherwise(tmp_path: Path) -> None:
    def saved(environ: dict[str, str], ranks: int, taken: int) -> dict[str, Any]:
        stream = open_stream(environ, 0, ranks)
        list(islice(stream.rest(), taken))
        return {key: value for key, value in stream.state_dict().items() if key != "by_size"}

    uneven, even = make_channel(tmp_path / "uneven", GIANT), make_files(tmp_path / "even", [9, 9, 9, 9])
    for ranks in (1, 4):
        with pytest.raises(DataError, match="saved by a version that divided files of such unequal size otherwise"):
            open_stream(uneven, 0, ranks).load_state_dict(saved(uneven, 4, 1))
    for environ, ranks, taken in ((uneven, 4, 0), (uneven, 1, 1), (even, 4, 1)):
        assert open_stream(environ, 0, ranks).load_state_dict(saved(environ, ranks, taken)).position == taken
