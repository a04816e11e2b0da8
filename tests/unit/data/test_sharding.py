"""Who reads what: every sample exactly once an epoch, for any sizes and any number of ranks."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.errors import DataError
from training.data.sharding import Equalise, Order, Permutation, require_enough, share, steps_per_rank, too_large

COUNTS = st.lists(st.integers(min_value=0, max_value=40), min_size=1, max_size=8)
MEMBERS = st.integers(min_value=1, max_value=9)


@given(count=st.integers(min_value=1, max_value=3000), seed=st.integers(0, 2**70), epoch=st.integers(0, 1000))
def test_a_permutation_takes_every_number_once(count: int, seed: int, epoch: int) -> None:
    permutation = Permutation(count, seed=seed, epoch=epoch)
    assert sorted(permutation(place) for place in range(count)) == list(range(count))


def test_permutations_differ_by_seed_and_by_epoch_and_are_no_near_order() -> None:
    orders = {
        tuple(map(Permutation(500, seed=seed, epoch=epoch), range(500))) for seed in range(5) for epoch in range(5)
    }
    assert len(orders) == 25
    for order in orders:
        # A random order has one fixed point on average, and neighbours stay neighbours about twice
        assert sum(place == sample for place, sample in enumerate(order)) < 10
        assert sum(abs(a - b) == 1 for a, b in pairwise(order)) < 15


def test_a_permutation_spreads_each_place_over_all_samples() -> None:
    """Where the first sample of 16 goes in 4800 epochs: 300 times to each place, give or take."""
    seen = [0] * 16
    for epoch in range(4800):
        seen[Permutation(16, seed=3, epoch=epoch)(0)] += 1
    assert min(seen) > 220
    assert max(seen) < 380


@given(
    counts=COUNTS,
    members=MEMBERS,
    epoch=st.integers(0, 5),
    shuffle=st.booleans(),
    window=st.none() | st.integers(min_value=1, max_value=50),
)
def test_all_ranks_together_read_every_sample_exactly_once(
    counts: list[int], members: int, epoch: int, shuffle: bool, window: int | None
) -> None:
    order = Order(counts, seed=7, epoch=epoch, shuffle=shuffle, window=window)
    read = [
        order[place]
        for index in range(members)
        for place in share(sum(counts), index=index, members=members, equalise="join")
    ]
    assert sorted(read) == [(shard, number) for shard, count in enumerate(counts) for number in range(count)]


@given(counts=COUNTS, members=MEMBERS)
def test_drop_gives_equal_shares_and_leaves_out_less_than_one_sample_a_rank(counts: list[int], members: int) -> None:
    total = sum(counts)
    shares = [list(share(total, index=index, members=members, equalise="drop")) for index in range(members)]
    assert len({len(part) for part in shares}) == 1
    read = sorted(place for part in shares for place in part)
    assert read == sorted(set(read))
    assert total - len(read) < members


@given(total=st.integers(min_value=1, max_value=200), members=MEMBERS)
def test_repeat_gives_equal_shares_and_leaves_nothing_out(total: int, members: int) -> None:
    shares = [list(share(total, index=index, members=members, equalise="repeat")) for index in range(members)]
    assert len({len(part) for part in shares}) == 1
    read = [place for part in shares for place in part]
    assert set(read) == set(range(total))
    assert len(read) - total < members


@given(
    total=st.integers(min_value=1, max_value=200),
    before=MEMBERS,
    after=MEMBERS,
    steps=st.integers(min_value=0, max_value=30),
)
def test_another_number_of_ranks_continues_at_the_very_next_sample(
    total: int, before: int, after: int, steps: int
) -> None:
    first = [share(total, index=index, members=before, equalise="drop") for index in range(before)]
    steps = min(steps, len(first[0]))
    consumed = steps * before
    read = [place for part in first for place in list(part)[:steps]]
    rest = [
        place
        for index in range(after)
        for place in share(total, index=index, members=after, consumed=consumed, equalise="join")
    ]
    assert sorted(read + rest) == list(range(total))


@pytest.mark.parametrize(("equalise", "expected"), [("drop", 2), ("repeat", 5), ("join", None)])
def test_nodes_with_files_of_their_own_agree_on_a_number_of_steps(equalise: Equalise, expected: int | None) -> None:
    assert steps_per_rank([10, 5], members=[2, 2], equalise=equalise) == expected


def test_nodes_may_have_different_numbers_of_ranks() -> None:
    assert steps_per_rank([12, 9], members=[4, 2], equalise="drop") == 3
    assert steps_per_rank([12, 9], members=[4, 2], equalise="repeat") == 5


def test_a_window_keeps_reads_near_and_shards_whole() -> None:
    order = Order([100] * 10, seed=1, epoch=0, window=20)
    read = [order[place] for place in range(1000)]
    for start in range(0, 1000, 20):
        window = read[start : start + 20]
        assert len({shard for shard, _ in window}) == 1
        assert max(number for _, number in window) - min(number for _, number in window) == 19
    assert [shard for shard, _ in read[::100]] != sorted(shard for shard, _ in read[::100])


def test_fewer_samples_than_ranks_are_refused() -> None:
    with pytest.raises(DataError, match="the channel has 3 samples for 8 ranks"):
        require_enough("the channel", 3, 8, "drop")
    require_enough("the channel", 3, 8, "repeat")


@pytest.mark.parametrize(
    ("sizes", "members", "large"),
    [
        ([97, 1, 1, 1], 4, {0}),
        ([97, 1, 1, 1], 1, set()),
        ([55, 45], 2, set()),
        ([56, 44], 2, {0}),
        ([115, 95, 95, 95, 100, 100, 100, 100], 8, set()),
        ([0, 0], 2, set()),
        ([5] * 100, 8, set()),
    ],
)
def test_a_file_is_too_large_when_it_leaves_the_others_less_than_nine_tenths_of_a_share(
    sizes: list[int], members: int, large: set[int]
) -> None:
    assert too_large(sizes, members) == large
